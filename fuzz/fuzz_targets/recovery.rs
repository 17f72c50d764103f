#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ringlog::log::recovery::fuzz_recovery(bytes));
