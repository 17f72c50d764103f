//! What ends: DeleteGroups (key 42), OffsetDelete (key 47), offsets past their retention
//! (KIP-211), and the offsets of topics that are gone.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::appends::{InFlight, OffsetChange, Then};
use super::classic_group::{ClassicGroup, State};
use super::coordinator::Coordinator;
use super::effects::{Effect, Effects, GroupRecord, OffsetDeleteResponse, ReplyToken, Response};
use super::records::{CommittedOffset, group_tombstone, offset_tombstone};
use super::requests::{DeletedTopic, OffsetDelete};
use crate::base::{Now, PartitionIndex, TimestampMs, TopicId, limits};
use crate::protocol::ErrorCode;

/// Tombstones to write, with what follows from each.
#[derive(Default)]
struct Tombstones {
    records: Vec<GroupRecord>,
    in_flight: InFlight,
}

impl Tombstones {
    fn push_offset(&mut self, group: &Arc<str>, topic: &Arc<str>, partition: PartitionIndex) {
        self.records.push(offset_tombstone(group, topic, partition));
        self.in_flight.offsets.push(OffsetChange {
            group: Arc::clone(group),
            topic: Arc::clone(topic),
            partition,
            value: None,
        });
    }

    fn push_group(&mut self, group: ClassicGroup) {
        self.records.push(group_tombstone(&group.id));
        self.in_flight.removed.push(group);
    }
}

impl Coordinator {
    /// DeleteGroups; answered when the tombstones are durable. Each group is answered once.
    pub fn delete_groups(
        &mut self,
        _now: Now,
        group_ids: Vec<String>,
        token: ReplyToken,
        out: &mut Effects,
    ) {
        let mut tombstones = Tombstones::default();
        let mut results = Vec::with_capacity(group_ids.len());
        let mut seen = BTreeSet::new();
        for group_id in group_ids {
            if !seen.insert(group_id.clone()) {
                continue;
            }
            let result = self.delete_group(&group_id, &mut tombstones);
            results.push((group_id, result.err().unwrap_or(ErrorCode::None)));
        }
        self.write_then_reply(tombstones, token, Response::DeleteGroups(results), out);
    }

    fn delete_group(
        &mut self,
        group_id: &str,
        tombstones: &mut Tombstones,
    ) -> Result<(), ErrorCode> {
        let group = self.groups.get(group_id);
        let group = group.ok_or(ErrorCode::GroupIdNotFound)?;
        if group.state != State::Empty {
            return Err(ErrorCode::NonEmptyGroup);
        }
        for (topic, partition) in self.offsets_of(group_id) {
            tombstones.push_offset(&Arc::from(group_id), &topic, partition);
        }
        self.remove_group(group_id, tombstones);
        Ok(())
    }

    /// The partitions that a group has an offset for, or will have when an append is done.
    fn offsets_of(&self, group_id: &str) -> BTreeSet<(Arc<str>, PartitionIndex)> {
        let committed = self.offsets.of_group(group_id);
        let committed = committed.flat_map(|(topic, partitions)| {
            let partitions = partitions.keys();
            partitions.map(move |partition| (Arc::clone(topic), *partition))
        });
        let coming = self.appends.offsets_in_flight(group_id);
        let coming = coming.map(|change| (Arc::clone(&change.topic), change.partition));
        committed.chain(coming).collect()
    }

    /// Takes an empty group out at once, so that nobody joins what is about to go. It comes back
    /// if its tombstone cannot be written; ids promised for it do not.
    fn remove_group(&mut self, group_id: &str, tombstones: &mut Tombstones) {
        if let Some(mut group) = self.groups.remove(group_id) {
            self.cancel_timers(&group);
            group.pending_joins.clear();
            tombstones.push_group(group);
        }
    }

    /// OffsetDelete; answered when the tombstones are durable.
    pub fn delete_offsets(
        &mut self,
        _now: Now,
        request: OffsetDelete,
        token: ReplyToken,
        out: &mut Effects,
    ) {
        let mut tombstones = Tombstones::default();
        let response = match self.check_offset_delete(&request.group_id) {
            Err(error) => OffsetDeleteResponse {
                error,
                topics: Vec::new(),
            },
            Ok(group) => self.collect_offset_delete(group, request, &mut tombstones),
        };
        let response = Response::OffsetDelete(response);
        self.write_then_reply(tombstones, token, response, out);
    }

    fn check_offset_delete(&self, group_id: &str) -> Result<&ClassicGroup, ErrorCode> {
        if group_id.is_empty() {
            return Err(ErrorCode::InvalidGroupId);
        }
        let group = self.groups.get(group_id);
        let group = group.ok_or(ErrorCode::GroupIdNotFound)?;
        // Of members that are not consumers nobody knows what they use.
        match group.state {
            State::Empty => Ok(group),
            _ if group.is_consumer_group() => Ok(group),
            _ => Err(ErrorCode::NonEmptyGroup),
        }
    }

