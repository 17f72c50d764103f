//! Cluster state: the records of the metadata log, the image that they build, and the decisions that
//! make new records.
//!
//! A change begins as a request to [`controller`], which answers as Kafka's controller would and emits
//! [`Record`]s; the control thread writes them to the metadata log, applies them to the [`ClusterImage`]
//! and hands the new image to every shard. Nothing here knows the time, a file or a random number.

mod apply;
pub mod config;
pub mod controller;
mod image;
mod nodes;
mod records;
pub mod topic_name;

#[cfg(test)]
mod tests;

pub use apply::ApplyError;
pub use image::{Broker, ClusterImage, FEATURES, Feature, METADATA_VERSION, PartitionInfo, Topic};
pub use nodes::{Node, Place};
pub use records::{Record, RecordError, fuzz_metadata_record};
