use bytes::{Bytes, BytesMut};
use kafka_protocol::records as oracle;
use proptest::prelude::*;

use super::*;
use crate::base::{ProducerEpoch, ProducerId};

/// A record with its own bytes.
#[derive(Clone, Debug, PartialEq)]
struct Owned {
    timestamp: i64,
    key: Option<Vec<u8>>,
    value: Option<Vec<u8>>,
    headers: Vec<(String, Option<Vec<u8>>)>,
}

fn blob() -> impl Strategy<Value = Option<Vec<u8>>> {
    let noise = prop::collection::vec(any::<u8>(), 0..200);
    // Long runs, so that the codecs have something to compress over several of their blocks.
    let run = (any::<u8>(), 0usize..60_000).prop_map(|(byte, len)| vec![byte; len]);
    prop::option::of(prop_oneof![8 => noise, 1 => run])
}

fn owned_record() -> impl Strategy<Value = Owned> {
    let header = (
        "[a-z]{0,8}",
        prop::option::of(prop::collection::vec(any::<u8>(), 0..20)),
    );
    let headers = prop::collection::vec(header, 0..4);
    (0i64..1 << 45, blob(), blob(), headers).prop_map(|(timestamp, key, value, mut headers)| {
        // The oracle keeps headers in a map.
        headers.sort();
        headers.dedup_by(|a, b| a.0 == b.0);
        Owned {
            timestamp,
            key,
            value,
            headers,
        }
    })
}

fn any_codec() -> impl Strategy<Value = Codec> {
    prop::sample::select(&Codec::ALL[..])
}

fn build(records: &[Owned], builder: BatchBuilder) -> Vec<u8> {
    let mut builder = builder;
    for record in records {
        let headers: Vec<_> = record
            .headers
            .iter()
            .map(|(key, value)| Header {
                key: key.as_bytes(),
                value: value.as_deref(),
            })
            .collect();
        builder.push(
            TimestampMs(record.timestamp),
            record.key.as_deref(),
            record.value.as_deref(),
            &headers,
        );
    }
    builder.build().unwrap()
}

fn read(bytes: &[u8]) -> Vec<Owned> {
    let view = BatchView::first(bytes).unwrap();
    view.verify_checksum().unwrap();
    let inflated = view.inflate(64 << 20).unwrap();
    let read = view.records(&inflated).enumerate().map(|(place, record)| {
        let record = record.unwrap();
        assert_eq!(record.offset_delta as usize, place);
        let header = |header: Header<'_>| {
            let key = String::from_utf8(header.key.to_vec()).unwrap();
            (key, header.value.map(<[u8]>::to_vec))
        };
        Owned {
            timestamp: view.timestamp_of(&record).0,
            key: record.key.map(<[u8]>::to_vec),
            value: record.value.map(<[u8]>::to_vec),
            headers: record.headers.iter().map(header).collect(),
        }
    });
    read.collect()
}

fn to_oracle(place: usize, record: &Owned) -> oracle::Record {
    oracle::Record {
        transactional: false,
        control: false,
        delete_horizon: false,
        partition_leader_epoch: 5,
        producer_id: 77,
        producer_epoch: 2,
        timestamp_type: oracle::TimestampType::Creation,
        offset: 1000 + place as i64,
        sequence: 10 + place as i32,
        timestamp: record.timestamp,
        key: record.key.clone().map(Bytes::from),
        value: record.value.clone().map(Bytes::from),
        headers: record
            .headers
            .iter()
            .map(|(key, value)| {
                let key = kafka_protocol::protocol::StrBytes::from_string(key.clone());
                (key, value.clone().map(Bytes::from))
            })
            .collect(),
    }
}

fn oracle_codec(codec: Codec) -> oracle::Compression {
    match codec {
        Codec::None => oracle::Compression::None,
        Codec::Gzip => oracle::Compression::Gzip,
        Codec::Snappy => oracle::Compression::Snappy,
        Codec::Lz4 => oracle::Compression::Lz4,
        Codec::Zstd => oracle::Compression::Zstd,
    }
}

