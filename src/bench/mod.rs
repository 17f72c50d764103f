//! `ringlog bench`: load for any Kafka-compatible broker, and what it measured.
//!
//! The load is made so that it costs less than what serves it: batches are built once ([`payload`]), requests are pipelined on
//! connections that share one executor a core ([`lane`], [`crew`]), and nothing is decoded that is not looked at.
//!
//! | to see | look at |
//! | --- | --- |
//! | the options | [`options`] |
//! | what a run measures, and how it tells | [`outcome`] |
//! | one mode | [`produce`], [`consume`], [`e2e`], [`catchup`], [`connections`], [`partitions`] |
//! | when records are due, and which make a batch | [`pacing`] |
//! | the bytes of a batch | [`payload`], [`values`] |
//! | a consumer | [`fetch`] |
//! | a connection, before and under load | [`client`], [`lane`] |
//! | topics and their leaders | [`cluster`], [`site`] |
//! | threads, time and counts, Ctrl-C | [`crew`], [`timers`], [`meter`], [`interrupt`] |
//! | how a run is told: lines, table, JSON, HTML page | [`output`] |
//! | what it costs the broker and the machine | [`usage`] |

pub mod catchup;
pub mod client;
pub mod cluster;
pub mod connections;
pub mod consume;
pub mod crew;
pub mod e2e;
pub mod error;
pub mod fetch;
pub mod figures;
pub mod interrupt;
pub mod json;
pub mod lane;
pub mod meter;
pub mod options;
pub mod outcome;
pub mod output;
pub mod pacing;
pub mod partitions;
pub mod payload;
pub mod produce;
pub mod progress;
pub mod report;
pub mod site;
pub mod table;
pub mod timers;
pub mod usage;
pub mod values;

#[cfg(test)]
mod sample;

use crate::bench::error::BenchError;
use crate::bench::options::Mode;
use crate::bench::outcome::{Outcome, Watch};
use crate::boot::checks;

/// Runs a load to its end. `watch` hears of its progress, on this thread.
pub fn run(mode: &Mode, watch: &mut Watch<'_>) -> Result<Outcome, BenchError> {
    let threads = mode.common().cores()?.len();
    checks::host(threads).map_err(|why| BenchError::Options(why.to_string()))?;
    match mode {
        Mode::Produce(args) => produce::run(args, watch),
        Mode::Consume(args) => consume::run(args, watch),
        Mode::E2e(args) => e2e::run(args, watch),
        Mode::Catchup(args) => catchup::run(args, watch),
        Mode::Connections(args) => connections::run(args, watch),
        Mode::Partitions(args) => partitions::run(args, watch),
    }
}
