use proptest::prelude::*;

use super::*;
use crate::log::{ActiveSegment, BatchInfo, LogConfig, ScanFrom};
use crate::protocol::records::tests::Random;
use crate::protocol::records::{BatchBuilder, BatchHeader};

const BASE: Offset = Offset(1000);

/// Headers of batches of two offsets each, with these timestamps.
fn batches(timestamps: &[i64]) -> Vec<BatchHeader> {
    let one = |(place, timestamp): (i64, &i64)| {
        let mut builder = BatchBuilder::new().base_offset(BASE.plus(2 * place));
        for _ in 0..2 {
            builder.push(TimestampMs(*timestamp), None, None, &[]);
        }
        BatchHeader::parse(&builder.build().unwrap()).unwrap()
    };
    (0..).zip(timestamps).map(one).collect()
}

/// The segment of these batches, its time index ended as sealing does.
fn segment(batches: &[BatchHeader], interval_bytes: u32) -> ActiveSegment {
    let config = LogConfig {
        index_interval_bytes: interval_bytes,
        ..LogConfig::default()
    };
    let mut active = ActiveSegment::empty(BASE, TimestampMs(0));
    for header in batches {
        active.push(
            &config,
            TimestampMs(0),
            &BatchInfo::from(header),
            header.last_offset(),
        );
    }
    let largest = active.segment.max_time_entry();
    active.index.finish(largest);
    active
}

#[test]
fn files_are_laid_out_as_kafka_does() {
    let all = batches(&[10, 30, 20, 40, 5]);
    let size = all[0].size_bytes() as u32;
    // An entry is due once more than the interval lies behind the last one.
    let index = segment(&all, size).index;
    let entry = |relative: u32, position: u32| [relative, position].map(u32::to_be_bytes).concat();
    let expected = [entry(5, 2 * size), entry(9, 4 * size)].concat();
    assert_eq!(encode_offsets(index.offset_entries()), expected);
    // Entries carry the largest so far, and the last offset of the batch that has it.
    let expected = [
        [0, 0, 0, 0, 0, 0, 0, 30, 0, 0, 0, 3],
        [0, 0, 0, 0, 0, 0, 0, 40, 0, 0, 0, 7],
    ];
    assert_eq!(encode_times(index.time_entries()), expected.concat());
}

#[test]
fn broken_files_are_noticed() {
    let offsets = |bytes: &[u8]| {
        let file = OffsetIndexFile::new(bytes, bytes.len() as u64, BASE)?;
        file.check(100, Offset(1010))
    };
    assert!(offsets(&[]).is_ok());
    assert!(offsets(&[0, 0, 0, 9, 0, 0, 0, 99]).is_ok());
    assert!(matches!(offsets(&[0; 7]), Err(IndexError::Length(7))));
    assert!(matches!(
        offsets(&[0, 0, 0, 1, 0, 0, 0, 100]),
        Err(IndexError::Entry(0))
    ));
    assert!(matches!(
        offsets(&[0, 0, 0, 10, 0, 0, 0, 9]),
        Err(IndexError::Entry(0))
    ));
    // What a crash leaves of a preallocated file.
    assert!(matches!(offsets(&[0; 16]), Err(IndexError::Entry(1))));
    let falling = [0, 0, 0, 2, 0, 0, 0, 9, 0, 0, 0, 1, 0, 0, 0, 19];
    assert!(matches!(offsets(&falling), Err(IndexError::Entry(1))));

    let times = |bytes: &[u8]| {
        let file = TimeIndexFile::new(bytes, bytes.len() as u64, BASE)?;
        file.check(Offset(1010))
    };
    assert!(times(&[0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 9]).is_ok());
    assert!(matches!(times(&[0; 13]), Err(IndexError::Length(13))));
    assert!(matches!(
        times(&[0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 10]),
        Err(IndexError::Entry(0))
    ));
    assert!(matches!(times(&[0; 24]), Err(IndexError::Entry(1))));
    assert!(matches!(times(&[0xff; 12]), Err(IndexError::Entry(0))));
}

#[test]
fn a_file_shorter_than_it_was_is_an_error() {
    let file = OffsetIndexFile::new(vec![0; 8], 16, BASE).unwrap();
    assert!(matches!(
        file.position_before(BASE.plus(9)),
        Err(IndexError::Io(_))
    ));
}

proptest! {
    #[test]
    fn memory_and_files_give_the_same_answers(
        timestamps in prop::collection::vec(0i64..50, 0..60),
        interval in 0u32..400,
    ) {
        let all = batches(&timestamps);
        let sealed = segment(&all, interval);
        let (log_bytes, next) = (sealed.segment.size_bytes, BASE.plus(2 * all.len() as i64));
        let offsets = encode_offsets(sealed.index.offset_entries());
        let times = encode_times(sealed.index.time_entries());
        let loaded = load(&offsets, &times, BASE, log_bytes, next).unwrap();
        prop_assert_eq!(&loaded, &sealed.index);

        let offset_file = OffsetIndexFile::new(&offsets, offsets.len() as u64, BASE).unwrap();
        let time_file = TimeIndexFile::new(&times, times.len() as u64, BASE).unwrap();
        let largest = (!all.is_empty())
            .then_some((sealed.segment.max_timestamp, sealed.segment.max_timestamp_offset));
        prop_assert_eq!(time_file.largest().unwrap(), largest);
        for offset in BASE.0 - 1..BASE.0 + 125 {
            let position = loaded.position_for(BASE, Offset(offset));
            prop_assert_eq!(position, offset_file.position_before(Offset(offset)).unwrap());
        }
        for timestamp in -2..51 {
            let timestamp = TimestampMs(timestamp);
            let before = loaded.offset_before_time(BASE, timestamp);
            prop_assert_eq!(before, time_file.offset_before(timestamp).unwrap());
            let search = TimeSearch {
                segment: BASE,
                scan_from: ScanFrom::IndexFile,
                timestamp,
                from_offset: BASE,
                end_position: log_bytes,
            };
            let from = position_before_time(&offset_file, &time_file, &search).unwrap();
            // The search never begins behind the batch that it looks for.
            let skipped = all.iter().scan(0, |position, header| {
                *position += header.size_bytes() as u32;
                (*position <= from).then_some(header)
            });
            prop_assert!(skipped.into_iter().all(|header| header.max_timestamp < timestamp));
        }
    }
}

#[test]
fn fuzz_seeds() {
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    let timestamps: Vec<i64> = (0..40).collect();
    let index = segment(&batches(&timestamps), 100).index;
    let offsets = encode_offsets(index.offset_entries());
    let times = encode_times(index.time_entries());
    for seed in [offsets, times, vec![0; 48]] {
        fuzz_index(&seed);
        for _ in 0..1500 {
            let mut bytes = seed.clone();
            for _ in 0..random.below(4) {
                let at = random.below(bytes.len());
                bytes[at] = random.next() as u8;
            }
            bytes.truncate(seed.len() - random.below(seed.len()) * random.below(2));
            fuzz_index(&bytes);
        }
    }
}
