//! What a host should have for the broker to run well: the same facts, wishes and reasons as the scripts in `tuning/`.
//!
//! [`Host`] reads, everything else judges texts.

use std::fs;
use std::path::{Path, PathBuf};

/// How much something costs that is not as it should be.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Cost {
    /// A multiple of what the broker's work costs, or stalls that every client sees.
    High,
    /// A good part of the throughput, or the slowest of the answers.
    Medium,
    /// Something, under some loads.
    Low,
}

/// Something that is not as it should be.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finding {
    /// How much it costs.
    pub cost: Cost,
    /// What it is.
    pub is: String,
    /// What it should be.
    pub should_be: String,
    /// What it costs, in words.
    pub costs: &'static str,
    /// The script that mends it; none where no script can.
    pub mended_by: Option<&'static str>,
}

/// Where facts are read.
#[derive(Clone, Debug)]
pub struct Host {
    /// What stands for `/`.
    pub root: PathBuf,
}

impl Host {
    /// A file's text without its end of line; none if it cannot be read.
    fn read(&self, path: &str) -> Option<String> {
        let text = fs::read_to_string(self.path(path)).ok()?;
        Some(text.trim_end().to_owned())
    }

    fn path(&self, path: &str) -> PathBuf {
        self.root.join(path.trim_start_matches('/'))
    }

    fn names(&self, folder: &str) -> Vec<String> {
        let entries = fs::read_dir(self.path(folder)).into_iter().flatten();
        let names = entries.flatten().map(|entry| entry.file_name());
        let mut names: Vec<String> = names.filter_map(|name| name.into_string().ok()).collect();
        names.sort();
        names
    }

    /// The disk that a file system is on, as `/sys/block` names it.
    fn disk(&self, mount: &Mount) -> Option<String> {
        let device = self.path(&format!("/sys/dev/block/{}", mount.device));
        let mut device = fs::canonicalize(device).ok()?;
        if device.join("partition").exists() {
            device.pop();
        }
        let name = device.file_name()?.to_str()?.to_owned();
        self.path(&format!("/sys/block/{name}/queue"))
            .exists()
            .then_some(name)
    }
}

