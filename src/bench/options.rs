//! The options of `ringlog bench`, as the command line has them and as a run takes them.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};

use crate::base::limits::REQUEST_BYTES_MAX_DEFAULT as REQUEST_BYTES_MAX;
use crate::bench::cluster::Wanted;
use crate::bench::crew::Length;
use crate::bench::error::BenchError;
use crate::bench::output::OutputArgs;
use crate::bench::payload::{Shape, Stamp};
use crate::boot::topology::{self, CoreChoice};
use crate::io::executor::allowed_cores;
use crate::protocol::records::Codec;

/// Requests that an idempotent producer may have in flight: brokers remember as many batches of it.
const IDEMPOTENT_WINDOW_MAX: usize = 5;

/// What to measure.
#[derive(Clone, Debug, Subcommand)]
pub enum Mode {
    /// Send records, and take the time to each acknowledgement.
    Produce(ProduceArgs),
    /// Read what a topic holds.
    Consume(ConsumeArgs),
    /// Send records and read them at once, and take the time from one to the other.
    E2e(EndToEndArgs),
    /// The same, while other consumers read a backlog from the beginning.
    Catchup(CatchupArgs),
    /// Hold many connections, mostly idle.
    Connections(ConnectionsArgs),
    /// Make many partitions, and send to all of them.
    Partitions(PartitionsArgs),
}

impl Mode {
    /// The options that every mode has.
    pub fn common(&self) -> &CommonArgs {
        match self {
            Mode::Produce(args) => &args.common,
            Mode::Consume(args) => &args.common,
            Mode::E2e(args) => &args.produce.common,
            Mode::Catchup(args) => &args.tail.produce.common,
            Mode::Connections(args) => &args.common,
            Mode::Partitions(args) => &args.common,
        }
    }
}

/// Options of every mode.
#[derive(Clone, Debug, Args)]
pub struct CommonArgs {
    /// How it is told.
    #[command(flatten)]
    pub output: OutputArgs,
    /// The broker, or any one of a cluster.
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:9092")]
    pub bootstrap_server: String,
    /// Cores for the load: how many (2) or which (0,2-3) [default: the later half of those that the process may use].
    #[arg(long, value_name = "N|LIST")]
    pub cores: Option<String>,
    /// How long the broker may take for anything.
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..))]
    pub timeout: u64,
}

/// Which topics.
#[derive(Clone, Debug, Args)]
pub struct TopicArgs {
    /// The topic; with --topics, the beginning of their names.
    #[arg(long, value_name = "NAME", default_value = "ringlog-bench")]
    pub topic: String,
    /// How many topics.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub topics: u32,
    /// Partitions of each topic. Topics that are not there are made; those that are must have as many [default: those that it has, or 1].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i32).range(1..))]
    pub partitions: Option<i32>,
    /// Replicas of each new partition.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub replication_factor: i16,
    /// Delete the topics that were made, at the end.
    #[arg(long)]
    pub delete: bool,
}

/// Which records, and how they are sent.
#[derive(Clone, Debug, Args)]
pub struct RecordArgs {
    /// Producers, each with connections of its own.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = positive)]
    pub producers: usize,
    /// Bytes of a record's value.
    #[arg(long, value_name = "BYTES", default_value_t = 1024)]
    pub record_size: usize,
    /// Bytes of a batch at the most, before compression; a larger record is a batch of its own.
    #[arg(long, value_name = "BYTES", default_value_t = 16384)]
    pub batch_size: usize,
    /// How long a batch waits for more records (with --rate; at saturation there always are).
    #[arg(long, value_name = "MS", default_value_t = 5.0)]
    pub linger_ms: f64,
    /// What an acknowledgement means: 0 (there is none), 1 (written), all.
    #[arg(
        long,
        value_name = "0|1|all",
        default_value = "all",
        allow_hyphen_values = true
    )]
    pub acks: Acks,
    /// How batches are compressed.
    #[arg(long, value_name = "CODEC", default_value = "none")]
    pub compression: Compression,
    /// Number the batches, so that the broker can tell repeats.
    #[arg(long)]
    pub idempotence: bool,
    /// Records a second of all producers together, sent when they are due whatever the broker does; latency counts
    /// from then [default: as many as the broker takes].
    #[arg(long, value_name = "N")]
    pub rate: Option<f64>,
    /// Requests in flight on each connection.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = positive)]
    pub in_flight: usize,
    /// Batches in one request at the most, each of another partition.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = positive)]
    pub batches_per_request: usize,
    /// Make values of the bytes of a file (its first 256 MiB), over and over [default: random bytes].
    #[arg(long, value_name = "FILE")]
    pub payload_file: Option<PathBuf>,
    /// Give each record a key of 8 bytes, and let records go to the partitions in turn. Else each batch goes to the next one.
    #[arg(long)]
    pub keyed: bool,
}

