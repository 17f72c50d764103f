//! File systems of a test's own, mounted over a directory: small ones that fill up, others that
//! refuse direct writes, some that hang, and one whose power can be cut. They need root.

use std::ffi::OsStr;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Broker, Options, announce};

/// Shuts the file system of a path down: `EXT4_IOC_SHUTDOWN`, which is XFS's `XFS_IOC_GOINGDOWN` too,
/// with the flag by which the journal loses what it has not written yet.
const SHUT_DOWN: &str = "\
import fcntl, os, struct, sys
fcntl.ioctl(os.open(sys.argv[1], os.O_RDONLY), 0x8004587d, struct.pack('I', 2))
";

/// What to mount.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// ext4 in a file, of this many MiB.
    Ext4(u32),
    /// Memory, of this many MiB.
    Tmpfs(u32),
    /// Memory without a bound, and without direct writes and preallocation.
    Ramfs,
}

/// A mounted file system; dropping it detaches it.
pub struct Mount {
    at: PathBuf,
    image: Option<tempfile::NamedTempFile>,
}

impl Mount {
    /// Mounts a fresh file system. Says that `test` is skipped where that may not be done; as root
    /// in CI it has to work.
    pub fn new(test: &str, kind: Kind, at: &Path) -> Option<Mount> {
        match Mount::attempt(kind, at) {
            Ok(mount) => Some(mount),
            Err(why) => {
                let ci = std::env::var("CI").is_ok_and(|ci| ci == "true");
                assert!(!(ci && is_root()), "{test}: {why}");
                announce(&format!("SKIPPED {test}: {why}"));
                None
            }
        }
    }

    fn attempt(kind: Kind, at: &Path) -> Result<Mount, String> {
        if !is_root() {
            return Err("only root may mount file systems".to_owned());
        }
        let mut mount = Mount {
            at: at.to_owned(),
            image: None,
        };
        match kind {
            Kind::Ext4(mib) => {
                let image = tempfile::NamedTempFile::new().map_err(|error| error.to_string())?;
                let sized = image.as_file().set_len(u64::from(mib) << 20);
                sized.map_err(|error| error.to_string())?;
                run("mkfs.ext4", [OsStr::new("-q"), image.path().as_os_str()])?;
                mount.image = Some(image);
                mount.again_or_why()?;
            }
            Kind::Tmpfs(mib) => {
                mount.memory("tmpfs", &format!("size={mib}m"))?;
            }
            Kind::Ramfs => mount.memory("ramfs", "mode=0755")?,
        }
        Ok(mount)
    }

    fn memory(&self, kind: &str, options: &str) -> Result<(), String> {
        let at = self.at.as_os_str();
        let flags = ["-t", kind, "-o", options, "none"].map(OsStr::new);
        run("mount", flags.into_iter().chain([at]))
    }

    fn again_or_why(&self) -> Result<(), String> {
        let image = self.image.as_ref().expect("the file system is in a file");
        let loops = [OsStr::new("-o"), OsStr::new("loop")];
        let place = [image.path().as_os_str(), self.at.as_os_str()];
        run("mount", loops.into_iter().chain(place))
    }

    /// Cuts the power: what is not on the disk now never gets there, and everything fails.
    pub fn cut_power(&self) {
        let program = ["-c", SHUT_DOWN].map(OsStr::new);
        let shut_down = run("python3", program.into_iter().chain([self.at.as_os_str()]));
        shut_down.expect("root may shut a file system down");
    }

    /// Lets every write to the file system hang, until what is returned goes away.
    pub fn freeze(&self) -> Frozen<'_> {
        run("fsfreeze", [OsStr::new("-f"), self.at.as_os_str()]).expect("root may freeze it");
        Frozen(self)
    }

    /// Mounts the same file system once more, as after a cold start. Nobody may use it.
    pub fn remount(&self) {
        run("umount", [self.at.as_os_str()]).expect("nobody uses the file system");
        self.again_or_why().expect("what could be mounted once");
    }
}

/// A file system that hangs.
pub struct Frozen<'a>(&'a Mount);

impl Drop for Frozen<'_> {
    fn drop(&mut self) {
        let thawed = run("fsfreeze", [OsStr::new("-u"), self.0.at.as_os_str()]);
        thawed.expect("what was frozen can be thawed");
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        // Lazily: the broker may still run when a test fails.
        let _ = run("umount", [OsStr::new("-l"), self.at.as_os_str()]);
    }
}

/// Starts Ringlog with its data on a file system of its own. None if `test` has to be skipped.
pub fn broker_on(test: &str, kind: Kind, options: Options) -> Option<(Broker, Mount)> {
    let mut broker = Broker::start(options);
    broker.terminate("TERM");
    let mount = Mount::new(test, kind, &broker.data_dir())?;
    broker.restart();
    Some((broker, mount))
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}

fn run<'a>(program: &str, arguments: impl IntoIterator<Item = &'a OsStr>) -> Result<(), String> {
    let output = Command::new(program)
        .args(arguments)
        .output()
        .map_err(|error| format!("{program}: {error}"))?;
    match output.status.success() {
        true => Ok(()),
        false => Err(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
    }
}
