//! The command line.

mod bench;
mod check;
mod log;
mod serve;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use thiserror::Error;

use crate::bench::error::BenchError;
use crate::bench::output::OutputError;
use crate::boot::BootError;

/// A Kafka-compatible broker: io_uring, one shard a core, direct I/O, zero-copy reads.
#[derive(Clone, Debug, Parser)]
#[command(name = "ringlog", version, args_conflicts_with_subcommands = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: ServeArgs,
}

#[derive(Clone, Debug, Subcommand)]
enum Command {
    /// Run the broker (what happens without a command, too).
    Serve(ServeArgs),
    /// Say what keeps this host from running the broker, or running it well.
    Check(CheckArgs),
    /// Read segments of a log.
    #[command(subcommand)]
    Log(LogCommand),
    /// Load any Kafka-compatible broker, and measure it.
    Bench(bench::BenchArgs),
}

/// How to run the broker.
#[derive(Clone, Debug, Default, Args)]
pub struct ServeArgs {
    /// Where the data is kept [default: ./ringlog-data].
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Where clients connect; port 0 picks a free one [default: 127.0.0.1:9092].
    #[arg(long, value_name = "HOST:PORT")]
    listen: Option<String>,
    /// Where clients are told to connect [default: what --listen says]; per-core, alone or after the address and a comma,
    /// tells them of each core as a node of its own, on the ports behind that of --listen.
    #[arg(long, value_name = "HOST:PORT|per-core", value_delimiter = ',')]
    advertise: Vec<String>,
    /// Where metrics and health are served; port 0 picks a free one.
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:9644")]
    admin: String,
    /// Cores to use: how many (2) or which (0,2-3) [default: all that the process may use].
    #[arg(long, value_name = "N|LIST")]
    cores: Option<String>,
    /// Settings in the form and with the names of Kafka's server.properties.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// What to log: error, warn, info, debug, trace, or directives like ringlog::shard=debug.
    #[arg(long, value_name = "LEVEL", default_value = "info")]
    log_level: String,
}

/// What to judge: a start with these options.
#[derive(Clone, Debug, Default, Args)]
struct CheckArgs {
    #[command(flatten)]
    serve: ServeArgs,
    /// Judge the /proc and /sys below this directory: those of a container's host, for instance.
    #[arg(long, value_name = "DIR", default_value = "/")]
    root: PathBuf,
}

#[derive(Clone, Debug, Subcommand)]
enum LogCommand {
    /// Print the batches of segments.
    Dump {
        /// Print the records too.
        #[arg(long)]
        records: bool,
        /// Segments (*.log).
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
    /// Check every batch of segments; fails if one is damaged.
    Verify {
        /// Segments (*.log).
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
}

/// Why a command failed.
#[derive(Debug, Error)]
pub enum CliError {
    /// The broker does not run.
    #[error(transparent)]
    Boot(#[from] BootError),
    /// `--log-level`.
    #[error(
        "--log-level {0}: give error, warn, info, debug, trace, or directives like ringlog::shard=debug"
    )]
    LogLevel(String),
    /// A segment cannot be read.
    #[error(transparent)]
    Log(#[from] log::LogFileError),
    /// A load has no result.
    #[error(transparent)]
    Bench(#[from] BenchError),
    /// Its result cannot be told.
    #[error(transparent)]
    Output(#[from] OutputError),
}

/// Runs what the command line asks for.
pub fn run(cli: Cli) -> Result<ExitCode, CliError> {
    match cli.command {
        None => serve::serve(cli.serve),
        Some(Command::Serve(args)) => serve::serve(args),
        Some(Command::Check(args)) => Ok(check::check(args)),
        Some(Command::Log(LogCommand::Dump { records, files })) => Ok(log::dump(&files, records)?),
        Some(Command::Log(LogCommand::Verify { files })) => Ok(log::verify(&files)?),
        Some(Command::Bench(args)) => bench::bench(&args),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn flags_work_with_and_without_the_command() {
        for line in [
            &["ringlog", "--cores", "2", "--admin", "127.0.0.1:0"][..],
            &["ringlog", "serve", "--cores", "2", "--admin", "127.0.0.1:0"],
        ] {
            let cli = Cli::parse_from(line);
            let args = match cli.command {
                Some(Command::Serve(args)) => args,
                None => cli.serve,
                other => panic!("{other:?}"),
            };
            assert_eq!(args.cores.as_deref(), Some("2"));
            assert_eq!(args.admin, "127.0.0.1:0");
        }
        for line in [
            &["ringlog", "frob"][..],
            &["ringlog", "log", "dump"],
            &["ringlog", "--port", "1"],
        ] {
            assert!(Cli::try_parse_from(line).is_err(), "{line:?}");
        }
    }
}
