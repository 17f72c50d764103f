//! InitProducerId (key 22), versions 0 to 5.
//!
//! - Without a transactional id a fresh producer id is handed out, epoch 0, even if the request carries an id and an
//!   epoch (KIP-360 speaks of transactional producers only). One without the other is INVALID_REQUEST.
//! - Ids come in blocks that the metadata log remembers, so that no restart hands one out twice.
//! - With a transactional id the transaction timeout is judged first: INVALID_TRANSACTION_TIMEOUT. Then there is no
//!   coordinator to go to yet: COORDINATOR_NOT_AVAILABLE would be retried for ever, so the answer is the plain
//!   TRANSACTIONAL_ID_AUTHORIZATION_FAILED.

use std::cell::RefCell;
use std::ops::Range;
use std::rc::Rc;

use crate::base::ProducerId;
use crate::control::messages::{ControlCall, ControlReply};
use crate::protocol::ErrorCode;
use crate::protocol::messages::init_producer_id::{InitProducerIdRequest, InitProducerIdResponse};
use crate::shard::Shard;
use crate::shard::dispatch::Request;
use crate::shard::response::Response;

/// Kafka's `transaction.max.timeout.ms`, which is judged before the coordinator is looked for.
const TRANSACTION_TIMEOUT_MS_MAX: i32 = 900_000;

/// Answers an InitProducerId request.
pub async fn handle(shard: Rc<Shard>, request: Request) -> Response {
    let init = match request.decode::<InitProducerIdRequest<'_>>() {
        Ok(init) => init,
        Err(error) => return Response::malformed(error),
    };
    let id_without_epoch = (init.producer_id == -1) != (init.producer_epoch == -1);
    let result = match init.transactional_id {
        _ if id_without_epoch => Err(ErrorCode::InvalidRequest),
        Some("") => Err(ErrorCode::InvalidRequest),
        Some(_) if !(1..=TRANSACTION_TIMEOUT_MS_MAX).contains(&init.transaction_timeout_ms) => {
            Err(ErrorCode::InvalidTransactionTimeout)
        }
        Some(_) => Err(ErrorCode::TransactionalIdAuthorizationFailed),
        None => next_id(&shard).await,
    };
    let response = match result {
        Ok(id) => InitProducerIdResponse {
            producer_id: id.get(),
            producer_epoch: 0,
            ..Default::default()
        },
        Err(error) => InitProducerIdResponse {
            error_code: error.code(),
            producer_id: -1,
            producer_epoch: -1,
            ..Default::default()
        },
    };
    Response::encode(&request.header, &response)
}

/// The producer ids that a shard may hand out.
#[derive(Default)]
pub struct ProducerIds {
    block: RefCell<Range<i64>>,
}

impl ProducerIds {
    fn take(&self) -> Option<ProducerId> {
        self.block.borrow_mut().next().map(ProducerId)
    }

    fn refill(&self, block: Range<i64>) {
        *self.block.borrow_mut() = block;
    }
}

async fn next_id(shard: &Rc<Shard>) -> Result<ProducerId, ErrorCode> {
    loop {
        if let Some(id) = shard.producer_ids.take() {
            return Ok(id);
        }
        match shard.call_control(ControlCall::AllocateProducerIds).await {
            Some(ControlReply::ProducerIds { first, len }) => {
                shard.producer_ids.refill(first.get()..first.get() + len);
            }
            _ => return Err(ErrorCode::CoordinatorLoadInProgress),
        }
    }
}
