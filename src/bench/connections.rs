//! `ringlog bench connections`: many connections, of which each says something now and then.

use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::bench::client::{CLIENT_ID, Client};
use crate::bench::crew::{self, Crew, Hands, Length, Open, Schedule, Start, deal};
use crate::bench::error::{BenchError, error_name};
use crate::bench::lane::{self, Bounds, Next, Work};
use crate::bench::meter::Meter;
use crate::bench::options::{ConnectionsArgs, What, seconds};
use crate::bench::outcome::{Flow, Kind, Outcome, Progress, Watch};
use crate::bench::pacing::{Cutter, Cutting, Pace, Turn};
use crate::bench::site::outcome;
use crate::io::clock;
use crate::io::send_queue::Piece;
use crate::protocol::messages::{ApiVersionsRequest, ApiVersionsResponse};
use crate::protocol::{ApiKey, ErrorCode, Message, encode_request};

/// Version 0 is the one that every broker has.
const VERSION: i16 = 0;

/// Runs it.
pub fn run(args: &ConnectionsArgs, watch: &mut Watch<'_>) -> Result<Outcome, BenchError> {
    if !args.rate.is_finite() || args.rate <= 0.0 {
        return Err(BenchError::Options(
            "--rate: give a number above 0".to_owned(),
        ));
    }
    let (cores, timeout) = (args.common.cores()?, args.common.timeout());
    let connects = Arc::new(Mutex::new(Flow::new(Kind::Connect)));
    watch(Progress::Phase("connecting"));
    let lanes = (0..args.connections).map(|index| lane(args, index, connects.clone()));
    let (length, of_time) = match args.requests {
        Some(requests) => (Length::Count, vec![("requests", requests.to_string())]),
        None => {
            let length = Length::Seconds {
                warm_up: args.warm_up,
                measured: args.duration,
            };
            (length, seconds(args.warm_up, args.duration))
        }
    };
    let crew = Crew {
        threads: deal(&cores, lanes.collect()),
        kinds: vec![Kind::Request],
        length,
        patience: timeout,
    };
    let mut measured = crew::run(crew, watch)?;
    let connects = connects.lock().expect("no panic under the lock").clone();
    let findings: What = vec![("connections open", connects.requests.to_string())];
    measured.totals.push(connects);
    let mut what: What = vec![
        ("bootstrap-server", args.common.bootstrap_server.clone()),
        ("connections", args.connections.to_string()),
        ("rate", args.rate.to_string()),
    ];
    what.extend(of_time);
    Ok(outcome("connections", what, measured, findings))
}

/// One connection. Their requests are due in turn.
fn lane(args: &ConnectionsArgs, index: usize, connects: Arc<Mutex<Flow>>) -> Open {
    let (address, timeout) = (args.common.bootstrap_server.clone(), args.common.timeout());
    let (count, rate) = (args.connections, args.rate);
    let limit = args.requests.map(|all| {
        let (index, count) = (index as u64, count as u64);
        all / count + u64::from(index < all % count)
    });
    let turn = Turns {
        delay_us: index as f64 * 1e6 / rate,
        interval_us: count as f64 * 1e6 / rate,
        limit: limit.unwrap_or(u64::MAX),
    };
    Box::new(move |hands: &Rc<Hands>| -> Result<Start, BenchError> {
        let client = connect(&address, timeout, &connects)?;
        let hands = hands.clone();
        let bounds = Bounds { window: 1, timeout };
        Ok(Box::new(move |schedule| {
            let timers = hands.timers.clone();
            let pinger = Pinger::new(turn, schedule, hands.meter.clone());
            Box::pin(lane::run(client, pinger, bounds, timers))
        }))
    })
}

fn connect(address: &str, timeout: Duration, connects: &Mutex<Flow>) -> Result<Client, BenchError> {
    let before_us = clock::mono_us();
    let client = Client::connect(address, timeout)?;
    let mut connects = connects.lock().expect("no panic under the lock");
    connects.requests += 1;
    connects.took(clock::mono_us() - before_us);
    Ok(client)
}

/// When a connection's requests are due.
#[derive(Clone, Copy, Debug)]
struct Turns {
    delay_us: f64,
    interval_us: f64,
    limit: u64,
}

struct Pinger {
    pace: Pace,
    cutter: Cutter,
    due_us: u64,
    meter: Rc<Meter>,
}

impl Pinger {
    fn new(turns: Turns, schedule: Schedule, meter: Rc<Meter>) -> Pinger {
        let pace = Pace::OpenLoop {
            start_us: schedule.start_us + turns.delay_us as u64,
            interval_us: turns.interval_us,
        };
        let cutting = Cutting {
            pace,
            slots: 1,
            capacity: 1,
            linger_us: 0,
            keyed: false,
            limit: turns.limit,
            end_us: schedule.end_us,
            give_up_us: schedule.give_up_us,
        };
        Pinger {
            pace,
            cutter: Cutter::new(cutting),
            due_us: 0,
            meter,
        }
    }

    /// What was due and is not sent any more counts as failed.
    fn give_up(&self, now_us: u64) {
        let unsent = self.cutter.given_up();
        if unsent > 0 {
            self.meter.fail(
                Kind::Request,
                now_us,
                "REQUESTS_NOT_SENT".to_owned(),
                unsent,
            );
        }
    }
}

impl Work for Pinger {
    fn api(&self) -> (ApiKey, i16) {
        (ApiKey::ApiVersions, VERSION)
    }

    fn next(&mut self, now_us: u64, correlation_id: i32) -> Result<Next, String> {
        let cut = match self.cutter.next(now_us, |_| true) {
            Turn::Cut(cut) => cut,
            Turn::Wait(until_us) => return Ok(Next::Wait(until_us)),
            Turn::Done => {
                self.give_up(now_us);
                return Ok(Next::Done);
            }
        };
        self.due_us = self.pace.due_us(cut.first, now_us);
        let request = ApiVersionsRequest::default();
        let encoded = encode_request(correlation_id, Some(CLIENT_ID), VERSION, &request);
        Ok(Next::Send {
            pieces: vec![Piece::Vec(encoded.map_err(|why| why.to_string())?.buf)],
            is_answered: true,
        })
    }

    fn answered(&mut self, body: &[u8], _sent_us: u64, now_us: u64) -> Result<(), String> {
        let response =
            ApiVersionsResponse::from_bytes(body, VERSION).map_err(|why| why.to_string())?;
        self.meter
            .count(Kind::Request, now_us, |flow| flow.requests += 1);
        match response.error_code == ErrorCode::None.code() {
            true => self.meter.count(Kind::Request, now_us, |flow| {
                flow.took(now_us.saturating_sub(self.due_us));
            }),
            false => self
                .meter
                .fail(Kind::Request, now_us, error_name(response.error_code), 1),
        }
        Ok(())
    }
}
