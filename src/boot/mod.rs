//! The `boot` part.
