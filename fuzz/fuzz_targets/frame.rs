#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ringlog::protocol::frame::fuzz_frame(bytes));
