//! The records of `__consumer_offsets`.

/// Feeds arbitrary bytes to the record decoder.
pub fn fuzz_group_record(_bytes: &[u8]) {}
