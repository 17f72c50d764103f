use std::path::Path;

use super::*;
use crate::base::limits::PAGE_BYTES;
use crate::io::chunk::ChunkPool;
use crate::io::executor::tests::run_on_shard;
use crate::io::tail_buffer::TailBuffer;
use crate::log::locate::ReadAt;

fn pattern(seed: u64, len: usize) -> Vec<u8> {
    let mut state = seed | 1;
    std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    })
    .take(len)
    .collect()
}

fn create(directory: &Path, name: &str) -> Arc<SegmentFile> {
    let file = SegmentFile::create(&directory.join(name)).unwrap();
    file.allocate(0, 4 << 20).unwrap();
    Arc::new(file)
}

async fn all(ring: &DiskRing) -> Vec<Completion> {
    let mut done = Vec::new();
    while ring.in_flight() > 0 {
        ring.completions(&mut done).await;
    }
    done
}

/// Appends of odd sizes, each followed by a write that begins with the partial page of the last.
async fn append_and_write(ring: &DiskRing, file: &Arc<SegmentFile>) -> Vec<u8> {
    let pool = ChunkPool::new(64 * 1024);
    let mut tail = TailBuffer::empty(&pool);
    let mut contents = Vec::new();
    let mut written = 0;
    for (seed, len) in [
        (1, 10),
        (2, 4086),
        (3, 5000),
        (4, 1),
        (5, 700_000),
        (6, 123_456),
    ] {
        let bytes = pattern(seed, len);
        contents.extend_from_slice(&bytes);
        tail.append(&[&bytes]);
        let from = written / PAGE_BYTES * PAGE_BYTES;
        let to = tail.end().next_multiple_of(PAGE_BYTES);
        let write = ring.submit_write(file, tail.pages(from, to).unwrap(), from);
        // The padding's page changes while the write is under way.
        let more = pattern(seed + 100, 33);
        let end = tail.end();
        contents.extend_from_slice(&more);
        tail.append(&[&more]);
        let done = all(ring).await;
        assert_eq!(done[0].op, write);
        assert_eq!(*done[0].result.as_ref().unwrap() as u64, to - from);
        written = end;
        tail.release_below(written);
    }
    let from = written / PAGE_BYTES * PAGE_BYTES;
    let to = tail.end().next_multiple_of(PAGE_BYTES);
    ring.submit_write(file, tail.pages(from, to).unwrap(), from);
    all(ring).await[0].result.as_ref().unwrap();
    contents
}

#[test]
fn what_is_written_page_by_page_is_read_back() {
    let directory = tempfile::tempdir().unwrap();
    let file = create(directory.path(), "00.log");
    let reader = file.clone();
    let contents = run_on_shard(move || async move {
        let ring = DiskRing::new(8);
        let contents = append_and_write(&ring, &file).await;
        let sync = ring.submit_fdatasync(&file);
        let done = all(&ring).await;
        assert!(matches!(&done[..], [one] if one.op == sync && one.result.is_ok()));
        contents
    });
    let mut read = vec![1; contents.len() + 100];
    reader.read_at(&mut read, 0).unwrap();
    assert!(read[..contents.len()] == contents);
    assert_eq!(read[contents.len()..], [0; 100]);
}

#[test]
fn more_operations_than_entries_wait_their_turn() {
    let directory = tempfile::tempdir().unwrap();
    let files: Vec<_> = (0..4)
        .map(|n| create(directory.path(), &n.to_string()))
        .collect();
    let readers = files.clone();
    run_on_shard(move || async move {
        let ring = DiskRing::new(4);
        let pool = ChunkPool::new(1 << 20);
        let mut expected = std::collections::BTreeSet::new();
        for page in 0..64u64 {
            for file in &files {
                let mut tail = TailBuffer::empty(&pool);
                tail.append(&[&pattern(page, PAGE)]);
                let pages = tail.pages(0, PAGE_BYTES).unwrap();
                expected.insert(ring.submit_write(file, pages, page * PAGE_BYTES));
            }
        }
        expected.insert(ring.submit_fsync(&files[0]));
        let done: std::collections::BTreeSet<_> = all(&ring).await.iter().map(|c| c.op).collect();
        assert_eq!(done, expected);
        assert_eq!(pool.held_bytes(), 0);
    });
    for file in readers {
        for page in 0..64u64 {
            let mut read = vec![0; PAGE];
            file.read_at(&mut read, page * PAGE_BYTES).unwrap();
            assert!(read == pattern(page, PAGE), "page {page}");
        }
    }
}

#[test]
fn an_operation_that_cannot_start_completes_with_its_error() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("00.log");
    std::fs::write(&path, b"sealed").unwrap();
    run_on_shard(move || async move {
        let file = Arc::new(SegmentFile::open(&path).unwrap());
        let ring = DiskRing::new(2);
        let op = ring.submit_fdatasync(&file);
        let done = all(&ring).await;
        let error = done[0].result.as_ref().unwrap_err();
        assert_eq!(
            (done[0].op, error.kind()),
            (op, io::ErrorKind::PermissionDenied)
        );
    });
}

#[test]
fn a_ring_that_is_dropped_waits_for_the_kernel() {
    let directory = tempfile::tempdir().unwrap();
    let file = create(directory.path(), "00.log");
    let reader = file.clone();
    run_on_shard(move || async move {
        let ring = DiskRing::new(8);
        let pool = ChunkPool::new(1 << 20);
        let mut tail = TailBuffer::empty(&pool);
        tail.append(&[&pattern(9, 1 << 20)]);
        ring.submit_write(&file, tail.pages(0, 1 << 20).unwrap(), 0);
        drop(ring);
        drop(tail);
        assert_eq!(pool.held_bytes(), 0);
    });
    let mut read = vec![0; 1 << 20];
    reader.read_at(&mut read, 0).unwrap();
    assert!(read == pattern(9, 1 << 20));
}

#[test]
fn a_file_is_created_once_and_opened_again_where_it_was() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("00.log");
    let file = SegmentFile::create(&path).unwrap();
    let again = SegmentFile::create(&path).unwrap_err();
    assert_eq!(again.kind(), io::ErrorKind::AlreadyExists);
    file.allocate(0, 10_000).unwrap();
    file.set_len(5000).unwrap();
    file.sync().unwrap();
    let opened = SegmentFile::open_for_append(&path).unwrap();
    assert_eq!(opened.len_bytes().unwrap(), 5000);
    assert_eq!(opened.is_direct(), file.is_direct());
    std::fs::remove_file(&path).unwrap();
    let mut read = [1; 10];
    assert_eq!(opened.read_at(&mut read, 4995).unwrap(), 5);
    assert_eq!(
        SegmentFile::open(&path).unwrap_err().kind(),
        io::ErrorKind::NotFound
    );
}
