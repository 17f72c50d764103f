//! Requests that change the cluster's state: they go to the control thread as they came, and their answers come back
//! encoded.

use std::rc::Rc;

use crate::control::messages::{ControlCall, ControlReply, ForwardedRequest};
use crate::shard::Shard;
use crate::shard::dispatch::Request;
use crate::shard::response::Response;

/// Has the control thread answer a request.
pub async fn handle(shard: Rc<Shard>, request: Request) -> Response {
    let forwarded = ForwardedRequest {
        api: request.header.api,
        version: request.header.api_version,
        correlation_id: request.header.correlation_id,
        body: request.frame.slice(request.body_at..),
    };
    match shard.call_control(ControlCall::Forward(forwarded)).await {
        Some(ControlReply::Response(bytes)) => Response::framed(bytes),
        Some(ControlReply::Malformed(error)) => Response::malformed(error),
        Some(_) => Response::close("the control thread has no answer: a fault of ours".to_owned()),
        None => Response::close("the broker is stopping".to_owned()),
    }
}
