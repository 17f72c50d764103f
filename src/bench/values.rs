//! Where the bytes of records come from: at random, or out of a file.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use bytes::Bytes;

use crate::bench::error::BenchError;

/// Of a longer file the rest is not used.
const PAYLOAD_BYTES_MAX: u64 = 256 << 20;

/// What keys and values are made of.
#[derive(Clone, Debug)]
pub enum Values {
    /// Random bytes, which no codec compresses.
    Random,
    /// The bytes of a file, over and over.
    File(Bytes),
}

impl Values {
    /// As the options say.
    pub fn new(file: Option<&Path>) -> Result<Values, BenchError> {
        let Some(path) = file else {
            return Ok(Values::Random);
        };
        match read(path) {
            Ok(bytes) if bytes.is_empty() => Err(BenchError::Options(format!(
                "--payload-file {}: it is empty",
                path.display()
            ))),
            Ok(bytes) => Ok(Values::File(bytes.into())),
            Err(why) => Err(BenchError::PayloadFile {
                path: path.to_owned(),
                why,
            }),
        }
    }

    /// Bytes from the beginning.
    pub fn source(&self) -> Source {
        Source {
            values: self.clone(),
            at: 0,
        }
    }
}

/// As much of a file as is worth having in memory.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?
        .take(PAYLOAD_BYTES_MAX)
        .read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Gives bytes one after the other.
#[derive(Debug)]
pub struct Source {
    values: Values,
    at: usize,
}

impl Source {
    /// The next bytes.
    pub fn fill(&mut self, into: &mut [u8]) {
        match &self.values {
            Values::Random => {
                // Without a source of randomness any bytes will do.
                let _ = getrandom::fill(into);
            }
            Values::File(bytes) => {
                let mut rest = into;
                while !rest.is_empty() {
                    let from = bytes.get(self.at..).unwrap_or_default();
                    let len = from.len().min(rest.len());
                    let (now, later) = rest.split_at_mut(len);
                    now.copy_from_slice(&from[..len]);
                    rest = later;
                    self.at = (self.at + len) % bytes.len();
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_goes_round() {
        let mut source = Values::File(Bytes::from_static(b"abc")).source();
        let mut filled = Vec::new();
        for len in [2, 0, 5, 1] {
            let mut bytes = vec![0; len];
            source.fill(&mut bytes);
            filled.extend(bytes);
        }
        assert_eq!(filled, b"abcabcab");
    }
}
