//! Cluster state as it arrives: partitions come, change and go with the image.

use std::cell::Cell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use crate::base::limits::RETIRE_WAIT_MS_MAX;
use crate::base::{LeaderEpoch, PartitionIndex, TopicPartition};
use crate::group::requests::DeletedTopic;
use crate::io::files::is_shortage;
use crate::io::{blocking, files};
use crate::log::files::deleted_directory;
use crate::mesh::Address;
use crate::metadata::{ClusterImage, PartitionInfo, Topic};
use crate::partition::{Effects, Partition};
use crate::protocol::ErrorCode;
use crate::shard::Shard;
use crate::shard::apply::SPACE_RETRY;
use crate::shard::groups::OFFSETS_TOPIC;
use crate::shard::groups::host::GroupHost;
use crate::shard::messages::Message;
use crate::shard::partitions::Hosted;
use crate::shard::settings::{group_config, log_config};
use crate::shard::timer::sleep;

/// Images that are being applied, oldest first: a later one may be done before an earlier one, whose deleted partitions
/// still have I/O under way, but counts as applied only after it.
#[derive(Default)]
pub struct Applying {
    images: VecDeque<(i64, bool)>,
}

impl Applying {
    fn begin(&mut self, version: i64) {
        self.images.push_back((version, false));
    }

    /// An image is done: up to which version all are, if that has changed.
    fn end(&mut self, version: i64) -> Option<i64> {
        if let Some(image) = self.images.iter_mut().find(|image| image.0 == version) {
            image.1 = true;
        }
        let mut applied = None;
        while let Some((version, _)) = self.images.pop_front_if(|(_, done)| *done) {
            applied = Some(version);
        }
        applied
    }
}

impl Shard {
    /// Takes a new image in and tells the control thread when partitions that went are gone from the disk's names too:
    /// after a crash nothing is left of them then. A disk that hangs is waited for no longer than
    /// [`RETIRE_WAIT_MS_MAX`], since every later change waits for this one.
    pub async fn apply_image(self: &Rc<Self>, image: Arc<ClusterImage>) {
        let old = self.image.replace(image.clone());
        self.applying.borrow_mut().begin(image.version());
        let gone = self.retire_missing(&image);
        self.host_missing(&image);
        self.update_changed(&old, &image);
        self.forget_offsets(&old, &image);
        self.remove_all_files(gone).await;
        let applied = self.applying.borrow_mut().end(image.version());
        if let Some(version) = applied {
            let shard = self.id;
            let applied = Message::ImageApplied { shard, version };
            self.mesh.send(Address::Control, applied).await;
        }
    }

    /// Hosts the partitions of an image that this shard owns and does not have yet.
    pub fn host_missing(self: &Rc<Self>, image: &ClusterImage) {
        for topic in image.topics() {
            for (index, info) in topic.partitions.iter().enumerate() {
                let partition = PartitionIndex(index as i32);
                let id = TopicPartition {
                    topic: topic.id,
                    partition,
                };
                if info.shard != self.id {
                    continue;
                }
                let hosted = self.hosted(id);
                let hosted = hosted.unwrap_or_else(|| self.host(id, topic, info));
                if &*topic.name == OFFSETS_TOPIC {
                    self.host_groups(&hosted);
                }
            }
        }
        self.metrics
            .partitions
            .set(self.partitions.borrow().len() as u64);
    }

    fn host(
        self: &Rc<Self>,
        id: TopicPartition,
        topic: &Arc<Topic>,
        info: &PartitionInfo,
    ) -> Rc<Hosted> {
        let config = log_config(&topic.config, &self.config);
        let state = Partition::new(self.now(), config, LeaderEpoch(info.leader_epoch.get()));
        let hosted = Hosted::new(id, topic.clone(), &self.data_dir, state, &self.pool, &[]);
        self.partitions.borrow_mut().insert(id, hosted.clone());
        hosted
    }

    fn host_groups(self: &Rc<Self>, hosted: &Rc<Hosted>) {
        if self.groups.borrow().contains_key(&hosted.id) {
            return;
        }
        let host = GroupHost::new(hosted.clone(), group_config(&self.config));
        self.groups.borrow_mut().insert(hosted.id, host.clone());
        self.spawn(host.load(self.clone()));
    }

