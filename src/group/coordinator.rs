//! The coordinator of one partition of `__consumer_offsets`: its parts, its timers, and what
//! follows when an append is done. Each request has a file of its own.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::appends::{Appends, OffsetChange, Then, client_error};
use super::classic_group::{ClassicGroup, State};
use super::config::GroupConfig;
use super::effects::{AppendId, Effect, Effects, Response};
use super::offsets::Offsets;
use super::rebalance::Context;
use super::timers::{Timer, Timers};
use crate::base::{MonoMs, Now, PartitionIndex};
use crate::protocol::ErrorCode;

/// The partition of `__consumer_offsets` that a group belongs to: Java's `String.hashCode` of the
/// id, without its sign, modulo the number of partitions.
pub fn partition_for(group_id: &str, partitions: i32) -> PartitionIndex {
    let hash = group_id.encode_utf16().fold(0i32, |hash, unit| {
        hash.wrapping_mul(31).wrapping_add(i32::from(unit))
    });
    PartitionIndex((hash & i32::MAX) % partitions.max(1))
}

/// The groups and offsets of one partition of `__consumer_offsets`.
///
/// Membership changes in memory at once, and its replies wait for the log where Kafka's do;
/// committed offsets become visible when their records are durable.
#[derive(Debug)]
pub struct Coordinator {
    config: GroupConfig,
    pub(super) groups: BTreeMap<Arc<str>, ClassicGroup>,
    pub(super) offsets: Offsets,
    timers: Timers,
    pub(super) appends: Appends,
}

impl Coordinator {
    /// An empty coordinator: replay its partition, then call [`on_loaded`](Self::on_loaded).
    pub fn new(config: GroupConfig) -> Coordinator {
        Coordinator {
            config,
            groups: BTreeMap::new(),
            offsets: Offsets::default(),
            timers: Timers::default(),
            appends: Appends::default(),
        }
    }

    pub(super) fn config(&self) -> &GroupConfig {
        &self.config
    }

