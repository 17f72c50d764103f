//! Fetch (key 1), versions 4 to 18.
//!
//! - Incremental sessions (KIP-227) from version 7, see [`fetch_session`](crate::shard::fetch_session).
//! - Topics are named by id from version 13 (KIP-516).
//! - Long polling: the answer waits for `min_bytes` until `max_wait_ms`, but never with an error in hand.
//! - `max_bytes` and `partition_max_bytes` bound the answer, except that the first batch of the first partition
//!   with data is sent whole (KIP-74).
//! - Version 12 reports a diverging epoch (KIP-595) when the client says which epoch it fetched last.
//! - There are no followers on one node: a fetch in a replica's name is NOT_LEADER_OR_FOLLOWER.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::task::Poll;

use crate::base::{
    LeaderEpoch, MonoMs, NodeId, Offset, PartitionIndex, ShardId, TopicId, TopicPartition,
};
use crate::metadata::ClusterImage;
use crate::protocol::messages::fetch::{
    EpochEndOffset, FetchRequest, FetchResponse, FetchTopic, FetchableTopicResponse,
    ForgottenTopic, LeaderIdAndEpoch, PartitionData,
};
use crate::protocol::{ErrorCode, Records};
use crate::shard::Shard;
use crate::shard::calls::Pending;
use crate::shard::dispatch::{Header, Request};
use crate::shard::fetch_session::{
    Context, FetchOutcome, FetchParams, PartitionKey, TopicKey, Wanted,
};
use crate::shard::messages::{Call, FetchItem, FetchJob, FetchPart, FetchResult, Reply, WatchJob};
use crate::shard::response::Response;

/// Answers a Fetch request.
pub async fn handle(shard: Rc<Shard>, request: Request) -> Response {
    let header = request.header.clone();
    let asked = match request.decode::<FetchRequest<'_>>() {
        Ok(fetch) => Asked::begin(&shard, &header, &fetch),
        Err(error) => return Response::malformed(error),
    };
    drop(request);
    match asked {
        Ok(mut asked) => {
            asked.read(&shard).await;
            asked.respond(&shard, &header)
        }
        Err(error) => Response::encode(&header, &session_error(error, 0)),
    }
}

/// A request's partitions, in the order in which they are served.
struct Asked {
    context: Context,
    uses_ids: bool,
    read_committed: bool,
    deadline: MonoMs,
    min_bytes: usize,
    max_bytes: usize,
    parts: Vec<AskedPart>,
}

struct AskedPart {
    wanted: Wanted,
    place: Result<Place, ErrorCode>,
    answer: Option<FetchPart>,
}

#[derive(Clone, Copy)]
struct Place {
    owner: ShardId,
    partition: TopicPartition,
}

impl Asked {
    fn begin(shard: &Shard, header: &Header, fetch: &FetchRequest<'_>) -> Result<Asked, ErrorCode> {
        let uses_ids = header.api_version >= 13;
        let now = shard.now().mono;
        let (context, wanted) = shard.sessions.borrow_mut().begin(
            now,
            fetch.session_id,
            fetch.session_epoch,
            uses_ids,
            wanted(uses_ids, &fetch.topics),
            &forgotten(uses_ids, &fetch.forgotten_topics_data),
        )?;
        let image = shard.image();
        let follower = fetch.replica_id >= 0 || fetch.replica_state.replica_id >= 0;
        let max_bytes = fetch.max_bytes.min(shard.config.fetch_max_bytes).max(0) as usize;
        let mut asked = Asked {
            context,
            uses_ids,
            read_committed: fetch.isolation_level == 1,
            deadline: now.plus_ms(fetch.max_wait_ms.max(0).into()),
            min_bytes: (fetch.min_bytes.max(0) as usize).min(max_bytes),
            max_bytes,
            parts: Vec::with_capacity(wanted.len()),
        };
        let (mut erroneous, mut interesting) = (Vec::new(), Vec::new());
        for mut wanted in wanted {
            let place = locate(&image, &mut wanted, follower);
            let part = AskedPart {
                wanted,
                place,
                answer: None,
            };
            if part.place.is_ok() {
                interesting.push(part)
            } else {
                erroneous.push(part)
            }
        }
        if erroneous.iter().any(AskedPart::is_misdirected) {
            asked.deadline = now;
        }
        asked.parts = interesting;
        asked.parts.append(&mut erroneous);
        Ok(asked)
    }

