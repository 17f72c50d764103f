//! What the control thread does with requests: decide them in their order, write all changes at once, hand the new image
//! to every shard, and answer when all of them have applied it.
//!
//! A request that changes nothing is answered the same way, so that it never tells of a change that some shard does
//! not know yet. Changes that cannot be written are KAFKA_STORAGE_ERROR: on a full disk until there is space, after
//! the metadata log has failed until the next start.

use std::collections::VecDeque;
use std::sync::Arc;

use super::draft::{Draft, fresh_ids};
use super::handlers;
use super::messages::{ControlCall, ControlReply, ControlRequest};
use super::metadata_log::{MetadataLog, MetadataLogError};
use crate::base::{ShardId, TimestampMs};
use crate::metadata::controller::{ApiError, Outcome, allocate_producer_ids, auto_create};
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
    /// The last change could not be written.
    refusing: bool,
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
            refusing: false,
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
        if self.carry_out(&requests, now, out).is_err() {
            // One by one, so that what frees space is done, and what changes nothing is answered as ever.
            for request in &requests {
                if let Err(error) = self.carry_out(std::slice::from_ref(request), now, out) {
                    self.refuse(request, &error);
                }
            }
        }
        self.release(out);
    }

    fn carry_out(
        &mut self,
        requests: &[ControlRequest],
        now: TimestampMs,
        out: &mut Vec<Outgoing>,
    ) -> Result<(), MetadataLogError> {
        let mut draft = Draft::new(self.image.clone(), self.shards());
        let decided: Vec<Waiting> = requests
            .iter()
            .map(|request| decide(&mut draft, request))
            .collect();
        let (image, changes) = draft.into_parts();
        self.commit(&image, &changes, now)?;
        if !changes.is_empty() {
            out.push(Outgoing::Image(image));
            if std::mem::take(&mut self.refusing) {
                tracing::info!("the cluster's state can be changed again");
            }
        }
        self.waiting.extend(decided);
        Ok(())
    }

    /// Answers a request whose change could not be written. The log hears of the first of them.
    fn refuse(&mut self, request: &ControlRequest, error: &MetadataLogError) {
        if !std::mem::replace(&mut self.refusing, true) {
            tracing::error!(%error, "changes of the cluster's state are refused");
        }
        let refusal = ApiError::new(ErrorCode::KafkaStorageError, refusal_message(error));
        let mut draft = Draft::refusing(self.image.clone(), self.shards(), refusal);
        self.waiting.push_back(decide(&mut draft, request));
    }

    fn shards(&self) -> u16 {
        u16::try_from(self.applied.len()).unwrap_or(u16::MAX)
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

/// What a client is told: paths of the broker's are not its business.
fn refusal_message(error: &MetadataLogError) -> &'static str {
    match error {
        MetadataLogError::Full { .. } => "The broker's disk is full.",
        _ => "The broker cannot write its metadata log.",
    }
}

fn decide(draft: &mut Draft, request: &ControlRequest) -> Waiting {
    let reply = match &request.call {
        ControlCall::Forward(request) => handlers::handle(draft, request),
        ControlCall::AutoCreate { names } => ControlReply::AutoCreated(make(draft, names)),
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
            to: request.from,
            token: request.token,
            reply,
        },
    }
}

/// Makes topics that someone needs; what became of each name.
fn make(draft: &mut Draft, names: &[String]) -> Vec<(String, ErrorCode)> {
    let all: Vec<&str> = names.iter().map(String::as_str).collect();
    let ids = fresh_ids(names.len());
    let Outcome { result, records } = auto_create(draft.image(), &all, draft.shards(), &ids);
    match draft.change(records) {
        Ok(()) => result
            .into_iter()
            .map(|(name, result)| (name, code(&draft.told(result))))
            .collect(),
        Err(fault) => {
            tracing::error!(%fault, "topics could not be made");
            let failed = |(name, _)| (name, ErrorCode::UnknownServerError);
            result.into_iter().map(failed).collect()
        }
    }
}

fn code(result: &Result<(), ApiError>) -> ErrorCode {
    match result {
        Ok(()) => ErrorCode::None,
        Err(error) => error.code,
    }
}

fn producer_ids(draft: &mut Draft) -> ControlReply {
    let Some(Outcome { result, records }) = allocate_producer_ids(draft.image()) else {
        return ControlReply::Failed(ErrorCode::UnknownServerError);
    };
    match draft.change(records) {
        Ok(()) => match draft.told(Ok(result)) {
            Ok(block) => ControlReply::ProducerIds {
                first: block.first,
                len: block.len,
            },
            Err(refusal) => ControlReply::Failed(refusal.code),
        },
        Err(fault) => {
            tracing::error!(%fault, "producer ids could not be taken");
            ControlReply::Failed(ErrorCode::UnknownServerError)
        }
    }
}

#[cfg(test)]
mod tests;
