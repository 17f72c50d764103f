//! The scripts of `tuning/` on a made-up host: a directory that stands for the root, with an `ethtool` and a `mount` that
//! know only it. Nothing of this machine is read or changed.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// What the host has before anything is tuned.
const FILES: &[(&str, &str)] = &[
    ("sys/devices/system/cpu/online", "0-3"),
    (
        "sys/devices/system/cpu/cpu2/cpufreq/scaling_governor",
        "schedutil",
    ),
    (
        "sys/devices/system/cpu/cpu3/cpufreq/scaling_governor",
        "performance",
    ),
    ("sys/devices/system/cpu/cpu2/cpuidle/state0/latency", "0"),
    ("sys/devices/system/cpu/cpu2/cpuidle/state0/disable", "0"),
    ("sys/devices/system/cpu/cpu2/cpuidle/state2/latency", "133"),
    ("sys/devices/system/cpu/cpu2/cpuidle/state2/disable", "0"),
    (
        "sys/devices/system/cpu/cpuidle/current_governor",
        "haltpoll",
    ),
    (
        "sys/module/haltpoll/parameters/guest_halt_poll_ns",
        "200000",
    ),
    ("sys/class/net/eth0/device/msi_irqs/40", "msix"),
    ("sys/class/net/eth0/device/msi_irqs/41", "msix"),
    ("sys/class/net/eth0/device/numa_node", "0"),
    ("sys/class/net/eth0/queues/rx-0/rps_cpus", "0"),
    ("sys/class/net/eth0/queues/tx-0/xps_cpus", "0"),
    ("sys/class/net/eth0/queues/tx-1/xps_cpus", "0000,0000000a"),
    ("proc/irq/40/smp_affinity_list", "0-3"),
    ("proc/irq/41/smp_affinity_list", "2"),
    (
        "proc/net/route",
        "Iface\tDestination\tGateway\nlo\t0000007F\t0\neth0\t00000000\t0100A8C0",
    ),
    (
        "proc/self/mountinfo",
        "29 1 259:1 / / rw,relatime shared:1 - ext4 /dev/nvme0n1p1 rw,discard\n\
         30 29 0:5 / /proc rw,nosuid - proc proc rw",
    ),
    (
        "proc/meminfo",
        "HugePages_Total:       8\nHugePages_Free:        5",
    ),
    ("proc/sys/net/core/somaxconn", "128"),
    ("proc/sys/net/core/rmem_max", "212992"),
    ("proc/sys/net/core/wmem_max", "33554432"),
    ("proc/sys/net/ipv4/tcp_max_syn_backlog", "4096"),
    ("proc/sys/net/ipv4/tcp_rmem", "4096\t131072\t6291456"),
    ("proc/sys/net/ipv4/tcp_wmem", "4096\t16384\t4194304"),
    ("proc/sys/net/ipv4/tcp_slow_start_after_idle", "1"),
    ("proc/sys/kernel/io_uring_disabled", "2"),
    ("proc/sys/kernel/numa_balancing", "1"),
    ("proc/sys/fs/nr_open", "1048576"),
    ("proc/sys/fs/file-max", "65536"),
    ("proc/sys/vm/nr_hugepages", "8"),
    ("proc/sys/vm/zone_reclaim_mode", "0"),
    (
        "sys/block/nvme0n1/queue/scheduler",
        "none [mq-deadline] kyber",
    ),
    ("sys/block/nvme0n1/queue/rotational", "0"),
    ("sys/block/nvme0n1/queue/rq_affinity", "1"),
    ("sys/block/nvme0n1/queue/write_cache", "write back"),
    ("sys/block/nvme0n1/nvme0n1p1/partition", "1"),
    (
        "sys/kernel/mm/transparent_hugepage/enabled",
        "[always] madvise never",
    ),
    (
        "sys/kernel/mm/transparent_hugepage/defrag",
        "always defer [madvise] never",
    ),
    ("sys/devices/system/node/node0/cpulist", "0-3"),
    ("sys/devices/system/node/node0/cpu2/online", "1"),
    ("sys/devices/system/node/node0/cpu3/online", "1"),
    ("sys/devices/system/node/node1/cpulist", ""),
    ("ethtool/rx", "512"),
    ("ethtool/tx", "8192"),
    ("ethtool/adaptive-rx", "off"),
];

const ETHTOOL: &str = r#"#!/bin/sh
state=$RINGLOG_TUNING_ROOT/ethtool
case $1 in
    -g) printf 'Pre-set maximums:\nRX: 2048\nTX: 8192\nCurrent hardware settings:\nRX: %s\nTX: %s\n' \
            "$(cat "$state/rx")" "$(cat "$state/tx")" ;;
    -c) printf 'Adaptive RX: %s  TX: n/a\n' "$(cat "$state/adaptive-rx")" ;;
    *) printf '%s' "$4" > "$state/$3" ;;
esac
"#;

