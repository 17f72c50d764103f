use super::*;
use crate::base::limits::RECORD_ERRORS_MAX;
use crate::base::{ProducerEpoch, ProducerId};
use crate::protocol::records::BatchBuilder;

const NOW: i64 = 1_000_000;

fn options() -> ValidateOptions<'static> {
    ValidateOptions {
        topic: "events",
        partition: PartitionIndex(3),
        origin: Origin::Client {
            produce_version: 12,
        },
        now: TimestampMs(NOW),
        max_message_bytes: 1 << 20,
        timestamp_type: TimestampType::CreateTime,
        before_max_ms: 1000,
        after_max_ms: 100,
        compacted: false,
        compression: TopicCompression::Producer,
        validate_compressed: true,
        inflated_bytes_max: 1 << 20,
    }
}

/// Records with these keys and timestamps.
fn batch_of(builder: BatchBuilder, records: &[(Option<&[u8]>, i64)]) -> Vec<u8> {
    let mut builder = builder;
    for (key, timestamp) in records {
        builder.push(TimestampMs(*timestamp), *key, Some(b"value"), &[]);
    }
    builder.build().unwrap()
}

fn plain() -> Vec<u8> {
    batch_of(BatchBuilder::new(), &[(Some(b"a"), NOW), (None, NOW + 5)])
}

/// The batch with bytes written over, and the checksum made to fit.
fn patched(mut batch: Vec<u8>, at: usize, bytes: &[u8]) -> Vec<u8> {
    batch[at..at + bytes.len()].copy_from_slice(bytes);
    let crc = crc32c::crc32c(&batch[21..]);
    batch[17..21].copy_from_slice(&crc.to_be_bytes());
    batch
}

fn refused(bytes: &[u8], options: &ValidateOptions<'_>) -> BatchError {
    validate(bytes, options).expect_err("the batch has to be refused")
}

#[test]
fn broken_batches_get_kafkas_codes() {
    use ErrorCode::{CorruptMessage, InvalidRecord, UnsupportedCompressionType};
    let check = |name: &str, bytes: &[u8], expected: ErrorCode| {
        let error = refused(bytes, &options());
        assert_eq!(error.code, expected, "{name}: {}", error.message);
        let no_batch = !error.reached_log && error.code == CorruptMessage;
        assert_eq!(error.wire_message().is_some(), no_batch, "{name}");
    };
    let good = plain();
    check("nothing", &[], InvalidRecord);
    check("half a length", &good[..10], InvalidRecord);
    check("a cut batch", &good[..good.len() - 1], InvalidRecord);
    check(
        "two batches",
        &[&good[..], &good[..]].concat(),
        InvalidRecord,
    );
    check("magic 1", &patched(good.clone(), 16, &[1]), InvalidRecord);
    check("magic 3", &patched(good.clone(), 16, &[3]), CorruptMessage);
    check(
        "magic -1",
        &patched(good.clone(), 16, &[0xff]),
        CorruptMessage,
    );
    check(
        "length 13",
        &patched(good.clone(), 8, &13i32.to_be_bytes()),
        CorruptMessage,
    );
    check(
        "length 48",
        &patched(good.clone(), 8, &48i32.to_be_bytes()),
        CorruptMessage,
    );
    check(
        "negative length",
        &patched(good.clone(), 8, &[0xff; 4]),
        CorruptMessage,
    );
    check(
        "base offset",
        &patched(good.clone(), 0, &7i64.to_be_bytes()),
        InvalidRecord,
    );
    let mut flipped = good.clone();
    *flipped.last_mut().unwrap() ^= 1;
    check("a flipped bit", &flipped, CorruptMessage);
    check(
        "codec 5",
        &patched(good.clone(), 21, &5i16.to_be_bytes()),
        UnsupportedCompressionType,
    );
    check(
        "control",
        &patched(good.clone(), 21, &0x20i16.to_be_bytes()),
        InvalidRecord,
    );
    check(
        "negative span",
        &patched(good.clone(), 23, &[0xff; 4]),
        InvalidRecord,
    );
    check(
        "wide span",
        &patched(good.clone(), 23, &5i32.to_be_bytes()),
        InvalidRecord,
    );
    check(
        "no count",
        &patched(good.clone(), 57, &[0; 4]),
        InvalidRecord,
    );
    check(
        "negative count",
        &patched(good.clone(), 57, &[0xff; 4]),
        InvalidRecord,
    );
    let producer = patched(good.clone(), 43, &5i64.to_be_bytes());
    check("no sequence", &producer, InvalidRecord);
    let fewer = patched(patched(good.clone(), 23, &[0; 4]), 57, &1i32.to_be_bytes());
    check("bytes remain", &fewer, InvalidRecord);
    let more = patched(
        patched(good.clone(), 23, &2i32.to_be_bytes()),
        57,
        &3i32.to_be_bytes(),
    );
    check("a record is missing", &more, InvalidRecord);
    check(
        "a record's size",
        &patched(good.clone(), HEADER_BYTES, &[0x7e]),
        InvalidRecord,
    );
    check(
        "a negative record size",
        &patched(good, HEADER_BYTES, &[0x01]),
        InvalidRecord,
    );
}