    /// Reads until there is enough, or nothing more to wait for.
    async fn read(&mut self, shard: &Rc<Shard>) {
        let owners = self.by_owner();
        match owners.as_slice() {
            [] => {}
            [(owner, places)] => {
                let job = self.job(places, Some(self.deadline));
                let reply = shard.call(*owner, Call::Fetch(job)).await;
                self.take_in(reply, places);
            }
            _ => self.read_from_several(shard, &owners).await,
        }
        self.trim();
    }

    /// Reads from every owner at once; while that is too little, waits for news of any of them and reads again.
    async fn read_from_several(&mut self, shard: &Rc<Shard>, owners: &[(ShardId, Vec<usize>)]) {
        loop {
            let calls: Vec<_> = owners
                .iter()
                .map(|(owner, places)| shard.call(*owner, Call::Fetch(self.job(places, None))))
                .collect();
            for (call, (_, places)) in calls.into_iter().zip(owners) {
                let reply = call.await;
                self.take_in(reply, places);
            }
            if self.is_satisfied() || shard.now().mono >= self.deadline {
                return;
            }
            let watches = owners
                .iter()
                .map(|(owner, places)| shard.call(*owner, Call::Watch(self.watch(places))))
                .collect();
            first_of(watches).await;
        }
    }

    fn by_owner(&self) -> Vec<(ShardId, Vec<usize>)> {
        let mut owners: Vec<(ShardId, Vec<usize>)> = Vec::new();
        for (index, part) in self.parts.iter().enumerate() {
            let Ok(place) = part.place else { continue };
            match owners.iter_mut().find(|(owner, _)| *owner == place.owner) {
                Some((_, places)) => places.push(index),
                None => owners.push((place.owner, vec![index])),
            }
        }
        owners
    }

    fn job(&self, places: &[usize], deadline: Option<MonoMs>) -> FetchJob {
        let items = places
            .iter()
            .filter_map(|&index| {
                let part = &self.parts[index];
                let place = part.place.ok()?;
                Some(FetchItem {
                    partition: place.partition,
                    offset: Offset(part.wanted.params.fetch_offset),
                    max_bytes: part.wanted.params.max_bytes.max(0) as usize,
                    current_leader_epoch: part.wanted.params.current_leader_epoch,
                    last_fetched_epoch: part.wanted.params.last_fetched_epoch,
                })
            })
            .collect();
        FetchJob {
            items,
            max_bytes: self.max_bytes,
            min_bytes: self.min_bytes,
            deadline,
            read_committed: self.read_committed,
        }
    }

    fn watch(&self, places: &[usize]) -> WatchJob {
        let seen = places
            .iter()
            .filter_map(|&index| {
                let part = &self.parts[index];
                let high_watermark = part.answer.as_ref()?.high_watermark;
                Some((part.place.ok()?.partition, Offset(high_watermark)))
            })
            .collect();
        WatchJob {
            seen,
            deadline: self.deadline,
        }
    }

    fn take_in(&mut self, reply: Option<Reply>, places: &[usize]) {
        let parts = match reply {
            Some(Reply::Fetch(FetchResult { parts })) => parts,
            // The owner is shutting down.
            _ => places
                .iter()
                .map(|_| FetchPart::failed(ErrorCode::NotLeaderOrFollower))
                .collect(),
        };
        for (&index, part) in places.iter().zip(parts) {
            self.parts[index].answer = Some(part);
        }
    }

    fn is_satisfied(&self) -> bool {
        let answers = || self.parts.iter().filter_map(|part| part.answer.as_ref());
        let bytes: usize = answers().map(|part| part.record_bytes).sum();
        bytes >= self.min_bytes
            || answers().any(|part| !part.error.is_none() || part.diverging.is_some())
    }

    /// Owners read without knowing of each other: what exceeds the request's bound together is not sent.
    fn trim(&mut self) {
        let mut sent = 0;
        for part in &mut self.parts {
            let partition_max_bytes = part.wanted.params.max_bytes.max(0) as usize;
            let Some(part) = part.answer.as_mut() else {
                continue;
            };
            // Each owner sends its first batch whole; only the first of all is due that.
            let bound = partition_max_bytes.min(self.max_bytes.saturating_sub(sent));
            if sent > 0 && part.record_bytes > bound {
                part.pieces.clear();
                part.record_bytes = 0;
            }
            sent += part.record_bytes;
        }
    }

