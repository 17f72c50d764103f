//! A coordinator with a log that a test can hold up or fail, and short names for requests.

mod administration;
mod joining;
mod offsets;
mod random;
mod rebalancing;
mod static_members;

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;

use super::effects::*;
use super::requests::*;
use super::*;
use crate::base::{
    GenerationId, LeaderEpoch, MonoMs, Now, Offset, PartitionIndex, TimestampMs, TopicId,
};
use crate::protocol::ErrorCode;

const SESSION_MS: i32 = 10_000;
const REBALANCE_MS: i32 = 30_000;
const DELAY_MS: u64 = 3_000;
/// A new group's joining, when members come at once: the delay, and once more for the later ones.
const JOINING_MS: u64 = 2 * DELAY_MS;

/// A coordinator, its clock, its log, and the replies that came.
struct Desk {
    coordinator: Coordinator,
    now: Now,
    /// What is durable.
    log: Vec<GroupRecord>,
    /// Whether appends are durable at once; else they wait for [`Desk::land`] or [`Desk::fail`].
    is_prompt: bool,
    in_flight: BTreeMap<AppendId, Vec<GroupRecord>>,
    asked: BTreeSet<ReplyToken>,
    replies: BTreeMap<ReplyToken, Response>,
    uuids: u8,
}

impl Desk {
    fn new() -> Desk {
        Desk::with(GroupConfig::default())
    }

    fn with(config: GroupConfig) -> Desk {
        let mut desk = Desk {
            coordinator: Coordinator::new(config),
            now: Now {
                wall: TimestampMs(1_000_000),
                mono: MonoMs(0),
            },
            log: Vec::new(),
            is_prompt: true,
            in_flight: BTreeMap::new(),
            asked: BTreeSet::new(),
            replies: BTreeMap::new(),
            uuids: 0,
        };
        desk.run(|c, now, out| c.on_loaded(now, out));
        desk
    }

    /// Another coordinator with what is durable in this one's log.
    fn restarted(&self, config: GroupConfig) -> Desk {
        let mut desk = Desk::with(config.clone());
        desk.now = self.now;
        desk.log = self.log.clone();
        desk.coordinator = Coordinator::new(config);
        for record in &self.log {
            let replayed = desk
                .coordinator
                .replay(&record.key, record.value.as_deref());
            assert_eq!(replayed, Ok(()));
        }
        desk.run(|c, now, out| c.on_loaded(now, out));
        desk
    }

    fn run(&mut self, event: impl FnOnce(&mut Coordinator, Now, &mut Effects)) {
        let mut out = Effects::new();
        event(&mut self.coordinator, self.now, &mut out);
        for effect in out {
            match effect {
                Effect::Reply { token, response } => {
                    assert!(self.asked.contains(&token), "a reply to nobody");
                    let before = self.replies.insert(token, response);
                    assert_eq!(before, None, "a second reply");
                }
                Effect::Append { append_id, records } => {
                    assert!(!records.is_empty());
                    self.in_flight.insert(append_id, records);
                }
            }
        }
        self.coordinator.invariants();
        self.coordinator.liveness_invariants();
        if self.is_prompt {
            self.land();
        }
    }

    /// Makes durable what is in flight.
    fn land(&mut self) {
        while let Some((append_id, records)) = self.in_flight.pop_first() {
            self.log.extend(records);
            self.run(|c, now, out| c.on_appended(now, append_id, Ok(()), out));
        }
    }

    /// Fails what is in flight.
    fn fail(&mut self, error: ErrorCode) {
        while let Some((append_id, _)) = self.in_flight.pop_first() {
            self.run(|c, now, out| c.on_appended(now, append_id, Err(error), out));
        }
    }

    fn wait(&mut self, ms: u64) {
        let end = self.now.mono.0 + ms;
        while let Some(due) = self.coordinator.next_deadline().filter(|due| due.0 <= end) {
            let step = due.0.saturating_sub(self.now.mono.0);
            self.now.mono.0 += step;
            self.now.wall.0 += step as i64;
            self.run(|c, now, out| c.on_timer(now, out));
        }
        self.now.wall.0 += (end - self.now.mono.0) as i64;
        self.now.mono.0 = end;
    }

