//! SyncGroup (key 14): the leader hands in the assignments, every member fetches its own.
//!
//! - A follower's reply is parked until the leader's assignments are durable.
//! - From version 5 the request names the protocol it believes in (KIP-559).

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;

use super::appends::{InFlight, Then, client_error};
use super::classic_group::{ClassicGroup, State};
use super::coordinator::Coordinator;
use super::effects::{AppendId, Effect, Effects, ReplyToken, Response, SyncGroupResponse};
use super::rebalance::Context;
use super::records::group_record;
use super::requests::SyncGroup;
use crate::base::Now;
use crate::protocol::ErrorCode;

/// The first version in which the protocol's type and name are mandatory.
const VERSION_PROTOCOL_MANDATORY: i16 = 5;

impl Coordinator {
    /// SyncGroup; the reply may be parked until the leader's assignment is durable.
    pub fn sync(&mut self, now: Now, request: SyncGroup, token: ReplyToken, out: &mut Effects) {
        if let Err(error) = self.check_sync(&request) {
            let response = Response::SyncGroup(SyncGroupResponse::error(error));
            out.push(Effect::Reply { token, response });
            return;
        }
        let (groups, mut cx) = self.split(now, out);
        if let Some(group) = groups.get_mut(request.group_id.as_str()) {
            group.sync(request, token, &mut cx);
        }
    }

    fn check_sync(&self, request: &SyncGroup) -> Result<(), ErrorCode> {
        let names_protocol = request.protocol_type.is_some() && request.protocol_name.is_some();
        if request.api_version >= VERSION_PROTOCOL_MANDATORY && !names_protocol {
            return Err(ErrorCode::InconsistentGroupProtocol);
        }
        if request.group_id.is_empty() {
            return Err(ErrorCode::InvalidGroupId);
        }
        let group = self.groups.get(request.group_id.as_str());
        let group = group.ok_or(ErrorCode::UnknownMemberId)?;
        group.validate(&request.member_id, request.group_instance_id.as_deref())?;
        if request.generation_id != group.generation_id {
            return Err(ErrorCode::IllegalGeneration);
        }
        let differs = |theirs: &Option<String>, ours: &Option<Arc<str>>| match (theirs, ours) {
            (Some(theirs), Some(ours)) => **theirs != **ours,
            _ => false,
        };
        if differs(&request.protocol_type, &group.protocol_type)
            || differs(&request.protocol_name, &group.protocol_name)
        {
            return Err(ErrorCode::InconsistentGroupProtocol);
        }
        match group.state {
            State::Empty => Err(ErrorCode::UnknownMemberId),
            State::PreparingRebalance => Err(ErrorCode::RebalanceInProgress),
            State::CompletingRebalance | State::Stable => Ok(()),
        }
    }

    /// The leader's assignments are durable, or could not be made so.
    pub(super) fn on_assignment_stored(
        &mut self,
        now: Now,
        append_id: AppendId,
        (group_id, assignments): (Arc<str>, BTreeMap<String, Bytes>),
        result: Result<(), ErrorCode>,
        out: &mut Effects,
    ) {
        let (groups, mut cx) = self.split(now, out);
        let Some(group) = groups.get_mut(&group_id) else {
            return;
        };
        // The group may have stored others since, or have been removed and made anew.
        let storing = group.storing.take_if(|(latest, _)| *latest == append_id);
        let Some((_, generation)) = storing else {
            return;
        };
        // Another rebalance may have begun while the record was written.
        if group.state != State::CompletingRebalance || group.generation_id != generation {
            return;
        }
        match result {
            Ok(()) => group.stabilize(assignments, &mut cx),
            Err(error) => {
                group.reset_assignments(client_error(error), &mut cx);
                group.rebalance_or_complete_join(&mut cx);
            }
        }
    }
}

impl ClassicGroup {
    fn sync(&mut self, request: SyncGroup, token: ReplyToken, cx: &mut Context<'_>) {
        let member_id = request.member_id.as_str();
        self.pending_syncs.remove(member_id);
        if self.pending_syncs.is_empty() {
            cx.timers.cancel(&self.sync_timer());
        }
        if self.state == State::Stable {
            let response = Response::SyncGroup(self.sync_response(member_id));
            cx.out.push(Effect::Reply { token, response });
            return;
        }
        // A SyncGroup that is parked already came over a connection that the client has given up.
        let response = SyncGroupResponse::error(ErrorCode::RebalanceInProgress);
        self.complete_sync(member_id, response, cx.out);
        if let Some(member) = self.members.get_mut(member_id) {
            member.parked_sync = Some(token);
        }
        if self.is_leader(member_id) && !self.is_storing() {
            self.store_assignments(request.assignments, cx);
        }
    }

    /// Whether the assignments of this generation are being written.
    pub(super) fn is_storing(&self) -> bool {
        self.storing
            .is_some_and(|(_, generation)| generation == self.generation_id)
    }

    fn store_assignments(&mut self, assignments: Vec<(String, Bytes)>, cx: &mut Context<'_>) {
        let assignments: BTreeMap<String, Bytes> = assignments.into_iter().collect();
        let value = self.as_value(|member| assigned(&assignments, &member.id));
        let then = Then::StoreAssignment {
            group: Arc::clone(&self.id),
            assignments,
        };
        let records = vec![group_record(&self.id, &value)];
        let append_id = cx.appends.push(records, InFlight::then(then), cx.out);
        self.storing = Some((append_id, self.generation_id));
    }

    fn stabilize(&mut self, assignments: BTreeMap<String, Bytes>, cx: &mut Context<'_>) {
        self.transition(State::Stable, cx.now.wall);
        let ids: Vec<_> = self.members.keys().cloned().collect();
        for id in ids {
            if let Some(member) = self.members.get_mut(&id) {
                member.assignment = assigned(&assignments, &id);
            }
            let response = self.sync_response(&id);
            self.complete_sync_and_renew(&id, response, cx);
        }
    }

    fn sync_response(&self, member_id: &str) -> SyncGroupResponse {
        let member = self.members.get(member_id);
        SyncGroupResponse {
            error: ErrorCode::None,
            protocol_type: self.protocol_type.clone(),
            protocol_name: self.protocol_name.clone(),
            assignment: member.map_or_else(Bytes::new, |member| member.assignment.clone()),
        }
    }
}

/// A member that the leader has forgotten gets an empty assignment.
fn assigned(assignments: &BTreeMap<String, Bytes>, member_id: &str) -> Bytes {
    assignments.get(member_id).cloned().unwrap_or_default()
}