const MOUNT: &str = r#"#!/bin/sh
case $2 in
    remount,noatime) change=s/,relatime/,noatime/ ;;
    remount,relatime) change=s/,noatime/,relatime/ ;;
    remount,nodiscard) change=s/,discard// ;;
    remount,discard) change='/ext4/s/$/,discard/' ;;
    *) exit 1 ;;
esac
[ "$3" = / ] && sed -i "$change" "$RINGLOG_TUNING_ROOT/proc/self/mountinfo"
"#;

/// The scripts, with what each has changed after `--apply`.
const SCRIPTS: &[(&str, &[(&str, &str)])] = &[
    (
        "limits",
        &[
            ("proc/sys/kernel/io_uring_disabled", "0"),
            ("proc/sys/fs/file-max", "1048576"),
            (
                "etc/security/limits.d/ringlog.conf",
                "# Ringlog: rings with locked buffers, and files of partitions.\n* - memlock unlimited\n* - nofile 1048576",
            ),
        ],
    ),
    (
        "io-scheduler",
        &[
            ("sys/block/nvme0n1/queue/scheduler", "none"),
            ("sys/block/nvme0n1/queue/rq_affinity", "2"),
        ],
    ),
    (
        "write-cache",
        &[("sys/block/nvme0n1/queue/write_cache", "write through")],
    ),
    (
        "filesystem",
        &[(
            "proc/self/mountinfo",
            "29 1 259:1 / / rw,noatime shared:1 - ext4 /dev/nvme0n1p1 rw\n\
             30 29 0:5 / /proc rw,nosuid - proc proc rw",
        )],
    ),
    (
        "cpu",
        &[
            (
                "sys/devices/system/cpu/cpu2/cpufreq/scaling_governor",
                "performance",
            ),
            ("sys/devices/system/cpu/cpu2/cpuidle/state2/disable", "1"),
            (
                "sys/module/haltpoll/parameters/guest_halt_poll_ns",
                "2000000",
            ),
        ],
    ),
    (
        "irq-affinity",
        &[
            ("proc/irq/40/smp_affinity_list", "0"),
            ("proc/irq/41/smp_affinity_list", "1"),
        ],
    ),
    (
        "packet-steering",
        &[
            ("sys/class/net/eth0/queues/rx-0/rps_cpus", "3"),
            ("sys/class/net/eth0/queues/tx-0/xps_cpus", "5"),
        ],
    ),
    (
        "nic",
        &[("ethtool/rx", "2048"), ("ethtool/adaptive-rx", "on")],
    ),
    (
        "sockets",
        &[
            ("proc/sys/net/core/somaxconn", "4096"),
            ("proc/sys/net/core/rmem_max", "16777216"),
            ("proc/sys/net/ipv4/tcp_rmem", "4096 131072 16777216"),
            ("proc/sys/net/ipv4/tcp_wmem", "4096 16384 16777216"),
            ("proc/sys/net/ipv4/tcp_slow_start_after_idle", "0"),
        ],
    ),
    (
        "thp",
        &[("sys/kernel/mm/transparent_hugepage/enabled", "madvise")],
    ),
    ("numa", &[("proc/sys/kernel/numa_balancing", "0")]),
    ("hugepages", &[("proc/sys/vm/nr_hugepages", "3")]),
];

#[test]
fn each_script_checks_applies_and_undoes() {
    for (name, changes) in SCRIPTS {
        let host = Host::new();
        let before = host.settings();
        let found = host.run(name, "--check");
        assert_eq!(found.status.code(), Some(1), "{name} --check: {found:?}");
        assert_eq!(host.settings(), before, "{name} --check changes nothing");

        host.succeed(name, "--apply");
        let mut expected = before.clone();
        for (path, value) in *changes {
            expected.insert((*path).to_owned(), (*value).to_owned());
        }
        assert_eq!(host.settings(), expected, "{name} --apply");
        host.succeed(name, "--check");
        host.succeed(name, "--apply");
        assert_eq!(host.settings(), expected, "{name} --apply again");

        host.succeed(name, "--undo");
        assert_eq!(host.settings(), before, "{name} --undo");
        assert!(!host.has_records(), "{name} leaves no record");
        host.succeed(name, "--undo");
        assert_eq!(host.settings(), before, "{name} --undo again");
    }
}

#[test]
fn all_of_them_run_at_once() {
    let host = Host::new();
    let before = host.settings();
    assert_eq!(host.run("all", "--check").status.code(), Some(1));
    host.succeed("all", "--apply");
    host.succeed("all", "--check");
    let tuned = host.settings();
    for (name, changes) in SCRIPTS {
        for (path, value) in *changes {
            assert_eq!(tuned.get(*path).map(String::as_str), Some(*value), "{name}");
        }
    }
    host.succeed("all", "--undo");
    assert_eq!(host.settings(), before);
}

