//! The metadata log on disk: every change of the cluster's state, in order, durable before it is told to anyone.
//!
//! `__cluster_metadata-0/` holds segments `<offset>.log` of record batches, one batch a change, and snapshots
//! `<offset>.checkpoint`: batches that make the state before that offset. Once the log has grown enough, a snapshot is
//! written and everything before it goes. Each step leaves a directory that loads to the same state, so a crash between
//! any two of them costs nothing.
//!
//! Space is reserved behind the log's end. What is reserved last is kept for changes that free space: on a full disk
//! topics can still be deleted. Everything else is refused there, and succeeds again once there is space.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use thiserror::Error;

use crate::base::limits::{
    METADATA_BATCH_BYTES_MAX, METADATA_LOG_BYTES_MAX, METADATA_RESERVE_BYTES,
};
use crate::base::{LeaderEpoch, Offset, TimestampMs};
use crate::io::files::{create_directory, is_full, remove_file, replace, reserve, sync_directory};
use crate::io::segment_file::SegmentFile;
use crate::log::files::{FileKind, FileName};
use crate::log::recovery::{Cut, recover};
use crate::log::{ActiveSegment, LogConfig};
use crate::metadata::config::BrokerConfig;
use crate::metadata::{ApplyError, ClusterImage, Record, RecordError};
use crate::protocol::records::{BatchBuilder, BatchView, BuildError};

/// The end of the name of a snapshot.
const SNAPSHOT_SUFFIX: &str = ".checkpoint";

/// The end of the name of a file that was being written.
const FRESH_SUFFIX: &str = ".tmp";

/// Why the metadata log cannot be read or written.
#[derive(Debug, Error)]
pub enum MetadataLogError {
    /// The disk's error.
    #[error("the metadata log {}: {why}", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What.
        why: io::Error,
    },
    /// Batches are damaged, and not just torn off at the end.
    #[error("the metadata log {} is damaged at byte {position} ({reason}): restore it from a copy", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where.
        position: u64,
        /// How.
        reason: String,
    },
    /// A batch follows where others are missing.
    #[error("the metadata log {} begins at {found}, but what is before it ends at {expected}: restore the missing files", path.display())]
    Gap {
        /// The file.
        path: PathBuf,
        /// Where the log so far ends.
        expected: Offset,
        /// Where the file goes on.
        found: Offset,
    },
    /// A record that cannot be understood.
    #[error("the metadata log {}: {why}", path.display())]
    Record {
        /// The file.
        path: PathBuf,
        /// Why.
        why: RecordError,
    },
    /// Records that do not fit the state before them.
    #[error("the metadata log {}: {why}", path.display())]
    Apply {
        /// The file.
        path: PathBuf,
        /// Why.
        why: ApplyError,
    },
    /// A change that no batch can hold.
    #[error("a change of the cluster's state is too large: {0}")]
    TooLarge(#[from] BuildError),
    /// The disk has no room for a change. The log is as it was, and takes changes again when there is room.
    #[error("the metadata log {} finds no space: {why}: delete topics, or free space otherwise", path.display())]
    Full {
        /// The file.
        path: PathBuf,
        /// What the disk said.
        why: io::Error,
    },
    /// An earlier write failed, so that nobody knows what the file holds.
    #[error("the metadata log takes no changes since a write failed: restart the broker")]
    Poisoned,
}

/// The metadata log, open for appending.
#[derive(Debug)]
pub struct MetadataLog {
    directory: PathBuf,
    file: File,
    path: PathBuf,
    /// Where the next batch goes.
    position: u64,
    /// Up to where the file has its space.
    reserved: u64,
    next_offset: Offset,
    /// The length of the log at which a snapshot is taken.
    snapshot_at: u64,
    poisoned: bool,
}

