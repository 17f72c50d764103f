//! The consumers of all modes.
//!
//! A consumer has a connection to each node that leads some of its partitions, and one fetch in flight on it, within an
//! incremental fetch session (KIP-227), as Kafka's own consumers do. It looks at every record, as any consumer must.

use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use crate::base::limits::INFLATED_BATCH_BYTES_MAX;
use crate::bench::client::{CLIENT_ID, Client};
use crate::bench::cluster::{EARLIEST, LATEST, Place, Topic, offsets};
use crate::bench::crew::{Hands, Open, Schedule, Start};
use crate::bench::error::{BenchError, error_name};
use crate::bench::lane::{self, Bounds, Next, Work};
use crate::bench::meter::Meter;
use crate::bench::outcome::{Flow, Kind};
use crate::bench::payload::Stamp;
use crate::io::send_queue::Piece;
use crate::protocol::messages::fetch::{FetchPartition, FetchTopic, PartitionData};
use crate::protocol::messages::{FetchRequest, FetchResponse};
use crate::protocol::records::{BatchView, Batches};
use crate::protocol::{ApiKey, ErrorCode, Message, encode_request};

/// What a fetch may bring of one partition and in all, as consumers have it by default.
const PARTITION_BYTES: i32 = 1 << 20;

/// What all consumers of a run have in common.
#[derive(Debug)]
pub struct Fetching {
    /// The topics.
    pub topics: Vec<Topic>,
    /// Bytes of a fetch at the most.
    pub max_bytes: i32,
    /// How long a fetch waits for records.
    pub max_wait_ms: i32,
    /// What it waits for.
    pub min_bytes: i32,
    /// Whether checksums and offsets are checked, too.
    pub verify: bool,
    /// What stamps say.
    pub run: u32,
    /// How long an answer may take.
    pub bounds: Bounds,
}

/// Where a consumer begins and ends.
#[derive(Clone, Debug)]
pub enum Span {
    /// From the start of the log to what is its end when the run starts; and then again, if it is to be repeated.
    Whole {
        /// Again and again.
        repeat: bool,
    },
    /// From the end of the log on, until these producers are done and all that they sent is read.
    Tail(Arc<AtomicUsize>),
}

/// What a consumer's work counts as.
#[derive(Clone, Debug)]
pub struct Counting {
    /// Usually.
    pub kind: Kind,
    /// Something else for as long as others read beside it.
    pub beside: Option<(Arc<Reading>, Kind)>,
    /// How long after the measuring began it starts; 0 is with everything else.
    pub starts_after_us: u64,
}

impl Counting {
    /// The same from start to end.
    pub const fn plain(kind: Kind) -> Counting {
        Counting {
            kind,
            beside: None,
            starts_after_us: 0,
        }
    }
}

/// When consumers read for the first and for the last time.
#[derive(Debug)]
pub struct Reading {
    first_us: AtomicU64,
    last_us: AtomicU64,
    /// Connections that have not come to their end.
    left: AtomicUsize,
}

impl Default for Reading {
    fn default() -> Reading {
        Reading {
            first_us: AtomicU64::new(u64::MAX),
            last_us: AtomicU64::new(0),
            left: AtomicUsize::new(0),
        }
    }
}

impl Reading {
    fn note(&self, sent_us: u64, now_us: u64) {
        self.first_us.fetch_min(sent_us, Ordering::Relaxed);
        self.last_us.fetch_max(now_us, Ordering::Relaxed);
    }

    /// Whether anything has been read, and not all.
    pub fn is_under_way(&self) -> bool {
        self.first_us.load(Ordering::Relaxed) != u64::MAX && !self.is_done()
    }

    /// Whether everything has been read.
    pub fn is_done(&self) -> bool {
        self.left.load(Ordering::Relaxed) == 0
    }

    /// How long it took from the first request to the last answer.
    pub fn span_us(&self) -> u64 {
        let last = self.last_us.load(Ordering::Relaxed);
        last.saturating_sub(self.first_us.load(Ordering::Relaxed))
    }
}

