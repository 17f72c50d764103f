//! What a partition does for a produce and for a fetch.

use std::hint::black_box;

use gungraun::{library_benchmark, library_benchmark_group};

use ringlog::base::{LeaderEpoch, Offset, ProducerEpoch, ProducerId, TimestampMs};
use ringlog::log::index::{OffsetIndexFile, encode_offsets};
use ringlog::log::{BatchInfo, LogConfig, OffsetEntry, ReadStep, SparseIndex};
use ringlog::partition::{Acks, Effect, Effects, Isolation, Partition};
use ringlog::protocol::messages::fetch::{FetchResponse, FetchableTopicResponse};
use ringlog::protocol::{Encoded, ErrorCode, encode_response};
use ringlog::shard::fetch::partition_data;
use ringlog::shard::messages::FetchPart;

use crate::inputs::{BATCH_BYTES, NOW, Noise};

/// Appends between two looks at what to write: what one large request brings to a shard.
const APPENDS_PER_PUMP: usize = 16;

fn partition_of(config: LogConfig) -> Partition {
    Partition::new(NOW, config, LeaderEpoch(0))
}

/// A batch of 64 records, from one of 50 producers or, with none, from a plain one.
fn batch_info(number: i32, producers: i32) -> BatchInfo {
    let producer = number.checked_rem(producers);
    BatchInfo {
        size_bytes: BATCH_BYTES as u32,
        last_offset_delta: 63,
        record_count: 64,
        base_timestamp: TimestampMs(NOW.wall.0 - 5),
        max_timestamp: NOW.wall,
        producer_id: producer.map_or(ProducerId::NONE, |id| ProducerId(id.into())),
        producer_epoch: ProducerEpoch(if producer.is_some() { 0 } else { -1 }),
        base_sequence: number.checked_div(producers).map_or(-1, |turn| turn * 64),
        transactional: false,
        control: false,
    }
}

/// Appends, then carries out what is asked for until nothing is: a disk that is always done at once.
fn append_all(partition: &mut Partition, batches: &[BatchInfo]) {
    let (mut asked, mut more) = (Effects::new(), Effects::new());
    for (turn, some) in batches.chunks(APPENDS_PER_PUMP).enumerate() {
        for (place, batch) in some.iter().enumerate() {
            let token = (turn * APPENDS_PER_PUMP + place) as u64;
            let appended = partition.append(NOW, batch, Acks::All, token, &mut asked);
            black_box(appended).expect("room for a batch");
        }
        partition.pump(&mut asked);
        while !asked.is_empty() {
            for effect in asked.drain() {
                match effect {
                    Effect::Reserve(_) => partition.on_reserved(Ok(()), &mut more),
                    Effect::Write(_) => partition.on_written(Ok(()), &mut more),
                    Effect::Sync(_) => partition.on_synced(Ok(()), &mut more),
                    Effect::Seal(_) => partition.on_sealed(Ok(()), &mut more),
                    other => drop(black_box(other)),
                }
            }
            std::mem::swap(&mut asked, &mut more);
        }
    }
}

fn appends(producers: i32) -> (Partition, Vec<BatchInfo>) {
    let batches = (0..1024).map(|number| batch_info(number, producers));
    (partition_of(LogConfig::default()), batches.collect())
}

#[library_benchmark]
#[bench::plain(args = (0), setup = appends)]
#[bench::idempotent(args = (50), setup = appends)]
fn append_plan(input: (Partition, Vec<BatchInfo>)) -> (Partition, Vec<BatchInfo>) {
    let (mut partition, batches) = input;
    append_all(&mut partition, &batches);
    assert_eq!(partition.high_watermark(), Offset(1024 * 64));
    (partition, batches)
}

/// Where the index of a full segment of 1 GiB leads, and what to look for in it.
fn index_entries() -> (Vec<OffsetEntry>, Vec<Offset>) {
    let mut noise = Noise::new(0x1dec);
    let entries = (1..=262_000).map(|entry| OffsetEntry {
        relative_offset: entry * 40,
        position: entry * 4096,
    });
    let targets = (0..1000).map(|_| Offset(noise.below(262_000 * 40) as i64));
    (entries.collect(), targets.collect())
}

