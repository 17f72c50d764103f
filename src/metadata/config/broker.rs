//! The broker's settings: parsed once at start from server.properties and flags.

use std::collections::BTreeMap;

use super::broker_table::IN_EFFECT;
use super::def::{ConfigDef, Status, Value};
use super::listener::{self, Listener};
use super::not_yet_table::{DYNAMIC_ONLY, GONE, NOT_YET, PREFIXES};
use super::topic::Durability;
use super::topic_table::{TOPIC_CONFIGS, Unit, synonyms};
use crate::base::NodeId;
use crate::base::limits::CORE_NODE_ID_STEP;

/// How reads reach the socket (`fetch.zero.copy`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FetchZeroCopy {
    /// From memory when it is there, else by sendfile.
    Auto,
    /// By sendfile wherever the range is in a file.
    Always,
    /// Through memory.
    Never,
}

/// A setting that stops the start.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConfigProblem {
    /// Which of the given pairs is wrong, so that a file's reader can say the line; none when the
    /// fault lies in more than one.
    pub pair: Option<usize>,
    /// What is wrong and, where it can be guessed, what was meant.
    pub message: String,
}

/// A setting that is accepted and changes nothing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConfigWarning {
    /// Which of the given pairs it is.
    pub pair: usize,
    /// Why it changes nothing.
    pub message: String,
}

/// The broker's settings that take effect, typed. Times are milliseconds, sizes bytes, as the names say.
#[derive(Clone, Debug)]
#[allow(missing_docs)] // Each field is the setting of the same name; the table holds its documentation.
pub struct BrokerConfig {
    pub node_id: NodeId,
    pub broker_rack: Option<String>,
    /// The addresses to listen on, without those of controllers.
    pub listeners: Vec<Listener>,
    /// The addresses that clients are told, for listeners that are advertised under another one.
    pub advertised_listeners: Vec<Listener>,
    /// The one data directory (`log.dirs`, else `log.dir`).
    pub log_dir: String,
    pub num_partitions: i32,
    pub default_replication_factor: i32,
    pub auto_create_topics_enable: bool,
    pub delete_topic_enable: bool,
    pub log_retention_check_interval_ms: i64,
    pub log_initial_task_delay_ms: i64,
    pub group_initial_rebalance_delay_ms: i32,
    pub group_min_session_timeout_ms: i32,
    pub group_max_session_timeout_ms: i32,
    pub group_max_size: i32,
    pub offset_metadata_max_bytes: i32,
    pub offsets_retention_ms: i64,
    pub offsets_retention_check_interval_ms: i64,
    pub offsets_topic_num_partitions: i32,
    pub offsets_topic_replication_factor: i16,
    pub offsets_topic_segment_bytes: i32,
    /// None when connections may stay silent for ever.
    pub connections_max_idle_ms: Option<i64>,
    pub max_connections: i32,
    pub socket_request_max_bytes: i32,
    /// None for the system's default.
    pub socket_send_buffer_bytes: Option<i32>,
    /// None for the system's default.
    pub socket_receive_buffer_bytes: Option<i32>,
    pub socket_listen_backlog_size: i32,
    pub message_max_bytes: i32,
    pub fetch_max_bytes: i32,
    pub max_incremental_fetch_session_cache_slots: i32,
    pub max_request_partition_size_limit: i32,
    pub producer_id_expiration_check_interval_ms: i64,
    pub producer_id_expiration_ms: i64,
    /// Whether each core is a node of its own to clients (`ringlog.advertise`).
    pub advertise_per_core: bool,
    pub durability: Durability,
    pub fetch_zero_copy: FetchZeroCopy,
    /// What was given, by name, as it was written: the source "static broker" of DescribeConfigs.
    pub(super) given: BTreeMap<&'static str, String>,
    /// Every setting's value, given or default; none where it is unset.
    pub(super) values: BTreeMap<&'static str, Option<Value>>,
    /// What topics without an override get, in the order of [`TOPIC_CONFIGS`].
    pub(super) topic_defaults: Vec<Option<Value>>,
}

impl Default for BrokerConfig {
    fn default() -> BrokerConfig {
        let (config, _) = BrokerConfig::parse(&[]).expect("the defaults are valid");
        config
    }
}

/// The broker's setting with this name.
pub fn broker_config_def(name: &str) -> Option<&'static ConfigDef> {
    all_defs().find(|def| def.name == name)
}

/// Every setting of the broker that Kafka or Ringlog knows.
pub(super) fn all_defs() -> impl Iterator<Item = &'static ConfigDef> {
    IN_EFFECT.iter().chain(NOT_YET)
}