    fn respond(mut self, shard: &Shard, header: &Header) -> Response {
        let image = shard.image();
        for part in &mut self.parts {
            if let Err(error) = part.place {
                let leader = match error {
                    ErrorCode::NotLeaderOrFollower => leader_of(&image, &part.wanted.key),
                    _ => None,
                };
                part.answer = Some(FetchPart {
                    unread: !part.is_misdirected(),
                    leader,
                    ..FetchPart::failed(error)
                });
            }
        }
        let outcomes: Vec<_> = self
            .parts
            .iter()
            .map(|part| (part.wanted.clone(), outcome(part.answer.as_ref())))
            .collect();
        let now = shard.now().mono;
        let finished =
            shard
                .sessions
                .borrow_mut()
                .finish(now, self.context, self.uses_ids, &outcomes);
        let (session_id, sent) = match (finished, self.context) {
            (Ok(finished), _) => finished,
            (Err(error), Context::Incremental { id, .. }) => {
                return Response::encode(header, &session_error(error, id));
            }
            (Err(error), _) => return Response::encode(header, &session_error(error, 0)),
        };
        self.encode(header, session_id, &sent)
    }

    fn encode(mut self, header: &Header, session_id: i32, sent: &[bool]) -> Response {
        let mut payload = Vec::new();
        for (part, _) in self.parts.iter_mut().zip(sent).filter(|(_, sent)| **sent) {
            if let Some(answer) = &mut part.answer {
                payload.append(&mut answer.pieces);
            }
        }
        let mut responses: Vec<FetchableTopicResponse<'_>> = Vec::new();
        for (part, _) in self.parts.iter().zip(sent).filter(|(_, sent)| **sent) {
            let Some(answer) = &part.answer else { continue };
            let (key, partition) = &part.wanted.key;
            let (topic, id) = match key {
                TopicKey::Id(id) => ("", *id),
                TopicKey::Name(name) => (&**name, TopicId::ZERO),
            };
            let data = partition_data(header.api_version, *partition, answer, self.read_committed);
            match responses.last_mut() {
                Some(last) if last.topic == topic && last.topic_id == id => {
                    last.partitions.push(data);
                }
                _ => responses.push(FetchableTopicResponse {
                    topic,
                    topic_id: id,
                    partitions: vec![data],
                }),
            }
        }
        let response = FetchResponse {
            session_id,
            responses,
            ..Default::default()
        };
        Response::encode_with(header, &response, payload)
    }
}

fn session_error(error: ErrorCode, session_id: i32) -> FetchResponse<'static> {
    FetchResponse {
        error_code: error.code(),
        session_id,
        ..Default::default()
    }
}

fn topic_key(uses_ids: bool, name: &str, id: TopicId) -> TopicKey {
    if uses_ids {
        TopicKey::Id(id)
    } else {
        TopicKey::Name(name.into())
    }
}