/// What is wished of one file of the kernel's.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Wish {
    path: String,
    value: Value,
    cost: Cost,
    costs: &'static str,
    script: &'static str,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Value {
    /// Exactly this, if it is to be had.
    Is(&'static str),
    /// Each number at least the one at its place.
    AtLeast(&'static [u64]),
}

fn is(value: &'static str) -> Value {
    Value::Is(value)
}

impl Wish {
    /// Compares with what is there.
    fn judge(&self, text: &str) -> Option<Finding> {
        let text = text.replace('\t', " ");
        let now = chosen(&text);
        let should_be = match self.value {
            Value::Is(value) if now == value || !offers(&text, value) => return None,
            Value::Is(value) => value.to_owned(),
            Value::AtLeast(least) => raised(now, least)?,
        };
        Some(Finding {
            cost: self.cost,
            is: format!("{} is {now}", self.path),
            should_be,
            costs: self.costs,
            mended_by: Some(self.script),
        })
    }
}

/// Of a choice such as `none [kyber]` what is chosen; anything else as it is.
fn chosen(text: &str) -> &str {
    let inside = text
        .split_once('[')
        .and_then(|(_, rest)| rest.split_once(']'));
    inside.map_or(text, |(chosen, _)| chosen)
}

/// Whether a choice has this value; what is no choice takes all.
fn offers(text: &str, value: &str) -> bool {
    let names = |word: &str| word.trim_matches(['[', ']']) == value;
    !text.contains('[') || text.split_whitespace().any(names)
}

/// The numbers with those raised that are below the least; none if none is.
fn raised(now: &str, least: &[u64]) -> Option<String> {
    let have: Vec<u64> = now
        .split_whitespace()
        .map(|number| number.parse().unwrap_or(0))
        .collect();
    let at = |index: usize| have.get(index).copied().unwrap_or(0);
    let low = least.iter().enumerate().any(|(i, least)| at(i) < *least);
    let raised = least.iter().enumerate().map(|(i, least)| at(i).max(*least));
    let raised: Vec<String> = raised.map(|number| number.to_string()).collect();
    low.then(|| raised.join(" "))
}

/// Every fact about the host that is not as it should be for shards on these cores and data in this directory, the
/// costliest first.
pub fn advise(host: &Host, cores: &[usize], data_dir: &Path) -> Vec<Finding> {
    let mut wishes = system_wishes();
    wishes.extend(cores.iter().flat_map(|core| core_wishes(host, *core)));
    wishes.extend(halt_wish(host));
    if host
        .names("/sys/devices/system/node")
        .iter()
        .filter(|name| is_node(name))
        .count()
        > 1
    {
        wishes.extend(numa_wishes());
    }
    let mut findings = Vec::new();
    let mounts = host.read("/proc/self/mountinfo").unwrap_or_default();
    if let Some(mount) = Mount::of(&mounts, data_dir) {
        let disk = host.disk(&mount);
        wishes.extend(disk.iter().flat_map(|disk| disk_wishes(host, disk)));
        findings.extend(mount.judge());
    }
    let judged = wishes
        .iter()
        .filter_map(|wish| wish.judge(&host.read(&wish.path)?));
    findings.extend(judged);
    if is_running(host, "irqbalance") {
        findings.push(Finding {
            cost: Cost::Low,
            is: "irqbalance runs".to_owned(),
            should_be: "stopped, once interrupts are placed".to_owned(),
            costs: "interrupts come back to the cores of shards",
            mended_by: None,
        });
    }
    findings.sort_by_key(|finding| finding.cost);
    findings
}

fn is_node(name: &str) -> bool {
    let number = name.strip_prefix("node").unwrap_or("");
    !number.is_empty() && number.chars().all(|c| c.is_ascii_digit())
}

fn is_running(host: &Host, name: &str) -> bool {
    let processes = host.names("/proc").into_iter();
    let mut processes = processes.filter(|pid| pid.starts_with(|c: char| c.is_ascii_digit()));
    processes.any(|pid| host.read(&format!("/proc/{pid}/comm")).as_deref() == Some(name))
}

fn wish(
    path: impl Into<String>,
    value: Value,
    cost: Cost,
    costs: &'static str,
    script: &'static str,
) -> Wish {
    Wish {
        path: path.into(),
        value,
        cost,
        costs,
        script,
    }
}

fn system_wishes() -> Vec<Wish> {
    use Cost::{Low, Medium};
    let refused = "clients that come at once are refused";
    let narrow = "long links stay below their bandwidth";
    let compacted = "page faults wait for memory to be compacted";
    let thp = "/sys/kernel/mm/transparent_hugepage";
    let (core, ipv4) = ("/proc/sys/net/core", "/proc/sys/net/ipv4");
    vec![
        wish(
            format!("{core}/somaxconn"),
            Value::AtLeast(&[4096]),
            Medium,
            refused,
            "sockets.sh",
        ),
        wish(
            format!("{ipv4}/tcp_max_syn_backlog"),
            Value::AtLeast(&[4096]),
            Low,
            refused,
            "sockets.sh",
        ),
        wish(
            format!("{core}/rmem_max"),
            Value::AtLeast(&[16 << 20]),
            Low,
            narrow,
            "sockets.sh",
        ),
        wish(
            format!("{core}/wmem_max"),
            Value::AtLeast(&[16 << 20]),
            Low,
            narrow,
            "sockets.sh",
        ),
        wish(
            format!("{ipv4}/tcp_rmem"),
            Value::AtLeast(&[4096, 87_380, 16 << 20]),
            Low,
            narrow,
            "sockets.sh",
        ),
        wish(
            format!("{ipv4}/tcp_wmem"),
            Value::AtLeast(&[4096, 16_384, 16 << 20]),
            Low,
            narrow,
            "sockets.sh",
        ),
        wish(
            format!("{ipv4}/tcp_slow_start_after_idle"),
            is("0"),
            Low,
            "bursts after a pause begin slowly",
            "sockets.sh",
        ),
        wish(
            format!("{thp}/enabled"),
            is("madvise"),
            Medium,
            compacted,
            "thp.sh",
        ),
        wish(
            format!("{thp}/defrag"),
            is("madvise"),
            Medium,
            compacted,
            "thp.sh",
        ),
    ]
}

/// Leaving an idle state may take so long, in microseconds.
const IDLE_LATENCY_US_MAX: u64 = 20;

fn core_wishes(host: &Host, core: usize) -> Vec<Wish> {
    let base = format!("/sys/devices/system/cpu/cpu{core}");
    let slow = "the core answers at a low frequency first";
    let mut wishes = vec![
        wish(
            format!("{base}/cpufreq/scaling_governor"),
            is("performance"),
            Cost::Medium,
            slow,
            "cpu.sh",
        ),
        wish(
            format!("{base}/cpufreq/energy_performance_preference"),
            is("performance"),
            Cost::Medium,
            slow,
            "cpu.sh",
        ),
    ];
    for state in host.names(&format!("{base}/cpuidle")) {
        let latency = host.read(&format!("{base}/cpuidle/{state}/latency"));
        let latency_us: u64 = latency.and_then(|us| us.parse().ok()).unwrap_or(0);
        if latency_us > IDLE_LATENCY_US_MAX {
            let path = format!("{base}/cpuidle/{state}/disable");
            let costs = "a shard that sleeps answers late: the idle state takes long to leave";
            wishes.push(wish(path, is("1"), Cost::Medium, costs, "cpu.sh"));
        }
    }
    wishes
}

/// In a virtual machine that may wait before it gives an idle core back to its host.
fn halt_wish(host: &Host) -> Option<Wish> {
    let governor = host.read("/sys/devices/system/cpu/cpuidle/current_governor")?;
    let waits = wish(
        "/sys/module/haltpoll/parameters/guest_halt_poll_ns",
        Value::AtLeast(&[2_000_000]),
        Cost::High,
        "a core that rests is taken away by the host, and each acknowledgement waits several times to get it back",
        "cpu.sh",
    );
    (governor == "haltpoll").then_some(waits)
}

fn disk_wishes(host: &Host, disk: &str) -> Vec<Wish> {
    let queue = format!("/sys/block/{disk}/queue");
    // A virtual disk calls itself rotating whatever is behind it, and is sorted by its host once more.
    let is_virtual = disk.starts_with("vd") || disk.starts_with("xvd");
    let scheduler = match host.read(&format!("{queue}/rotational")).as_deref() {
        Some("1") if !is_virtual => (
            is("mq-deadline"),
            "a rotating disk needs its requests sorted",
        ),
        _ => (
            is("none"),
            "each write and each flush passes a lock and a queue for nothing",
        ),
    };
    vec![
        wish(
            format!("{queue}/scheduler"),
            scheduler.0,
            Cost::Medium,
            scheduler.1,
            "io-scheduler.sh",
        ),
        wish(
            format!("{queue}/rq_affinity"),
            is("2"),
            Cost::Low,
            "completions arrive on another core than the shard's",
            "io-scheduler.sh",
        ),
    ]
}

fn numa_wishes() -> Vec<Wish> {
    vec![
        wish(
            "/proc/sys/kernel/numa_balancing",
            is("0"),
            Cost::Medium,
            "pinned threads take page faults for nothing",
            "numa.sh",
        ),
        wish(
            "/proc/sys/vm/zone_reclaim_mode",
            is("0"),
            Cost::Low,
            "the page cache is thrown away while other nodes have room",
            "numa.sh",
        ),
    ]
}

/// A mounted file system, as a line of mountinfo tells it.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Mount {
    device: String,
    point: String,
    kind: String,
    options: Vec<String>,
}

