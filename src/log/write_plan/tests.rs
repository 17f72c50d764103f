use super::*;

const PAGE: u64 = PAGE_BYTES;

/// A queue of an empty log whose first segment has all the space it wants.
fn queue() -> WriteQueue {
    WriteQueue::new(Offset(0), 0, Offset(0), 1 << 30)
}

fn range(op: Option<WriteOp>) -> Option<(u64, u64, u32)> {
    op.map(|op| (op.file_from, op.file_to, op.data_end))
}

#[test]
fn writes_cover_whole_pages_and_come_back_to_the_partial_one() {
    let mut queue = queue();
    for (end, offset, expected) in [
        (100, 1, (0, PAGE, 100)),
        (5000, 2, (0, 2 * PAGE, 5000)),
        (8192, 3, (PAGE, 2 * PAGE, 8192)),
        (8193, 4, (2 * PAGE, 3 * PAGE, 8193)),
    ] {
        queue.appended(end, Offset(offset));
        assert_eq!(range(queue.next_write(u64::MAX)), Some(expected));
        queue.invariants();
        assert_eq!(queue.next_write(u64::MAX), None, "one write at a time");
        queue.on_written(Ok(()));
        assert_eq!(queue.written_offset(), Offset(offset));
        assert_eq!(queue.next_write(u64::MAX), None, "nothing is left");
    }
}

#[test]
fn appends_during_a_write_join_the_next() {
    let mut queue = queue();
    queue.appended(100, Offset(1));
    queue.next_write(u64::MAX);
    queue.appended(300, Offset(5));
    queue.appended(700, Offset(9));
    queue.on_written(Ok(()));
    assert_eq!(queue.written_offset(), Offset(1));
    assert_eq!(range(queue.next_write(u64::MAX)), Some((0, PAGE, 700)));
    queue.on_written(Ok(()));
    assert_eq!(queue.written_offset(), Offset(9));
}

#[test]
fn a_bounded_write_proves_only_whole_batches() {
    let mut queue = queue();
    queue.appended(6000, Offset(1));
    queue.appended(30_000, Offset(2));
    for (expected, written) in [
        ((0, 2 * PAGE, 8192), 1),
        ((2 * PAGE, 4 * PAGE, 16384), 1),
        ((4 * PAGE, 6 * PAGE, 24576), 1),
        ((6 * PAGE, 8 * PAGE, 30_000), 2),
    ] {
        assert_eq!(range(queue.next_write(9000)), Some(expected));
        queue.on_written(Ok(()));
        assert_eq!(queue.written_offset(), Offset(written));
    }
}

#[test]
fn a_sync_covers_what_was_written_before_it_began() {
    let mut queue = queue();
    queue.appended(100, Offset(1));
    queue.want_sync(Offset(1));
    assert_eq!(queue.next_sync(), None, "nothing is written");
    queue.next_write(u64::MAX);
    queue.on_written(Ok(()));
    let op = queue.next_sync().expect("someone waits");
    assert_eq!((op.segment, op.up_to), (Offset(0), Offset(1)));
    queue.appended(200, Offset(2));
    queue.want_sync(Offset(2));
    queue.next_write(u64::MAX);
    queue.on_written(Ok(()));
    assert_eq!(queue.next_sync(), None, "one sync at a time");
    queue.on_synced(Ok(()));
    assert_eq!(queue.synced_offset(), Offset(1));
    assert_eq!(queue.next_sync().map(|op| op.up_to), Some(Offset(2)));
    queue.on_synced(Ok(()));
    assert_eq!(queue.next_sync(), None, "nobody waits");
}

#[test]
fn a_sync_does_not_start_before_it_helps_someone() {
    let mut queue = queue();
    queue.appended(100, Offset(1));
    queue.appended(200, Offset(2));
    queue.want_sync(Offset(3));
    queue.next_write(u64::MAX);
    queue.on_written(Ok(()));
    assert_eq!(queue.next_sync(), None);
    queue.appended(300, Offset(3));
    queue.next_write(u64::MAX);
    queue.on_written(Ok(()));
    assert_eq!(queue.next_sync().map(|op| op.up_to), Some(Offset(3)));
}

