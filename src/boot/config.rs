//! From the command line and `server.properties` to typed settings.

use std::fs;
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::properties::{self, Property};
use crate::metadata::config::{BrokerConfig, ConfigProblem};

/// What `--advertise` says instead of an address, or beside one.
pub const PER_CORE: &str = "per-core";

/// What the command line says; what it does not say comes from the file, or is a default.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Flags {
    /// `--config`: Kafka's server.properties.
    pub config: Option<PathBuf>,
    /// `--data-dir`.
    pub data_dir: Option<PathBuf>,
    /// `--listen`.
    pub listen: Option<String>,
    /// `--advertise`: an address, [`PER_CORE`], or both.
    pub advertise: Vec<String>,
}

/// Settings that the start cannot go on with.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read {}: {why}: give --config the path of a server.properties file", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        why: std::io::Error,
    },
    /// Settings are wrong: one line for each.
    #[error("{}", .0.join("\n"))]
    Wrong(Vec<String>),
}

/// Reads the settings; warnings come with their place, ready to be logged.
pub fn load(flags: &Flags) -> Result<(BrokerConfig, Vec<String>), ConfigError> {
    let text = match &flags.config {
        Some(path) => fs::read_to_string(path).map_err(|why| ConfigError::Unreadable {
            path: path.clone(),
            why,
        })?,
        None => String::new(),
    };
    let file = flags.config.as_deref().unwrap_or(Path::new(""));
    resolve(file, &text, flags)
}

/// A setting and where it was given.
struct Given {
    place: String,
    name: String,
    value: String,
}

fn resolve(
    file: &Path,
    text: &str,
    flags: &Flags,
) -> Result<(BrokerConfig, Vec<String>), ConfigError> {
    let written = properties::parse(text).map_err(|bad| {
        ConfigError::Wrong(vec![format!("{}:{}: {bad}", file.display(), bad.line)])
    })?;
    let given = overlay(file, written, flags);
    let pairs: Vec<(&str, &str)> = given
        .iter()
        .map(|g| (g.name.as_str(), g.value.as_str()))
        .collect();
    let (config, warnings) = BrokerConfig::parse(&pairs)
        .map_err(|problems| ConfigError::Wrong(tell(file, &given, problems)))?;
    let mut told: Vec<String> = Vec::new();
    for warning in warnings {
        let place = given.get(warning.pair).map_or("", |g| &g.place);
        told.push(format!("{place}: {}", warning.message));
    }
    Ok((config, told))
}

/// The file's settings under those of the command line. A flag takes the place of every name that says
/// the same thing, so that what it replaces is not judged against it.
fn overlay(file: &Path, written: Vec<Property>, flags: &Flags) -> Vec<Given> {
    let mut replaced: Vec<&str> = Vec::new();
    let mut added = Vec::new();
    let mut flag = |flag: &str, name: &str, value: String| {
        added.push(Given {
            place: flag.to_owned(),
            name: name.to_owned(),
            value,
        });
    };
    if let Some(directory) = &flags.data_dir {
        replaced.extend(["log.dir", "log.dirs"]);
        flag("--data-dir", "log.dirs", directory.display().to_string());
    }
    if let Some(address) = &flags.listen {
        replaced.extend(["listeners", "advertised.listeners"]);
        flag("--listen", "listeners", format!("PLAINTEXT://{address}"));
    }
    let (per_core, addresses): (Vec<&String>, Vec<&String>) =
        flags.advertise.iter().partition(|said| *said == PER_CORE);
    if !addresses.is_empty() {
        replaced.push("advertised.listeners");
        let name = listener_name(&written, flags);
        let told = addresses
            .iter()
            .map(|address| format!("{name}://{address}"));
        let told: Vec<String> = told.collect();
        flag("--advertise", "advertised.listeners", told.join(","));
    }
    if !per_core.is_empty() {
        replaced.push("ringlog.advertise");
        flag("--advertise", "ringlog.advertise", PER_CORE.to_owned());
    }
    let kept = written
        .into_iter()
        .filter(|property| !replaced.contains(&property.name.as_str()))
        .map(|property| Given {
            place: format!("{}:{}", file.display(), property.line),
            name: property.name,
            value: property.value,
        });
    kept.chain(added).collect()
}

/// The name of the listener that `--advertise` speaks of: the file's first, unless `--listen` replaced it.
fn listener_name(written: &[Property], flags: &Flags) -> String {
    let listeners = written.iter().rev().find(|p| p.name == "listeners");
    match listeners.and_then(|p| p.value.split_once("://")) {
        Some((name, _)) if flags.listen.is_none() => name.trim().to_owned(),
        _ => "PLAINTEXT".to_owned(),
    }
}