impl Mount {
    /// The one that a path is on, which is absolute.
    fn of(mountinfo: &str, path: &Path) -> Option<Mount> {
        let mounts = mountinfo.lines().filter_map(Mount::parse);
        let above = mounts.filter(|mount| path.starts_with(&mount.point));
        // Of two at one place, the later one hides the earlier.
        above.max_by_key(|mount| mount.point.len())
    }

    fn parse(line: &str) -> Option<Mount> {
        let (left, right) = line.split_once(" - ")?;
        let left: Vec<&str> = left.split(' ').collect();
        let right: Vec<&str> = right.split(' ').collect();
        let options = left.get(5)?.split(',').chain(right.get(2)?.split(','));
        Some(Mount {
            device: (*left.get(2)?).to_owned(),
            point: left.get(4)?.replace("\\040", " "),
            kind: (*right.first()?).to_owned(),
            options: options.map(str::to_owned).collect(),
        })
    }

    fn has(&self, option: &str) -> bool {
        self.options.iter().any(|had| had == option)
    }

    fn judge(&self) -> Vec<Finding> {
        let finding = |cost, is: &str, should_be: &str, costs, script| Finding {
            cost,
            is: format!("{} {is}", self.point),
            should_be: should_be.to_owned(),
            costs,
            mended_by: script,
        };
        let mut findings = Vec::new();
        if !matches!(self.kind.as_str(), "ext4" | "xfs") {
            let costs = "direct writes are refused or costly";
            let is = format!("is {}", self.kind);
            findings.push(finding(Cost::High, &is, "ext4 or xfs", costs, None));
        }
        if self.has("nobarrier") {
            let costs = "acknowledged records are lost in a power cut";
            findings.push(finding(
                Cost::High,
                "is mounted with nobarrier",
                "without",
                costs,
                None,
            ));
        }
        if self.has("data=journal") {
            let costs = "everything is written twice";
            findings.push(finding(
                Cost::High,
                "is mounted with data=journal",
                "data=ordered",
                costs,
                None,
            ));
        }
        let script = Some("filesystem.sh");
        if self.has("discard") {
            let costs = "each deleted segment stalls the disk";
            findings.push(finding(
                Cost::Medium,
                "is mounted with discard",
                "nodiscard",
                costs,
                script,
            ));
        }
        if !self.has("noatime") {
            let costs = "reads write inodes";
            findings.push(finding(
                Cost::Low,
                "is mounted without noatime",
                "noatime",
                costs,
                script,
            ));
        }
        findings
    }
}

#[cfg(test)]
mod tests;
