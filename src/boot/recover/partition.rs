//! One partition: its segments in order, its leader epochs and its producers.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::Job;
use super::directory::Directory;
use super::segment::{Opened, write_indexes};
use crate::base::limits::PAGE_BYTES;
use crate::base::{Now, Offset};
use crate::io::files::{is_full, remove_file};
use crate::io::segment_file::SegmentFile;
use crate::log::files::FileKind;
use crate::log::locate::{Extent, LocateError, ReadAt, Scan};
use crate::log::recovery::{Cut, Recovered};
use crate::log::{
    ActiveSegment, BatchInfo, DisorderedSegments, LeaderEpochs, Log, Producers, RecoveredLog,
    Segment,
};
use crate::protocol::records::BatchHeader;

/// What a directory turned out to hold.
pub enum Found {
    /// A log, and the end of its newest segment.
    Partition(Box<Log>, Tail),
    /// No segment: the partition begins empty.
    Nothing,
    /// The partition of another topic, which had the same name.
    OtherTopic,
}

/// The end of the newest segment.
#[derive(Debug)]
pub struct Tail {
    /// The bytes of its last, partial page.
    pub page: Vec<u8>,
    /// The length of its file.
    pub reserved: u64,
}

/// Why a partition is not served. No record of it was touched.
#[derive(Debug, Error)]
pub enum Refusal {
    /// The disk's error.
    #[error("{}: {why}", path.display())]
    Io {
        /// Where.
        path: PathBuf,
        /// What.
        why: io::Error,
    },
    /// Sound batches lie behind damaged ones.
    #[error(
        "{} is damaged at byte {position} ({reason}) and has sound records behind that: restore the file, or \
         accept the loss with `truncate -s {position}` and the removal of newer segments",
        path.display()
    )]
    Damaged {
        /// The segment.
        path: PathBuf,
        /// Where it is damaged.
        position: u64,
        /// How.
        reason: String,
    },
    /// Records that were safe on disk are not there.
    #[error(
        "{} ends at offset {end}, but records up to {synced} had been made durable: restore the file, or accept \
         the loss by removing the .snapshot files beyond offset {end} and the .kafka_cleanshutdown mark",
        path.display()
    )]
    Missing {
        /// The newest segment.
        path: PathBuf,
        /// Where the log ends.
        end: Offset,
        /// Where it had ended at least.
        synced: Offset,
    },
    /// Batches that a sealed segment's indexes stand for cannot be read.
    #[error("{}: {why}", path.display())]
    Unreadable {
        /// The segment.
        path: PathBuf,
        /// Why.
        why: LocateError,
    },
    /// Segments that are not one log.
    #[error(transparent)]
    Disordered(#[from] DisorderedSegments),
}

impl Refusal {
    /// An error of the disk's.
    pub fn io(path: &Path, why: io::Error) -> Refusal {
        Refusal::Io {
            path: path.to_owned(),
            why,
        }
    }
}

/// Recovers the partition.
pub fn recover(job: &Job, now: Now) -> Result<Found, Refusal> {
    let in_directory = |why| Refusal::io(&job.directory, why);
    let directory = Directory::read(&job.directory).map_err(in_directory)?;
    let topic = directory.topic().map_err(in_directory)?;
    if topic.is_some_and(|topic| topic != job.id.topic) {
        return Ok(Found::OtherTopic);
    }
    let bases: Vec<Offset> = directory.segments.iter().copied().collect();
    let Some((newest, older)) = bases.split_last() else {
        return Ok(Found::Nothing);
    };
    if topic.is_none() {
        directory.set_topic(job.id.topic).map_err(in_directory)?;
    }
    let mut work = Work::begin(job, &directory);
    let end = match work.older_segments(older, *newest)? {
        Some(torn) => torn,
        None => work.newest_segment(*newest)?,
    };
    work.finish(end, now)
}

/// A recovery under way: segments are taken in the order of their offsets, so that what they tell of epochs and
/// producers is in order too.
struct Work<'a> {
    job: &'a Job,
    directory: &'a Directory<'a>,
    closed: Vec<Segment>,
    history: History,
    /// A segment has been scanned, so newer ones cannot have been sealed.
    scanning: bool,
}

/// What batches tell beyond their own segment.
struct History {
    epochs: LeaderEpochs,
    epochs_known: bool,
    producers: Producers,
    /// Where the producers' snapshot was taken.
    snapshot: Offset,
}

