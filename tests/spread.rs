//! Few connections still use all cores, and every connection reaches every partition.
#![cfg(feature = "broker")]

mod common;

use std::time::Duration;

use common::broker::Kind;
use common::metrics::Page;
use common::wire::{Connection, batch};
use common::{Broker, Options, announce, wait_for};
use kafka_protocol::messages::ApiVersionsRequest;

const COUNTS: [usize; 4] = [2, 4, 6, 10];
const LIMIT: Duration = Duration::from_secs(10);

#[test]
fn connections_made_one_after_the_other_are_spread_evenly() {
    if Kind::under_test() != Kind::Ringlog {
        return;
    }
    let broker = Broker::start(Options::default());
    for count in COUNTS {
        let mut connections = Vec::new();
        for _ in 0..count {
            let mut connection = Connection::open(broker.address());
            connection.call(3, &ApiVersionsRequest::default());
            connections.push(connection);
        }
        assert_even(&broker, count);
        drop(connections);
        settled(&broker, 0);
    }
}

/// A client that opens all its connections at once, before any of them has said a word.
#[test]
fn connections_made_at_once_are_spread_evenly() {
    if Kind::under_test() != Kind::Ringlog {
        return;
    }
    let broker = Broker::start(Options::default());
    for _ in 0..5 {
        for count in COUNTS {
            let mut connections: Vec<_> = (0..count)
                .map(|_| Connection::open(broker.address()))
                .collect();
            assert_even(&broker, count);
            for connection in &mut connections {
                connection.call(3, &ApiVersionsRequest::default());
            }
            drop(connections);
            settled(&broker, 0);
        }
    }
}

#[test]
fn every_connection_reaches_every_partition() {
    const PARTITIONS: i32 = 12;
    const CONNECTIONS: i64 = 4;
    let broker = Broker::start(Options::default());
    let mut connections: Vec<_> = (0..CONNECTIONS)
        .map(|_| Connection::open(broker.address()))
        .collect();
    connections[0].create_topic("wide", PARTITIONS, &[]);
    for (at, connection) in (0..).zip(&mut connections) {
        for partition in 0..PARTITIONS {
            let value = format!("{at}/{partition}");
            let answer = connection.produce("wide", partition, batch(&[value.as_bytes()]));
            assert_eq!(answer, (0, at), "connection {at} to partition {partition}");
        }
    }
    for connection in &mut connections {
        for partition in 0..PARTITIONS {
            let (error, records) = connection.fetch("wide", partition, 0);
            assert_eq!((error, records.len()), (0, CONNECTIONS as usize));
            for (at, record) in records.iter().enumerate() {
                let expected = format!("{at}/{partition}");
                assert_eq!(record.value.as_deref(), Some(expected.as_bytes()));
            }
        }
    }
}

fn assert_even(broker: &Broker, count: usize) {
    let [first, second] = settled(broker, count as u64);
    announce(&format!("{count} connections: {first} and {second}"));
    assert!(
        first.abs_diff(second) <= 1,
        "{count} connections are spread as {first} and {second}"
    );
}

/// How many connections each shard has, once there are so many of them.
fn settled(broker: &Broker, count: u64) -> [u64; 2] {
    let admin = broker.admin().expect("Ringlog has an admin port");
    wait_for("all connections to be counted", LIMIT, || {
        let page = Page::read(admin);
        let spread = [0, 1].map(|shard| page.of_shard(shard, "ringlog_connections"));
        (spread.iter().sum::<u64>() == count).then_some(spread)
    })
}
