//! `ringlog serve`.

use std::process::ExitCode;

use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

use super::{CliError, ServeArgs};
use crate::boot::topology::{self, CoreChoice};
use crate::boot::{self, BootConfig, BootError, config};

/// Runs the broker until it is told to stop.
pub fn serve(args: ServeArgs) -> Result<ExitCode, CliError> {
    let _flushed_at_the_end = start_logging(&args.log_level)?;
    boot::run(settle(args)?)?;
    Ok(ExitCode::SUCCESS)
}

/// What the command line and the file that it names decide together.
pub(super) fn settle(args: ServeArgs) -> Result<BootConfig, BootError> {
    let choice = match &args.cores {
        Some(text) => CoreChoice::parse(text)?,
        None => CoreChoice::All,
    };
    let flags = config::Flags {
        config: args.config,
        data_dir: args.data_dir,
        listen: args.listen,
        advertise: args.advertise,
    };
    let (broker, warnings) = config::load(&flags)?;
    Ok(BootConfig {
        broker,
        warnings,
        cores: topology::choose(&choice)?,
        admin: args.admin,
    })
}

/// Logs to stderr from a thread of its own: a full pipe loses lines rather than stopping a shard.
fn start_logging(level: &str) -> Result<WorkerGuard, CliError> {
    let wrong = || CliError::LogLevel(level.to_owned());
    // The filter takes any single word for the name of a module, and then logs nothing else.
    let is_known = |part: &str| part.contains('=') || part.trim().parse::<LevelFilter>().is_ok();
    if !level.split(',').all(is_known) {
        return Err(wrong());
    }
    let filter = EnvFilter::try_new(level).map_err(|_| wrong())?;
    let (writer, guard) = NonBlockingBuilder::default()
        .lossy(true)
        .finish(std::io::stderr());
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(writer)
        .with_ansi(false)
        .init();
    Ok(guard)
}
