//! JoinGroup (key 11): a member enters its group, or enters it again.
//!
//! - A new dynamic member is told its id first and must come back with it (version 4, KIP-394).
//! - A static member takes the place of its former self without a rebalance if the group is
//!   stable and its protocol does not change (KIP-345); from version 9 a leader that comes back so
//!   is told to skip the assignment (KIP-814).
//! - The reply is parked until all members have joined or the rebalance timeout has passed.

use std::sync::Arc;

use super::appends::{InFlight, Replacement, Then, client_error};
use super::classic_group::{ClassicGroup, State};
use super::coordinator::Coordinator;
use super::effects::{AppendId, Effect, Effects, JoinGroupResponse, ReplyToken, Response};
use super::member::{Member, dedup_protocols, new_member_id};
use super::rebalance::Context;
use super::records::{GroupValue, group_record};
use super::requests::JoinGroup;
use crate::base::{GenerationId, Now, limits};
use crate::protocol::ErrorCode;

/// The first version in which a new member must come back with the id that it was told.
const VERSION_KNOWN_MEMBER_ID: i16 = 4;
/// The first version in which a leader can be told to skip the assignment.
const VERSION_SKIP_ASSIGNMENT: i16 = 9;
/// How long a new member's first JoinGroup may stay parked: its client cannot send heartbeats
/// yet, so nothing else tells whether it is still there. Kafka's constant.
const NEW_MEMBER_JOIN_TIMEOUT_MS: i32 = 5 * 60 * 1_000;

impl Coordinator {
    /// JoinGroup; the reply may be parked until the rebalance completes.
    pub fn join(&mut self, now: Now, mut request: JoinGroup, token: ReplyToken, out: &mut Effects) {
        if let Err(error) = self.check_join(&request) {
            refuse(&request.member_id, error, token, out);
            return;
        }
        dedup_protocols(&mut request.protocols);
        let is_new_group = !self.groups.contains_key(request.group_id.as_str());
        let (groups, mut cx) = self.split(now, out);
        let group = groups
            .entry(Arc::from(request.group_id.as_str()))
            .or_insert_with_key(|id| ClassicGroup::empty(id, Some(now.wall)));
        group.join(request, token, &mut cx);
        if is_new_group {
            let record = group_record(&group.id, &new_group_value(now));
            let then = Then::CreateGroup {
                group: Arc::clone(&group.id),
            };
            let in_flight = InFlight::then(then);
            group.created_by = Some(cx.appends.push(vec![record], in_flight, cx.out));
        }
    }

    fn check_join(&self, request: &JoinGroup) -> Result<(), ErrorCode> {
        if request.group_id.is_empty() {
            return Err(ErrorCode::InvalidGroupId);
        }
        let config = self.config();
        let allowed = config.session_timeout_ms_min..=config.session_timeout_ms_max;
        if !allowed.contains(&request.session_timeout_ms) {
            return Err(ErrorCode::InvalidSessionTimeout);
        }
        let has_group = self.groups.contains_key(request.group_id.as_str());
        if !has_group && !request.member_id.is_empty() {
            return Err(ErrorCode::UnknownMemberId);
        }
        Ok(())
    }

    /// The record that creates a group is durable; or could not be written, and whoever waits in
    /// the group is sent away.
    pub(super) fn on_group_created(
        &mut self,
        append_id: AppendId,
        group_id: &Arc<str>,
        result: Result<(), ErrorCode>,
        out: &mut Effects,
    ) {
        let Some(group) = self.groups.get_mut(group_id) else {
            return;
        };
        // The group may have been removed and made anew meanwhile.
        if group.created_by != Some(append_id) {
            return;
        }
        group.created_by = None;
        if let Err(error) = result
            && let Some(mut group) = self.groups.remove(group_id)
        {
            group.fail_parked(client_error(error), out);
            self.cancel_timers(&group);
        }
    }

    /// The new id of a static member is durable, or could not be made so.
    pub(super) fn on_static_member_replaced(
        &mut self,
        now: Now,
        replacement: Replacement,
        result: Result<(), ErrorCode>,
        out: &mut Effects,
    ) {
        let (groups, mut cx) = self.split(now, out);
        if let Some(group) = groups.get_mut(&replacement.group) {
            group.on_replaced(replacement, result, &mut cx);
        }
    }
}

