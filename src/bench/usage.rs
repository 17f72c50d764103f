//! What the broker's process and the machine spend while a run measures, read from outside (proc(5)).
//!
//! The processor time is that of the process's CPU clock, to the nanosecond. The kernel tells user and system time in
//! hundredths of a second only, and finds their proportion by sampling, so that proportion is applied to what the clock
//! says. Work that the kernel does later for the broker, such as writing back dirty pages of the page cache, is
//! billed to threads of its own: only the machine's busy time has it.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use thiserror::Error;

use super::outcome::{Progress, Usage};
use crate::io::cpu_clock;

/// What `/proc` counts processor time in, on every architecture that Linux gives us: hundredths of a second.
const TICKS_PER_SECOND: f64 = 100.0;

/// What `/proc/PID/status` counts memory in.
const KIB: u64 = 1024;

/// Why a process cannot be watched.
#[derive(Debug, Error)]
pub enum UsageError {
    /// It does not exist, or not any more.
    #[error("--broker-pid {pid}: there is no such process")]
    Gone {
        /// The process.
        pid: u32,
    },
    /// What it spends is not for this user to read.
    #[error("--broker-pid {pid}: cannot read {}: {error}; run as the broker's user", path.display())]
    Unreadable {
        /// The process.
        pid: u32,
        /// What cannot be read.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// The kernel's text is not as documented.
    #[error("{}: not in the form that proc(5) describes", path.display())]
    Form {
        /// What cannot be understood.
        path: PathBuf,
    },
}

/// Watches one process through a run.
#[derive(Debug)]
pub struct UsageWatch {
    pid: u32,
    begin: Reading,
    end: Reading,
    rss_bytes_max: u64,
    /// Why watching ended early, when it did.
    failed: Option<UsageError>,
}

impl UsageWatch {
    /// Begins to watch; fails at once if that process cannot be watched.
    pub fn new(pid: u32) -> Result<UsageWatch, UsageError> {
        let begin = Reading::take(pid)?;
        Ok(UsageWatch {
            pid,
            end: begin.clone(),
            rss_bytes_max: begin.rss_bytes,
            begin,
            failed: None,
        })
    }

    /// Takes the readings where measuring begins and ends, and looks at the memory in between.
    pub fn hear(&mut self, progress: &Progress<'_>) {
        let taken = match progress {
            Progress::Phase(_) => return,
            _ if self.failed.is_some() => return,
            _ => Reading::take(self.pid),
        };
        match (taken, progress) {
            (Err(error), _) => self.failed = Some(error),
            (Ok(reading), Progress::MeasureBegins) => {
                self.rss_bytes_max = reading.rss_bytes;
                self.begin = reading.clone();
                self.end = reading;
            }
            (Ok(reading), _) => {
                self.rss_bytes_max = self.rss_bytes_max.max(reading.rss_bytes);
                if matches!(progress, Progress::MeasureEnds) {
                    self.end = reading;
                }
            }
        }
    }

