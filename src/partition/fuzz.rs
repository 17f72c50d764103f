//! A partition under arbitrary events, beside a plain model of what it must do.
//!
//! The model holds the batches in a list, the memory and the disk as bytes. It carries out the partition's effects at
//! arbitrary moments, fails some, and cuts the power; every answer is checked against the list and the bytes.

mod disk;
mod producers;

use std::collections::BTreeMap;

use super::{Acks, AppendError, Appended, Effect, Effects, Isolation, Partition};
use crate::base::{LeaderEpoch, MonoMs, Now, Offset, ProducerEpoch, ProducerId, TimestampMs};
use crate::log::write_plan::{IoFailed, ReserveError};
use crate::log::{
    ActiveSegment, BatchInfo, Durability, LeaderEpochs, Log, LogConfig, ReadPlan, ReadStep,
    RecoveredLog, ScanFrom, Segment,
};
use crate::protocol::ErrorCode;
use disk::Disk;
use producers::NaiveProducers;

const EVENTS_MAX: usize = 600;

/// Fuzz entry: the bytes are a sequence of events. Panics where the partition and the model disagree.
pub fn fuzz_partition(bytes: &[u8]) {
    let mut input = Input(bytes);
    let mut world = World::new(&mut input);
    for _ in 0..EVENTS_MAX {
        if input.0.is_empty() {
            break;
        }
        world.event(&mut input);
        world.check();
    }
    world.settle();
    world.check();
}

/// The bytes that decide what happens; zeros once they are used up.
struct Input<'a>(&'a [u8]);

impl Input<'_> {
    fn byte(&mut self) -> u8 {
        match self.0.split_first() {
            Some((&first, rest)) => {
                self.0 = rest;
                first
            }
            None => 0,
        }
    }

    fn one_in(&mut self, n: u8) -> bool {
        self.byte().is_multiple_of(n)
    }

    fn below(&mut self, n: u32) -> u32 {
        (u32::from(self.byte()) << 8 | u32::from(self.byte())) % n.max(1)
    }
}

/// A batch that is part of the log.
#[derive(Clone, Copy, Debug)]
struct Stored {
    info: BatchInfo,
    segment: Offset,
    position: u32,
    base_offset: Offset,
    end_offset: Offset,
}

/// A produce that waits for its answer.
#[derive(Clone, Copy, Debug)]
struct Waiting {
    acks: Acks,
    end_offset: Offset,
}

struct World {
    partition: Partition,
    config: LogConfig,
    now: Now,
    batches: Vec<Stored>,
    producers: NaiveProducers,
    disk: Disk,
    waiting: BTreeMap<u64, Waiting>,
    watching: BTreeMap<u64, Offset>,
    /// Below it, batches have been acknowledged as written, and as durable.
    acked_written: Offset,
    acked_durable: Offset,
    tokens: u64,
    effects: Effects,
}

impl World {
    fn new(input: &mut Input<'_>) -> World {
        let config = LogConfig {
            segment_bytes: 20_000,
            segment_ms: 5_000,
            index_interval_bytes: 2_000,
            retention_ms: Some(20_000),
            retention_bytes: (input.one_in(2)).then_some(50_000),
            producer_id_expiration_ms: 15_000,
            durability: if input.one_in(4) {
                Durability::Write
            } else {
                Durability::Fsync
            },
            flush_messages: if input.one_in(4) { 10 } else { i64::MAX },
            preallocate: input.one_in(4),
            ..LogConfig::default()
        };
        let now = Now {
            wall: TimestampMs(1_000_000),
            mono: MonoMs(0),
        };
        let mut partition = Partition::new(now, config.clone(), LeaderEpoch(0));
        partition.set_write_bytes_max(12_000);
        World {
            partition,
            config,
            now,
            batches: Vec::new(),
            producers: NaiveProducers::default(),
            disk: Disk::default(),
            waiting: BTreeMap::new(),
            watching: BTreeMap::new(),
            acked_written: Offset::ZERO,
            acked_durable: Offset::ZERO,
            tokens: 0,
            effects: Effects::new(),
        }
    }

