//! ApiVersions (key 18), versions 0 to 5.
//!
//! - A version that is not served is answered in version 0 with UNSUPPORTED_VERSION and the range of ApiVersions itself,
//!   so that the client can come again (KIP-511). Any other API in a version that is not served closes the connection.
//! - From version 3 the client's software name and version must be sane, else INVALID_REQUEST.
//! - To version 3 a feature's lowest level 0 is left out, since those clients reject it (KAFKA-17011).
//! - From version 5 a client may say which cluster and node it means (KIP-1242): REBOOTSTRAP_REQUIRED if it is not this one.
//!   On a core's own port it has to be that core; on the port that all share, any core of this broker.

use std::rc::Rc;

use crate::base::NodeId;
use crate::metadata::{ClusterImage, FEATURES};
use crate::protocol::messages::api_versions::{
    ApiVersion, ApiVersionsRequest, ApiVersionsResponse, FinalizedFeatureKey, SupportedFeatureKey,
};
use crate::protocol::{ApiKey, ErrorCode};
use crate::shard::Shard;
use crate::shard::connection::Port;
use crate::shard::dispatch::{Header, Request};
use crate::shard::response::Response;

/// Answers an ApiVersions request.
pub async fn handle(shard: Rc<Shard>, request: Request) -> Response {
    let asked = match request.decode::<ApiVersionsRequest<'_>>() {
        Ok(asked) => asked,
        Err(error) => return Response::malformed(error),
    };
    let image = shard.image();
    let version = request.header.api_version;
    if let Err(error) = check(&shard, &image, &request, &asked) {
        let response = ApiVersionsResponse {
            error_code: error.code(),
            ..Default::default()
        };
        return Response::encode(&request.header, &response);
    }
    Response::encode(&request.header, &served(&image, version))
}

fn check(
    shard: &Shard,
    image: &ClusterImage,
    request: &Request,
    asked: &ApiVersionsRequest<'_>,
) -> Result<(), ErrorCode> {
    let named = [asked.client_software_name, asked.client_software_version];
    if request.header.api_version >= 3 && !named.into_iter().all(is_sane) {
        return Err(ErrorCode::InvalidRequest);
    }
    let other_cluster = asked.cluster_id.is_some_and(|id| id != image.cluster_id());
    let is_meant = match image.place_of(NodeId(asked.node_id)) {
        _ if asked.node_id < 0 => true,
        Some(place) => {
            let is_here = request.peer.port == Port::Shared || place.shard == Some(shard.id);
            place.broker == shard.config.node_id && is_here
        }
        None => false,
    };
    if other_cluster || !is_meant {
        return Err(ErrorCode::RebootstrapRequired);
    }
    Ok(())
}

/// Letters and digits, with dashes and dots between them.
fn is_sane(name: &str) -> bool {
    let ends = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    ends(name.chars().next())
        && ends(name.chars().next_back())
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '.')
}

fn served(image: &ClusterImage, version: i16) -> ApiVersionsResponse<'_> {
    ApiVersionsResponse {
        api_keys: ApiKey::ALL.iter().map(|api| range(*api)).collect(),
        supported_features: FEATURES
            .iter()
            .map(|feature| SupportedFeatureKey {
                name: feature.name,
                min_version: if version < 4 {
                    feature.min_level.max(1)
                } else {
                    feature.min_level
                },
                max_version: feature.max_level,
            })
            .collect(),
        finalized_features_epoch: image.version(),
        finalized_features: image
            .features()
            .iter()
            .map(|(name, level)| FinalizedFeatureKey {
                name,
                max_version_level: *level,
                min_version_level: *level,
            })
            .collect(),
        ..Default::default()
    }
}

fn range(api: ApiKey) -> ApiVersion {
    let spec = api.spec();
    ApiVersion {
        api_key: api.code(),
        min_version: spec.advertised_min_version,
        max_version: spec.max_version,
    }
}

/// What a request in a version that is not served gets.
pub fn unsupported(api: ApiKey, version: i16, correlation_id: i32) -> Response {
    if api != ApiKey::ApiVersions {
        return Response::close(format!("{api:?} version {version} is not served"));
    }
    let header = Header {
        api,
        api_version: 0,
        correlation_id,
        client_id: None,
    };
    let response = ApiVersionsResponse {
        error_code: ErrorCode::UnsupportedVersion.code(),
        api_keys: vec![range(ApiKey::ApiVersions)],
        ..Default::default()
    };
    Response::encode(&header, &response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn software_names_follow_kafkas_pattern() {
        for name in ["librdkafka", "apache-kafka-java", "3.9.1", "a", "0"] {
            assert!(is_sane(name), "{name}");
        }
        for name in ["", "-a", "a-", ".", "a b", "é"] {
            assert!(!is_sane(name), "{name}");
        }
    }
}
