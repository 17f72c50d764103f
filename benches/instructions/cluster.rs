//! What crosses between cores, and what is asked of the whole cluster.

use std::hint::black_box;
use std::sync::Arc;
use std::task::{Context, Waker};

use bytes::Bytes;
use gungraun::{library_benchmark, library_benchmark_group};
use tokio::runtime::Runtime;

use ringlog::base::{
    GenerationId, LeaderEpoch, NodeId, PartitionIndex, ShardId, TopicId, TopicPartition,
};
use ringlog::group::requests::{JoinGroup, Protocol, SyncGroup};
use ringlog::group::{Coordinator, Effect, Effects, GroupConfig, ReplyToken, Response};
use ringlog::mesh::{Address, MeshBounds, Receiver, Sender, connect};
use ringlog::metadata::config::BrokerConfig;
use ringlog::metadata::{Broker, ClusterImage, PartitionInfo, Record};
use ringlog::protocol::messages::consumer_protocol_subscription::ConsumerProtocolSubscription;
use ringlog::protocol::{Encoded, ErrorCode, Message as _, encode_response};
use ringlog::shard::messages::{Call, Message, ProduceItem, ProduceJob, ProduceResult, Reply};
use ringlog::shard::metadata::all_topics;

use crate::inputs::{NOW, Noise};

const HERE: Address = Address::Shard(ShardId(0));
const THERE: Address = Address::Shard(ShardId(1));
const ROUND_TRIPS: u64 = 100;

/// Two ends of a mesh on one thread, and what they are to tell each other.
struct Hop {
    here: (Sender<Message>, Receiver<Message>),
    there: (Sender<Message>, Receiver<Message>),
    calls: Vec<Message>,
    replies: Vec<Message>,
    /// Receivers are registered with it; it need not run.
    _runtime: Runtime,
}

fn hop() -> Hop {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()
        .expect("a runtime");
    let _entered = runtime.enter();
    let mut ends = connect(2, MeshBounds::for_shards(2))
        .expect("a mesh")
        .shards;
    let mut open = || {
        let end = ends.remove(0);
        end.open_on_tokio().expect("an end")
    };
    let item = || ProduceItem {
        partition: TopicPartition {
            topic: TopicId([7; 16]),
            partition: PartitionIndex(0),
        },
        records: Bytes::from_static(&[0; 64]),
    };
    let call = |token| Message::Call {
        from: ShardId(0),
        token,
        call: Call::Produce(ProduceJob {
            version: 12,
            acks: -1,
            internal_allowed: false,
            items: vec![item()],
        }),
    };
    let reply = |token| Message::Reply {
        token,
        reply: Reply::Produce(vec![ProduceResult::failed(ErrorCode::None)]),
    };
    Hop {
        here: open(),
        there: open(),
        calls: (0..ROUND_TRIPS).map(call).collect(),
        replies: (0..ROUND_TRIPS).map(reply).collect(),
        _runtime: runtime,
    }
}

/// A call and its answer, a hundred times, each received before the next is sent.
fn round_trips(hop: &mut Hop, falls_asleep: bool) {
    let cx = &mut Context::from_waker(Waker::noop());
    let mut received = Vec::with_capacity(1);
    let messages = hop.calls.drain(..).zip(hop.replies.drain(..));
    for (call, reply) in messages {
        if falls_asleep {
            assert!(hop.there.1.poll_recv_batch(cx, &mut received).is_pending());
            assert!(hop.here.1.poll_recv_batch(cx, &mut received).is_pending());
        }
        assert!(hop.here.0.try_send(THERE, call).is_ok());
        assert!(hop.there.1.poll_recv_batch(cx, &mut received).is_ready());
        black_box(received.pop()).expect("the call");
        hop.there.0.reply(HERE, reply);
        assert!(hop.here.1.poll_recv_batch(cx, &mut received).is_ready());
        black_box(received.pop()).expect("its answer");
    }
}

#[library_benchmark]
#[bench::awake(args = (false), setup = hop_of)]
#[bench::asleep(args = (true), setup = hop_of)]
fn mesh_hop(input: (Hop, bool)) -> Hop {
    let (mut hop, falls_asleep) = input;
    round_trips(&mut hop, falls_asleep);
    hop
}

fn hop_of(falls_asleep: bool) -> (Hop, bool) {
    (hop(), falls_asleep)
}

const MEMBERS: u64 = 1000;

/// What a consumer tells of itself: that it wants five topics.
fn subscription() -> Bytes {
    const VERSION: i16 = 3;
    let topics = ["orders", "payments", "refunds", "customers", "products"];
    let subscription = ConsumerProtocolSubscription {
        topics: topics.to_vec(),
        ..Default::default()
    };
    let body = subscription.to_bytes(VERSION).expect("a short message");
    [VERSION.to_be_bytes().to_vec(), body].concat().into()
}

/// A coordinator, and the JoinGroup of each member to come.
fn members_to_come() -> (Coordinator, Vec<JoinGroup>) {
    let mut coordinator = Coordinator::new(GroupConfig::default());
    coordinator.on_loaded(NOW, &mut Effects::new());
    let mut noise = Noise::new(0x9120);
    let subscription = subscription();
    let protocol = |name: &str| Protocol {
        name: name.into(),
        metadata: subscription.clone(),
    };
    let join = |member: u64| JoinGroup {
        group_id: "invoicing".to_owned(),
        api_version: 9,
        session_timeout_ms: 45_000,
        rebalance_timeout_ms: 300_000,
        member_id: String::new(),
        group_instance_id: None,
        protocol_type: "consumer".to_owned(),
        protocols: vec![protocol("range"), protocol("cooperative-sticky")],
        client_id: format!("consumer-invoicing-{member}"),
        client_host: "/127.0.0.1".to_owned(),
        uuid: std::array::from_fn(|_| noise.below(256) as u8),
    };
    (coordinator, (0..MEMBERS).map(join).collect())
}

