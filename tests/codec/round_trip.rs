//! Every message in every version: random bytes are read and written again, by our codec and, where it
//! knows the version, by the kafka-protocol crate; both must give the same bytes and the same fields.

use std::collections::BTreeSet;
use std::fmt::Debug;

use bytes::{Bytes, BytesMut};
use kafka_protocol::messages;
use kafka_protocol::protocol::{self, Decodable, Encodable};
use ringlog::protocol::Reader;
use ringlog::protocol::catalog::{CATALOG, Entry, Transcoded};

use crate::random;
use crate::schema::{self, Message};
use crate::value::Value;

const SAMPLES: u64 = 24;

/// Calls `check` with each message, each of its versions and some seeds.
pub fn each_sample(mut check: impl FnMut(&Message, &Entry, i16, u64)) {
    for message in schema::load().iter().flat_map(|file| &file.messages) {
        let entry = CATALOG
            .iter()
            .find(|entry| entry.name == message.root.name)
            .expect("every message is in the catalog");
        for version in message.root.versions.all() {
            for seed in 0..SAMPLES {
                check(message, entry, version, seed);
            }
        }
    }
}

fn transcode(entry: &Entry, version: i16, bytes: &[u8]) -> Transcoded {
    let mut r = Reader::new(bytes);
    let read = (entry.transcode)(&mut r, version)
        .unwrap_or_else(|error| panic!("{} v{version}: {error}: {bytes:?}", entry.name));
    assert!(
        r.rest().is_empty(),
        "{} v{version} leaves bytes",
        entry.name
    );
    read
}

#[test]
fn what_is_read_is_written_again() {
    each_sample(|message, entry, version, seed| {
        let bytes = random::message(message, version, seed, false);
        let read = transcode(entry, version, &bytes);
        assert_eq!(
            read.bytes.as_deref(),
            Ok(&*bytes),
            "{} v{version}",
            entry.name
        );
    });
}

#[test]
fn unknown_tagged_fields_are_skipped() {
    each_sample(|message, entry, version, seed| {
        let plain = random::message(message, version, seed, false);
        let tagged = random::message(message, version, seed, true);
        assert_eq!(plain == tagged, !message.is_flexible(version));
        let read = transcode(entry, version, &tagged);
        assert_eq!(
            read.bytes.as_deref(),
            Ok(&*plain),
            "{} v{version}",
            entry.name
        );
    });
}

#[test]
fn the_kafka_protocol_crate_agrees() {
    let mut extra = BTreeSet::new();
    let mut compared = 0;
    each_sample(|message, entry, version, seed| {
        let bytes = random::message(message, version, seed, false);
        let Some((debug, written)) = theirs(entry.name, version, &bytes) else {
            return;
        };
        let place = format!("{} v{version}", entry.name);
        assert_eq!(written, bytes, "{place}: they write what they read");
        let ours = transcode(entry, version, &written);
        let mut more = Vec::new();
        Value::parse(&ours.debug).compare(&Value::parse(&debug), entry.name, &mut more);
        extra.extend(more);
        compared += 1;
    });
    assert!(compared > 200 * SAMPLES, "only {compared} samples compared");
    assert_eq!(Vec::from_iter(&extra), NEWER_FIELDS);
}

/// Fields that Kafka gained after the versions that the crate knows.
const NEWER_FIELDS: [&str; 3] = [
    "ApiVersionsRequest.cluster_id",
    "ApiVersionsRequest.node_id",
    "DeleteGroupsResponse.results.error_message",
];

macro_rules! theirs {
    ($($name:ident)*) => {
        /// What the other codec reads, for people, and writes again; none if it lacks the version.
        fn theirs(name: &str, version: i16, bytes: &[u8]) -> Option<(String, Vec<u8>)> {
            match name {
                $(stringify!($name) => their_transcode::<messages::$name>(version, bytes),)*
                // The records of the group log are no part of the protocol.
                _ => None,
            }
        }
    };
}

theirs! {
    ApiVersionsRequest
    ApiVersionsResponse
    CreatePartitionsRequest
    CreatePartitionsResponse
    CreateTopicsRequest
    CreateTopicsResponse
    DeleteGroupsRequest
    DeleteGroupsResponse
    DeleteTopicsRequest
    DeleteTopicsResponse
    DescribeClusterRequest
    DescribeClusterResponse
    DescribeConfigsRequest
    DescribeConfigsResponse
    DescribeGroupsRequest
    DescribeGroupsResponse
    DescribeTopicPartitionsRequest
    DescribeTopicPartitionsResponse
    FetchRequest
    FetchResponse
    FindCoordinatorRequest
    FindCoordinatorResponse
    HeartbeatRequest
    HeartbeatResponse
    InitProducerIdRequest
    InitProducerIdResponse
    JoinGroupRequest
    JoinGroupResponse
    LeaveGroupRequest
    LeaveGroupResponse
    ListGroupsRequest
    ListGroupsResponse
    ListOffsetsRequest
    ListOffsetsResponse
    MetadataRequest
    MetadataResponse
    OffsetCommitRequest
    OffsetCommitResponse
    OffsetDeleteRequest
    OffsetDeleteResponse
    OffsetFetchRequest
    OffsetFetchResponse
    OffsetForLeaderEpochRequest
    OffsetForLeaderEpochResponse
    ProduceRequest
    ProduceResponse
    SyncGroupRequest
    SyncGroupResponse
    ConsumerProtocolSubscription
    ConsumerProtocolAssignment
}

fn their_transcode<M: protocol::Message + Decodable + Encodable + Debug>(
    version: i16,
    bytes: &[u8],
) -> Option<(String, Vec<u8>)> {
    if !(M::VERSIONS.min..=M::VERSIONS.max).contains(&version) {
        return None;
    }
    let mut input = Bytes::copy_from_slice(bytes);
    let mut output = BytesMut::new();
    let read = M::decode(&mut input, version).expect("they read it");
    assert!(input.is_empty(), "they leave bytes");
    read.encode(&mut output, version).expect("they write it");
    Some((format!("{read:?}"), output.to_vec()))
}
