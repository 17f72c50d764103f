//! The pure `log` part.

pub mod files;
pub mod index;
pub mod locate;
pub mod recovery;