#[test]
fn every_script_is_one_of_all() {
    let mut there: Vec<String> = fs::read_dir(folder())
        .expect("the scripts are there")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "sh"))
        .map(|path| {
            path.file_stem()
                .expect("a name")
                .to_string_lossy()
                .into_owned()
        })
        .filter(|name| name != "lib" && name != "all")
        .collect();
    there.sort();
    let mut known: Vec<&str> = SCRIPTS.iter().map(|(name, _)| *name).collect();
    known.sort_unstable();
    assert_eq!(there, known);
    let all = fs::read_to_string(folder().join("all.sh")).expect("all.sh is there");
    let list = all.split_once("scripts=(").expect("a list").1;
    let listed: Vec<&str> = list.split(')').next().unwrap_or("").split(' ').collect();
    assert_eq!(
        listed,
        SCRIPTS.iter().map(|(name, _)| *name).collect::<Vec<_>>()
    );
}

#[test]
fn a_drive_is_trusted_only_when_it_is_said_to_be_safe() {
    let host = Host::new();
    let before = host.settings();
    let output = host.command("write-cache").arg("--apply").output();
    assert!(output.expect("bash runs").status.success());
    assert_eq!(host.settings(), before);
}

#[test]
fn cores_that_are_none_are_refused() {
    let host = Host::new();
    for cores in ["foo", "2-", "3-2", "99", "0,,1"] {
        let mut command = host.command("cpu");
        let output = command.args(["--check", "--cores", cores]).output();
        let output = output.expect("bash runs");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{cores}: {said}");
        assert!(said.contains(&format!("--cores {cores}: ")), "{said}");
    }
}

#[test]
fn what_cannot_be_mended_is_told() {
    let host = Host::new();
    host.write("proc/77/comm", "irqbalance");
    host.succeed("irq-affinity", "--apply");
    let found = host.run("irq-affinity", "--check");
    let said = String::from_utf8_lossy(&found.stdout).into_owned();
    assert_eq!(found.status.code(), Some(1));
    assert!(said.contains("irqbalance runs"), "{said}");
    host.write("sys/class/net/eth0/device/numa_node", "1");
    let found = host.run("numa", "--check");
    let said = String::from_utf8_lossy(&found.stdout).into_owned();
    assert!(said.contains("interface eth0 is on node 1"), "{said}");
}

/// A made-up host.
struct Host(tempfile::TempDir);

impl Host {
    fn new() -> Host {
        let host = Host(tempfile::tempdir().expect("a temporary directory"));
        for (path, text) in FILES {
            host.write(path, text);
        }
        let link = host.path("sys/dev/block/259:1");
        fs::create_dir_all(link.parent().expect("a folder")).expect("a writable directory");
        symlink("../../block/nvme0n1/nvme0n1p1", link).expect("a writable directory");
        for (name, text) in [("ethtool", ETHTOOL), ("mount", MOUNT)] {
            host.write(&format!("bin/{name}"), text);
            let runs = fs::Permissions::from_mode(0o755);
            fs::set_permissions(host.path(&format!("bin/{name}")), runs).expect("our file");
        }
        host
    }

    fn path(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a writable directory");
        fs::write(path, format!("{text}\n")).expect("a writable directory");
    }

    fn command(&self, script: &str) -> Command {
        let path = std::env::var("PATH").unwrap_or_default();
        let mut command = Command::new("bash");
        command
            .env("RINGLOG_TUNING_ROOT", self.0.path())
            .env("PATH", format!("{}:{path}", self.path("bin").display()))
            .arg(folder().join(format!("{script}.sh")))
            .args(["--cores", "2-3", "--data-dir", "/var/lib/ringlog"]);
        command
    }

    fn run(&self, script: &str, mode: &str) -> Output {
        let mut command = self.command(script);
        command.args([mode, "--power-protected"]);
        command.output().expect("bash runs")
    }

    fn succeed(&self, script: &str, mode: &str) {
        let output = self.run(script, mode);
        assert!(output.status.success(), "{script} {mode}: {output:?}");
    }

    fn has_records(&self) -> bool {
        ["run/ringlog-tuning", "var/lib/ringlog-tuning"]
            .iter()
            .any(|folder| self.path(folder).exists())
    }

    /// What each file says, choices told by what is chosen, as the kernel would show it.
    fn settings(&self) -> BTreeMap<String, String> {
        let mut found = BTreeMap::new();
        for top in ["sys", "proc", "etc", "ethtool"] {
            collect(self.0.path(), &self.path(top), &mut found);
        }
        found
    }
}

fn collect(root: &Path, folder: &Path, found: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.expect("an entry").path();
        if path.is_symlink() {
            continue;
        }
        if path.is_dir() {
            collect(root, &path, found);
            continue;
        }
        let text = fs::read_to_string(&path).expect("text");
        let chosen = text
            .split_once('[')
            .and_then(|(_, rest)| rest.split_once(']'));
        let value = chosen.map_or(text.trim().replace('\t', " "), |(value, _)| {
            value.to_owned()
        });
        let name = path.strip_prefix(root).expect("below the root");
        found.insert(name.to_string_lossy().into_owned(), value);
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tuning")
}
