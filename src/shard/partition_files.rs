//! A partition's files on disk. Everything here blocks: it runs off the core.

use std::io;
use std::path::{Path, PathBuf};

use crate::base::{Offset, TopicId};
use crate::io::files;
use crate::io::segment_file::SegmentFile;
use crate::log::SealedSegment;
use crate::log::files::{self as names, FileKind, FileName};
use crate::log::index::{encode_offsets, encode_times};
use crate::shard::open_files::segment_path;

/// Makes a partition's directory, with the file that names its topic, unless it is there. False if it belongs to another
/// topic. Two jobs may come at once.
pub fn claim_directory(directory: &Path, topic: TopicId) -> io::Result<bool> {
    files::create_directory(directory)?;
    let metadata = directory.join(names::PARTITION_METADATA);
    match std::fs::read_to_string(&metadata) {
        Ok(text) => {
            let owner = names::parse_partition_metadata(&text);
            let owner = owner.map_err(|why| io::Error::new(io::ErrorKind::InvalidData, why))?;
            Ok(owner == topic)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let text = names::format_partition_metadata(topic);
            files::replace(&metadata, text.as_bytes())?;
            Ok(true)
        }
        Err(error) => Err(error),
    }
}

/// Completes a segment's files for a stop. None of it is durable yet: one [`sync_file_system`](files::sync_file_system)
/// for all partitions makes it so, where syncs for each file would take minutes.
pub fn leave_segment(
    file: &SegmentFile,
    directory: &Path,
    sealed: &SealedSegment,
) -> io::Result<()> {
    file.set_len(u64::from(sealed.segment.size_bytes))?;
    write_beside(directory, sealed, |path, bytes| std::fs::write(path, bytes))
}

/// Cuts a segment's file to its size, durably. Not to be tried again: after a failed sync nobody knows what the disk has.
pub fn cut(file: &SegmentFile, size_bytes: u64) -> io::Result<()> {
    file.set_len(size_bytes)?;
    file.sync()
}

/// Writes what belongs beside a complete segment: its indexes, and the producers at its end. May be tried again.
pub fn write_indexes(directory: &Path, sealed: &SealedSegment) -> io::Result<()> {
    write_beside(directory, sealed, files::replace)?;
    files::sync_directory(directory)
}

fn write_beside(
    directory: &Path,
    sealed: &SealedSegment,
    write: impl Fn(&Path, &[u8]) -> io::Result<()>,
) -> io::Result<()> {
    let base = sealed.segment.base_offset;
    let index = encode_offsets(sealed.index.offset_entries());
    let times = encode_times(sealed.index.time_entries());
    write(&segment_path(directory, base, FileKind::Index), &index)?;
    write(&segment_path(directory, base, FileKind::TimeIndex), &times)?;
    let snapshot = segment_path(directory, sealed.snapshot_offset, FileKind::Snapshot);
    write(&snapshot, &sealed.producer_snapshot)
}

/// Renames a segment's files, so that a restart does not take them for part of the log; the new names.
pub fn rename_deleted(directory: &Path, base: Offset) -> io::Result<Vec<PathBuf>> {
    let mut renamed = Vec::new();
    for kind in [
        FileKind::Log,
        FileKind::Index,
        FileKind::TimeIndex,
        FileKind::TxnIndex,
        FileKind::Snapshot,
    ] {
        let name = FileName::new(base, kind);
        let (from, to) = (
            directory.join(name.to_string()),
            directory.join(name.deleted().to_string()),
        );
        match files::rename(&from, &to) {
            Ok(()) => renamed.push(to),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(renamed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deleted_segment_leaves_nothing_behind() {
        let directory = tempfile::tempdir().unwrap();
        let file = |offset, kind| FileName::new(Offset(offset), kind);
        for kind in [
            FileKind::Log,
            FileKind::Index,
            FileKind::TimeIndex,
            FileKind::Snapshot,
        ] {
            for offset in [5, 9] {
                let path = directory.path().join(file(offset, kind).to_string());
                std::fs::write(path, "").unwrap();
            }
        }
        let renamed = rename_deleted(directory.path(), Offset(5)).unwrap();
        assert_eq!(renamed.len(), 4);
        renamed
            .iter()
            .for_each(|path| files::remove_file(path).unwrap());
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 4);
    }

    #[test]
    fn a_directory_has_one_topic_until_it_is_moved_away() {
        let data = tempfile::tempdir().unwrap();
        let directory = data.path().join("t-0");
        let (old, new) = (TopicId([1; 16]), TopicId([2; 16]));
        assert!(claim_directory(&directory, old).unwrap());
        assert!(claim_directory(&directory, old).unwrap());
        assert!(!claim_directory(&directory, new).unwrap());
        files::rename(&directory, &data.path().join("t-0.deleted")).unwrap();
        assert!(claim_directory(&directory, new).unwrap());
        std::fs::write(directory.join(names::PARTITION_METADATA), "version: 7").unwrap();
        assert!(claim_directory(&directory, new).is_err());
    }
}
