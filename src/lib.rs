//! Ringlog: a Kafka-compatible broker for Linux. This page is the code map.
//!
//! Three kinds of code, and a module is exactly one of them.
//!
//! **Pure** (bytes and state machines: no clock, no sockets, no files, no async; builds with
//! `--no-default-features`): [`base`], [`protocol`], [`log`], [`partition`], [`group`], [`metadata`].

#![warn(missing_docs)]

pub mod base;
pub mod group;
pub mod log;
pub mod metadata;
pub mod partition;
pub mod protocol;

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
