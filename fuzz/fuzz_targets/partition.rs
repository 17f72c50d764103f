#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ringlog::partition::fuzz_partition(bytes));
