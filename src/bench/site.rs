//! What every mode begins and ends with: the broker, the topics, and an outcome.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use crate::bench::client::Client;
use crate::bench::cluster::{self, Cluster, Place};
use crate::bench::crew::{self, Crew, Measured, Open};
use crate::bench::error::BenchError;
use crate::bench::fetch::{self, Counting, Fetching, Reading, Span};
use crate::bench::lane::Bounds;
use crate::bench::options::{CommonArgs, ReadArgs, RecordArgs, TopicArgs, What};
use crate::bench::outcome::{Outcome, Progress, Watch};
use crate::bench::produce::Producing;
use crate::bench::values::Values;

/// The broker and the run's topics.
pub struct Site {
    /// A connection for what is not load.
    pub client: Client,
    /// The topics.
    pub cluster: Cluster,
    /// How long the broker may take for anything.
    pub timeout: Duration,
    /// Where the load is made.
    pub cores: Vec<usize>,
    /// What stamps say.
    pub run: u32,
    to_delete: Vec<String>,
}

impl Site {
    /// Finds the topics, or makes them if that is allowed.
    pub fn open(
        common: &CommonArgs,
        topics: &TopicArgs,
        may_create: bool,
        watch: &mut Watch<'_>,
    ) -> Result<Site, BenchError> {
        watch(Progress::Phase("preparing topics"));
        let (cores, timeout) = (common.cores()?, common.timeout());
        let mut client = Client::connect(&common.bootstrap_server, timeout)?;
        let (cluster, created) =
            cluster::prepare(&mut client, &topics.wanted(may_create), timeout)?;
        Ok(Site {
            client,
            cluster,
            timeout,
            cores,
            run: run_id(),
            to_delete: if topics.delete { created } else { Vec::new() },
        })
    }

    /// With topics that are there already.
    pub fn with(
        common: &CommonArgs,
        client: Client,
        cluster: Cluster,
        to_delete: Vec<String>,
    ) -> Result<Site, BenchError> {
        Ok(Site {
            client,
            cluster,
            timeout: common.timeout(),
            cores: common.cores()?,
            run: run_id(),
            to_delete,
        })
    }

    /// The producers' part of a run. Their batches are stamped if somebody reads them.
    pub fn producing(
        &self,
        args: &RecordArgs,
        records: Option<u64>,
        stamped: bool,
        left: Arc<AtomicUsize>,
    ) -> Result<Producing, BenchError> {
        Ok(Producing {
            topics: self.cluster.topics.clone(),
            shape: args.shape(stamped)?,
            values: Values::new(args.payload_file.as_deref())?,
            acks: args.acks.code(),
            idempotent: args.idempotence,
            linger_us: (args.linger_ms * 1000.0) as u64,
            batches_per_request: args.batches_per_request,
            rate: args.rate,
            records,
            producers: args.producers,
            bounds: Bounds {
                window: args.in_flight,
                timeout: self.timeout,
            },
            run: self.run,
            left,
        })
    }

    /// Consumers, each with a connection to every node.
    pub fn consumers(
        &self,
        args: &ReadArgs,
        count: usize,
        span: &Span,
        counting: &Counting,
        reading: &Arc<Reading>,
    ) -> Vec<Open> {
        let fetching = Arc::new(Fetching {
            topics: self.cluster.topics.clone(),
            max_bytes: args.fetch_max_bytes,
            max_wait_ms: args.fetch_max_wait_ms,
            min_bytes: args.fetch_min_bytes,
            verify: args.verify,
            run: self.run,
            bounds: Bounds {
                window: 1,
                timeout: self.timeout,
            },
        });
        let mut lanes = Vec::new();
        for consumer in 0..count {
            for (address, led) in &self.cluster.led {
                let is_its =
                    |(index, _): &(usize, &Place)| !args.share || index % count == consumer;
                let places: Vec<Place> = led
                    .iter()
                    .enumerate()
                    .filter(is_its)
                    .map(|(_, place)| *place)
                    .collect();
                if places.is_empty() {
                    continue;
                }
                let (fetching, reading) = (fetching.clone(), reading.clone());
                lanes.push(fetch::lane(
                    fetching,
                    address.clone(),
                    places,
                    span.clone(),
                    counting.clone(),
                    reading,
                ));
            }
        }
        lanes
    }

    /// Runs the load. One that is interrupted before there is a result leaves no topics behind either.
    pub fn run(&mut self, crew: Crew, watch: &mut Watch<'_>) -> Result<Measured, BenchError> {
        let run = crew::run(crew, watch);
        if let Err(BenchError::Interrupted) = run {
            self.delete()?;
        }
        run
    }

    /// Runs what comes before the load. Whatever an interrupt leaves of it is no result.
    pub fn prepare(&mut self, crew: Crew) -> Result<Measured, BenchError> {
        let prepared = self.run(crew, &mut |_| {})?;
        if prepared.interrupted {
            self.delete()?;
            return Err(BenchError::Interrupted);
        }
        Ok(prepared)
    }

    fn delete(&mut self) -> Result<(), BenchError> {
        match self.to_delete.is_empty() {
            true => Ok(()),
            false => cluster::delete(&mut self.client, &self.to_delete, self.timeout),
        }
    }

    /// Deletes what is to be deleted, and says what was measured.
    pub fn close(
        mut self,
        mode: &'static str,
        mut what: What,
        mut measured: Measured,
        mut findings: What,
    ) -> Result<Outcome, BenchError> {
        let topics: Vec<&str> = self
            .cluster
            .topics
            .iter()
            .map(|topic| topic.name.as_str())
            .collect();
        let shown = match topics.as_slice() {
            [first, .., last] => format!("{first} to {last}"),
            few => few.concat(),
        };
        let cores: Vec<String> = self.cores.iter().map(usize::to_string).collect();
        let of_site = [
            ("bootstrap-server", self.client.address().to_owned()),
            ("topic", shown),
            ("partitions", self.cluster.partitions().to_string()),
        ];
        what.splice(0..0, of_site);
        what.push(("cores", cores.join(",")));
        if let Err(why) = self.delete() {
            // What was measured was measured nonetheless.
            let name = "TOPICS_NOT_DELETED".to_owned();
            *measured.errors.entry(name).or_default() += 1;
            findings.push(("topics not deleted", why.to_string()));
        }
        Ok(outcome(mode, what, measured, findings))
    }
}

/// What was measured, with what it was of.
pub fn outcome(mode: &'static str, what: What, measured: Measured, mut findings: What) -> Outcome {
    if measured.interrupted {
        let why = "what was due and not answered by then is in no figure".to_owned();
        findings.push(("interrupted", why));
    }
    Outcome {
        mode,
        what,
        started: measured.started,
        measured_ms: measured.measured_ms,
        interrupted: measured.interrupted,
        totals: measured.totals,
        intervals: measured.intervals,
        errors: measured.errors,
        findings,
        usage: None,
    }
}

fn run_id() -> u32 {
    let mut bytes = [0; 4];
    // Any number will do, if it is seldom the one of the run before.
    let _ = getrandom::fill(&mut bytes);
    u32::from_be_bytes(bytes)
}
