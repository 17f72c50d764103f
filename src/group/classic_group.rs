//! The membership of one classic group: who is in it, in which state, and what they agreed on.
//! The moves between states are in the files of the requests that cause them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;

use super::effects::{
    AppendId, Effect, Effects, JoinGroupResponse, JoinedMember, ReplyToken, Response,
    SyncGroupResponse,
};
use super::member::Member;
use super::records::{GroupValue, ReplayError, subscribed_topics};
use super::requests::Protocol;
use crate::base::{GenerationId, TimestampMs};
use crate::protocol::ErrorCode;

/// The protocol type of consumers, whose metadata a coordinator can read.
pub(super) const CONSUMER_PROTOCOL_TYPE: &str = "consumer";

/// The states of a classic group. A dead group is one that is not in the table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum State {
    /// No members; lives on for its offsets.
    Empty,
    /// Waits for the members to join.
    PreparingRebalance,
    /// Waits for the leader's assignment.
    CompletingRebalance,
    /// Has an assignment.
    Stable,
}

impl State {
    pub(super) const ALL: [State; 4] = [
        State::Empty,
        State::PreparingRebalance,
        State::CompletingRebalance,
        State::Stable,
    ];

    /// Kafka's name for the state.
    pub(super) const fn name(self) -> &'static str {
        match self {
            State::Empty => "Empty",
            State::PreparingRebalance => "PreparingRebalance",
            State::CompletingRebalance => "CompletingRebalance",
            State::Stable => "Stable",
        }
    }
}

/// The delays before a new group's first rebalance: each new member extends them, up to the
/// rebalance timeout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct InitialDelay {
    /// The delay that is running.
    pub(super) delay_ms: i32,
    /// What may still follow it.
    pub(super) remaining_ms: i32,
    /// Whether a member came while it ran.
    pub(super) extended: bool,
}

#[derive(Clone, Debug)]
pub(super) struct ClassicGroup {
    pub(super) id: Arc<str>,
    pub(super) state: State,
    /// When the group entered its state; unknown for groups of very old records.
    pub(super) state_timestamp: Option<TimestampMs>,
    pub(super) protocol_type: Option<Arc<str>>,
    pub(super) protocol_name: Option<Arc<str>>,
    pub(super) generation_id: GenerationId,
    pub(super) leader: Option<Arc<str>>,
    pub(super) members: BTreeMap<Arc<str>, Member>,
    /// The member id of each static member, by its instance id.
    pub(super) static_members: BTreeMap<Arc<str>, Arc<str>>,
    /// Ids that were given out and have not joined yet.
    pub(super) pending_joins: BTreeSet<Arc<str>>,
    /// Members of this generation that have not asked for their assignment yet.
    pub(super) pending_syncs: BTreeSet<Arc<str>>,
    /// How many members have a parked JoinGroup.
    pub(super) parked_joins: usize,
    /// How many members know each protocol.
    pub(super) supporters: BTreeMap<Arc<str>, usize>,
    /// The topics that members consume, when their metadata can be read.
    pub(super) subscribed_topics: Option<BTreeSet<Arc<str>>>,
    /// Set while the group prepares its first rebalance.
    pub(super) initial_delay: Option<InitialDelay>,
    /// The append that writes an assignment, while in flight, and its generation.
    pub(super) storing: Option<(AppendId, GenerationId)>,
    /// The append that makes the group exist, while in flight.
    pub(super) created_by: Option<AppendId>,
}

impl ClassicGroup {
    /// A group without members.
    pub(super) fn empty(id: &str, state_timestamp: Option<TimestampMs>) -> ClassicGroup {
        ClassicGroup {
            id: Arc::from(id),
            state: State::Empty,
            state_timestamp,
            protocol_type: None,
            protocol_name: None,
            generation_id: GenerationId(0),
            leader: None,
            members: BTreeMap::new(),
            static_members: BTreeMap::new(),
            pending_joins: BTreeSet::new(),
            pending_syncs: BTreeSet::new(),
            parked_joins: 0,
            supporters: BTreeMap::new(),
            subscribed_topics: None,
            initial_delay: None,
            storing: None,
            created_by: None,
        }
    }