impl MetadataLog {
    /// Opens the log in a directory, creating it if need be, and builds the state that it tells.
    pub fn open(
        directory: &Path,
        settings: &Arc<BrokerConfig>,
    ) -> Result<(MetadataLog, ClusterImage), MetadataLogError> {
        let io = |why| MetadataLogError::Io {
            path: directory.to_owned(),
            why,
        };
        create_directory(directory).map_err(io)?;
        let names = Names::read(directory).map_err(io)?;
        let mut load = Load {
            image: ClusterImage::empty(settings.clone()),
            next_offset: Offset::ZERO,
        };
        if let Some(snapshot) = names.snapshot {
            load.snapshot(directory, snapshot)?;
        }
        let mut newest = (load.next_offset, 0);
        for (place, base) in names.logs.iter().enumerate() {
            let is_newest = place + 1 == names.logs.len();
            newest = (*base, load.segment(directory, *base, is_newest)?);
        }
        // A crash between snapshot and new segment leaves the old one, all of it in the snapshot.
        let (base, position) = match load.next_offset > newest.0 && newest.1 == 0 {
            true => (load.next_offset, 0),
            false => newest,
        };
        let log = MetadataLog::resume(directory, base, position, load.next_offset)?;
        log.remove_before(&names, base).map_err(io)?;
        Ok((log, load.image))
    }

    fn resume(
        directory: &Path,
        base: Offset,
        position: u64,
        next_offset: Offset,
    ) -> Result<MetadataLog, MetadataLogError> {
        let path = log_path(directory, base);
        let opened = open_segment(&path, position);
        let file = opened.map_err(|why| MetadataLogError::Io {
            path: path.clone(),
            why,
        })?;
        let mut log = MetadataLog {
            directory: directory.to_owned(),
            file,
            path,
            position,
            reserved: position,
            next_offset,
            snapshot_at: METADATA_LOG_BYTES_MAX,
            poisoned: false,
        };
        // A disk that is full now may have room when there is something to append.
        let _ = log.make_room(0);
        Ok(log)
    }

    /// The offset of the next record.
    pub fn next_offset(&self) -> Offset {
        self.next_offset
    }

    /// Appends changes, a batch each, with one sync for all.
    ///
    /// # Errors
    /// [`MetadataLogError::Full`] leaves the log as it was. After a write or a sync that failed otherwise nobody knows
    /// what the file holds, and the log takes no more.
    pub fn append<'c>(
        &mut self,
        changes: impl IntoIterator<Item = &'c [Record]>,
        now: TimestampMs,
    ) -> Result<(), MetadataLogError> {
        let mut bytes = Vec::new();
        let mut next = self.next_offset;
        let mut frees_space = true;
        for records in changes {
            bytes.extend(encode(records, next, now)?);
            next = next.plus(records.len() as i64);
            frees_space &= records.iter().all(Record::frees_space);
        }
        if bytes.is_empty() {
            return Ok(());
        }
        if self.poisoned {
            return Err(MetadataLogError::Poisoned);
        }
        match self.make_room(bytes.len() as u64) {
            Err(why) if !frees_space || !is_full(&why) => return Err(self.refusal(why)),
            _ => self.write(&bytes)?,
        }
        self.position += bytes.len() as u64;
        self.next_offset = next;
        Ok(())
    }

    /// Reserves space for so many bytes, and behind them what is kept for changes that free space.
    fn make_room(&mut self, bytes: u64) -> io::Result<()> {
        let needed = self.position + bytes + METADATA_RESERVE_BYTES;
        if needed <= self.reserved {
            return Ok(());
        }
        let reserved = needed + METADATA_RESERVE_BYTES;
        reserve(&self.file, reserved)?;
        self.reserved = reserved;
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), MetadataLogError> {
        if let Err(why) = self.file.write_all_at(bytes, self.position) {
            // Whatever part of it was written has not been synced, and is cut off again.
            self.poisoned = !is_full(&why) || self.file.set_len(self.position).is_err();
            self.reserved = self.position;
            return Err(self.refusal(why));
        }
        self.file.sync_data().map_err(|why| {
            self.poisoned = true;
            let path = self.path.clone();
            MetadataLogError::Io { path, why }
        })
    }

    fn refusal(&self, why: io::Error) -> MetadataLogError {
        let path = self.path.clone();
        match is_full(&why) && !self.poisoned {
            true => MetadataLogError::Full { path, why },
            false => MetadataLogError::Io { path, why },
        }
    }

    /// Has the next write fail, as on a broken disk.
    #[cfg(test)]
    pub fn fail_writes(&mut self) {
        self.file = File::open(&self.path).expect("the log is there");
    }

    /// Whether the log has grown so much that a snapshot is due.
    pub fn wants_snapshot(&self) -> bool {
        self.position >= self.snapshot_at && !self.poisoned
    }

    /// Writes a snapshot of the state at the log's end, and begins a new segment behind it. When that fails the log goes
    /// on as it was, and the next attempt comes when it has doubled.
    pub fn snapshot(
        &mut self,
        image: &ClusterImage,
        now: TimestampMs,
    ) -> Result<(), MetadataLogError> {
        let written_at = self.position;
        self.snapshot_at = written_at.saturating_mul(2).max(METADATA_LOG_BYTES_MAX);
        let bytes = encode(&image.snapshot(), Offset::ZERO, now)?;
        let offset = self.next_offset;
        let path = snapshot_path(&self.directory, offset);
        let io = |why| MetadataLogError::Io {
            path: path.clone(),
            why,
        };
        replace(&path, &bytes).map_err(io)?;
        let mut fresh = MetadataLog::resume(&self.directory, offset, 0, offset)?;
        fresh.snapshot_at = (bytes.len() as u64 * 2).max(METADATA_LOG_BYTES_MAX);
        let names = Names::read(&self.directory).map_err(io)?;
        *self = fresh;
        self.remove_before(&names, offset).map_err(io)
    }

    /// Removes the files that the newest snapshot has made superfluous.
    fn remove_before(&self, names: &Names, base: Offset) -> io::Result<()> {
        for old in names.logs.iter().filter(|log| **log < base) {
            if names.snapshot.is_some_and(|snapshot| snapshot >= base) {
                remove_file(&log_path(&self.directory, *old))?;
            }
        }
        for old in &names.older_snapshots {
            remove_file(&snapshot_path(&self.directory, *old))?;
        }
        names
            .leftovers
            .iter()
            .try_for_each(|path| remove_file(path))
    }
}

