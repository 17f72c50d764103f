//! The data directory: created, locked, and known to be this node's.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::recover::METADATA_DIRECTORY;
use crate::base::{NodeId, TopicId};
use crate::io::files::{create_directory, remove_file, replace};
use crate::io::segment_file::SegmentFile;
use crate::log::files::{
    CLEAN_SHUTDOWN, LOCK, META_PROPERTIES, MetaProperties, TextError, parse_partition_directory,
};

/// The file that shows whether direct writes are possible; gone again at once.
const PROBE: &str = ".direct-io-probe";

/// Why the data directory cannot be used.
#[derive(Debug, Error)]
pub enum DataDirError {
    /// It cannot be made, or not be written to.
    #[error("cannot use the data directory {}: {why}: give --data-dir a directory that this user may write to", path.display())]
    Unusable {
        /// The directory.
        path: PathBuf,
        /// Why.
        why: io::Error,
    },
    /// Another process has it.
    #[error("the data directory {} is in use by another broker: stop that one or give --data-dir another directory", path.display())]
    Locked {
        /// The directory.
        path: PathBuf,
    },
    /// It belongs to another node or another cluster.
    #[error("the data directory {} belongs to {theirs}, and this is {ours}: give --data-dir another directory or set node.id right", path.display())]
    Foreign {
        /// The directory.
        path: PathBuf,
        /// Whose it is.
        theirs: String,
        /// Who we are.
        ours: String,
    },
    /// Its meta.properties cannot be understood.
    #[error("cannot understand {}: {why}: restore the file, or give --data-dir another directory", path.display())]
    Meta {
        /// The file.
        path: PathBuf,
        /// Why.
        why: TextError,
    },
    /// It holds partitions, but not the cluster's state, without which they are nobody's.
    #[error(
        "the data directory {} holds {found}, but no metadata log: restore {METADATA_DIRECTORY} from a copy, or move the \
         partitions' directories away to begin anew",
        path.display()
    )]
    Stateless {
        /// The directory.
        path: PathBuf,
        /// Something that is there.
        found: String,
    },
    /// It holds partitions, but nothing says whose.
    #[error("the data directory {} holds {found} but no {META_PROPERTIES}: restore that file, or give --data-dir an empty directory", path.display())]
    Ownerless {
        /// The directory.
        path: PathBuf,
        /// Something that is there.
        found: String,
    },
}

/// A data directory that this process has for itself.
#[derive(Debug)]
pub struct DataDir {
    /// Where it is.
    pub path: PathBuf,
    /// The cluster's id.
    pub cluster_id: String,
    /// Whether the last stop was an orderly one.
    pub clean: bool,
    /// Whether its file system takes direct writes.
    pub direct: bool,
    /// The lock, held as long as this lives.
    _lock: File,
}

impl DataDir {
    /// Creates the directory if it is missing, and takes it. `fresh` makes random ids.
    ///
    /// The mark of a clean stop is read here and taken away by [`DataDir::begin`], once everything else
    /// that can go wrong has not.
    pub fn open(
        path: &Path,
        node: NodeId,
        mut fresh: impl FnMut() -> TopicId,
    ) -> Result<DataDir, DataDirError> {
        let unusable = |why| DataDirError::Unusable {
            path: path.to_owned(),
            why,
        };
        create_with_parents(path).map_err(unusable)?;
        let lock = take_lock(path)?;
        let known = known_cluster(path, node)?;
        let direct = probe_direct(path).map_err(unusable)?;
        let cluster_id = match known {
            Some(cluster_id) => cluster_id,
            None => {
                let cluster_id = fresh().to_string();
                let meta = MetaProperties {
                    node_id: node,
                    cluster_id: cluster_id.clone(),
                    directory_id: Some(fresh()),
                };
                let file = path.join(META_PROPERTIES);
                replace(&file, meta.format().as_bytes()).map_err(unusable)?;
                cluster_id
            }
        };
        Ok(DataDir {
            path: path.to_owned(),
            cluster_id,
            clean: path.join(CLEAN_SHUTDOWN).exists(),
            direct,
            _lock: lock,
        })
    }