#[test]
fn a_rolled_segment_is_written_and_sealed_before_the_next_is_touched() {
    let mut queue = queue();
    queue.appended(100, Offset(1));
    queue.rolled(Offset(1));
    queue.appended(50, Offset(2));
    queue.want_sync(Offset(2));
    assert_eq!(queue.next_seal(), None, "it is not written");
    assert_eq!(
        queue.next_write(u64::MAX).map(|op| op.segment),
        Some(Offset(0))
    );
    assert_eq!(queue.next_seal(), None, "the write is under way");
    queue.on_written(Ok(()));
    assert_eq!(queue.next_write(u64::MAX), None);
    assert_eq!(queue.next_sync(), None, "the seal syncs it");
    let seal = queue.next_seal().expect("it is written");
    assert_eq!(
        (seal.segment, seal.size_bytes, seal.up_to),
        (Offset(0), 100, Offset(1))
    );
    assert_eq!(queue.next_reserve(), None);
    assert_eq!(queue.on_sealed(Ok(())), Some(Offset(0)));
    assert_eq!(queue.synced_offset(), Offset(1));
    let reserve = queue.next_reserve().expect("the new segment has no space");
    assert_eq!((reserve.segment, reserve.from), (Offset(1), 0));
    assert_eq!(queue.next_write(u64::MAX), None, "no space yet");
    queue.on_reserved(Ok(()));
    assert_eq!(range(queue.next_write(u64::MAX)), Some((0, PAGE, 50)));
    queue.on_written(Ok(()));
    assert_eq!(
        queue.next_sync().map(|op| (op.segment, op.up_to)),
        Some((Offset(1), Offset(2)))
    );
}

#[test]
fn space_is_reserved_in_doubling_steps_up_to_the_segments_size() {
    let mut queue = WriteQueue::new(Offset(0), 0, Offset(0), 0);
    queue.set_segment_size(1 << 20, false);
    let mut steps = Vec::new();
    for position in (1..1 << 20).step_by(1000) {
        queue.appended(position, Offset(i64::from(position)));
        while let Some(op) = queue.next_reserve() {
            assert_eq!(op.from, steps.last().copied().unwrap_or(0));
            steps.push(op.to);
            queue.on_reserved(Ok(()));
        }
    }
    let kib: Vec<u64> = steps.iter().map(|to| to >> 10).collect();
    assert_eq!(kib, [68, 136, 272, 544, 1024]);

    let mut whole = WriteQueue::new(Offset(0), 0, Offset(0), 0);
    whole.set_segment_size(1_000_000, true);
    whole.appended(10, Offset(1));
    assert_eq!(whole.next_reserve().map(|op| op.to), Some(1_003_520));
}

#[test]
fn a_full_disk_is_not_the_end() {
    let mut queue = WriteQueue::new(Offset(0), 0, Offset(0), 0);
    queue.appended(10, Offset(1));
    fill_disk(&mut queue);
    assert!(!queue.is_poisoned());
    assert_eq!(
        (queue.next_reserve(), queue.next_write(u64::MAX)),
        (None, None)
    );
    queue.retry_reserve();
    assert!(queue.next_reserve().is_some());
    queue.on_reserved(Ok(()));
    assert!(queue.next_write(u64::MAX).is_some());
}

/// Refuses reservations, each for less than the one before, until the queue gives up.
fn fill_disk(queue: &mut WriteQueue) {
    let mut last = u64::MAX;
    while let Some(op) = queue.next_reserve() {
        assert!(op.to - op.from <= last);
        last = op.to - op.from;
        queue.on_reserved(Err(ReserveError::NoSpace));
    }
    assert!(queue.is_out_of_space());
}

