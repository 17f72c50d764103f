//! `ringlog check`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::{CheckArgs, serve};
use crate::boot::advice::{Cost, Finding, Host, advise};
use crate::boot::preview::{Preview, preview};
use crate::boot::{BootConfig, BootError};

/// Open files below which many partitions or connections are out of the question.
const NOFILE_ENOUGH: u64 = 65_536;

/// Says what keeps the broker from running, then what keeps it from running well; fails if there is any of the first.
pub fn check(args: CheckArgs) -> ExitCode {
    let host = Host { root: args.root };
    let report = match serve::settle(args.serve) {
        Ok(config) => Report::of(&config, &host),
        // Without settings there is nothing else to judge.
        Err(error) => Report::refused(&error),
    };
    print!("{}", report.text());
    match report.obstacles.is_empty() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

/// What is told.
struct Report {
    obstacles: Vec<String>,
    findings: Vec<Finding>,
}

impl Report {
    fn of(config: &BootConfig, host: &Host) -> Report {
        let seen = preview(config);
        let data_dir = absolute(Path::new(&config.broker.log_dir));
        let mut findings = own_findings(&seen, config);
        findings.extend(advise(host, &config.cores, &data_dir));
        findings.sort_by_key(|finding| finding.cost);
        Report {
            obstacles: seen.obstacles.iter().map(BootError::to_string).collect(),
            findings,
        }
    }

    fn refused(error: &BootError) -> Report {
        Report {
            obstacles: vec![error.to_string()],
            findings: Vec::new(),
        }
    }

    fn text(&self) -> String {
        let obstacles = self
            .obstacles
            .iter()
            .map(|obstacle| format!("cannot run: {obstacle}\n"));
        let mut text: String = obstacles.collect();
        for Finding {
            cost,
            is,
            should_be,
            costs,
            mended_by,
        } in &self.findings
        {
            let name = cost_name(*cost);
            text.push_str(&format!("{name}: {is}, should be {should_be}: {costs}"));
            if let Some(script) = mended_by {
                text.push_str(&format!(" (tuning/{script})"));
            }
            text.push('\n');
        }
        text.push_str(
            match (self.obstacles.is_empty(), self.findings.is_empty()) {
                (false, _) => "The broker cannot run here.\n",
                (true, false) => {
                    "The broker can run here; the costliest of the above come first.\n"
                }
                (true, true) => "The broker can run here, and finds everything as it should be.\n",
            },
        );
        text
    }
}

fn cost_name(cost: Cost) -> &'static str {
    match cost {
        Cost::High => "high",
        Cost::Medium => "medium",
        Cost::Low => "low",
    }
}

/// What only a process on this host can tell.
fn own_findings(seen: &Preview, config: &BootConfig) -> Vec<Finding> {
    let mut findings = Vec::new();
    if seen.direct == Some(false) {
        findings.push(Finding {
            cost: Cost::High,
            is: format!("O_DIRECT is refused in {}", config.broker.log_dir),
            should_be: "possible, as on ext4 and xfs".to_owned(),
            costs: "writes go through the page cache, which takes CPU and memory",
            mended_by: None,
        });
    }
    if let Some(have) = seen.nofile.filter(|have| *have < NOFILE_ENOUGH) {
        findings.push(Finding {
            cost: Cost::Medium,
            is: format!("the limit of open files is {have}"),
            should_be: format!("{NOFILE_ENOUGH} or more"),
            costs: "connections and partitions are refused beyond it",
            mended_by: Some("limits.sh"),
        });
    }
    findings
}

/// The path from the root, whether or not anything is there yet.
fn absolute(path: &Path) -> PathBuf {
    let there = path.ancestors().find(|parent| parent.exists());
    let resolved = there.and_then(|parent| {
        let below = path.strip_prefix(parent).ok()?;
        Some(parent.canonicalize().ok()?.join(below))
    });
    resolved
        .or_else(|| std::path::absolute(path).ok())
        .unwrap_or_else(|| path.to_owned())
}