    /// Whether [`DataDir::open`] would refuse the directory, without making it; if not, whether its file system takes direct
    /// writes.
    pub fn probe(path: &Path, node: NodeId) -> Result<bool, DataDirError> {
        let unusable = |why| DataDirError::Unusable {
            path: path.to_owned(),
            why,
        };
        if !path.exists() {
            return probe_direct(existing_parent(path)).map_err(unusable);
        }
        let _lock = match path.join(LOCK).exists() {
            true => Some(take_lock(path)?),
            false => None,
        };
        known_cluster(path, node)?;
        probe_direct(path).map_err(unusable)
    }

    /// Takes the mark of the last clean stop away: from now on a stop is unclean until it is over.
    pub fn begin(&self) -> Result<(), DataDirError> {
        remove_file(&self.path.join(CLEAN_SHUTDOWN)).map_err(|why| DataDirError::Unusable {
            path: self.path.clone(),
            why,
        })
    }
}

fn create_with_parents(path: &Path) -> io::Result<()> {
    if let Some(parent) = path.parent()
        && !parent.as_os_str().is_empty()
        && !parent.exists()
    {
        create_with_parents(parent)?;
    }
    create_directory(path)
}

/// The nearest directory above that is there.
fn existing_parent(path: &Path) -> &Path {
    let there = path.ancestors().skip(1).find(|parent| parent.exists());
    // A name without a folder lies in the working directory.
    there.unwrap_or(Path::new("."))
}

fn take_lock(path: &Path) -> Result<File, DataDirError> {
    let unusable = |why| DataDirError::Unusable {
        path: path.to_owned(),
        why,
    };
    let file = File::options()
        .write(true)
        .create(true)
        .truncate(false)
        .open(path.join(LOCK))
        .map_err(unusable)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(DataDirError::Locked {
            path: path.to_owned(),
        }),
        Err(TryLockError::Error(why)) => Err(unusable(why)),
    }
}

fn probe_direct(path: &Path) -> io::Result<bool> {
    let probe = path.join(PROBE);
    remove_file(&probe)?;
    let direct = SegmentFile::create(&probe)?.is_direct();
    remove_file(&probe)?;
    Ok(direct)
}

/// Checks that the directory's contents may be this node's; the cluster that they are of, if any is named yet.
fn known_cluster(path: &Path, node: NodeId) -> Result<Option<String>, DataDirError> {
    let Some(meta) = read_meta(path)? else {
        check_empty(path)?;
        return Ok(None);
    };
    check_owner(path, node, &meta)?;
    check_state(path)?;
    Ok(Some(meta.cluster_id))
}

