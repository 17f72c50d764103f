//! Who waits for which acknowledgement of the disk.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;

use crate::protocol::ErrorCode;
use crate::shard::append::AckSink;

/// The open acknowledgements of a shard.
#[derive(Default)]
pub struct Acks {
    next: Cell<u64>,
    open: RefCell<HashMap<u64, AckSink>>,
    ready: RefCell<Vec<(u64, Result<(), ErrorCode>)>>,
}

impl Acks {
    /// Registers someone who waits.
    pub fn open(&self, sink: AckSink) -> u64 {
        let token = self.next.get();
        self.next.set(token + 1);
        self.open.borrow_mut().insert(token, sink);
        token
    }

    /// Forgets someone who was answered otherwise.
    pub fn forget(&self, token: u64) {
        self.open.borrow_mut().remove(&token);
    }

    /// An acknowledgement has come. It is given out by [`deliver`](Self::deliver), never while a partition is at work.
    pub fn ready(&self, token: u64, result: Result<(), ErrorCode>) {
        self.ready.borrow_mut().push((token, result));
    }

    /// Gives out what has come.
    pub fn deliver(&self) {
        let ready = self.ready.take();
        for (token, result) in ready {
            let sink = self.open.borrow_mut().remove(&token);
            match sink {
                Some(AckSink::Produce(gather, item)) => gather.acknowledge(item, result),
                Some(AckSink::Own(sender)) => sender.send(result),
                None => {}
            }
        }
    }
}
