use std::io::{Read, Write};
use std::net::TcpStream as StdStream;
use std::sync::Arc;

use bytes::Bytes;

use super::*;
use crate::io::chunk::ChunkPool;
use crate::io::executor;
use crate::io::executor::tests::{on_core, run_on_shard};
use crate::io::listener::tests::ANY_PORT;
use crate::io::listener::{ListenOptions, bind_group};
use crate::io::residency;
use crate::io::segment_file::SegmentFile;
use crate::io::send_queue::Piece;
use crate::io::tail_buffer::TailBuffer;

fn frame_len(bytes: &[u8]) -> Result<Option<usize>, io::Error> {
    let prefix = bytes.first_chunk::<4>();
    Ok(prefix.map(|prefix| u32::from_be_bytes(*prefix) as usize + 4))
}

/// Both ends of a connection; the first for a shard.
fn pair() -> (RawConnection, StdStream) {
    let listener = std::net::TcpListener::bind(ANY_PORT).unwrap();
    let client = StdStream::connect(listener.local_addr().unwrap()).unwrap();
    let (accepted, _) = listener.accept().unwrap();
    (RawConnection::new(accepted).unwrap(), client)
}

fn pattern(len: usize) -> Vec<u8> {
    (0..len).map(|at| (at * 7 % 253) as u8).collect()
}

/// Answers every frame with itself.
async fn echo(mut socket: Socket) -> SocketCounters {
    let (mut received, mut to_send) = (RecvBuffer::new(), SendQueue::new());
    while socket.recv(&mut received).await.unwrap() > 0 {
        while let Some(frame) = received.next_frame(frame_len).unwrap() {
            to_send.push(Piece::Bytes(frame));
        }
        socket.send(&mut to_send).await.unwrap();
    }
    *socket.counters()
}

fn request(client: &mut StdStream, body: &[u8]) -> Vec<u8> {
    let mut frame = (body.len() as u32).to_be_bytes().to_vec();
    frame.extend_from_slice(body);
    client.write_all(&frame).unwrap();
    let mut answer = vec![0; frame.len()];
    client.read_exact(&mut answer).unwrap();
    assert!(answer == frame);
    answer
}

#[test]
fn frames_of_all_sizes_come_back() {
    let (raw, mut client) = pair();
    let shard = on_core(0, move || async move { echo(Socket::adopt(raw)).await });
    for len in [
        0, 1, 100, 65_531, 65_532, 65_533, 100_000, 3_000_000, 3_000_000, 10,
    ] {
        request(&mut client, &pattern(len));
    }
    drop(client);
    let counters = shard.join().unwrap();
    assert_eq!(counters.received, counters.sent_from_memory);
}

#[test]
fn a_frame_that_arrives_byte_by_byte_is_whole() {
    let (raw, mut client) = pair();
    let shard = on_core(0, move || async move { echo(Socket::adopt(raw)).await });
    client.set_nodelay(true).unwrap();
    let frame = [&[0, 0, 0, 5][..], b"hello"].concat();
    for byte in &frame {
        client.write_all(std::slice::from_ref(byte)).unwrap();
    }
    let mut answer = [0; 9];
    client.read_exact(&mut answer).unwrap();
    assert_eq!(answer, *frame);
    drop(client);
    shard.join().unwrap();
}

/// A lost wake-up on either path would hang this test or make it very slow.
#[test]
fn echo_soak() {
    const CONNECTIONS: usize = 8;
    const ROUNDS: usize = 500;
    let mut listeners = bind_group(ANY_PORT, 2, ListenOptions::default()).unwrap();
    let address = listeners[0].local_address().unwrap();
    for index in 0..2 {
        let listener = listeners.pop().unwrap();
        // Left running: it accepts for as long as the test process lives.
        on_core(index, move || async move {
            let listener = listener.listen_here().unwrap();
            loop {
                let socket = Socket::adopt(listener.accept().await);
                executor::spawn(echo(socket)).detach();
            }
        });
    }
    let clients = (0..CONNECTIONS).map(|index| {
        std::thread::spawn(move || {
            let mut client = StdStream::connect(address).unwrap();
            client.set_nodelay(true).unwrap();
            for round in 0..ROUNDS {
                request(&mut client, &pattern((index * 997 + round * 31) % 5000));
            }
        })
    });
    for client in clients.collect::<Vec<_>>() {
        client.join().unwrap();
    }
}

