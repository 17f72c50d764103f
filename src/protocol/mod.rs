//! Bytes to typed messages and back.

mod error_code;
pub mod records;

pub use error_code::ErrorCode;
