#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ringlog::group::records::fuzz_group_record(bytes));
