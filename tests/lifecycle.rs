#![cfg(feature = "broker")]
//! The life of a broker process.
mod common;
use common::{Broker, Options};

#[test]
fn data_survives_a_kill_and_a_restart() {
    let mut broker = Broker::start(Options::default());
    let mut c = common::wire::Connection::open(broker.address());
    c.create_topic("kept", 3, &[]);
    assert_eq!(
        c.produce("kept", 2, common::wire::batch(&[b"a", b"b"])),
        (0, 0)
    );
    broker.kill();
    broker.restart();
    let mut c = common::wire::Connection::open(broker.address());
    let (error, records) = c.fetch("kept", 2, 0);
    assert_eq!((error, records.len()), (0, 2));
    assert_eq!(c.list_offset("kept", 2, common::wire::LATEST), 2);
}