/// The record of a group that nobody has joined yet.
fn new_group_value(now: Now) -> GroupValue {
    GroupValue {
        protocol_type: Arc::from(""),
        generation_id: GenerationId(0),
        protocol_name: None,
        leader: None,
        state_timestamp: Some(now.wall),
        members: Vec::new(),
    }
}

fn refuse(member_id: &str, error: ErrorCode, token: ReplyToken, out: &mut Effects) {
    let response = Response::JoinGroup(JoinGroupResponse::error(member_id, error));
    out.push(Effect::Reply { token, response });
}

impl ClassicGroup {
    fn join(&mut self, request: JoinGroup, token: ReplyToken, cx: &mut Context<'_>) {
        if !self.has_room_for(&request.member_id, cx.config.members_max) {
            self.expel(&request.member_id, cx);
            refuse("", ErrorCode::GroupMaxSizeReached, token, cx.out);
        } else if !self.supports(&request.protocol_type, &request.protocols) {
            let error = ErrorCode::InconsistentGroupProtocol;
            refuse(&request.member_id, error, token, cx.out);
        } else if request.member_id.is_empty() {
            self.join_new(request, token, cx);
        } else if self.pending_joins.contains(request.member_id.as_str()) {
            self.join_promised(request, token, cx);
        } else {
            self.join_again(request, token, cx);
        }
    }

    /// During a rebalance those that have joined count, so that a group over its limit shrinks to
    /// it; else all members count.
    fn has_room_for(&self, member_id: &str, members_max: usize) -> bool {
        let member = self.members.get(member_id);
        match self.state {
            State::Empty => true,
            State::PreparingRebalance => {
                member.is_some_and(|member| member.parked_join.is_some())
                    || self.parked_joins < members_max
            }
            State::CompletingRebalance | State::Stable => {
                member.is_some() || self.members.len() < members_max
            }
        }
    }

    fn join_new(&mut self, request: JoinGroup, token: ReplyToken, cx: &mut Context<'_>) {
        let new_id = new_member_id(&request);
        if let Some(instance_id) = &request.group_instance_id {
            match self.static_members.get(instance_id.as_str()).cloned() {
                Some(old_id) => self.join_in_place_of(old_id, new_id, request, token, cx),
                None => self.add_member(new_id, request, token, cx),
            }
        } else if request.api_version < VERSION_KNOWN_MEMBER_ID {
            self.add_member(new_id, request, token, cx);
        } else if self.pending_joins.len() >= limits::GROUP_PENDING_JOINS_MAX {
            refuse("", ErrorCode::GroupMaxSizeReached, token, cx.out);
        } else {
            self.pending_joins.insert(Arc::clone(&new_id));
            cx.schedule(self.session_timer(&new_id), request.session_timeout_ms);
            refuse(&new_id, ErrorCode::MemberIdRequired, token, cx.out);
        }
    }

    /// A member comes with the id that it was told.
    fn join_promised(&mut self, request: JoinGroup, token: ReplyToken, cx: &mut Context<'_>) {
        if request.group_instance_id.is_some() {
            // Ids are promised to dynamic members only; Kafka gives this error too.
            let error = ErrorCode::UnknownServerError;
            refuse(&request.member_id, error, token, cx.out);
            return;
        }
        let id = Arc::from(request.member_id.as_str());
        self.add_member(id, request, token, cx);
    }

    fn add_member(
        &mut self,
        id: Arc<str>,
        request: JoinGroup,
        token: ReplyToken,
        cx: &mut Context<'_>,
    ) {
        if let Some(initial) = &mut self.initial_delay {
            initial.extended = true;
        }
        if self.members.is_empty() {
            self.protocol_type = Some(Arc::from(request.protocol_type.as_str()));
        }
        let mut member = Member::joining(Arc::clone(&id), &request);
        member.parked_join = Some(token);
        self.insert(member);
        cx.schedule(self.session_timer(&id), NEW_MEMBER_JOIN_TIMEOUT_MS);
        self.rebalance_or_complete_join(cx);
    }

