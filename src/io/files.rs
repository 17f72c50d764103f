//! Names on disk that survive a power cut: every change of a directory is followed by its fsync.
//!
//! All of these block: call them from [`blocking::run`](super::blocking::run) or a thread of one's
//! own.

use std::fs::{self, File};
use std::io;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// As many syncs cost less than one of a whole file system, on which others may be writing.
const SINGLE_SYNCS_MAX: usize = 8;

/// Makes the entries of a directory durable.
pub fn sync_directory(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

/// Makes the entry of `path` in its directory durable.
pub fn sync_parent(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => sync_directory(parent),
        _ => sync_directory(Path::new(".")),
    }
}

/// Makes files and directories of one file system durable: one by one while they are few, else all that was written to it.
pub fn sync_together(paths: &[PathBuf]) -> io::Result<()> {
    match paths {
        [path, ..] if paths.len() > SINGLE_SYNCS_MAX => sync_file_system(path),
        few => few.iter().try_for_each(|path| File::open(path)?.sync_all()),
    }
}

/// Makes everything that was written to the file system of `path` durable.
pub fn sync_file_system(path: &Path) -> io::Result<()> {
    let directory = File::open(path)?;
    // SAFETY: syncfs takes no pointers, and the descriptor is open.
    match unsafe { libc::syncfs(directory.as_raw_fd()) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Creates a directory, if it is missing, and makes its entry durable.
pub fn create_directory(path: &Path) -> io::Result<()> {
    match fs::create_dir(path) {
        Ok(()) => sync_parent(path),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        Err(error) => Err(error),
    }
}

/// Renames within one file system, durably.
pub fn rename(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)?;
    sync_parent(to)?;
    if from.parent() != to.parent() {
        sync_parent(from)?;
    }
    Ok(())
}

/// Removes a file, durably; one that is not there is fine. Whoever has it open keeps reading it.
pub fn remove_file(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Ok(()) => sync_parent(path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// Removes a directory with everything in it, durably; one that is not there is fine.
pub fn remove_directory(path: &Path) -> io::Result<()> {
    match fs::remove_dir_all(path) {
        Ok(()) => sync_parent(path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// Replaces the contents of a small file: after a power cut it holds the old or the new ones.
pub fn replace(path: &Path, contents: &[u8]) -> io::Result<()> {
    let draft = Draft::write(path, contents)?;
    File::open(draft.fresh())?.sync_all()?;
    draft.put_in_place()?;
    sync_parent(path)
}

/// The new contents of a small file, under a name of their own. Dropped, they are gone: a disk that is full must not fill
/// up with attempts.
#[derive(Debug)]
pub struct Draft {
    fresh: PathBuf,
    path: PathBuf,
}

impl Draft {
    /// Writes what is to replace the file. It has to be synced before it is put in place.
    pub fn write(path: &Path, contents: &[u8]) -> io::Result<Draft> {
        let draft = Draft {
            fresh: fresh_name(path),
            path: path.to_owned(),
        };
        fs::write(&draft.fresh, contents)?;
        Ok(draft)
    }

    /// Where the contents are until they are put in place.
    pub fn fresh(&self) -> &Path {
        &self.fresh
    }

    /// Replaces the file. A sync of its directory makes that durable.
    pub fn put_in_place(self) -> io::Result<()> {
        fs::rename(&self.fresh, &self.path)
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.fresh); // Gone if it was put in place.
    }
}

/// Reserves the blocks of the first `len` bytes of a file, whose length stays what it is. Where the file system cannot
/// do that, a full disk shows when the bytes are written.
pub fn reserve(file: &File, len: u64) -> io::Result<()> {
    let len = i64::try_from(len).map_err(|_| io::ErrorKind::InvalidInput)?;
    loop {
        // SAFETY: fallocate takes no pointers, and the descriptor is open.
        if unsafe { libc::fallocate(file.as_raw_fd(), libc::FALLOC_FL_KEEP_SIZE, 0, len) } == 0 {
            return Ok(());
        }
        let error = io::Error::last_os_error();
        match error.raw_os_error() {
            Some(libc::EINTR) => {}
            Some(libc::EOPNOTSUPP | libc::ENOSYS) => return Ok(()),
            _ => return Err(error),
        }
    }
}

/// Whether an error says that there is no space: it may come back.
pub fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    )
}

/// Whether an error says that there is too little of something that comes back: space, or descriptors.
pub fn is_shortage(error: &io::Error) -> bool {
    let descriptors = [Some(libc::EMFILE), Some(libc::ENFILE)];
    is_full(error) || descriptors.contains(&error.raw_os_error())
}

/// A name beside the file that no other call uses, so that two may replace one file at a time.
fn fresh_name(path: &Path) -> PathBuf {
    static CALLS: AtomicU64 = AtomicU64::new(0);
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}.tmp", CALLS.fetch_add(1, Ordering::Relaxed)));
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replaced_file_holds_the_new_contents_and_leaves_nothing_behind() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("checkpoint");
        replace(&path, b"one").unwrap();
        replace(&path, b"second").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"second");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn removing_what_is_not_there_is_fine() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("absent");
        remove_file(&path).unwrap();
        remove_directory(&path).unwrap();
        create_directory(&path).unwrap();
        create_directory(&path).unwrap();
        remove_directory(&path).unwrap();
        assert!(!path.exists());
    }
}