    /// A group as the log keeps it: stable, or without members.
    pub(super) fn loaded(id: &str, value: GroupValue) -> Result<ClassicGroup, ReplayError> {
        let mut group = ClassicGroup::empty(id, value.state_timestamp);
        group.generation_id = value.generation_id;
        group.protocol_type = Some(value.protocol_type).filter(|name| !name.is_empty());
        group.protocol_name = value.protocol_name;
        group.leader = value.leader;
        if !value.members.is_empty() {
            let Some(protocol) = group.protocol_name.clone() else {
                return Err(ReplayError::Impossible("members without a protocol"));
            };
            if group.protocol_type.is_none() {
                return Err(ReplayError::Impossible("members without a protocol type"));
            }
            group.state = State::Stable;
            for member in value.members {
                let taken = group.members.contains_key(&member.member_id)
                    || member
                        .group_instance_id
                        .as_ref()
                        .is_some_and(|id| group.static_members.contains_key(id));
                if taken {
                    return Err(ReplayError::Impossible("a member twice"));
                }
                group.insert(Member::loaded(member, &protocol));
            }
        }
        group.elect_existing_leader();
        group.subscribed_topics = group.read_subscriptions();
        Ok(group)
    }

    /// What the log keeps of the group, with these assignments.
    pub(super) fn as_value(&self, assignment: impl Fn(&Member) -> Bytes) -> GroupValue {
        let protocol = self.protocol_name.as_deref();
        GroupValue {
            protocol_type: self.protocol_type.clone().unwrap_or_default(),
            generation_id: self.generation_id,
            protocol_name: self.protocol_name.clone(),
            leader: self.leader.clone(),
            state_timestamp: self.state_timestamp,
            members: self
                .members
                .values()
                .map(|member| member.as_value(protocol, assignment(member)))
                .collect(),
        }
    }

    pub(super) fn transition(&mut self, state: State, at: TimestampMs) {
        self.state = state;
        self.state_timestamp = Some(at);
    }

    pub(super) fn is_leader(&self, member_id: &str) -> bool {
        self.leader.as_deref() == Some(member_id)
    }

    /// Whether a member with these protocols may be here: it must share one with all others.
    pub(super) fn supports(&self, protocol_type: &str, protocols: &[Protocol]) -> bool {
        match self.state {
            State::Empty => !protocol_type.is_empty() && !protocols.is_empty(),
            _ => {
                self.protocol_type.as_deref() == Some(protocol_type)
                    && protocols.iter().any(|protocol| {
                        self.supporters.get(&protocol.name).copied().unwrap_or(0)
                            == self.members.len()
                    })
            }
        }
    }

    /// Whether the sender is the member that it says it is.
    pub(super) fn validate(
        &self,
        member_id: &str,
        instance_id: Option<&str>,
    ) -> Result<(), ErrorCode> {
        if let Some(instance_id) = instance_id {
            match self.static_members.get(instance_id) {
                None => return Err(ErrorCode::UnknownMemberId),
                Some(known) if &**known != member_id => return Err(ErrorCode::FencedInstanceId),
                Some(_) => {}
            }
        }
        match self.members.contains_key(member_id) {
            true => Ok(()),
            false => Err(ErrorCode::UnknownMemberId),
        }
    }

    /// Adds a member; the first one gives the group its protocol type and leader.
    pub(super) fn insert(&mut self, member: Member) {
        if let Some(instance_id) = &member.instance_id {
            self.static_members
                .insert(Arc::clone(instance_id), Arc::clone(&member.id));
        }
        self.leader.get_or_insert_with(|| Arc::clone(&member.id));
        self.pending_joins.remove(&member.id);
        self.parked_joins += usize::from(member.parked_join.is_some());
        for protocol in &member.protocols {
            let supporters = self.supporters.entry(Arc::clone(&protocol.name));
            *supporters.or_default() += 1;
        }
        let before = self.members.insert(Arc::clone(&member.id), member);
        debug_assert!(before.is_none());
    }

    /// Removes a member, and answers what it has parked. A leader is succeeded by any other.
    pub(super) fn remove(&mut self, member_id: &str, out: &mut Effects) {
        self.complete_join(
            member_id,
            JoinGroupResponse::error("", ErrorCode::UnknownMemberId),
            out,
        );
        self.complete_sync(
            member_id,
            SyncGroupResponse::error(ErrorCode::UnknownMemberId),
            out,
        );
        if let Some(member) = self.members.remove(member_id) {
            self.forget_protocols(&member.protocols);
            if let Some(instance_id) = &member.instance_id {
                self.static_members.remove(instance_id);
            }
        }
        if self.is_leader(member_id) {
            self.leader = None;
            self.elect_existing_leader();
        }
        self.pending_joins.remove(member_id);
        self.pending_syncs.remove(member_id);
    }

