//! The settings of topics and of the broker: tables, parsing, typed values, and what DescribeConfigs says.
//!
//! A value comes from the strongest of three places: the topic's own override, the broker's
//! settings (`server.properties` and flags), the default. The tables hold facts of Kafka's `LogConfig`,
//! `AbstractKafkaConfig` and `ServerTopicConfigSynonyms`; the words are our own.

mod broker;
mod broker_table;
mod def;
mod describe;
mod group_table;
mod listener;
mod not_yet_table;
mod topic;
mod topic_table;

#[cfg(test)]
mod tests;

pub use broker::{BrokerConfig, ConfigProblem, ConfigWarning, FetchZeroCopy, broker_config_def};
pub use def::{Check, ConfigDef, ConfigType, InvalidValue, Status, Value};
pub(super) use describe::describe_created_topic;
pub use describe::{
    ConfigEntry, ConfigSource, ConfigSynonym, describe_broker_config,
    describe_client_metrics_config, describe_group_config, describe_topic_config,
};
pub use listener::Listener;
pub use topic::{Codec, CompressionType, Durability, TimestampType, TopicConfig};
pub use topic_table::{TOPIC_CONFIGS, topic_config_def};
