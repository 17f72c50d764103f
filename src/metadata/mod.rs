//! Cluster state: the records of the metadata log, the image that they build, and the decisions that
//! make new records.
//!
//! A change begins as a request to `controller`, which answers as Kafka's controller would and emits
//! records; the control thread writes them to the metadata log, applies them to the cluster image
//! and hands the new image to every shard. Nothing here knows the time, a file or a random number.

pub mod config;
