use std::time::Duration;

use super::*;
use crate::io::executor::tests::{on_core, run_on_shard};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Message {
    Request { from: Address, number: u32 },
    Reply { from: Address, number: u32 },
}

const TIGHT: MeshBounds = MeshBounds {
    ring_messages: 4,
    parked_messages: 3,
};

fn shard(index: u16) -> Address {
    Address::Shard(ShardId(index))
}

/// Sends `count` requests to every other end and answers theirs, until all of its own are answered
/// and all of theirs have come. Checks that each sender's messages arrive in order.
async fn talk(
    me: Address,
    others: Vec<Address>,
    count: u32,
    ends: (Sender<Message>, Receiver<Message>),
) {
    let (sender, mut receiver) = ends;
    let asking = ask_all(me, others.clone(), count, sender.clone());
    let answering = async {
        let mut requests = std::collections::HashMap::new();
        let mut replies = std::collections::HashMap::new();
        let mut batch = Vec::new();
        let all = count * others.len() as u32;
        let mut seen = 0;
        while seen < 2 * all {
            receiver.recv_batch(&mut batch).await;
            for message in batch.drain(..) {
                seen += 1;
                let (expected, number) = match message {
                    Message::Request { from, number } => {
                        sender.reply(from, Message::Reply { from: me, number });
                        (requests.entry(from).or_insert(0), number)
                    }
                    Message::Reply { from, number } => (replies.entry(from).or_insert(0), number),
                };
                assert_eq!(*expected, number, "{message:?}");
                *expected += 1;
            }
        }
        // The last replies may still be parked: stay until they are on their way.
        while sender.parked() > 0 {
            let more = receiver.recv_batch(&mut batch);
            let look = async { futures_lite::future::yield_now().await };
            futures_lite::future::or(more, look).await;
        }
    };
    futures_lite::future::zip(asking, answering).await;
}

async fn ask_all(me: Address, others: Vec<Address>, count: u32, sender: Sender<Message>) {
    for number in 0..count {
        for other in &others {
            sender
                .send(*other, Message::Request { from: me, number })
                .await;
        }
    }
}

fn soak(shards: usize, count: u32, bounds: MeshBounds) {
    let ends = connect::<Message>(shards, bounds).unwrap();
    let mut addresses: Vec<_> = ends.shards.iter().map(Endpoint::address).collect();
    addresses.push(ends.control.address());
    let others = |me: Address| -> Vec<_> {
        addresses
            .iter()
            .copied()
            .filter(|other| *other != me)
            .collect()
    };
    let threads: Vec<_> = ends
        .shards
        .into_iter()
        .enumerate()
        .map(|(index, end)| {
            let (me, others) = (end.address(), others(end.address()));
            on_core(index, move || async move {
                talk(me, others, count, end.open_on_shard().unwrap()).await;
            })
        })
        .collect();
    let others = others(Address::Control);
    on_tokio(async move {
        let ends = ends.control.open_on_tokio().unwrap();
        talk(Address::Control, others, count, ends).await;
    });
    for thread in threads {
        thread.join().unwrap();
    }
}

fn on_tokio<F: Future<Output = T>, T>(future: F) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(future)
}

/// Rings that are nearly always full, between all pairs: a lost doorbell or a cycle would hang it.
#[test]
fn everybody_talks_to_everybody_through_full_rings() {
    soak(3, 5_000, TIGHT);
}

#[test]
fn everybody_talks_to_everybody_through_roomy_rings() {
    soak(2, 20_000, MeshBounds::for_shards(2));
}

/// One message at a time, so that both ends fall asleep between any two.
#[test]
fn hop_soak() {
    const ROUNDS: u32 = 3_000;
    let mut ends = connect::<u32>(2, TIGHT).unwrap();
    let second = ends.shards.pop().unwrap();
    let first = ends.shards.pop().unwrap();
    let echo = on_core(1, move || async move {
        let (sender, mut receiver) = second.open_on_shard().unwrap();
        let mut batch = Vec::new();
        for _ in 0..ROUNDS {
            receiver.recv_batch(&mut batch).await;
            batch
                .drain(..)
                .for_each(|number| sender.reply(shard(0), number));
        }
    });
    run_on_shard(move || async move {
        let (sender, mut receiver) = first.open_on_shard().unwrap();
        let mut batch = Vec::new();
        for number in 0..ROUNDS {
            sender.try_send(shard(1), number).unwrap();
            receiver.recv_batch(&mut batch).await;
            assert_eq!(std::mem::take(&mut batch), [number]);
        }
    });
    echo.join().unwrap();
}

#[test]
fn requests_are_held_back_and_replies_are_not() {
    let mut ends = connect::<u32>(2, TIGHT).unwrap();
    let receiver_end = ends.shards.pop().unwrap();
    let end = ends.shards.pop().unwrap();
    run_on_shard(move || async move {
        let (sender, _receiver) = end.open_on_shard().unwrap();
        let (to, room) = (shard(1), TIGHT.ring_messages + TIGHT.parked_messages);
        for number in 0..room as u32 {
            sender.try_send(to, number).unwrap();
        }
        assert_eq!(sender.try_send(to, 99), Err(Full(99)));
        assert!(
            futures_lite::future::poll_once(sender.send(to, 99))
                .await
                .is_none()
        );
        sender.reply(to, 7);
        assert_eq!(sender.parked(), TIGHT.parked_messages + 1);
        // Other ways are open.
        sender.try_send(Address::Control, 1).unwrap();
    });
    drop(receiver_end);
}

#[test]
fn a_dropped_wait_loses_no_message() {
    let mut ends = connect::<u32>(1, TIGHT).unwrap();
    let end = ends.shards.pop().unwrap();
    let control = ends.control;
    let shard_thread = on_core(0, move || async move {
        let (_sender, mut receiver) = end.open_on_shard().unwrap();
        let mut batch = Vec::new();
        while batch.len() < 500 {
            let nap = crate::io::alarm::sleep(Duration::from_micros(50));
            futures_lite::future::or(receiver.recv_batch(&mut batch), nap).await;
        }
        batch
    });
    on_tokio(async move {
        let (sender, mut receiver) = control.open_on_tokio().unwrap();
        let sending = async {
            for number in 0..500 {
                sender.send(shard(0), number).await;
                tokio::time::sleep(Duration::from_micros(20)).await;
            }
            while sender.parked() > 0 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        let mut none = Vec::new();
        futures_lite::future::or(sending, receiver.recv_batch(&mut none)).await;
    });
    assert_eq!(shard_thread.join().unwrap(), (0..500).collect::<Vec<_>>());
}
