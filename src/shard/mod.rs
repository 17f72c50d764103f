//! The `shard` part.
