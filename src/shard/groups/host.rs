//! A group coordinator where it lives: beside its partition of `__consumer_offsets`, from which it is rebuilt.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::rc::Rc;

use crate::base::{MonoMs, Offset};
use crate::group::{
    AppendId, Coordinator, Effect, Effects, GroupConfig, GroupRecord, ReplyToken, Response,
};
use crate::io::executor::yield_to_io;
use crate::protocol::ErrorCode;
use crate::protocol::records::{BatchBuilder, Batches};
use crate::shard::Shard;
use crate::shard::groups::{GroupReply, GroupRequest};
use crate::shard::messages::Reply;
use crate::shard::oneshot::{Sender, oneshot};
use crate::shard::partitions::Hosted;

/// How many bytes of the log are replayed in one step; between two steps the core does other work.
const REPLAY_STEP_BYTES: usize = 1024 * 1024;
/// How much one compressed batch of group records may inflate to.
const INFLATED_BYTES_MAX: usize = 64 * 1024 * 1024;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Stage {
    /// Its records are being replayed.
    Loading,
    Open,
    /// Its partition is going away, or could not be read.
    Closed,
}

/// One coordinator and what it needs of the shard.
pub struct GroupHost {
    partition: Rc<Hosted>,
    coordinator: RefCell<Coordinator>,
    stage: Cell<Stage>,
    next_token: Cell<u64>,
    replies: RefCell<HashMap<ReplyToken, Sender<Response>>>,
}

impl GroupHost {
    /// The coordinator of a partition, not loaded yet.
    pub fn new(partition: Rc<Hosted>, config: GroupConfig) -> Rc<GroupHost> {
        Rc::new(GroupHost {
            partition,
            coordinator: RefCell::new(Coordinator::new(config)),
            stage: Cell::new(Stage::Loading),
            next_token: Cell::new(0),
            replies: RefCell::default(),
        })
    }

    /// Rebuilds the coordinator from its partition, then lets requests in.
    pub async fn load(self: Rc<Self>, shard: Rc<Shard>) {
        let replayed = self.replay_all(&shard).await;
        if self.stage.get() == Stage::Closed {
            return; // The partition has gone meanwhile.
        }
        if let Err(error) = replayed {
            // Without its records the coordinator would forget commits.
            tracing::error!(partition = %self.partition.name(), %error, "cannot load groups");
            return self.stage.set(Stage::Closed);
        }
        self.stage.set(Stage::Open);
        let now = shard.now();
        self.run(&shard, |coordinator, out| coordinator.on_loaded(now, out));
    }

    async fn replay_all(&self, shard: &Rc<Shard>) -> io::Result<()> {
        let mut next = self.partition.state.borrow().log().log_start_offset();
        loop {
            let bytes = self
                .partition
                .read_bytes(shard, next, REPLAY_STEP_BYTES)
                .await?;
            if bytes.is_empty() {
                return Ok(());
            }
            let after = self.replay(&bytes, next);
            next = after.ok_or_else(|| io::Error::other(format!("no batch at offset {next}")))?;
            yield_to_io().await;
        }
    }

    /// Replays the whole batches at the front; the offset after them, or none if there is no whole batch.
    fn replay(&self, bytes: &[u8], from: Offset) -> Option<Offset> {
        let mut next = None;
        for batch in Batches::new(bytes) {
            let Ok(batch) = batch else { break };
            let header = *batch.header();
            next = Some(header.next_offset());
            if header.attributes.is_control() {
                continue;
            }
            let Ok(inflated) = batch.inflate(INFLATED_BYTES_MAX) else {
                self.warn(header.base_offset, "a batch does not inflate");
                continue;
            };
            for record in batch.records(&inflated) {
                let Ok(record) = record else {
                    self.warn(header.base_offset, "a record does not parse");
                    break;
                };
                if batch.offset_of(&record) < from {
                    continue;
                }
                let Some(key) = record.key else { continue };
                if let Err(error) = self.coordinator.borrow_mut().replay(key, record.value) {
                    self.warn(header.base_offset, &error.to_string());
                }
            }
        }
        next
    }

    fn warn(&self, offset: Offset, what: &str) {
        tracing::warn!(partition = %self.partition.name(), %offset, "group record skipped: {what}");
    }

    /// Takes a request in. What it changes is changed when this returns; the answer may come later.
    pub fn serve(
        self: &Rc<Self>,
        shard: &Rc<Shard>,
        request: GroupRequest,
    ) -> Pin<Box<dyn Future<Output = Reply>>> {
        let reply = match self.stage.get() {
            Stage::Loading => Asked::Now(Err(ErrorCode::CoordinatorLoadInProgress)),
            Stage::Open => self.ask(shard, request),
            Stage::Closed => Asked::Now(Err(ErrorCode::NotCoordinator)),
        };
        Box::pin(async move {
            let reply = match reply {
                Asked::Now(reply) => reply,
                Asked::Later(receiver) => receiver
                    .await
                    .map(GroupReply::One)
                    .ok_or(ErrorCode::NotCoordinator),
            };
            Reply::Group(Box::new(reply))
        })
    }

