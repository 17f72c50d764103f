//! Produce (key 0), versions 3 to 13.
//!
//! - Versions 0 to 2 are advertised but refused: librdkafka reads them as a sign that it may compress
//!   (KAFKA-18659). The API table says so, dispatch refuses them.
//! - From version 13 topics are named by id (KIP-516): an unknown one is UNKNOWN_TOPIC_ID.
//! - Transactional records in a request without a transactional id refuse all of it.
//! - Each partition is answered for itself, in Kafka's order of checks; `acks` other than -1, 0 and 1 refuses all
//!   that passed the first checks.
//! - A partition that is named twice counts as its last mention says, at its first place; a topic without partitions is
//!   left out.
//! - `acks=0` has no response; if a partition failed, the connection is closed, as Kafka does.
//! - Partitions of other shards leave in one hop, as slices of the frame.

use std::borrow::Cow;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::rc::Rc;
use std::sync::Arc;

use crate::base::{PartitionIndex, ShardId, TopicId, TopicPartition};
use crate::metadata::Topic;
use crate::protocol::ErrorCode;
use crate::protocol::messages::produce::{
    BatchIndexAndErrorMessage, PartitionProduceData, PartitionProduceResponse, ProduceRequest,
    ProduceResponse, TopicProduceData, TopicProduceResponse,
};
use crate::protocol::records::BatchHeader;
use crate::shard::Shard;
use crate::shard::dispatch::Request;
use crate::shard::messages::{Call, ProduceItem, ProduceJob, ProduceResult, Reply};
use crate::shard::response::Response;

/// The client id with which Kafka lets a client write to internal topics.
const ADMIN_CLIENT_ID: &str = "__admin_client";

/// Answers a Produce request. Everything up to the first await has run when dispatch returns, so appends keep the
/// order of their connection.
pub async fn handle(shard: Rc<Shard>, request: Request) -> Response {
    let mut plan = match request.decode::<ProduceRequest<'_>>() {
        Ok(produce) => Plan::build(&shard, &request, &produce),
        Err(error) => return Response::malformed(error),
    };
    let Request { header, frame, .. } = request;
    // The batches are copied or on their way: the frame is not kept while the disk works.
    drop(frame);
    let calls: Vec<_> = std::mem::take(&mut plan.jobs)
        .into_iter()
        .map(|job| (shard.call(job.owner, Call::Produce(job.job)), job.places))
        .collect();
    for (call, places) in calls {
        plan.take_in(call.await, places);
    }
    plan.respond(&header)
}

/// What a request asks, sorted by owner, and what becomes of it.
struct Plan {
    acks: i16,
    topics: Vec<TopicAnswer>,
    results: Vec<Option<ProduceResult>>,
    jobs: Vec<OwnerJob>,
}

struct TopicAnswer {
    name: Arc<str>,
    id: TopicId,
    partitions: Vec<PartitionIndex>,
}

struct OwnerJob {
    owner: ShardId,
    job: ProduceJob,
    /// Where each item's result belongs in [`Plan::results`].
    places: Vec<usize>,
}

impl Plan {
    fn build(shard: &Shard, request: &Request, produce: &ProduceRequest<'_>) -> Plan {
        let mut plan = Plan {
            acks: produce.acks,
            topics: Vec::with_capacity(produce.topic_data.len()),
            results: Vec::new(),
            jobs: Vec::new(),
        };
        let topics = named_once(&produce.topic_data);
        let image = shard.image();
        let refused = produce.transactional_id.is_none() && has_transactional_records(produce);
        for data in topics.iter() {
            let topic = match data.topic_id.is_zero() {
                true => image.topic(data.name),
                false => image.topic_by_id(data.topic_id),
            };
            match refused {
                true => plan.refuse_topic(data),
                false => plan.add_topic(request, data, topic),
            }
        }
        plan
    }

    fn add_topic(
        &mut self,
        request: &Request,
        data: &TopicProduceData<'_>,
        topic: Option<&Arc<Topic>>,
    ) {
        let version = request.header.api_version;
        for partition in &data.partition_data {
            let checked = check(version, self.acks, topic, partition);
            match checked {
                Ok((owner, place)) => {
                    let records = request.slice(partition_records(partition));
                    self.add_item(
                        request,
                        owner,
                        ProduceItem {
                            partition: place,
                            records,
                        },
                    );
                }
                Err(result) => self.results.push(Some(result)),
            }
        }
        let name = topic.map_or_else(|| data.name.into(), |topic| topic.name.clone());
        self.answer_topic(name, data);
    }

    /// Transactional records in a request without a transactional id are nobody's to write.
    fn refuse_topic(&mut self, data: &TopicProduceData<'_>) {
        let refused = ProduceResult::failed(ErrorCode::TransactionalIdAuthorizationFailed);
        let all = data.partition_data.len();
        self.results.extend(std::iter::repeat_n(Some(refused), all));
        self.answer_topic(data.name.into(), data);
    }

    fn answer_topic(&mut self, name: Arc<str>, data: &TopicProduceData<'_>) {
        let indexes = data.partition_data.iter().map(|p| PartitionIndex(p.index));
        self.topics.push(TopicAnswer {
            name,
            id: data.topic_id,
            partitions: indexes.collect(),
        });
    }

    fn add_item(&mut self, request: &Request, owner: ShardId, item: ProduceItem) {
        let place = self.results.len();
        self.results.push(None);
        if let Some(job) = self.jobs.iter_mut().find(|job| job.owner == owner) {
            job.job.items.push(item);
            job.places.push(place);
            return;
        }
        let job = ProduceJob {
            version: request.header.api_version,
            acks: self.acks,
            internal_allowed: request.header.client_id.as_deref() == Some(ADMIN_CLIENT_ID),
            items: vec![item],
        };
        self.jobs.push(OwnerJob {
            owner,
            job,
            places: vec![place],
        });
    }