/// A header, a tail and a cold file, to a reader that takes its time.
#[test]
fn a_slow_reader_gets_every_piece_in_order() {
    const FILE_BYTES: usize = 12 << 20;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("00.log");
    let contents = pattern(FILE_BYTES);
    std::fs::write(&path, &contents).unwrap();
    let (raw, mut client) = pair();
    let shard = on_core(0, move || async move {
        let file = Arc::new(SegmentFile::open(&path).unwrap());
        residency::warm(&file, 0, FILE_BYTES as u64).unwrap();
        let pool = ChunkPool::new(1 << 20);
        let mut tail = TailBuffer::empty(&pool);
        tail.append(&[&pattern(300_000)]);
        let mut queue = SendQueue::new();
        for _ in 0..2 {
            queue.push(Piece::Vec(b"header".to_vec()));
            queue.push(Piece::Bytes(Bytes::new()));
            let (offset, len) = (5, FILE_BYTES as u64 - 5);
            queue.push(Piece::File {
                file: file.clone(),
                offset,
                len,
            });
            tail.slices(0, 300_000)
                .unwrap()
                .into_iter()
                .for_each(|s| queue.push(Piece::Chunk(s)));
        }
        let total = queue.len_bytes();
        let mut socket = Socket::adopt(raw);
        socket.send(&mut queue).await.unwrap();
        assert!(queue.is_empty());
        (total, *socket.counters())
    });
    let once = [b"header", &contents[5..], &pattern(300_000)].concat();
    let mut received = Vec::new();
    let mut piece = vec![0; 100_000];
    loop {
        if received.len() % 7 == 0 {
            std::thread::yield_now();
        }
        let len = client.read(&mut piece).unwrap();
        if len == 0 {
            break;
        }
        received.extend_from_slice(&piece[..len]);
    }
    let (total, counters) = shard.join().unwrap();
    assert_eq!(received.len() as u64, total);
    assert!(received == [&once[..], &once[..]].concat());
    let sent = counters.sent_from_memory + counters.sent_from_chunks;
    assert_eq!(sent + counters.sent_from_files, total);
    assert!(counters.sent_from_files > total / 2, "{counters:?}");
}

#[test]
fn a_socket_that_takes_a_part_is_not_full_before_it_says_so() {
    let (raw, _client) = pair();
    let mut queue = SendQueue::new();
    queue.push(Piece::Vec(pattern(64 << 20)));
    let (fd, _) = raw.into_parts();
    let mut counters = SocketCounters::default();
    let mut taken = 0;
    while let Attempt::Sent(sent) = send_front(fd.as_raw_fd(), &mut queue, &mut counters).unwrap() {
        taken += sent;
    }
    assert!(taken > 0 && taken == counters.sent_from_memory);
    assert_eq!(queue.len_bytes(), (64 << 20) - taken);
    assert!(counters.send_calls > 1, "the first took a part of it");
}

#[test]
fn a_reader_that_goes_away_breaks_the_send() {
    let (raw, client) = pair();
    let shard = on_core(0, move || async move {
        let mut queue = SendQueue::new();
        queue.push(Piece::Vec(vec![0; 100 << 20]));
        Socket::adopt(raw).send(&mut queue).await.is_err()
    });
    drop(client);
    assert!(shard.join().unwrap());
}

#[test]
fn a_file_that_is_shorter_than_promised_breaks_the_send() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("00.log");
    std::fs::write(&path, b"short").unwrap();
    let (raw, _client) = pair();
    let error = run_on_shard(move || async move {
        let file = Arc::new(SegmentFile::open(&path).unwrap());
        let mut queue = SendQueue::new();
        queue.push(Piece::File {
            file,
            offset: 0,
            len: 10,
        });
        Socket::adopt(raw)
            .send(&mut queue)
            .await
            .unwrap_err()
            .kind()
    });
    assert_eq!(error, io::ErrorKind::UnexpectedEof);
}

#[test]
fn one_task_receives_while_it_waits_to_send() {
    let (raw, mut client) = pair();
    let shard = on_core(0, move || async move {
        let mut socket = Socket::adopt(raw);
        let (mut received, mut queue) = (RecvBuffer::new(), SendQueue::new());
        queue.push(Piece::Vec(pattern(20 << 20)));
        std::future::poll_fn(|cx| {
            let sent = socket.poll_send(cx, &mut queue);
            while received.len_bytes() < 3 {
                ready!(socket.poll_recv(cx, &mut received)).unwrap();
            }
            sent
        })
        .await
        .unwrap();
        received.len_bytes()
    });
    client.write_all(b"now").unwrap();
    let mut all = Vec::new();
    client.shutdown(std::net::Shutdown::Write).unwrap();
    client.read_to_end(&mut all).unwrap();
    assert!(all == pattern(20 << 20));
    assert_eq!(shard.join().unwrap(), 3);
}
