//! DescribeConfigs, one resource at a time.

use super::ApiError;
use crate::base::NodeId;
use crate::metadata::config::{
    ConfigEntry, describe_broker_config, describe_client_metrics_config, describe_group_config,
    describe_topic_config,
};
use crate::metadata::image::ClusterImage;
use crate::metadata::topic_name;
use crate::protocol::ErrorCode;

/// The resource types of Kafka's `ConfigResource.Type`.
mod resource {
    pub const TOPIC: i8 = 2;
    pub const BROKER: i8 = 4;
    pub const BROKER_LOGGER: i8 = 8;
    pub const CLIENT_METRICS: i8 = 16;
    pub const GROUP: i8 = 32;
}

/// The settings of a resource, by name; of these names only, when `keys` has any. `node` is who answers:
/// a broker knows its own settings only.
pub fn describe_configs(
    image: &ClusterImage,
    node: NodeId,
    resource_type: i8,
    name: &str,
    keys: Option<&[&str]>,
) -> Result<Vec<ConfigEntry>, ApiError> {
    match resource_type {
        resource::TOPIC => describe_topic(image, name, keys),
        // Settings that hold for every broker can be made at run time only, and there are none.
        resource::BROKER if name.is_empty() => Ok(Vec::new()),
        resource::BROKER => {
            check_node(image, node, name, " or empty string,")?;
            Ok(describe_broker_config(image.settings(), keys))
        }
        resource::BROKER_LOGGER if name.is_empty() => invalid("Broker id must not be empty"),
        // No logger can be set at run time, so none is told.
        resource::BROKER_LOGGER => check_node(image, node, name, "").map(|()| Vec::new()),
        resource::CLIENT_METRICS if name.is_empty() => {
            invalid("Client metrics subscription name must not be empty")
        }
        resource::CLIENT_METRICS => Ok(describe_client_metrics_config(keys)),
        resource::GROUP if name.is_empty() => invalid("Group name must not be empty"),
        resource::GROUP => Ok(describe_group_config(image.settings(), keys)),
        _ => invalid(format!(
            "Unexpected resource type UNKNOWN for resource {name}"
        )),
    }
}

fn invalid<T>(message: impl Into<String>) -> Result<T, ApiError> {
    Err(ApiError::new(ErrorCode::InvalidRequest, message))
}

fn describe_topic(
    image: &ClusterImage,
    name: &str,
    keys: Option<&[&str]>,
) -> Result<Vec<ConfigEntry>, ApiError> {
    let invalid = |message| ApiError::new(ErrorCode::InvalidTopicException, message);
    topic_name::validate(name).map_err(invalid)?;
    let unknown = ApiError::bare(ErrorCode::UnknownTopicOrPartition);
    let topic = image.topic(name).ok_or(unknown)?;
    Ok(describe_topic_config(
        &topic.overrides,
        image.settings(),
        keys,
    ))
}

/// Whether `name` is this node's, or that of one of its cores; `or` is what else it might have been.
fn check_node(image: &ClusterImage, node: NodeId, name: &str, or: &str) -> Result<(), ApiError> {
    let is_ours = |id| image.place_of(id).is_some_and(|place| place.broker == node);
    match name.parse::<i32>() {
        Err(_) => invalid(format!("Broker id must be an integer, but it is: {name}")),
        Ok(id) if is_ours(NodeId(id)) => Ok(()),
        Ok(_) => invalid(format!(
            "Unexpected broker id, expected {node}{or} but received {name}"
        )),
    }
}
