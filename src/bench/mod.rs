//! `ringlog bench`: load for any Kafka-compatible broker, and what it measured.
//!
//! | to see | look at |
//! | --- | --- |
//! | what a run measures, and how it tells | [`outcome`] |
//! | how a run is told: lines, table, JSON, HTML page | [`output`] |
//! | what it costs the broker and the machine | [`usage`] |

pub mod figures;
pub mod json;
pub mod outcome;
pub mod output;
pub mod progress;
pub mod report;
pub mod table;
pub mod usage;

#[cfg(test)]
mod sample;
