//! `ringlog bench e2e`: producers, and consumers at the end of the log who take the time from when a record was due to when
//! they have it.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use crate::bench::crew::{Crew, Measured, Open, deal};
use crate::bench::error::BenchError;
use crate::bench::fetch::{Counting, Reading, Span};
use crate::bench::options::{EndToEndArgs, What};
use crate::bench::outcome::{Flow, Kind, Outcome, Watch};
use crate::bench::produce;
use crate::bench::site::Site;

/// Runs it.
pub fn run(args: &EndToEndArgs, watch: &mut Watch<'_>) -> Result<Outcome, BenchError> {
    args.produce.records.shape(true)?;
    let mut site = Site::open(&args.produce.common, &args.produce.topics, true, watch)?;
    let lanes = lanes(&site, args, &Counting::plain(Kind::EndToEnd))?;
    let length = args.produce.length.length();
    let crew = Crew {
        threads: deal(&site.cores, lanes),
        kinds: vec![Kind::Produce, Kind::EndToEnd],
        length,
        patience: site.timeout,
    };
    let mut measured = site.run(crew, watch)?;
    compare(&mut measured, args, &[Kind::EndToEnd]);
    site.close("e2e", describe(args), measured, What::new())
}

/// The connections of producers and of the consumers that follow them.
pub fn lanes(
    site: &Site,
    args: &EndToEndArgs,
    counting: &Counting,
) -> Result<Vec<Open>, BenchError> {
    let left = Arc::new(AtomicUsize::new(0));
    let (records, reading) = (&args.produce.records, &args.reading);
    let producing = site.producing(records, args.produce.length.records, true, left.clone())?;
    // Nothing is sent before all are open, so that the consumers know where the log ends.
    let span = Span::Tail(left);
    let mut lanes = site.consumers(
        reading,
        reading.consumers,
        &span,
        counting,
        &Arc::new(Reading::default()),
    );
    lanes.extend(produce::lanes(producing, &site.cluster));
    Ok(lanes)
}

/// Counts it as an error if the consumers have not got everything that was acknowledged, once each. Of a run that was
/// interrupted nobody knows: what was on its way is in neither.
pub fn compare(measured: &mut Measured, args: &EndToEndArgs, kinds: &[Kind]) {
    if measured.interrupted {
        return;
    }
    let records = |of: &dyn Fn(&Flow) -> bool| -> u64 {
        measured
            .all
            .iter()
            .filter(|flow| of(flow))
            .map(|flow| flow.records)
            .sum()
    };
    let sent = records(&|flow| flow.kind == Kind::Produce);
    let received = records(&|flow| kinds.contains(&flow.kind));
    let readers = if args.reading.share {
        1
    } else {
        args.reading.consumers as u64
    };
    let expected = sent * readers;
    let (name, times) = match received < expected {
        true => ("RECORDS_MISSING", expected - received),
        false => ("RECORDS_UNEXPECTED", received - expected),
    };
    if times > 0 {
        *measured.errors.entry(name.to_owned()).or_default() += times;
    }
}

/// What was asked for.
pub fn describe(args: &EndToEndArgs) -> What {
    let mut what = args.produce.records.describe();
    what.extend(args.reading.describe());
    what.extend(args.produce.length.describe());
    what
}
