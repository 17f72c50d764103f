//! Ringlog: a Kafka-compatible broker for Linux. This page is the code map; ARCHITECTURE.md has the picture, the
//! journeys of a produce and a fetch, and what must always hold.
//!
//! Three kinds of code, and a module is exactly one of them.
//!
//! **Pure**: bytes and state machines. No clock, no randomness, no sockets, no files, no async; builds with
//! `--no-default-features`.
//!
//! | to see | look at |
//! | --- | --- |
//! | ids, offsets, epochs, the clock reading; every bound | [`base`], [`base::limits`] |
//! | which APIs are served, in which versions | [`protocol::api`] |
//! | bytes to messages and back | [`protocol::frame`], [`protocol::messages`] |
//! | record batches: checks, stamps, compression | [`protocol::records`] |
//! | one partition's log: appends, reads, what to write next | [`log`], [`log::write_plan`] |
//! | what is valid after a crash | [`log::recovery`] |
//! | who waits for which offset; what may be acknowledged | [`partition`] |
//! | consumer groups and their offsets | [`group`] |
//! | the cluster's state, its changes, all settings | [`metadata`], [`metadata::controller`], [`metadata::config`] |
//!
//! **Edge**: the operating system. Knows nothing of Kafka.
//!
//! | to see | look at |
//! | --- | --- |
//! | executors, sockets, files, memory, zero-copy sends | [`io`] |
//! | queues between threads | [`mesh`] |
//!
//! **Driver**: effects become I/O, completions become events.
//!
//! | to see | look at |
//! | --- | --- |
//! | one core: connections, APIs, partitions, coordinators | [`shard`] |
//! | from a frame to its handler | [`shard::connection`], [`shard::dispatch`] |
//! | the one place where effects become I/O | [`shard::apply`] |
//! | what crosses between cores | [`shard::messages`] |
//! | the metadata log, metrics and health | [`control`] |
//! | settings, recovery, start and stop | [`boot`] |
//! | load for any broker, and what it measured | [`bench`](mod@bench) |
//! | subcommands | [`cli`] |
//!
//! Deliberately absent: replication, transactions, the consumer, share and streams protocols, access control and
//! tiered storage. GAPS.md tells it by API.

#![warn(missing_docs)]

pub mod base;
pub mod group;
pub mod log;
pub mod metadata;
pub mod partition;
pub mod protocol;

#[cfg(feature = "broker")]
pub mod bench;
#[cfg(feature = "broker")]
pub mod boot;
#[cfg(feature = "broker")]
pub mod cli;
#[cfg(feature = "broker")]
pub mod control;
#[cfg(feature = "broker")]
pub mod io;
#[cfg(feature = "broker")]
pub mod mesh;
#[cfg(feature = "broker")]
pub mod shard;
#[cfg(test)]
mod tidy;