impl BrokerConfig {
    /// Reads settings in the order in which they were written; of a name written twice the last counts.
    ///
    /// Either everything is right, with a warning for each setting without effect, or every problem
    /// is told at once.
    pub fn parse(
        pairs: &[(&str, &str)],
    ) -> Result<(BrokerConfig, Vec<ConfigWarning>), Vec<ConfigProblem>> {
        let given = Given::read(pairs);
        if !given.problems.is_empty() {
            return Err(given.problems);
        }
        let problem = |message| {
            vec![ConfigProblem {
                pair: None,
                message,
            }]
        };
        let config =
            BrokerConfig::typed(Values::new(given.values), given.texts).map_err(problem)?;
        config.check_together().map_err(problem)?;
        Ok((config, given.warnings))
    }

    /// Whether the setting was given, rather than left at its default.
    pub fn is_given(&self, name: &str) -> bool {
        self.given.contains_key(name)
    }

    fn typed(v: Values, given: BTreeMap<&'static str, String>) -> Result<BrokerConfig, String> {
        let (listeners, advertised_listeners) = v.listeners()?;
        Ok(BrokerConfig {
            node_id: v.node_id()?,
            broker_rack: v.text("broker.rack"),
            listeners,
            advertised_listeners,
            log_dir: v.log_dir()?,
            num_partitions: v.int("num.partitions"),
            default_replication_factor: v.int("default.replication.factor"),
            auto_create_topics_enable: v.flag("auto.create.topics.enable"),
            delete_topic_enable: v.flag("delete.topic.enable"),
            log_retention_check_interval_ms: v.number("log.retention.check.interval.ms"),
            log_initial_task_delay_ms: v.number("log.initial.task.delay.ms"),
            group_initial_rebalance_delay_ms: v.int("group.initial.rebalance.delay.ms"),
            group_min_session_timeout_ms: v.int("group.min.session.timeout.ms"),
            group_max_session_timeout_ms: v.int("group.max.session.timeout.ms"),
            group_max_size: v.int("group.max.size"),
            offset_metadata_max_bytes: v.int("offset.metadata.max.bytes"),
            offsets_retention_ms: Unit::Minutes.to_ms(v.number("offsets.retention.minutes")),
            offsets_retention_check_interval_ms: v.number("offsets.retention.check.interval.ms"),
            offsets_topic_num_partitions: v.int("offsets.topic.num.partitions"),
            offsets_topic_replication_factor: v.short("offsets.topic.replication.factor"),
            offsets_topic_segment_bytes: v.int("offsets.topic.segment.bytes"),
            connections_max_idle_ms: v.not_negative("connections.max.idle.ms"),
            max_connections: v.int("max.connections"),
            socket_request_max_bytes: v.int("socket.request.max.bytes"),
            socket_send_buffer_bytes: v.buffer_bytes("socket.send.buffer.bytes"),
            socket_receive_buffer_bytes: v.buffer_bytes("socket.receive.buffer.bytes"),
            socket_listen_backlog_size: v.int("socket.listen.backlog.size"),
            message_max_bytes: v.int("message.max.bytes"),
            fetch_max_bytes: v.int("fetch.max.bytes"),
            max_incremental_fetch_session_cache_slots: v
                .int("max.incremental.fetch.session.cache.slots"),
            max_request_partition_size_limit: v.int("max.request.partition.size.limit"),
            producer_id_expiration_check_interval_ms: v
                .number("producer.id.expiration.check.interval.ms"),
            producer_id_expiration_ms: v.number("producer.id.expiration.ms"),
            advertise_per_core: v.text("ringlog.advertise").as_deref() == Some("per-core"),
            durability: match v.text("ringlog.durability").as_deref() {
                Some("write") => Durability::Write,
                _ => Durability::Fsync,
            },
            fetch_zero_copy: match v.text("fetch.zero.copy").as_deref() {
                Some("always") => FetchZeroCopy::Always,
                Some("never") => FetchZeroCopy::Never,
                _ => FetchZeroCopy::Auto,
            },
            topic_defaults: v.topic_defaults(),
            values: v.0,
            given,
        })
    }

