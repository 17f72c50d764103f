//! One member of a classic group.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;

use super::effects::{JoinedMember, ReplyToken};
use super::records::MemberValue;
use super::requests::{JoinGroup, Protocol};

#[derive(Clone, Debug)]
pub(super) struct Member {
    pub(super) id: Arc<str>,
    pub(super) instance_id: Option<Arc<str>>,
    pub(super) client_id: Arc<str>,
    pub(super) client_host: Arc<str>,
    pub(super) rebalance_timeout_ms: i32,
    pub(super) session_timeout_ms: i32,
    /// In order of preference, each name once.
    pub(super) protocols: Vec<Protocol>,
    pub(super) assignment: Bytes,
    /// A JoinGroup that waits for the others.
    pub(super) parked_join: Option<ReplyToken>,
    /// A SyncGroup that waits for the leader.
    pub(super) parked_sync: Option<ReplyToken>,
    /// Whether the member has never been told its id, so that its first JoinGroup may time out.
    pub(super) is_new: bool,
}

impl Member {
    pub(super) fn joining(id: Arc<str>, request: &JoinGroup) -> Member {
        Member {
            id,
            instance_id: request.group_instance_id.as_deref().map(Arc::from),
            client_id: Arc::from(&*request.client_id),
            client_host: Arc::from(&*request.client_host),
            rebalance_timeout_ms: request.rebalance_timeout_ms,
            session_timeout_ms: request.session_timeout_ms,
            protocols: request.protocols.clone(),
            assignment: Bytes::new(),
            parked_join: None,
            parked_sync: None,
            is_new: true,
        }
    }

    pub(super) fn loaded(value: MemberValue, protocol: &Arc<str>) -> Member {
        Member {
            id: value.member_id,
            instance_id: value.group_instance_id,
            client_id: value.client_id,
            client_host: value.client_host,
            rebalance_timeout_ms: value.rebalance_timeout_ms,
            session_timeout_ms: value.session_timeout_ms,
            protocols: vec![Protocol {
                name: Arc::clone(protocol),
                metadata: value.subscription,
            }],
            assignment: value.assignment,
            parked_join: None,
            parked_sync: None,
            is_new: false,
        }
    }

    /// The metadata for a protocol, empty if the member does not know it.
    pub(super) fn metadata(&self, protocol: Option<&str>) -> Bytes {
        self.protocols
            .iter()
            .find(|known| Some(&*known.name) == protocol)
            .map_or_else(Bytes::new, |known| known.metadata.clone())
    }

    /// A member that waits for a rebalance need not send heartbeats, unless it is new.
    pub(super) fn is_excused(&self) -> bool {
        !self.is_new && (self.parked_join.is_some() || self.parked_sync.is_some())
    }

    /// The protocol that the member prefers among those that all support.
    pub(super) fn vote(
        &self,
        supporters: &BTreeMap<Arc<str>, usize>,
        members: usize,
    ) -> Option<&Arc<str>> {
        self.protocols
            .iter()
            .map(|protocol| &protocol.name)
            .find(|name| supporters.get(*name) == Some(&members))
    }

    pub(super) fn as_joined(&self, protocol: Option<&str>) -> JoinedMember {
        JoinedMember {
            member_id: Arc::clone(&self.id),
            group_instance_id: self.instance_id.clone(),
            metadata: self.metadata(protocol),
        }
    }

    pub(super) fn as_value(&self, protocol: Option<&str>, assignment: Bytes) -> MemberValue {
        MemberValue {
            member_id: Arc::clone(&self.id),
            group_instance_id: self.instance_id.clone(),
            client_id: Arc::clone(&self.client_id),
            client_host: Arc::clone(&self.client_host),
            rebalance_timeout_ms: self.rebalance_timeout_ms,
            session_timeout_ms: self.session_timeout_ms,
            subscription: self.metadata(protocol),
            assignment,
        }
    }
}

/// Drops repetitions of a protocol's name; the first counts.
pub(super) fn dedup_protocols(protocols: &mut Vec<Protocol>) {
    let mut seen = BTreeSet::new();
    protocols.retain(|protocol| seen.insert(Arc::clone(&protocol.name)));
}

/// The id of a new member: its instance id or its client's, a dash, and a random UUID.
pub(super) fn new_member_id(request: &JoinGroup) -> Arc<str> {
    const UUID_CHARS: usize = 36;
    let prefix = match &request.group_instance_id {
        Some(instance_id) => instance_id,
        None => &request.client_id,
    };
    // The id must itself fit a string of the wire.
    let prefix = &prefix[..prefix.floor_char_boundary(i16::MAX as usize - UUID_CHARS - 1)];
    let hex = format!("{:032x}", u128::from_be_bytes(request.uuid));
    let (a, b, c, d, e) = (
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..],
    );
    Arc::from(format!("{prefix}-{a}-{b}-{c}-{d}-{e}"))
}
