//! The least that this machine must spend on the bytes of a broker, without a broker: what a thread of blocking calls
//! takes to receive requests, sum them, copy them, write and sync them, and to send them from memory or from a file.
//! A broker's CPU seconds per GB mean something as a multiple of these, taken in the same run.
//!
//! `cargo bench --profile counted --bench floor` prints a table, with `-- --json` one JSON object:
//! `{"STAGE": {"1m": {"cpu_s_per_gb": 0.16, "gb_per_s": 3.1}, "256k": ...}, ...}`.
//! `--rounds N` and `--mib N` (the bytes of a round) may follow. Files lie under `target` and are removed.
//!
//! The stages of receiving add up: `write` has received, summed and copied, too. Each request is received and written by
//! itself, over a file that has been written before, which is the cheapest that a file system offers. Only the CPU clock
//! of the thread that stands for the broker counts. What the kernel does elsewhere for it is left out, as it is for a
//! broker that is measured by its own clock; over loopback the sender pays most of what the network costs.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::num::NonZeroUsize;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Instant;

use clap::Parser;
use ringlog::protocol::crc::crc32c;

const SIZES: [(&str, usize); 4] = [
    ("1m", 1 << 20),
    ("256k", 256 << 10),
    ("64k", 64 << 10),
    ("16k", 16 << 10),
];

/// What is measured, in the order of the table.
const STAGES: [Stage; 7] = [
    Stage::Receive,
    Stage::Crc,
    Stage::Copy,
    Stage::Write,
    Stage::Sync,
    Stage::Send,
    Stage::Sendfile,
];

/// Bytes of the file and of the memory that is sent: more than the caches of a core, less than those of the page cache.
const SET_BYTES: usize = 256 << 20;

/// What is written between two syncs.
const SYNC_EVERY_BYTES: usize = 16 << 20;

/// What a client has under way before it waits for acknowledgements.
const WINDOW_BYTES: usize = 4 << 20;

const PAGE_BYTES: usize = 4096;

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    /// The request is received to memory, and acknowledged.
    Receive,
    /// And its CRC-32C is taken.
    Crc,
    /// And it is copied into whole pages.
    Copy,
    /// And those are written with O_DIRECT.
    Write,
    /// And synced, 16 MiB at a time.
    Sync,
    /// Memory is sent.
    Send,
    /// A file in the page cache is sent.
    Sendfile,
}

impl Stage {
    fn name(self) -> &'static str {
        match self {
            Stage::Receive => "receive",
            Stage::Crc => "crc",
            Stage::Copy => "copy",
            Stage::Write => "write",
            Stage::Sync => "sync",
            Stage::Send => "send",
            Stage::Sendfile => "sendfile",
        }
    }
}

#[derive(Parser)]
struct Options {
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
    /// How often everything is measured; medians are told.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// MiB that each measurement moves.
    #[arg(long, default_value_t = 256)]
    mib: usize,
    /// What cargo passes to every bench.
    #[arg(long, hide = true)]
    bench: bool,
}

/// What one measurement has found.
#[derive(Clone, Copy)]
struct Cost {
    cpu_s_per_gb: f64,
    gb_per_s: f64,
}

fn main() -> io::Result<()> {
    let options = Options::parse();
    let room = Room::prepare()?;
    let mut costs: BTreeMap<(Stage, usize), Vec<Cost>> = BTreeMap::new();
    for _ in 0..options.rounds.max(1) {
        for stage in STAGES {
            for (_, size) in SIZES {
                let requests = (options.mib << 20).div_ceil(size);
                let cost = room.measure(stage, size, requests)?;
                costs.entry((stage, size)).or_default().push(cost);
            }
        }
    }
    let of = |stage, size| median(&costs[&(stage, size)]);
    match options.json {
        true => println!("{}", json(of)),
        false => print_table(of),
    }
    Ok(())
}

/// The files and the memory that measurements share.
struct Room {
    /// Removes the files in the end.
    _directory: tempfile::TempDir,
    /// In the page cache.
    cached: PathBuf,
    /// Not in the page cache: direct writes would first have to drop its pages.
    uncached: PathBuf,
    memory: Vec<u8>,
}

