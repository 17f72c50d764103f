//! The `mesh` part.
