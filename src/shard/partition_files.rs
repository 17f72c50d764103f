//! A partition's files on disk. Everything here blocks: it runs off the core.

use std::io;
use std::path::{Path, PathBuf};

use crate::base::{Offset, TopicId};
use crate::io::files::{self, Draft};
use crate::io::segment_file::SegmentFile;
use crate::log::SealedSegment;
use crate::log::files::{self as names, FileKind, FileName};
use crate::log::index::{encode_offsets, encode_times};
use crate::shard::open_files::segment_path;

/// A partition that has nothing on disk yet.
pub struct Site {
    /// Where its files are to lie.
    pub directory: PathBuf,
    /// The topic that it belongs to.
    pub topic: TopicId,
    /// Its leader epochs, as their file has them.
    pub epochs: String,
    /// Its first segment.
    pub segment: Offset,
}

/// What becomes of a site: its first segment, or `None` while the directory belongs to another topic.
pub type Founded = Option<SegmentFile>;

/// Makes what partitions have before their first write: a directory, files that name the topic and the leader epochs, and
/// an empty segment. All of it is durable then. What is already there is kept.
pub fn found(data_dir: &Path, sites: &[Site]) -> Vec<io::Result<Founded>> {
    let laid_out: Vec<_> = sites.iter().map(lay_out).collect();
    let drafts = laid_out.iter().flatten().flatten();
    let drafts = drafts.flat_map(|(_, drafts)| drafts.iter().map(|draft| draft.fresh().to_owned()));
    let written = files::sync_together(&drafts.collect::<Vec<_>>());
    let placed: Vec<_> = laid_out
        .into_iter()
        .map(|site| match site? {
            Some((segment, drafts)) => {
                written.as_ref().map_err(copy)?;
                drafts.into_iter().try_for_each(Draft::put_in_place)?;
                Ok(Some(segment))
            }
            None => Ok(None),
        })
        .collect();
    let mut directories = vec![data_dir.to_owned()];
    directories.extend(sites.iter().map(|site| site.directory.clone()));
    directories.retain(|directory| directory.exists());
    let synced = files::sync_together(&directories);
    let check = |site: io::Result<Founded>| {
        site.and_then(|segment| synced.as_ref().map(|()| segment).map_err(copy))
    };
    placed.into_iter().map(check).collect()
}

/// Makes a site's files without a sync; those that must not be seen half written are drafts.
fn lay_out(site: &Site) -> io::Result<Option<(SegmentFile, Vec<Draft>)>> {
    match std::fs::create_dir(&site.directory) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        made => made?,
    }
    let mut drafts = Vec::new();
    let metadata = site.directory.join(names::PARTITION_METADATA);
    match std::fs::read_to_string(&metadata) {
        Ok(text) => {
            let owner = names::parse_partition_metadata(&text);
            let owner = owner.map_err(|why| io::Error::new(io::ErrorKind::InvalidData, why))?;
            if owner != site.topic {
                return Ok(None);
            }
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let text = names::format_partition_metadata(site.topic);
            drafts.push(Draft::write(&metadata, text.as_bytes())?);
        }
        Err(error) => return Err(error),
    }
    let epochs = site.directory.join(names::LEADER_EPOCHS);
    drafts.push(Draft::write(&epochs, site.epochs.as_bytes())?);
    let segment = create_segment(&site.directory, site.segment)?;
    Ok(Some((segment, drafts)))
}

/// A segment's file, made if it is not there. A sync of the directory makes its name durable.
pub fn create_segment(directory: &Path, segment: Offset) -> io::Result<SegmentFile> {
    let path = segment_path(directory, segment, FileKind::Log);
    match SegmentFile::create(&path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            SegmentFile::open_for_append(&path)
        }
        created => created,
    }
}

/// The same error for another site.
fn copy(error: &io::Error) -> io::Error {
    match error.raw_os_error() {
        Some(code) => io::Error::from_raw_os_error(code),
        None => io::Error::new(error.kind(), error.to_string()),
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
        let site = |topic| Site {
            directory: directory.clone(),
            topic: TopicId([topic; 16]),
            epochs: "0\n0\n".to_owned(),
            segment: Offset(7),
        };
        let found_one = |topic| found(data.path(), &[site(topic)]).remove(0);
        assert!(found_one(1).unwrap().is_some());
        assert!(found_one(1).unwrap().is_some());
        assert_eq!(std::fs::read_dir(&directory).unwrap().count(), 3);
        assert!(found_one(2).unwrap().is_none());
        files::rename(&directory, &data.path().join("t-0.deleted")).unwrap();
        assert!(found_one(2).unwrap().is_some());
        std::fs::write(directory.join(names::PARTITION_METADATA), "version: 7").unwrap();
        assert!(found_one(2).is_err());
    }

    #[test]
    fn a_site_that_fails_leaves_the_others_alone() {
        let data = tempfile::tempdir().unwrap();
        let site = |name: String| Site {
            directory: data.path().join(name),
            topic: TopicId([1; 16]),
            epochs: String::new(),
            segment: Offset(0),
        };
        let mut sites: Vec<_> = (0..20).map(|n| site(format!("t-{n}"))).collect();
        sites[3] = site("missing/t-3".to_owned());
        let founded = found(data.path(), &sites);
        for (n, result) in founded.into_iter().enumerate() {
            assert_eq!(result.is_err(), n == 3, "{n}");
        }
        let segment = data.path().join("t-19/00000000000000000000.log");
        assert!(segment.exists());
    }
}
