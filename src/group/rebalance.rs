//! The rebalance: from the first member that wants one, through the joining of all, to the wait
//! for the leader's assignment (Kafka's `GroupMetadataManager`, the classic part).

use std::sync::Arc;

use bytes::Bytes;

use super::appends::{Appends, InFlight};
use super::classic_group::{ClassicGroup, InitialDelay, State};
use super::config::GroupConfig;
use super::effects::{AppendId, Effects, SyncGroupResponse};
use super::records::group_record;
use super::timers::{Timer, Timers};
use crate::base::Now;
use crate::protocol::ErrorCode;

/// What a move of a group may use beside the group itself.
pub(super) struct Context<'a> {
    pub(super) now: Now,
    pub(super) config: &'a GroupConfig,
    pub(super) timers: &'a mut Timers,
    pub(super) appends: &'a mut Appends,
    pub(super) out: &'a mut Effects,
}

impl Context<'_> {
    /// Sets a timer, at least a millisecond ahead so that a timeout of zero cannot spin.
    pub(super) fn schedule(&mut self, timer: Timer, delay_ms: i32) {
        let delay_ms = i64::from(delay_ms.max(1));
        self.timers.schedule(timer, self.now.mono.plus_ms(delay_ms));
    }
}

impl ClassicGroup {
    pub(super) fn session_timer(&self, member_id: &Arc<str>) -> Timer {
        Timer::Session {
            group: Arc::clone(&self.id),
            member: Arc::clone(member_id),
        }
    }

    pub(super) fn join_timer(&self) -> Timer {
        Timer::Join(Arc::clone(&self.id))
    }

    pub(super) fn sync_timer(&self) -> Timer {
        Timer::Sync(Arc::clone(&self.id))
    }

    /// A member has been heard of: its session begins anew.
    pub(super) fn renew_session(&self, member_id: &str, cx: &mut Context<'_>) {
        if let Some(member) = self.members.get(member_id) {
            cx.schedule(self.session_timer(&member.id), member.session_timeout_ms);
        }
    }

    /// Removes a member or a promised one, with its session and whatever it has parked.
    pub(super) fn expel(&mut self, member_id: &str, cx: &mut Context<'_>) {
        cx.timers.cancel(&self.session_timer(&Arc::from(member_id)));
        self.remove(member_id, cx.out);
    }

    /// Someone came, left or changed. The result is the append that it led to, if it did.
    pub(super) fn rebalance_or_complete_join(&mut self, cx: &mut Context<'_>) -> Option<AppendId> {
        match self.state {
            State::Empty | State::CompletingRebalance | State::Stable => self.prepare_rebalance(cx),
            State::PreparingRebalance => self.try_complete_join(cx),
        }
    }

    /// Calls the members to join again.
    pub(super) fn prepare_rebalance(&mut self, cx: &mut Context<'_>) -> Option<AppendId> {
        if self.state == State::CompletingRebalance {
            self.reset_assignments(ErrorCode::RebalanceInProgress, cx);
        }
        self.pending_syncs.clear();
        cx.timers.cancel(&self.sync_timer());
        let is_initial = self.state == State::Empty;
        self.transition(State::PreparingRebalance, cx.now.wall);
        if is_initial {
            let delay_ms = cx.config.initial_rebalance_delay_ms;
            self.delay_initial_join(delay_ms, self.rebalance_timeout_ms() - delay_ms, cx);
            return None;
        }
        if self.has_all_joined() {
            return self.complete_join_phase(cx);
        }
        cx.schedule(self.join_timer(), self.rebalance_timeout_ms());
        None
    }

    /// Ends the joining if all are there, except in a new group, which always waits its time.
    pub(super) fn try_complete_join(&mut self, cx: &mut Context<'_>) -> Option<AppendId> {
        let may_end = self.state == State::PreparingRebalance && self.initial_delay.is_none();
        match may_end && self.has_all_joined() {
            true => self.complete_join_phase(cx),
            false => None,
        }
    }

    fn delay_initial_join(&mut self, delay_ms: i32, remaining_ms: i32, cx: &mut Context<'_>) {
        self.initial_delay = Some(InitialDelay {
            delay_ms,
            remaining_ms: remaining_ms.max(0),
            extended: false,
        });
        cx.schedule(self.join_timer(), delay_ms);
    }

