//! The pure `metadata` part.
