//! `ringlog log dump` and `ringlog log verify`.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use thiserror::Error;

use crate::base::TimestampMs;
use crate::base::limits::INFLATED_BATCH_BYTES_MAX;
use crate::io::segment_file::SegmentFile;
use crate::log::files::{FileKind, FileName};
use crate::log::recovery::{Recovered, recover};
use crate::log::{ActiveSegment, LogConfig};
use crate::protocol::records::BatchView;

/// Why a segment cannot be read.
#[derive(Debug, Error)]
pub enum LogFileError {
    /// Not the name of a segment.
    #[error("{} is not a segment: give files named like 00000000000000000000.log", .0.display())]
    NotASegment(PathBuf),
    /// The disk's error.
    #[error("cannot read {}: {why}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What.
        why: io::Error,
    },
    /// Nobody reads the output to its end.
    #[error("cannot write the output: {0}")]
    Output(io::Error),
}

/// Prints every batch, and if wanted every record.
pub fn dump(files: &[PathBuf], with_records: bool) -> Result<ExitCode, LogFileError> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    let mut code = ExitCode::SUCCESS;
    for path in files {
        let mut written = writeln!(out, "{}", path.display());
        let recovered = read(path, |position, batch| {
            if written.is_ok() {
                written = out.write_all(describe(position, batch, with_records).as_bytes());
            }
        })?;
        match written.and_then(|()| writeln!(out, "{}", conclude(&recovered))) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(code),
            Err(error) => return Err(LogFileError::Output(error)),
        }
        if recovered.cut.is_some() {
            code = ExitCode::FAILURE;
        }
    }
    out.flush().map_err(LogFileError::Output)?;
    Ok(code)
}

/// Checks every batch; fails if anything but zeros follows the last sound one.
pub fn verify(files: &[PathBuf]) -> Result<ExitCode, LogFileError> {
    let mut code = ExitCode::SUCCESS;
    for path in files {
        let recovered = read(path, |_, _| {})?;
        println!("{}: {}", path.display(), conclude(&recovered));
        if recovered.cut.is_some() {
            code = ExitCode::FAILURE;
        }
    }
    Ok(code)
}

fn read(path: &Path, on_batch: impl FnMut(u32, &BatchView<'_>)) -> Result<Recovered, LogFileError> {
    let name = path.file_name().and_then(|name| name.to_str());
    let name = name.and_then(|name| FileName::parse(name.strip_suffix(".deleted").unwrap_or(name)));
    let name = name.filter(|name| name.kind == FileKind::Log);
    let base = name
        .ok_or_else(|| LogFileError::NotASegment(path.to_owned()))?
        .offset;
    let io = |why| LogFileError::Io {
        path: path.to_owned(),
        why,
    };
    let file = SegmentFile::open(path).map_err(io)?;
    let len = file.len_bytes().map_err(io)?;
    let (time, config) = (TimestampMs(0), LogConfig::default());
    let segment = ActiveSegment::empty(base, time);
    recover(&file, len, segment, base, &config, time, on_batch).map_err(io)
}

fn conclude(recovered: &Recovered) -> String {
    let Recovered {
        batches,
        next_offset,
        segment,
        cut,
    } = recovered;
    let size = segment.segment.size_bytes;
    let sound = format!("{batches} sound batches, {size} bytes, next offset {next_offset}");
    match cut {
        None => sound,
        Some(cut) => {
            let behind = if cut.valid_after {
                ", with sound batches behind it"
            } else {
                ""
            };
            format!(
                "{sound}; DAMAGED at byte {}: {}{behind}",
                cut.position, cut.reason
            )
        }
    }
}

fn describe(position: u32, batch: &BatchView<'_>, with_records: bool) -> String {
    let header = batch.header();
    let mut text = format!(
        "baseOffset: {} lastOffset: {} count: {} baseSequence: {} producerId: {} producerEpoch: {} \
         partitionLeaderEpoch: {} isTransactional: {} isControl: {} position: {position} CreateTime: {} \
         size: {} magic: {} compresscodec: {} crc: {}\n",
        header.base_offset,
        header.last_offset(),
        header.record_count,
        header.base_sequence,
        header.producer_id,
        header.producer_epoch,
        header.leader_epoch,
        header.attributes.is_transactional(),
        header.attributes.is_control(),
        header.max_timestamp.0,
        header.size_bytes(),
        header.magic,
        header
            .attributes
            .codec()
            .map_or("unknown".to_owned(), |codec| format!("{codec:?}")
                .to_lowercase()),
        header.crc,
    );
    if with_records {
        describe_records(batch, &mut text);
    }
    text
}

fn describe_records(batch: &BatchView<'_>, text: &mut String) {
    // Writing to a string cannot fail.
    let inflated = match batch.inflate(INFLATED_BATCH_BYTES_MAX) {
        Ok(inflated) => inflated,
        Err(why) => {
            let _ = writeln!(text, "| records cannot be read: {why}");
            return;
        }
    };
    for record in batch.records(&inflated) {
        let _ = match record {
            Ok(record) => writeln!(
                text,
                "| offset: {} timestamp: {} key: {} value: {} headers: {}",
                batch.offset_of(&record),
                batch.timestamp_of(&record).0,
                shown(record.key),
                shown(record.value),
                record.headers.len(),
            ),
            Err(why) => writeln!(text, "| a record cannot be read: {why}"),
        };
    }
}

/// Bytes as text, with what is not printable escaped.
fn shown(bytes: Option<&[u8]>) -> String {
    match bytes {
        Some(bytes) => bytes.escape_ascii().to_string(),
        None => "null".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Offset;
    use crate::protocol::records::BatchBuilder;

    fn batch(base: i64) -> Vec<u8> {
        let mut builder = BatchBuilder::new().base_offset(Offset(base));
        builder.push(TimestampMs(1000), Some(b"k"), Some(b"v\n"), &[]);
        builder.push(TimestampMs(1001), None, None, &[]);
        builder.build().unwrap()
    }

    #[test]
    fn batches_and_records_are_shown() {
        let bytes = batch(7);
        let view = BatchView::first(&bytes).unwrap();
        let text = describe(0, &view, true);
        for part in [
            "baseOffset: 7 lastOffset: 8 count: 2",
            "compresscodec: none",
            "| offset: 7 timestamp: 1000 key: k value: v\\n headers: 0",
            "| offset: 8 timestamp: 1001 key: null value: null headers: 0",
        ] {
            assert!(text.contains(part), "{part} is not in\n{text}");
        }
    }

    #[test]
    fn a_damaged_segment_fails() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("00000000000000000007.log");
        let sound = [batch(7), batch(9), vec![0; 100]].concat();
        std::fs::write(&path, &sound).unwrap();
        let recovered = read(&path, |_, _| {}).unwrap();
        assert_eq!(
            conclude(&recovered),
            format!(
                "2 sound batches, {} bytes, next offset 11",
                sound.len() - 100
            )
        );
        std::fs::write(&path, [&sound[..], b"garbage"].concat()).unwrap();
        assert!(conclude(&read(&path, |_, _| {}).unwrap()).contains("DAMAGED at byte"));
        let other = root.path().join("notes.txt");
        assert!(matches!(
            read(&other, |_, _| {}),
            Err(LogFileError::NotASegment(_))
        ));
    }
}