    fn join_again(&mut self, request: JoinGroup, token: ReplyToken, cx: &mut Context<'_>) {
        let member_id = request.member_id.as_str();
        if let Err(error) = self.validate(member_id, request.group_instance_id.as_deref()) {
            refuse(member_id, error, token, cx.out);
            return;
        }
        let Some(member) = self.members.get(member_id) else {
            return;
        };
        // The same metadata again may mean that the reply was lost. The leader of a stable group
        // joins to force a rebalance, for reasons that its metadata need not show.
        let is_repeated = member.protocols == request.protocols;
        let is_answerable = match self.state {
            State::CompletingRebalance => is_repeated,
            State::Stable => is_repeated && !self.is_leader(member_id),
            State::PreparingRebalance | State::Empty => false,
        };
        if is_answerable {
            let response = Response::JoinGroup(self.join_response(&member.id));
            cx.out.push(Effect::Reply { token, response });
            return;
        }
        self.update(
            member_id,
            request.protocols,
            request.rebalance_timeout_ms,
            request.session_timeout_ms,
            Some(token),
            cx.out,
        );
        self.rebalance_or_complete_join(cx);
    }

    /// A static member that has lost its id comes back.
    fn join_in_place_of(
        &mut self,
        old_id: Arc<str>,
        new_id: Arc<str>,
        request: JoinGroup,
        token: ReplyToken,
        cx: &mut Context<'_>,
    ) {
        let Some(old) = self.members.get(&old_id) else {
            return;
        };
        let replacement = Replacement {
            group: Arc::clone(&self.id),
            generation: self.generation_id,
            token,
            old_id: Arc::clone(&old_id),
            new_id: Arc::clone(&new_id),
            old_leader: self.leader.clone(),
            old_protocols: old.protocols.clone(),
            old_rebalance_timeout_ms: old.rebalance_timeout_ms,
            old_session_timeout_ms: old.session_timeout_ms,
            may_skip_assignment: request.api_version >= VERSION_SKIP_ASSIGNMENT,
        };
        cx.timers.cancel(&self.session_timer(&old_id));
        self.replace_static(&old_id, &new_id, cx.out);
        self.renew_session(&new_id, cx);
        self.update(
            &new_id,
            request.protocols,
            request.rebalance_timeout_ms,
            request.session_timeout_ms,
            Some(token),
            cx.out,
        );
        // The leader may hold the old id already, and would assign nothing to the new one.
        let is_quiet = self.state == State::Stable && self.select_protocol() == self.protocol_name;
        if !is_quiet {
            self.rebalance_or_complete_join(cx);
            return;
        }
        let value = self.as_value(|member| member.assignment.clone());
        let in_flight = InFlight::then(Then::ReplaceStaticMember(Box::new(replacement)));
        let records = vec![group_record(&self.id, &value)];
        cx.appends.push(records, in_flight, cx.out);
    }

    fn on_replaced(
        &mut self,
        replacement: Replacement,
        result: Result<(), ErrorCode>,
        cx: &mut Context<'_>,
    ) {
        let new_id = &replacement.new_id;
        let member = self.members.get(new_id);
        let waits = member.is_some_and(|m| m.parked_join == Some(replacement.token));
        let is_same_generation =
            self.state == State::Stable && self.generation_id == replacement.generation;
        // Else a rebalance, or yet another replacement, has taken care of the member.
        if !waits || !is_same_generation {
            return;
        }
        match result {
            Ok(()) => {
                let response = self.replaced_response(&replacement);
                self.complete_join(new_id, response, cx.out);
                self.renew_session(new_id, cx);
            }
            Err(error) => self.revert_replacement(&replacement, error, cx),
        }
    }

    fn replaced_response(&self, replacement: &Replacement) -> JoinGroupResponse {
        let mut response = self.join_response(&replacement.new_id);
        if replacement.may_skip_assignment {
            response.skip_assignment = self.is_leader(&replacement.new_id);
        } else {
            // An old client that learned of its leadership would assign; so it learns the old id.
            response.leader = replacement.old_leader.clone().unwrap_or_default();
            response.members = Vec::new();
        }
        response
    }

    fn revert_replacement(
        &mut self,
        replacement: &Replacement,
        error: ErrorCode,
        cx: &mut Context<'_>,
    ) {
        let Replacement { old_id, new_id, .. } = replacement;
        let mut response = self.join_response(new_id);
        response.error = client_error(error);
        response.member_id = Arc::from("");
        response.members = Vec::new();
        response.leader = replacement.old_leader.clone().unwrap_or_default();
        self.complete_join(new_id, response, cx.out);
        self.update(
            new_id,
            replacement.old_protocols.clone(),
            replacement.old_rebalance_timeout_ms,
            replacement.old_session_timeout_ms,
            None,
            cx.out,
        );
        cx.timers.cancel(&self.session_timer(new_id));
        self.replace_static(new_id, old_id, cx.out);
        self.renew_session(old_id, cx);
    }
}
