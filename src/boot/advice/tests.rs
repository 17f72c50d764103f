use std::os::unix::fs::symlink;

use super::*;

#[test]
fn values_are_compared_as_the_kernel_shows_them() {
    let wish = |value| wish("/f", value, Cost::Low, "", "x.sh");
    for (value, text, expected) in [
        (is("none"), "none [mq-deadline] kyber", Some("none")),
        (is("none"), "[none] mq-deadline", None),
        (is("none"), "[mq-deadline] kyber", None),
        (is("0"), "1", Some("0")),
        (is("0"), "0", None),
        (Value::AtLeast(&[4096]), "128", Some("4096")),
        (Value::AtLeast(&[4096]), "8192", None),
        (Value::AtLeast(&[4, 80, 16]), "4\t131\t6", Some("4 131 16")),
        (Value::AtLeast(&[4, 80, 16]), "4\t80\t16", None),
    ] {
        let judged = wish(value.clone()).judge(text);
        let should_be = judged.as_ref().map(|finding| finding.should_be.as_str());
        assert_eq!(should_be, expected, "{value:?} of {text:?}");
    }
}

#[test]
fn a_directory_is_on_the_nearest_mount_above_it() {
    let mounts = "29 1 259:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw,discard\n\
                  41 29 8:3 / /srv/my\\040data rw,noatime - xfs /dev/sda3 rw\n\
                  42 29 0:9 / /srv rw,noatime - tmpfs none rw";
    for (path, point, kind) in [
        ("/srv/my data/logs", "/srv/my data", "xfs"),
        ("/srv/my data", "/srv/my data", "xfs"),
        ("/srv/my database", "/srv", "tmpfs"),
        ("/srvx", "/", "ext4"),
    ] {
        let mount = Mount::of(mounts, Path::new(path)).unwrap();
        assert_eq!((mount.point.as_str(), mount.kind.as_str()), (point, kind));
    }
    assert_eq!(Mount::of("", Path::new("/")), None);
}

#[test]
fn file_systems_are_judged() {
    for (line, expected) in [
        ("1 1 8:1 / / rw,noatime - xfs /dev/a rw", &[][..]),
        ("1 1 8:1 / / rw - ext4 /dev/a rw", &[Cost::Low]),
        (
            "1 1 8:1 / / rw,noatime - ext4 /dev/a rw,discard,data=journal",
            &[Cost::High, Cost::Medium],
        ),
        ("1 1 8:1 / / rw,noatime - zfs a rw", &[Cost::High]),
        (
            "1 1 8:1 / / rw,noatime - ext4 /dev/a rw,nobarrier",
            &[Cost::High],
        ),
    ] {
        let findings = Mount::parse(line).unwrap().judge();
        let costs: Vec<Cost> = findings.iter().map(|finding| finding.cost).collect();
        assert_eq!(costs, expected, "{line}");
    }
}

/// A host with these files.
fn host(files: &[(&str, &str)]) -> (tempfile::TempDir, Host) {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, format!("{text}\n")).unwrap();
    }
    let host = Host {
        root: folder.path().to_owned(),
    };
    (folder, host)
}

#[test]
fn findings_come_in_the_order_of_their_cost() {
    let (folder, host) = host(&[
        ("proc/sys/net/core/somaxconn", "128"),
        ("proc/sys/net/ipv4/tcp_slow_start_after_idle", "1"),
        ("sys/devices/system/cpu/cpu1/cpuidle/state1/latency", "2"),
        ("sys/devices/system/cpu/cpu1/cpuidle/state1/disable", "0"),
        ("sys/devices/system/cpu/cpu1/cpuidle/state2/latency", "133"),
        ("sys/devices/system/cpu/cpu1/cpuidle/state2/disable", "0"),
        (
            "sys/devices/system/cpu/cpu2/cpufreq/scaling_governor",
            "powersave",
        ),
        (
            "proc/self/mountinfo",
            "1 1 8:1 / / rw,noatime - btrfs /dev/a rw",
        ),
        ("sys/block/sda/queue/rotational", "0"),
        ("sys/block/sda/queue/scheduler", "none [bfq]"),
        ("sys/block/sda/sda1/partition", "1"),
        ("proc/5/comm", "irqbalance"),
        ("proc/sys/kernel/numa_balancing", "1"),
    ]);
    let link = folder.path().join("sys/dev/block/8:1");
    fs::create_dir_all(link.parent().unwrap()).unwrap();
    symlink("../../block/sda/sda1", link).unwrap();
    let findings = advise(&host, &[1], Path::new("/var/lib/ringlog"));
    let shown: Vec<(Cost, &str)> = findings
        .iter()
        .map(|finding| (finding.cost, finding.is.as_str()))
        .collect();
    assert_eq!(
        shown,
        [
            (Cost::High, "/ is btrfs"),
            (Cost::Medium, "/proc/sys/net/core/somaxconn is 128"),
            (
                Cost::Medium,
                "/sys/devices/system/cpu/cpu1/cpuidle/state2/disable is 0"
            ),
            (Cost::Medium, "/sys/block/sda/queue/scheduler is bfq"),
            (
                Cost::Low,
                "/proc/sys/net/ipv4/tcp_slow_start_after_idle is 1"
            ),
            (Cost::Low, "irqbalance runs"),
        ]
    );
}

#[test]
fn an_idle_core_waits_where_the_system_can_have_it_wait() {
    for (governor, poll_ns, expected) in [
        ("haltpoll", "0", 1),
        ("haltpoll", "200000", 1),
        ("haltpoll", "2000000", 0),
        ("menu", "0", 0),
    ] {
        let (_folder, host) = host(&[
            ("sys/devices/system/cpu/cpuidle/current_governor", governor),
            ("sys/module/haltpoll/parameters/guest_halt_poll_ns", poll_ns),
        ]);
        let findings = advise(&host, &[0], Path::new("/"));
        assert_eq!(findings.len(), expected, "{governor} {poll_ns}");
    }
}

#[test]
fn nodes_are_counted_before_they_are_balanced() {
    for (nodes, expected) in [(1, 0), (2, 1)] {
        let (folder, host) = host(&[
            ("proc/sys/kernel/numa_balancing", "1"),
            ("sys/devices/system/node/possible", "0-1"),
        ]);
        for node in 0..nodes {
            fs::create_dir(
                folder
                    .path()
                    .join(format!("sys/devices/system/node/node{node}")),
            )
            .unwrap();
        }
        assert_eq!(advise(&host, &[0], Path::new("/")).len(), expected);
    }
}

#[test]
fn every_script_that_is_named_exists() {
    let governor = "sys/devices/system/cpu/cpuidle/current_governor";
    let (_folder, host) = host(&[(governor, "haltpoll")]);
    let mut wishes = system_wishes();
    wishes.extend(numa_wishes());
    wishes.extend(halt_wish(&host));
    wishes.extend(core_wishes(&host, 0));
    wishes.extend(disk_wishes(&host, "sda"));
    for wish in wishes {
        let script = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tuning")
            .join(wish.script);
        let text = fs::read_to_string(&script).expect("the script is there");
        let name = wish.path.rsplit('/').next().unwrap();
        assert!(
            text.contains(name),
            "{} says nothing of {name}",
            wish.script
        );
        assert!(
            text.contains(wish.costs) || wish.script == "cpu.sh",
            "{}: {}",
            wish.script,
            wish.costs
        );
    }
}