fn as_producer(codec: Codec) -> BatchBuilder {
    BatchBuilder::new()
        .codec(codec, None)
        .base_offset(Offset(1000))
        .leader_epoch(LeaderEpoch(5))
        .producer(ProducerId(77), ProducerEpoch(2), 10)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_built_is_read(records in prop::collection::vec(owned_record(), 1..20), codec in any_codec()) {
        let batch = build(&records, as_producer(codec));
        prop_assert_eq!(read(&batch), &records[..]);
        let header = BatchHeader::parse(&batch).unwrap();
        prop_assert_eq!(header.size_bytes(), batch.len());
        prop_assert_eq!(header.attributes.codec(), Some(codec));
        prop_assert_eq!(header.last_offset(), Offset(1000 + records.len() as i64 - 1));
        prop_assert_eq!(header.last_sequence(), 10 + records.len() as i32 - 1);
        prop_assert_eq!(header.max_timestamp.0, records.iter().map(|r| r.timestamp).max().unwrap());
    }

    #[test]
    fn the_oracle_reads_what_is_built(records in prop::collection::vec(owned_record(), 1..20), codec in any_codec()) {
        let mut batch = Bytes::from(build(&records, as_producer(codec)));
        let expected: Vec<_> = records.iter().enumerate().map(|(i, r)| to_oracle(i, r)).collect();
        let decoded = oracle::RecordBatchDecoder::decode(&mut batch).unwrap();
        prop_assert_eq!(decoded.records, expected);
    }

    #[test]
    fn what_the_oracle_builds_is_read(records in prop::collection::vec(owned_record(), 1..20), codec in any_codec()) {
        let sent: Vec<_> = records.iter().enumerate().map(|(i, r)| to_oracle(i, r)).collect();
        let mut batch = BytesMut::new();
        let options = oracle::RecordEncodeOptions { version: 2, compression: oracle_codec(codec) };
        oracle::RecordBatchEncoder::encode(&mut batch, &sent, &options).unwrap();
        prop_assert_eq!(read(&batch), &records[..]);
        let header = BatchHeader::parse(&batch).unwrap();
        prop_assert_eq!(header.producer_id, ProducerId(77));
        prop_assert_eq!(header.base_sequence, 10);
    }

    #[test]
    fn recompressing_keeps_all_but_the_codec(
        records in prop::collection::vec(owned_record(), 1..10),
        from in any_codec(),
        to in any_codec(),
    ) {
        let batch = build(&records, as_producer(from));
        let view = BatchView::first(&batch).unwrap();
        let again = recompress(&view, to, None, 64 << 20).unwrap();
        prop_assert_eq!(read(&again), &records[..]);
        let header = BatchHeader::parse(&again).unwrap();
        prop_assert_eq!(header.attributes, view.header().attributes.with_codec(to));
        let same = BatchHeader {
            batch_length: view.header().batch_length,
            crc: view.header().crc,
            attributes: view.header().attributes,
            ..header
        };
        prop_assert_eq!(&same, view.header());
    }
}

/// What Kafka 4.3.1's own builder made of [`golden_records`], codec by codec.
const GOLDEN: [(Codec, &str); 5] = [
    (
        Codec::None,
        "00000000000003e80000008b00000005027a554a3a0010000000020000018bcfe568000000018bcfe5680900 \
         0000000000004d00020000000a000000034c000000086b65793032612076616c75652c20612076616c75652c \
         20612076616c7565020268011c001202086b657931010202680278460004040132612076616c75652c206120 \
         76616c75652c20612076616c75650202680278",
    ),
    (
        Codec::Gzip,
        "00000000000003e800000073000000050243d3e01c0011000000020000018bcfe568000000018bcfe5680900 \
         0000000000004d00020000000a000000031f8b08000000000000fff3616060e0c84ead34304a54284bcc294d \
         d551406730316530ca3008318194193202794c156e0c2c2c8c787530550000615b6c865a000000",
    ),
    (
        Codec::Snappy,
        "00000000000003e80000007b00000005026159774d0012000000020000018bcfe568000000018bcfe5680900 \
         0000000000004d00020000000a0000000382534e41505059000000000100000001000000365a484c00000008 \
         6b65793032612076616c75652c203e09001c020268011c00120201272c310102026802784600040401723200 \
         040278",
    ),
    (
        Codec::Lz4,
        "00000000000003e80000007800000005021da8feaf0013000000020000018bcfe568000000018bcfe5680900 \
         0000000000004d00020000000a0000000304224d1860408238000000fc044c000000086b6579303261207661 \
         6c75652c20090080020268011c0012022700cf31010202680278460004040132000750020268027800000000",
    ),
    (
        Codec::Zstd,
        "00000000000003e80000007400000005020666f4650014000000020000018bcfe568000000018bcfe5680900 \
         0000000000004d00020000000a0000000328b52ffd0058bc0100d4024c000000086b65793032612076616c75 \
         652c20020268011c001202086b65793101020268027846000404010278020054758f448a1d010000",
    ),
];