fn tell(file: &Path, given: &[Given], problems: Vec<ConfigProblem>) -> Vec<String> {
    let line = |problem: ConfigProblem| match problem.pair.and_then(|pair| given.get(pair)) {
        Some(given) => format!("{}: {}", given.place, problem.message),
        None if file.as_os_str().is_empty() => problem.message,
        None => format!("{}: {}", file.display(), problem.message),
    };
    problems.into_iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_file(text: &str, flags: &Flags) -> Result<(BrokerConfig, Vec<String>), String> {
        resolve(Path::new("s.properties"), text, flags).map_err(|error| error.to_string())
    }

    fn listen(address: &str) -> Flags {
        Flags {
            listen: Some(address.to_owned()),
            ..Flags::default()
        }
    }

    #[test]
    fn nothing_given_is_the_defaults() {
        let (config, warnings) = load(&Flags::default()).unwrap();
        assert_eq!(config.log_dir, "./ringlog-data");
        assert_eq!(
            config.listeners[0].to_string(),
            "PLAINTEXT://127.0.0.1:9092"
        );
        assert_eq!(warnings, Vec::<String>::new());
    }

    #[test]
    fn a_file_says_what_kafka_calls_it() {
        let text = "node.id=7\nnum.partitions: 3\nlog.dirs=/data\nlisteners=A://:1,C://:2\n\
                    controller.listener.names=C\nlistener.security.protocol.map=A:PLAINTEXT,C:PLAINTEXT\n\
                    advertised.listeners=A://box:11\n";
        let (config, _) = with_file(text, &Flags::default()).unwrap();
        assert_eq!(config.node_id.get(), 7);
        assert_eq!(config.num_partitions, 3);
        assert_eq!(config.log_dir, "/data");
        assert_eq!(config.listeners.len(), 1);
        assert_eq!(config.advertised_listeners[0].to_string(), "A://box:11");
    }

    #[test]
    fn flags_go_before_the_file() {
        let text = "log.dirs=/data,/more\nlisteners=A://:1\nadvertised.listeners=A://box:11\n\
                    listener.security.protocol.map=A:PLAINTEXT,PLAINTEXT:PLAINTEXT";
        let mut flags = listen("127.0.0.1:0");
        flags.data_dir = Some("d".into());
        let (config, _) = with_file(text, &flags).unwrap();
        assert_eq!(config.log_dir, "d");
        assert_eq!(config.listeners[0].to_string(), "PLAINTEXT://127.0.0.1:0");
        assert!(config.advertised_listeners.is_empty());

        let flags = Flags {
            data_dir: Some("d".into()),
            advertise: vec!["other:12".into()],
            ..Flags::default()
        };
        let (config, _) = with_file(text, &flags).unwrap();
        assert_eq!(config.advertised_listeners[0].to_string(), "A://other:12");
        assert!(!config.advertise_per_core);

        let flags = Flags {
            data_dir: Some("d".into()),
            advertise: vec!["per-core".into()],
            ..Flags::default()
        };
        let (config, _) = with_file(text, &flags).unwrap();
        assert_eq!(config.advertised_listeners[0].to_string(), "A://box:11");
        assert!(config.advertise_per_core);
    }

    #[test]
    fn problems_say_where_they_are() {
        for (text, flags, expected) in [
            (
                "num.partitons=3",
                Flags::default(),
                "s.properties:1: Unknown setting num.partitons: did you mean num.partitions?",
            ),
            ("\n# c\nnode.id=x", Flags::default(), "s.properties:3: "),
            ("a\nb=\\u1", Flags::default(), "s.properties:2: \\u needs"),
            (
                "broker.id=1\nnode.id=2",
                Flags::default(),
                "s.properties: You must set",
            ),
            (
                "node.id=10000\nringlog.advertise=per-core",
                Flags::default(),
                "s.properties: node.id must be below 10000",
            ),
            ("", listen("nonsense"), "--listen: "),
        ] {
            let error = with_file(text, &flags).unwrap_err();
            // A list of listeners is judged as a whole, so its error names the setting and not a place.
            let named = error.starts_with(expected)
                || (expected == "--listen: " && error.contains("listeners: "));
            assert!(
                named,
                "{text:?}: {error:?} does not begin with {expected:?}"
            );
        }
    }

    #[test]
    fn settings_without_effect_are_warned_of_once() {
        let (_, warnings) = with_file(
            "\nnum.network.threads=3\nzookeeper.connect=x",
            &Flags::default(),
        )
        .unwrap();
        assert_eq!(warnings.len(), 2);
        assert!(
            warnings[0].starts_with("s.properties:2: num.network.threads has no effect"),
            "{warnings:?}"
        );
    }

    #[test]
    fn a_file_that_is_not_there_is_told_with_its_name() {
        let flags = Flags {
            config: Some("/nowhere/server.properties".into()),
            ..Flags::default()
        };
        let error = load(&flags).unwrap_err().to_string();
        assert!(
            error.contains("/nowhere/server.properties") && !error.contains('\n'),
            "{error}"
        );
    }
}