    fn take_in(&mut self, reply: Option<Reply>, places: Vec<usize>) {
        // An owner that is shutting down gives no results: what is unknown is answered as failed below.
        if let Some(Reply::Produce(results)) = reply {
            for (place, result) in places.into_iter().zip(results) {
                self.results[place] = Some(result);
            }
        }
    }

    fn respond(self, header: &crate::shard::dispatch::Header) -> Response {
        let unknown = || ProduceResult::failed(ErrorCode::NotLeaderOrFollower);
        let results: Vec<ProduceResult> = self
            .results
            .into_iter()
            .map(|result| result.unwrap_or_else(unknown))
            .collect();
        if self.acks == 0 {
            return match results.iter().find(|result| !result.error.is_none()) {
                Some(failed) => Response::close(format!("produce with acks=0: {}", failed.error)),
                None => Response::none(),
            };
        }
        let mut rest = results.iter();
        let responses = self
            .topics
            .iter()
            .map(|topic| TopicProduceResponse {
                name: &topic.name,
                topic_id: topic.id,
                partition_responses: topic
                    .partitions
                    .iter()
                    .zip(rest.by_ref())
                    .map(|(index, result)| partition_response(*index, result))
                    .collect(),
            })
            .collect();
        Response::encode(
            header,
            &ProduceResponse {
                responses,
                ..Default::default()
            },
        )
    }
}

/// Whether every topic has partitions, and nothing is named twice.
fn is_regular(asked: &[TopicProduceData<'_>]) -> bool {
    let mut topics: Vec<_> = asked.iter().map(|t| (t.name, t.topic_id)).collect();
    topics.sort_unstable();
    let has_partitions_once = |topic: &TopicProduceData<'_>| {
        let mut indexes: Vec<_> = topic.partition_data.iter().map(|p| p.index).collect();
        indexes.sort_unstable();
        !indexes.is_empty() && indexes.is_sorted_by(|a, b| a < b)
    };
    topics.is_sorted_by(|a, b| a < b) && asked.iter().all(has_partitions_once)
}

/// The topics and partitions of a request, each once.
fn named_once<'r, 'a>(asked: &'r [TopicProduceData<'a>]) -> Cow<'r, [TopicProduceData<'a>]> {
    if is_regular(asked) {
        return Cow::Borrowed(asked);
    }
    let mut once: Vec<TopicProduceData<'a>> = Vec::new();
    let mut topics = HashMap::new();
    let mut partitions = HashMap::new();
    for topic in asked {
        for partition in &topic.partition_data {
            let key = (topic.name, topic.topic_id);
            let at = *topics.entry(key).or_insert_with(|| {
                once.push(TopicProduceData {
                    name: topic.name,
                    topic_id: topic.topic_id,
                    ..Default::default()
                });
                once.len() - 1
            });
            let data = &mut once[at].partition_data;
            match partitions.entry((key, partition.index)) {
                Entry::Occupied(place) => data[*place.get()] = partition.clone(),
                Entry::Vacant(place) => {
                    place.insert(data.len());
                    data.push(partition.clone());
                }
            }
        }
    }
    Cow::Owned(once)
}

/// The checks that need no log: Kafka's order.
fn check(
    version: i16,
    acks: i16,
    topic: Option<&Arc<Topic>>,
    partition: &PartitionProduceData<'_>,
) -> Result<(ShardId, TopicPartition), ProduceResult> {
    let unknown = match version {
        13.. => ErrorCode::UnknownTopicId,
        _ => ErrorCode::UnknownTopicOrPartition,
    };
    let topic = topic.ok_or_else(|| ProduceResult::failed(unknown))?;
    let place = PartitionIndex(partition.index);
    let owner = topic
        .partition(place)
        .map(|info| info.shard)
        .ok_or_else(|| ProduceResult::failed(ErrorCode::UnknownTopicOrPartition))?;
    if !(-1..=1).contains(&acks) {
        return Err(ProduceResult::failed(ErrorCode::InvalidRequiredAcks));
    }
    Ok((
        owner,
        TopicPartition {
            topic: topic.id,
            partition: place,
        },
    ))
}

/// Whether any batch claims to be part of a transaction.
fn has_transactional_records(produce: &ProduceRequest<'_>) -> bool {
    let partitions = produce
        .topic_data
        .iter()
        .flat_map(|topic| &topic.partition_data);
    partitions
        .filter_map(|partition| BatchHeader::parse(partition_records(partition)).ok())
        .any(|header| header.attributes.is_transactional())
}

fn partition_records<'a>(partition: &PartitionProduceData<'a>) -> &'a [u8] {
    partition.records.map_or(&[], |records| records.inline())
}

fn partition_response<'a>(
    index: PartitionIndex,
    result: &'a ProduceResult,
) -> PartitionProduceResponse<'a> {
    PartitionProduceResponse {
        index: index.get(),
        error_code: result.error.code(),
        base_offset: result.base_offset,
        log_append_time_ms: result.log_append_time_ms,
        log_start_offset: result.log_start_offset,
        record_errors: result
            .record_errors
            .iter()
            .map(|(batch_index, message)| BatchIndexAndErrorMessage {
                batch_index: *batch_index,
                batch_index_error_message: message.as_deref(),
            })
            .collect(),
        error_message: result.message.as_deref(),
        ..Default::default()
    }
}
