//! `ringlog bench`.

use std::process::ExitCode;

use clap::Args;

use super::CliError;
use crate::bench;
use crate::bench::error::BenchError;
use crate::bench::options::Mode;
use crate::bench::output::Output;

/// What to measure.
#[derive(Clone, Debug, Args)]
pub struct BenchArgs {
    #[command(subcommand)]
    mode: Mode,
}

/// As shells tell a process that SIGINT has ended.
const INTERRUPTED: u8 = 130;

/// Measures a broker. Fails if anything that was asked of it did, though there is a result.
pub fn bench(args: &BenchArgs) -> Result<ExitCode, CliError> {
    let mut output = Output::new(args.mode.common().output.clone())?;
    let outcome = match bench::run(&args.mode, &mut |progress| output.hear(&progress)) {
        Err(interrupted @ BenchError::Interrupted) => {
            eprintln!("ringlog: {interrupted}");
            return Ok(ExitCode::from(INTERRUPTED));
        }
        ended => ended?,
    };
    let code = match outcome.errors.is_empty() {
        _ if outcome.interrupted => ExitCode::from(INTERRUPTED),
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    };
    output.end(outcome)?;
    Ok(code)
}
