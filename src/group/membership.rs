//! Heartbeat (key 12): a member is still there, and learns whether it must rejoin. LeaveGroup
//! (key 13): members go; from version 3 several at once, also by instance id (KIP-345).

use super::classic_group::{ClassicGroup, State};
use super::coordinator::Coordinator;
use super::effects::{Effect, Effects, LeaveGroupResponse, LeftMember, ReplyToken, Response};
use super::rebalance::Context;
use super::requests::{Heartbeat, LeaveGroup, LeavingMember};
use crate::base::Now;
use crate::protocol::ErrorCode;

impl Coordinator {
    /// Heartbeat; answered at once.
    pub fn heartbeat(
        &mut self,
        now: Now,
        request: Heartbeat,
        token: ReplyToken,
        out: &mut Effects,
    ) {
        let error = match self.check_heartbeat(now, &request) {
            Ok(()) => ErrorCode::None,
            Err(error) => error,
        };
        let response = Response::Heartbeat(error);
        out.push(Effect::Reply { token, response });
    }

    fn check_heartbeat(&mut self, now: Now, request: &Heartbeat) -> Result<(), ErrorCode> {
        if request.group_id.is_empty() {
            return Err(ErrorCode::InvalidGroupId);
        }
        let mut no_effects = Effects::new();
        let (groups, mut cx) = self.split(now, &mut no_effects);
        let group = groups.get(request.group_id.as_str());
        let group = group.ok_or(ErrorCode::UnknownMemberId)?;
        group.validate(&request.member_id, request.group_instance_id.as_deref())?;
        if request.generation_id != group.generation_id {
            return Err(ErrorCode::IllegalGeneration);
        }
        group.renew_session(&request.member_id, &mut cx);
        match group.state {
            State::Empty => Err(ErrorCode::UnknownMemberId),
            State::PreparingRebalance => Err(ErrorCode::RebalanceInProgress),
            State::CompletingRebalance | State::Stable => Ok(()),
        }
    }

    /// LeaveGroup; if the group is empty now, the reply waits until that is durable.
    pub fn leave(&mut self, now: Now, request: LeaveGroup, token: ReplyToken, out: &mut Effects) {
        let mut response = LeaveGroupResponse {
            error: ErrorCode::None,
            members: Vec::new(),
        };
        if request.group_id.is_empty() {
            response.error = ErrorCode::InvalidGroupId;
        }
        let (groups, mut cx) = self.split(now, out);
        let append = match groups.get_mut(request.group_id.as_str()) {
            _ if !response.error.is_none() => None,
            Some(group) => {
                let leaving = request.members.into_iter();
                response.members = leaving.map(|who| group.let_go(who, &mut cx)).collect();
                let somebody_left = response.members.iter().any(|left| left.error.is_none());
                match group.state {
                    State::Empty => None,
                    _ if !somebody_left => None,
                    _ => group.rebalance_or_complete_join(&mut cx),
                }
            }
            None => {
                let unknown = |who| left(who, ErrorCode::UnknownMemberId);
                response.members = request.members.into_iter().map(unknown).collect();
                None
            }
        };
        let response = Response::LeaveGroup(response);
        match append {
            Some(append_id) => cx.appends.reply_after(append_id, token, response),
            None => out.push(Effect::Reply { token, response }),
        }
    }
}

fn left(who: LeavingMember, error: ErrorCode) -> LeftMember {
    LeftMember {
        member_id: who.member_id,
        group_instance_id: who.group_instance_id,
        error,
    }
}

impl ClassicGroup {
    fn let_go(&mut self, who: LeavingMember, cx: &mut Context<'_>) -> LeftMember {
        let instance_id = who.group_instance_id.as_deref();
        let found = if who.member_id.is_empty() {
            // An operator removes a static member.
            let known = instance_id.and_then(|id| self.static_members.get(id));
            known.cloned().ok_or(ErrorCode::UnknownMemberId)
        } else if self.pending_joins.contains(who.member_id.as_str()) {
            Ok(who.member_id.as_str().into())
        } else {
            let valid = self.validate(&who.member_id, instance_id);
            valid.map(|()| who.member_id.as_str().into())
        };
        match found {
            Ok(member_id) => {
                self.expel(&member_id, cx);
                left(who, ErrorCode::None)
            }
            Err(error) => left(who, error),
        }
    }
}
