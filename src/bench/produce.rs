//! `ringlog bench produce`, and the producers of the other modes.
//!
//! A producer has a connection to each node that leads some of its partitions, and each such connection its share of the
//! records. Which partition a record goes to is settled by turns, not by hashing its key, so that a short run is as even as
//! a long one.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::base::{ProducerEpoch, ProducerId};
use crate::bench::client::{CLIENT_ID, Client, check};
use crate::bench::cluster::{Cluster, Place, Topic};
use crate::bench::crew::{Crew, Hands, Open, Schedule, Start, deal};
use crate::bench::error::{BenchError, error_name};
use crate::bench::lane::{self, Bounds, Next, Work};
use crate::bench::meter::Meter;
use crate::bench::options::{Acks, ProduceArgs, What};
use crate::bench::outcome::{Kind, Outcome, Watch};
use crate::bench::pacing::{Cut, Cutter, Cutting, Pace, Turn};
use crate::bench::payload::{Batch, Identity, Payloads, Shape, Stamp};
use crate::bench::site::Site;
use crate::bench::values::Values;
use crate::io::clock;
use crate::io::send_queue::Piece;
use crate::protocol::messages::produce::{PartitionProduceData, TopicProduceData};
use crate::protocol::messages::{
    InitProducerIdRequest, InitProducerIdResponse, ProduceRequest, ProduceResponse,
};
use crate::protocol::records::{NO_SEQUENCE, increment_sequence};
use crate::protocol::{ApiKey, Encoded, ErrorCode, Message, Records, encode_request};

/// What brokers answer that cannot give producer ids yet, and how long to wait before asking again.
const NOT_READY: [ErrorCode; 2] = [
    ErrorCode::CoordinatorLoadInProgress,
    ErrorCode::CoordinatorNotAvailable,
];
const NOT_READY_PAUSE: Duration = Duration::from_millis(50);

/// Runs it.
pub fn run(args: &ProduceArgs, watch: &mut Watch<'_>) -> Result<Outcome, BenchError> {
    args.records.shape(false)?;
    let mut site = Site::open(&args.common, &args.topics, true, watch)?;
    let left = Arc::new(AtomicUsize::new(0));
    let producing = site.producing(&args.records, args.length.records, false, left)?;
    let crew = Crew {
        threads: deal(&site.cores, lanes(producing, &site.cluster)),
        kinds: vec![Kind::Produce],
        length: args.length.length(),
        patience: site.timeout,
    };
    let measured = site.run(crew, watch)?;
    let mut what = args.records.describe();
    what.extend(args.length.describe());
    let findings = match args.records.acks {
        Acks::None => vec![(
            "acknowledged",
            "no: with acks 0 records count when they are sent".to_owned(),
        )],
        Acks::Leader | Acks::All => What::new(),
    };
    site.close("produce", what, measured, findings)
}

/// What all producers of a run have in common.
#[derive(Debug)]
pub struct Producing {
    /// The topics.
    pub topics: Vec<Topic>,
    /// What records are like.
    pub shape: Shape,
    /// Where their bytes come from.
    pub values: Values,
    /// As in the request: -1, 0 or 1.
    pub acks: i16,
    /// Whether batches have sequence numbers.
    pub idempotent: bool,
    /// How long a batch waits for more records.
    pub linger_us: u64,
    /// Batches of as many partitions in one request, if they are due.
    pub batches_per_request: usize,
    /// Records a second of all producers; `None` is saturation.
    pub rate: Option<f64>,
    /// Records of all producers, if there is an end to them.
    pub records: Option<u64>,
    /// Producers.
    pub producers: usize,
    /// Requests in flight, and how long they may take.
    pub bounds: Bounds,
    /// What stamps say.
    pub run: u32,
    /// Connections that still produce.
    pub left: Arc<AtomicUsize>,
}

/// One connection's part.
#[derive(Clone, PartialEq, Debug)]
struct Part {
    address: String,
    places: Vec<Place>,
    /// Records, if there is an end to them.
    records: Option<u64>,
    /// Records a second.
    rate: Option<f64>,
    /// How much later than others its first record is due.
    delay_us: f64,
}

