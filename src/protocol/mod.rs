//! Bytes to typed messages and back.
//!
//! A connection's bytes are cut into frames ([`FrameSplitter`]); a frame opens with a
//! [`RequestHeader`]; its key leads to a row of the API table ([`ApiKey`], [`ApiSpec`]), and the body
//! decodes into one of the generated [`messages`], which borrows from the frame. Answers go the other
//! way by [`encode_response`], which leaves gaps where record bytes belong, so that these are never
//! copied.
//!
//! `messages/` is written by a generator from `schema/`; see `schema/README.md`.
#![forbid(unsafe_code)]

pub mod api;
pub mod catalog;
pub mod crc;
mod error;
mod error_code;
pub mod frame;
pub mod fuzz;
pub mod header;
mod message;
pub mod messages;
mod reader;
pub mod records;
mod writer;

pub use api::{ApiKey, ApiSpec, Plane};
pub use error::{DecodeError, DecodeFault, EncodeError};
pub use error_code::ErrorCode;
pub use frame::{FrameError, FrameSplitter, Split};
pub use header::{RequestHeader, decode_response_header, encode_request, encode_response};
pub use message::{Message, Records};
pub use reader::Reader;
pub use writer::{Encoded, Gap, Writer};
