//! Why there is no result. Each is one line.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// Why a run has no result.
#[derive(Debug, Error)]
pub enum BenchError {
    /// Options that do not go together.
    #[error("{0}")]
    Options(String),
    /// `--payload-file`.
    #[error("cannot read --payload-file {}: {why}", path.display())]
    PayloadFile {
        /// The file.
        path: PathBuf,
        /// Why.
        why: io::Error,
    },
    /// A name that means nothing, or not an address at all.
    #[error("cannot understand the address {address}: {why}")]
    Unresolved {
        /// The address.
        address: String,
        /// Why.
        why: io::Error,
    },
    /// Nobody is there.
    #[error("cannot connect to {address}: {why}")]
    Connect {
        /// The address.
        address: String,
        /// Why.
        why: io::Error,
    },
    /// The broker takes too long.
    #[error("{address} has not answered {what} within {seconds} s (--timeout)")]
    Slow {
        /// The address.
        address: String,
        /// The request.
        what: &'static str,
        /// How long it was waited for.
        seconds: u64,
    },
    /// The connection broke.
    #[error("lost the connection to {address} during {what}: {why}")]
    Lost {
        /// The address.
        address: String,
        /// The request.
        what: &'static str,
        /// Why.
        why: io::Error,
    },
    /// What came is not an answer to what was asked.
    #[error("{address} gave a wrong answer to {what}: {why}")]
    Protocol {
        /// The address.
        address: String,
        /// The request.
        what: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// The broker lacks an API, or all versions of it that are spoken here.
    #[error("{address} does not speak {api} in a version that is spoken here")]
    Unsupported {
        /// The address.
        address: String,
        /// The API.
        api: &'static str,
    },
    /// The broker says no.
    #[error("{what} was refused: {why}")]
    Refused {
        /// What was asked.
        what: String,
        /// Kafka's name of the error, and the broker's words if it has any.
        why: String,
    },
    /// The broker says not yet: a new partition has no leader that serves it.
    #[error("{what} cannot be used: {why}")]
    NotYet {
        /// What was asked.
        what: String,
        /// Kafka's name of the error.
        why: String,
    },
    /// A topic that was to be there.
    #[error("there is no topic {0}")]
    NoTopic(String),
    /// Ctrl-C.
    #[error("interrupted before anything was measured")]
    Interrupted,
    /// The machine the load is made on.
    #[error("cannot make the load: {0}")]
    Generator(#[from] io::Error),
}

/// What a code in an answer is called.
pub fn error_name(code: i16) -> String {
    match crate::protocol::ErrorCode::from_code(code) {
        Some(code) => code.name().to_owned(),
        None => format!("ERROR_{code}"),
    }
}
