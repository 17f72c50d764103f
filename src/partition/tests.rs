use super::*;

mod rules;

/// A few hundred sequences of events from one seed; each is long enough to cross several segments.
#[test]
fn arbitrary_events_agree_with_the_model() {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    for _ in 0..300 {
        let bytes: Vec<u8> = std::iter::repeat_with(|| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 32) as u8
        })
        .take(900)
        .collect();
        fuzz_partition(&bytes);
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { cases: 100, failure_persistence: None, ..Default::default() })]

    #[test]
    fn proptest_shrinks_disagreements(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..600)) {
        fuzz_partition(&bytes);
    }
}
