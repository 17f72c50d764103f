//! Starts that cannot work: one line on standard error, exit code 1, nothing created.

use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use super::broker::ringlog_binary;

/// A start that cannot work says so at once.
pub const REFUSAL_LIMIT: Duration = Duration::from_secs(10);

/// Starts Ringlog with these flags, which cannot work, and returns the one line that it says.
pub fn refused(home: &Path, flags: &[&str]) -> String {
    one_line_and_exit_one(&start(home, flags))
}

/// The one line that a process has said, which has ended with exit code 1.
pub fn one_line_and_exit_one(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert_eq!(
        said.lines().count(),
        1,
        "one line says what is wrong: {said}"
    );
    assert!(
        output.stdout.is_empty(),
        "nothing on standard output: {output:?}"
    );
    said
}

/// Runs `ringlog serve` with these flags before harmless ones, to its end.
pub fn start(home: &Path, flags: &[&str]) -> Output {
    let harmless = [
        ["--data-dir", "data"],
        ["--listen", "127.0.0.1:0"],
        ["--admin", "127.0.0.1:0"],
        ["--cores", "1"],
    ];
    let mut command = Command::new(ringlog_binary());
    command.current_dir(home).arg("serve").args(flags);
    command.args(
        harmless
            .iter()
            .filter(|pair| !flags.contains(&pair[0]))
            .flatten(),
    );
    finish(&mut command)
}

/// Waits for a process that ends by itself; one that serves instead is ended, and fails the test.
pub fn finish(command: &mut Command) -> Output {
    use std::process::Stdio;
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    let deadline = Instant::now() + REFUSAL_LIMIT;
    while child.try_wait().expect("a child of ours").is_none() && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(10));
    }
    let _ = child.kill();
    child.wait_with_output().expect("a child of ours")
}

/// Fails if there is a data directory.
pub fn assert_nothing_created(home: &Path) {
    let data = home.join("data");
    assert!(
        !data.exists(),
        "a start that failed left {}",
        data.display()
    );
}