    fn ask(self: &Rc<Self>, shard: &Rc<Shard>, request: GroupRequest) -> Asked {
        let coordinator = self.coordinator.borrow();
        match request {
            GroupRequest::Describe { group_ids, version } => {
                let describe = |id: &String| coordinator.describe_group(id, version);
                return Asked::Now(Ok(GroupReply::Described(
                    group_ids.iter().map(describe).collect(),
                )));
            }
            GroupRequest::List(filter) => {
                return Asked::Now(Ok(GroupReply::Listed(coordinator.list_groups(&filter))));
            }
            _ => drop(coordinator),
        }
        let token = ReplyToken(self.next_token.get());
        self.next_token.set(token.0 + 1);
        let (sender, receiver) = oneshot();
        self.replies.borrow_mut().insert(token, sender);
        let now = shard.now();
        self.run(shard, |groups, out| match request {
            GroupRequest::Join(join) => groups.join(now, join, token, out),
            GroupRequest::Sync(sync) => groups.sync(now, sync, token, out),
            GroupRequest::Heartbeat(beat) => groups.heartbeat(now, beat, token, out),
            GroupRequest::Leave(leave) => groups.leave(now, leave, token, out),
            GroupRequest::Commit(commit) => groups.commit_offsets(now, commit, token, out),
            GroupRequest::Fetch(fetch) => groups.fetch_offsets(fetch, token, out),
            GroupRequest::DeleteOffsets(delete) => groups.delete_offsets(now, delete, token, out),
            GroupRequest::Delete(ids) => groups.delete_groups(now, ids, token, out),
            GroupRequest::Describe { .. } | GroupRequest::List(_) => {}
        });
        Asked::Later(receiver)
    }

    /// When [`on_timer`](Self::on_timer) must be called next.
    pub fn next_deadline(&self) -> Option<MonoMs> {
        match self.stage.get() {
            Stage::Open => self.coordinator.borrow().next_deadline(),
            Stage::Loading | Stage::Closed => None,
        }
    }

    /// Lets sessions, rebalances and offsets expire that are due.
    pub fn on_timer(self: &Rc<Self>, shard: &Rc<Shard>) {
        let now = shard.now();
        if self
            .next_deadline()
            .is_some_and(|deadline| deadline <= now.mono)
        {
            self.run(shard, |groups, out| groups.on_timer(now, out));
        }
    }

    /// Topics have gone: their committed offsets go too.
    pub fn on_topics_deleted(
        self: &Rc<Self>,
        shard: &Rc<Shard>,
        gone: &[crate::group::requests::DeletedTopic],
    ) {
        if self.stage.get() == Stage::Open {
            let now = shard.now();
            self.run(shard, |groups, out| {
                groups.on_topics_deleted(now, gone, out)
            });
        }
    }

    /// The partition is going away: whoever waits is sent elsewhere.
    pub fn unload(self: &Rc<Self>, shard: &Rc<Shard>) {
        self.stage.set(Stage::Closed);
        self.run(shard, |groups, out| groups.on_unloaded(out));
    }

    fn run(self: &Rc<Self>, shard: &Rc<Shard>, event: impl FnOnce(&mut Coordinator, &mut Effects)) {
        let mut out = Effects::new();
        event(&mut self.coordinator.borrow_mut(), &mut out);
        for effect in out {
            match effect {
                Effect::Reply { token, response } => {
                    let sender = self.replies.borrow_mut().remove(&token);
                    if let Some(sender) = sender {
                        sender.send(response);
                    }
                }
                Effect::Append { append_id, records } => self.append(shard, append_id, &records),
            }
        }
        shard.timers_changed();
    }

    /// Appends one batch of group records and reports when it is durable.
    fn append(self: &Rc<Self>, shard: &Rc<Shard>, append_id: AppendId, records: &[GroupRecord]) {
        let now = shard.now().wall;
        let mut batch = BatchBuilder::new();
        for record in records {
            batch.push(now, Some(&record.key), record.value.as_deref(), &[]);
        }
        let appended = match batch.build() {
            Ok(bytes) => self.partition.append_own(shard, &bytes),
            Err(_) => Err(ErrorCode::UnknownServerError),
        };
        let host = self.clone();
        let shard_then = shard.clone();
        shard.spawn(async move {
            let result = match appended {
                Ok(durable) => durable.await.unwrap_or(Err(ErrorCode::NotCoordinator)),
                Err(error) => Err(error),
            };
            let now = shard_then.now();
            host.run(&shard_then, |groups, out| {
                groups.on_appended(now, append_id, result, out)
            });
        });
    }
}

/// A request's answer: at once, or when the coordinator gives it.
enum Asked {
    Now(Result<GroupReply, ErrorCode>),
    Later(crate::shard::oneshot::Receiver<Response>),
}