fn wanted(uses_ids: bool, topics: &[FetchTopic<'_>]) -> Vec<Wanted> {
    let mut wanted = Vec::new();
    for topic in topics {
        let key = topic_key(uses_ids, topic.topic, topic.topic_id);
        wanted.extend(topic.partitions.iter().map(|partition| Wanted {
            key: (key.clone(), partition.partition),
            params: FetchParams {
                fetch_offset: partition.fetch_offset,
                max_bytes: partition.partition_max_bytes,
                current_leader_epoch: partition.current_leader_epoch,
                last_fetched_epoch: partition.last_fetched_epoch,
            },
            name: None,
        }));
    }
    wanted
}

fn forgotten(uses_ids: bool, topics: &[ForgottenTopic<'_>]) -> Vec<PartitionKey> {
    topics
        .iter()
        .flat_map(|topic| {
            let key = topic_key(uses_ids, topic.topic, topic.topic_id);
            topic
                .partitions
                .iter()
                .map(move |partition| (key.clone(), *partition))
        })
        .collect()
}

impl AskedPart {
    /// Whether it is refused by what would read it, and not for want of a topic: that is told without waiting.
    fn is_misdirected(&self) -> bool {
        matches!(
            self.place,
            Err(ErrorCode::NotLeaderOrFollower | ErrorCode::InconsistentTopicId)
        )
    }
}

/// What is told of an id that no topic has, by the name that it once had.
fn of_no_topic(image: &ClusterImage, name: Option<&str>) -> ErrorCode {
    match name {
        None => ErrorCode::UnknownTopicId,
        Some(name) if image.topic(name).is_some() => ErrorCode::InconsistentTopicId,
        Some(_) => ErrorCode::UnknownTopicOrPartition,
    }
}

/// Who owns a partition. A session goes by the name that a topic's id once had, as Kafka's does.
fn locate(image: &ClusterImage, wanted: &mut Wanted, follower: bool) -> Result<Place, ErrorCode> {
    let (key, partition) = &wanted.key;
    let topic = match key {
        TopicKey::Id(id) => match image.topic_by_id(*id) {
            Some(topic) => {
                wanted.name.get_or_insert_with(|| topic.name.clone());
                topic
            }
            None => return Err(of_no_topic(image, wanted.name.as_deref())),
        },
        TopicKey::Name(name) => match image.topic(name) {
            Some(topic) => topic,
            None => return Err(ErrorCode::UnknownTopicOrPartition),
        },
    };
    let partition = PartitionIndex(*partition);
    match topic.partition(partition) {
        None => Err(ErrorCode::UnknownTopicOrPartition),
        Some(_) if follower => Err(ErrorCode::NotLeaderOrFollower),
        Some(info) => Ok(Place {
            owner: info.shard,
            partition: TopicPartition {
                topic: topic.id,
                partition,
            },
        }),
    }
}

fn outcome(answer: Option<&FetchPart>) -> FetchOutcome {
    answer.map_or(
        FetchOutcome {
            record_bytes: 0,
            high_watermark: -1,
            log_start_offset: -1,
            failed: true,
            diverging: false,
        },
        |part| FetchOutcome {
            record_bytes: part.record_bytes,
            high_watermark: part.high_watermark,
            log_start_offset: part.log_start_offset,
            failed: !part.error.is_none(),
            diverging: part.diverging.is_some(),
        },
    )
}

/// A partition's place in the answer; its records stay where they are.
pub fn partition_data(
    version: i16,
    index: i32,
    part: &FetchPart,
    read_committed: bool,
) -> PartitionData<'static> {
    let error = match part.error {
        // Clients of version 5 and older would not retry a storage error.
        ErrorCode::KafkaStorageError if version <= 5 => ErrorCode::NotLeaderOrFollower,
        other => other,
    };
    PartitionData {
        partition_index: index,
        error_code: error.code(),
        high_watermark: part.high_watermark,
        last_stable_offset: part.last_stable_offset,
        log_start_offset: part.log_start_offset,
        diverging_epoch: part
            .diverging
            .map_or_else(EpochEndOffset::default, |(epoch, end)| EpochEndOffset {
                epoch: epoch.get(),
                end_offset: end.get(),
            }),
        current_leader: current_leader(version, part),
        aborted_transactions: (part.unread || (read_committed && part.error.is_none()))
            .then(Vec::new),
        records: Some(Records::External {
            len: part.record_bytes,
        }),
        ..Default::default()
    }
}

/// A partition's leader and its epoch.
fn leader_of(
    image: &ClusterImage,
    (key, partition): &PartitionKey,
) -> Option<(NodeId, LeaderEpoch)> {
    let topic = match key {
        TopicKey::Id(id) => image.topic_by_id(*id),
        TopicKey::Name(name) => image.topic(name),
    };
    let info = topic?.partition(PartitionIndex(*partition))?;
    Some((image.leader_node(info), info.leader_epoch))
}

/// From version 16 on, whoever asked the wrong replica is told the right one (KIP-951).
fn current_leader(version: i16, part: &FetchPart) -> LeaderIdAndEpoch {
    match part.leader {
        Some((leader, epoch)) if version >= 16 => LeaderIdAndEpoch {
            leader_id: leader.get(),
            leader_epoch: epoch.get(),
        },
        _ => LeaderIdAndEpoch::default(),
    }
}

/// Completes when the first of the calls does; the others are cancelled.
async fn first_of(mut calls: Vec<Pending>) {
    poll_fn(|cx| {
        match calls
            .iter_mut()
            .any(|call| Pin::new(call).poll(cx).is_ready())
        {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    })
    .await
}
