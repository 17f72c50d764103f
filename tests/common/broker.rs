//! A broker under test: started, killed, restarted on the same port and data, told to end.

use std::io::{BufRead, BufReader, Read};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::{kafka, proc, wait_for};

/// How long a start may take before a test gives up: Kafka on a busy machine is the slow one.
const START_LIMIT: Duration = Duration::from_secs(60);

/// Which broker the tests judge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The binary of this build.
    Ringlog,
    /// Apache Kafka, the oracle.
    Kafka,
}

impl Kind {
    /// As `RINGLOG_TEST_BROKER` says.
    pub fn under_test() -> Kind {
        match std::env::var("RINGLOG_TEST_BROKER").as_deref() {
            Ok("kafka") => Kind::Kafka,
            Ok("ringlog") | Err(_) => Kind::Ringlog,
            Ok(other) => panic!("RINGLOG_TEST_BROKER is ringlog or kafka, not {other}"),
        }
    }
}

/// How a broker is to be started.
#[derive(Clone, Debug)]
pub struct Options {
    /// How many shards Ringlog runs; Kafka has no such thing.
    pub shards: usize,
    /// Whether each core is a node of its own to clients.
    pub per_core: bool,
    /// Lines of the configuration file, Kafka's names.
    pub config: Vec<(String, String)>,
    /// A program, with its arguments, that starts Ringlog: it comes with Ringlog's own command line behind them.
    pub starter: Vec<String>,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            shards: 2,
            per_core: false,
            config: Vec::new(),
            starter: Vec::new(),
        }
    }
}

impl Options {
    /// Two shards, and groups that form at once instead of waiting 3 s for more members.
    pub fn quick_groups() -> Options {
        Options::default().set("group.initial.rebalance.delay.ms", 0)
    }

    /// Has every core advertised as a node of its own.
    pub fn per_core(mut self) -> Options {
        self.per_core = true;
        self
    }

    /// Adds a line to the configuration file.
    pub fn set(mut self, name: &str, value: impl ToString) -> Options {
        self.config.push((name.to_owned(), value.to_string()));
        self
    }

    /// Has another program start Ringlog: one that changes its limits and becomes it.
    pub fn started_by(mut self, starter: &[&str]) -> Options {
        self.starter = starter.iter().map(|word| (*word).to_owned()).collect();
        self
    }
}

/// A running (or just killed) broker in a directory of its own, which goes with it.
pub struct Broker {
    kind: Kind,
    options: Options,
    home: tempfile::TempDir,
    address: SocketAddr,
    admin: Option<SocketAddr>,
    ready_line: String,
    child: Option<Child>,
    log: Log,
}

impl Broker {
    /// Starts the broker under test and waits until it is ready.
    pub fn start(options: Options) -> Broker {
        Broker::start_kind(Kind::under_test(), options)
    }

    /// Starts a broker of this kind, whatever the environment says.
    pub fn start_kind(kind: Kind, options: Options) -> Broker {
        let home = tempfile::tempdir().expect("a temporary directory");
        let address = free_address();
        let mut broker = Broker {
            kind,
            options,
            home,
            address,
            admin: None,
            ready_line: String::new(),
            child: None,
            log: Log::default(),
        };
        broker.launch();
        broker
    }

    /// `host:port`, as clients want it.
    pub fn bootstrap(&self) -> String {
        self.address.to_string()
    }

    /// Where clients connect.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The admin port, which only Ringlog has.
    pub fn admin(&self) -> Option<SocketAddr> {
        self.admin
    }

    /// Which broker this is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The line that said the broker is ready.
    pub fn ready_line(&self) -> &str {
        &self.ready_line
    }

    /// The directory that holds the logs.
    pub fn data_dir(&self) -> PathBuf {
        self.home.path().join("data")
    }

    /// The process id of the running broker.
    pub fn pid(&self) -> u32 {
        self.child.as_ref().expect("the broker runs").id()
    }

    /// Everything that the broker has printed so far.
    pub fn log(&self) -> String {
        self.log.text()
    }

    /// Ends the process as a crash does: nothing is flushed, nobody is told.
    pub fn kill(&mut self) {
        let mut child = self.child.take().expect("the broker runs");
        child.kill().expect("a process of ours");
        child.wait().expect("a child of ours");
    }

    /// Starts again on the same port and data, after [`Broker::kill`] or [`Broker::terminate`].
    pub fn restart(&mut self) {
        assert!(self.child.is_none(), "the broker still runs");
        self.launch();
    }

    /// Asks the broker to end with this signal (`TERM`, `INT`) and waits until it has.
    pub fn terminate(&mut self, signal: &str) -> ExitStatus {
        let mut child = self.child.take().expect("the broker runs");
        send_signal(child.id(), signal);
        wait_for("the broker to end", START_LIMIT, || {
            child.try_wait().expect("a child of ours")
        })
    }

    /// Fails if the process has ended by itself.
    pub fn assert_alive(&mut self) {
        let status = self
            .child
            .as_mut()
            .expect("the broker runs")
            .try_wait()
            .expect("a child of ours");
        assert!(
            status.is_none(),
            "the broker ended by itself: {status:?}\n{}",
            self.log.text()
        );
    }

    /// Resident memory in KiB.
    pub fn rss_kib(&self) -> u64 {
        proc::rss_kib(self.pid())
    }