    fn event(&mut self, input: &mut Input<'_>) {
        match input.byte() % 32 {
            0..=9 => self.append(input),
            10..=14 => self.finish_io(input.byte()),
            15..=16 => self.finish_io_all(),
            17..=19 => self.read(input),
            20 => self.watch(input),
            21 => self.cancel(input),
            22..=23 => self.pass_time(input),
            24 => self.retention(),
            25 => self.advance_start(input),
            26 => self.truncate(input),
            27 => self.partition.roll(self.now, &mut self.effects),
            28 => self.lead(),
            29 => self.evict(input),
            30 => self.fail_io(input),
            _ => self.crash(input),
        }
        self.apply();
    }

    fn append(&mut self, input: &mut Input<'_>) {
        let info = self.some_batch(input);
        let acks = [Acks::None, Acks::Leader, Acks::All][input.byte() as usize % 3];
        let token = self.next_token();
        let refused =
            self.partition.unavailable().is_some() || self.partition.writes().is_out_of_space();
        let expected = self.producers.judge(&info);
        let end = self.partition.log().log_end_offset();
        let result = self
            .partition
            .append(self.now, &info, acks, token, &mut self.effects);
        let end_offset = match result {
            Ok(Appended::Stored { plan, .. }) => {
                assert!(!refused);
                assert_eq!(expected, Ok(None));
                assert_eq!(plan.base_offset, end);
                self.store(info, plan.segment, plan.position, end)
            }
            Ok(Appended::Duplicate(duplicate)) => {
                assert_eq!(expected, Ok(Some(duplicate.base_offset)));
                duplicate.last_offset.next()
            }
            Err(AppendError::Log(error)) => {
                assert_eq!(expected, Err(error.code()));
                return;
            }
            Err(_) => return assert!(refused),
        };
        if acks != Acks::None {
            self.waiting.insert(token, Waiting { acks, end_offset });
        }
        if !input.one_in(4) {
            self.partition.pump(&mut self.effects);
        }
    }

    fn some_batch(&mut self, input: &mut Input<'_>) -> BatchInfo {
        let count = 1 + i32::from(input.byte() % 4);
        let producer = ProducerId(i64::from(input.byte() % 4) - 1);
        let time = TimestampMs(self.now.wall.0 - i64::from(input.byte() % 8) * 100);
        let (epoch, sequence) = self.producers.suggest(producer, input.byte());
        BatchInfo {
            size_bytes: 61 + input.below(9_000),
            last_offset_delta: count - 1,
            record_count: count,
            base_timestamp: time,
            max_timestamp: time,
            producer_id: producer,
            producer_epoch: ProducerEpoch(epoch),
            base_sequence: sequence,
            transactional: false,
            control: false,
        }
    }

    fn store(&mut self, info: BatchInfo, segment: Offset, position: u32, base: Offset) -> Offset {
        let end_offset = base.plus(i64::from(info.last_offset_delta) + 1);
        self.disk.fill(segment, position, info.size_bytes, base);
        self.producers.append(&info, base);
        self.batches.push(Stored {
            info,
            segment,
            position,
            base_offset: base,
            end_offset,
        });
        end_offset
    }

    fn next_token(&mut self) -> u64 {
        self.tokens += 1;
        self.tokens
    }

    /// Takes the effects: starts I/O, checks answers.
    fn apply(&mut self) {
        let effects: Vec<Effect> = self.effects.drain().collect();
        for effect in effects {
            match effect {
                Effect::Ack { token, result } => self.acked(token, result),
                Effect::Wake { token } => self.woken(token),
                Effect::Delete(deleted) => self.disk.delete(deleted.segment),
                Effect::Truncate {
                    segment,
                    size_bytes,
                } => self.disk.truncate(segment, size_bytes),
                Effect::WriteEpochs => {}
                Effect::Write(op) => self.disk.start_write(op),
                Effect::Sync(op) => self.disk.start_sync(op),
                Effect::Seal(seal) => {
                    let closed = self.partition.log().segments();
                    let known = closed
                        .into_iter()
                        .find(|s| s.base_offset == seal.op.segment);
                    assert!(known.is_none_or(|s| s.size_bytes == seal.op.size_bytes));
                    self.disk.start_seal(seal.op);
                }
                Effect::Reserve(op) => self.disk.start_reserve(op),
            }
        }
    }