/// How records are read.
#[derive(Clone, Debug, Args)]
pub struct ReadArgs {
    /// Consumers, each of which reads everything.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = positive)]
    pub consumers: usize,
    /// Deal the partitions out to the consumers, as in a group.
    #[arg(long)]
    pub share: bool,
    /// Bytes of a fetch at the most.
    #[arg(long, value_name = "BYTES", default_value_t = 50 << 20)]
    pub fetch_max_bytes: i32,
    /// What a fetch waits for.
    #[arg(long, value_name = "BYTES", default_value_t = 1)]
    pub fetch_min_bytes: i32,
    /// How long a fetch waits.
    #[arg(long, value_name = "MS", default_value_t = 500)]
    pub fetch_max_wait_ms: i32,
    /// Check every batch's checksum, and that no offset is missing.
    #[arg(long)]
    pub verify: bool,
}

/// How long.
#[derive(Clone, Debug, Args)]
pub struct LengthArgs {
    /// Seconds before anything counts.
    #[arg(
        long,
        value_name = "SECONDS",
        default_value_t = 5,
        conflicts_with = "records"
    )]
    pub warm_up: u64,
    /// Seconds that are measured. With --rate, what is due by then is sent still, for --timeout at most.
    #[arg(long, value_name = "SECONDS", default_value_t = 30, conflicts_with = "records", value_parser = clap::value_parser!(u64).range(1..))]
    pub duration: u64,
    /// Records, instead of a time.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub records: Option<u64>,
}

/// `produce`.
#[derive(Clone, Debug, Args)]
pub struct ProduceArgs {
    /// Where, and from which cores.
    #[command(flatten)]
    pub common: CommonArgs,
    /// To what.
    #[command(flatten)]
    pub topics: TopicArgs,
    /// What.
    #[command(flatten)]
    pub records: RecordArgs,
    /// How long.
    #[command(flatten)]
    pub length: LengthArgs,
}

/// `consume`.
#[derive(Clone, Debug, Args)]
pub struct ConsumeArgs {
    /// Where, and from which cores.
    #[command(flatten)]
    pub common: CommonArgs,
    /// From what. Nothing is made.
    #[command(flatten)]
    pub topics: TopicArgs,
    /// How.
    #[command(flatten)]
    pub reading: ReadArgs,
    /// Begin again when the end is reached, for as long as --warm-up and --duration say; else everything is read once.
    #[arg(long)]
    pub repeat: bool,
    /// Seconds before anything counts.
    #[arg(long, value_name = "SECONDS", default_value_t = 0, requires = "repeat")]
    pub warm_up: u64,
    /// Seconds that are measured.
    #[arg(long, value_name = "SECONDS", default_value_t = 30, requires = "repeat", value_parser = clap::value_parser!(u64).range(1..))]
    pub duration: u64,
}

/// `e2e`.
#[derive(Clone, Debug, Args)]
pub struct EndToEndArgs {
    /// The producing side.
    #[command(flatten)]
    pub produce: ProduceArgs,
    /// The consuming side.
    #[command(flatten)]
    pub reading: ReadArgs,
}

