//! The `io` part.