    fn acked(&mut self, token: u64, result: Result<(), ErrorCode>) {
        let waiting = self
            .waiting
            .remove(&token)
            .expect("answered once, and only if parked");
        if let Err(code) = result {
            return assert!(matches!(
                code,
                ErrorCode::KafkaStorageError | ErrorCode::NotLeaderOrFollower
            ));
        }
        let end = waiting.end_offset;
        self.acked_written = self.acked_written.max(end);
        if waiting.acks == Acks::All && self.config.durability == Durability::Fsync {
            self.acked_durable = self.acked_durable.max(end);
        }
        let needs_durable = self.acked_durable;
        let below = self.batches.iter().rev().filter(|b| b.end_offset <= end);
        for batch in below.take(8) {
            assert!(self.disk.is_written(batch), "{batch:?} was acknowledged");
            if batch.end_offset <= needs_durable {
                assert!(self.disk.is_durable(batch), "{batch:?} was acknowledged");
            }
        }
    }

    fn woken(&mut self, token: u64) {
        let offset = self
            .watching
            .remove(&token)
            .expect("woken once, and only if watching");
        let moved = self.partition.high_watermark() > offset;
        assert!(moved || self.waiting.is_empty());
    }

    /// Completes the `which`th operation in flight, or submits the sync.
    fn finish_io(&mut self, which: u8) {
        let (partition, out) = (&mut self.partition, &mut self.effects);
        match which % 5 {
            4 => {
                partition.sync_begins();
                self.disk.sync_begins();
            }
            0 if self.disk.finish_write() => partition.on_written(Ok(()), out),
            1 if self.disk.finish_sync() => partition.on_synced(Ok(()), out),
            2 if self.disk.finish_seal() => partition.on_sealed(Ok(()), out),
            3 if self.disk.finish_reserve() => partition.on_reserved(Ok(()), out),
            _ => {}
        }
    }

    fn finish_io_all(&mut self) {
        for which in 0..5 {
            self.finish_io(which);
            self.apply();
        }
    }

    fn fail_io(&mut self, input: &mut Input<'_>) {
        let (partition, out) = (&mut self.partition, &mut self.effects);
        match input.byte() % 8 {
            0 if self.disk.lose_write() => partition.on_written(Err(IoFailed), out),
            1 if self.disk.lose_sync() => partition.on_synced(Err(IoFailed), out),
            2 if self.disk.lose_seal() => partition.on_sealed(Err(IoFailed), out),
            3..=5 if self.disk.lose_reserve() => {
                partition.on_reserved(Err(ReserveError::NoSpace), out);
            }
            _ => partition.retry_reserve(out),
        }
    }

    fn read(&mut self, input: &mut Input<'_>) {
        let end = self.partition.log().log_end_offset().0;
        let offset = Offset(i64::from(input.below(end as u32 + 3)) - 1);
        let (max_bytes, min_one) = (input.below(30_000), input.one_in(2));
        let isolation = Isolation::ReadUncommitted;
        let step = self.partition.read(offset, max_bytes, isolation, min_one);
        let start = self.partition.log().log_start_offset();
        match step {
            Err(ErrorCode::OffsetOutOfRange) => assert!(offset < start || offset.0 > end),
            Err(_) => assert!(self.partition.unavailable().is_some()),
            Ok(ReadStep::Empty) => self.check_empty(offset, max_bytes, min_one),
            Ok(ReadStep::Plan(plan)) => self.check_plan(offset, max_bytes, min_one, plan),
            Ok(ReadStep::Cold(cold)) => {
                let batch = self.batch_at(offset);
                assert_eq!(cold.segment, batch.segment);
                assert!(cold.end_position >= batch.position + batch.info.size_bytes);
                match cold.scan_from {
                    ScanFrom::Position(from) => assert!(from <= batch.position),
                    // The file is there once the segment has been sealed.
                    ScanFrom::IndexFile => {
                        assert!(!self.partition.writes().is_unsealed(cold.segment))
                    }
                }
            }
        }
    }

    fn check_empty(&self, offset: Offset, max_bytes: u32, min_one: bool) {
        let nothing_there = offset >= self.partition.high_watermark();
        let too_large = || self.batch_at(offset).info.size_bytes > max_bytes;
        assert!(nothing_there || (!min_one && too_large()));
    }