impl Room {
    fn prepare() -> io::Result<Room> {
        let within = env!("CARGO_TARGET_TMPDIR");
        fs::create_dir_all(within)?;
        let directory = tempfile::Builder::new()
            .prefix("floor-")
            .tempdir_in(within)?;
        let memory: Vec<u8> = (0..SET_BYTES / 8)
            .flat_map(|at| {
                (at as u64)
                    .wrapping_mul(0x9e37_79b9_7f4a_7c15)
                    .to_be_bytes()
            })
            .collect();
        let room = Room {
            cached: directory.path().join("cached"),
            uncached: directory.path().join("uncached"),
            _directory: directory,
            memory,
        };
        fs::write(&room.cached, &room.memory)?;
        File::open(&room.cached)?.sync_all()?;
        let file = open_direct(&room.uncached)?;
        let mut pages = Pages::new(1 << 20);
        for (piece, at) in room.memory.chunks_exact(1 << 20).zip(0..) {
            pages.bytes().copy_from_slice(piece);
            file.write_all_at(pages.bytes(), at << 20)?;
        }
        file.sync_all()?;
        Ok(room)
    }

    fn measure(&self, stage: Stage, size: usize, requests: usize) -> io::Result<Cost> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        thread::scope(|scope| {
            let client = scope.spawn(move || {
                let stream = TcpStream::connect(address)?;
                stream.set_nodelay(true)?;
                match stage {
                    Stage::Send | Stage::Sendfile => discard(stream),
                    _ => produce(stream, size, requests),
                }
            });
            let (stream, _) = listener.accept()?;
            stream.set_nodelay(true)?;
            let clocks = Clocks::start()?;
            match stage {
                Stage::Send => self.send(stream, size, requests)?,
                Stage::Sendfile => self.sendfile(stream, size, requests)?,
                _ => take_in(stream, stage, &self.uncached, size, requests)?,
            }
            let cost = clocks.cost(size * requests)?;
            client.join().expect("the client does not panic")?;
            Ok(cost)
        })
    }

    fn send(&self, mut stream: TcpStream, size: usize, requests: usize) -> io::Result<()> {
        let mut pieces = self.memory.chunks_exact(size).cycle();
        for piece in pieces.by_ref().take(requests) {
            stream.write_all(piece)?;
        }
        Ok(())
    }

    fn sendfile(&self, stream: TcpStream, size: usize, requests: usize) -> io::Result<()> {
        let file = File::open(&self.cached)?;
        let socket = socket2::Socket::from(stream);
        for request in 0..requests {
            let from = request * size % SET_BYTES;
            let mut sent = 0;
            while let Some(left) = NonZeroUsize::new(size - sent) {
                sent += socket.sendfile(&file, from + sent, Some(left))?;
            }
        }
        Ok(())
    }
}

/// The broker's side of a client that produces.
fn take_in(
    mut stream: TcpStream,
    stage: Stage,
    path: &Path,
    size: usize,
    requests: usize,
) -> io::Result<()> {
    let file = open_direct(path)?;
    let mut landing = vec![0; size];
    let mut pages = Pages::new(size);
    let mut unsynced = 0;
    for request in 0..requests {
        stream.read_exact(&mut landing)?;
        if stage >= Stage::Crc {
            std::hint::black_box(crc32c(&landing));
        }
        if stage >= Stage::Copy {
            pages.bytes().copy_from_slice(&landing);
        }
        if stage >= Stage::Write {
            file.write_all_at(pages.bytes(), (request * size % SET_BYTES) as u64)?;
            unsynced += size;
        }
        if stage >= Stage::Sync && (unsynced >= SYNC_EVERY_BYTES || request + 1 == requests) {
            file.sync_data()?;
            unsynced = 0;
        }
        stream.write_all(&[0; 8])?;
    }
    Ok(())
}

fn open_direct(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .custom_flags(libc::O_DIRECT)
        .open(path)
}

