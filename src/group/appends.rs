//! The appends that have been asked for and not yet reported, and what happens when they are.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;

use super::classic_group::ClassicGroup;
use super::effects::{
    AppendId, Effect, Effects, GroupRecord, LeaveGroupResponse, OffsetDeleteResponse, ReplyToken,
    Response,
};
use super::records::CommittedOffset;
use super::requests::{OffsetFetch, Protocol};
use crate::base::{GenerationId, PartitionIndex};
use crate::protocol::ErrorCode;

/// A change to the committed offsets that becomes visible when its record is durable.
#[derive(Debug)]
pub(super) struct OffsetChange {
    pub(super) group: Arc<str>,
    pub(super) topic: Arc<str>,
    pub(super) partition: PartitionIndex,
    /// The new offset; none removes it.
    pub(super) value: Option<CommittedOffset>,
}

/// What follows an append, beside its offset changes.
#[derive(Debug, Default)]
pub(super) enum Then {
    /// Nothing.
    #[default]
    Nothing,
    /// On success this reply, on failure one like it with the error.
    Reply(ReplyToken, Response),
    /// On failure the group that this append was to create goes.
    CreateGroup { group: Arc<str> },
    /// The assignment is given to the members.
    StoreAssignment {
        group: Arc<str>,
        assignments: BTreeMap<String, Bytes>,
    },
    /// The static member that took the place of another is told so, or gives it back.
    ReplaceStaticMember(Box<Replacement>),
}

/// A static member that took the place of another without a rebalance.
#[derive(Debug)]
pub(super) struct Replacement {
    pub(super) group: Arc<str>,
    pub(super) generation: GenerationId,
    pub(super) token: ReplyToken,
    pub(super) old_id: Arc<str>,
    pub(super) new_id: Arc<str>,
    pub(super) old_leader: Option<Arc<str>>,
    pub(super) old_protocols: Vec<Protocol>,
    pub(super) old_rebalance_timeout_ms: i32,
    pub(super) old_session_timeout_ms: i32,
    pub(super) may_skip_assignment: bool,
}

#[derive(Debug, Default)]
pub(super) struct InFlight {
    pub(super) offsets: Vec<OffsetChange>,
    /// Groups that were removed at once and come back if the append fails.
    pub(super) removed: Vec<ClassicGroup>,
    pub(super) then: Then,
    /// What has been reported, while an earlier append has not.
    result: Option<Result<(), ErrorCode>>,
}

impl InFlight {
    /// An append that is followed by this.
    pub(super) fn then(then: Then) -> InFlight {
        InFlight {
            then,
            ..InFlight::default()
        }
    }
}

#[derive(Debug)]
struct ParkedFetch {
    /// The last append that had been asked for.
    after: AppendId,
    token: ReplyToken,
    request: OffsetFetch,
}

#[derive(Debug, Default)]
pub(super) struct Appends {
    next: u64,
    in_flight: BTreeMap<AppendId, InFlight>,
    parked_fetches: Vec<ParkedFetch>,
}

impl Appends {
    /// Asks for an append.
    pub(super) fn push(
        &mut self,
        records: Vec<GroupRecord>,
        in_flight: InFlight,
        out: &mut Effects,
    ) -> AppendId {
        debug_assert!(!records.is_empty());
        let append_id = AppendId(self.next);
        self.next += 1;
        self.in_flight.insert(append_id, in_flight);
        out.push(Effect::Append { append_id, records });
        append_id
    }

    /// Lets a reply wait for an append that nothing else waited for.
    pub(super) fn reply_after(
        &mut self,
        append_id: AppendId,
        token: ReplyToken,
        response: Response,
    ) {
        if let Some(in_flight) = self.in_flight.get_mut(&append_id) {
            debug_assert!(matches!(in_flight.then, Then::Nothing));
            in_flight.then = Then::Reply(token, response);
        }
    }

    pub(super) fn report(&mut self, append_id: AppendId, result: Result<(), ErrorCode>) {
        if let Some(in_flight) = self.in_flight.get_mut(&append_id) {
            in_flight.result = Some(result);
        }
    }

