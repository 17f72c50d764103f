//! Bytes that are no message: every decoder refuses them, or reads what is there, and never panics.

use ringlog::protocol::catalog::CATALOG;
use ringlog::protocol::frame::fuzz_frame;
use ringlog::protocol::fuzz::{
    fuzz_other_message, fuzz_request, fuzz_request_frame, fuzz_response,
};
use ringlog::protocol::{DecodeFault, Reader};

use crate::random::{self, Rng};
use crate::round_trip::each_sample;

#[test]
fn a_message_cut_short_is_refused() {
    each_sample(|message, entry, version, seed| {
        if seed > 1 {
            return;
        }
        let bytes = random::message(message, version, seed, false);
        for length in 0..bytes.len() {
            let mut r = Reader::new(&bytes[..length]);
            let read = (entry.transcode)(&mut r, version);
            assert!(read.is_err(), "{} v{version}: {length} bytes", entry.name);
        }
    });
}

#[test]
fn damaged_messages_do_no_harm() {
    each_sample(|message, entry, version, seed| {
        let mut bytes = random::message(message, version, seed, seed % 2 == 0);
        let mut rng = Rng::new(seed);
        for _ in 0..8 {
            if bytes.is_empty() {
                return;
            }
            let at = rng.below(bytes.len() as u64) as usize;
            bytes[at] = [0, 1, 0x7f, 0x80, 0xff, rng.next() as u8][rng.below(6) as usize];
            let _ = (entry.transcode)(&mut Reader::with_budget(&bytes, 1 << 16), version);
        }
    });
}

#[test]
fn random_bytes_do_no_harm() {
    let mut rng = Rng::new(7);
    let mut bytes = Vec::new();
    for round in 0..40_000 {
        bytes.clear();
        let length = rng.below(120);
        // Small numbers are lengths that fit; pure noise seldom gets past the first one.
        let mask = if round % 2 == 0 { 0xff } else { 0x07 };
        bytes.extend((0..length).map(|_| rng.next() as u8 & mask));
        fuzz_request(&bytes);
        fuzz_response(&bytes);
        fuzz_other_message(&bytes);
        fuzz_request_frame(&bytes);
        fuzz_frame(&bytes);
    }
}

#[test]
fn whole_requests_behind_headers_are_read() {
    each_sample(|message, entry, version, seed| {
        let Some(key) = entry.api_key else { return };
        let mut frame = Vec::new();
        frame.extend(key.to_be_bytes());
        frame.extend(version.to_be_bytes());
        frame.extend([0, 0, 0, 7, 0, 2, b'm', b'e']);
        if message.is_flexible(version) {
            frame.push(0);
        }
        frame.extend(random::message(message, version, seed, false));
        fuzz_request_frame(&frame);
    });
}

#[test]
fn a_claimed_array_allocates_nothing() {
    // A metadata request that claims two billion topics in ten bytes.
    let entry = CATALOG
        .iter()
        .find(|entry| entry.name == "MetadataRequest")
        .expect("known");
    let bytes = [0x7f, 0xff, 0xff, 0xff, 0, 1, b'a', 0, 0, 0];
    let error = (entry.transcode)(&mut Reader::new(&bytes), 1).expect_err("refused");
    let claimed = i32::MAX as usize;
    assert_eq!(error.fault, DecodeFault::ArrayLength { claimed, left: 6 });
}

#[test]
fn small_elements_cannot_become_big_memory() {
    // A million topics, each of three empty bytes, would take some forty times the frame.
    let entry = CATALOG
        .iter()
        .find(|entry| entry.name == "ProduceRequest")
        .expect("known");
    let mut bytes = vec![0, 0, 1, 0, 0, 0, 0];
    let topics: u32 = 1_000_000;
    let mut length = topics + 1;
    while length >= 0x80 {
        bytes.push(length as u8 | 0x80);
        length >>= 7;
    }
    bytes.push(length as u8);
    bytes.extend((0..topics).flat_map(|_| [1, 1, 0]));
    let error = (entry.transcode)(&mut Reader::new(&bytes), 9).expect_err("refused");
    assert_eq!(error.fault, DecodeFault::Budget);
}