#[test]
fn compressed_garbage_is_refused_only_when_opened() {
    let zstd = BatchBuilder::new().codec(Codec::Zstd, None);
    let good = batch_of(zstd, &[(None, NOW)]);
    let bad = patched(good.clone(), HEADER_BYTES, &[0xff; 4]);
    assert!(validate(&good, &options()).is_ok());
    assert_eq!(refused(&bad, &options()).code, ErrorCode::InvalidRecord);
    let closed = ValidateOptions {
        validate_compressed: false,
        ..options()
    };
    assert!(validate(&bad, &closed).is_ok());
    let compacted = ValidateOptions {
        compacted: true,
        ..closed
    };
    assert_eq!(refused(&good, &compacted).code, ErrorCode::InvalidRecord);
}

#[test]
fn zstd_needs_produce_version_7() {
    let batch = batch_of(BatchBuilder::new().codec(Codec::Zstd, None), &[(None, NOW)]);
    let old = ValidateOptions {
        origin: Origin::Client { produce_version: 6 },
        ..options()
    };
    assert_eq!(
        refused(&batch, &old).code,
        ErrorCode::UnsupportedCompressionType
    );
    assert!(validate(&batch, &options()).is_ok());
}

#[test]
fn size_is_judged_before_the_checksum() {
    let mut batch = plain();
    *batch.last_mut().unwrap() ^= 1;
    let fits = ValidateOptions {
        max_message_bytes: batch.len(),
        ..options()
    };
    assert_eq!(refused(&batch, &fits).code, ErrorCode::CorruptMessage);
    let small = ValidateOptions {
        max_message_bytes: batch.len() - 1,
        ..options()
    };
    assert_eq!(refused(&batch, &small).code, ErrorCode::MessageTooLarge);
}

#[test]
fn a_good_batch_is_taken_as_it_is() {
    let mut bytes = plain();
    let len = bytes.len();
    // Kafka drops a cut-off batch behind the first.
    bytes.extend_from_slice(&[0; 11]);
    let valid = validate(&bytes, &options()).unwrap();
    assert_eq!((valid.restamp, valid.recompress_to), (None, None));
    assert_eq!(
        (valid.size_bytes(), valid.max_timestamp()),
        (len, TimestampMs(NOW + 5))
    );
    assert_eq!(valid.log_append_time(), None);
}

#[test]
fn keys_are_demanded_where_topics_compact() {
    let compacted = ValidateOptions {
        compacted: true,
        ..options()
    };
    let error = refused(&plain(), &compacted);
    assert_eq!(error.code, ErrorCode::InvalidRecord);
    let text = "Compacted topic cannot accept message without key in topic partition events-3";
    let expected = RecordError {
        batch_index: 1,
        message: text.into(),
    };
    assert_eq!(error.record_errors, [expected]);
    let summary = format!(
        "One or more records have been rejected due to 1 record errors in total, and only showing the \
         first three errors at most: [RecordError(batchIndex=1, message='{text}')]"
    );
    assert_eq!(error.wire_message(), Some(&*summary));
}

#[test]
fn timestamps_must_be_near_the_clock() {
    let check = |timestamp: i64, fits: bool| {
        for codec in Codec::ALL {
            let batch = batch_of(BatchBuilder::new().codec(codec, None), &[(None, timestamp)]);
            for validate_compressed in [true, false] {
                let options = ValidateOptions {
                    validate_compressed,
                    ..options()
                };
                let code = validate(&batch, &options).err().map(|error| error.code);
                let expected = (!fits).then_some(ErrorCode::InvalidTimestamp);
                assert_eq!(code, expected, "{timestamp} {codec:?}");
            }
        }
    };
    check(NOW, true);
    check(NOW - 1000, true);
    check(NOW - 1001, false);
    check(NOW + 100, true);
    check(NOW + 101, false);
    check(-1, true);
    check(0, false);
    let error = refused(
        &batch_of(BatchBuilder::new(), &[(None, NOW), (None, 7)]),
        &options(),
    );
    let text = "Timestamp 7 of message with offset 1 is out of range. The timestamp should be within \
                [999000, 1000100]";
    assert_eq!(
        error.record_errors,
        [RecordError {
            batch_index: 1,
            message: text.into()
        }]
    );
    let text = "One or more records have been rejected due to invalid timestamp";
    assert_eq!(error.wire_message(), Some(text));
}

#[test]
fn refused_records_are_counted_and_the_first_are_named() {
    let records = vec![(None, NOW); RECORD_ERRORS_MAX + 10];
    let compacted = ValidateOptions {
        compacted: true,
        ..options()
    };
    let error = refused(&batch_of(BatchBuilder::new(), &records), &compacted);
    assert_eq!(error.record_errors.len(), RECORD_ERRORS_MAX);
    assert!(
        error
            .message
            .contains(&format!("due to {} record errors", RECORD_ERRORS_MAX + 10))
    );
}