    fn launch(&mut self) {
        let mut command = match self.kind {
            Kind::Ringlog => ringlog_command(self.home.path(), self.address, &self.options),
            Kind::Kafka => kafka::command(self.home.path(), self.address, &self.options),
        };
        let mut child = spawn_logged(&mut command, &self.log);
        let marker = match self.kind {
            Kind::Ringlog => "ringlog ready ",
            Kind::Kafka => "Kafka Server started",
        };
        self.ready_line = wait_for("the ready line", START_LIMIT, || {
            let ended = child.try_wait().expect("a child of ours");
            let ready = self.log.line_since_start(marker);
            assert!(
                ready.is_some() || ended.is_none(),
                "no start: {ended:?}\n{}",
                self.log.text()
            );
            ready
        });
        self.admin = field(&self.ready_line, "admin=");
        self.child = Some(child);
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
        if std::thread::panicking() {
            eprintln!("--- the broker's log ---\n{}", self.log.text());
        }
    }
}

/// The path of the binary under test; `RINGLOG_TEST_BIN` names another build of it.
pub fn ringlog_binary() -> PathBuf {
    match std::env::var_os("RINGLOG_TEST_BIN") {
        Some(path) => PathBuf::from(path),
        None => PathBuf::from(env!("CARGO_BIN_EXE_ringlog")),
    }
}

/// `ringlog serve` in `home`, with its data in `home/data`.
pub fn ringlog_command(home: &Path, address: SocketAddr, options: &Options) -> Command {
    let mut command = match options.starter.split_first() {
        None => Command::new(ringlog_binary()),
        Some((program, arguments)) => {
            let mut command = Command::new(program);
            command.args(arguments).arg(ringlog_binary());
            command
        }
    };
    command
        .current_dir(home)
        .arg("serve")
        .arg("--data-dir")
        .arg(home.join("data"))
        .args(["--listen", &address.to_string()])
        .args(["--admin", "127.0.0.1:0"])
        .args(["--cores", &options.shards.to_string()]);
    if options.per_core {
        command.args(["--advertise", "per-core"]);
    }
    if !options.config.is_empty() {
        let file = home.join("server.properties");
        let lines: Vec<String> = options
            .config
            .iter()
            .map(|(k, v)| format!("{k}={v}"))
            .collect();
        std::fs::write(&file, lines.join("\n")).expect("a writable directory");
        command.arg("--config").arg(file);
    }
    command
}

/// A loopback address that nobody listens on. It lies below the range from which the kernel picks
/// the near end of outgoing connections: in that range a client that retries while the broker is
/// down can connect to itself, and then the broker finds its port taken.
pub fn free_address() -> SocketAddr {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let spread = (std::process::id().wrapping_mul(97) % 20_000) as u16;
    for _ in 0..2_000 {
        let port = 11_000 + (spread + NEXT.fetch_add(1, Ordering::Relaxed) * 7) % 20_000;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        if TcpListener::bind(address).is_ok() {
            return address;
        }
    }
    panic!("no free port between 11000 and 31000");
}

/// Sends a signal by name (`TERM`, `INT`, `STOP`) to one process.
pub fn send_signal(pid: u32, signal: &str) {
    let sent = Command::new("kill")
        .args([&format!("-{signal}"), &pid.to_string()])
        .status();
    assert!(
        sent.is_ok_and(|status| status.success()),
        "kill -{signal} {pid} failed"
    );
}

/// Takes the value of `name` out of a ready line such as `ringlog ready kafka=ADDR admin=ADDR shards=N`.
pub fn field<T: std::str::FromStr>(line: &str, name: &str) -> Option<T> {
    line.split_whitespace()
        .find_map(|word| word.strip_prefix(name))?
        .parse()
        .ok()
}

/// Starts `command` with its output collected in `log`.
pub fn spawn_logged(command: &mut Command, log: &Log) -> Child {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
    log.begin();
    log.collect(child.stdout.take().expect("a pipe"));
    log.collect(child.stderr.take().expect("a pipe"));
    child
}

/// Output of a process and its successors, line by line.
#[derive(Clone, Default)]
pub struct Log(Arc<Mutex<Lines>>);

#[derive(Default)]
struct Lines {
    lines: Vec<String>,
    start: usize,
}

impl Log {
    /// All lines, as one text.
    pub fn text(&self) -> String {
        self.0
            .lock()
            .expect("no panic under the lock")
            .lines
            .join("\n")
    }

    /// The first line with `marker` in it, of the process started last.
    pub fn line_since_start(&self, marker: &str) -> Option<String> {
        let log = self.0.lock().expect("no panic under the lock");
        log.lines[log.start..]
            .iter()
            .find(|line| line.contains(marker))
            .cloned()
    }

    fn begin(&self) {
        let mut log = self.0.lock().expect("no panic under the lock");
        log.start = log.lines.len();
    }

    fn collect(&self, pipe: impl Read + Send + 'static) {
        let lines = Arc::clone(&self.0);
        std::thread::spawn(move || {
            for line in BufReader::new(pipe).lines().map_while(Result::ok) {
                lines
                    .lock()
                    .expect("no panic under the lock")
                    .lines
                    .push(line);
            }
        });
    }
}
