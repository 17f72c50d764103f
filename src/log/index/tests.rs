use proptest::prelude::*;

use super::*;
use crate::protocol::records::BatchBuilder;
use crate::protocol::records::tests::Random;

const BASE: Offset = Offset(1000);

/// Headers of batches of two offsets each, with these timestamps, and their positions.
fn batches(timestamps: &[i64]) -> Vec<(BatchHeader, u64)> {
    let mut position = 0;
    let mut all = Vec::new();
    for (place, timestamp) in (0..).zip(timestamps) {
        let mut builder = BatchBuilder::new().base_offset(BASE.plus(2 * place));
        for _ in 0..2 {
            builder.push(TimestampMs(*timestamp), None, None, &[]);
        }
        let bytes = builder.build().unwrap();
        all.push((BatchHeader::parse(&bytes).unwrap(), position));
        position += bytes.len() as u64;
    }
    all
}

fn built(batches: &[(BatchHeader, u64)], interval_bytes: u64) -> IndexBuilder {
    let mut index = IndexBuilder::new(BASE, interval_bytes);
    for (header, position) in batches {
        index.on_batch(header, *position);
    }
    index
}

fn time(timestamp: i64, offset: i64) -> TimeEntry {
    TimeEntry {
        timestamp: TimestampMs(timestamp),
        offset: Offset(offset),
    }
}

#[test]
fn files_are_laid_out_as_kafka_does() {
    let all = batches(&[10, 30, 20, 40, 5]);
    let size = all[1].1;
    // An entry is due once more than the interval lies behind the last one.
    let mut index = built(&all, size);
    let entry = |relative: u32, position: u64| {
        let fields = [relative, position as u32].map(u32::to_be_bytes);
        fields.concat()
    };
    let expected = [entry(5, 2 * size), entry(9, 4 * size)].concat();
    assert_eq!(index.encode_offsets(), expected);
    // Entries carry the largest so far, and the last offset of the batch that has it.
    assert_eq!(
        index.encode_times(),
        [
            [0, 0, 0, 0, 0, 0, 0, 30, 0, 0, 0, 3],
            [0, 0, 0, 0, 0, 0, 0, 40, 0, 0, 0, 7],
        ]
        .concat()
    );
    let before = index.clone();
    index.seal();
    assert_eq!(index, before, "the largest is there already");
}

#[test]
fn sealing_adds_the_largest_timestamp() {
    let mut index = built(&batches(&[10, 30]), 1 << 20);
    assert_eq!(
        (index.encode_offsets().len(), index.encode_times().len()),
        (0, 0)
    );
    index.seal();
    assert_eq!(index.encode_times().len(), TIME_ENTRY_BYTES);
    assert_eq!(index.time_before(TimestampMs(30)), time(30, 1003));
    assert_eq!(index.time_before(TimestampMs(29)), time(-1, 1000));
    assert_eq!(index.largest_timestamp(), Some(time(30, 1003)));
}

#[test]
fn broken_files_are_noticed() {
    let offsets = |bytes: &[u8]| {
        let file = OffsetIndexFile::new(bytes, bytes.len() as u64, BASE)?;
        file.check(100)
    };
    assert!(offsets(&[]).is_ok());
    assert!(offsets(&[0, 0, 0, 1, 0, 0, 0, 99]).is_ok());
    assert!(matches!(offsets(&[0; 7]), Err(IndexError::Length(7))));
    assert!(matches!(
        offsets(&[0, 0, 0, 1, 0, 0, 0, 100]),
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
        interval in 0u64..400,
    ) {
        let all = batches(&timestamps);
        let mut index = built(&all, interval);
        index.seal();
        let (offsets, times) = (index.encode_offsets(), index.encode_times());
        let offset_file = OffsetIndexFile::new(&offsets, offsets.len() as u64, BASE).unwrap();
        let time_file = TimeIndexFile::new(&times, times.len() as u64, BASE).unwrap();
        offset_file.check(u64::MAX).unwrap();
        time_file.check(Offset(i64::MAX)).unwrap();
        prop_assert_eq!(time_file.largest_timestamp().unwrap(), index.largest_timestamp());
        for offset in BASE.0 - 1..BASE.0 + 125 {
            let position = index.position_before(Offset(offset));
            prop_assert_eq!(position, offset_file.position_before(Offset(offset)).unwrap());
            // It never lies behind the batch that holds the offset.
            let holder = all.iter().find(|(header, _)| header.last_offset().0 >= offset);
            prop_assert!(holder.is_none_or(|(_, at)| position <= *at));
        }
        for timestamp in -2..51 {
            let before = index.time_before(TimestampMs(timestamp));
            prop_assert_eq!(before, time_file.time_before(TimestampMs(timestamp)).unwrap());
            // Nothing before its offset has a larger timestamp than it tells.
            let earlier = all.iter().filter(|(header, _)| header.last_offset() <= before.offset);
            prop_assert!(earlier.into_iter().all(|(header, _)| header.max_timestamp <= before.timestamp.max(TimestampMs(timestamp))));
        }
    }

    #[test]
    fn truncating_is_as_if_the_rest_had_never_been(
        timestamps in prop::collection::vec(0i64..50, 0..60),
        interval in 0u64..400,
        cut in 0usize..70,
        sealed: bool,
    ) {
        let all = batches(&timestamps);
        let kept = &all[..cut.min(all.len())];
        let mut index = built(&all, interval);
        if sealed {
            index.seal();
        }
        let from = index.truncate_to(BASE.plus(2 * kept.len() as i64));
        for (header, position) in kept.iter().filter(|(_, position)| *position >= from) {
            index.on_batch(header, *position);
        }
        prop_assert_eq!(index, built(kept, interval));
    }

    #[test]
    fn a_loaded_index_grows_on(
        timestamps in prop::collection::vec(0i64..50, 0..60),
        interval in 0u64..400,
    ) {
        let all = batches(&timestamps);
        let mut closed = built(&all, interval);
        closed.seal();
        let (offsets, times) = (closed.encode_offsets(), closed.encode_times());
        let (mut index, from) = IndexBuilder::load(BASE, interval, &offsets, &times).unwrap();
        for (header, position) in all.iter().filter(|(_, position)| *position >= from) {
            index.on_batch(header, *position);
        }
        prop_assert_eq!(index, built(&all, interval));
    }
}

#[test]
fn fuzz_seeds() {
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    let timestamps: Vec<i64> = (0..40).collect();
    let mut index = built(&batches(&timestamps), 100);
    index.seal();
    for seed in [index.encode_offsets(), index.encode_times(), vec![0; 48]] {
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
