//! What DescribeConfigs says of the settings of topics, the broker, groups and client metrics subscriptions.

use std::collections::BTreeMap;

use super::broker::{BrokerConfig, all_defs, broker_config_def};
use super::def::{ConfigDef, ConfigType, Value};
use super::group_table::{CLIENT_METRICS_CONFIGS, GROUP_CONFIGS};
use super::topic_table::{TOPIC_CONFIGS, Unit, synonyms};

/// Where a value comes from; the numbers are those of DescribeConfigs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(i8)]
pub enum ConfigSource {
    /// The topic's own override.
    Topic = 1,
    /// The broker's file or flags.
    StaticBroker = 4,
    /// The default.
    Default = 5,
}

impl ConfigSource {
    /// The number that DescribeConfigs carries.
    pub const fn code(self) -> i8 {
        self as i8
    }
}

/// A place that a value could have come from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConfigSynonym {
    /// The name there.
    pub name: &'static str,
    /// The value there; none when it is a secret.
    pub value: Option<String>,
    /// The place.
    pub source: ConfigSource,
}

/// One setting as DescribeConfigs tells it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConfigEntry {
    /// The name.
    pub name: &'static str,
    /// The value in effect; none when it is unset or a secret.
    pub value: Option<String>,
    /// Where the value comes from.
    pub source: ConfigSource,
    /// Whether it cannot be changed at run time.
    pub is_read_only: bool,
    /// Whether it is a secret.
    pub is_sensitive: bool,
    /// Every place that has a value, the strongest first.
    pub synonyms: Vec<ConfigSynonym>,
    /// The type.
    pub kind: ConfigType,
    /// One line for people.
    pub documentation: String,
}

/// Every setting of a topic with these overrides, by name; those of `only` when it is given.
pub fn describe_topic_config(
    overrides: &BTreeMap<String, String>,
    broker: &BrokerConfig,
    only: Option<&[&str]>,
) -> Vec<ConfigEntry> {
    let shown = |def: &&ConfigDef| !def.internal || overrides.contains_key(def.name);
    let mut entries: Vec<ConfigEntry> = TOPIC_CONFIGS
        .iter()
        .filter(shown)
        .filter(|def| is_wanted(def, only))
        .map(|def| topic_entry(def, overrides, broker))
        .collect();
    entries.sort_by_key(|entry| entry.name);
    entries
}

/// Every setting of the broker, by name; those of `only` when it is given.
pub fn describe_broker_config(broker: &BrokerConfig, only: Option<&[&str]>) -> Vec<ConfigEntry> {
    let shown = |def: &&ConfigDef| !def.internal || broker.is_given(def.name);
    let mut entries: Vec<ConfigEntry> = all_defs()
        .filter(shown)
        .filter(|def| is_wanted(def, only))
        .map(|def| broker_entry(def, broker))
        .collect();
    entries.sort_by_key(|entry| entry.name);
    entries
}

/// Every setting of a group, by name; those of `only` when it is given. No group can have its own.
pub fn describe_group_config(broker: &BrokerConfig, only: Option<&[&str]>) -> Vec<ConfigEntry> {
    by_name(GROUP_CONFIGS, only, |def| group_entry(def, broker))
}

/// Every setting of a client metrics subscription, by name; those of `only` when it is given. All are defaults,
/// which Kafka gives no synonym here.
pub fn describe_client_metrics_config(only: Option<&[&str]>) -> Vec<ConfigEntry> {
    by_name(CLIENT_METRICS_CONFIGS, only, |def| {
        let value = def.default_value().map(|value| value.to_string());
        entry(def, value, false, Vec::new())
    })
}

fn by_name(
    defs: &'static [ConfigDef],
    only: Option<&[&str]>,
    describe: impl Fn(&'static ConfigDef) -> ConfigEntry,
) -> Vec<ConfigEntry> {
    let wanted = defs.iter().filter(|def| is_wanted(def, only));
    let mut entries: Vec<ConfigEntry> = wanted.map(describe).collect();
    entries.sort_by_key(|entry| entry.name);
    entries
}

/// Every setting of a topic with these overrides, by name, as the answer to CreateTopics tells them.
///
/// Kafka works these out another way than for DescribeConfigs: values stand as they were written, and
/// of the broker's settings only those that were given count as such.
pub(in crate::metadata) fn describe_created_topic(
    overrides: &BTreeMap<String, String>,
    broker: &BrokerConfig,
) -> Vec<ConfigEntry> {
    let given = |def: &ConfigDef| {
        synonyms(def.name).iter().find_map(|(name, unit)| {
            let text = broker.given.get(name)?;
            let number = text.trim().parse().ok().filter(|_| *unit != Unit::Same);
            Some(number.map_or_else(|| text.clone(), |n| unit.to_ms(n).to_string()))
        })
    };
    let shown = |def: &&ConfigDef| !def.internal || overrides.contains_key(def.name);
    let describe = |def: &'static ConfigDef| {
        let (value, source) = match (overrides.get(def.name), given(def)) {
            (Some(text), _) => (Some(text.clone()), ConfigSource::Topic),
            (None, Some(text)) => (Some(text), ConfigSource::StaticBroker),
            (None, None) => (def.default.map(str::to_owned), ConfigSource::Default),
        };
        ConfigEntry {
            source,
            ..entry(def, value, false, Vec::new())
        }
    };
    let mut entries: Vec<ConfigEntry> = TOPIC_CONFIGS.iter().filter(shown).map(describe).collect();
    entries.sort_by_key(|entry| entry.name);
    entries
}