/// A connection that reads these partitions of one node.
pub fn lane(
    fetching: Arc<Fetching>,
    address: String,
    places: Vec<Place>,
    span: Span,
    counting: Counting,
    reading: Arc<Reading>,
) -> Open {
    Box::new(move |hands: &Rc<Hands>| -> Result<Start, BenchError> {
        let mut client = Client::connect(&address, fetching.bounds.timeout)?;
        let version = client.version_of(ApiKey::Fetch)?;
        let latest = offsets(&mut client, &fetching.topics, &places, LATEST)?;
        let from = match span {
            Span::Tail(_) => latest.clone(),
            Span::Whole { .. } => offsets(&mut client, &fetching.topics, &places, EARLIEST)?,
        };
        let slots = places.iter().zip(from).zip(latest);
        let slots = slots.map(|((place, from), end)| Slot {
            place: *place,
            from,
            next: from,
            end,
        });
        let slots: Vec<Slot> = slots.collect();
        let hands = hands.clone();
        Ok(Box::new(move |schedule| {
            let (bounds, timers) = (fetching.bounds, hands.timers.clone());
            let how = (span, counting, reading);
            let fetcher = Fetcher::new(fetching, slots, version, how, schedule, &hands);
            Box::pin(lane::run(client, fetcher, bounds, timers))
        }))
    })
}

/// A partition that is read.
#[derive(Clone, Copy, Debug)]
struct Slot {
    place: Place,
    from: i64,
    next: i64,
    end: i64,
}

struct Fetcher {
    fetching: Arc<Fetching>,
    slots: Vec<Slot>,
    by_place: HashMap<Place, usize>,
    version: i16,
    span: Span,
    counting: Counting,
    reading: Arc<Reading>,
    start_us: u64,
    end_us: u64,
    meter: Rc<Meter>,
    session: Session,
    /// Whether everything had been produced before the fetch in flight was sent.
    was_produced: bool,
    is_awaiting: bool,
    is_over: bool,
}

/// What the broker remembers of what is read.
#[derive(Debug)]
struct Session {
    id: i32,
    epoch: i32,
    /// Partitions whose place the broker does not know.
    changed: BTreeSet<usize>,
}

impl Session {
    fn new(slots: usize) -> Session {
        Session {
            id: 0,
            epoch: 0,
            changed: (0..slots).collect(),
        }
    }

    /// Takes the answer to the last fetch. Without a session, the next one begins with everything again.
    fn advance(&mut self, id: i32, slots: usize) {
        match id {
            0 => *self = Session::new(slots),
            id => {
                self.id = id;
                self.epoch = self.epoch.checked_add(1).unwrap_or(1);
            }
        }
    }
}

impl Fetcher {
    fn new(
        fetching: Arc<Fetching>,
        slots: Vec<Slot>,
        version: i16,
        (span, counting, reading): (Span, Counting, Arc<Reading>),
        schedule: Schedule,
        hands: &Hands,
    ) -> Fetcher {
        let places = slots.iter().enumerate();
        if matches!(span, Span::Whole { .. }) && slots.iter().any(|slot| slot.from < slot.end) {
            reading.left.fetch_add(1, Ordering::Relaxed);
        }
        let after = |us: u64| schedule.measure_us.saturating_add(us);
        Fetcher {
            by_place: places.map(|(index, slot)| (slot.place, index)).collect(),
            session: Session::new(slots.len()),
            start_us: match counting.starts_after_us {
                0 => schedule.start_us,
                later => after(later),
            },
            end_us: match span {
                // It ends by what was produced.
                Span::Tail(_) => u64::MAX,
                Span::Whole { .. } => schedule.end_us,
            },
            meter: hands.meter.clone(),
            was_produced: false,
            is_awaiting: false,
            is_over: false,
            fetching,
            slots,
            version,
            span,
            counting,
            reading,
        }
    }

    fn kind(&self) -> Kind {
        match &self.counting.beside {
            Some((others, kind)) if others.is_under_way() => *kind,
            _ => self.counting.kind,
        }
    }