/// A client that keeps a window of requests under way.
fn produce(mut stream: TcpStream, size: usize, requests: usize) -> io::Result<()> {
    let request = vec![7; size];
    let window = (WINDOW_BYTES / size).max(2);
    let mut acknowledgement = [0; 8];
    for sent in 0..requests + window {
        if sent < requests {
            stream.write_all(&request)?;
        }
        if sent >= window {
            stream.read_exact(&mut acknowledgement)?;
        }
    }
    Ok(())
}

/// A client that reads to the end.
fn discard(mut stream: TcpStream) -> io::Result<()> {
    let mut buffer = vec![0; 1 << 20];
    while stream.read(&mut buffer)? > 0 {}
    Ok(())
}

/// Memory that begins on a page, as O_DIRECT needs it.
struct Pages {
    memory: Vec<u8>,
    from: usize,
    len: usize,
}

impl Pages {
    fn new(len: usize) -> Pages {
        let memory = vec![0; len + PAGE_BYTES];
        let from = memory.as_ptr().align_offset(PAGE_BYTES);
        Pages { memory, from, len }
    }

    fn bytes(&mut self) -> &mut [u8] {
        &mut self.memory[self.from..self.from + self.len]
    }
}

/// When a measurement began, by the wall and by this thread's CPU.
struct Clocks {
    wall: Instant,
    cpu_s: f64,
}

impl Clocks {
    fn start() -> io::Result<Clocks> {
        Ok(Clocks {
            cpu_s: thread_cpu_s()?,
            wall: Instant::now(),
        })
    }

    fn cost(&self, bytes: usize) -> io::Result<Cost> {
        let gb = bytes as f64 / 1e9;
        Ok(Cost {
            gb_per_s: gb / self.wall.elapsed().as_secs_f64(),
            cpu_s_per_gb: (thread_cpu_s()? - self.cpu_s) / gb,
        })
    }
}

/// Seconds that this thread has run, by the scheduler's own account.
fn thread_cpu_s() -> io::Result<f64> {
    // The account of a running thread is up to date when it has just been scheduled.
    thread::yield_now();
    let account = fs::read_to_string("/proc/thread-self/schedstat")?;
    let ran_ns = account
        .split_whitespace()
        .next()
        .and_then(|ns| ns.parse::<u64>().ok());
    ran_ns
        .map(|ns| ns as f64 / 1e9)
        .ok_or_else(|| io::Error::other("/proc/thread-self/schedstat cannot be read"))
}

fn median(costs: &[Cost]) -> Cost {
    let middle = |of: fn(&Cost) -> f64| {
        let mut values: Vec<f64> = costs.iter().map(of).collect();
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    };
    Cost {
        cpu_s_per_gb: middle(|cost| cost.cpu_s_per_gb),
        gb_per_s: middle(|cost| cost.gb_per_s),
    }
}

fn json(of: impl Fn(Stage, usize) -> Cost) -> String {
    let stages = STAGES.map(|stage| {
        let sizes = SIZES.map(|(size, bytes)| {
            let Cost {
                cpu_s_per_gb,
                gb_per_s,
            } = of(stage, bytes);
            format!(r#""{size}": {{"cpu_s_per_gb": {cpu_s_per_gb:.4}, "gb_per_s": {gb_per_s:.3}}}"#)
        });
        format!(r#""{}": {{{}}}"#, stage.name(), sizes.join(", "))
    });
    format!("{{{}}}", stages.join(", "))
}

fn print_table(of: impl Fn(Stage, usize) -> Cost) {
    println!("CPU seconds per GB of the broker's thread (and GB/s), by the size of requests");
    print!("{:10}", "");
    for (size, _) in SIZES {
        print!("{size:>16}");
    }
    println!();
    for stage in STAGES {
        print!("{:10}", stage.name());
        for (_, size) in SIZES {
            let cost = of(stage, size);
            print!("{:>9.3} ({:>4.1})", cost.cpu_s_per_gb, cost.gb_per_s);
        }
        println!();
    }
}