    /// Takes over what a rejoining member brings, and parks its JoinGroup. One that was parked
    /// already came over a connection that the client has given up.
    pub(super) fn update(
        &mut self,
        member_id: &str,
        protocols: Vec<Protocol>,
        rebalance_timeout_ms: i32,
        session_timeout_ms: i32,
        parked_join: Option<ReplyToken>,
        out: &mut Effects,
    ) {
        self.complete_join(
            member_id,
            JoinGroupResponse::error(member_id, ErrorCode::RebalanceInProgress),
            out,
        );
        let Some(member) = self.members.get_mut(member_id) else {
            return;
        };
        member.rebalance_timeout_ms = rebalance_timeout_ms;
        member.session_timeout_ms = session_timeout_ms;
        member.parked_join = parked_join;
        self.parked_joins += usize::from(parked_join.is_some());
        for protocol in &protocols {
            let supporters = self.supporters.entry(Arc::clone(&protocol.name));
            *supporters.or_default() += 1;
        }
        let before = std::mem::replace(&mut member.protocols, protocols);
        self.forget_protocols(&before);
    }

    /// Gives a static member's place to a new member id. The old one is fenced if it waits.
    pub(super) fn replace_static(&mut self, old_id: &str, new_id: &Arc<str>, out: &mut Effects) {
        self.complete_join(
            old_id,
            JoinGroupResponse::error(old_id, ErrorCode::FencedInstanceId),
            out,
        );
        self.complete_sync(
            old_id,
            SyncGroupResponse::error(ErrorCode::FencedInstanceId),
            out,
        );
        let Some(mut member) = self.members.remove(old_id) else {
            return;
        };
        if let Some(instance_id) = &member.instance_id {
            self.static_members
                .insert(Arc::clone(instance_id), Arc::clone(new_id));
        }
        member.id = Arc::clone(new_id);
        member.is_new = false;
        self.members.insert(Arc::clone(new_id), member);
        if self.is_leader(old_id) {
            self.leader = Some(Arc::clone(new_id));
        }
        // The new one still owes the SyncGroup that the old one owed.
        if self.pending_syncs.remove(old_id) {
            self.pending_syncs.insert(Arc::clone(new_id));
        }
    }

    /// Makes sure that the leader waits for the rebalance. False if no member does.
    pub(super) fn elect_joined_leader(&mut self) -> bool {
        let has_joined = |member: &&Member| member.parked_join.is_some();
        let leader = self.leader.as_ref().and_then(|id| self.members.get(id));
        if leader.filter(has_joined).is_some() {
            return true;
        }
        match self.members.values().find(has_joined) {
            Some(member) => {
                self.leader = Some(Arc::clone(&member.id));
                true
            }
            None => false,
        }
    }

    fn elect_existing_leader(&mut self) {
        let exists = |id: &Arc<str>| self.members.contains_key(id);
        if self.leader.as_ref().is_none_or(|id| !exists(id)) {
            self.leader = self.members.keys().next().cloned();
        }
    }

    pub(super) fn has_all_joined(&self) -> bool {
        self.members.len() == self.parked_joins && self.pending_joins.is_empty()
    }

    /// The longest rebalance timeout among the members.
    pub(super) fn rebalance_timeout_ms(&self) -> i32 {
        let timeouts = self.members.values().map(|m| m.rebalance_timeout_ms);
        timeouts.max().unwrap_or(0).max(0)
    }

    /// The protocol that most members prefer among those that all know; by name if equal.
    pub(super) fn select_protocol(&self) -> Option<Arc<str>> {
        let mut votes = BTreeMap::<&Arc<str>, usize>::new();
        for member in self.members.values() {
            if let Some(choice) = member.vote(&self.supporters, self.members.len()) {
                *votes.entry(choice).or_default() += 1;
            }
        }
        // Of equals `max_by_key` takes the last, so the names go backwards.
        let chosen = votes.into_iter().rev().max_by_key(|(_, votes)| *votes);
        chosen.map(|(name, _)| Arc::clone(name))
    }

    /// Begins the next generation with whoever is there.
    pub(super) fn begin_generation(&mut self, at: TimestampMs) {
        self.generation_id = GenerationId(self.generation_id.get().wrapping_add(1).max(0));
        self.protocol_name = self.select_protocol();
        self.subscribed_topics = self.read_subscriptions();
        self.pending_syncs.clear();
        let state = match self.members.is_empty() {
            true => State::Empty,
            false => State::CompletingRebalance,
        };
        self.initial_delay = None;
        self.transition(state, at);
    }

    /// Whether the group consumes the topic as far as is known; consumers whose metadata cannot
    /// be read might.
    pub(super) fn is_subscribed_to(&self, topic: &str) -> bool {
        match &self.subscribed_topics {
            Some(topics) => topics.contains(topic),
            None => self.is_consumer_group(),
        }
    }

    pub(super) fn is_consumer_group(&self) -> bool {
        self.protocol_type.as_deref() == Some(CONSUMER_PROTOCOL_TYPE)
    }

