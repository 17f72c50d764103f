//! `ringlog bench catchup`: what consumers at the end of the log suffer while others read a backlog from the beginning.
//!
//! The backlog is sent first, as fast as the broker takes it. Whether it is cold then, that is, not in the page cache, is the
//! machine's affair: a backlog larger than memory, a broker that writes past the page cache, or dropping it before.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use crate::bench::crew::{Crew, Length, Open, deal};
use crate::bench::e2e;
use crate::bench::error::BenchError;
use crate::bench::fetch::{Counting, Reading, Span};
use crate::bench::options::{CatchupArgs, RecordArgs};
use crate::bench::outcome::{Kind, Outcome, Progress, Watch};
use crate::bench::produce;
use crate::bench::site::Site;

/// Requests in flight, and bytes of a batch, while the backlog is sent.
const BACKLOG_IN_FLIGHT: usize = 5;
const BACKLOG_BATCH_BYTES: usize = 256 << 10;

/// Runs it.
pub fn run(args: &CatchupArgs, watch: &mut Watch<'_>) -> Result<Outcome, BenchError> {
    let producing = &args.tail.produce;
    producing.records.shape(true)?;
    let length = producing.length.length();
    let quiet_s = args.quiet.unwrap_or(match length {
        Length::Seconds { measured, .. } => measured / 3,
        Length::Count => 0,
    });
    if matches!(length, Length::Seconds { measured, .. } if quiet_s >= measured) {
        let what = "--quiet: give less than --duration, or nothing is read".to_owned();
        return Err(BenchError::Options(what));
    }
    let mut site = Site::open(&producing.common, &producing.topics, true, watch)?;
    if args.backlog > 0 {
        watch(Progress::Phase("sending the backlog"));
        send_backlog(&mut site, args)?;
    }

    let reading = Arc::new(Reading::default());
    let tail = Counting {
        beside: Some((reading.clone(), Kind::EndToEndBeside)),
        ..Counting::plain(Kind::EndToEnd)
    };
    let cold = Counting {
        starts_after_us: quiet_s * 1_000_000,
        ..Counting::plain(Kind::ColdRead)
    };
    let span = Span::Whole { repeat: false };
    let cold = site.consumers(
        &args.tail.reading,
        args.cold_consumers,
        &span,
        &cold,
        &reading,
    );
    let tail = e2e::lanes(&site, &args.tail, &tail)?;
    let crew = Crew {
        threads: apart(&site.cores, tail, cold),
        kinds: vec![
            Kind::Produce,
            Kind::EndToEnd,
            Kind::EndToEndBeside,
            Kind::ColdRead,
        ],
        length,
        patience: site.timeout,
    };
    let mut measured = site.run(crew, watch)?;
    e2e::compare(
        &mut measured,
        &args.tail,
        &[Kind::EndToEnd, Kind::EndToEndBeside],
    );

    let bytes = measured
        .all
        .iter()
        .find(|flow| flow.kind == Kind::ColdRead)
        .map_or(0, |flow| flow.bytes);
    let seconds = reading.span_us() as f64 / 1e6;
    let findings = vec![
        (
            "cold read to the end",
            if reading.is_done() { "yes" } else { "no" }.to_owned(),
        ),
        ("cold read seconds", format!("{seconds:.3}")),
        (
            "cold read MB/s",
            format!("{:.1}", bytes as f64 / 1e6 / seconds.max(1e-6)),
        ),
    ];
    let mut what = e2e::describe(&args.tail);
    what.push(("backlog", args.backlog.to_string()));
    what.push(("cold-consumers", args.cold_consumers.to_string()));
    what.push(("quiet", quiet_s.to_string()));
    site.close("catchup", what, measured, findings)
}

/// The cold consumers get a thread of their own, and a core if there is one to spare, so that the load does not disturb
/// itself.
fn apart(cores: &[usize], tail: Vec<Open>, cold: Vec<Open>) -> Vec<(usize, Vec<Open>)> {
    let (for_tail, for_cold) = match cores {
        [rest @ .., last] if !rest.is_empty() => (rest, *last),
        cores => (cores, cores[0]),
    };
    let mut threads = deal(for_tail, tail);
    threads.push((for_cold, cold));
    threads
}

fn send_backlog(site: &mut Site, args: &CatchupArgs) -> Result<(), BenchError> {
    let records = RecordArgs {
        rate: None,
        in_flight: BACKLOG_IN_FLIGHT,
        batch_size: args
            .tail
            .produce
            .records
            .batch_size
            .max(BACKLOG_BATCH_BYTES),
        ..args.tail.produce.records.clone()
    };
    let of_record = records.shape(false)?.bytes_of_record().max(1) as u64;
    let count = args.backlog.div_ceil(of_record);
    let left = Arc::new(AtomicUsize::new(0));
    let producing = site.producing(&records, Some(count), false, left)?;
    let crew = Crew {
        threads: deal(&site.cores, produce::lanes(producing, &site.cluster)),
        kinds: vec![Kind::Produce],
        length: Length::Count,
        patience: site.timeout,
    };
    let sent = site.prepare(crew)?;
    match sent.errors.first_key_value() {
        None => Ok(()),
        Some((name, times)) => Err(BenchError::Refused {
            what: "the backlog".to_owned(),
            why: format!("{name}, {times} times"),
        }),
    }
}
