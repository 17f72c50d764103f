//! DescribeConfigs (key 32), versions 1 to 4.
//!
//! - Resource types: 2 is a topic, 4 this broker (an empty name asks for the dynamic defaults of all brokers, of which
//!   there are none). Loggers, client metrics and groups have no settings here yet: INVALID_REQUEST says so.
//! - Null keys, or none, ask for everything.
//! - Synonyms on request, documentation on request from version 3.

use std::rc::Rc;

use crate::metadata::config::{ConfigEntry, describe_broker_config, describe_topic_config};
use crate::metadata::{ClusterImage, topic_name};
use crate::protocol::ErrorCode;
use crate::protocol::messages::describe_configs::{
    DescribeConfigsRequest, DescribeConfigsResource, DescribeConfigsResourceResult,
    DescribeConfigsResponse, DescribeConfigsResult, DescribeConfigsSynonym,
};
use crate::shard::Shard;
use crate::shard::dispatch::Request;
use crate::shard::response::Response;

const TOPIC: i8 = 2;
const BROKER: i8 = 4;

/// Answers a DescribeConfigs request.
pub async fn handle(shard: Rc<Shard>, request: Request) -> Response {
    let asked = match request.decode::<DescribeConfigsRequest<'_>>() {
        Ok(asked) => asked,
        Err(error) => return Response::malformed(error),
    };
    let image = shard.image();
    let described: Vec<_> = asked
        .resources
        .iter()
        .map(|resource| describe(&image, &shard, resource))
        .collect();
    let shown = Shown {
        synonyms: asked.include_synonyms,
        documentation: asked.include_documentation,
    };
    let results = asked
        .resources
        .iter()
        .zip(&described)
        .map(|(resource, described)| shown.result(resource, described))
        .collect();
    Response::encode(
        &request.header,
        &DescribeConfigsResponse {
            results,
            ..Default::default()
        },
    )
}

type Described = Result<Vec<ConfigEntry>, (ErrorCode, String)>;

fn describe(image: &ClusterImage, shard: &Shard, asked: &DescribeConfigsResource<'_>) -> Described {
    let invalid = |why: String| Err((ErrorCode::InvalidRequest, why));
    let only = asked.configuration_keys.as_deref();
    let name = asked.resource_name;
    match asked.resource_type {
        TOPIC => {
            topic_name::validate(name)
                .map_err(|why| (ErrorCode::InvalidTopicException, why.to_string()))?;
            let unknown = || (ErrorCode::UnknownTopicOrPartition, String::new());
            let topic = image.topic(name).ok_or_else(unknown)?;
            Ok(describe_topic_config(&topic.overrides, &shard.config, only))
        }
        BROKER if name.is_empty() => Ok(Vec::new()),
        BROKER => match name.parse::<i32>() {
            Ok(id) if id == shard.config.node_id.get() => {
                Ok(describe_broker_config(&shard.config, only))
            }
            Ok(_) => invalid(format!(
                "Unexpected broker id, expected {} or empty string, but received {name}",
                shard.config.node_id
            )),
            Err(_) => invalid(format!("Broker id must be an integer, but it is: {name}")),
        },
        other => invalid(format!("Unsupported resource type: {other}")),
    }
}

/// What the request wants shown of each setting.
struct Shown {
    synonyms: bool,
    documentation: bool,
}

impl Shown {
    fn result<'a>(
        &self,
        asked: &DescribeConfigsResource<'a>,
        described: &'a Described,
    ) -> DescribeConfigsResult<'a> {
        let mut result = DescribeConfigsResult {
            resource_type: asked.resource_type,
            resource_name: asked.resource_name,
            error_message: Some(""),
            ..Default::default()
        };
        match described {
            Ok(entries) => result.configs = entries.iter().map(|entry| self.entry(entry)).collect(),
            Err((error, message)) => {
                result.error_code = error.code();
                result.error_message = (!message.is_empty()).then_some(message);
            }
        }
        result
    }

    fn entry<'a>(&self, entry: &'a ConfigEntry) -> DescribeConfigsResourceResult<'a> {
        let synonym =
            |synonym: &'a crate::metadata::config::ConfigSynonym| DescribeConfigsSynonym {
                name: synonym.name,
                value: synonym.value.as_deref(),
                source: synonym.source.code(),
            };
        DescribeConfigsResourceResult {
            name: entry.name,
            value: entry.value.as_deref(),
            read_only: entry.is_read_only,
            config_source: entry.source.code(),
            is_sensitive: entry.is_sensitive,
            synonyms: match self.synonyms {
                true => entry.synonyms.iter().map(synonym).collect(),
                false => Vec::new(),
            },
            config_type: entry.kind.code(),
            documentation: self.documentation.then_some(&*entry.documentation),
        }
    }
}