/// `catchup`.
#[derive(Clone, Debug, Args)]
pub struct CatchupArgs {
    /// What goes on at the end of the log.
    #[command(flatten)]
    pub tail: EndToEndArgs,
    /// Bytes of records that are sent before anything else, for the cold consumers to read.
    #[arg(long, value_name = "BYTES", default_value_t = 1 << 30)]
    pub backlog: u64,
    /// Consumers that read from the beginning.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = positive)]
    pub cold_consumers: usize,
    /// Seconds that are measured before the cold consumers start [default: a third of --duration; with --records 0].
    #[arg(long, value_name = "SECONDS")]
    pub quiet: Option<u64>,
}

/// `connections`.
#[derive(Clone, Debug, Args)]
pub struct ConnectionsArgs {
    /// Where, and from which cores.
    #[command(flatten)]
    pub common: CommonArgs,
    /// How many.
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = positive)]
    pub connections: usize,
    /// Small requests (ApiVersions) a second of all connections together, in turn.
    #[arg(long, value_name = "N", default_value_t = 100.0)]
    pub rate: f64,
    /// Seconds before anything counts.
    #[arg(
        long,
        value_name = "SECONDS",
        default_value_t = 5,
        conflicts_with = "requests"
    )]
    pub warm_up: u64,
    /// Seconds that are measured. What is due by then is sent still, for --timeout at most.
    #[arg(long, value_name = "SECONDS", default_value_t = 30, conflicts_with = "requests", value_parser = clap::value_parser!(u64).range(1..))]
    pub duration: u64,
    /// Requests, instead of a time.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub requests: Option<u64>,
}

/// `partitions`.
#[derive(Clone, Debug, Args)]
pub struct PartitionsArgs {
    /// Where, and from which cores.
    #[command(flatten)]
    pub common: CommonArgs,
    /// The beginning of the topics' names.
    #[arg(long, value_name = "NAME", default_value = "ringlog-bench-partitions")]
    pub topic: String,
    /// How many partitions in all.
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub partitions: u32,
    /// How many of them a topic has.
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub partitions_per_topic: u32,
    /// Replicas of each.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub replication_factor: i16,
    /// Leave the topics at the end.
    #[arg(long)]
    pub keep: bool,
    /// What is sent to them.
    #[command(flatten)]
    pub records: RecordArgs,
    /// How long.
    #[command(flatten)]
    pub length: LengthArgs,
}

fn positive(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) | Err(_) => Err("give a number above 0".to_owned()),
        Ok(number) => Ok(number),
    }
}

/// `--acks`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Acks {
    /// There is no answer.
    #[value(name = "0")]
    None,
    /// The leader has it.
    #[value(name = "1")]
    Leader,
    /// Every replica in sync has it.
    #[value(name = "all", alias = "-1")]
    All,
}

impl Acks {
    /// As in the request.
    pub const fn code(self) -> i16 {
        match self {
            Acks::None => 0,
            Acks::Leader => 1,
            Acks::All => -1,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Acks::None => "0",
            Acks::Leader => "1",
            Acks::All => "all",
        }
    }
}

/// `--compression`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
#[allow(missing_docs)] // The names are Kafka's own.
pub enum Compression {
    None,
    Gzip,
    Snappy,
    Lz4,
    Zstd,
}

impl Compression {
    /// The codec.
    pub const fn codec(self) -> Codec {
        match self {
            Compression::None => Codec::None,
            Compression::Gzip => Codec::Gzip,
            Compression::Snappy => Codec::Snappy,
            Compression::Lz4 => Codec::Lz4,
            Compression::Zstd => Codec::Zstd,
        }
    }
}

/// Options as names and values, in the order to show them.
pub type What = Vec<(&'static str, String)>;

impl CommonArgs {
    /// How long the broker may take for anything.
    pub fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout)
    }

    /// The cores that the load is made on.
    pub fn cores(&self) -> Result<Vec<usize>, BenchError> {
        let wrong = |why: topology::TopologyError| BenchError::Options(why.to_string());
        match &self.cores {
            Some(text) => topology::choose(&CoreChoice::parse(text).map_err(wrong)?).map_err(wrong),
            None => {
                let allowed = allowed_cores()?;
                Ok(allowed[allowed.len() / 2..].to_vec())
            }
        }
    }
}

