#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ringlog::metadata::fuzz_metadata_record(bytes));
