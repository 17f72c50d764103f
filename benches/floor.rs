//! The least that this machine must spend on the bytes of a broker, without a broker: what a process of blocking calls
//! takes to receive requests, sum them, write and sync them, and to send them from memory or from a file.
//! A broker's CPU seconds per GB mean something as a multiple of these, taken in the same run, as scripts/vs-kafka.sh does.
//!
//! `cargo bench --profile counted --bench floor` prints a table, with `-- --json` one JSON object by stage and bytes of
//! a request: `{"write": {"1048576": {"cpu_s_per_gb": 0.16, "gb_per_s": 3.1}, ...}, ...}`. `-- --help` has all options.
//!
//! The stages of receiving add up: `write` has received and summed, too, all in the same memory; only `copy` stands apart.
//! `commit` receives nothing and tells what the disk can do for `acks=all`.
//! Each request is received and written by itself, over a file that has been written before, which is the cheapest that
//! a file system offers. The client is a process of its own, and keeps as many requests under way as producers do.
//!
//! CPU is that of the process that stands for the broker, by the clock that `ringlog bench` reads of a broker. What the
//! kernel does elsewhere for it is left out of both; over loopback the sender pays most of what the network costs.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::num::NonZeroUsize;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process::{self, Child, Command};
use std::thread;
use std::time::Instant;

use clap::{Parser, ValueEnum};
use ringlog::io::cpu_clock;
use ringlog::io::segment_file::SegmentFile;
use ringlog::protocol::crc::crc32c;

/// Bytes of a file: more than the caches of a core, less than the page cache.
const SET_BYTES: usize = 256 << 20;

/// Bytes of the memory that is sent: about as many as Ringlog keeps of what is new.
const TAIL_BYTES: usize = 24 << 20;

/// What is written between two syncs.
const SYNC_EVERY_BYTES: usize = 16 << 20;

/// Files that are written and synced side by side: as many as most loads have partitions.
const FILES: usize = 6;

/// Requests that a client has under way before it waits for acknowledgements: what producers have by default.
const IN_FLIGHT: usize = 5;

const PAGE_BYTES: usize = 4096;

/// What is measured, in the order of the table.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
enum Stage {
    /// The request is received to whole pages, and acknowledged.
    Receive,
    /// And its CRC-32C is taken.
    Crc,
    /// And it is copied to other pages, which no later stage does.
    Copy,
    /// Received, summed, and the pages are written with O_DIRECT.
    Write,
    /// And synced, 16 MiB at a time.
    Sync,
    /// Nothing is received: six files grow side by side into space that was reserved, each synced after every write.
    Commit,
    /// Memory is sent.
    Send,
    /// A file in the page cache is sent.
    Sendfile,
}

impl Stage {
    fn name(self) -> String {
        let value = self.to_possible_value();
        value.expect("no stage is hidden").get_name().to_owned()
    }
}

#[derive(Parser)]
struct Options {
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
    /// What is measured [default: everything].
    #[arg(long, value_name = "STAGE,...", value_delimiter = ',')]
    stages: Vec<Stage>,
    /// Bytes of a request, or of a piece that is sent.
    #[arg(
        long,
        value_name = "BYTES,...",
        value_delimiter = ',',
        default_value = "1048576,262144,65536,16384"
    )]
    sizes: Vec<usize>,
    /// How often everything is measured; medians are told.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// MiB that each measurement moves.
    #[arg(long, default_value_t = 256)]
    mib: usize,
    /// Where files lie, which are removed in the end.
    #[arg(long, value_name = "DIR", default_value = env!("CARGO_TARGET_TMPDIR"))]
    directory: PathBuf,
    /// Be the client of the one measurement that the other options tell.
    #[arg(long, hide = true)]
    client: Option<SocketAddr>,
    /// What cargo passes to every bench.
    #[arg(long, hide = true)]
    bench: bool,
}

impl Options {
    fn loads(&self) -> Vec<Load> {
        let of_stage = |stage: &Stage| {
            let stage = *stage;
            let load = move |size: &usize| Load {
                stage,
                size: *size,
                mib: self.mib,
            };
            self.sizes.iter().map(load)
        };
        self.stages.iter().flat_map(of_stage).collect()
    }
}

/// One measurement.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Load {
    stage: Stage,
    size: usize,
    mib: usize,
}

impl Load {
    fn requests(self) -> usize {
        (self.mib << 20).div_ceil(self.size)
    }

