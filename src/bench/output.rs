//! How a run is told: lines while it goes on, then a table or JSON, and a page if one is wanted.

use std::fs;
use std::io::{self, Stderr, Write};
use std::path::PathBuf;

use clap::Args;
use thiserror::Error;

use super::json::json;
use super::outcome::{Outcome, Progress};
use super::progress::ProgressLines;
use super::report;
use super::table::table;
use super::usage::{UsageError, UsageWatch};

/// How a run is told, and what else is watched.
#[derive(Clone, Debug, Default, Args)]
pub struct OutputArgs {
    /// Print one JSON object instead of the table.
    #[arg(long)]
    pub json: bool,
    /// Write an HTML page with everything drawn into this directory, as MODE.html.
    #[arg(long, value_name = "DIR")]
    pub report: Option<PathBuf>,
    /// Tell what the broker, a process on this machine, spends while it is measured: CPU, memory, context switches, disk.
    #[arg(long, value_name = "PID")]
    pub broker_pid: Option<u32>,
}

/// Why a run cannot be told.
#[derive(Debug, Error)]
pub enum OutputError {
    /// The broker's process cannot be watched.
    #[error(transparent)]
    Usage(#[from] UsageError),
    /// The page cannot be written.
    #[error("--report {}: {error}", directory.display())]
    Report {
        /// Where it should be.
        directory: PathBuf,
        /// Why it is not.
        error: io::Error,
    },
    /// Nobody takes the result.
    #[error("cannot print the result: {0}")]
    Print(io::Error),
}

/// Tells one run.
#[derive(Debug)]
pub struct Output {
    args: OutputArgs,
    lines: ProgressLines<Stderr>,
    watch: Option<UsageWatch>,
}

impl Output {
    /// To be called before the run, so that a process that cannot be watched, or a page that cannot be written, is told at
    /// once.
    pub fn new(args: OutputArgs) -> Result<Output, OutputError> {
        // The page comes last, and should not be what a long run was for nothing for.
        if let Some(directory) = &args.report {
            fs::create_dir_all(directory).map_err(|error| OutputError::Report {
                directory: directory.clone(),
                error,
            })?;
        }
        let watch = args.broker_pid.map(UsageWatch::new).transpose()?;
        Ok(Output {
            args,
            lines: ProgressLines::new(io::stderr()),
            watch,
        })
    }

    /// A run's progress, as it comes.
    pub fn hear(&mut self, progress: &Progress<'_>) {
        if let Some(watch) = &mut self.watch {
            watch.hear(progress);
        }
        self.lines.hear(progress);
    }

    /// The result, to stdout, and the page.
    pub fn end(self, mut outcome: Outcome) -> Result<(), OutputError> {
        outcome.usage = self.watch.map(UsageWatch::usage).transpose()?;
        let text = match self.args.json {
            true => json(&outcome) + "\n",
            false => table(&outcome),
        };
        let mut out = io::stdout().lock();
        let printed = out.write_all(text.as_bytes()).and_then(|()| out.flush());
        printed.map_err(OutputError::Print)?;
        self.args
            .report
            .map_or(Ok(()), |directory| draw(&outcome, directory))
    }
}

fn draw(outcome: &Outcome, directory: PathBuf) -> Result<(), OutputError> {
    let written = report::write(outcome, &directory);
    let path = written.map_err(|error| OutputError::Report { directory, error })?;
    eprintln!("report: {}", path.display());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::sample;

    #[test]
    fn a_page_that_cannot_be_written_is_said() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let error = draw(&sample::outcome(), file.path().to_owned());
        let told = error.unwrap_err().to_string();
        assert!(told.starts_with("--report /"), "{told}");
    }

    #[test]
    fn a_process_that_cannot_be_watched_is_said_before_the_run() {
        let args = OutputArgs {
            broker_pid: Some(1 << 22),
            ..OutputArgs::default()
        };
        assert!(matches!(
            Output::new(args),
            Err(OutputError::Usage(UsageError::Gone { .. }))
        ));
    }
}