    fn ask(
        &mut self,
        event: impl FnOnce(&mut Coordinator, Now, ReplyToken, &mut Effects),
    ) -> ReplyToken {
        let token = ReplyToken(self.asked.len() as u64);
        self.asked.insert(token);
        self.run(|c, now, out| event(c, now, token, out));
        token
    }

    fn reply(&self, token: ReplyToken) -> &Response {
        self.replies.get(&token).expect("no reply yet")
    }

    fn has_reply(&self, token: ReplyToken) -> bool {
        self.replies.contains_key(&token)
    }

    fn join(&mut self, mut request: JoinGroup) -> ReplyToken {
        self.uuids += 1;
        request.uuid = [self.uuids; 16];
        self.ask(|c, now, token, out| c.join(now, request, token, out))
    }

    fn joined(&self, token: ReplyToken) -> &JoinGroupResponse {
        match self.reply(token) {
            Response::JoinGroup(response) => response,
            other => panic!("not of JoinGroup: {other:?}"),
        }
    }

    fn sync(&mut self, request: SyncGroup) -> ReplyToken {
        self.ask(|c, now, token, out| c.sync(now, request, token, out))
    }

    fn synced(&self, token: ReplyToken) -> &SyncGroupResponse {
        match self.reply(token) {
            Response::SyncGroup(response) => response,
            other => panic!("not of SyncGroup: {other:?}"),
        }
    }

    fn heartbeat(&mut self, member: &str, generation: i32) -> ErrorCode {
        let request = Heartbeat {
            group_id: "g".into(),
            generation_id: GenerationId(generation),
            member_id: member.into(),
            group_instance_id: None,
        };
        let token = self.ask(|c, now, token, out| c.heartbeat(now, request, token, out));
        match self.reply(token) {
            Response::Heartbeat(error) => *error,
            other => panic!("not of Heartbeat: {other:?}"),
        }
    }

    fn leave(&mut self, who: &[(&str, Option<&str>)]) -> ReplyToken {
        let members = who.iter().map(|(member, instance)| LeavingMember {
            member_id: (*member).into(),
            group_instance_id: instance.map(Into::into),
        });
        let request = LeaveGroup {
            group_id: "g".into(),
            members: members.collect(),
        };
        self.ask(|c, now, token, out| c.leave(now, request, token, out))
    }

    fn left(&self, token: ReplyToken) -> (ErrorCode, Vec<ErrorCode>) {
        match self.reply(token) {
            Response::LeaveGroup(left) => {
                (left.error, left.members.iter().map(|m| m.error).collect())
            }
            other => panic!("not of LeaveGroup: {other:?}"),
        }
    }

    fn commit(&mut self, request: OffsetCommit) -> ReplyToken {
        self.ask(|c, now, token, out| c.commit_offsets(now, request, token, out))
    }

    /// The error of the first partition.
    fn committed(&self, token: ReplyToken) -> ErrorCode {
        match self.reply(token) {
            Response::OffsetCommit(commit) => commit.topics[0].partitions[0].1,
            other => panic!("not of OffsetCommit: {other:?}"),
        }
    }

    /// The committed offset of partition 0 of a topic.
    fn offset(&mut self, group: &str, topic: &str) -> i64 {
        let token = self.fetch(fetch(group, topic));
        self.fetched(token)
    }

    fn fetch(&mut self, request: OffsetFetch) -> ReplyToken {
        self.ask(|c, _, token, out| c.fetch_offsets(request, token, out))
    }

    fn fetched(&self, token: ReplyToken) -> i64 {
        match self.reply(token) {
            Response::OffsetFetch(fetch) => fetch.topics[0].partitions[0].offset.get(),
            other => panic!("not of OffsetFetch: {other:?}"),
        }
    }