    /// Starts the process that is its client.
    fn client(self, address: SocketAddr) -> io::Result<Child> {
        Command::new(std::env::current_exe()?)
            .args(["--client", &address.to_string()])
            .args(["--stages", &self.stage.name()])
            .args(["--sizes", &self.size.to_string()])
            .args(["--mib", &self.mib.to_string()])
            .spawn()
    }
}

/// What one measurement has found.
#[derive(Clone, Copy)]
struct Cost {
    cpu_s_per_gb: f64,
    gb_per_s: f64,
}

fn main() -> io::Result<()> {
    let mut options = Options::parse();
    if options.stages.is_empty() {
        options.stages = Stage::value_variants().to_vec();
    }
    let loads = options.loads();
    if let Some(address) = options.client {
        return be_client(address, loads[0]);
    }
    let room = Room::prepare(&options.directory)?;
    let mut costs: BTreeMap<Load, Vec<Cost>> = BTreeMap::new();
    for _ in 0..options.rounds.max(1) {
        for load in &loads {
            costs.entry(*load).or_default().push(room.measure(*load)?);
        }
    }
    let found = |load: &Load| median(&costs[load]);
    match options.json {
        true => println!("{}", json(&options, found)),
        false => print_table(&options, found),
    }
    Ok(())
}

/// The files and the memory that measurements share.
struct Room {
    /// Removes the files in the end.
    directory: tempfile::TempDir,
    /// In the page cache.
    cached: PathBuf,
    /// Not in the page cache: direct writes would first have to drop its pages.
    uncached: PathBuf,
    memory: Vec<u8>,
}

impl Room {
    fn prepare(within: &Path) -> io::Result<Room> {
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
            directory,
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

    fn measure(&self, load: Load) -> io::Result<Cost> {
        match load.stage {
            Stage::Commit => self.commit(load),
            _ => self.serve(load),
        }
    }

    /// One that has no client.
    fn commit(&self, load: Load) -> io::Result<Cost> {
        let each = load.requests().div_ceil(FILES);
        let mut logs = Vec::new();
        for _ in 0..FILES {
            let log = self.directory.path().join("log");
            SegmentFile::create(&log)?.allocate(0, (each * page_up(load.size)) as u64)?;
            let file = open_direct(&log)?;
            fs::remove_file(&log)?;
            file.sync_all()?;
            logs.push(file);
        }
        let clocks = Clocks::start()?;
        let grow = |file: &File| -> io::Result<()> {
            let mut pages = Pages::new(load.size);
            for request in 0..each {
                let whole = pages.bytes();
                file.write_all_at(whole, (request * whole.len()) as u64)?;
                file.sync_data()?;
            }
            Ok(())
        };
        thread::scope(|scope| {
            let threads: Vec<_> = logs.iter().map(|log| scope.spawn(|| grow(log))).collect();
            let mut ends = threads.into_iter().map(|thread| thread.join());
            ends.try_for_each(|end| end.expect("no thread panics"))
        })?;
        clocks.cost(load.size * each * FILES)
    }

    /// One with a client of its own.
    fn serve(&self, load: Load) -> io::Result<Cost> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let mut client = load.client(listener.local_addr()?)?;
        let (stream, _) = listener.accept()?;
        stream.set_nodelay(true)?;
        let clocks = Clocks::start()?;
        match load.stage {
            Stage::Send => self.send(stream, load)?,
            Stage::Sendfile => self.sendfile(stream, load)?,
            _ => take_in(stream, &self.uncached, load)?,
        }
        let cost = clocks.cost(load.size * load.requests())?;
        match client.wait()?.success() {
            true => Ok(cost),
            false => Err(io::Error::other("the client failed")),
        }
    }

    fn send(&self, mut stream: TcpStream, load: Load) -> io::Result<()> {
        let pieces = self.memory[..TAIL_BYTES].chunks_exact(load.size).cycle();
        for piece in pieces.take(load.requests()) {
            stream.write_all(piece)?;
        }
        Ok(())
    }

    fn sendfile(&self, stream: TcpStream, load: Load) -> io::Result<()> {
        let file = File::open(&self.cached)?;
        let socket = socket2::Socket::from(stream);
        for request in 0..load.requests() {
            let from = place(request, load.size);
            let mut sent = 0;
            while let Some(left) = NonZeroUsize::new(load.size - sent) {
                sent += socket.sendfile(&file, from + sent, Some(left))?;
            }
        }
        Ok(())
    }
}

/// Where the piece of a request begins, over and over within the set.
fn place(request: usize, len: usize) -> usize {
    request % (SET_BYTES / len) * len
}

