//! One segment's file: opened for direct writes where the file system allows it, and for cached
//! reads, which sendfile needs.
//!
//! Everything here blocks except [`SegmentFile::is_direct`] and the like: call it from
//! [`blocking::run`](super::blocking::run). Writes go through [`disk`](super::disk).

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::log::locate::ReadAt;

/// An open segment, shared by its writer and by every reader that has a plan for it. It stays
/// readable after its name is gone.
#[derive(Debug)]
pub struct SegmentFile {
    path: PathBuf,
    cached: File,
    writer: Option<Writer>,
}

#[derive(Debug)]
struct Writer {
    file: File,
    direct: bool,
}

impl SegmentFile {
    /// Creates an empty file for writing and reading. Fails when it exists. Its entry becomes
    /// durable with a sync of the directory, which is the caller's.
    pub fn create(path: &Path) -> io::Result<SegmentFile> {
        let cached = OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .open(path)?;
        SegmentFile::with_writer(path, cached)
    }

    /// Opens an existing file for writing and reading.
    pub fn open_for_append(path: &Path) -> io::Result<SegmentFile> {
        SegmentFile::with_writer(path, File::open(path)?)
    }

    /// Opens an existing file for reading.
    pub fn open(path: &Path) -> io::Result<SegmentFile> {
        Ok(SegmentFile {
            path: path.to_owned(),
            cached: File::open(path)?,
            writer: None,
        })
    }

    fn with_writer(path: &Path, cached: File) -> io::Result<SegmentFile> {
        Ok(SegmentFile {
            path: path.to_owned(),
            cached,
            writer: Some(Writer::open(path)?),
        })
    }

    /// Where the file was opened.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether writes bypass the page cache. False when the file system refused that.
    pub fn is_direct(&self) -> bool {
        self.writer.as_ref().is_some_and(|writer| writer.direct)
    }

    /// The length in the file system, with what is preallocated.
    pub fn len_bytes(&self) -> io::Result<u64> {
        Ok(self.cached.metadata()?.len())
    }

    /// Makes room for `bytes` more from `position` on, read as zeros. A full disk shows here
    /// ([`io::ErrorKind::StorageFull`]) and not in a write.
    pub fn allocate(&self, position: u64, bytes: u64) -> io::Result<()> {
        let offset = |value| i64::try_from(value).map_err(|_| io::ErrorKind::InvalidInput);
        let (from, len) = (offset(position)?, offset(bytes)?);
        let fd = self.writer()?.file.as_raw_fd();
        loop {
            // SAFETY: fallocate takes no pointers, and the descriptor is open.
            if unsafe { libc::fallocate(fd, 0, from, len) } == 0 {
                return Ok(());
            }
            let error = io::Error::last_os_error();
            match error.raw_os_error() {
                Some(libc::EINTR) => {}
                Some(libc::EOPNOTSUPP) => return self.extend(position + bytes),
                _ => return Err(error),
            }
        }
    }

    /// Lengthens the file without reserving blocks, on file systems that cannot.
    fn extend(&self, len: u64) -> io::Result<()> {
        if self.len_bytes()? >= len {
            return Ok(());
        }
        self.set_len(len)
    }

    /// Cuts or lengthens the file. Never cut below what a plan may still read.
    pub fn set_len(&self, len: u64) -> io::Result<()> {
        self.writer()?.file.set_len(len)
    }

    /// Makes contents and length durable.
    pub fn sync(&self) -> io::Result<()> {
        self.writer()?.file.sync_all()
    }

    fn writer(&self) -> io::Result<&Writer> {
        self.writer.as_ref().ok_or_else(|| {
            let what = format!("{} is open for reading only", self.path.display());
            io::Error::new(io::ErrorKind::PermissionDenied, what)
        })
    }

    pub(super) fn write_fd(&self) -> io::Result<RawFd> {
        Ok(self.writer()?.file.as_raw_fd())
    }

    pub(super) fn read_fd(&self) -> RawFd {
        self.cached.as_raw_fd()
    }
}

impl ReadAt for SegmentFile {
    /// Reads from `position` until `buf` is full or the file ends; returns how much was read.
    fn read_at(&self, buf: &mut [u8], position: u64) -> io::Result<usize> {
        let mut filled = 0;
        while let Some(rest) = buf.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match self.cached.read_at(rest, position + filled as u64) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(filled)
    }
}

impl Writer {
    fn open(path: &Path) -> io::Result<Writer> {
        let open = |flags| {
            let mut options = OpenOptions::new();
            options.write(true).custom_flags(flags).open(path)
        };
        match open(libc::O_DIRECT) {
            Ok(file) => Ok(Writer { file, direct: true }),
            Err(error) if error.raw_os_error() == Some(libc::EINVAL) => {
                let file = open(0)?;
                Ok(Writer {
                    file,
                    direct: false,
                })
            }
            Err(error) => Err(error),
        }
    }
}
