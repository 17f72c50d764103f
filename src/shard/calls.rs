//! Calls from one shard to the owner of what a request needs: at most one hop there and one back.
//!
//! A call to the shard itself takes the same way without the hop.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use crate::base::ShardId;
use crate::control::messages::ControlReply;
use crate::shard::Shard;
use crate::shard::messages::{Message, Reply};
use crate::shard::oneshot::{self, Receiver, Sender};

/// The calls of a shard that wait for their answers.
#[derive(Default)]
pub struct Calls {
    next_token: Cell<u64>,
    to_shards: RefCell<HashMap<u64, Sender<Reply>>>,
    to_control: RefCell<HashMap<u64, Sender<ControlReply>>>,
}

impl Calls {
    /// Registers a call to another shard: its token and the end that waits.
    pub fn open(&self) -> (u64, Receiver<Reply>) {
        let token = self.token();
        let (sender, receiver) = oneshot::oneshot();
        self.to_shards.borrow_mut().insert(token, sender);
        (token, receiver)
    }

    /// Registers a request to the control thread.
    pub fn open_control(&self) -> (u64, Receiver<ControlReply>) {
        let token = self.token();
        let (sender, receiver) = oneshot::oneshot();
        self.to_control.borrow_mut().insert(token, sender);
        (token, receiver)
    }

    /// Hands an answer to the call that waits for it; a cancelled one is forgotten.
    pub fn answer(&self, token: u64, reply: Reply) {
        let sender = self.to_shards.borrow_mut().remove(&token);
        if let Some(sender) = sender {
            sender.send(reply);
        }
    }

    /// Hands the control thread's answer over.
    pub fn answer_control(&self, token: u64, reply: ControlReply) {
        let sender = self.to_control.borrow_mut().remove(&token);
        if let Some(sender) = sender {
            sender.send(reply);
        }
    }

    fn forget(&self, token: u64) -> bool {
        self.to_shards.borrow_mut().remove(&token).is_some()
    }

    fn token(&self) -> u64 {
        let token = self.next_token.get();
        self.next_token.set(token + 1);
        token
    }
}

/// A call's answer to come. Dropped before it came, the work is given up.
pub enum Pending {
    /// This shard does the work itself.
    Local(Pin<Box<dyn Future<Output = Reply>>>),
    /// Another shard does.
    Remote(Remote),
}

/// A call that has gone to another shard.
pub struct Remote {
    shard: Rc<Shard>,
    owner: ShardId,
    token: u64,
    receiver: Receiver<Reply>,
}

impl Pending {
    /// Work of this shard.
    pub fn local(work: Pin<Box<dyn Future<Output = Reply>>>) -> Pending {
        Pending::Local(work)
    }

    /// A call that went to another shard.
    pub fn remote(
        shard: Rc<Shard>,
        owner: ShardId,
        token: u64,
        receiver: Receiver<Reply>,
    ) -> Pending {
        Pending::Remote(Remote {
            shard,
            owner,
            token,
            receiver,
        })
    }
}

impl Future for Pending {
    type Output = Option<Reply>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Reply>> {
        match &mut *self {
            Pending::Local(work) => work.as_mut().poll(cx).map(Some),
            Pending::Remote(remote) => Pin::new(&mut remote.receiver).poll(cx),
        }
    }
}

impl Drop for Remote {
    fn drop(&mut self) {
        if self.shard.calls.forget(self.token) {
            let cancel = Message::Cancel {
                from: self.shard.id,
                token: self.token,
            };
            self.shard.send(self.owner, cancel);
        }
    }
}