fn read_meta(path: &Path) -> Result<Option<MetaProperties>, DataDirError> {
    let file = path.join(META_PROPERTIES);
    match fs::read_to_string(&file) {
        Ok(text) => match MetaProperties::parse(&text) {
            Ok(meta) => Ok(Some(meta)),
            Err(why) => Err(DataDirError::Meta { path: file, why }),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(why) => Err(DataDirError::Unusable {
            path: path.to_owned(),
            why,
        }),
    }
}

fn check_owner(path: &Path, node: NodeId, meta: &MetaProperties) -> Result<(), DataDirError> {
    if meta.node_id == node {
        return Ok(());
    }
    Err(DataDirError::Foreign {
        path: path.to_owned(),
        theirs: format!("node {} of cluster {}", meta.node_id, meta.cluster_id),
        ours: format!("node {node}"),
    })
}

/// Partitions are made after the metadata log has said so, durably: without it they cannot be there.
fn check_state(path: &Path) -> Result<(), DataDirError> {
    if has_metadata_log(path) {
        return Ok(());
    }
    let is_topics = |name: &str| name != METADATA_DIRECTORY;
    match partition_in(path, is_topics)? {
        Some(found) => Err(DataDirError::Stateless {
            path: path.to_owned(),
            found,
        }),
        None => Ok(()),
    }
}

/// Whether the metadata log has any contents.
fn has_metadata_log(path: &Path) -> bool {
    let files = fs::read_dir(path.join(METADATA_DIRECTORY));
    files.is_ok_and(|files| {
        files
            .flatten()
            .any(|file| file.metadata().is_ok_and(|file| file.len() > 0))
    })
}

/// A directory without an owner must not hold anyone's data.
fn check_empty(path: &Path) -> Result<(), DataDirError> {
    match partition_in(path, |_| true)? {
        Some(found) => Err(DataDirError::Ownerless {
            path: path.to_owned(),
            found,
        }),
        None => Ok(()),
    }
}

/// The name of some partition's directory.
fn partition_in(
    path: &Path,
    wanted: impl Fn(&str) -> bool,
) -> Result<Option<String>, DataDirError> {
    let entries = fs::read_dir(path).map_err(|why| DataDirError::Unusable {
        path: path.to_owned(),
        why,
    })?;
    let mut names = entries
        .flatten()
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().to_string_lossy().into_owned());
    Ok(names.find(|name| parse_partition_directory(name).is_some() && wanted(name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(path: &Path, node: i32) -> Result<DataDir, DataDirError> {
        let mut next = 0;
        DataDir::open(path, NodeId(node), || {
            next += 1;
            TopicId([next; 16])
        })
    }

    fn check_refused(path: &Path, node: i32, part: &str) {
        let error = open(path, node).unwrap_err().to_string();
        assert!(error.contains(part) && !error.contains('\n'), "{error}");
    }

    #[test]
    fn a_new_directory_gets_an_owner_and_keeps_it() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("a/b");
        let first = open(&path, 1).unwrap();
        assert!(!first.clean);
        let meta = fs::read_to_string(path.join(META_PROPERTIES)).unwrap();
        assert!(
            meta.contains("node.id=1\n") && meta.contains("version=1\n"),
            "{meta}"
        );
        check_refused(&path, 1, "in use by another broker");
        let cluster_id = first.cluster_id.clone();
        drop(first);
        assert_eq!(open(&path, 1).unwrap().cluster_id, cluster_id);
        check_refused(&path, 2, "belongs to node 1");
        assert!(!path.join(PROBE).exists());
    }

    #[test]
    fn a_probe_agrees_with_the_start_and_makes_nothing() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("a/b");
        let probed = DataDir::probe(&path, NodeId(1)).unwrap();
        assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 0);
        let opened = open(&path, 1).unwrap();
        assert_eq!(opened.direct, probed);
        for (held, node) in [(Some(opened), 1), (None, 2)] {
            let refused = DataDir::probe(&path, NodeId(node)).unwrap_err();
            assert_eq!(
                refused.to_string(),
                open(&path, node).unwrap_err().to_string()
            );
            drop(held);
        }
        fs::write(parent.path().join("file"), "").unwrap();
        for below in ["file", "file/below"] {
            let below = parent.path().join(below);
            assert!(DataDir::probe(&below, NodeId(1)).is_err());
        }
    }

    #[test]
    fn the_mark_of_a_clean_stop_is_taken_away_by_the_start() {
        let parent = tempfile::tempdir().unwrap();
        fs::write(parent.path().join(CLEAN_SHUTDOWN), "").unwrap();
        let opened = open(parent.path(), 1).unwrap();
        assert!(opened.clean);
        opened.begin().unwrap();
        drop(opened);
        assert!(!open(parent.path(), 1).unwrap().clean);
    }

    #[test]
    fn partitions_without_the_metadata_log_are_left_alone() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path();
        drop(open(path, 1).unwrap());
        fs::create_dir(path.join("topic-0")).unwrap();
        let names = |directory| fs::read_dir(directory).unwrap().count();
        let before = names(path);
        check_refused(path, 1, "holds topic-0, but no metadata log");
        let metadata = path.join(METADATA_DIRECTORY);
        fs::create_dir(&metadata).unwrap();
        fs::write(metadata.join("00000000000000000000.log"), "").unwrap();
        check_refused(path, 1, METADATA_DIRECTORY);
        assert_eq!((names(path), names(&metadata)), (before + 1, 1));
        fs::write(metadata.join("00000000000000000000.log"), "records").unwrap();
        open(path, 1).unwrap();
    }

    #[test]
    fn what_cannot_be_used_is_left_as_it_is() {
        let parent = tempfile::tempdir().unwrap();
        fs::write(parent.path().join("file"), "").unwrap();
        check_refused(
            &parent.path().join("file"),
            1,
            "cannot use the data directory",
        );
        check_refused(
            &parent.path().join("file/below"),
            1,
            "cannot use the data directory",
        );
        let ownerless = parent.path().join("ownerless");
        fs::create_dir_all(ownerless.join("topic-0")).unwrap();
        check_refused(&ownerless, 1, "holds topic-0");
        assert!(!ownerless.join(META_PROPERTIES).exists());
        let garbled = parent.path().join("garbled");
        fs::create_dir(&garbled).unwrap();
        fs::write(garbled.join(META_PROPERTIES), "version=9\n").unwrap();
        check_refused(&garbled, 1, "version 9");
    }
}
