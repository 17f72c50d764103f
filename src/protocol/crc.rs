//! CRC-32C, which guards record batches and snapshots, by the widest instructions that the processor has.

use crc_fast::{CrcAlgorithm, Digest, checksum};

/// The checksum of `bytes`.
pub fn crc32c(bytes: &[u8]) -> u32 {
    low(checksum(CrcAlgorithm::Crc32Iscsi, bytes))
}

/// The checksum of `parts`, one behind the other.
pub fn crc32c_of(parts: &[&[u8]]) -> u32 {
    let mut digest = Digest::new(CrcAlgorithm::Crc32Iscsi);
    parts.iter().for_each(|part| digest.update(part));
    low(digest.finalize())
}

/// The checksum of two parts of which only the checksums are known, and how long the second is. Slower than walking over some
/// kilobytes.
pub fn crc32c_combine(first: u32, second: u32, second_len: usize) -> u32 {
    let (first, second) = (u64::from(first), u64::from(second));
    low(crc_fast::checksum_combine(
        CrcAlgorithm::Crc32Iscsi,
        first,
        second,
        second_len as u64,
    ))
}

/// The crate tells checksums of all widths in 64 bits.
fn low(checksum: u64) -> u32 {
    checksum as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Another implementation agrees at every length and alignment that takes a path of its own.
    #[test]
    fn an_independent_implementation_agrees() {
        let bytes: Vec<u8> = (0..5000u32)
            .map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8)
            .collect();
        let lengths = (0..600).chain([1023, 1024, 1025, 4095, 4096, 4097, 4900]);
        for len in lengths {
            for from in [0, 1, 7, 61] {
                let piece = &bytes[from..from + len];
                assert_eq!(crc32c(piece), ::crc32c::crc32c(piece), "{len} from {from}");
                let (head, tail) = piece.split_at(len / 3);
                assert_eq!(crc32c_of(&[head, tail]), crc32c(piece), "{len} from {from}");
                let combined = crc32c_combine(crc32c(head), crc32c(tail), tail.len());
                assert_eq!(combined, crc32c(piece), "{len} from {from}");
            }
        }
    }

    #[test]
    fn the_check_value_of_the_algorithm() {
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
    }
}
