//! Client programs: real Kafka clients in their own languages, each a process that judges itself.
//!
//! A program gets `BOOTSTRAP`, prints one JSON verdict as its last line and ends with 0 or not. In
//! the middle it may print `@restart`: the broker is then killed and started again, and the program
//! reads one line, `restarted`, when clients can connect.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use super::Broker;

/// Runs a client program against `broker` to its end and returns its verdict line.
pub fn run(broker: &mut Broker, mut command: Command, limit: Duration) -> String {
    let mut program = Program::start(&mut command, broker);
    let lines = merged_output(&mut program.0);
    let mut stdin = program.0.stdin.take().expect("a pipe");
    let deadline = Instant::now() + limit;
    let mut transcript = Vec::new();
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        match lines.recv_timeout(left) {
            Ok(line) if line == "@restart" => {
                broker.kill();
                broker.restart();
                // A program that has given up meanwhile says why in what it printed.
                let _ = writeln!(stdin, "restarted");
            }
            Ok(line) => transcript.push(line),
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => {
                panic!(
                    "{command:?} not done after {limit:?}\n{}",
                    transcript.join("\n")
                );
            }
        }
    }
    let status = program.0.wait().expect("a child of ours");
    let said = transcript.join("\n");
    assert!(status.success(), "{command:?} ended with {status}\n{said}");
    let verdict = transcript.iter().rev().find(|line| line.starts_with('{'));
    verdict
        .unwrap_or_else(|| panic!("{command:?} gave no verdict\n{said}"))
        .clone()
}

/// A running program, which does not outlive a test that fails.
pub struct Program(pub Child);

impl Program {
    /// Starts a program against `broker` with all its streams in the test's hands.
    pub fn start(command: &mut Command, broker: &Broker) -> Program {
        let child = command
            .env("BOOTSTRAP", broker.bootstrap())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        Program(child.unwrap_or_else(|error| panic!("cannot start {command:?}: {error}")))
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Runs a tool with `input` on its standard input, and returns what it printed.
pub fn tool(mut command: Command, input: &str) -> String {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
    let mut stdin = child.stdin.take().expect("a pipe");
    stdin
        .write_all(input.as_bytes())
        .expect("the tool reads its input");
    drop(stdin);
    let output = child.wait_with_output().expect("a child of ours");
    let (out, err) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(
        output.status.success(),
        "{command:?}: {}\n{out}\n{err}",
        output.status
    );
    out.into_owned()
}

/// Both outputs of a process, line by line; the channel closes when the process has closed both.
pub fn merged_output(child: &mut Child) -> Receiver<String> {
    let (sender, lines) = channel();
    let to_err = sender.clone();
    let stdout = BufReader::new(child.stdout.take().expect("a pipe"));
    let stderr = BufReader::new(child.stderr.take().expect("a pipe"));
    std::thread::spawn(move || {
        stdout
            .lines()
            .map_while(Result::ok)
            .try_for_each(|l| sender.send(l))
    });
    std::thread::spawn(move || {
        stderr
            .lines()
            .map_while(Result::ok)
            .try_for_each(|l| to_err.send(l))
    });
    lines
}