/// The connections of all producers.
pub fn lanes(producing: Producing, cluster: &Cluster) -> Vec<Open> {
    let parts = parts(&producing, cluster);
    producing.left.fetch_add(parts.len(), Ordering::SeqCst);
    let producing = Arc::new(producing);
    let open = |part: Part| -> Open {
        let producing = producing.clone();
        Box::new(move |hands| open(producing, part, hands))
    };
    parts.into_iter().map(open).collect()
}

/// Shares rate and records out by partitions. Each producer begins with another partition.
fn parts(producing: &Producing, cluster: &Cluster) -> Vec<Part> {
    let (all, producers) = (cluster.partitions(), producing.producers);
    let shares: Vec<(usize, &String, &Vec<Place>)> = (0..producers)
        .flat_map(|producer| {
            cluster
                .led
                .iter()
                .map(move |(node, led)| (producer, node, led))
        })
        .collect();
    let total = (all * producers).max(1) as u64;
    let mut before = 0u64;
    let part = |(index, (producer, address, led)): (usize, &(usize, &String, &Vec<Place>))| {
        let mut places = led.to_vec();
        places.rotate_left(producer * led.len() / producers);
        let after = before + led.len() as u64;
        let of = |records: u64, share: u64| {
            (u128::from(records) * u128::from(share) / u128::from(total)) as u64
        };
        let records = producing
            .records
            .map(|all| of(all, after) - of(all, before));
        before = after;
        Part {
            address: (*address).clone(),
            records,
            rate: producing
                .rate
                .map(|rate| rate * places.len() as f64 / total as f64),
            delay_us: producing.rate.map_or(0.0, |rate| index as f64 * 1e6 / rate),
            places,
        }
    };
    shares.iter().enumerate().map(part).collect()
}

fn open(producing: Arc<Producing>, part: Part, hands: &Rc<Hands>) -> Result<Start, BenchError> {
    let mut client = Client::connect(&part.address, producing.bounds.timeout)?;
    let version = client.version_of(ApiKey::Produce)?;
    let producer = match producing.idempotent {
        true => init_producer(&mut client, producing.bounds.timeout)?,
        false => (ProducerId::NONE, ProducerEpoch(-1)),
    };
    let payloads = payloads(&producing, hands)?;
    let hands = hands.clone();
    Ok(Box::new(move |schedule| {
        let (bounds, left) = (producing.bounds, producing.left.clone());
        let timers = hands.timers.clone();
        let producer = Producer::new(
            producing,
            part,
            payloads,
            (producer, version),
            schedule,
            &hands,
        );
        Box::pin(async move {
            let done = lane::run(client, producer, bounds, timers).await;
            left.fetch_sub(1, Ordering::SeqCst);
            done
        })
    }))
}

/// A producer id. A broker that has just started is asked again, as by any client.
fn init_producer(
    client: &mut Client,
    patience: Duration,
) -> Result<(ProducerId, ProducerEpoch), BenchError> {
    // Without transactions their timeout means nothing.
    let request = InitProducerIdRequest {
        transactional_id: None,
        transaction_timeout_ms: i32::MAX,
        ..InitProducerIdRequest::default()
    };
    let deadline = Instant::now() + patience;
    loop {
        let answer = client.call(ApiKey::InitProducerId, &request)?;
        let response: InitProducerIdResponse = answer.read()?;
        let code = response.error_code;
        if NOT_READY.iter().any(|not| not.code() == code) && Instant::now() < deadline {
            std::thread::sleep(NOT_READY_PAUSE);
            continue;
        }
        check(code, || "a producer id".to_owned())?;
        let (id, epoch) = (response.producer_id, response.producer_epoch);
        return Ok((ProducerId(id), ProducerEpoch(epoch)));
    }
}

/// The batches of this thread's connections.
fn payloads(producing: &Producing, hands: &Hands) -> Result<Rc<RefCell<Payloads>>, BenchError> {
    let mut made = hands.payloads.borrow_mut();
    if let Some(payloads) = &*made {
        return Ok(payloads.clone());
    }
    let mut source = producing.values.source();
    let payloads = Payloads::new(producing.shape, |bytes| source.fill(bytes));
    let payloads = payloads.map_err(|why| BenchError::Options(format!("--batch-size: {why}")))?;
    Ok(made.insert(Rc::new(RefCell::new(payloads))).clone())
}