    /// What was spent between the beginning and the end of measuring.
    pub fn usage(self) -> Result<Usage, UsageError> {
        match self.failed {
            Some(error) => Err(error),
            None => Ok(spent(&self.begin, &self.end, self.rss_bytes_max)),
        }
    }
}

/// What a process has spent since it started, and the machine since it booted.
#[derive(Clone, PartialEq, Debug, Default)]
struct Reading {
    cpu: Duration,
    ticks: CpuTicks,
    rss_bytes: u64,
    rss_bytes_peak: u64,
    /// By thread, since a thread that ends takes its count along.
    switches: BTreeMap<u32, Switches>,
    disk: DiskBytes,
    machine: MachineTicks,
}

#[derive(Clone, Copy, PartialEq, Debug, Default)]
struct CpuTicks {
    user: u64,
    system: u64,
}

#[derive(Clone, Copy, PartialEq, Debug, Default)]
struct Switches {
    voluntary: u64,
    involuntary: u64,
}

#[derive(Clone, Copy, PartialEq, Debug, Default)]
struct DiskBytes {
    read: u64,
    written: u64,
}

#[derive(Clone, Copy, PartialEq, Debug, Default)]
struct MachineTicks {
    busy: u64,
    stolen: u64,
}

impl Reading {
    fn take(pid: u32) -> Result<Reading, UsageError> {
        let process = Proc::of(pid);
        let (rss_bytes, rss_bytes_peak) = process.parsed("status", memory)?;
        Ok(Reading {
            cpu: cpu_clock::of_process(pid).map_err(|_| UsageError::Gone { pid })?,
            ticks: process.parsed("stat", cpu_ticks)?,
            rss_bytes,
            rss_bytes_peak,
            switches: process.switches()?,
            disk: process.parsed("io", disk_bytes)?,
            machine: Proc {
                pid,
                folder: PathBuf::from("/proc"),
            }
            .parsed("stat", machine_ticks)?,
        })
    }
}

/// The difference of two readings.
fn spent(begin: &Reading, end: &Reading, rss_bytes_max: u64) -> Usage {
    let cpu_s = end.cpu.saturating_sub(begin.cpu).as_secs_f64();
    let user = end.ticks.user.saturating_sub(begin.ticks.user) as f64;
    let system = end.ticks.system.saturating_sub(begin.ticks.system) as f64;
    // Less than a tick in both: nobody knows, and it is next to nothing.
    let user_share = if user + system > 0.0 {
        user / (user + system)
    } else {
        1.0
    };
    let switches = switched(begin, end);
    let seconds = |ticks: u64| ticks as f64 / TICKS_PER_SECOND;
    Usage {
        user_s: cpu_s * user_share,
        system_s: cpu_s * (1.0 - user_share),
        rss_bytes_max,
        rss_bytes_peak: end.rss_bytes_peak,
        switches_voluntary: switches.voluntary,
        switches_involuntary: switches.involuntary,
        disk_read_bytes: end.disk.read.saturating_sub(begin.disk.read),
        disk_written_bytes: end.disk.written.saturating_sub(begin.disk.written),
        machine_busy_s: seconds(end.machine.busy.saturating_sub(begin.machine.busy)),
        machine_stolen_s: seconds(end.machine.stolen.saturating_sub(begin.machine.stolen)),
    }
}

/// The context switches of the threads that were there at the end; those of threads that ended are not to be had.
fn switched(begin: &Reading, end: &Reading) -> Switches {
    let mut sum = Switches::default();
    for (thread, now) in &end.switches {
        let before = begin.switches.get(thread).copied().unwrap_or_default();
        sum.voluntary += now.voluntary.saturating_sub(before.voluntary);
        sum.involuntary += now.involuntary.saturating_sub(before.involuntary);
    }
    sum
}

/// Files of proc(5) on behalf of a process that is watched.
struct Proc {
    pid: u32,
    folder: PathBuf,
}

impl Proc {
    fn of(pid: u32) -> Proc {
        Proc {
            pid,
            folder: PathBuf::from(format!("/proc/{pid}")),
        }
    }

    fn parsed<T>(&self, file: &str, parse: fn(&str) -> Option<T>) -> Result<T, UsageError> {
        let path = self.folder.join(file);
        match fs::read_to_string(&path) {
            Ok(text) => parse(&text).ok_or(UsageError::Form { path }),
            Err(error) => Err(self.unreadable(path, error)),
        }
    }

    /// A thread that ends while we look is left out.
    fn switches(&self) -> Result<BTreeMap<u32, Switches>, UsageError> {
        let path = self.folder.join("task");
        let threads = fs::read_dir(&path).map_err(|error| self.unreadable(path, error))?;
        let ids = threads.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
        let counted = ids.filter_map(|id: u32| {
            let count = self.parsed(&format!("task/{id}/status"), switches);
            Some((id, count.ok()?))
        });
        Ok(counted.collect())
    }

