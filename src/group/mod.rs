//! The group coordinator: membership of classic consumer groups (any protocol type) and committed
//! offsets, as the group coordinator of Kafka 4.3 keeps them.
//!
//! One [`Coordinator`] is one partition of `__consumer_offsets`. It is pure: the driver hands in
//! requests ([`requests`]) with a reading of the clocks, applies what comes out ([`effects`]),
//! reports finished appends and expired timers, and rebuilds the coordinator at start by replaying
//! the partition's records ([`records`]).
//!
//! Deliberately absent: the consumer, share and streams protocols (their records are passed over
//! at replay), and transactional offset commits.

mod appends;
mod classic_group;
mod commit;
mod config;
mod coordinator;
mod cursor;
mod deletion;
mod describe;
pub mod effects;
mod join;
mod member;
mod membership;
mod offset_fetch;
mod offsets;
mod rebalance;
pub mod records;
mod replay;
pub mod requests;
mod sync;
mod timers;

#[cfg(test)]
mod tests;

pub use config::GroupConfig;
pub use coordinator::{Coordinator, partition_for};
pub use describe::ListFilter;
pub use effects::{AppendId, Effect, Effects, GroupRecord, ReplyToken, Response};
pub use records::ReplayError;
