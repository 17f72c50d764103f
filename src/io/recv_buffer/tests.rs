use super::*;

/// Frames of a four-byte length and as many bytes; more than a hundred million is refused.
fn frame_len(bytes: &[u8]) -> Result<Option<usize>, &'static str> {
    let Some(prefix) = bytes.first_chunk::<4>() else {
        return Ok(None);
    };
    match u32::from_be_bytes(*prefix) as usize {
        len if len > 100_000_000 => Err("too large"),
        len => Ok(Some(len + 4)),
    }
}

fn frame(len: usize) -> Vec<u8> {
    let mut frame = (len as u32).to_be_bytes().to_vec();
    frame.extend((0..len).map(|at| (at % 251) as u8));
    frame
}

/// Feeds `stream` in two pieces, cut at `cut`, and returns the frames that come out.
fn frames_of(stream: &[u8], cut: usize) -> Vec<Bytes> {
    let mut buffer = RecvBuffer::new();
    let mut frames = Vec::new();
    for piece in [&stream[..cut], &stream[cut..]] {
        buffer.extend(piece);
        while let Some(frame) = buffer.next_frame(frame_len).unwrap() {
            frames.push(frame);
        }
    }
    assert!(buffer.is_empty());
    assert_eq!(buffer.held_bytes(), 0);
    frames
}

#[test]
fn frames_come_out_whole_wherever_the_stream_is_cut() {
    let expected = [frame(0), frame(1), frame(300), frame(7)];
    let stream = expected.concat();
    for cut in 0..=stream.len() {
        assert_eq!(frames_of(&stream, cut), expected, "cut at {cut}");
    }
}

#[test]
fn a_claimed_length_holds_no_memory() {
    let mut buffer = RecvBuffer::new();
    buffer.extend(&100_000_000u32.to_be_bytes());
    buffer.extend(b"ten bytes.");
    assert_eq!(buffer.next_frame(frame_len), Ok(None));
    assert!(buffer.held_bytes() < 128, "{}", buffer.held_bytes());
    assert_eq!(buffer.len_bytes(), 14);
}

#[test]
fn memory_follows_what_has_arrived() {
    let mut buffer = RecvBuffer::new();
    buffer.extend(&50_000_000u32.to_be_bytes());
    while buffer.len_bytes() < 10_000_000 {
        assert_eq!(buffer.next_frame(frame_len), Ok(None));
        let room = buffer.room_for_large().map_or(0, |room| room.len());
        assert!(room <= 2 * buffer.len_bytes(), "{room}");
        buffer.extend(&[7; 60_000]);
    }
    assert!(buffer.held_bytes() <= 3 * buffer.len_bytes());
}

#[test]
fn a_steady_producer_gets_one_allocation_a_frame() {
    let large = frame(1_000_000);
    let mut buffer = RecvBuffer::new();
    for piece in large.chunks(50_000) {
        buffer.extend(piece);
        let _ = buffer.next_frame(frame_len).unwrap();
    }
    // The second frame: its first bytes make room for all of it at once.
    buffer.extend(&large[..60_000]);
    assert_eq!(buffer.next_frame(frame_len), Ok(None));
    let room = buffer.room_for_large().map_or(0, |room| room.len());
    assert_eq!(room, large.len() - 60_000);
}

#[test]
fn what_the_splitter_refuses_is_passed_on() {
    let mut buffer = RecvBuffer::new();
    buffer.extend(&[0xff; 10]);
    assert_eq!(buffer.next_frame(frame_len), Err("too large"));
}