    /// The rules that more than one setting takes part in (`KafkaConfig.validateValues`).
    fn check_together(&self) -> Result<(), String> {
        let topic_ms = |name| match self.topic_default(name) {
            Some(Value::Number(n)) => *n,
            other => unreachable!("{name} is a number, not {other:?}"),
        };
        if topic_ms("segment.ms") < 1 {
            return Err("log.roll.ms must be greater than or equal to 1".to_owned());
        }
        if topic_ms("segment.jitter.ms") < 0 {
            return Err("log.roll.jitter.ms must be greater than or equal to 0".to_owned());
        }
        if topic_ms("retention.ms") == 0 {
            let why = "log.retention.ms must be unlimited (-1) or, greater than or equal to 1";
            return Err(why.to_owned());
        }
        let (min, max) = (
            topic_ms("min.compaction.lag.ms"),
            topic_ms("max.compaction.lag.ms"),
        );
        if min > max {
            return Err(format!(
                "log.cleaner.min.compaction.lag.ms ({min}) must not exceed \
                 log.cleaner.max.compaction.lag.ms ({max})"
            ));
        }
        let (min, max) = (
            self.group_min_session_timeout_ms,
            self.group_max_session_timeout_ms,
        );
        if min > max {
            return Err(format!(
                "group.min.session.timeout.ms ({min}) must not exceed \
                 group.max.session.timeout.ms ({max})"
            ));
        }
        self.check_core_ids()
    }

    /// The ids of cores begin with the broker's.
    fn check_core_ids(&self) -> Result<(), String> {
        match self.advertise_per_core && self.node_id.get() >= CORE_NODE_ID_STEP {
            true => Err(format!(
                "node.id must be below {CORE_NODE_ID_STEP} where ringlog.advertise is per-core: a core's id is \
                 node.id + {CORE_NODE_ID_STEP} x its number"
            )),
            false => Ok(()),
        }
    }

    /// What a topic without an override of `name` gets.
    pub(super) fn topic_default(&self, name: &str) -> Option<&Value> {
        let at = TOPIC_CONFIGS.iter().position(|def| def.name == name)?;
        self.topic_defaults[at].as_ref()
    }
}

/// What the pairs say, each on its own.
#[derive(Default)]
struct Given {
    values: BTreeMap<&'static str, Value>,
    texts: BTreeMap<&'static str, String>,
    problems: Vec<ConfigProblem>,
    warnings: Vec<ConfigWarning>,
}

impl Given {
    fn read(pairs: &[(&str, &str)]) -> Given {
        let mut given = Given::default();
        for (pair, (name, text)) in pairs.iter().enumerate() {
            match broker_config_def(name) {
                Some(def) => given.known(pair, def, text),
                None => given.unknown(pair, name),
            }
        }
        given.copy_if_alone("broker.id", "node.id");
        given.copy_if_alone("node.id", "broker.id");
        given
    }

    /// Two names of one thing: whichever is given stands for the other.
    fn copy_if_alone(&mut self, from: &str, to: &'static str) {
        if let (Some(value), None) = (self.values.get(from), self.values.get(to)) {
            self.values.insert(to, value.clone());
        }
        if let (Some(text), None) = (self.texts.get(from), self.texts.get(to)) {
            self.texts.insert(to, text.clone());
        }
    }

    fn known(&mut self, pair: usize, def: &'static ConfigDef, text: &str) {
        match def.parse(text) {
            Ok(value) => {
                self.values.insert(def.name, value);
                self.texts.insert(def.name, text.to_owned());
            }
            Err(invalid) => {
                let message = invalid.to_string();
                self.problems.push(ConfigProblem {
                    pair: Some(pair),
                    message,
                });
            }
        }
        if def.status == Status::NotYet {
            self.warn(pair, format!("{} has no effect in Ringlog yet", def.name));
        }
    }

    fn unknown(&mut self, pair: usize, name: &str) {
        if GONE.contains(&name) {
            self.warn(
                pair,
                format!("{name} is gone since Kafka 4 and has no effect"),
            );
        } else if DYNAMIC_ONLY.contains(&name) || PREFIXES.iter().any(|p| name.starts_with(p)) {
            self.warn(pair, format!("{name} has no effect in Ringlog yet"));
        } else {
            let message = match nearest(name) {
                Some(near) => format!("Unknown setting {name}: did you mean {near}?"),
                None => format!("Unknown setting {name}"),
            };
            self.problems.push(ConfigProblem {
                pair: Some(pair),
                message,
            });
        }
    }

    fn warn(&mut self, pair: usize, message: String) {
        self.warnings.push(ConfigWarning { pair, message });
    }
}

/// The known name that `name` most likely stands for: a few letters off, or a topic's name for it.
fn nearest(name: &str) -> Option<&'static str> {
    if let Some((broker_name, _)) = synonyms(name).first() {
        return Some(broker_name);
    }
    let distance = |def: &ConfigDef| strsim::damerau_levenshtein(def.name, name);
    let near = all_defs().min_by_key(|def| distance(def))?;
    (distance(near) <= name.len() / 3).then_some(near.name)
}