/// Creates or opens a segment and cuts it to where batches end.
fn open_segment(path: &Path, position: u64) -> io::Result<File> {
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)?;
    if file.metadata()?.len() != position {
        file.set_len(position)?;
    }
    file.flush()?;
    file.sync_all()?;
    path.parent().map_or(Ok(()), sync_directory)?;
    Ok(file)
}

fn log_path(directory: &Path, base: Offset) -> PathBuf {
    directory.join(FileName::new(base, FileKind::Log).to_string())
}

fn snapshot_path(directory: &Path, offset: Offset) -> PathBuf {
    directory.join(format!("{:020}{SNAPSHOT_SUFFIX}", offset.get()))
}

/// Records as batches: one, or for a snapshot as many as keep each within bounds.
fn encode(records: &[Record], base: Offset, now: TimestampMs) -> Result<Vec<u8>, BuildError> {
    let mut bytes = Vec::new();
    let mut next = base;
    let new_batch = |at| {
        BatchBuilder::new()
            .base_offset(at)
            .leader_epoch(LeaderEpoch(0))
    };
    let mut builder = new_batch(next);
    for record in records {
        if builder.len_bytes() >= METADATA_BATCH_BYTES_MAX {
            bytes.extend(builder.build()?);
            builder = new_batch(next);
        }
        builder.push(now, None, Some(&record.encode()), &[]);
        next = next.next();
    }
    if !builder.is_empty() {
        bytes.extend(builder.build()?);
    }
    Ok(bytes)
}

/// What the directory holds, by name.
struct Names {
    logs: Vec<Offset>,
    snapshot: Option<Offset>,
    older_snapshots: Vec<Offset>,
    leftovers: Vec<PathBuf>,
}

impl Names {
    fn read(directory: &Path) -> io::Result<Names> {
        let mut names = Names {
            logs: Vec::new(),
            snapshot: None,
            older_snapshots: Vec::new(),
            leftovers: Vec::new(),
        };
        for entry in fs::read_dir(directory)? {
            let entry = entry?;
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if let Some(file) = FileName::parse(&name).filter(|file| file.kind == FileKind::Log) {
                names.logs.push(file.offset);
            } else if let Some(digits) = name.strip_suffix(SNAPSHOT_SUFFIX) {
                names
                    .older_snapshots
                    .extend(digits.parse().ok().map(Offset));
            } else if name.ends_with(FRESH_SUFFIX) {
                names.leftovers.push(entry.path());
            }
        }
        names.logs.sort_unstable();
        names.older_snapshots.sort_unstable();
        names.snapshot = names.older_snapshots.pop();
        Ok(names)
    }
}

