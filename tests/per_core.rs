//! `--advertise per-core`: each core is a node to clients, with a port of its own, and who asks a partition's leader asks
//! the core that owns it.
#![cfg(feature = "broker")]

mod common;

use std::net::SocketAddr;
use std::process::Command;

use common::broker::Kind;
use common::metrics::Page;
use common::wire::{Connection, batch, text};
use common::{Broker, Options, client, deps};
use kafka_protocol::messages::create_topics_request::{CreatableReplicaAssignment, CreatableTopic};
use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::{
    ApiVersionsRequest, BrokerId, CreateTopicsRequest, DescribeClusterRequest,
    DescribeConfigsRequest, DescribeTopicPartitionsRequest, FindCoordinatorRequest, GroupId,
    JoinGroupRequest, ListGroupsRequest, TopicName,
};
use kafka_protocol::protocol::StrBytes;

/// The ids of the two cores of node 1.
const CORES: [i32; 2] = [1, 10_001];

#[test]
fn every_api_names_the_core_that_owns() {
    let Some(broker) = start() else { return };
    let mut shared = Connection::open(broker.address());
    shared.create_topic("spread", 4, &[]);
    let metadata = shared.metadata("spread");
    let mut nodes: Vec<i32> = metadata.brokers.iter().map(|b| b.node_id.0).collect();
    nodes.sort_unstable();
    assert_eq!(nodes, CORES);
    assert_eq!(metadata.controller_id.0, CORES[0]);
    let leaders: Vec<i32> = metadata.topics[0]
        .partitions
        .iter()
        .map(|partition| {
            assert_eq!(partition.replica_nodes, [partition.leader_id]);
            assert_eq!(partition.isr_nodes, [partition.leader_id]);
            partition.leader_id.0
        })
        .collect();
    let led = |core| leaders.iter().filter(|leader| **leader == core).count();
    assert_eq!(CORES.map(led), [2, 2]);

    let cluster = shared.call(1, &DescribeClusterRequest::default().with_endpoint_type(1));
    let mut told: Vec<_> = cluster
        .brokers
        .iter()
        .map(|b| (b.broker_id.0, b.port))
        .collect();
    told.sort_unstable();
    let port = i32::from(broker.address().port());
    assert_eq!(told, [(CORES[0], port + 1), (CORES[1], port + 2)]);

    let described = shared.call(
        0,
        &DescribeTopicPartitionsRequest::default().with_response_partition_limit(100),
    );
    let described: Vec<i32> = described.topics[0]
        .partitions
        .iter()
        .map(|partition| partition.leader_id.0)
        .collect();
    assert_eq!(described, leaders);
}

#[test]
fn leaders_answer_without_a_hop_and_everyone_else_with_one() {
    let Some(broker) = start() else { return };
    let mut shared = Connection::open(broker.address());
    shared.create_topic("routed", 4, &[]);
    let mut cores = CORES.map(|core| Connection::open(address_of(&mut shared, core)));
    for (index, leader) in leaders(&mut shared, "routed") {
        let core = CORES.iter().position(|core| *core == leader).unwrap();
        let connection = &mut cores[core];
        assert_eq!(connection.produce("routed", index, batch(&[b"own"])).0, 0);
        assert_eq!(connection.fetch("routed", index, 0).1.len(), 1);
        assert_eq!(connection.list_offset("routed", index, -1), 1);
    }
    assert_eq!(hops(&broker), 0);
    // Whichever core has the shared connection owns only half of the partitions.
    for (index, _) in leaders(&mut shared, "routed") {
        assert_eq!(shared.produce("routed", index, batch(&[b"any"])), (0, 1));
        assert_eq!(shared.fetch("routed", index, 0).1.len(), 2);
    }
    assert!(hops(&broker) >= 4, "{}", hops(&broker));
}

#[test]
fn connections_to_a_core_stay_there() {
    let Some(broker) = start() else { return };
    let mut shared = Connection::open(broker.address());
    let address = address_of(&mut shared, CORES[1]);
    drop(shared);
    let mut connections: Vec<_> = (0..6).map(|_| Connection::open(address)).collect();
    for connection in &mut connections {
        connection.call(3, &ApiVersionsRequest::default());
    }
    let page = Page::read(broker.admin().expect("Ringlog has an admin port"));
    assert_eq!(page.of_shard(1, "ringlog_connections"), 6);
    // The next ones on the shared port go where there are none.
    let mut next: Vec<_> = (0..6).map(|_| Connection::open(broker.address())).collect();
    for connection in &mut next {
        connection.call(3, &ApiVersionsRequest::default());
    }
    let page = Page::read(broker.admin().expect("Ringlog has an admin port"));
    assert_eq!(page.of_shard(0, "ringlog_connections"), 6);
}