impl TopicArgs {
    /// The topics that are wanted.
    pub fn wanted(&self, may_create: bool) -> Wanted {
        Wanted {
            names: match self.topics {
                1 => vec![self.topic.clone()],
                count => (0..count).map(|n| format!("{}-{n}", self.topic)).collect(),
            },
            partitions: self.partitions,
            replication_factor: self.replication_factor,
            may_create,
        }
    }
}

impl RecordArgs {
    /// What records are like; `stamped` if their consumers are to know when they were due.
    pub fn shape(&self, stamped: bool) -> Result<Shape, BenchError> {
        if stamped && self.record_size < Stamp::BYTES {
            let least = Stamp::BYTES;
            let what =
                format!("--record-size: at least {least}, for the time when each batch was due");
            return Err(BenchError::Options(what));
        }
        for (option, bytes) in [
            ("--record-size", self.record_size),
            ("--batch-size", self.batch_size),
        ] {
            if bytes > REQUEST_BYTES_MAX {
                let what =
                    format!("{option}: at most {REQUEST_BYTES_MAX}, what a request may have");
                return Err(BenchError::Options(what));
            }
        }
        if self.idempotence && (self.in_flight > IDEMPOTENT_WINDOW_MAX || self.acks != Acks::All) {
            let what = format!(
                "--idempotence: needs --acks all and --in-flight {IDEMPOTENT_WINDOW_MAX} or less"
            );
            return Err(BenchError::Options(what));
        }
        if self
            .rate
            .is_some_and(|rate| !rate.is_finite() || rate <= 0.0)
        {
            return Err(BenchError::Options(
                "--rate: give a number above 0".to_owned(),
            ));
        }
        if !self.linger_ms.is_finite() || self.linger_ms < 0.0 {
            return Err(BenchError::Options(
                "--linger-ms: give a number from 0 on".to_owned(),
            ));
        }
        Ok(Shape {
            record_bytes: self.record_size,
            keyed: self.keyed,
            batch_bytes: self.batch_size,
            codec: self.compression.codec(),
            stamped,
        })
    }

    /// What was asked for.
    pub fn describe(&self) -> What {
        let mut what = vec![
            ("producers", self.producers.to_string()),
            ("record-size", self.record_size.to_string()),
            ("batch-size", self.batch_size.to_string()),
            ("linger-ms", self.linger_ms.to_string()),
            ("acks", self.acks.name().to_owned()),
            ("compression", self.compression.codec().name().to_owned()),
            ("idempotence", self.idempotence.to_string()),
            (
                "rate",
                self.rate
                    .map_or("saturation".to_owned(), |rate| rate.to_string()),
            ),
            ("in-flight", self.in_flight.to_string()),
            ("batches-per-request", self.batches_per_request.to_string()),
            ("keyed", self.keyed.to_string()),
        ];
        if let Some(file) = &self.payload_file {
            what.push(("payload-file", file.display().to_string()));
        }
        what
    }
}

impl ReadArgs {
    /// What was asked for.
    pub fn describe(&self) -> What {
        vec![
            ("consumers", self.consumers.to_string()),
            ("share", self.share.to_string()),
            ("fetch-max-bytes", self.fetch_max_bytes.to_string()),
            ("fetch-min-bytes", self.fetch_min_bytes.to_string()),
            ("fetch-max-wait-ms", self.fetch_max_wait_ms.to_string()),
            ("verify", self.verify.to_string()),
        ]
    }
}

impl LengthArgs {
    /// By time or by count.
    pub fn length(&self) -> Length {
        match self.records {
            Some(_) => Length::Count,
            None => Length::Seconds {
                warm_up: self.warm_up,
                measured: self.duration,
            },
        }
    }

    /// What was asked for.
    pub fn describe(&self) -> What {
        match self.records {
            Some(records) => vec![("records", records.to_string())],
            None => seconds(self.warm_up, self.duration),
        }
    }
}

/// `--warm-up` and `--duration`.
pub fn seconds(warm_up: u64, duration: u64) -> What {
    vec![
        ("warm-up", warm_up.to_string()),
        ("duration", duration.to_string()),
    ]
}