fn golden_records() -> Vec<Owned> {
    let value = || Some(b"a value, a value, a value".to_vec());
    let header = |value: Option<&[u8]>| vec![("h".to_string(), value.map(<[u8]>::to_vec))];
    let record = |after: i64, key: Option<&str>, value, headers| Owned {
        timestamp: 1_700_000_000_000 + after,
        key: key.map(|key| key.as_bytes().to_vec()),
        value,
        headers,
    };
    vec![
        record(0, Some("key0"), value(), header(None)),
        record(9, Some("key1"), None, header(Some(b"x"))),
        record(2, None, value(), header(Some(b"x"))),
    ]
}

#[test]
fn batches_of_kafkas_own_are_read_and_rebuilt() {
    for (codec, hex) in GOLDEN {
        let digits: Vec<u8> = hex.bytes().filter(|byte| *byte != b' ').collect();
        let bytes: Vec<u8> = digits
            .chunks(2)
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
            .collect();
        assert_eq!(read(&bytes), golden_records(), "{codec:?}");
        let rebuilt = build(&golden_records(), as_producer(codec).transactional());
        if codec == Codec::None {
            assert_eq!(rebuilt, bytes);
        }
        let (theirs, ours) = (BatchHeader::parse(&bytes), BatchHeader::parse(&rebuilt));
        let (theirs, ours) = (theirs.unwrap(), ours.unwrap());
        let same = BatchHeader {
            batch_length: theirs.batch_length,
            crc: theirs.crc,
            ..ours
        };
        assert_eq!(same, theirs, "{codec:?}");
    }
}

#[test]
fn all_levels_give_the_same_records() {
    let records = vec![Owned {
        timestamp: 1,
        key: None,
        value: Some(vec![b'x'; 10_000]),
        headers: vec![],
    }];
    for codec in Codec::ALL {
        for level in [i32::MIN, -5, 0, 1, 9, 22, i32::MAX] {
            let batch = build(&records, BatchBuilder::new().codec(codec, Some(level)));
            assert_eq!(read(&batch), records, "{codec:?} {level}");
            assert!(
                level < 0 || codec == Codec::None || batch.len() < 1500,
                "{codec:?} {level}"
            );
        }
    }
}

#[test]
fn bombs_are_stopped_at_the_bound() {
    let bomb = vec![0; 8 << 20];
    for codec in Codec::ALL {
        let packed = deflate(codec, &bomb, None).unwrap();
        assert_eq!(
            inflate(codec, &packed, bomb.len() - 1).map(|out| out.len()),
            Err(InflateError::TooLarge {
                max_bytes: bomb.len() - 1
            }),
            "{codec:?}"
        );
        assert_eq!(
            inflate(codec, &packed, bomb.len()).unwrap().len(),
            bomb.len(),
            "{codec:?}"
        );
    }
}

#[test]
fn garbage_does_not_decompress() {
    for codec in [Codec::Gzip, Codec::Snappy, Codec::Lz4, Codec::Zstd] {
        assert_eq!(
            inflate(codec, b"\xff\xff\xff\xff\xff", 1 << 20),
            Err(InflateError::Corrupt),
            "{codec:?}"
        );
        let packed = deflate(codec, &[7; 1000], None).unwrap();
        let cut = inflate(codec, &packed[..packed.len() / 2], 1 << 20);
        assert_eq!(cut, Err(InflateError::Corrupt), "{codec:?}");
    }
}

#[test]
fn snappy_is_read_framed_bare_and_concatenated() {
    let text = b"one two three ".repeat(20);
    let bare = snap::raw::Encoder::new().compress_vec(&text).unwrap();
    assert_eq!(inflate(Codec::Snappy, &bare, 1 << 20).unwrap(), &text[..]);
    let framed = deflate(Codec::Snappy, &text, None).unwrap();
    let twice = [&framed[..], &framed[..]].concat();
    assert_eq!(
        inflate(Codec::Snappy, &twice, 1 << 20).unwrap(),
        text.repeat(2)
    );
    // A block that claims four gigabytes is refused before memory is taken for it.
    let lie = inflate(Codec::Snappy, b"\xff\xff\xff\xff\x0f\0", usize::MAX);
    assert_eq!(lie, Err(InflateError::Corrupt));
}