    fn check_plan(&self, offset: Offset, max_bytes: u32, min_one: bool, plan: ReadPlan) {
        let first = self.batch_at(offset);
        assert_eq!(
            (plan.segment, plan.position),
            (first.segment, first.position)
        );
        let within =
            |b: &&Stored| b.base_offset >= first.base_offset && b.end_offset <= plan.next_offset;
        let range: Vec<&Stored> = self.batches.iter().filter(within).collect();
        assert!(range.iter().all(|b| b.segment == plan.segment));
        assert_eq!(
            range.iter().map(|b| b.info.size_bytes).sum::<u32>(),
            plan.len
        );
        assert!(plan.next_offset <= self.partition.high_watermark());
        assert!(plan.len <= max_bytes || (min_one && range.len() == 1));
        let next = self
            .batches
            .iter()
            .find(|b| b.base_offset == plan.next_offset);
        let more = next.is_some_and(|b| {
            b.segment == plan.segment
                && b.end_offset <= self.partition.high_watermark()
                && plan.len + b.info.size_bytes <= max_bytes
        });
        assert!(!more, "the read ends before it must");
    }

    fn batch_at(&self, offset: Offset) -> &Stored {
        self.batches
            .iter()
            .find(|b| b.end_offset > offset)
            .expect("the offset is in the log")
    }

    fn watch(&mut self, input: &mut Input<'_>) {
        let token = self.next_token();
        let ahead = i64::from(input.byte() % 8);
        let offset = self.partition.high_watermark().plus(ahead - 2);
        if self.partition.watch(token, offset) {
            self.watching.insert(token, offset);
        }
        if input.one_in(4) {
            assert_eq!(
                self.partition.unwatch(token),
                self.watching.remove(&token).is_some()
            );
        }
    }

    fn cancel(&mut self, input: &mut Input<'_>) {
        let count = self.waiting.len().max(1);
        let token = self
            .waiting
            .keys()
            .nth(input.byte() as usize % count)
            .copied();
        if let Some(token) = token {
            assert!(self.partition.cancel(token));
            self.waiting.remove(&token);
        }
    }

    fn pass_time(&mut self, input: &mut Input<'_>) {
        let ms = i64::from(input.byte()) * 16;
        self.now.wall.0 += ms;
        self.now.mono = self.now.mono.plus_ms(ms);
        self.partition.tick(self.now, &mut self.effects);
        self.partition.expire_producers(self.now);
        self.producers
            .expire(self.now.wall, self.config.producer_id_expiration_ms);
    }

    fn retention(&mut self) {
        let before = self.partition.log().log_start_offset();
        self.partition.retention(self.now, &mut self.effects);
        let log = self.partition.log();
        assert!(log.log_start_offset() >= before);
        let gone = log.segments().next().map(|s| s.base_offset);
        self.batches
            .retain(|b| gone.is_none_or(|first| b.segment >= first));
    }

    fn advance_start(&mut self, input: &mut Input<'_>) {
        let end = self.partition.log().log_end_offset().0 as u32;
        let target = Offset(i64::from(input.below(end + 2)));
        let moved = self.partition.advance_start(target, &mut self.effects);
        if self.partition.unavailable().is_none() {
            assert_eq!(moved.is_ok(), target <= self.partition.high_watermark());
        }
    }

    fn truncate(&mut self, input: &mut Input<'_>) {
        let end = self.partition.log().log_end_offset();
        let target = end.plus(-i64::from(input.byte() % 8));
        let idle = self.partition.writes().is_idle();
        let done = match self.partition.truncate(self.now, target, &mut self.effects) {
            Ok(done) => done,
            Err(super::TruncateError::Busy) => return assert!(!idle),
            Err(super::TruncateError::Cold(cold)) => {
                let cut = self.batch_at(cold.target).base_offset;
                let kept = self.active_segment(cold.segment, cut);
                let done = self.partition.truncate_with(kept, cut, &mut self.effects);
                done.expect("it was not busy")
            }
        };
        if done.segment.is_none() {
            return;
        }
        self.apply();
        let end = self.partition.log().log_end_offset();
        self.batches.retain(|b| b.end_offset <= end);
        self.acked_written = self.acked_written.min(end);
        self.acked_durable = self.acked_durable.min(end);
        self.producers.truncate(end);
        if self.partition.log().producers().is_empty() {
            self.producers.clear();
        }
        if done.rebuild_producers {
            self.partition.set_producers(self.producers.replayed());
        }
    }

