//! The `control` part.
