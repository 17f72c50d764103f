use proptest::prelude::*;

use super::*;

fn bytes_at(from: u64, len: usize) -> Vec<u8> {
    (0..len as u64).map(|i| ((from + i) % 249) as u8).collect()
}

fn read(tail: &TailBuffer, from: u64, to: u64) -> Option<Vec<u8>> {
    let slices = tail.slices(from, to)?;
    Some(slices.iter().flat_map(|slice| slice.to_vec()).collect())
}

/// What a write of the pages would put on disk.
fn written(tail: &TailBuffer, from: u64, to: u64) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    for piece in tail.pages(from, to)? {
        // SAFETY: nothing appends meanwhile, and all of the piece is initialised.
        let bytes = unsafe { std::slice::from_raw_parts(piece.start(), piece.len_bytes()) };
        out.extend_from_slice(bytes);
    }
    Some(out)
}

#[test]
fn appends_gather_and_span_chunks() {
    let pool = ChunkPool::new(1 << 20);
    let mut tail = TailBuffer::empty(&pool);
    assert_eq!(tail.append(&[&bytes_at(0, 61), &bytes_at(61, 5000)]), 0);
    assert_eq!(tail.append(&[&bytes_at(5061, 300_000)]), 5061);
    assert_eq!(tail.end(), 305_061);
    assert_eq!(read(&tail, 0, 305_061).unwrap(), bytes_at(0, 305_061));
    assert_eq!(read(&tail, 5000, 5100).unwrap(), bytes_at(5000, 100));
    assert_eq!(read(&tail, 7, 7).unwrap(), b"");
    assert!(tail.slices(0, 305_062).is_none());
}

#[test]
fn the_last_page_is_padded_with_zeros_even_in_reused_memory() {
    let pool = ChunkPool::new(1 << 20);
    for round in 0..3 {
        let mut tail = TailBuffer::empty(&pool);
        tail.append(&[&[0xee; 100_000]]);
        drop(tail);
        let mut tail = TailBuffer::empty(&pool);
        tail.append(&[&bytes_at(0, 100)]);
        tail.append(&[&bytes_at(100, 5)]);
        let mut page = bytes_at(0, 105);
        page.resize(PAGE, 0);
        assert_eq!(written(&tail, 0, PAGE_BYTES).unwrap(), page, "{round}");
    }
    assert_eq!(pool.held_bytes(), 0);
}

#[test]
fn a_resumed_tail_goes_on_where_the_file_ends() {
    let pool = ChunkPool::new(1 << 20);
    let mut tail = TailBuffer::resume(&pool, 10_000, &bytes_at(8192, 10_000 - 8192));
    assert_eq!(tail.start(), 8192);
    assert_eq!(tail.append(&[&bytes_at(10_000, 100)]), 10_000);
    assert_eq!(read(&tail, 8192, 10_100).unwrap(), bytes_at(8192, 1908));
    assert!(tail.slices(8191, 9000).is_none());
    assert!(tail.pages(4096, 8192).is_none());
    let at_a_page = TailBuffer::resume(&pool, 8192, &[]);
    assert_eq!((at_a_page.start(), at_a_page.held_bytes()), (8192, 0));
}

#[test]
fn only_what_is_written_is_let_go_and_readers_keep_what_they_hold() {
    let pool = ChunkPool::new(0);
    let mut tail = TailBuffer::empty(&pool);
    tail.append(&[&bytes_at(0, 3_000_000)]);
    let held = tail.slices(0, 1000).unwrap();
    tail.release_below(10);
    assert_eq!(tail.start(), 0);
    tail.release_below(3_000_000);
    assert!(tail.start() > 1_000_000, "{}", tail.start());
    assert_eq!(
        read(&tail, tail.start(), tail.end()).unwrap().len() as u64,
        tail.end() - tail.start()
    );
    assert_eq!(held[0].to_vec(), bytes_at(0, 1000));
    assert_eq!(held[0].cut(10, 20).to_vec(), bytes_at(10, 10));
}

