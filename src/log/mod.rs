//! The pure `log` part.

pub mod locate;