    fn unreadable(&self, path: PathBuf, error: io::Error) -> UsageError {
        let pid = self.pid;
        // ESRCH is what reading says when the process ends between open and read.
        let gone = error.kind() == io::ErrorKind::NotFound || error.raw_os_error() == Some(3);
        match gone {
            true => UsageError::Gone { pid },
            false => UsageError::Unreadable { pid, path, error },
        }
    }
}

/// User and system time of `/proc/PID/stat`. The process's name comes before them, in parentheses, and may hold anything.
fn cpu_ticks(stat: &str) -> Option<CpuTicks> {
    let (_, after_name) = stat.rsplit_once(')')?;
    // The state is field 3 of proc(5); utime is 14, stime 15.
    let mut fields = after_name.split_ascii_whitespace().skip(14 - 3);
    Some(CpuTicks {
        user: fields.next()?.parse().ok()?,
        system: fields.next()?.parse().ok()?,
    })
}

/// Resident memory of `/proc/PID/status` in bytes, now and at its highest.
fn memory(status: &str) -> Option<(u64, u64)> {
    Some((
        named(status, "VmRSS:")? * KIB,
        named(status, "VmHWM:")? * KIB,
    ))
}

/// Context switches of `/proc/PID/task/TID/status`.
fn switches(status: &str) -> Option<Switches> {
    Some(Switches {
        voluntary: named(status, "voluntary_ctxt_switches:")?,
        involuntary: named(status, "nonvoluntary_ctxt_switches:")?,
    })
}

/// What `/proc/PID/io` counts at the block layer; writes to the page cache count when they dirty it.
fn disk_bytes(io: &str) -> Option<DiskBytes> {
    Some(DiskBytes {
        read: named(io, "read_bytes:")?,
        written: named(io, "write_bytes:")?,
    })
}

/// The first line of `/proc/stat`: user, nice, system, idle, iowait, irq, softirq, steal; guests are within user and nice.
fn machine_ticks(stat: &str) -> Option<MachineTicks> {
    let fields = stat.lines().next()?.strip_prefix("cpu ")?;
    let ticks: Vec<u64> = fields
        .split_ascii_whitespace()
        .map_while(|field| field.parse().ok())
        .collect();
    let [user, nice, system, _idle, _iowait, irq, softirq, stolen, ..] = ticks[..] else {
        return None;
    };
    Some(MachineTicks {
        busy: user + nice + system + irq + softirq,
        stolen,
    })
}

/// The number after a name that begins its line.
fn named(text: &str, name: &str) -> Option<u64> {
    let value = text.lines().find_map(|line| line.strip_prefix(name))?;
    value.split_ascii_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_hold_what_separates() {
        let tail = "S 1 7 7 0 -1 4194560 100 0 0 0 321 123 0 0 20 0 5 0 99 1000 50";
        for name in ["ringlog", "a b", "x) R 9 9 9 9 9 9 9 9 9 9 9 9 9", ")"] {
            let ticks = cpu_ticks(&format!("42 ({name}) {tail}\n"));
            let expected = CpuTicks {
                user: 321,
                system: 123,
            };
            assert_eq!(ticks, Some(expected), "{name}");
        }
        assert_eq!(cpu_ticks("42 (ringlog) S 1 7"), None);
        assert_eq!(cpu_ticks(""), None);
    }

    #[test]
    fn status_and_io_are_found_by_name() {
        let status = "Name:\tVmRSS:\nVmHWM:\t    2048 kB\nVmRSS:\t    1024 kB\n\
                      voluntary_ctxt_switches:\t7\nnonvoluntary_ctxt_switches:\t3\n";
        assert_eq!(memory(status), Some((1 << 20, 2 << 20)));
        let expected = Switches {
            voluntary: 7,
            involuntary: 3,
        };
        assert_eq!(switches(status), Some(expected));
        // A kernel thread has no memory.
        assert_eq!(memory("Name:\tkworker\n"), None);

        let io =
            "rchar: 1\nwchar: 2\nread_bytes: 4096\nwrite_bytes: 8192\ncancelled_write_bytes: 5\n";
        let expected = DiskBytes {
            read: 4096,
            written: 8192,
        };
        assert_eq!(disk_bytes(io), Some(expected));
        assert_eq!(disk_bytes("rchar: 1\n"), None);
    }

    #[test]
    fn idle_and_waiting_are_not_busy() {
        let stat = "cpu  1 20 300 4000 50000 600000 7000000 80000000 1 1\ncpu0 9 9 9 9 9 9 9 9\n";
        let expected = MachineTicks {
            busy: 7_600_321,
            stolen: 80_000_000,
        };
        assert_eq!(machine_ticks(stat), Some(expected));
        assert_eq!(machine_ticks("cpu  1 2 3\n"), None);
        assert_eq!(machine_ticks("intr 1 2 3 4 5 6 7 8\n"), None);
    }

    #[test]
    fn the_clock_is_divided_as_the_ticks_say() {
        let begin = Reading {
            cpu: Duration::from_millis(1_000),
            ticks: CpuTicks {
                user: 50,
                system: 50,
            },
            switches: BTreeMap::from([
                (
                    1,
                    Switches {
                        voluntary: 10,
                        involuntary: 1,
                    },
                ),
                (
                    2,
                    Switches {
                        voluntary: 90,
                        involuntary: 9,
                    },
                ),
            ]),
            disk: DiskBytes {
                read: 0,
                written: 1_000,
            },
            machine: MachineTicks {
                busy: 1_000,
                stolen: 5,
            },
            ..Reading::default()
        };
        let end = Reading {
            cpu: Duration::from_millis(3_000),
            ticks: CpuTicks {
                user: 80,
                system: 140,
            },
            rss_bytes_peak: 77,
            // Thread 2 has ended, thread 3 is new.
            switches: BTreeMap::from([
                (
                    1,
                    Switches {
                        voluntary: 15,
                        involuntary: 3,
                    },
                ),
                (
                    3,
                    Switches {
                        voluntary: 4,
                        involuntary: 0,
                    },
                ),
            ]),
            disk: DiskBytes {
                read: 64,
                written: 5_000,
            },
            machine: MachineTicks {
                busy: 1_450,
                stolen: 8,
            },
            ..Reading::default()
        };
        let expected = Usage {
            user_s: 0.5,
            system_s: 1.5,
            rss_bytes_max: 66,
            rss_bytes_peak: 77,
            switches_voluntary: 9,
            switches_involuntary: 2,
            disk_read_bytes: 64,
            disk_written_bytes: 4_000,
            machine_busy_s: 4.5,
            machine_stolen_s: 0.03,
        };
        assert_eq!(spent(&begin, &end, 66), expected);
        assert_eq!(spent(&end, &end, 1).user_s, 0.0);
    }

    #[test]
    fn this_process_can_be_watched() {
        let mut watch = UsageWatch::new(std::process::id()).unwrap();
        watch.hear(&Progress::MeasureBegins);
        let begin = watch.begin.cpu;
        while cpu_clock::of_process(watch.pid).unwrap() - begin < Duration::from_millis(5) {}
        watch.hear(&Progress::MeasureEnds);
        let usage = watch.usage().unwrap();
        assert!(usage.user_s + usage.system_s >= 0.005, "{usage:?}");
        assert!(
            usage.rss_bytes_max > 0 && usage.rss_bytes_peak >= usage.rss_bytes_max / 2,
            "{usage:?}"
        );
    }

    #[test]
    fn a_process_that_does_not_exist_is_said() {
        let error = UsageWatch::new(1 << 22).unwrap_err();
        assert_eq!(
            error.to_string(),
            "--broker-pid 4194304: there is no such process"
        );
    }
}
