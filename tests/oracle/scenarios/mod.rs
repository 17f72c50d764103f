//! What is asked, one module per group of APIs. Each scenario works on topics and groups of its own.

use crate::pair::Pair;

mod api_versions;
mod cluster;
mod configs;
mod fetch;
mod fetch_session;
mod find_coordinator;
mod group_admin;
mod group_membership;
mod group_offsets;
mod group_static;
mod hostile;
mod idempotence;
mod metadata;
mod offsets;
mod partitions;
mod produce;
mod topics;

/// A name, and what is asked under it.
type Scenario = (&'static str, fn(&mut Pair));

/// Every scenario with its name, in the order in which they run: Metadata of all topics comes
/// first, while there are few.
pub const ALL: &[Scenario] = &[
    ("api versions", api_versions::run),
    ("metadata", metadata::run),
    ("topics", topics::run),
    ("partitions", partitions::run),
    ("configs", configs::run),
    ("cluster", cluster::run),
    ("produce", produce::run),
    ("idempotence", idempotence::run),
    ("fetch", fetch::run),
    ("fetch session", fetch_session::run),
    ("offsets", offsets::run),
    ("find coordinator", find_coordinator::run),
    ("group membership", group_membership::run),
    ("group static", group_static::run),
    ("group offsets", group_offsets::run),
    ("group admin", group_admin::run),
    ("hostile", hostile::run),
];
