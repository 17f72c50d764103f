//! `ringlog check`: what keeps the broker from running, in the very words of `ringlog serve`, and what keeps it from
//! running well.
#![cfg(feature = "broker")]

mod common;

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output};

use common::broker::ringlog_binary;

#[test]
fn a_made_up_host_is_judged() {
    let home = tempfile::tempdir().expect("a temporary directory");
    for (path, text) in [
        ("proc/sys/net/core/somaxconn", "128"),
        ("proc/self/mountinfo", "1 1 8:1 / / rw - ext4 /dev/a rw"),
        (
            "sys/kernel/mm/transparent_hugepage/enabled",
            "[always] madvise never",
        ),
    ] {
        let path = home.path().join("host").join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a writable directory");
        fs::write(path, text).expect("a writable directory");
    }
    let data = home.path().join("data");
    let mut command = ringlog("check", &data);
    command.arg("--root").arg(home.path().join("host"));
    let (output, said) = run(command);
    assert!(output.status.success(), "{said}");
    let place = |part: &str| {
        said.find(part)
            .unwrap_or_else(|| panic!("{part} in {said}"))
    };
    let somaxconn = place(
        "medium: /proc/sys/net/core/somaxconn is 128, should be 4096: clients that come at once are refused (tuning/sockets.sh)",
    );
    let noatime = place("low: / is mounted without noatime, should be noatime");
    assert!(somaxconn < noatime && place("transparent_hugepage/enabled is always") < noatime);
    assert!(said.ends_with("come first.\n"), "{said}");
    assert!(!data.exists(), "it makes nothing");
}

#[test]
fn this_host_can_run_the_broker() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let (output, said) = run(ringlog("check", &home.path().join("data")));
    assert!(output.status.success(), "{said}");
    assert!(said.contains("The broker can run here"), "{said}");
}

#[test]
fn check_refuses_what_serve_refuses() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let data = home.path().join("data");
    fs::write(home.path().join("file"), "").expect("a writable directory");
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let taken = taken.local_addr().expect("its address").to_string();
    let beyond = ["--listen", "127.0.0.1:65535", "--advertise", "per-core"];
    for (directory, arguments, limit) in [
        (home.path().join("file/below"), &[][..], ""),
        (data.clone(), &["--listen", &taken], ""),
        (data.clone(), &["--listen", "0.0.0.0:0"], ""),
        (data.clone(), &beyond, ""),
        (data.clone(), &["--cores", "4000"], ""),
        (data.clone(), &["--config", "/nowhere"], ""),
        (data.clone(), &[], "ulimit -n 100"),
        (data.clone(), &[], "ulimit -l 64"),
    ] {
        let said = ["serve", "check"].map(|command| {
            let mut command = limited(ringlog(command, &directory), limit);
            command.args(arguments);
            let (output, said) = run(command);
            assert_eq!(
                output.status.code(),
                Some(1),
                "{limit} {arguments:?}: {said}"
            );
            said
        });
        let [serve, check] = said;
        let why = serve
            .lines()
            .find_map(|line| line.strip_prefix("ringlog: "))
            .unwrap_or_else(|| panic!("{serve}"));
        assert!(
            check.contains(&format!("cannot run: {why}\n")),
            "{why}\n{check}"
        );
    }
}

fn ringlog(command: &str, data: &Path) -> Command {
    let mut built = Command::new(ringlog_binary());
    built.args([command, "--admin", "127.0.0.1:0"]);
    built.arg("--data-dir").arg(data);
    if command == "serve" {
        built.args(["--log-level", "error"]);
    }
    built
}

/// The same command after a change of limits.
fn limited(command: Command, limit: &str) -> Command {
    let mut shell = Command::new("bash");
    let script = match limit {
        "" => "exec \"$@\"".to_owned(),
        limit => format!("{limit} && exec \"$@\" --listen 127.0.0.1:0"),
    };
    shell.args(["-c", &script, "bash"]);
    shell.arg(command.get_program()).args(command.get_args());
    shell
}

fn run(mut command: Command) -> (Output, String) {
    let output = command.output().expect("the binary runs");
    let said = [&output.stdout[..], &output.stderr[..]].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    (output, said)
}