/// An empty list of names asks for everything, as no list does.
fn is_wanted(def: &ConfigDef, only: Option<&[&str]>) -> bool {
    match only {
        None | Some([]) => true,
        Some(names) => names.contains(&def.name),
    }
}

fn topic_entry(
    def: &'static ConfigDef,
    overrides: &BTreeMap<String, String>,
    broker: &BrokerConfig,
) -> ConfigEntry {
    let mut found = Vec::new();
    let value = match overrides.get(def.name) {
        Some(text) => {
            // What cannot be parsed is shown as it is: describing is no place to fail.
            let value = def
                .parse(text)
                .map_or_else(|_| text.clone(), |value| value.to_string());
            let source = ConfigSource::Topic;
            found.push(ConfigSynonym {
                name: def.name,
                value: Some(value.clone()),
                source,
            });
            Some(value)
        }
        None => broker.topic_default(def.name).map(Value::to_string),
    };
    if let Some((strongest, _)) = synonyms(def.name).first() {
        found.extend(broker_synonyms(strongest, broker));
    }
    // Topic settings can always be changed at run time.
    entry(def, value, false, found)
}

fn broker_entry(def: &'static ConfigDef, broker: &BrokerConfig) -> ConfigEntry {
    let value = broker.values.get(def.name).and_then(|value| value.as_ref());
    entry(
        def,
        value.map(Value::to_string),
        !def.dynamic,
        broker_synonyms(def.name, broker),
    )
}

/// A group's setting is that of the broker, under its name, if the broker has it.
fn group_entry(def: &'static ConfigDef, broker: &BrokerConfig) -> ConfigEntry {
    if let Some(of_broker) = broker_config_def(&format!("group.{}", def.name)) {
        let told = broker_entry(of_broker, broker);
        return entry(def, told.value, false, told.synonyms);
    }
    let value = def.default_value().map(|value| value.to_string());
    let synonym = ConfigSynonym {
        name: def.name,
        value: value.clone(),
        source: ConfigSource::Default,
    };
    entry(def, value, false, vec![synonym])
}

fn entry(
    def: &'static ConfigDef,
    value: Option<String>,
    is_read_only: bool,
    synonyms: Vec<ConfigSynonym>,
) -> ConfigEntry {
    ConfigEntry {
        name: def.name,
        value: value.filter(|_| !def.is_sensitive()),
        source: synonyms
            .first()
            .map_or(ConfigSource::Default, |first| first.source),
        is_read_only,
        is_sensitive: def.is_sensitive(),
        synonyms,
        kind: def.kind,
        documentation: def.documentation(),
    }
}

/// The settings that can stand for `name`, the strongest first (`DynamicBrokerConfig.brokerConfigSynonyms`).
fn family(name: &'static str) -> Vec<&'static str> {
    match name {
        "log.roll.ms" | "log.roll.hours" => vec!["log.roll.ms", "log.roll.hours"],
        "log.roll.jitter.ms" | "log.roll.jitter.hours" => {
            vec!["log.roll.jitter.ms", "log.roll.jitter.hours"]
        }
        // Kafka leaves log.flush.scheduler.interval.ms alone with itself.
        "log.flush.interval.ms" => {
            vec!["log.flush.interval.ms", "log.flush.scheduler.interval.ms"]
        }
        "log.retention.ms" | "log.retention.minutes" | "log.retention.hours" => {
            vec![
                "log.retention.ms",
                "log.retention.minutes",
                "log.retention.hours",
            ]
        }
        _ => vec![name],
    }
}

/// Where `name` has a value: what was given before what is default, and nothing that stands before
/// the first mention of the name itself. Kafka drops those too, so that a topic's `retention.ms` has
/// no synonym while only `log.retention.hours` has a value.
fn broker_synonyms(name: &'static str, broker: &BrokerConfig) -> Vec<ConfigSynonym> {
    let family = family(name);
    let given = family.iter().filter_map(|name| {
        let text = broker.given.get(name)?;
        Some((*name, text.clone(), ConfigSource::StaticBroker))
    });
    let default = family.iter().filter_map(|name| {
        let value = all_defs().find(|def| def.name == *name)?.default_value()?;
        Some((*name, value.to_string(), ConfigSource::Default))
    });
    let is_secret = |name: &str| all_defs().any(|def| def.name == name && def.is_sensitive());
    given
        .chain(default)
        .skip_while(|(found, ..)| *found != name)
        .map(|(name, text, source)| {
            let value = Some(text).filter(|_| !is_secret(name));
            ConfigSynonym {
                name,
                value,
                source,
            }
        })
        .collect()
}