/// The newest segment, as far as it is sound.
struct Newest {
    opened: Opened,
    active: ActiveSegment,
    end: Offset,
    cut: Option<Cut>,
}

impl Newest {
    fn scanned(opened: Opened, found: Recovered) -> Newest {
        Newest {
            opened,
            active: found.segment,
            end: found.next_offset,
            cut: found.cut,
        }
    }
}

impl History {
    fn note(&mut self, header: &BatchHeader) {
        self.epochs.assign(header.leader_epoch, header.base_offset);
        if header.base_offset >= self.snapshot {
            self.producers
                .replay(&BatchInfo::from(header), header.base_offset);
        }
    }

    /// Whether batches below `end` have something to tell that no file has told.
    fn lacks(&self, end: Offset) -> bool {
        !self.epochs_known || self.snapshot < end
    }
}

impl<'a> Work<'a> {
    fn begin(job: &'a Job, directory: &'a Directory<'a>) -> Work<'a> {
        let epochs = directory.leader_epochs();
        let (snapshot, producers) = directory.producers();
        Work {
            job,
            directory,
            closed: Vec::new(),
            history: History {
                epochs_known: epochs.is_some(),
                epochs: epochs.unwrap_or_default(),
                producers,
                snapshot,
            },
            scanning: false,
        }
    }

    /// Takes all segments but the newest. One that is torn becomes the newest itself.
    fn older_segments(
        &mut self,
        bases: &[Offset],
        newest: Offset,
    ) -> Result<Option<Newest>, Refusal> {
        let next_bases = bases.iter().skip(1).chain([&newest]);
        for (base, next_base) in bases.iter().zip(next_bases) {
            let opened = self.open(*base)?;
            if let Some(segment) = self.sealed(&opened, *base, *next_base) {
                if self.history.lacks(*next_base) {
                    self.walk(&opened, &segment)?;
                }
                self.closed.push(segment);
                continue;
            }
            let found = self.scan(&opened, *base)?;
            if let Some(cut) = found.cut {
                self.drop_newer(*base, *next_base, newest, &cut)?;
                return Ok(Some(Newest::scanned(opened, found)));
            }
            self.close(&opened, &found.segment)?;
        }
        Ok(None)
    }

    /// A segment whose indexes fit, and which has the snapshot that sealing writes last.
    fn sealed(&self, opened: &Opened, base: Offset, next_base: Offset) -> Option<Segment> {
        let marked = !self.scanning && self.directory.snapshots.contains(&next_base);
        opened
            .sealed(self.directory, base, next_base)
            .filter(|_| marked)
    }

    fn newest_segment(&mut self, base: Offset) -> Result<Newest, Refusal> {
        let opened = self.open(base)?;
        if let Some(end) = self.job.clean_end
            && let Some(active) = opened.closed_in_order(self.directory, base, end)
        {
            if self.history.lacks(end) {
                self.walk(&opened, &active.segment)?;
            }
            return Ok(Newest {
                opened,
                active,
                end,
                cut: None,
            });
        }
        let found = self.scan(&opened, base)?;
        Ok(Newest::scanned(opened, found))
    }

    fn scan(&mut self, opened: &Opened, base: Offset) -> Result<Recovered, Refusal> {
        self.scanning = true;
        let history = &mut self.history;
        let found = opened.scan(base, &self.job.config, |_, batch| {
            history.note(batch.header());
        });
        found.map_err(|why| Refusal::io(&self.log_file(base), why))
    }

    /// Has a trusted segment's headers tell what its files do not.
    fn walk(&mut self, opened: &Opened, segment: &Segment) -> Result<(), Refusal> {
        let (from, end) = (0, u64::from(segment.size_bytes));
        let mut scan = Scan::new(&opened.file, Extent { from, end });
        let unreadable = |why| Refusal::Unreadable {
            path: opened.file.path().to_owned(),
            why,
        };
        while let Some(batch) = scan.next().map_err(unreadable)? {
            self.history.note(&batch.header);
        }
        Ok(())
    }

    /// Does what the crash kept the broker from doing to a segment that has a successor.
    fn close(&mut self, opened: &Opened, scanned: &ActiveSegment) -> Result<(), Refusal> {
        let segment = scanned.segment;
        truncate(opened, u64::from(segment.size_bytes))?;
        match write_indexes(self.directory, scanned) {
            Err(why) if is_full(&why) => {
                tracing::warn!(file = %opened.file.path().display(), %why, "no index: reads have to scan the segment");
            }
            written => written.map_err(|why| Refusal::io(opened.file.path(), why))?,
        }
        self.closed.push(segment);
        Ok(())
    }

    /// Removes the segment behind a torn one: a crash right after a roll leaves it, and leaves it empty.
    /// Records in it would be records behind damage.
    fn drop_newer(
        &mut self,
        torn: Offset,
        next: Offset,
        newest: Offset,
        cut: &Cut,
    ) -> Result<(), Refusal> {
        let opened = self.open(next)?;
        let found = opened.scan(next, &self.job.config, |_, _| {});
        let found = found.map_err(|why| Refusal::io(&self.log_file(next), why))?;
        if next != newest || found.batches > 0 || found.cut.is_some() {
            return Err(self.damaged(torn, cut));
        }
        for kind in [FileKind::Index, FileKind::TimeIndex, FileKind::Log] {
            let path = self.directory.file(next, kind);
            remove_file(&path).map_err(|why| Refusal::io(&path, why))?;
        }
        Ok(())
    }

    fn finish(self, newest: Newest, now: Now) -> Result<Found, Refusal> {
        self.judge(&newest)?;
        let Newest {
            opened,
            mut active,
            end,
            cut,
        } = newest;
        let size = u64::from(active.segment.size_bytes);
        let mut reserved = opened.len;
        if let Some(cut) = cut {
            tracing::warn!(
                file = %opened.file.path().display(), position = cut.position, bytes = cut.bytes,
                reason = %cut.reason, next_offset = %end, "the torn end of a log was cut off"
            );
            truncate(&opened, size)?;
            reserved = size;
        }
        active.created = now.wall;
        let page = tail_page(&opened.file, size);
        let page = page.map_err(|why| Refusal::io(opened.file.path(), why))?;
        let found = RecoveredLog {
            closed: self.closed,
            active,
            log_start_offset: self.job.log_start,
            log_end_offset: end,
            epochs: self.history.epochs,
            producers: self.history.producers,
        };
        let log = Log::recovered(self.job.config.clone(), found)?;
        Ok(Found::Partition(Box::new(log), Tail { page, reserved }))
    }

    /// Refuses what a crash cannot have done.
    fn judge(&self, newest: &Newest) -> Result<(), Refusal> {
        let base = newest.active.segment.base_offset;
        if let Some(cut) = &newest.cut {
            let torn = newest.opened.is_torn(cut);
            if !torn.map_err(|why| Refusal::io(&self.log_file(base), why))? {
                return Err(self.damaged(base, cut));
            }
        }
        // A snapshot is written after the log below it has been synced.
        let clean = self.job.clean_end.iter();
        let synced = clean.chain(self.directory.snapshots.last()).max();
        match synced {
            Some(synced) if newest.end < *synced => Err(Refusal::Missing {
                path: self.log_file(base),
                end: newest.end,
                synced: *synced,
            }),
            _ => Ok(()),
        }
    }

    fn damaged(&self, base: Offset, cut: &Cut) -> Refusal {
        Refusal::Damaged {
            path: self.log_file(base),
            position: cut.position,
            reason: cut.reason.to_string(),
        }
    }

    fn open(&self, base: Offset) -> Result<Opened, Refusal> {
        Opened::open(self.directory, base).map_err(|why| Refusal::io(&self.log_file(base), why))
    }

    fn log_file(&self, base: Offset) -> PathBuf {
        self.directory.file(base, FileKind::Log)
    }
}

fn truncate(opened: &Opened, size: u64) -> Result<(), Refusal> {
    if opened.len == size {
        return Ok(());
    }
    let path = opened.file.path();
    let cut = SegmentFile::open_for_append(path).and_then(|file| {
        file.set_len(size)?;
        file.sync()
    });
    cut.map_err(|why| Refusal::io(path, why))
}

/// The bytes of the last page that is only partly in use.
fn tail_page(file: &SegmentFile, size: u64) -> io::Result<Vec<u8>> {
    let used = size % PAGE_BYTES;
    let mut page = vec![0; used as usize];
    if file.read_at(&mut page, size - used)? < page.len() {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(page)
}
