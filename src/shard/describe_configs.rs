//! DescribeConfigs (key 32), versions 1 to 4.
//!
//! - Resource types: 2 is a topic, 4 this broker (an empty name asks for the dynamic defaults of all brokers, of which
//!   there are none), 8 its loggers (none can be set). Client metrics and groups have no settings yet: INVALID_REQUEST.
//! - Null keys, or none, ask for everything.
//! - What is asked twice is answered once.
//! - Synonyms on request, documentation on request from version 3.

use std::collections::HashSet;
use std::rc::Rc;

use crate::metadata::ClusterImage;
use crate::metadata::config::ConfigEntry;
use crate::metadata::controller::{self, ApiError};
use crate::protocol::messages::describe_configs::{
    DescribeConfigsRequest, DescribeConfigsResource, DescribeConfigsResourceResult,
    DescribeConfigsResponse, DescribeConfigsResult, DescribeConfigsSynonym,
};
use crate::shard::Shard;
use crate::shard::dispatch::Request;
use crate::shard::response::Response;

/// Answers a DescribeConfigs request.
pub async fn handle(shard: Rc<Shard>, request: Request) -> Response {
    let asked = match request.decode::<DescribeConfigsRequest<'_>>() {
        Ok(asked) => asked,
        Err(error) => return Response::malformed(error),
    };
    let image = shard.image();
    let resources = once_each(&asked.resources);
    let described: Vec<_> = resources
        .iter()
        .map(|resource| describe(&image, &shard, resource))
        .collect();
    let shown = Shown {
        synonyms: asked.include_synonyms,
        documentation: asked.include_documentation,
    };
    let results = resources
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

/// What is asked, each thing once: settings take a hundred times the bytes in which they are asked for.
fn once_each<'r, 'a>(
    resources: &'r [DescribeConfigsResource<'a>],
) -> Vec<&'r DescribeConfigsResource<'a>> {
    let mut seen = HashSet::with_capacity(resources.len());
    let firsts = resources.iter().filter(|asked| {
        let keys = asked.configuration_keys.as_deref();
        seen.insert((asked.resource_type, asked.resource_name, keys))
    });
    firsts.collect()
}

type Described = Result<Vec<ConfigEntry>, ApiError>;

fn describe(image: &ClusterImage, shard: &Shard, asked: &DescribeConfigsResource<'_>) -> Described {
    let only = asked.configuration_keys.as_deref();
    let node = shard.config.node_id;
    controller::describe_configs(image, node, asked.resource_type, asked.resource_name, only)
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
            Err(error) => {
                result.error_code = error.code.code();
                result.error_message = Some(error.message.as_deref().unwrap_or_default());
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