    fn collect_offset_delete(
        &self,
        group: &ClassicGroup,
        request: OffsetDelete,
        tombstones: &mut Tombstones,
    ) -> OffsetDeleteResponse {
        let known = self.offsets_of(&group.id);
        let mut topics = Vec::with_capacity(request.topics.len());
        for (topic, partitions) in request.topics {
            let is_used = group.is_subscribed_to(&topic);
            let mut results = Vec::with_capacity(partitions.len());
            for partition in partitions {
                if is_used {
                    results.push((partition, ErrorCode::GroupSubscribedToTopic));
                    continue;
                }
                results.push((partition, ErrorCode::None));
                if known.contains(&(Arc::clone(&topic), partition)) {
                    tombstones.push_offset(&group.id, &topic, partition);
                }
            }
            topics.push((topic, results));
        }
        OffsetDeleteResponse {
            error: ErrorCode::None,
            topics,
        }
    }

    /// Topics have gone: their committed offsets go too, unless a topic of the same name and
    /// another id had them.
    pub fn on_topics_deleted(&mut self, _now: Now, topics: &[DeletedTopic], out: &mut Effects) {
        let is_gone = |name: &str, id: TopicId| {
            let mut topics = topics.iter();
            topics.any(|gone| *gone.name == *name && (id.is_zero() || id == gone.topic_id))
        };
        let mut doomed = BTreeSet::new();
        for (group, topic, partitions) in self.offsets.iter() {
            for (partition, committed) in partitions {
                if is_gone(topic, committed.topic_id) {
                    doomed.insert((Arc::clone(group), Arc::clone(topic), *partition));
                }
            }
        }
        for change in self.appends.all_offsets_in_flight() {
            let OffsetChange { group, topic, .. } = change;
            if change
                .value
                .as_ref()
                .is_some_and(|value| is_gone(topic, value.topic_id))
            {
                doomed.insert((Arc::clone(group), Arc::clone(topic), change.partition));
            }
        }
        let mut tombstones = Tombstones::default();
        for (group, topic, partition) in doomed {
            tombstones.push_offset(&group, &topic, partition);
            self.write_if_full(&mut tombstones, out);
        }
        self.write(tombstones, out);
    }

    /// Removes the offsets past their retention, and the empty groups that have none left.
    pub(super) fn remove_expired(&mut self, now: Now, out: &mut Effects) {
        let mut tombstones = Tombstones::default();
        let group_ids: Vec<_> = self.groups.keys().cloned().collect();
        for group_id in group_ids {
            let Some(group) = self.groups.get(&group_id) else {
                continue;
            };
            let (expired, is_all) = self.expired_offsets(group, now.wall);
            let is_over = is_all && group.state == State::Empty;
            for (topic, partition) in expired {
                tombstones.push_offset(&group_id, &topic, partition);
                self.write_if_full(&mut tombstones, out);
            }
            if is_over {
                self.remove_group(&group_id, &mut tombstones);
                self.write_if_full(&mut tombstones, out);
            }
        }
        self.write(tombstones, out);
        self.schedule_expiration(now);
    }

    /// The offsets of a group that are past their retention, and whether that is all it has.
    fn expired_offsets(
        &self,
        group: &ClassicGroup,
        now: TimestampMs,
    ) -> (Vec<(Arc<str>, PartitionIndex)>, bool) {
        let retention_ms = self.config().offsets_retention_ms;
        let in_flight = self.appends.offsets_in_flight(&group.id);
        let in_flight: BTreeSet<_> = in_flight.map(|c| (&c.topic, c.partition)).collect();
        let mut expired = Vec::new();
        let mut is_all = in_flight.is_empty();
        for (topic, partitions) in self.offsets.of_group(&group.id) {
            for (partition, committed) in partitions {
                let is_expired = !group.is_subscribed_to(topic)
                    && !in_flight.contains(&(topic, *partition))
                    && group.is_expired(committed, now, retention_ms);
                match is_expired {
                    true => expired.push((Arc::clone(topic), *partition)),
                    false => is_all = false,
                }
            }
        }
        (expired, is_all)
    }

    fn write_then_reply(
        &mut self,
        mut tombstones: Tombstones,
        token: ReplyToken,
        response: Response,
        out: &mut Effects,
    ) {
        if tombstones.records.is_empty() {
            out.push(Effect::Reply { token, response });
            return;
        }
        tombstones.in_flight.then = Then::Reply(token, response);
        self.write(tombstones, out);
    }

    /// Keeps the batches of a large clean-up small; it need not be atomic.
    fn write_if_full(&mut self, tombstones: &mut Tombstones, out: &mut Effects) {
        if tombstones.records.len() >= limits::GROUP_TOMBSTONES_PER_APPEND {
            self.write(std::mem::take(tombstones), out);
        }
    }

    fn write(&mut self, tombstones: Tombstones, out: &mut Effects) {
        if !tombstones.records.is_empty() {
            self.appends
                .push(tombstones.records, tombstones.in_flight, out);
        }
    }
}

impl ClassicGroup {
    /// Whether an offset is past its retention. It counts from the commit, or in a group that has
    /// had members from when the last one left; a rebalancing group keeps all.
    fn is_expired(&self, committed: &CommittedOffset, now: TimestampMs, retention_ms: i64) -> bool {
        let since = match (&self.protocol_type, self.state) {
            (None, _) => committed.commit_timestamp,
            (Some(_), State::Empty) => self.state_timestamp.unwrap_or(committed.commit_timestamp),
            (Some(_), State::Stable) if self.subscribed_topics.is_some() => {
                committed.commit_timestamp
            }
            (Some(_), _) => return false,
        };
        match committed.expire_timestamp {
            Some(at) => now >= at,
            None => now.0.saturating_sub(since.0) >= retention_ms,
        }
    }
}
