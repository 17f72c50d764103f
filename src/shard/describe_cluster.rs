//! DescribeCluster (key 60), versions 0 to 2.
//!
//! - Endpoint type 1 is the brokers; another (KIP-919) is MISMATCHED_ENDPOINT_TYPE for controllers, which listen
//!   elsewhere in Kafka and nowhere here, and UNSUPPORTED_ENDPOINT_TYPE for what nobody knows.

use std::rc::Rc;

use crate::protocol::ErrorCode;
use crate::protocol::messages::describe_cluster::{
    DescribeClusterBroker, DescribeClusterRequest, DescribeClusterResponse,
};
use crate::shard::Shard;
use crate::shard::dispatch::Request;
use crate::shard::operations::{CLUSTER_OPERATIONS, OPERATIONS_NOT_ASKED};
use crate::shard::response::Response;

const BROKERS: i8 = 1;
const CONTROLLERS: i8 = 2;

/// Answers a DescribeCluster request.
pub async fn handle(shard: Rc<Shard>, request: Request) -> Response {
    let asked = match request.decode::<DescribeClusterRequest>() {
        Ok(asked) => asked,
        Err(error) => return Response::malformed(error),
    };
    if request.header.api_version >= 1 && asked.endpoint_type != BROKERS {
        let (error, message) = wrong_endpoint(asked.endpoint_type);
        let response = DescribeClusterResponse {
            error_code: error.code(),
            error_message: Some(&message),
            ..Default::default()
        };
        return Response::encode(&request.header, &response);
    }
    let image = shard.image();
    let response = DescribeClusterResponse {
        cluster_id: image.cluster_id(),
        controller_id: image.controller().map_or(-1, |broker| broker.id.get()),
        brokers: image
            .nodes()
            .map(|node| DescribeClusterBroker {
                broker_id: node.id.get(),
                host: node.host,
                port: node.port.into(),
                rack: node.rack,
                ..Default::default()
            })
            .collect(),
        cluster_authorized_operations: match asked.include_cluster_authorized_operations {
            true => CLUSTER_OPERATIONS,
            false => OPERATIONS_NOT_ASKED,
        },
        ..Default::default()
    };
    Response::encode(&request.header, &response)
}

fn wrong_endpoint(endpoint_type: i8) -> (ErrorCode, String) {
    match endpoint_type {
        CONTROLLERS => (
            ErrorCode::MismatchedEndpointType,
            "The request was sent to an endpoint of type BROKER, but we wanted an endpoint of type CONTROLLER".to_owned(),
        ),
        _ => (
            ErrorCode::UnsupportedEndpointType,
            format!("Unsupported endpoint type {endpoint_type}"),
        ),
    }
}
