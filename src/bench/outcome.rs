//! What a run has measured, as plain data: made by the modes, shown by whoever prints or draws it.
//!
//! Generator threads count into [`Interval`]s of their own, one a second. The thread that called for the run adds them up,
//! tells each to its [`Watch`] as it becomes complete, and makes the [`Outcome`] of those that were not warm-up.

use std::collections::BTreeMap;

use hdrhistogram::Histogram;

use crate::base::TimestampMs;

/// Latencies are told in microseconds, from 1 on, without an upper bound, to three digits.
pub type Latency = Histogram<u64>;

/// The digits to which latencies are told.
const DIGITS: u8 = 3;

/// A histogram of latencies without any. It grows with the largest that it is given.
pub fn no_latency() -> Latency {
    Histogram::new(DIGITS).expect("three digits are within the histogram's range")
}

/// One kind of work of a run, over a second or over the whole of it: its latencies are of one meaning.
#[derive(Clone, Debug)]
pub struct Flow {
    /// What it is, such as `produce`, `fetch` or `end-to-end`.
    pub kind: Kind,
    /// Requests that were answered, well or not; without acknowledgements those that were sent.
    pub requests: u64,
    /// Records that were acknowledged or received.
    pub records: u64,
    /// Bytes of their keys and values, before compression.
    pub bytes: u64,
    /// Requests, or partitions of requests, that failed.
    pub errors: u64,
    /// Microseconds; what of is [`Kind::latency_is`]. What failed is not in it.
    pub latency: Latency,
}

impl Flow {
    /// Nothing of this kind yet.
    pub fn new(kind: Kind) -> Flow {
        Flow {
            kind,
            requests: 0,
            records: 0,
            bytes: 0,
            errors: 0,
            latency: no_latency(),
        }
    }

    /// Notes how long one record, or one request, took.
    pub fn took(&mut self, us: u64) {
        self.took_each(us, 1);
    }

    /// Notes how long each of `count` records took. The histogram grows to hold it: one that clamps would tell two
    /// milliseconds for anything above.
    pub fn took_each(&mut self, us: u64, count: u64) {
        let noted = self.latency.record_n(us.max(1), count);
        debug_assert!(noted.is_ok(), "a histogram that may grow holds any time");
    }

    /// Adds what another thread or another second did of the same kind.
    pub fn add(&mut self, other: &Flow) {
        debug_assert_eq!(self.kind, other.kind, "flows of one kind add up");
        self.requests += other.requests;
        self.records += other.records;
        self.bytes += other.bytes;
        self.errors += other.errors;
        // Fails only for a histogram that may not grow.
        let _ = self.latency.add(&other.latency);
    }
}

/// The kinds of work that are measured apart from one another.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Kind {
    /// Records sent and acknowledged.
    Produce,
    /// Records received.
    Consume,
    /// Records received by readers at the end of the log, from their send to their receipt.
    EndToEnd,
    /// The same while others read from the beginning.
    EndToEndBeside,
    /// Records received by readers that begin at the start of the log and have it all before them.
    ColdRead,
    /// Connections made.
    Connect,
    /// Small requests on connections that are idle otherwise.
    Request,
    /// Topics created, with all their partitions.
    Create,
    /// Metadata of all partitions, asked for.
    Metadata,
}

impl Kind {
    /// Its name in tables and files.
    pub const fn name(self) -> &'static str {
        match self {
            Kind::Produce => "produce",
            Kind::Consume => "consume",
            Kind::EndToEnd => "end-to-end",
            Kind::EndToEndBeside => "end-to-end-beside",
            Kind::ColdRead => "cold-read",
            Kind::Connect => "connect",
            Kind::Request => "request",
            Kind::Create => "create",
            Kind::Metadata => "metadata",
        }
    }

    /// Whether it goes on through the whole of what is measured. What is done once, before, has no rate.
    pub const fn goes_on(self) -> bool {
        !matches!(self, Kind::Connect | Kind::Create | Kind::Metadata)
    }

    /// From when to when its latency is taken.
    pub const fn latency_is(self) -> &'static str {
        match self {
            Kind::Produce => {
                "of each record, from when it was due (open loop) or sent (saturation) to its acknowledgement"
            }
            Kind::Consume | Kind::ColdRead => {
                "of each fetch with records, from request to response"
            }
            Kind::EndToEnd | Kind::EndToEndBeside => {
                "of each record, from when it was due or sent to its receipt by a consumer"
            }
            Kind::Connect => {
                "of each connection, from the TCP connect to the answer to ApiVersions"
            }
            Kind::Request => "of each request, from when it was due to its response",
            Kind::Create => "of each CreateTopics request, to its response",
            Kind::Metadata => "of each Metadata request, to its response",
        }
    }
}