/// A connection that produces.
struct Producer {
    producing: Arc<Producing>,
    places: Vec<Place>,
    payloads: Rc<RefCell<Payloads>>,
    meter: Rc<Meter>,
    pace: Pace,
    cutter: Cutter,
    id: (ProducerId, ProducerEpoch),
    /// The next sequence number of each partition.
    sequences: Vec<i32>,
    version: i16,
    /// What each request in flight carries.
    sent: VecDeque<Vec<Cut>>,
    has_given_up: bool,
}

impl Producer {
    fn new(
        producing: Arc<Producing>,
        part: Part,
        payloads: Rc<RefCell<Payloads>>,
        (id, version): ((ProducerId, ProducerEpoch), i16),
        schedule: Schedule,
        hands: &Hands,
    ) -> Producer {
        let pace = match part.rate {
            None => Pace::Saturation,
            Some(rate) => Pace::OpenLoop {
                start_us: schedule.start_us + part.delay_us as u64,
                interval_us: 1e6 / rate,
            },
        };
        let cutting = Cutting {
            pace,
            slots: part.places.len() as u32,
            capacity: payloads.borrow().capacity(),
            linger_us: producing.linger_us,
            keyed: producing.shape.keyed,
            limit: part.records.unwrap_or(u64::MAX),
            end_us: schedule.end_us,
            give_up_us: schedule.give_up_us,
        };
        Producer {
            sequences: vec![0; part.places.len()],
            places: part.places,
            payloads,
            meter: hands.meter.clone(),
            pace,
            cutter: Cutter::new(cutting),
            id,
            version,
            sent: VecDeque::new(),
            has_given_up: false,
            producing,
        }
    }

    /// The batches of one request: what is due, of one partition each.
    fn cut_some(&mut self, now_us: u64) -> Result<Vec<Cut>, Turn> {
        let mut cuts: Vec<Cut> = Vec::new();
        while cuts.len() < self.producing.batches_per_request {
            match self
                .cutter
                .next(now_us, |slot| cuts.iter().all(|cut| cut.slot != slot))
            {
                Turn::Cut(cut) => cuts.push(cut),
                turn if cuts.is_empty() => return Err(turn),
                _ => break,
            }
        }
        // The partitions of a topic stand together in a request.
        cuts.sort_unstable_by_key(|cut| self.places[cut.slot as usize]);
        Ok(cuts)
    }

    fn batch(&mut self, cut: &Cut, now_us: u64) -> Result<Batch, String> {
        let sequence = &mut self.sequences[cut.slot as usize];
        let base_sequence = match self.producing.idempotent {
            true => std::mem::replace(sequence, increment_sequence(*sequence, cut.count as i32)),
            false => NO_SEQUENCE,
        };
        let identity = Identity {
            timestamp: clock::now().wall,
            producer: (self.id.0, self.id.1, base_sequence),
            stamp: Stamp {
                run: self.producing.run,
                first_us: self.pace.due_us(cut.first, now_us),
                step_ns: self.pace.step_ns(self.cutter.stride()),
            },
        };
        let batch = self.payloads.borrow_mut().cut(cut.count, &identity);
        batch.map_err(|why| why.to_string())
    }

    fn request(&mut self, cuts: &[Cut], now_us: u64, id: i32) -> Result<Vec<Piece>, String> {
        let batches: Vec<Batch> = cuts
            .iter()
            .map(|cut| self.batch(cut, now_us))
            .collect::<Result<_, _>>()?;
        let data = |(cut, batch): (&Cut, &Batch)| {
            let place = self.places[cut.slot as usize];
            let data = PartitionProduceData {
                index: place.partition,
                records: Some(Records::External {
                    len: batch.len_bytes(),
                }),
            };
            (place.topic, data)
        };
        let mut topic_data: Vec<TopicProduceData<'_>> = Vec::new();
        let mut last = None;
        for (topic, data) in cuts.iter().zip(&batches).map(data) {
            if last.replace(topic) != Some(topic) {
                let topic = &self.producing.topics[topic];
                topic_data.push(TopicProduceData {
                    name: &topic.name,
                    topic_id: topic.id,
                    partition_data: Vec::new(),
                });
            }
            topic_data
                .last_mut()
                .expect("just pushed")
                .partition_data
                .push(data);
        }
        let request = ProduceRequest {
            transactional_id: None,
            acks: self.producing.acks,
            timeout_ms: self.producing.bounds.timeout.as_millis() as i32,
            topic_data,
        };
        let encoded = encode_request(id, Some(CLIENT_ID), self.version, &request);
        Ok(interleave(encoded.map_err(|why| why.to_string())?, batches))
    }

