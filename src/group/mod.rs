//! The pure `group` part.