    /// The groups, and what their moves may use.
    pub(super) fn split<'a>(
        &'a mut self,
        now: Now,
        out: &'a mut Effects,
    ) -> (&'a mut BTreeMap<Arc<str>, ClassicGroup>, Context<'a>) {
        let cx = Context {
            now,
            config: &self.config,
            timers: &mut self.timers,
            appends: &mut self.appends,
            out,
        };
        (&mut self.groups, cx)
    }

    /// When [`on_timer`](Self::on_timer) must be called next.
    pub fn next_deadline(&self) -> Option<MonoMs> {
        self.timers.next_deadline()
    }

    /// Lets expire what is due: sessions, joinings, waits for assignments, old offsets.
    pub fn on_timer(&mut self, now: Now, out: &mut Effects) {
        for timer in self.timers.due(now.mono) {
            if self.timers.take_due(&timer, now.mono) {
                self.on_due(now, timer, out);
            }
        }
    }

    fn on_due(&mut self, now: Now, timer: Timer, out: &mut Effects) {
        let (groups, mut cx) = self.split(now, out);
        match timer {
            Timer::Session { group, member } => {
                if let Some(group) = groups.get_mut(&group) {
                    group.on_session_timer(&member, &mut cx);
                }
            }
            Timer::Join(group) => {
                if let Some(group) = groups.get_mut(&group) {
                    group.on_join_timer(&mut cx);
                }
            }
            Timer::Sync(group) => {
                if let Some(group) = groups.get_mut(&group) {
                    group.on_sync_timer(&mut cx);
                }
            }
            Timer::Expiration => self.remove_expired(now, out),
        }
    }

    pub(super) fn schedule_expiration(&mut self, now: Now) {
        let interval_ms = self.config.offsets_retention_check_interval_ms.max(1);
        let at = now.mono.plus_ms(interval_ms);
        self.timers.schedule(Timer::Expiration, at);
    }

    pub(super) fn cancel_timers(&mut self, group: &ClassicGroup) {
        let members = group.members.keys().chain(&group.pending_joins);
        for id in members {
            self.timers.cancel(&group.session_timer(id));
        }
        self.timers.cancel(&group.join_timer());
        self.timers.cancel(&group.sync_timer());
    }

    /// An append has become durable, or has failed with this code. Each append must be reported
    /// once, in any order; they take effect in the order of the log. An id that is not in flight
    /// is ignored: the coordinator has been unloaded since.
    pub fn on_appended(
        &mut self,
        now: Now,
        append_id: AppendId,
        result: Result<(), ErrorCode>,
        out: &mut Effects,
    ) {
        self.appends.report(append_id, result);
        while let Some((append_id, in_flight, result)) = self.appends.pop_reported() {
            match result {
                Ok(()) => in_flight.offsets.into_iter().for_each(|it| self.apply(it)),
                Err(_) => in_flight
                    .removed
                    .into_iter()
                    .for_each(|it| self.restore(it)),
            }
            self.follow_up(now, append_id, in_flight.then, result, out);
        }
        for (token, fetch) in self.appends.released_fetches() {
            let response = Response::OffsetFetch(self.read_offsets(fetch));
            out.push(Effect::Reply { token, response });
        }
    }

    fn follow_up(
        &mut self,
        now: Now,
        append_id: AppendId,
        then: Then,
        result: Result<(), ErrorCode>,
        out: &mut Effects,
    ) {
        match then {
            Then::Nothing => {}
            Then::Reply(token, response) => {
                let response = match result {
                    Ok(()) => response,
                    Err(error) => response.failed(client_error(error)),
                };
                out.push(Effect::Reply { token, response });
            }
            Then::CreateGroup { group } => {
                self.on_group_created(append_id, &group, result, out);
            }
            Then::StoreAssignment { group, assignments } => {
                let stored = (group, assignments);
                self.on_assignment_stored(now, append_id, stored, result, out);
            }
            Then::ReplaceStaticMember(replacement) => {
                self.on_static_member_replaced(now, *replacement, result, out);
            }
        }
    }

    /// An offset's record is durable. A commit to a group that does not exist makes one without
    /// members, unless that group was removed after the commit was written.
    fn apply(&mut self, change: OffsetChange) {
        let OffsetChange {
            group,
            topic,
            partition,
            value,
        } = change;
        let Some(value) = value else {
            self.offsets.remove(&group, &topic, partition);
            return;
        };
        if !self.groups.contains_key(&group) && !self.appends.is_removing(&group) {
            let simple = ClassicGroup::empty(&group, Some(value.commit_timestamp));
            self.groups.insert(Arc::clone(&group), simple);
        }
        self.offsets.insert(group, topic, partition, value);
    }

    /// A removal could not be written: the group is back, unless there is a new one.
    fn restore(&mut self, group: ClassicGroup) {
        self.groups.entry(Arc::clone(&group.id)).or_insert(group);
    }

    /// The partition moves away: every parked request is answered with `NOT_COORDINATOR`, and all
    /// state is forgotten.
    pub fn on_unloaded(&mut self, out: &mut Effects) {
        for group in std::mem::take(&mut self.groups).values_mut() {
            group.fail_parked(ErrorCode::NotCoordinator, out);
        }
        self.appends.fail_all(ErrorCode::NotCoordinator, out);
        self.offsets = Offsets::default();
        self.timers.clear();
    }

    /// Panics unless the state is consistent with itself.
    pub fn invariants(&self) {
        self.timers.invariants();
        for (id, group) in &self.groups {
            assert_eq!(*id, group.id);
            group.invariants();
        }
    }

    /// Panics unless everything that waits has a timer to end its waiting. Holds once loaded.
    pub fn liveness_invariants(&self) {
        for group in self.groups.values() {
            for member in group.members.values() {
                let has_session = self.timers.is_set(&group.session_timer(&member.id));
                assert!(has_session || member.is_excused(), "a member for ever");
            }
            for id in &group.pending_joins {
                assert!(self.timers.is_set(&group.session_timer(id)));
            }
            match group.state {
                State::PreparingRebalance => assert!(self.timers.is_set(&group.join_timer())),
                State::CompletingRebalance if !group.is_storing() => {
                    assert!(self.timers.is_set(&group.sync_timer()));
                }
                _ => {}
            }
        }
    }
}
