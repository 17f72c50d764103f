//! The control plane: one ordinary thread that decides, writes the metadata log, and answers HTTP.

pub mod messages;
pub mod metrics;
