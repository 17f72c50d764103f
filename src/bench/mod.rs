//! `ringlog bench`: load for any Kafka-compatible broker, and what it measured.
//!
//! | to see | look at |
//! | --- | --- |
//! | what a run measures, and how it tells | [`outcome`] |

pub mod outcome;