#[test]
fn a_nearly_full_disk_is_used_in_small_steps() {
    let mut queue = WriteQueue::new(Offset(0), 1 << 30, Offset(1), 1 << 30);
    queue.appended((1 << 30) + 1, Offset(2));
    let free = 300 << 10;
    let mut steps = Vec::new();
    while let Some(op) = queue.next_reserve() {
        steps.push((op.to - op.from) >> 10);
        queue.on_reserved(match op.to - op.from <= free {
            true => Ok(()),
            false => Err(ReserveError::NoSpace),
        });
    }
    assert!(!queue.is_out_of_space());
    assert_eq!(steps.first(), Some(&((64 << 10) + 4)));
    assert_eq!(steps.last(), Some(&256));
}

#[test]
fn what_has_a_place_is_written_though_what_follows_has_none() {
    let mut queue = WriteQueue::new(Offset(0), 0, Offset(0), 4096);
    queue.appended(4000, Offset(1));
    queue.appended(9000, Offset(2));
    fill_disk(&mut queue);
    assert_eq!(queue.reserved_offset(), Offset(1));
    let write = queue.next_write(u64::MAX);
    assert_eq!(
        write.map(|op| (op.data_end, op.file_to)),
        Some((4096, 4096))
    );
    queue.on_written(Ok(()));
    assert_eq!(queue.written_offset(), Offset(1));
    assert_eq!(queue.next_write(u64::MAX), None);
    queue.retry_reserve();
    assert!(queue.is_out_of_space(), "until a reservation succeeds");
}

#[test]
fn after_a_failure_nothing_is_started_and_nothing_believed() {
    let mut queue = queue();
    queue.appended(100, Offset(1));
    queue.next_write(u64::MAX);
    queue.on_written(Ok(()));
    queue.want_sync(Offset(1));
    queue.next_sync();
    queue.appended(200, Offset(2));
    queue.next_write(u64::MAX);
    queue.on_synced(Err(IoFailed));
    queue.on_written(Ok(()));
    assert!(queue.is_poisoned() && queue.is_idle());
    assert_eq!(
        (queue.written_offset(), queue.synced_offset()),
        (Offset(1), Offset(0))
    );
    queue.want_sync(Offset(2));
    queue.rolled(Offset(2));
    assert!(queue.next_write(u64::MAX).is_none() && queue.next_sync().is_none());
    assert!(queue.next_seal().is_none() && queue.next_reserve().is_none());
}

#[test]
fn a_recovered_queue_rewrites_the_partial_page() {
    let mut queue = WriteQueue::new(Offset(40), 5000, Offset(50), 1 << 20);
    assert_eq!(
        (queue.written_offset(), queue.synced_offset()),
        (Offset(50), Offset(50))
    );
    assert_eq!(queue.next_write(u64::MAX), None);
    queue.appended(5100, Offset(51));
    assert_eq!(
        range(queue.next_write(u64::MAX)),
        Some((PAGE, 2 * PAGE, 5100))
    );
}

#[test]
fn a_cut_keeps_the_seals_of_earlier_segments() {
    let mut queue = queue();
    queue.appended(100, Offset(1));
    queue.rolled(Offset(1));
    queue.appended(50, Offset(2));
    queue.appended(90, Offset(3));
    queue.restart(Offset(1), 50, Offset(2));
    queue.invariants();
    queue.next_write(u64::MAX);
    queue.on_written(Ok(()));
    assert_eq!(queue.next_seal().map(|op| op.segment), Some(Offset(0)));
    queue.on_sealed(Ok(()));
    queue.next_reserve();
    queue.on_reserved(Ok(()));
    assert_eq!(range(queue.next_write(u64::MAX)), Some((0, PAGE, 50)));
    queue.on_written(Ok(()));
    assert_eq!(queue.written_offset(), Offset(2));
}