    /// Closes the partitions that the image no longer gives to this shard.
    fn retire_missing(self: &Rc<Self>, image: &ClusterImage) -> Vec<Rc<Hosted>> {
        let is_ours = |id: &TopicPartition| {
            image
                .partition(id.topic, id.partition)
                .is_some_and(|info| info.shard == self.id)
        };
        let gone: Vec<_> = {
            let mut partitions = self.partitions.borrow_mut();
            partitions
                .extract_if(|id, _| !is_ours(id))
                .map(|(_, hosted)| hosted)
                .collect()
        };
        for hosted in &gone {
            if let Some(host) = self.groups.borrow_mut().remove(&hosted.id) {
                host.unload(self);
            }
            let mut effects = Effects::new();
            hosted
                .state
                .borrow_mut()
                .close(ErrorCode::UnknownTopicOrPartition, &mut effects);
            self.apply(hosted, &mut effects);
        }
        self.apply_acks();
        gone
    }

    fn update_changed(&self, old: &ClusterImage, new: &ClusterImage) {
        for hosted in self.partitions.borrow().values() {
            let Some(topic) = new.topic_by_id(hosted.id.topic) else {
                continue;
            };
            let same = old
                .topic_by_id(hosted.id.topic)
                .is_some_and(|known| Arc::ptr_eq(known, topic));
            if !same {
                let config = log_config(&topic.config, &self.config);
                hosted.state.borrow_mut().set_config(config);
                *hosted.topic.borrow_mut() = topic.clone();
            }
        }
    }

    /// Has the coordinators forget the offsets of topics that are gone.
    fn forget_offsets(self: &Rc<Self>, old: &ClusterImage, new: &ClusterImage) {
        let gone: Vec<_> = old
            .topics()
            .filter(|topic| new.topic_by_id(topic.id).is_none())
            .map(|topic| DeletedTopic {
                name: topic.name.clone(),
                topic_id: topic.id,
            })
            .collect();
        if gone.is_empty() {
            return;
        }
        let hosts: Vec<_> = self.groups.borrow().values().cloned().collect();
        for host in hosts {
            host.on_topics_deleted(self, &gone);
        }
    }

    /// Has the directories of partitions moved away, and waits for that as long as it may.
    async fn remove_all_files(self: &Rc<Self>, gone: Vec<Rc<Hosted>>) {
        let left = Rc::new(Cell::new(gone.len()));
        for hosted in gone {
            let (shard, left) = (self.clone(), left.clone());
            self.spawn(async move {
                shard.remove_files(&hosted).await;
                left.set(left.get() - 1);
            });
        }
        let until = self.now().mono.plus_ms(RETIRE_WAIT_MS_MAX);
        while left.get() > 0 && self.now().mono < until {
            sleep(Duration::from_millis(1)).await;
        }
        if left.get() > 0 {
            tracing::warn!(
                partitions = left.get(),
                "the disk is slow to let go of deleted partitions: their directories go when it has"
            );
        }
    }

    /// Moves a partition's directory out of the way once its I/O has ended, and removes it later.
    async fn remove_files(self: &Rc<Self>, hosted: &Rc<Hosted>) {
        let mut pause = Duration::from_millis(1);
        while !hosted.is_at_rest() {
            sleep(pause).await;
            pause = (pause * 2).min(SPACE_RETRY);
        }
        self.files.forget_partition(hosted.id);
        let unique = u128::from_be_bytes(self.random_bytes());
        let topic = hosted.topic.borrow().clone();
        let aside = self
            .data_dir
            .join(deleted_directory(&topic.name, hosted.id.partition, unique));
        let directory = hosted.directory().to_owned();
        let renamed = loop {
            let (from, to) = (directory.clone(), aside.clone());
            let rename = move || match from.exists() {
                true => files::rename(&from, &to).map(|()| true),
                false => Ok(false),
            };
            match blocking::run(rename).await {
                // The new name is longer and may need another block.
                Err(error) if is_shortage(&error) => sleep(SPACE_RETRY).await,
                renamed => break renamed,
            }
        };
        match renamed {
            Ok(false) => return,
            Ok(true) => {}
            Err(error) => {
                return tracing::error!(partition = %hosted.name(), %error, "cannot move a deleted partition aside");
            }
        }
        let delay = u64::try_from(topic.config.file_delete_delay_ms).unwrap_or(0);
        self.spawn(async move {
            sleep(Duration::from_millis(delay)).await;
            let removed = blocking::run(move || files::remove_directory(&aside)).await;
            if let Err(error) = removed {
                tracing::warn!(%error, "cannot remove a deleted partition");
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_counts_once_all_before_it_are_done() {
        let mut applying = Applying::default();
        for version in [3, 5, 9] {
            applying.begin(version);
        }
        assert_eq!(applying.end(5), None);
        assert_eq!(applying.end(3), Some(5));
        applying.begin(10);
        assert_eq!(applying.end(10), None);
        assert_eq!(applying.end(9), Some(10));
    }
}