    fn lead(&mut self) {
        let next = LeaderEpoch(self.partition.leader_epoch().0 + 1);
        self.partition.lead(next, &mut self.effects);
        assert_eq!(self.partition.check_leader_epoch(Some(next)), Ok(()));
    }

    fn evict(&mut self, input: &mut Input<'_>) {
        let (segment, written) = self.partition.writes().position();
        self.partition
            .log
            .evict_recent(segment, input.below(written + 1));
    }

    /// The process dies, or the power goes; what the disk then holds is recovered.
    fn crash(&mut self, input: &mut Input<'_>) {
        let power = input.one_in(2);
        self.disk.crash(power);
        let start = self.partition.log().log_start_offset();
        let broken = self.batches.iter().position(|b| !self.disk.is_written(b));
        self.batches.truncate(broken.unwrap_or(self.batches.len()));
        let log_end = self.batches.last().map_or(start, |b| b.end_offset);
        let acked = if power {
            self.acked_durable
        } else {
            self.acked_written
        };
        assert!(log_end >= acked, "an acknowledged batch is lost");
        self.recover(start.min(log_end), log_end);
    }

    fn recover(&mut self, start: Offset, log_end: Offset) {
        let mut bases: Vec<Offset> = self.batches.iter().map(|b| b.segment).collect();
        bases.dedup();
        let active = bases.pop().unwrap_or(log_end);
        self.producers.truncate(log_end);
        let found = RecoveredLog {
            closed: bases
                .iter()
                .map(|&base| self.active_segment(base, log_end).segment)
                .collect::<Vec<Segment>>(),
            active: self.active_segment(active, log_end),
            log_start_offset: start,
            log_end_offset: log_end,
            epochs: LeaderEpochs::default(),
            producers: self.producers.replayed(),
        };
        let epoch = self.partition.leader_epoch();
        let log = Log::recovered(self.config.clone(), found).expect("segments are in order");
        let reserved = self.disk.recovered(active, log.active().segment.size_bytes);
        self.partition = Partition::recovered(self.now, log, epoch, reserved);
        self.partition.set_write_bytes_max(12_000);
        self.acked_written = log_end;
        self.acked_durable = log_end;
        self.waiting.clear();
        self.watching.clear();
        self.effects = Effects::new();
    }

    /// A segment as a scan up to `end` would find it.
    fn active_segment(&self, base: Offset, end: Offset) -> ActiveSegment {
        let mut kept = ActiveSegment::empty(base, self.now.wall);
        let inside = |b: &&Stored| b.segment == base && b.end_offset <= end;
        for batch in self.batches.iter().filter(inside) {
            let last_offset = batch.end_offset.plus(-1);
            kept.push(&self.config, self.now.wall, &batch.info, last_offset);
        }
        kept
    }

    /// Lets all I/O complete: then nobody waits.
    fn settle(&mut self) {
        if self.partition.unavailable().is_some() {
            return;
        }
        self.partition.retry_reserve(&mut self.effects);
        self.partition.flush(&mut self.effects);
        self.apply();
        for _ in 0..10_000 {
            if self.partition.is_settled() && self.disk.is_idle() {
                break;
            }
            self.finish_io_all();
        }
        assert!(self.partition.is_settled(), "the I/O comes to an end");
        assert!(self.waiting.is_empty(), "everyone is answered");
    }

    fn check(&self) {
        self.partition.invariants();
        assert_eq!(self.partition.parked_acks(), self.waiting.len());
        assert_eq!(self.partition.watchers(), self.watching.len());
        let high_watermark = self.partition.high_watermark();
        for batch in self.batches.iter().rev() {
            if batch.end_offset <= high_watermark {
                assert!(self.disk.is_written(batch));
                break;
            }
        }
        let end = self.batches.last().map(|b| b.end_offset);
        assert!(end.is_none_or(|end| end == self.partition.log().log_end_offset()));
    }
}
