//! The one match on the API key: a frame becomes a request, a request finds its handler.

use std::future::{Future, ready};
use std::pin::Pin;
use std::rc::Rc;

use bytes::Bytes;

use crate::protocol::{ApiKey, DecodeError, Message, Reader, RequestHeader};
use crate::shard::connection::Peer;
use crate::shard::groups::*;
use crate::shard::response::Response;
use crate::shard::*;

/// A request on its way.
pub struct Request {
    /// What its header says.
    pub header: Header,
    /// The whole frame.
    pub frame: Bytes,
    /// Where in the frame the body begins.
    pub body_at: usize,
    /// Whom it came from.
    pub peer: Rc<Peer>,
}

/// A request's header, kept beyond its frame.
#[derive(Clone, Debug)]
pub struct Header {
    /// Which API.
    pub api: ApiKey,
    /// Which version of it.
    pub api_version: i16,
    /// What the answer is to carry.
    pub correlation_id: i32,
    /// The name that the client gave itself.
    pub client_id: Option<Rc<str>>,
}

impl Request {
    /// Reads the body as what its API key says.
    pub fn decode<'a, M: Message<'a>>(&'a self) -> Result<M, DecodeError> {
        let body = self.frame.get(self.body_at..).unwrap_or_default();
        M::decode(&mut Reader::new(body), self.header.api_version)
    }

    /// Bytes of the frame, kept alive with it and not copied.
    pub fn slice(&self, part: &[u8]) -> Bytes {
        if part.is_empty() {
            Bytes::new()
        } else {
            self.frame.slice_ref(part)
        }
    }
}

/// A request's answer to come.
pub type Answer = Pin<Box<dyn Future<Output = Response>>>;

/// Starts a frame's request. The first poll of the answer is the dispatch itself.
pub fn start(shard: &Rc<Shard>, peer: &Rc<Peer>, frame: Bytes) -> Answer {
    match read_header(peer, frame) {
        Ok(request) => {
            shard.metrics.count_request(request.header.api);
            route(shard.clone(), request)
        }
        Err(response) => Box::pin(ready(response)),
    }
}

/// Requests that take their place when they start and then wait for the disk: those of one kind may be under way together.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Waits {
    /// Produce.
    ForRecords,
    /// OffsetCommit.
    ForOffsets,
}

/// Whether the request in a frame is of such a kind, by its first two bytes.
pub fn waits(frame: &[u8]) -> Option<Waits> {
    let kinds = [
        (ApiKey::Produce, Waits::ForRecords),
        (ApiKey::OffsetCommit, Waits::ForOffsets),
    ];
    let is_it = |(api, _): &(ApiKey, Waits)| frame.starts_with(&api.code().to_be_bytes());
    kinds.into_iter().find(is_it).map(|(_, kind)| kind)
}

fn read_header(peer: &Rc<Peer>, frame: Bytes) -> Result<Request, Response> {
    let mut reader = Reader::new(&frame);
    let raw = RequestHeader::decode(&mut reader).map_err(Response::malformed)?;
    let known = ApiKey::from_code(raw.api_key);
    let Some(api) = known else {
        return Err(Response::close(format!("unknown API key {}", raw.api_key)));
    };
    if !api.supports(raw.api_version) {
        return Err(api_versions::unsupported(
            api,
            raw.api_version,
            raw.correlation_id,
        ));
    }
    let header = Header {
        api,
        api_version: raw.api_version,
        correlation_id: raw.correlation_id,
        client_id: raw.client_id.map(Rc::from),
    };
    let body_at = reader.position();
    Ok(Request {
        header,
        body_at,
        peer: peer.clone(),
        frame,
    })
}

fn route(shard: Rc<Shard>, request: Request) -> Answer {
    match request.header.api {
        ApiKey::Produce => Box::pin(produce::handle(shard, request)),
        ApiKey::Fetch => Box::pin(fetch::handle(shard, request)),
        ApiKey::ListOffsets => Box::pin(list_offsets::handle(shard, request)),
        ApiKey::Metadata => Box::pin(metadata::handle(shard, request)),
        ApiKey::OffsetCommit => Box::pin(offset_commit::handle(shard, request)),
        ApiKey::OffsetFetch => Box::pin(offset_fetch::handle(shard, request)),
        ApiKey::FindCoordinator => Box::pin(find_coordinator::handle(shard, request)),
        ApiKey::JoinGroup => Box::pin(join_group::handle(shard, request)),
        ApiKey::Heartbeat => Box::pin(heartbeat::handle(shard, request)),
        ApiKey::LeaveGroup => Box::pin(leave_group::handle(shard, request)),
        ApiKey::SyncGroup => Box::pin(sync_group::handle(shard, request)),
        ApiKey::DescribeGroups => Box::pin(describe_groups::handle(shard, request)),
        ApiKey::ListGroups => Box::pin(list_groups::handle(shard, request)),
        ApiKey::ApiVersions => Box::pin(api_versions::handle(shard, request)),
        ApiKey::InitProducerId => Box::pin(init_producer_id::handle(shard, request)),
        ApiKey::OffsetForLeaderEpoch => Box::pin(offset_for_leader_epoch::handle(shard, request)),
        ApiKey::DescribeConfigs => Box::pin(describe_configs::handle(shard, request)),
        ApiKey::DeleteGroups => Box::pin(delete_groups::handle(shard, request)),
        ApiKey::OffsetDelete => Box::pin(offset_delete::handle(shard, request)),
        ApiKey::DescribeCluster => Box::pin(describe_cluster::handle(shard, request)),
        ApiKey::DescribeTopicPartitions => {
            Box::pin(describe_topic_partitions::handle(shard, request))
        }
        ApiKey::CreateTopics | ApiKey::DeleteTopics | ApiKey::CreatePartitions => {
            Box::pin(control::handle(shard, request))
        }
    }
}