    fn read_subscriptions(&self) -> Option<BTreeSet<Arc<str>>> {
        if !self.is_consumer_group() {
            return None;
        }
        if self.members.is_empty() {
            return Some(BTreeSet::new());
        }
        let protocol = Some(self.protocol_name.as_deref()?);
        let mut all = BTreeSet::<Arc<str>>::new();
        for member in self.members.values() {
            let metadata = member.metadata(protocol);
            for topic in subscribed_topics(&metadata)? {
                // Most members want what others want, too.
                if !all.contains(topic) {
                    all.insert(Arc::from(topic));
                }
            }
        }
        Some(all)
    }

    fn forget_protocols(&mut self, protocols: &[Protocol]) {
        for protocol in protocols {
            if let Some(supporters) = self.supporters.get_mut(&protocol.name) {
                *supporters -= 1;
                if *supporters == 0 {
                    self.supporters.remove(&protocol.name);
                }
            }
        }
    }

    /// The members as the leader is told of them.
    pub(super) fn joined_members(&self) -> Vec<JoinedMember> {
        let protocol = self.protocol_name.as_deref();
        let members = self.members.values();
        members.map(|member| member.as_joined(protocol)).collect()
    }

    /// The reply to a JoinGroup of a member of this generation.
    pub(super) fn join_response(&self, member_id: &Arc<str>) -> JoinGroupResponse {
        JoinGroupResponse {
            error: ErrorCode::None,
            generation_id: self.generation_id,
            protocol_type: self.protocol_type.clone(),
            protocol_name: self.protocol_name.clone(),
            leader: self.leader.clone().unwrap_or_default(),
            skip_assignment: false,
            member_id: Arc::clone(member_id),
            members: match self.is_leader(member_id) {
                true => self.joined_members(),
                false => Vec::new(),
            },
        }
    }

    /// Answers a member's parked JoinGroup, if there is one.
    pub(super) fn complete_join(
        &mut self,
        member_id: &str,
        response: JoinGroupResponse,
        out: &mut Effects,
    ) {
        let member = self.members.get_mut(member_id);
        if let Some(token) = member.and_then(|member| member.parked_join.take()) {
            self.parked_joins -= 1;
            let response = Response::JoinGroup(response);
            out.push(Effect::Reply { token, response });
        }
    }

    /// Answers a member's parked SyncGroup, if there is one.
    pub(super) fn complete_sync(
        &mut self,
        member_id: &str,
        response: SyncGroupResponse,
        out: &mut Effects,
    ) -> bool {
        let member = self.members.get_mut(member_id);
        let Some(token) = member.and_then(|member| member.parked_sync.take()) else {
            return false;
        };
        let response = Response::SyncGroup(response);
        out.push(Effect::Reply { token, response });
        true
    }

    /// Answers everything that is parked with an error: the group goes from here.
    pub(super) fn fail_parked(&mut self, error: ErrorCode, out: &mut Effects) {
        let ids: Vec<_> = self.members.keys().cloned().collect();
        for id in ids {
            self.complete_join(&id, JoinGroupResponse::error(&id, error), out);
            self.complete_sync(&id, SyncGroupResponse::error(error), out);
        }
    }

    /// Panics unless the group is consistent with itself.
    pub(super) fn invariants(&self) {
        let members = self.members.len();
        let parked = |member: &&Member| member.parked_join.is_some();
        assert_eq!(
            self.parked_joins,
            self.members.values().filter(parked).count()
        );
        let with_instance = self.members.values().filter(|m| m.instance_id.is_some());
        assert_eq!(self.static_members.len(), with_instance.count());
        for (instance_id, id) in &self.static_members {
            assert_eq!(self.members[id].instance_id.as_ref(), Some(instance_id));
        }
        for (id, member) in &self.members {
            assert_eq!(*id, member.id);
            assert!(!self.pending_joins.contains(id));
            let may_wait_for_sync = self.state == State::CompletingRebalance;
            assert!(member.parked_sync.is_none() || may_wait_for_sync);
        }
        match &self.leader {
            Some(leader) => assert!(self.members.contains_key(leader)),
            None => assert_eq!(members, 0),
        }
        for id in &self.pending_syncs {
            assert!(self.members.contains_key(id));
        }
        match self.state {
            State::Empty => assert_eq!(members, 0),
            State::PreparingRebalance => assert!(self.pending_syncs.is_empty()),
            State::CompletingRebalance | State::Stable => assert!(members > 0),
        }
        if members > 0 {
            assert!(self.protocol_type.is_some());
            assert!(self.select_protocol().is_some(), "no common protocol");
        }
        assert!(self.initial_delay.is_none() || self.state == State::PreparingRebalance);
    }
}
