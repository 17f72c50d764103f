//! A power cut, played by a file system that is shut down without its journal: whatever was
//! acknowledged with acks=all is there when it comes back.
#![cfg(feature = "broker")]

mod common;

use std::thread;
use std::time::Duration;

use common::broker::Kind;
use common::history::{Producer, judge};
use common::mount::{self, broker_on};
use common::wire::{Connection, batch};
use common::{Options, announce, topics};

const ROUNDS: u64 = 6;

#[test]
fn a_power_cut_loses_nothing_acknowledged() {
    if Kind::under_test() != Kind::Ringlog {
        return;
    }
    let test = "a_power_cut_loses_nothing_acknowledged";
    let disk = mount::Kind::Ext4(512);
    let Some((mut broker, mount)) = broker_on(test, disk, Options::default()) else {
        return;
    };
    let mut connection = Connection::open(broker.address());
    connection.create_topic("kept", 2, &[("segment.bytes", "1048576")]);
    let mut producers: Vec<_> = [0, 1, 0, 1]
        .map(|partition| Producer::new(&mut connection, "kept", partition))
        .into();
    for round in 0..ROUNDS {
        // A topic's creation is acknowledged too, and so is the first record in its new files.
        let fresh = format!("fresh-{round}");
        let address = broker.address();
        thread::scope(|scope| {
            for producer in &mut producers {
                let mut connection = Connection::open(address);
                scope.spawn(move || producer.run(&mut connection));
            }
            thread::sleep(Duration::from_millis(40 + round * 70));
            assert_eq!(topics::create(&mut connection, &fresh, 1), 0);
            assert_eq!(connection.produce(&fresh, 0, batch(&[b"first"])), (0, 0));
            mount.cut_power();
            // Longer than any answer takes that was on its way.
            thread::sleep(Duration::from_millis(100));
            broker.kill();
        });
        mount.remount();
        broker.restart();
        connection = Connection::open(broker.address());
        for producer in &mut producers {
            producer.settle(&mut connection);
            producer.repeat_last(&mut connection);
            producer.produce_next(&mut connection);
        }
        judge(&mut connection, &producers);
        for earlier in 0..=round {
            let (error, records) = connection.fetch(&format!("fresh-{earlier}"), 0, 0);
            assert_eq!((error, records.len()), (0, 1), "fresh-{earlier}");
        }
    }
    let acknowledged: usize = producers.iter().map(Producer::acknowledged).sum();
    announce(&format!(
        "{ROUNDS} power cuts, {acknowledged} batches acknowledged"
    ));
}