/// The state while files are read, oldest first.
struct Load {
    image: ClusterImage,
    next_offset: Offset,
}

impl Load {
    fn snapshot(&mut self, directory: &Path, offset: Offset) -> Result<(), MetadataLogError> {
        let path = snapshot_path(directory, offset);
        let (batches, _, cut) = read_batches(&path, Offset::ZERO)?;
        if let Some(cut) = cut {
            return Err(damaged(path, &cut));
        }
        let records: Vec<Record> = batches
            .into_iter()
            .flat_map(|batch| batch.records)
            .collect();
        // The records of a snapshot are fewer than those that it stands for.
        self.image = self.applied(&path, &records)?.at_version(offset.get());
        self.next_offset = offset;
        Ok(())
    }

    /// Applies what a segment has beyond the state so far; returns where its batches end.
    fn segment(
        &mut self,
        directory: &Path,
        base: Offset,
        is_newest: bool,
    ) -> Result<u64, MetadataLogError> {
        let path = log_path(directory, base);
        let (batches, end, cut) = read_batches(&path, base)?;
        if let Some(cut) = cut {
            if !is_newest || cut.valid_after {
                return Err(damaged(path, &cut));
            }
            tracing::warn!(
                file = %path.display(), position = cut.position, bytes = cut.bytes, reason = %cut.reason,
                "the torn end of the metadata log was cut off"
            );
        }
        for batch in batches {
            let next = batch.base.plus(batch.records.len() as i64);
            if next <= self.next_offset {
                continue;
            }
            if batch.base != self.next_offset {
                return Err(MetadataLogError::Gap {
                    path,
                    expected: self.next_offset,
                    found: batch.base,
                });
            }
            self.image = self.applied(&path, &batch.records)?;
            self.next_offset = next;
        }
        Ok(end)
    }

    fn applied(&self, path: &Path, records: &[Record]) -> Result<ClusterImage, MetadataLogError> {
        self.image.apply(records).map_err(|why| {
            let path = path.to_owned();
            MetadataLogError::Apply { path, why }
        })
    }
}

/// The records of one batch.
struct Change {
    base: Offset,
    records: Vec<Record>,
}

/// The batches of a file, where they end, and what is wrong there.
fn read_batches(
    path: &Path,
    base: Offset,
) -> Result<(Vec<Change>, u64, Option<Cut>), MetadataLogError> {
    let io = |why| MetadataLogError::Io {
        path: path.to_owned(),
        why,
    };
    let file = SegmentFile::open(path).map_err(io)?;
    let len = file.len_bytes().map_err(io)?;
    let (time, config) = (TimestampMs(0), LogConfig::default());
    let segment = ActiveSegment::empty(base, time);
    let mut changes = Vec::new();
    let recovered = recover(&file, len, segment, base, &config, time, |_, batch| {
        changes.push(decode(batch));
    });
    let recovered = recovered.map_err(io)?;
    let changes = changes.into_iter().collect::<Result<_, RecordError>>();
    let changes = changes.map_err(|why| MetadataLogError::Record {
        path: path.to_owned(),
        why,
    })?;
    let end = u64::from(recovered.segment.segment.size_bytes);
    Ok((changes, end, recovered.cut))
}

fn decode(batch: &BatchView<'_>) -> Result<Change, RecordError> {
    let mut records = Vec::new();
    for record in batch.records(batch.payload()) {
        let wrong = RecordError::Wrong { field: "batch" };
        let value = record.ok().and_then(|record| record.value).ok_or(wrong)?;
        records.push(Record::decode(value)?);
    }
    Ok(Change {
        base: batch.header().base_offset,
        records,
    })
}

fn damaged(path: PathBuf, cut: &Cut) -> MetadataLogError {
    MetadataLogError::Damaged {
        path,
        position: cut.position,
        reason: cut.reason.to_string(),
    }
}

#[cfg(test)]
mod tests;
