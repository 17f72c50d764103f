//! What the control thread does with requests: decide them in their order, write all changes at once, hand the new image
//! to every shard, and answer when all of them have applied it.
//!
//! A request that changes nothing is answered the same way, so that it never tells of a change that some shard does
//! not know yet. After the metadata log has failed, nothing more is changed.

use std::collections::VecDeque;
use std::sync::Arc;

use super::draft::{Draft, fresh_ids};
use super::handlers;
use super::messages::{ControlCall, ControlReply, ControlRequest};
use super::metadata_log::{MetadataLog, MetadataLogError};
use crate::base::{ShardId, TimestampMs};
use crate::metadata::controller::{Outcome, allocate_producer_ids, auto_create};
use crate::metadata::{ClusterImage, Record, topic_name};
use crate::protocol::ErrorCode;

/// Something to send.
#[derive(Debug)]
pub enum Outgoing {
    /// The new state, to every shard.
    Image(Arc<ClusterImage>),
    /// An answer, to the shard that asked.
    Reply {
        /// The shard.
        to: ShardId,
        /// The token of its request.
        token: u64,
        /// The answer.
        reply: ControlReply,
    },
}

/// The cluster's state, its log, and the answers that wait for shards.
#[derive(Debug)]
pub struct Controller {
    log: MetadataLog,
    image: Arc<ClusterImage>,
    /// The version that each shard has applied.
    applied: Vec<i64>,
    /// Answers in the order of their versions.
    waiting: VecDeque<Waiting>,
}

#[derive(Debug)]
struct Waiting {
    version: i64,
    answer: Outgoing,
}

impl Controller {
    /// The controller of a node whose shards all begin with `image`.
    pub fn new(log: MetadataLog, image: Arc<ClusterImage>, shards: usize) -> Controller {
        Controller {
            log,
            applied: vec![image.version(); shards],
            image,
            waiting: VecDeque::new(),
        }
    }

    /// The state that the metadata log tells.
    pub fn image(&self) -> &Arc<ClusterImage> {
        &self.image
    }

    /// Decides requests, in their order, and writes what they change with one sync.
    pub fn on_requests(
        &mut self,
        requests: Vec<ControlRequest>,
        now: TimestampMs,
        out: &mut Vec<Outgoing>,
    ) {
        let shards = u16::try_from(self.applied.len()).unwrap_or(u16::MAX);
        let mut draft = Draft::new(self.image.clone(), shards);
        let decided: Vec<Waiting> = requests
            .into_iter()
            .map(|request| decide(&mut draft, request))
            .collect();
        let (image, changes) = draft.into_parts();
        match self.commit(&image, &changes, now) {
            Ok(()) if !changes.is_empty() => out.push(Outgoing::Image(image)),
            Ok(()) => {}
            Err(error) => {
                tracing::error!(%error, "changes of the cluster's state were refused");
                out.extend(decided.into_iter().map(Waiting::fail));
                return;
            }
        }
        self.waiting.extend(decided);
        self.release(out);
    }

    fn commit(
        &mut self,
        image: &Arc<ClusterImage>,
        changes: &[Vec<Record>],
        now: TimestampMs,
    ) -> Result<(), MetadataLogError> {
        self.log.append(changes.iter().map(Vec::as_slice), now)?;
        self.image = image.clone();
        if self.log.wants_snapshot()
            && let Err(error) = self.log.snapshot(&self.image, now)
        {
            tracing::warn!(%error, "no snapshot of the metadata log could be made; the log goes on");
        }
        Ok(())
    }

    /// Notes that a shard has applied an image; answers what waited for that.
    pub fn on_applied(&mut self, shard: ShardId, version: i64, out: &mut Vec<Outgoing>) {
        if let Some(applied) = self.applied.get_mut(shard.index()) {
            *applied = version.max(*applied);
        }
        self.release(out);
    }

    fn release(&mut self, out: &mut Vec<Outgoing>) {
        let everywhere = self.applied.iter().copied().min().unwrap_or(i64::MAX);
        while let Some(first) = self
            .waiting
            .pop_front_if(|waiting| waiting.version <= everywhere)
        {
            out.push(first.answer);
        }
    }
}

impl Waiting {
    /// The answer when the change behind it could not be written.
    fn fail(self) -> Outgoing {
        match self.answer {
            Outgoing::Reply { to, token, .. } => Outgoing::Reply {
                to,
                token,
                reply: ControlReply::Failed(ErrorCode::KafkaStorageError),
            },
            image @ Outgoing::Image(_) => image,
        }
    }
}

fn decide(draft: &mut Draft, request: ControlRequest) -> Waiting {
    let ControlRequest { from, token, call } = request;
    let reply = match call {
        ControlCall::Forward(request) => handlers::handle(draft, &request),
        ControlCall::AutoCreate { names } => ControlReply::AutoCreated(make(draft, &names)),
        ControlCall::EnsureOffsetsTopic => {
            let made = make(draft, &[topic_name::CONSUMER_OFFSETS.to_owned()]);
            let code = made.first().map_or(ErrorCode::None, |(_, code)| *code);
            ControlReply::Done(if code == ErrorCode::None {
                Ok(())
            } else {
                Err(code)
            })
        }
        ControlCall::AllocateProducerIds => producer_ids(draft),
    };
    Waiting {
        version: draft.image().version(),
        answer: Outgoing::Reply {
            to: from,
            token,
            reply,
        },
    }
}

/// Makes topics that someone needs; what became of each name.
fn make(draft: &mut Draft, names: &[String]) -> Vec<(String, ErrorCode)> {
    let all: Vec<&str> = names.iter().map(String::as_str).collect();
    let ids = fresh_ids(names.len());
    let Outcome { result, records } = auto_create(draft.image(), &all, draft.shards(), &ids);
    let code = |result: Result<(), crate::metadata::controller::ApiError>| match result {
        Ok(()) => ErrorCode::None,
        Err(error) => error.code,
    };
    match draft.change(records) {
        Ok(()) => result
            .into_iter()
            .map(|(name, result)| (name, code(result)))
            .collect(),
        Err(fault) => {
            tracing::error!(%fault, "topics could not be made");
            let failed = |(name, _)| (name, ErrorCode::UnknownServerError);
            result.into_iter().map(failed).collect()
        }
    }
}

fn producer_ids(draft: &mut Draft) -> ControlReply {
    let Some(Outcome { result, records }) = allocate_producer_ids(draft.image()) else {
        return ControlReply::Failed(ErrorCode::UnknownServerError);
    };
    match draft.change(records) {
        Ok(()) => ControlReply::ProducerIds {
            first: result.first,
            len: result.len,
        },
        Err(fault) => {
            tracing::error!(%fault, "producer ids could not be taken");
            ControlReply::Failed(ErrorCode::UnknownServerError)
        }
    }
}

#[cfg(test)]
mod tests;