#[test]
fn offsets_within_a_batch_are_contiguous() {
    let mut builder = BatchBuilder::new().spanning_to(1);
    builder.push_at(0, TimestampMs(NOW), None, None, &[]);
    builder.push_at(2, TimestampMs(NOW), None, None, &[]);
    let error = refused(&builder.build().unwrap(), &options());
    assert_eq!(
        (error.code, error.record_errors.len()),
        (ErrorCode::InvalidRecord, 1)
    );
}

#[test]
fn a_wrong_maximum_timestamp_is_put_right() {
    let batch = patched(plain(), 35, &(NOW + 50).to_be_bytes());
    let valid = validate(&batch, &options()).unwrap();
    assert_eq!(valid.max_timestamp(), TimestampMs(NOW + 5));
    let mut stamped = [&batch[..], b"behind"].concat();
    valid.stamp(&mut stamped, Offset(40), LeaderEpoch(2));
    let view = BatchView::first(&stamped).unwrap();
    assert_eq!(view.verify_checksum(), Ok(()));
    assert_eq!(view.header().max_timestamp, TimestampMs(NOW + 5));
    assert_eq!(view.header().last_offset(), Offset(41));
    assert_eq!(&stamped[batch.len()..], b"behind");
}

#[test]
fn log_append_time_is_stamped_under_a_new_checksum() {
    for codec in Codec::ALL {
        let batch = batch_of(
            BatchBuilder::new().codec(codec, None),
            &[(None, 5), (None, 6)],
        );
        let options = ValidateOptions {
            timestamp_type: TimestampType::LogAppendTime,
            ..options()
        };
        let valid = validate(&batch, &options).unwrap();
        assert_eq!(valid.log_append_time(), Some(TimestampMs(NOW)));
        let mut stamped = batch.clone();
        valid.stamp(&mut stamped, Offset(9), LeaderEpoch(4));
        let view = BatchView::first(&stamped).unwrap();
        assert_eq!(view.verify_checksum(), Ok(()));
        let header = view.header();
        assert_eq!(
            header.attributes.timestamp_type(),
            TimestampType::LogAppendTime
        );
        assert_eq!(header.attributes.codec(), Some(codec));
        assert_eq!(
            (header.base_offset, header.leader_epoch),
            (Offset(9), LeaderEpoch(4))
        );
        let inflated = view.inflate(1 << 20).unwrap();
        assert!(
            view.records(&inflated)
                .all(|record| view.timestamp_of(&record.unwrap()).0 == NOW)
        );
    }
}

#[test]
fn producers_do_not_set_log_append_time() {
    let batch = batch_of(
        BatchBuilder::new().log_append_time(TimestampMs(NOW)),
        &[(None, NOW)],
    );
    let broker = ValidateOptions {
        timestamp_type: TimestampType::LogAppendTime,
        ..options()
    };
    let error = refused(&batch, &broker);
    assert_eq!(error.code, ErrorCode::InvalidTimestamp);
    assert_eq!(
        error.record_errors[0].message,
        "Invalid timestamp type in message DefaultRecord(offset=0, timestamp=1000000, key=0 bytes, \
         value=5 bytes). Producer should not set timestamp type to LogAppendTime."
    );
    // Where the topic wants the producer's time, Kafka takes the batch and turns its type back.
    let valid = validate(&batch, &options()).unwrap();
    let expected = Restamp {
        timestamp_type: TimestampType::CreateTime,
        max_timestamp: TimestampMs(NOW),
    };
    assert_eq!(valid.restamp, Some(expected));
}

#[test]
fn topics_with_a_codec_of_their_own_recompress() {
    let check = |sent: Codec, wanted: TopicCompression, expected: Option<Codec>| {
        let batch = batch_of(BatchBuilder::new().codec(sent, None), &[(None, NOW)]);
        let options = ValidateOptions {
            compression: wanted,
            ..options()
        };
        assert_eq!(validate(&batch, &options).unwrap().recompress_to, expected);
    };
    check(Codec::Gzip, TopicCompression::Producer, None);
    check(Codec::Gzip, TopicCompression::Always(Codec::Gzip), None);
    check(
        Codec::Gzip,
        TopicCompression::Always(Codec::Zstd),
        Some(Codec::Zstd),
    );
    check(
        Codec::Gzip,
        TopicCompression::Always(Codec::None),
        Some(Codec::None),
    );
    check(
        Codec::None,
        TopicCompression::Always(Codec::Lz4),
        Some(Codec::Lz4),
    );
}

#[test]
fn coordinators_may_write_control_records() {
    let control = BatchBuilder::new()
        .control()
        .producer(ProducerId(1), ProducerEpoch(0), -1);
    let batch = batch_of(control, &[(Some(b"key"), NOW)]);
    let options = ValidateOptions {
        origin: Origin::Coordinator,
        compression: TopicCompression::Always(Codec::Zstd),
        ..options()
    };
    assert_eq!(validate(&batch, &options).unwrap().recompress_to, None);
}
