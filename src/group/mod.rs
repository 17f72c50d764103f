//! The group coordinator: membership of classic consumer groups (any protocol type) and committed
//! offsets, as the group coordinator of Kafka 4.3 keeps them.
//!
//! One [`Coordinator`] is one partition of `__consumer_offsets`. It is pure: the driver hands in
//! requests ([`requests`]) with a reading of the clocks, applies what comes out ([`effects`]),
//! reports finished appends and expired timers, and rebuilds the coordinator at start by replaying
//! the partition's records ([`records`]).

mod config;
mod coordinator;
pub mod effects;
pub mod records;
pub mod requests;

pub use config::GroupConfig;
pub use coordinator::{Coordinator, ReplayError, partition_for};
pub use effects::{AppendId, Effect, Effects, GroupRecord, ReplyToken, Response};
