//! From the files of a data directory to the partitions that the shards begin with.
//!
//! Every partition directory that the cluster's image knows is looked at, several at a time. After an orderly
//! stop the newest segment is taken from its indexes; otherwise the batches of every segment that was not sealed
//! are checked one by one, and a torn end is cut off. A partition whose files are damaged in a way that no crash
//! explains is not touched: it is handed over as one that the disk has failed, and the others serve.

mod directory;
mod partition;
mod segment;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::base::{LeaderEpoch, Now, Offset, PartitionIndex, ShardId, TopicPartition};
use crate::io::files::{remove_directory, remove_file, rename};
use crate::log::files::{
    LOG_START_OFFSETS, RECOVERY_POINTS, is_deleted_directory, parse_offset_checkpoints,
    parse_partition_directory, partition_directory,
};
use crate::log::{Log, LogConfig};
use crate::metadata::ClusterImage;
use crate::partition::{Effects, Partition};
use crate::shard::settings::log_config;
use crate::shard::start::RecoveredPartition;
use partition::{Found, Refusal};

/// Where the metadata log lies, which is no partition of a topic.
pub const METADATA_DIRECTORY: &str = "__cluster_metadata-0";

/// The end of the name of a directory that belongs to no topic and is kept for its owner to judge.
const STRAY_DIRECTORY_SUFFIX: &str = "-stray";

/// What recovery works on.
#[derive(Clone, Copy, Debug)]
pub struct Recovery<'a> {
    /// The data directory.
    pub data_dir: &'a Path,
    /// Whether the last stop was an orderly one.
    pub clean: bool,
    /// The cluster's state.
    pub image: &'a ClusterImage,
    /// How many shards there are, and threads to work with.
    pub shards: usize,
    /// The time.
    pub now: Now,
}

/// One partition's directory, and what is known of it from elsewhere.
#[derive(Clone, Debug)]
struct Job {
    id: TopicPartition,
    shard: ShardId,
    leader_epoch: LeaderEpoch,
    directory: PathBuf,
    config: LogConfig,
    /// Where the log ended at an orderly stop, if that was the last one.
    clean_end: Option<Offset>,
    log_start: Offset,
}

/// Offsets by topic and partition.
type Offsets = HashMap<(String, PartitionIndex), Offset>;