#[test]
fn headers_survive_a_round_trip_and_forgeries_are_refused() {
    let batch = build(
        &[],
        as_producer(Codec::None)
            .transactional()
            .control()
            .spanning_to(9),
    );
    let header = BatchHeader::parse(&batch).unwrap();
    assert!(header.attributes.is_transactional() && header.attributes.is_control());
    assert_eq!(
        (header.record_count, header.next_offset()),
        (0, Offset(1010))
    );
    assert_eq!(header.encode()[..], batch[..]);

    let check = |at: usize, bytes: &[u8], expected| {
        let mut forged = batch.clone();
        forged[at..at + bytes.len()].copy_from_slice(bytes);
        assert_eq!(BatchView::first(&forged).map(|_| ()), expected);
    };
    check(16, &[1], Err(BatchFault::Magic(1)));
    check(16, &[0xff], Err(BatchFault::Magic(-1)));
    check(8, &48i32.to_be_bytes(), Err(BatchFault::Length(48)));
    check(8, &(-1i32).to_be_bytes(), Err(BatchFault::Length(-1)));
    check(
        8,
        &50i32.to_be_bytes(),
        Err(BatchFault::Truncated { need: 62, have: 61 }),
    );
    check(0, &i64::MAX.to_be_bytes(), Ok(()));
    let cut = BatchView::first(&batch[..60]);
    assert_eq!(cut, Err(BatchFault::Truncated { need: 61, have: 60 }));
}

#[test]
fn sequences_wrap_to_zero() {
    assert_eq!(increment_sequence(i32::MAX, 1), 0);
    assert_eq!(increment_sequence(i32::MAX - 1, 3), 1);
    assert_eq!(increment_sequence(5, 3), 8);
    assert_eq!(decrement_sequence(0, 1), i32::MAX);
    assert_eq!(decrement_sequence(5, 3), 2);
}

#[test]
fn markers_come_back() {
    for committed in [true, false] {
        let marker = EndTxnMarker {
            committed,
            coordinator_epoch: 12,
        };
        let batch = marker
            .batch(TimestampMs(5), ProducerId(9), ProducerEpoch(1))
            .unwrap();
        let view = BatchView::first(&batch).unwrap();
        assert!(
            view.header().attributes.is_control() && view.header().attributes.is_transactional()
        );
        assert_eq!(view.header().base_sequence, NO_SEQUENCE);
        let record = view.records(view.payload()).next().unwrap().unwrap();
        assert_eq!(record.key, Some(&[0, 0, 0, u8::from(committed)][..]));
        assert_eq!(record.value, Some(&[0, 0, 0, 0, 0, 12][..]));
        assert_eq!(EndTxnMarker::parse(&record), Some(marker));
    }
}

#[test]
fn batches_end_at_a_cut_and_at_garbage() {
    let one = build(&[], as_producer(Codec::None));
    let mut bytes = [&one[..], &one[..], &one[..30]].concat();
    let mut batches = Batches::new(&bytes);
    assert_eq!(batches.by_ref().map(Result::unwrap).count(), 2);
    assert_eq!(batches.rest().len(), 30);
    bytes[61 + 16] = 9;
    let faults: Vec<_> = Batches::new(&bytes).map(|batch| batch.err()).collect();
    assert_eq!(faults, [None, Some(BatchFault::Magic(9))]);
}

/// Batches with a few bytes changed reach deeper than noise does.
#[test]
fn fuzz_seeds() {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for codec in Codec::ALL {
        let value: Vec<u8> = (0..300).map(|i| (i % 17) as u8).collect();
        let record = Owned {
            timestamp: 1,
            key: Some(b"key".to_vec()),
            value: Some(value),
            headers: vec![("h".into(), Some(vec![1, 2]))],
        };
        let seed = build(&vec![record; 5], BatchBuilder::new().codec(codec, None));
        fuzz_record_batch(&seed);
        for _ in 0..800 {
            let mut bytes = seed.clone();
            for _ in 0..random.below(4) {
                let at = random.below(bytes.len());
                bytes[at] = random.next() as u8;
            }
            bytes.truncate(seed.len() - random.below(3) * random.below(seed.len()) / 3);
            // With the right checksum, the records are looked at as well.
            if random.below(2) == 0 && bytes.len() > HEADER_BYTES {
                let crc = crc32c::crc32c(&bytes[21..]);
                bytes[17..21].copy_from_slice(&crc.to_be_bytes());
            }
            fuzz_record_batch(&bytes);
        }
    }
}

/// Xorshift: the same numbers in every run.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }
}