#[test]
fn groups_are_found_on_the_core_that_has_them() {
    let Some(broker) = start() else { return };
    let mut shared = Connection::open(broker.address());
    let mut listed = Vec::new();
    for name in ["one", "two", "three", "four", "five", "six"] {
        let request =
            FindCoordinatorRequest::default().with_coordinator_keys(vec![StrBytes::from(name)]);
        let found = shared.call(4, &request);
        let found = &found.coordinators[0];
        assert_eq!(found.error_code, 0);
        let mut coordinator = Connection::open(address_of(&mut shared, found.node_id.0));
        assert!(i32::from(broker.address().port()) < found.port);
        join(&mut coordinator, name);
        listed.push((found.node_id.0, name.to_owned()));
    }
    assert_eq!(hops(&broker), 0);
    listed.sort();
    let mut all = Vec::new();
    for core in CORES {
        let mut connection = Connection::open(address_of(&mut shared, core));
        let groups = connection.call(4, &ListGroupsRequest::default()).groups;
        all.extend(groups.iter().map(|g| (core, g.group_id.0.to_string())));
    }
    all.sort();
    assert_eq!(all, listed);
    let everywhere = shared.call(4, &ListGroupsRequest::default()).groups;
    assert_eq!(everywhere.len(), listed.len());
}

#[test]
fn what_is_assigned_to_a_core_stays_on_it() {
    let Some(mut broker) = start() else { return };
    let mut shared = Connection::open(broker.address());
    let assign = |(index, core)| {
        CreatableReplicaAssignment::default()
            .with_partition_index(index)
            .with_broker_ids(vec![BrokerId(core)])
    };
    let topic = CreatableTopic::default()
        .with_name(TopicName(text("pinned")))
        .with_num_partitions(-1)
        .with_replication_factor(-1)
        .with_assignments((0..3).map(|index| assign((index, CORES[1]))).collect());
    let request = CreateTopicsRequest::default().with_topics(vec![topic]);
    let created = shared.call(5, &request);
    assert_eq!(created.topics[0].error_code, 0);
    let pinned = [0, 1, 2].map(|index| (index, CORES[1]));
    assert_eq!(leaders(&mut shared, "pinned"), pinned);
    broker.terminate("TERM");
    broker.restart();
    let mut shared = Connection::open(broker.address());
    assert_eq!(leaders(&mut shared, "pinned"), pinned);
    for core in CORES {
        let resource = DescribeConfigsResource::default()
            .with_resource_type(4)
            .with_resource_name(StrBytes::from(core.to_string()));
        let request = DescribeConfigsRequest::default().with_resources(vec![resource]);
        let described = shared.call(1, &request);
        assert_eq!(described.results[0].error_code, 0, "{core}");
    }
}

/// librdkafka as its users start it: told the shared port, it finds its way to the owners by itself.
#[test]
fn kcat_makes_no_hop() {
    if !deps::on_path("kcat") {
        return deps::skip("per_core::kcat_makes_no_hop", "kcat");
    }
    let Some(broker) = start() else { return };
    Connection::open(broker.address()).create_topic("straight", 4, &[]);
    let kcat = |arguments: &[&str], input: &str| {
        let mut command = Command::new("kcat");
        command.args(["-b", &broker.bootstrap(), "-t", "straight"]);
        client::tool(
            {
                command.args(arguments);
                command
            },
            input,
        )
    };
    let records: String = (0..1000).map(|n| format!("{n}:value {n}\n")).collect();
    kcat(&["-P", "-K:"], &records);
    let read = kcat(&["-C", "-e", "-q", "-o", "beginning"], "");
    assert_eq!(read.lines().count(), 1000);
    let page = Page::read(broker.admin().expect("Ringlog has an admin port"));
    assert_eq!(page.total("ringlog_appended_records_total"), 1000);
    for shard in 0..2 {
        assert!(page.of_shard(shard, "ringlog_appended_records_total") > 0);
    }
    assert_eq!(hops(&broker), 0);
}

/// Two shards; none where Kafka is the broker under test.
fn start() -> Option<Broker> {
    let ours = Kind::under_test() == Kind::Ringlog;
    ours.then(|| Broker::start(Options::quick_groups().per_core()))
}

fn hops(broker: &Broker) -> u64 {
    let page = Page::read(broker.admin().expect("Ringlog has an admin port"));
    page.total("ringlog_hops_total")
}

fn leaders(connection: &mut Connection, topic: &str) -> Vec<(i32, i32)> {
    let metadata = connection.metadata(topic);
    let partitions = metadata.topics[0].partitions.iter();
    partitions
        .map(|partition| (partition.partition_index, partition.leader_id.0))
        .collect()
}

fn address_of(connection: &mut Connection, core: i32) -> SocketAddr {
    let cluster = connection.call(0, &DescribeClusterRequest::default());
    let node = cluster
        .brokers
        .iter()
        .find(|node| node.broker_id.0 == core)
        .expect("every core is told");
    let address = format!("{}:{}", node.host, node.port);
    address.parse().expect("the tests listen on an address")
}

/// Makes a group with one member.
fn join(coordinator: &mut Connection, group: &str) {
    let protocol =
        kafka_protocol::messages::join_group_request::JoinGroupRequestProtocol::default()
            .with_name(text("range"));
    let request = JoinGroupRequest::default()
        .with_group_id(GroupId(StrBytes::from(group.to_owned())))
        .with_session_timeout_ms(30_000)
        .with_rebalance_timeout_ms(30_000)
        .with_protocol_type(text("consumer"))
        .with_protocols(vec![protocol]);
    assert_eq!(coordinator.call(2, &request).error_code, 0);
}