/// The answers among what is to be done; records are durable at once.
fn answers(coordinator: &mut Coordinator, mut effects: Effects) -> Vec<Response> {
    let mut answers = Vec::new();
    while !effects.is_empty() {
        for effect in std::mem::take(&mut effects) {
            match effect {
                Effect::Reply { response, .. } => answers.push(response),
                Effect::Append { append_id, records } => {
                    black_box(records);
                    coordinator.on_appended(NOW, append_id, Ok(()), &mut effects);
                }
            }
        }
    }
    answers
}

/// Everyone asks for an id and joins; when the wait is over, everyone is told the generation.
fn join_all(coordinator: &mut Coordinator, joins: Vec<JoinGroup>) -> Vec<Response> {
    for (member, join) in (0..).zip(joins) {
        let mut effects = Effects::new();
        let again = join.clone();
        coordinator.join(NOW, join, ReplyToken(member), &mut effects);
        let Some(Response::JoinGroup(told)) = answers(coordinator, effects).pop() else {
            panic!("a member is told its id");
        };
        let mut effects = Effects::new();
        let again = JoinGroup {
            member_id: told.member_id.to_string(),
            ..again
        };
        coordinator.join(NOW, again, ReplyToken(MEMBERS + member), &mut effects);
        assert!(effects.is_empty(), "the answer waits for other members");
    }
    let mut now = NOW;
    let mut joined = Vec::new();
    while joined.is_empty() {
        now.mono = coordinator.next_deadline().expect("an end of the wait");
        let mut effects = Effects::new();
        coordinator.on_timer(now, &mut effects);
        joined = answers(coordinator, effects);
    }
    joined
}

/// The leader gives everyone a partition; everyone is told theirs when that is durable.
fn sync_all(
    coordinator: &mut Coordinator,
    members: &[Arc<str>],
    leader: &Arc<str>,
) -> Vec<Response> {
    let mut effects = Effects::new();
    for (member, id) in (0..).zip(members) {
        let everyone = || {
            let given = |id: &Arc<str>| (id.to_string(), Bytes::from_static(&[2; 40]));
            members.iter().map(given).collect()
        };
        let sync = SyncGroup {
            group_id: "invoicing".to_owned(),
            api_version: 5,
            generation_id: GenerationId(1),
            member_id: id.to_string(),
            group_instance_id: None,
            protocol_type: Some("consumer".to_owned()),
            protocol_name: Some("range".to_owned()),
            assignments: if id == leader { everyone() } else { Vec::new() },
        };
        coordinator.sync(NOW, sync, ReplyToken(2 * MEMBERS + member), &mut effects);
    }
    answers(coordinator, effects)
}

#[library_benchmark]
#[bench::a_thousand_members(setup = members_to_come)]
fn group_join(input: (Coordinator, Vec<JoinGroup>)) -> (Coordinator, Vec<Response>) {
    let (mut coordinator, joins) = input;
    let joined = join_all(&mut coordinator, joins);
    let generations = joined.iter().filter_map(|response| match response {
        Response::JoinGroup(joined) => Some((&joined.member_id, &joined.leader)),
        _ => None,
    });
    let (members, leaders): (Vec<Arc<str>>, Vec<Arc<str>>) = generations
        .map(|(member, leader)| (member.clone(), leader.clone()))
        .unzip();
    assert_eq!(members.len() as u64, MEMBERS);
    let synced = sync_all(&mut coordinator, &members, &leaders[0]);
    assert_eq!(synced.len() as u64, MEMBERS);
    (coordinator, synced)
}

/// A cluster of one node, two shards, and so many topics with so many partitions each.
fn cluster_of(topics: i32, partitions: i32) -> ClusterImage {
    let mut records = vec![Record::Broker(Broker {
        id: NodeId(1),
        host: "broker-1.example.com".to_owned(),
        port: 9092,
        rack: None,
        core_ports: Vec::new(),
    })];
    let mut noise = Noise::new(0x70b1c);
    for topic in 0..topics {
        let id = TopicId(std::array::from_fn(|_| noise.below(256) as u8));
        let name = format!("department-{}.events-{topic}", topic % 10);
        records.push(Record::Topic { id, name });
        records.extend((0..partitions).map(|index| Record::Partition {
            topic: id,
            index: PartitionIndex(index),
            info: PartitionInfo {
                leader: NodeId(1),
                leader_epoch: LeaderEpoch(0),
                partition_epoch: 0,
                replicas: vec![NodeId(1)],
                isr: vec![NodeId(1)],
                shard: ShardId((index % 2) as u16),
            },
        }));
    }
    let empty = ClusterImage::empty(Arc::new(BrokerConfig::default()));
    empty.apply(&records).expect("records of a new cluster")
}

fn a_hundred_topics() -> ClusterImage {
    cluster_of(100, 100)
}

fn ten_thousand_topics() -> ClusterImage {
    cluster_of(10_000, 1)
}

#[library_benchmark]
#[bench::a_hundred_topics(setup = a_hundred_topics)]
#[bench::ten_thousand_topics(setup = ten_thousand_topics)]
fn metadata_of_10_000_partitions(image: ClusterImage) -> (ClusterImage, Encoded) {
    let encoded = encode_response(7, 12, &all_topics(&image)).expect("an ordinary answer");
    (image, encoded)
}

library_benchmark_group!(
    name = cluster_scenarios,
    benchmarks = [mesh_hop, group_join, metadata_of_10_000_partitions]
);