    fn request(&mut self, correlation_id: i32) -> Result<Vec<Piece>, String> {
        // Before version 7 there are no sessions.
        if self.version < 7 {
            self.session = Session::new(self.slots.len());
        }
        let mut topics: Vec<FetchTopic<'_>> = Vec::new();
        let mut last = None;
        for index in &self.session.changed {
            let slot = &self.slots[*index];
            if last.replace(slot.place.topic) != Some(slot.place.topic) {
                let topic = &self.fetching.topics[slot.place.topic];
                topics.push(FetchTopic {
                    topic: &topic.name,
                    topic_id: topic.id,
                    partitions: Vec::new(),
                });
            }
            let partitions = topics.last_mut().map(|topic| &mut topic.partitions);
            partitions.expect("just pushed").push(FetchPartition {
                partition: slot.place.partition,
                fetch_offset: slot.next,
                partition_max_bytes: PARTITION_BYTES,
                ..FetchPartition::default()
            });
        }
        let request = FetchRequest {
            max_wait_ms: self.fetching.max_wait_ms,
            min_bytes: self.fetching.min_bytes,
            max_bytes: self.fetching.max_bytes,
            session_id: if self.version < 7 { 0 } else { self.session.id },
            session_epoch: if self.version < 7 {
                -1
            } else {
                self.session.epoch
            },
            topics,
            ..FetchRequest::default()
        };
        let encoded = encode_request(correlation_id, Some(CLIENT_ID), self.version, &request);
        Ok(vec![Piece::Vec(
            encoded.map_err(|why| why.to_string())?.buf,
        )])
    }

    /// Takes the records of one partition. Tells how many there were.
    fn take(&mut self, index: usize, data: &PartitionData<'_>, now_us: u64) -> u64 {
        let kind = self.kind();
        if data.error_code != ErrorCode::None.code() {
            self.meter
                .fail(kind, now_us, error_name(data.error_code), 1);
            // The broker knows the place, but may have dropped the partition from the session.
            self.session.changed.insert(index);
            return 0;
        }
        let bytes = data
            .records
            .map(|records| records.inline())
            .unwrap_or_default();
        let mut count = 0;
        for batch in Batches::new(bytes) {
            match batch
                .map_err(|fault| fault.to_string())
                .and_then(|view| self.read(index, &view, now_us))
            {
                Ok(records) => count += records,
                Err(_) => {
                    self.meter.fail(kind, now_us, "CORRUPT_BATCH".to_owned(), 1);
                    break;
                }
            }
        }
        if !bytes.is_empty() {
            self.session.changed.insert(index);
        }
        count
    }

    /// Takes the records of a batch that had not been read.
    fn read(&mut self, index: usize, view: &BatchView<'_>, now_us: u64) -> Result<u64, String> {
        let (header, kind) = (view.header(), self.kind());
        let slot = &mut self.slots[index];
        let after = header.last_offset().0.saturating_add(1);
        if after <= slot.next {
            return Ok(0);
        }
        let (base, known) = (header.base_offset.0, slot.next);
        slot.next = after;
        if header.attributes.is_control() {
            return Ok(0);
        }
        if self.fetching.verify {
            view.verify_checksum().map_err(|fault| fault.to_string())?;
            if base > known {
                let lost = (base - known).unsigned_abs();
                self.meter
                    .fail(kind, now_us, "OFFSETS_MISSING".to_owned(), lost);
            }
        }
        let inflated = view
            .inflate(INFLATED_BATCH_BYTES_MAX)
            .map_err(|fault| fault.to_string())?;
        let (mut count, mut bytes, mut stamp) = (0u64, 0u64, None);
        for (n, record) in view.records(&inflated).enumerate() {
            let record = record.map_err(|fault| fault.to_string())?;
            let value = record.value.unwrap_or_default();
            if n == 0 {
                stamp = Stamp::read(value, self.fetching.run);
            }
            if base + i64::from(record.offset_delta) >= known {
                count += 1;
                bytes += (record.key.unwrap_or_default().len() + value.len()) as u64;
            }
        }
        let is_tail = matches!(self.span, Span::Tail(_));
        self.meter.count(kind, now_us, |flow| {
            flow.records += count;
            flow.bytes += bytes;
            if let (true, Some(stamp)) = (is_tail, stamp) {
                note_latencies(flow, &stamp, count, now_us);
            }
        });
        Ok(count)
    }