/// The broker's side of a client that produces.
fn take_in(mut stream: TcpStream, path: &Path, load: Load) -> io::Result<()> {
    let Load { stage, size, .. } = load;
    let file = open_direct(path)?;
    let (mut pages, mut others) = (Pages::new(size), Pages::new(size));
    let mut unsynced = 0;
    for request in 0..load.requests() {
        let request_bytes = &mut pages.bytes()[..size];
        stream.read_exact(request_bytes)?;
        if stage >= Stage::Crc {
            std::hint::black_box(crc32c(request_bytes));
        }
        if stage == Stage::Copy {
            others.bytes()[..size].copy_from_slice(request_bytes);
        }
        if stage >= Stage::Write {
            let whole = pages.bytes();
            file.write_all_at(whole, place(request, whole.len()) as u64)?;
            unsynced += size;
        }
        if stage >= Stage::Sync && (unsynced >= SYNC_EVERY_BYTES || request + 1 == load.requests())
        {
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

fn be_client(address: SocketAddr, load: Load) -> io::Result<()> {
    let stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    match load.stage {
        Stage::Send | Stage::Sendfile => discard(stream),
        _ => produce(stream, load),
    }
}

/// A client that keeps a window of requests under way.
fn produce(mut stream: TcpStream, load: Load) -> io::Result<()> {
    let request = vec![7; load.size];
    let mut acknowledgement = [0; 8];
    for at in 0..load.requests() + IN_FLIGHT {
        if at >= IN_FLIGHT {
            stream.read_exact(&mut acknowledgement)?;
        }
        if at < load.requests() {
            stream.write_all(&request)?;
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

fn page_up(bytes: usize) -> usize {
    bytes.next_multiple_of(PAGE_BYTES)
}

/// Whole pages of memory, as O_DIRECT needs them.
struct Pages {
    memory: Vec<u8>,
    from: usize,
    len: usize,
}

impl Pages {
    /// With room for `bytes`.
    fn new(bytes: usize) -> Pages {
        let len = page_up(bytes);
        let memory = vec![0; len + PAGE_BYTES];
        let from = memory.as_ptr().align_offset(PAGE_BYTES);
        Pages { memory, from, len }
    }

    fn bytes(&mut self) -> &mut [u8] {
        &mut self.memory[self.from..self.from + self.len]
    }
}

/// When a measurement began, by the wall and by this process's CPU.
struct Clocks {
    wall: Instant,
    cpu_s: f64,
}

impl Clocks {
    fn start() -> io::Result<Clocks> {
        Ok(Clocks {
            cpu_s: cpu_s()?,
            wall: Instant::now(),
        })
    }

    fn cost(&self, bytes: usize) -> io::Result<Cost> {
        let gb = bytes as f64 / 1e9;
        Ok(Cost {
            gb_per_s: gb / self.wall.elapsed().as_secs_f64(),
            cpu_s_per_gb: (cpu_s()? - self.cpu_s) / gb,
        })
    }
}

fn cpu_s() -> io::Result<f64> {
    Ok(cpu_clock::of_process(process::id())?.as_secs_f64())
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

fn json(options: &Options, found: impl Fn(&Load) -> Cost) -> String {
    let loads = options.loads();
    let stages = loads.chunks(options.sizes.len()).map(|of_stage| {
        let sizes = of_stage.iter().map(|load| {
            let Cost {
                cpu_s_per_gb,
                gb_per_s,
            } = found(load);
            let size = load.size;
            format!(r#""{size}": {{"cpu_s_per_gb": {cpu_s_per_gb:.4}, "gb_per_s": {gb_per_s:.3}}}"#)
        });
        let sizes: Vec<String> = sizes.collect();
        format!(
            r#""{}": {{{}}}"#,
            of_stage[0].stage.name(),
            sizes.join(", ")
        )
    });
    let stages: Vec<String> = stages.collect();
    format!("{{{}}}", stages.join(", "))
}

fn print_table(options: &Options, found: impl Fn(&Load) -> Cost) {
    println!("CPU seconds per GB of the broker's process (and GB/s), by the bytes of a request");
    print!("{:10}", "");
    for size in &options.sizes {
        print!("{size:>16}");
    }
    println!();
    for of_stage in options.loads().chunks(options.sizes.len()) {
        print!("{:10}", of_stage[0].stage.name());
        for load in of_stage {
            let cost = found(load);
            print!("{:>9.3} ({:>4.1})", cost.cpu_s_per_gb, cost.gb_per_s);
        }
        println!();
    }
}
