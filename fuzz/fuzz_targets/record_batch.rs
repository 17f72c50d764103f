#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ringlog::protocol::records::fuzz_record_batch(bytes));