    /// The time for joining is over.
    pub(super) fn on_join_timer(&mut self, cx: &mut Context<'_>) {
        match self.initial_delay {
            Some(initial) if initial.extended && initial.remaining_ms != 0 => {
                let delay_ms = cx.config.initial_rebalance_delay_ms;
                let delay_ms = delay_ms.min(initial.remaining_ms);
                let remaining_ms = initial.remaining_ms - initial.delay_ms;
                self.delay_initial_join(delay_ms, remaining_ms, cx);
            }
            _ => {
                self.complete_join_phase(cx);
            }
        }
    }

    /// Ends the joining: dynamic members that did not join go, and the next generation begins
    /// with the others. Static members stay until their session ends.
    pub(super) fn complete_join_phase(&mut self, cx: &mut Context<'_>) -> Option<AppendId> {
        cx.timers.cancel(&self.join_timer());
        let absent = self
            .members
            .values()
            .filter(|member| member.parked_join.is_none() && member.instance_id.is_none());
        for id in absent
            .map(|member| Arc::clone(&member.id))
            .collect::<Vec<_>>()
        {
            self.expel(&id, cx);
        }
        if !self.members.is_empty() && !self.elect_joined_leader() {
            // Only absent static members are left: wait for one, or for their sessions to end.
            cx.schedule(self.join_timer(), self.rebalance_timeout_ms());
            return None;
        }
        self.begin_generation(cx.now.wall);
        if self.state == State::Empty {
            // If this append fails the log keeps an older generation, whose members would time
            // out after a restart: nobody need be told.
            let value = self.as_value(|_| Bytes::new());
            let records = vec![group_record(&self.id, &value)];
            return Some(cx.appends.push(records, InFlight::default(), cx.out));
        }
        let ids: Vec<_> = self.members.keys().cloned().collect();
        for id in ids {
            let response = self.join_response(&id);
            self.complete_join(&id, response, cx.out);
            self.renew_session(&id, cx);
            if let Some(member) = self.members.get_mut(&id) {
                member.is_new = false;
            }
            self.pending_syncs.insert(id);
        }
        cx.schedule(self.sync_timer(), self.rebalance_timeout_ms());
        None
    }

    /// Members that never asked for their assignment go.
    pub(super) fn on_sync_timer(&mut self, cx: &mut Context<'_>) {
        let has_generation = matches!(self.state, State::CompletingRebalance | State::Stable);
        if !has_generation || self.pending_syncs.is_empty() {
            return;
        }
        for id in std::mem::take(&mut self.pending_syncs) {
            self.expel(&id, cx);
        }
        self.prepare_rebalance(cx);
    }

    /// A session has ended: the member goes, unless it waits for the rebalance itself.
    pub(super) fn on_session_timer(&mut self, member_id: &str, cx: &mut Context<'_>) {
        let was_member = match self.members.get(member_id) {
            Some(member) if member.is_excused() => return,
            known => known.is_some(),
        };
        self.remove(member_id, cx.out);
        match self.state {
            State::Stable | State::CompletingRebalance if was_member => {
                self.rebalance_or_complete_join(cx);
            }
            State::PreparingRebalance if self.has_all_joined() => {
                self.complete_join_phase(cx);
            }
            _ => {}
        }
    }

    /// Takes the assignments back, and sends the members that wait for theirs to join again.
    pub(super) fn reset_assignments(&mut self, error: ErrorCode, cx: &mut Context<'_>) {
        let ids: Vec<_> = self.members.keys().cloned().collect();
        for id in ids {
            if let Some(member) = self.members.get_mut(&id) {
                member.assignment = Bytes::new();
            }
            self.complete_sync_and_renew(&id, SyncGroupResponse::error(error), cx);
        }
    }

    /// Answers a parked SyncGroup. The session that could not end meanwhile begins anew.
    pub(super) fn complete_sync_and_renew(
        &mut self,
        member_id: &str,
        response: SyncGroupResponse,
        cx: &mut Context<'_>,
    ) {
        if self.complete_sync(member_id, response, cx.out) {
            self.renew_session(member_id, cx);
        }
    }
}
