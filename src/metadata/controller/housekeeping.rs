//! What the broker asks of its own accord: first records, topics made on the way, producer ids.

use super::create_topics::{CreateTopic, create_topics};
use super::{ApiError, Outcome};
use crate::base::limits::PRODUCER_ID_BLOCK;
use crate::base::{ProducerId, TopicId};
use crate::metadata::config::BrokerConfig;
use crate::metadata::image::{Broker, ClusterImage, FEATURES};
use crate::metadata::records::Record;
use crate::metadata::topic_name;
use crate::protocol::ErrorCode;

/// The records that a node writes when it starts, if it must: the cluster's id the first time, the node
/// itself when it is reached elsewhere than before, features that this release runs at.
pub fn bootstrap(image: &ClusterImage, cluster_id: &str, broker: Broker) -> Vec<Record> {
    let mut records = Vec::new();
    if image.cluster_id().is_empty() {
        records.push(Record::ClusterId {
            id: cluster_id.to_owned(),
        });
    }
    if image.broker(broker.id) != Some(&broker) {
        records.push(Record::Broker(broker));
    }
    for feature in FEATURES {
        let level = feature.max_level;
        if image.features().get(feature.name) != Some(&level) {
            records.push(Record::Feature {
                name: feature.name.to_owned(),
                level,
            });
        }
    }
    records
}

/// A topic that was asked for by name: there now, or why not.
pub type AutoCreated = (String, Result<(), ApiError>);

/// Makes the topics that are not there yet, with the broker's defaults; `__consumer_offsets` with its own
/// settings. Those of coordinators that are not there are refused. `ids` are fresh random ids, one for each
/// name; `shards` is how many shards the node has.
///
/// Whether topics may be made on the way (`auto.create.topics.enable`, the client's own wish) is for the
/// caller to know. Names must differ.
pub fn auto_create(
    image: &ClusterImage,
    names: &[&str],
    shards: u16,
    ids: &[TopicId],
) -> Outcome<Vec<AutoCreated>> {
    let (reserved, free): (Vec<&str>, Vec<&str>) = names
        .iter()
        .filter(|name| image.topic(name).is_none())
        .partition(|name| is_reserved(name));
    let missing: Vec<CreateTopic> = free
        .into_iter()
        .map(|name| topic_of_its_own(name, image))
        .collect();
    let Outcome { result, records } = create_topics(image, &missing, false, shards, ids);
    let there = names.iter().filter(|name| image.topic(name).is_some());
    let mut answers: Vec<AutoCreated> = there.map(|name| ((*name).to_owned(), Ok(()))).collect();
    answers.extend(
        result
            .into_iter()
            .map(|(name, created)| (name, created.map(|_| ()))),
    );
    let refusal = ApiError::bare(ErrorCode::InvalidTopicException);
    answers.extend(
        reserved
            .into_iter()
            .map(|name| (name.to_owned(), Err(refusal.clone()))),
    );
    Outcome {
        result: answers,
        records,
    }
}

/// Topics that only their coordinators may make, with settings of their own.
fn is_reserved(name: &str) -> bool {
    matches!(
        name,
        topic_name::TRANSACTION_STATE | topic_name::SHARE_GROUP_STATE
    )
}

fn topic_of_its_own(name: &str, image: &ClusterImage) -> CreateTopic {
    match name {
        topic_name::CONSUMER_OFFSETS => consumer_offsets(image.settings(), image.brokers().len()),
        _ => CreateTopic {
            name: name.to_owned(),
            num_partitions: -1,
            replication_factor: -1,
            assignments: Vec::new(),
            configs: Vec::new(),
        },
    }
}

/// `offsets.topic.replication.factor` is 3 by default, which Kafka refuses to make on one node; here it
/// is as many as there are, up to that.
fn consumer_offsets(settings: &BrokerConfig, brokers: usize) -> CreateTopic {
    let brokers = i16::try_from(brokers).unwrap_or(i16::MAX);
    let config = |name: &str, value: String| (name.to_owned(), Some(value));
    CreateTopic {
        name: topic_name::CONSUMER_OFFSETS.to_owned(),
        num_partitions: settings.offsets_topic_num_partitions,
        replication_factor: settings
            .offsets_topic_replication_factor
            .min(brokers)
            .max(1),
        assignments: Vec::new(),
        configs: vec![
            config("cleanup.policy", "compact".to_owned()),
            config("compression.type", "producer".to_owned()),
            config(
                "segment.bytes",
                settings.offsets_topic_segment_bytes.to_string(),
            ),
        ],
    }
}

/// Producer ids for one shard to hand out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ProducerIdBlock {
    /// The first id.
    pub first: ProducerId,
    /// How many.
    pub len: i64,
}

/// Takes the next block of producer ids; none once all 63 bits are used.
pub fn allocate_producer_ids(image: &ClusterImage) -> Option<Outcome<ProducerIdBlock>> {
    let first = image.next_producer_id();
    let next = ProducerId(first.get().checked_add(PRODUCER_ID_BLOCK)?);
    Some(Outcome {
        result: ProducerIdBlock {
            first,
            len: PRODUCER_ID_BLOCK,
        },
        records: vec![Record::ProducerIds { next }],
    })
}