    /// Counts a batch that was acknowledged.
    fn acknowledged(&self, cut: &Cut, sent_us: u64, now_us: u64, has_latency: bool) {
        let of_record = self.producing.shape.bytes_of_record() as u64;
        self.meter.count(Kind::Produce, now_us, |flow| {
            flow.records += u64::from(cut.count);
            flow.bytes += u64::from(cut.count) * of_record;
            match self.pace {
                _ if !has_latency => {}
                Pace::Saturation => {
                    flow.took_each(now_us - sent_us, u64::from(cut.count));
                }
                Pace::OpenLoop { .. } => {
                    for n in 0..u64::from(cut.count) {
                        let due_us = self
                            .pace
                            .due_us(cut.first + n * self.cutter.stride(), now_us);
                        flow.took(now_us.saturating_sub(due_us));
                    }
                }
            }
        });
    }

    fn give_up(&mut self, now_us: u64) {
        let unsent = self.cutter.given_up();
        if unsent > 0 && !std::mem::replace(&mut self.has_given_up, true) {
            self.meter
                .fail(Kind::Produce, now_us, "RECORDS_NOT_SENT".to_owned(), unsent);
        }
    }
}

impl Work for Producer {
    fn api(&self) -> (ApiKey, i16) {
        (ApiKey::Produce, self.version)
    }

    fn next(&mut self, now_us: u64, correlation_id: i32) -> Result<Next, String> {
        let cuts = match self.cut_some(now_us) {
            Ok(cuts) => cuts,
            Err(Turn::Wait(until_us)) => return Ok(Next::Wait(until_us)),
            Err(_) => {
                self.give_up(now_us);
                return Ok(Next::Done);
            }
        };
        let pieces = self.request(&cuts, now_us, correlation_id)?;
        let is_answered = self.producing.acks != 0;
        match is_answered {
            true => self.sent.push_back(cuts),
            false => {
                self.meter
                    .count(Kind::Produce, now_us, |flow| flow.requests += 1);
                cuts.iter()
                    .for_each(|cut| self.acknowledged(cut, now_us, now_us, false));
            }
        }
        Ok(Next::Send {
            pieces,
            is_answered,
        })
    }

    fn answered(&mut self, body: &[u8], sent_us: u64, now_us: u64) -> Result<(), String> {
        let response =
            ProduceResponse::from_bytes(body, self.version).map_err(|why| why.to_string())?;
        let cuts = self.sent.pop_front().ok_or("nothing was asked")?;
        self.meter
            .count(Kind::Produce, now_us, |flow| flow.requests += 1);
        let mut told = 0;
        for topic in &response.responses {
            for partition in &topic.partition_responses {
                // As a rule the answer has the order of the request.
                let is_it = |cut: &&Cut| {
                    let place = self.places[cut.slot as usize];
                    let ours = &self.producing.topics[place.topic];
                    place.partition == partition.index
                        && if self.version >= 13 {
                            topic.topic_id == ours.id
                        } else {
                            topic.name == ours.name
                        }
                };
                let cut = cuts
                    .get(told)
                    .filter(is_it)
                    .or_else(|| cuts.iter().find(is_it));
                let cut = cut.ok_or("a partition that was not asked for")?;
                told += 1;
                if partition.error_code == ErrorCode::None.code() {
                    self.acknowledged(cut, sent_us, now_us, true);
                } else {
                    self.meter
                        .fail(Kind::Produce, now_us, error_name(partition.error_code), 1);
                }
            }
        }
        match told == cuts.len() {
            true => Ok(()),
            false => Err(format!("{told} partitions, not {}", cuts.len())),
        }
    }
}

/// Puts the batches into the gaps of the request.
fn interleave(encoded: Encoded, batches: Vec<Batch>) -> Vec<Piece> {
    let buf = Bytes::from(encoded.buf);
    let mut pieces = Vec::with_capacity(1 + 3 * batches.len());
    let mut at = 0;
    for (gap, batch) in encoded.gaps.iter().zip(batches) {
        pieces.push(Piece::Bytes(buf.slice(at..gap.at)));
        pieces.push(Piece::Vec(batch.head));
        pieces.push(Piece::Bytes(batch.tail));
        at = gap.at;
    }
    pieces.push(Piece::Bytes(buf.slice(at..)));
    pieces
}
