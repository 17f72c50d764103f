#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ringlog::protocol::fuzz::fuzz_response(bytes));