#[test]
fn many_tails_hold_little_more_than_what_is_in_them() {
    let pool = ChunkPool::new(1 << 20);
    let mut tails: Vec<TailBuffer> = (0..1000).map(|_| TailBuffer::empty(&pool)).collect();
    for round in 0..40 {
        for tail in &mut tails {
            let written = tail.append(&[&[round; 1000]]) + 1000;
            tail.release_below(written);
        }
        assert!(pool.held_bytes() <= (1 << 20) + 2 * tails.len() * PAGE);
    }
    let alone = ChunkPool::new(1 << 20);
    let mut tail = TailBuffer::empty(&alone);
    for _ in 0..1000 {
        tail.append(&[&[1; 1000]]);
    }
    assert!(
        tail.chunks
            .iter()
            .any(|held| held.writer.capacity() >= 128 * 1024)
    );
    drop((tails, tail));
    assert_eq!((pool.held_bytes(), alone.held_bytes()), (0, 0));
    assert_eq!((pool.open(), alone.open()), (0, 0));
}

#[test]
fn a_tail_at_rest_holds_one_page() {
    let pool = ChunkPool::new(1 << 30);
    let mut tail = TailBuffer::empty(&pool);
    tail.append(&[&bytes_at(0, 2_000_003)]);
    tail.shrink_to_tail_page();
    assert_eq!(tail.held_bytes(), PAGE);
    assert_eq!(tail.end(), 2_000_003);
    let page = 2_000_003 / PAGE_BYTES * PAGE_BYTES;
    let rest = (2_000_003 - page) as usize;
    assert_eq!(read(&tail, page, 2_000_003).unwrap(), bytes_at(page, rest));
    pool.trim();
    assert_eq!(pool.held_bytes(), PAGE);
}

#[derive(Clone, Debug)]
enum Step {
    Append(usize, usize),
    Release(u64),
    Shrink,
    Read(u64, u64),
    Write(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0usize..200, 0usize..150_000).prop_map(|(a, b)| Step::Append(a, b)),
        1 => (0u64..3_000_000).prop_map(Step::Release),
        1 => Just(Step::Shrink),
        3 => (0u64..1_000_000, 0u64..1_000_000).prop_map(|(a, b)| Step::Read(a, b)),
        3 => (0u64..300).prop_map(Step::Write),
    ]
}

fn apply(tail: &mut TailBuffer, step: Step) {
    match step {
        Step::Append(first, second) => {
            let at = tail.end();
            let all = bytes_at(at, first + second);
            assert_eq!(tail.append(&[&all[..first], &all[first..]]), at);
        }
        Step::Release(written) => tail.release_below(written),
        Step::Shrink => tail.shrink_to_tail_page(),
        Step::Read(back, len) => {
            let from = tail.end().saturating_sub(back);
            let to = (from + len).min(tail.end());
            if let Some(bytes) = read(tail, from, to) {
                assert_eq!(bytes, bytes_at(from, (to - from) as usize));
            } else {
                assert!(from < tail.start());
            }
        }
        Step::Write(pages_back) => {
            let to = tail.end().next_multiple_of(PAGE_BYTES);
            let from = to.saturating_sub(pages_back * PAGE_BYTES);
            if let Some(bytes) = written(tail, from, to) {
                let data = (tail.end().max(from) - from) as usize;
                assert_eq!(bytes[..data], bytes_at(from, data));
                assert!(bytes[data..].iter().all(|byte| *byte == 0));
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn a_tail_mirrors_its_file(steps in prop::collection::vec(step(), 1..60)) {
        let pool = ChunkPool::new(256 * 1024);
        let mut tail = TailBuffer::empty(&pool);
        for step in steps {
            apply(&mut tail, step);
        }
        drop(tail);
        prop_assert_eq!(pool.held_bytes(), 0);
    }
}
