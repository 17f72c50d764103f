//! The pure `log` part.