    fn is_at_end(&self) -> bool {
        self.slots.iter().all(|slot| slot.next >= slot.end)
    }

    /// Whether there is more to do after a fetch that brought so many records.
    fn go_on(&mut self, records: u64) {
        match &self.span {
            Span::Tail(_) => self.is_over = self.was_produced && records == 0,
            Span::Whole { repeat: false } => self.is_over = self.is_at_end(),
            Span::Whole { repeat: true } if self.is_at_end() => {
                for (index, slot) in self.slots.iter_mut().enumerate() {
                    slot.next = slot.from;
                    self.session.changed.insert(index);
                }
            }
            Span::Whole { repeat: true } => {}
        }
        if self.is_over && matches!(self.span, Span::Whole { .. }) {
            self.reading.left.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

fn note_latencies(flow: &mut Flow, stamp: &Stamp, count: u64, now_us: u64) {
    if stamp.step_ns == 0 {
        flow.took_each(now_us.saturating_sub(stamp.first_us), count);
        return;
    }
    for n in 0..count {
        flow.took(now_us.saturating_sub(stamp.due_us(n)));
    }
}

impl Work for Fetcher {
    fn api(&self) -> (ApiKey, i16) {
        (ApiKey::Fetch, self.version)
    }

    fn next(&mut self, now_us: u64, correlation_id: i32) -> Result<Next, String> {
        if self.is_awaiting {
            return Ok(Next::Await);
        }
        let is_empty = matches!(self.span, Span::Whole { .. })
            && self.slots.iter().all(|slot| slot.from >= slot.end);
        if self.is_over || is_empty || now_us >= self.end_us {
            return Ok(Next::Done);
        }
        if now_us < self.start_us {
            return Ok(Next::Wait(self.start_us));
        }
        if let Span::Tail(left) = &self.span {
            self.was_produced = left.load(Ordering::SeqCst) == 0;
        }
        self.is_awaiting = true;
        Ok(Next::Send {
            pieces: self.request(correlation_id)?,
            is_answered: true,
        })
    }

    fn answered(&mut self, body: &[u8], sent_us: u64, now_us: u64) -> Result<(), String> {
        self.is_awaiting = false;
        let response =
            FetchResponse::from_bytes(body, self.version).map_err(|why| why.to_string())?;
        let kind = self.kind();
        if response.error_code != ErrorCode::None.code() {
            // The broker has forgotten the session, or something is wrong altogether.
            self.meter
                .fail(kind, now_us, error_name(response.error_code), 1);
            self.session = Session::new(self.slots.len());
            return Ok(());
        }
        self.session.changed.clear();
        let mut records = 0;
        for topic in &response.responses {
            let is_it = |ours: &Topic| match self.version >= 13 {
                true => topic.topic_id == ours.id,
                false => topic.topic == ours.name,
            };
            let index = self.fetching.topics.iter().position(is_it);
            for data in &topic.partitions {
                let place = index.map(|topic| Place {
                    topic,
                    partition: data.partition_index,
                });
                let index = place.and_then(|place| self.by_place.get(&place).copied());
                records += self.take(
                    index.ok_or("a partition that was not asked for")?,
                    data,
                    now_us,
                );
            }
        }
        self.session.advance(response.session_id, self.slots.len());
        if records > 0 {
            let is_tail = matches!(self.span, Span::Tail(_));
            self.reading.note(sent_us, now_us);
            self.meter.count(kind, now_us, |flow| {
                flow.requests += 1;
                if !is_tail {
                    flow.took(now_us - sent_us);
                }
            });
        }
        self.go_on(records);
        Ok(())
    }
}
