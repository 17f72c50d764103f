//! The pure `partition` part.
