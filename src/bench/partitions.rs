//! `ringlog bench partitions`: makes many partitions, asks for the metadata of all, and sends to each of them in turn.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use crate::bench::client::Client;
use crate::bench::cluster;
use crate::bench::crew::{Crew, deal};
use crate::bench::error::BenchError;
use crate::bench::options::{PartitionsArgs, What};
use crate::bench::outcome::{Flow, Kind, Outcome, Progress, Watch};
use crate::bench::produce;
use crate::bench::site::Site;
use crate::io::clock;
use crate::protocol::messages::MetadataResponse;

/// How often the metadata of all partitions is asked for.
const METADATA_REQUESTS: u32 = 10;

/// Runs it.
pub fn run(args: &PartitionsArgs, watch: &mut Watch<'_>) -> Result<Outcome, BenchError> {
    args.records.shape(false)?;
    let timeout = args.common.timeout();
    let mut client = Client::connect(&args.common.bootstrap_server, timeout)?;
    watch(Progress::Phase("creating partitions"));
    let (names, created) = create(&mut client, args)?;
    let cluster = cluster::settle(&mut client, &names, timeout)?;
    watch(Progress::Phase("asking for metadata"));
    let metadata = ask(&mut client, &names)?;

    let to_delete = if args.keep { Vec::new() } else { names };
    let mut site = Site::with(&args.common, client, cluster, to_delete)?;
    let left = Arc::new(AtomicUsize::new(0));
    let producing = site.producing(&args.records, args.length.records, false, left)?;
    let crew = Crew {
        threads: deal(&site.cores, produce::lanes(producing, &site.cluster)),
        kinds: vec![Kind::Produce],
        length: args.length.length(),
        patience: timeout,
    };
    let mut measured = site.run(crew, watch)?;
    measured.totals.extend([created, metadata]);
    let mut what = vec![(
        "partitions-per-topic",
        args.partitions_per_topic.to_string(),
    )];
    what.extend(args.records.describe());
    what.extend(args.length.describe());
    site.close("partitions", what, measured, What::new())
}

/// Makes the topics one after the other.
fn create(client: &mut Client, args: &PartitionsArgs) -> Result<(Vec<String>, Flow), BenchError> {
    let (mut names, mut flow) = (Vec::new(), Flow::new(Kind::Create));
    let mut left = args.partitions;
    while left > 0 {
        let partitions = left.min(args.partitions_per_topic);
        let name = format!("{}-{}", args.topic, names.len());
        let (count, replicas) = (partitions as i32, args.replication_factor);
        let before_us = clock::mono_us();
        cluster::create(client, &name, count, replicas, args.common.timeout())?;
        flow.requests += 1;
        flow.took(clock::mono_us() - before_us);
        names.push(name);
        left -= partitions;
    }
    Ok((names, flow))
}

fn ask(client: &mut Client, names: &[String]) -> Result<Flow, BenchError> {
    let mut flow = Flow::new(Kind::Metadata);
    for _ in 0..METADATA_REQUESTS {
        let before_us = clock::mono_us();
        let answer = cluster::ask(client, names)?;
        let took_us = clock::mono_us() - before_us;
        let response: MetadataResponse<'_> = answer.read()?;
        flow.requests += 1;
        match response.topics.iter().all(|topic| topic.error_code == 0) {
            true => flow.took(took_us),
            false => flow.errors += 1,
        }
    }
    Ok(flow)
}