impl Recovery<'_> {
    /// Recovers all partitions: a list for each shard, by index.
    ///
    /// # Errors
    /// Those of reading the data directory itself; one partition's trouble stays its own.
    pub fn run(&self) -> io::Result<Vec<Vec<RecoveredPartition>>> {
        let jobs = self.plan()?;
        let mut recovered: Vec<Vec<RecoveredPartition>> = Vec::new();
        recovered.resize_with(self.shards, Vec::new);
        for (shard, partition) in self.work_off(&jobs) {
            if let Some(of_shard) = recovered.get_mut(shard.index()) {
                of_shard.push(partition);
            }
        }
        Ok(recovered)
    }

    /// Looks at every name in the data directory: partitions become jobs, deleted ones are removed, and what
    /// belongs to no topic is moved aside, as Kafka does.
    fn plan(&self) -> io::Result<Vec<Job>> {
        let ends = self.checkpoint(RECOVERY_POINTS)?;
        let starts = self.checkpoint(LOG_START_OFFSETS)?;
        let mut jobs = Vec::new();
        for entry in fs::read_dir(self.data_dir)? {
            let entry = entry?;
            let Ok(name) = entry.file_name().into_string() else {
                continue;
            };
            if is_deleted_directory(&name) {
                remove_directory(&entry.path())?;
                continue;
            }
            let Some((topic, index)) = parse_partition_directory(&name) else {
                continue;
            };
            if name == METADATA_DIRECTORY || !entry.file_type()?.is_dir() {
                continue;
            }
            match self.job(topic, index, &ends, &starts) {
                Some(job) => jobs.push(job),
                None => self.set_aside(&entry.path())?,
            }
        }
        Ok(jobs)
    }

    fn job(
        &self,
        topic: &str,
        index: PartitionIndex,
        ends: &Offsets,
        starts: &Offsets,
    ) -> Option<Job> {
        let topic = self.image.topic(topic)?;
        let info = topic.partition(index)?;
        let key = (topic.name.to_string(), index);
        Some(Job {
            id: TopicPartition {
                topic: topic.id,
                partition: index,
            },
            shard: info.shard,
            leader_epoch: info.leader_epoch,
            directory: self.data_dir.join(partition_directory(&topic.name, index)),
            config: log_config(&topic.config, self.image.settings()),
            clean_end: ends.get(&key).copied().filter(|_| self.clean),
            log_start: starts.get(&key).copied().unwrap_or(Offset::ZERO),
        })
    }

    /// The offsets of a checkpoint file. One that cannot be understood is as good as none: it only saves work.
    fn checkpoint(&self, name: &str) -> io::Result<Offsets> {
        let path = self.data_dir.join(name);
        let text = match fs::read(&path) {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Offsets::new()),
            Err(error) => return Err(error),
        };
        let entries = parse_offset_checkpoints(&text).unwrap_or_else(|why| {
            tracing::warn!(file = %path.display(), %why, "a checkpoint is left aside");
            Vec::new()
        });
        let by_partition = entries
            .into_iter()
            .map(|entry| ((entry.topic, entry.partition), entry.offset));
        Ok(by_partition.collect())
    }

    fn set_aside(&self, directory: &Path) -> io::Result<()> {
        let mut aside = directory.as_os_str().to_owned();
        aside.push(format!(".{:x}{STRAY_DIRECTORY_SUFFIX}", self.now.wall.0));
        let aside = PathBuf::from(aside);
        rename(directory, &aside)?;
        tracing::warn!(
            directory = %directory.display(), kept_as = %aside.display(),
            "a partition of no known topic was moved aside"
        );
        Ok(())
    }

    fn work_off(&self, jobs: &[Job]) -> Vec<(ShardId, RecoveredPartition)> {
        let next = AtomicUsize::new(0);
        let done = Mutex::new(Vec::with_capacity(jobs.len()));
        let work = || {
            let mut mine = Vec::new();
            while let Some(job) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
                mine.extend(self.recover(job).map(|partition| (job.shard, partition)));
            }
            done.lock().expect("no worker panicked").extend(mine);
        };
        thread::scope(|scope| {
            for _ in 1..self.shards.min(jobs.len()) {
                scope.spawn(work);
            }
            work();
        });
        done.into_inner().expect("no worker panicked")
    }

    /// One partition; none if there is nothing of it yet, or its directory is another topic's.
    fn recover(&self, job: &Job) -> Option<RecoveredPartition> {
        let refusal = match partition::recover(job, self.now) {
            Ok(Found::Partition(log, tail)) => {
                let state = Partition::recovered(self.now, *log, job.leader_epoch, tail.reserved);
                return Some(RecoveredPartition {
                    id: job.id,
                    state,
                    tail_page: tail.page,
                });
            }
            Ok(Found::Nothing) => return None,
            Ok(Found::OtherTopic) => match self.set_aside(&job.directory) {
                Ok(()) => return None,
                Err(why) => Refusal::io(&job.directory, why),
            },
            Err(refusal) => refusal,
        };
        Some(self.refuse(job, &refusal))
    }

    /// A partition that answers everything with KAFKA_STORAGE_ERROR, and whose files stay as they are.
    fn refuse(&self, job: &Job, refusal: &Refusal) -> RecoveredPartition {
        tracing::error!(directory = %job.directory.display(), %refusal, "a partition is out of service");
        let log = Log::new(self.now, job.config.clone(), Offset::ZERO);
        let mut state = Partition::recovered(self.now, log, job.leader_epoch, 0);
        state.poison(&mut Effects::new());
        RecoveredPartition {
            id: job.id,
            state,
            tail_page: Vec::new(),
        }
    }
}

/// Takes the checkpoints away that the last orderly stop wrote. They speak of that moment only: a topic that
/// is made again under the same name must not be judged by them.
pub fn forget_checkpoints(data_dir: &Path) -> io::Result<()> {
    remove_file(&data_dir.join(RECOVERY_POINTS))?;
    remove_file(&data_dir.join(LOG_START_OFFSETS))
}
