//! The control plane: one ordinary thread that decides, writes the metadata log, and answers HTTP.
//!
//! | to see | look at |
//! | --- | --- |
//! | what shards ask, and get | [`messages`] |
//! | how a request becomes a change | [`controller`], [`draft`], one file per API in `handlers/` |
//! | how a change becomes durable | [`metadata_log`] |
//! | the loop, signals, the orderly end | [`run`](mod@run), [`checkpoints`] |
//! | the admin server | [`web`], [`exposition`], [`metrics`] |

pub mod checkpoints;
pub mod controller;
pub mod draft;
pub mod exposition;
mod handlers;
pub mod messages;
pub mod metadata_log;
pub mod metrics;
pub mod run;
pub mod web;