fn index_in_memory() -> (SparseIndex, Vec<Offset>) {
    let (entries, targets) = index_entries();
    (SparseIndex::from_entries(entries, Vec::new(), 0), targets)
}

fn index_file() -> (Vec<u8>, Vec<Offset>) {
    let (entries, targets) = index_entries();
    (encode_offsets(&entries), targets)
}

#[library_benchmark]
#[bench::a_thousand(setup = index_in_memory)]
fn index_lookup(input: (SparseIndex, Vec<Offset>)) -> (SparseIndex, Vec<Offset>) {
    let (index, targets) = input;
    for target in &targets {
        black_box(index.position_for(Offset::ZERO, *target));
    }
    (index, targets)
}

#[library_benchmark]
#[bench::a_thousand(setup = index_file)]
fn index_file_lookup(input: (Vec<u8>, Vec<Offset>)) -> (Vec<u8>, Vec<Offset>) {
    let (bytes, targets) = input;
    let file = OffsetIndexFile::new(&bytes, bytes.len() as u64, Offset::ZERO);
    let file = file.expect("whole entries");
    for target in &targets {
        black_box(file.position_before(*target)).expect("memory");
    }
    (bytes, targets)
}

/// Partitions that all hold the same 256 batches, and where a consumer is in each.
struct Reading {
    partitions: Vec<Partition>,
    offsets: Vec<Offset>,
}

fn reading(partitions: usize, offset: impl FnMut(u64) -> i64) -> Reading {
    let batches: Vec<_> = (0..256).map(|number| batch_info(number, 0)).collect();
    let filled = || {
        let mut partition = partition_of(LogConfig::default());
        append_all(&mut partition, &batches);
        partition
    };
    Reading {
        partitions: std::iter::repeat_with(filled).take(partitions).collect(),
        offsets: (0..partitions as u64).map(offset).map(Offset).collect(),
    }
}

fn sixteen_partitions() -> Reading {
    let mut noise = Noise::new(0xfe7c);
    reading(16, |_| noise.below(200 * 64) as i64)
}

fn nothing_new_in_a_thousand() -> Reading {
    reading(1000, |_| 256 * 64)
}

/// What a fetch answers of one partition.
fn part(partition: &Partition, offset: Offset) -> FetchPart {
    let offsets = partition.offsets();
    let read = partition.read(offset, 1 << 20, Isolation::ReadUncommitted, true);
    let record_bytes = match black_box(read) {
        Ok(ReadStep::Plan(plan)) => plan.len as usize,
        Ok(_) => 0,
        Err(error) => return FetchPart::failed(error),
    };
    FetchPart {
        high_watermark: offsets.high_watermark.get(),
        last_stable_offset: offsets.last_stable.get(),
        log_start_offset: offsets.log_start.get(),
        record_bytes,
        ..FetchPart::failed(ErrorCode::None)
    }
}

#[library_benchmark]
#[bench::sixteen_partitions(setup = sixteen_partitions)]
#[bench::nothing_new_in_a_thousand(setup = nothing_new_in_a_thousand)]
fn fetch_plan_and_encode(reading: Reading) -> (Reading, Encoded) {
    let asked = reading.partitions.iter().zip(&reading.offsets);
    let partitions = asked.enumerate().map(|(index, (partition, offset))| {
        partition_data(17, index as i32, &part(partition, *offset), false)
    });
    let response = FetchResponse {
        session_id: 77,
        responses: vec![FetchableTopicResponse {
            partitions: partitions.collect(),
            ..Default::default()
        }],
        ..Default::default()
    };
    let encoded = encode_response(7, 17, &response).expect("an ordinary answer");
    (reading, encoded)
}

library_benchmark_group!(
    name = partition_scenarios,
    benchmarks = [
        append_plan,
        index_lookup,
        index_file_lookup,
        fetch_plan_and_encode
    ]
);
