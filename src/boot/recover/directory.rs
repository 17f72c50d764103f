//! What is in a partition's directory.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::base::{Offset, TopicId};
use crate::io::files::replace;
use crate::log::files::{
    FileKind, FileName, LEADER_EPOCHS, PARTITION_METADATA, format_partition_metadata,
    parse_leader_epochs, parse_partition_metadata,
};
use crate::log::{LeaderEpochs, Producers};

/// The end of the name of a file that was being replaced.
const FRESH_SUFFIX: &str = ".tmp";

/// A partition's directory, by the names in it.
#[derive(Debug)]
pub struct Directory<'a> {
    path: &'a Path,
    /// Base offsets of segments.
    pub segments: BTreeSet<Offset>,
    /// Offsets of producer snapshots.
    pub snapshots: BTreeSet<Offset>,
}

impl<'a> Directory<'a> {
    /// Reads the names, and removes what a crash left of deletions and replacements.
    pub fn read(path: &'a Path) -> io::Result<Directory<'a>> {
        let mut directory = Directory {
            path,
            segments: BTreeSet::new(),
            snapshots: BTreeSet::new(),
        };
        for entry in fs::read_dir(path)? {
            let entry = entry?;
            let Ok(name) = entry.file_name().into_string() else {
                continue;
            };
            match FileName::parse(&name) {
                Some(file) if file.deleted => fs::remove_file(entry.path())?,
                Some(file) => directory.note(file),
                None if name.ends_with(FRESH_SUFFIX) => fs::remove_file(entry.path())?,
                None => {}
            }
        }
        Ok(directory)
    }

    fn note(&mut self, file: FileName) {
        match file.kind {
            FileKind::Log => self.segments.insert(file.offset),
            FileKind::Snapshot => self.snapshots.insert(file.offset),
            FileKind::Index | FileKind::TimeIndex | FileKind::TxnIndex => false,
        };
    }

    /// Where a file of the partition is.
    pub fn file(&self, offset: Offset, kind: FileKind) -> PathBuf {
        self.path.join(FileName::new(offset, kind).to_string())
    }

    /// The topic that the directory says it belongs to. One that was just made when the broker stopped may not say.
    pub fn topic(&self) -> io::Result<Option<TopicId>> {
        match fs::read_to_string(self.path.join(PARTITION_METADATA)) {
            Ok(text) => parse_partition_metadata(&text).map(Some).map_err(|why| {
                let why = format!("{PARTITION_METADATA}: {why}");
                io::Error::new(io::ErrorKind::InvalidData, why)
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Has the directory say which topic it belongs to.
    pub fn set_topic(&self, topic: TopicId) -> io::Result<()> {
        let text = format_partition_metadata(topic);
        replace(&self.path.join(PARTITION_METADATA), text.as_bytes())
    }

    /// The leader epochs, if their file is there and sound; else the log's batches tell them.
    pub fn leader_epochs(&self) -> Option<LeaderEpochs> {
        let text = fs::read_to_string(self.path.join(LEADER_EPOCHS)).ok()?;
        let entries = parse_leader_epochs(&text).ok()?;
        Some(LeaderEpochs::from_entries(entries))
    }

    /// The newest sound producer snapshot, and the offset that it was taken at. Without one, the state at the
    /// beginning: nothing.
    pub fn producers(&self) -> (Offset, Producers) {
        let mut sound = self.snapshots.iter().rev().filter_map(|offset| {
            let path = self.file(*offset, FileKind::Snapshot);
            match Producers::decode_snapshot(&fs::read(&path).ok()?) {
                Ok(producers) => Some((*offset, producers)),
                Err(why) => {
                    tracing::warn!(file = %path.display(), %why, "a producer snapshot is left aside");
                    None
                }
            }
        });
        let nothing = || (Offset::ZERO, Producers::default());
        sound.next().unwrap_or_else(nothing)
    }
}
