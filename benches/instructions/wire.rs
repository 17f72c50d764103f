//! From received bytes to a batch that may be stored.

use std::hint::black_box;

use gungraun::{library_benchmark, library_benchmark_group};

use ringlog::base::limits::INFLATED_BATCH_BYTES_MAX;
use ringlog::base::{LeaderEpoch, Offset, PartitionIndex};
use ringlog::io::recv_buffer::RecvBuffer;
use ringlog::protocol::frame::LENGTH_BYTES;
use ringlog::protocol::messages::produce::{
    PartitionProduceData, ProduceRequest, TopicProduceData,
};
use ringlog::protocol::records::{
    Codec, HEADER_BYTES, Origin, TimestampType, TopicCompression, ValidateOptions, validate,
};
use ringlog::protocol::{FrameSplitter, Message, Reader, Records, RequestHeader, encode_request};
use ringlog::shard::connection::frame_len;

use crate::inputs::{BATCH_BYTES, NOW, batch};

/// The newest version that names topics, as most clients send.
const PRODUCE_VERSION: i16 = 12;

/// `socket.request.max.bytes`.
const FRAME_BYTES_MAX: usize = 100 << 20;

/// A produce request as it is received: a topic with one batch for each of its first partitions.
fn produce_request(partitions: i32, batch: &[u8]) -> Vec<u8> {
    let partition_data = (0..partitions).map(|index| PartitionProduceData {
        index,
        records: Some(Records::Inline(batch)),
    });
    let request = ProduceRequest {
        acks: -1,
        timeout_ms: 30_000,
        topic_data: vec![TopicProduceData {
            name: "orders",
            partition_data: partition_data.collect(),
            ..Default::default()
        }],
        ..Default::default()
    };
    let encoded = encode_request(7, Some("producer-1"), PRODUCE_VERSION, &request);
    encoded.expect("a request of ordinary size").buf
}

/// One landing buffer full of small requests.
fn small_requests() -> (RecvBuffer, Vec<u8>) {
    let frame = produce_request(1, &batch(0, 100, Codec::None));
    let frames = (64 << 10) / frame.len();
    (RecvBuffer::new(), frame.repeat(frames))
}

/// A request of a megabyte, received in pieces of 64 KiB by a connection that has received one before.
fn one_large_request() -> (RecvBuffer, Vec<u8>) {
    let request = produce_request(16, &batch(BATCH_BYTES, 1024, Codec::None));
    let mut received = RecvBuffer::new();
    cut_frames(&mut received, &request);
    (received, request)
}

fn cut_frames(received: &mut RecvBuffer, bytes: &[u8]) {
    let splitter = FrameSplitter::new(FRAME_BYTES_MAX);
    for piece in bytes.chunks(64 << 10) {
        received.extend(black_box(piece));
        while let Ok(Some(frame)) = received.next_frame(|there| frame_len(splitter, there)) {
            black_box(frame);
        }
    }
    assert!(received.is_empty());
}

#[library_benchmark]
#[bench::small_requests(setup = small_requests)]
#[bench::one_large_request(setup = one_large_request)]
fn frame_split(input: (RecvBuffer, Vec<u8>)) -> (RecvBuffer, Vec<u8>) {
    let (mut received, bytes) = input;
    cut_frames(&mut received, &bytes);
    (received, bytes)
}

fn one_small_batch() -> &'static [u8] {
    produce_request(1, &batch(0, 100, Codec::None)).leak()
}

fn sixteen_partitions() -> &'static [u8] {
    produce_request(16, &batch(BATCH_BYTES, 1024, Codec::None)).leak()
}

#[library_benchmark]
#[bench::one_small_batch(setup = one_small_batch)]
#[bench::sixteen_partitions(setup = sixteen_partitions)]
fn produce_decode(frame: &'static [u8]) {
    let mut reader = Reader::new(black_box(&frame[LENGTH_BYTES..]));
    let header = RequestHeader::decode(&mut reader).expect("a header");
    let request = ProduceRequest::decode(&mut reader, header.api_version).expect("a request");
    black_box((&header, &request));
}

fn one_record() -> &'static [u8] {
    batch(0, 100, Codec::None).leak()
}

fn records_of_100_bytes() -> &'static [u8] {
    batch(BATCH_BYTES, 100, Codec::None).leak()
}

fn records_of_1_kib() -> &'static [u8] {
    batch(BATCH_BYTES, 1024, Codec::None).leak()
}

fn compressed() -> &'static [u8] {
    batch(BATCH_BYTES, 1024, Codec::Lz4).leak()
}

#[library_benchmark]
#[bench::one_record(setup = one_record)]
#[bench::records_of_100_bytes(setup = records_of_100_bytes)]
#[bench::records_of_1_kib(setup = records_of_1_kib)]
#[bench::compressed(setup = compressed)]
fn batch_check_and_stamp(batch: &'static [u8]) -> [u8; HEADER_BYTES] {
    let options = ValidateOptions {
        topic: "orders",
        partition: PartitionIndex(0),
        origin: Origin::Client {
            produce_version: PRODUCE_VERSION,
        },
        now: NOW.wall,
        max_message_bytes: 1_048_588,
        timestamp_type: TimestampType::CreateTime,
        before_max_ms: i64::MAX,
        after_max_ms: 3_600_000,
        compacted: false,
        compression: TopicCompression::Producer,
        validate_compressed: false,
        inflated_bytes_max: INFLATED_BATCH_BYTES_MAX,
    };
    let valid = validate(black_box(batch), &options).expect("a valid batch");
    let payload = &batch[HEADER_BYTES..];
    valid
        .stamped_header(payload, Offset(1_000_000), LeaderEpoch(3))
        .encode()
}

library_benchmark_group!(
    name = wire_scenarios,
    benchmarks = [frame_split, produce_decode, batch_check_and_stamp]
);