    /// The oldest append, once it has been reported.
    pub(super) fn pop_reported(&mut self) -> Option<(AppendId, InFlight, Result<(), ErrorCode>)> {
        let oldest = self.in_flight.first_entry()?;
        let result = oldest.get().result?;
        let (append_id, in_flight) = oldest.remove_entry();
        Some((append_id, in_flight, result))
    }

    /// Keeps a fetch until the appends in flight are done; gives it back when there are none.
    pub(super) fn park_fetch(
        &mut self,
        token: ReplyToken,
        request: OffsetFetch,
    ) -> Option<OffsetFetch> {
        let Some((&after, _)) = self.in_flight.last_key_value() else {
            return Some(request);
        };
        self.parked_fetches.push(ParkedFetch {
            after,
            token,
            request,
        });
        None
    }

    /// The fetches for which nothing is in flight any more.
    pub(super) fn released_fetches(&mut self) -> Vec<(ReplyToken, OffsetFetch)> {
        let oldest = self.in_flight.keys().next().copied();
        let ready = |fetch: &mut ParkedFetch| oldest.is_none_or(|oldest| oldest > fetch.after);
        self.parked_fetches
            .extract_if(.., ready)
            .map(|fetch| (fetch.token, fetch.request))
            .collect()
    }

    /// The partitions of a group for which a change of the offset is in flight.
    pub(super) fn offsets_in_flight<'a>(
        &'a self,
        group: &'a str,
    ) -> impl Iterator<Item = &'a OffsetChange> {
        self.in_flight
            .values()
            .flat_map(|in_flight| &in_flight.offsets)
            .filter(move |change| &*change.group == group)
    }

    /// All changes of offsets in flight.
    pub(super) fn all_offsets_in_flight(&self) -> impl Iterator<Item = &OffsetChange> {
        self.in_flight
            .values()
            .flat_map(|in_flight| &in_flight.offsets)
    }

    /// Whether a group's removal is in flight.
    pub(super) fn is_removing(&self, group: &str) -> bool {
        self.in_flight
            .values()
            .flat_map(|in_flight| &in_flight.removed)
            .any(|removed| &*removed.id == group)
    }

    /// Forgets everything, and answers what waited with the error.
    pub(super) fn fail_all(&mut self, error: ErrorCode, out: &mut Effects) {
        for in_flight in std::mem::take(&mut self.in_flight).into_values() {
            if let Then::Reply(token, response) = in_flight.then {
                let response = response.failed(error);
                out.push(Effect::Reply { token, response });
            }
        }
        for fetch in std::mem::take(&mut self.parked_fetches) {
            let response = fetch.request.failed(error);
            out.push(Effect::Reply {
                token: fetch.token,
                response,
            });
        }
    }
}

impl Response {
    /// The reply to the same request after its append has failed.
    pub(super) fn failed(self, error: ErrorCode) -> Response {
        match self {
            Response::LeaveGroup(_) => Response::LeaveGroup(LeaveGroupResponse {
                error,
                members: Vec::new(),
            }),
            Response::OffsetCommit(mut commit) => {
                for topic in &mut commit.topics {
                    for (_, result) in &mut topic.partitions {
                        *result = error;
                    }
                }
                Response::OffsetCommit(commit)
            }
            Response::OffsetDelete(_) => Response::OffsetDelete(OffsetDeleteResponse {
                error,
                topics: Vec::new(),
            }),
            Response::DeleteGroups(mut groups) => {
                for (_, result) in &mut groups {
                    *result = error;
                }
                Response::DeleteGroups(groups)
            }
            // These never wait for an append in this form.
            Response::JoinGroup(_)
            | Response::SyncGroup(_)
            | Response::Heartbeat(_)
            | Response::OffsetFetch(_) => self,
        }
    }
}

/// What a client is told when the log refuses a coordinator's records (Kafka's
/// `CoordinatorOperationExceptionHelper`).
pub(super) fn client_error(error: ErrorCode) -> ErrorCode {
    use ErrorCode as E;
    match error {
        E::UnknownTopicOrPartition | E::NotEnoughReplicas | E::RequestTimedOut => {
            E::CoordinatorNotAvailable
        }
        E::NotLeaderOrFollower | E::KafkaStorageError => E::NotCoordinator,
        E::MessageTooLarge | E::RecordListTooLarge | E::InvalidFetchSize => E::UnknownServerError,
        other => other,
    }
}
