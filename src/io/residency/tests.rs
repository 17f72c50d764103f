use super::*;

#[test]
fn a_warmed_range_is_resident_and_a_dropped_one_is_not() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("segment");
    std::fs::write(&path, vec![7u8; 1 << 20]).unwrap();
    File::open(&path).unwrap().sync_all().unwrap();
    let file = SegmentFile::open(&path).unwrap();
    // SAFETY: fadvise takes no pointers.
    unsafe { libc::posix_fadvise(file.read_fd(), 0, 0, libc::POSIX_FADV_DONTNEED) };
    assert!(!is_resident(&file, 0, 1 << 20));
    warm(&file, 100_000, 500_000).unwrap();
    assert!(is_resident(&file, 100_000, 500_000));
    warm(&file, 0, u64::MAX).unwrap_err();
    warm(&file, 0, 1 << 30).unwrap();
    assert!(is_resident(&file, 0, 1 << 20));
    assert!(is_resident(&file, 5, 0));
}

#[test]
fn pages_are_counted_from_their_beginnings() {
    for (position, len, expected) in [(0, 1, 1), (4095, 2, 2), (4096, 4096, 1), (1, 8192, 3)] {
        assert_eq!(pages_of(position, len), expected, "{position} {len}");
    }
}