    fn state(&self) -> &'static str {
        self.coordinator.describe_group("g", 5).state
    }

    /// A new dynamic member asks for an id and joins with it.
    fn enter(&mut self, protocols: &[(&str, &[u8])]) -> (String, ReplyToken) {
        let token = self.join(join("", protocols));
        let promised = self.joined(token);
        assert_eq!(promised.error, ErrorCode::MemberIdRequired);
        let id = promised.member_id.to_string();
        let token = self.join(join(&id, protocols));
        (id, token)
    }

    /// A stable group "g" of members with these protocols; the assignment of each is its index.
    /// The first id is the leader's.
    fn stable(&mut self, members: usize, protocols: &[(&str, &[u8])]) -> Vec<String> {
        let entered: Vec<_> = (0..members).map(|_| self.enter(protocols)).collect();
        self.wait(JOINING_MS);
        let generation = self.joined(entered[0].1).generation_id;
        let leader = self.joined(entered[0].1).leader.to_string();
        let mut ids: Vec<_> = entered.into_iter().map(|(id, _)| id).collect();
        ids.sort_by_key(|id| *id != leader);
        let assignments = ids.iter().enumerate();
        let assignments = assignments.map(|(i, id)| (id.clone(), Bytes::from(vec![i as u8])));
        let mut request = sync(&leader, generation.get());
        request.assignments = assignments.collect();
        self.sync(request);
        for id in &ids[1..] {
            self.sync(sync(id, generation.get()));
        }
        assert_eq!(self.state(), "Stable");
        ids
    }
}

fn join(member: &str, protocols: &[(&str, &[u8])]) -> JoinGroup {
    let protocols = protocols.iter().map(|(name, metadata)| Protocol {
        name: (*name).into(),
        metadata: Bytes::copy_from_slice(metadata),
    });
    JoinGroup {
        group_id: "g".into(),
        api_version: 9,
        session_timeout_ms: SESSION_MS,
        rebalance_timeout_ms: REBALANCE_MS,
        member_id: member.into(),
        group_instance_id: None,
        protocol_type: "consumer".into(),
        protocols: protocols.collect(),
        client_id: "client".into(),
        client_host: "/127.0.0.1".into(),
        uuid: [0; 16],
    }
}

fn sync(member: &str, generation: i32) -> SyncGroup {
    SyncGroup {
        group_id: "g".into(),
        api_version: 4,
        generation_id: GenerationId(generation),
        member_id: member.into(),
        group_instance_id: None,
        protocol_type: None,
        protocol_name: None,
        assignments: Vec::new(),
    }
}

fn commit(group: &str, member: &str, generation: i32, topic: &str, offset: i64) -> OffsetCommit {
    OffsetCommit {
        group_id: group.into(),
        api_version: 9,
        generation_id: GenerationId(generation),
        member_id: member.into(),
        group_instance_id: None,
        retention_time_ms: -1,
        topics: vec![CommitTopic {
            name: topic.into(),
            topic_id: TopicId::ZERO,
            partitions: vec![CommitPartition {
                partition: PartitionIndex(0),
                offset: Offset(offset),
                leader_epoch: LeaderEpoch(-1),
                metadata: None,
            }],
        }],
    }
}

fn fetch(group: &str, topic: &str) -> OffsetFetch {
    OffsetFetch {
        group_id: group.into(),
        require_stable: false,
        topics: Some(vec![FetchTopic {
            name: topic.into(),
            topic_id: TopicId::ZERO,
            partitions: vec![PartitionIndex(0)],
        }]),
    }
}

/// The metadata of a consumer of one topic.
fn consumes(topic: &str) -> Vec<u8> {
    let mut metadata = vec![0, 0, 0, 0, 0, 1, 0, topic.len() as u8];
    metadata.extend_from_slice(topic.as_bytes());
    metadata.extend_from_slice(&[0xff; 4]);
    metadata
}

#[test]
fn groups_are_spread_by_the_hash_of_java() {
    let expected = [
        ("", 0),
        ("g", 3),
        ("my-group", 36),
        ("grüße", 23),
        ("группа", 8),
        ("😀", 49),
        ("connect-cluster", 13),
    ];
    for (group, partition) in expected {
        assert_eq!(
            partition_for(group, 50),
            PartitionIndex(partition),
            "{group}"
        );
    }
}
