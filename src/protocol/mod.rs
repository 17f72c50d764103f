//! Bytes to typed messages and back.

mod error_code;

pub use error_code::ErrorCode;
