//! What shards ask of the control thread, and what it answers.

use bytes::Bytes;

use crate::base::{ProducerId, ShardId};
use crate::protocol::{ApiKey, DecodeError, ErrorCode};

/// A shard's request.
#[derive(Clone, Debug)]
pub struct ControlRequest {
    /// Who asks.
    pub from: ShardId,
    /// What the answer is to carry.
    pub token: u64,
    /// What is asked.
    pub call: ControlCall,
}

/// What can be asked of the control thread.
#[derive(Clone, Debug)]
pub enum ControlCall {
    /// A client's request that changes the cluster's state.
    Forward(ForwardedRequest),
    /// Topics that a client named and that are not there. That they may be made is for the shard to know.
    AutoCreate {
        /// Their names, all different.
        names: Vec<String>,
    },
    /// `__consumer_offsets`, which the first group makes necessary.
    EnsureOffsetsTopic,
    /// Producer ids for the shard to hand out.
    AllocateProducerIds,
}

/// A client's request, but for its header: CreateTopics, DeleteTopics or CreatePartitions.
#[derive(Clone, Debug)]
pub struct ForwardedRequest {
    /// Which API.
    pub api: ApiKey,
    /// Which version of it; one that is served.
    pub version: i16,
    /// What the response is to carry.
    pub correlation_id: i32,
    /// What follows the header.
    pub body: Bytes,
}

/// An answer. When it tells of a change, every shard has applied the change.
#[derive(Clone, PartialEq, Debug)]
pub enum ControlReply {
    /// To [`ControlCall::Forward`]: the whole response frame.
    Response(Vec<u8>),
    /// To [`ControlCall::Forward`]: the request could not be read, so its connection has to go.
    Malformed(DecodeError),
    /// To [`ControlCall::AutoCreate`]: each name, and what became of it.
    AutoCreated(Vec<(String, ErrorCode)>),
    /// To [`ControlCall::EnsureOffsetsTopic`].
    Done(Result<(), ErrorCode>),
    /// To [`ControlCall::AllocateProducerIds`].
    ProducerIds {
        /// The first id.
        first: ProducerId,
        /// How many.
        len: i64,
    },
    /// To [`ControlCall::AllocateProducerIds`], if the change cannot be written; to any, if the fault is ours.
    Failed(ErrorCode),
}