/// What happened in one second, or in what was left of one at the end.
#[derive(Clone, Debug)]
pub struct Interval {
    /// When it began, after the measuring did; during warm-up, after the warm-up did.
    pub at_ms: u64,
    /// How long it was: a thousand, but for the last of a run, which may be shorter or somewhat longer.
    pub length_ms: u64,
    /// Whether it is of the warm-up, and so not of the [`Outcome`].
    pub warm_up: bool,
    /// By kind; every interval of a run has the same. What is done once, before the measuring, is only in the totals.
    pub flows: Vec<Flow>,
}

/// A run that has ended.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The mode: `produce`, `consume`, `e2e`, `catchup`, `connections`, `partitions`.
    pub mode: &'static str,
    /// The load, as names (those of the options) and values, in the order to show them.
    pub what: Vec<(&'static str, String)>,
    /// When measuring began, after the warm-up.
    pub started: TimestampMs,
    /// How long was measured; rates are by this.
    pub measured_ms: u64,
    /// Ctrl-C ended it before its time.
    pub interrupted: bool,
    /// By kind, over all that was measured.
    pub totals: Vec<Flow>,
    /// Second by second.
    pub intervals: Vec<Interval>,
    /// How often what failed: Kafka's name of an error code, or what happened to the connection. The warm-up's too.
    pub errors: BTreeMap<String, u64>,
    /// Findings that are no flow, as name and value, such as how many connections were open.
    pub findings: Vec<(&'static str, String)>,
    /// What it cost the broker, when its process was watched.
    pub usage: Option<Usage>,
}

impl Outcome {
    /// The total of a kind, if the run had it.
    pub fn total(&self, kind: Kind) -> Option<&Flow> {
        self.totals.iter().find(|flow| flow.kind == kind)
    }

    /// Bytes that were sent and received, of all kinds together.
    pub fn bytes(&self) -> u64 {
        self.totals.iter().map(|flow| flow.bytes).sum()
    }

    /// Records that were sent and received, of all kinds together.
    pub fn records(&self) -> u64 {
        self.totals.iter().map(|flow| flow.records).sum()
    }

    /// Everything that failed.
    pub fn errors_total(&self) -> u64 {
        self.errors.values().sum()
    }
}

/// What the broker's process and the machine spent while it was measured.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Usage {
    /// CPU seconds of the broker in its own code.
    pub user_s: f64,
    /// CPU seconds of the kernel on the broker's behalf.
    pub system_s: f64,
    /// The broker's resident memory, the most that was seen while it was measured.
    pub rss_bytes_max: u64,
    /// The broker's resident memory, the most since it started.
    pub rss_bytes_peak: u64,
    /// Context switches that it asked for, by waiting.
    pub switches_voluntary: u64,
    /// Context switches that it suffered.
    pub switches_involuntary: u64,
    /// Bytes that it had read from disks.
    pub disk_read_bytes: u64,
    /// Bytes that it had written to disks.
    pub disk_written_bytes: u64,
    /// CPU seconds of everything on the machine, the generator and the kernel's own threads included.
    pub machine_busy_s: f64,
    /// CPU seconds that the host gave to other machines while this one wanted them.
    pub machine_stolen_s: f64,
}

impl Usage {
    /// CPU seconds of the broker.
    pub fn cpu_s(&self) -> f64 {
        self.user_s + self.system_s
    }

    /// CPU seconds of the broker for so many of what there was an amount of; none for nothing.
    pub fn cpu_s_per(&self, unit: f64, amount: u64) -> Option<f64> {
        (amount > 0).then(|| self.cpu_s() * unit / amount as f64)
    }
}

/// What a run tells while it goes on.
#[derive(Clone, Copy, Debug)]
pub enum Progress<'a> {
    /// What it does now, before it measures: `creating topics`, `warming up`.
    Phase(&'a str),
    /// Measuring begins now.
    MeasureBegins,
    /// A second is complete.
    Interval(&'a Interval),
    /// Measuring has ended; what is still under way is waited for.
    MeasureEnds,
}

/// Hears of a run's progress, on the thread that called for the run.
pub type Watch<'a> = dyn FnMut(Progress<'_>) + 'a;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flows_add_up() {
        let mut sum = Flow::new(Kind::Produce);
        for (micros, errors) in [(100, 0), (5_000_000, 2)] {
            let mut flow = Flow::new(Kind::Produce);
            flow.requests = 1;
            flow.records = 10;
            flow.bytes = 1000;
            flow.errors = errors;
            flow.took_each(micros, 10);
            sum.add(&flow);
        }
        assert_eq!(
            (sum.requests, sum.records, sum.bytes, sum.errors),
            (2, 20, 2000, 2)
        );
        assert_eq!(sum.latency.len(), 20);
        assert_eq!(sum.latency.min(), 100);
        assert!(sum.latency.max() >= 5_000_000);
    }
}
