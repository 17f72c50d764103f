//! The coordinator's start: its partition is replayed, then sessions begin.

use std::sync::Arc;

use super::classic_group::ClassicGroup;
use super::coordinator::Coordinator;
use super::effects::Effects;
use super::records::{CommittedOffset, GroupValue, RecordKey, ReplayError};
use crate::base::Now;

impl Coordinator {
    /// Rebuilds state from one record of the partition, in log order. Records of the newer group
    /// types are passed over. After an error the record counts as not there.
    pub fn replay(&mut self, key: &[u8], value: Option<&[u8]>) -> Result<(), ReplayError> {
        match (RecordKey::decode(key)?, value) {
            (RecordKey::Other(_), _) => {}
            (RecordKey::GroupMetadata { group }, None) => {
                self.groups.remove(group);
            }
            (RecordKey::GroupMetadata { group }, Some(value)) => {
                let loaded = ClassicGroup::loaded(group, GroupValue::decode(value)?)?;
                self.groups.insert(Arc::clone(&loaded.id), loaded);
            }
            (
                RecordKey::OffsetCommit {
                    group,
                    topic,
                    partition,
                },
                None,
            ) => self.offsets.remove(group, topic, partition),
            (
                RecordKey::OffsetCommit {
                    group,
                    topic,
                    partition,
                },
                Some(value),
            ) => {
                let offset = CommittedOffset::decode(value)?;
                let group = self.loaded_group(group, &offset);
                self.offsets
                    .insert(group, Arc::from(topic), partition, offset);
            }
        }
        Ok(())
    }

    /// The group of a commit, made without members if there is none: a simple consumer's.
    fn loaded_group(&mut self, group_id: &str, offset: &CommittedOffset) -> Arc<str> {
        if let Some(group) = self.groups.get(group_id) {
            return Arc::clone(&group.id);
        }
        let group = ClassicGroup::empty(group_id, Some(offset.commit_timestamp));
        let id = Arc::clone(&group.id);
        self.groups.insert(Arc::clone(&id), group);
        id
    }

    /// The partition has been replayed: sessions begin, requests may come. A group over its limit
    /// is called to rebalance, so that it shrinks.
    pub fn on_loaded(&mut self, now: Now, out: &mut Effects) {
        let (groups, mut cx) = self.split(now, out);
        for group in groups.values_mut() {
            for member_id in group.members.keys() {
                group.renew_session(member_id, &mut cx);
            }
            if group.members.len() > cx.config.members_max {
                group.prepare_rebalance(&mut cx);
            }
        }
        self.schedule_expiration(now);
    }
}
