use std::sync::Arc;
use std::sync::mpsc;

use super::*;
use crate::io::executor::tests::{on_core, run_on_shard};

#[test]
fn rings_before_the_wait_merge_into_one() {
    run_on_shard(|| async {
        let event = EventFd::new().unwrap();
        event.ring();
        event.ring();
        let waiter = EventWaiter::new(&event).unwrap();
        waiter.rung().await;
        let again = futures_lite::future::poll_once(waiter.rung()).await;
        assert_eq!(again, None);
    });
}

#[test]
fn a_dropped_wait_loses_no_ring() {
    run_on_shard(|| async {
        let event = EventFd::new().unwrap();
        let waiter = EventWaiter::new(&event).unwrap();
        for _ in 0..200 {
            // Started and dropped, now and then with a ring under way.
            let _ = futures_lite::future::poll_once(waiter.rung()).await;
            event.ring();
            let _ = futures_lite::future::poll_once(waiter.rung()).await;
            event.ring();
            waiter.rung().await;
        }
    });
}

/// A lost wake-up would hang this.
#[test]
fn a_foreign_thread_wakes_a_sleeping_shard_every_time() {
    const ROUNDS: u32 = 2_000;
    let event = Arc::new(EventFd::new().unwrap());
    let (answer, answers) = mpsc::channel();
    let rung = event.clone();
    let shard = on_core(0, move || async move {
        let waiter = EventWaiter::new(&rung).unwrap();
        for round in 0..ROUNDS {
            waiter.rung().await;
            answer.send(round).unwrap();
        }
    });
    for round in 0..ROUNDS {
        event.ring();
        assert_eq!(answers.recv().unwrap(), round);
    }
    shard.join().unwrap();
}