/// Every setting's value, given or default.
struct Values(BTreeMap<&'static str, Option<Value>>);

impl Values {
    fn new(mut given: BTreeMap<&'static str, Value>) -> Values {
        let effective =
            all_defs().map(|d| (d.name, given.remove(d.name).or_else(|| d.default_value())));
        Values(effective.collect())
    }

    fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)?.as_ref()
    }

    fn number(&self, name: &str) -> i64 {
        match self.get(name) {
            Some(Value::Number(n)) => *n,
            other => unreachable!("{name} is a number with a default, not {other:?}"),
        }
    }

    fn int(&self, name: &str) -> i32 {
        i32::try_from(self.number(name)).expect("an INT")
    }

    fn short(&self, name: &str) -> i16 {
        i16::try_from(self.number(name)).expect("a SHORT")
    }

    fn not_negative(&self, name: &str) -> Option<i64> {
        Some(self.number(name)).filter(|n| *n >= 0)
    }

    fn buffer_bytes(&self, name: &str) -> Option<i32> {
        Some(self.int(name)).filter(|n| *n > 0)
    }

    fn flag(&self, name: &str) -> bool {
        self.get(name) == Some(&Value::Boolean(true))
    }

    fn text(&self, name: &str) -> Option<String> {
        match self.get(name)? {
            Value::Text(text) => Some(text.clone()),
            other => unreachable!("{name} is text, not {other:?}"),
        }
    }

    fn items(&self, name: &str) -> &[String] {
        match self.get(name) {
            Some(Value::List(items)) => items,
            _ => &[],
        }
    }

    fn node_id(&self) -> Result<NodeId, String> {
        let (node, broker) = (self.int("node.id"), self.int("broker.id"));
        if broker != -1 && broker != node {
            return Err("You must set `node.id` to the same value as `broker.id`.".to_owned());
        }
        Ok(NodeId(node))
    }

    fn log_dir(&self) -> Result<String, String> {
        let dirs = match self.items("log.dirs") {
            [] => self.items("log.dir"),
            dirs => dirs,
        };
        match dirs {
            [dir] => Ok(dir.clone()),
            dirs => Err(format!(
                "log.dirs names {} directories: Ringlog keeps its data in exactly one",
                dirs.len()
            )),
        }
    }

    /// The listeners to open and those to tell clients of, without those of controllers.
    fn listeners(&self) -> Result<(Vec<Listener>, Vec<Listener>), String> {
        let controllers = self.items("controller.listener.names");
        let is_broker = |l: &Listener| {
            !controllers
                .iter()
                .any(|name| name.eq_ignore_ascii_case(&l.name))
        };
        let open = |name| -> Result<Vec<Listener>, String> {
            let all = listener::parse_all(self.items(name)).map_err(|e| format!("{name}: {e}"))?;
            Ok(all.into_iter().filter(is_broker).collect())
        };
        let (listeners, advertised) = (open("listeners")?, open("advertised.listeners")?);
        if listeners.is_empty() {
            return Err(
                "listeners: every listener is one of controllers, so clients have none".to_owned(),
            );
        }
        let map = self
            .text("listener.security.protocol.map")
            .unwrap_or_default();
        for listener in &listeners {
            let protocol = listener::security_protocol(&map, &listener.name);
            if !protocol.eq_ignore_ascii_case("PLAINTEXT") {
                return Err(format!(
                    "listeners: {listener} needs {protocol}: only PLAINTEXT is served yet"
                ));
            }
        }
        for told in &advertised {
            if told.host == "0.0.0.0" {
                return Err(
                    "advertised.listeners cannot use the nonroutable meta-address 0.0.0.0. \
                            Use a routable IP address."
                        .to_owned(),
                );
            }
            if !listeners.iter().any(|l| l.name == told.name) {
                return Err(format!(
                    "advertised.listeners: {told} is not one of listeners"
                ));
            }
        }
        Ok((listeners, advertised))
    }

    /// What topics get, from the first synonym that has a value: given or default, as Kafka's
    /// `extractLogConfigMap` does.
    fn topic_defaults(&self) -> Vec<Option<Value>> {
        let default = |def: &ConfigDef| {
            let found = synonyms(def.name).iter().find_map(|(name, unit)| {
                let value = self.get(name)?;
                Some(match value {
                    Value::Number(n) => Value::Number(unit.to_ms(*n)),
                    other => other.clone(),
                })
            });
            match found.or_else(|| def.default_value()) {
                // Any negative retention of the broker's is "for ever", which topics write as -1.
                Some(Value::Number(n)) if def.name == "retention.ms" => {
                    Some(Value::Number(n.max(-1)))
                }
                other => other,
            }
        };
        TOPIC_CONFIGS.iter().map(default).collect()
    }
}
