//! DescribeGroups (key 15) and ListGroups (key 16).
//!
//! - DescribeGroups shows an unknown group as "Dead"; from version 6 with `GROUP_ID_NOT_FOUND`
//!   (KIP-1043).
//! - ListGroups filters by state (KIP-518) and by type (KIP-848), whatever their case.

use std::sync::Arc;

use bytes::Bytes;

use super::classic_group::{ClassicGroup, State};
use super::coordinator::Coordinator;
use super::effects::{DescribedGroup, DescribedMember, ListedGroup};
use crate::protocol::ErrorCode;

/// The first version in which an unknown group is an error.
const VERSION_GROUP_ID_NOT_FOUND: i16 = 6;
const STATE_DEAD: &str = "Dead";
const TYPE_CLASSIC: &str = "classic";

impl Coordinator {
    /// DescribeGroups for one group.
    pub fn describe_group(&self, group_id: &str, api_version: i16) -> DescribedGroup {
        if let Some(group) = self.groups.get(group_id) {
            return group.describe();
        }
        let is_error = api_version >= VERSION_GROUP_ID_NOT_FOUND;
        DescribedGroup {
            error: match is_error {
                true => ErrorCode::GroupIdNotFound,
                false => ErrorCode::None,
            },
            error_message: is_error.then(|| format!("Group {group_id} not found.")),
            group_id: group_id.to_owned(),
            state: STATE_DEAD,
            protocol_type: Arc::from(""),
            protocol_data: Arc::from(""),
            members: Vec::new(),
        }
    }

    /// ListGroups: the groups that the filter lets pass.
    pub fn list_groups(&self, filter: &ListFilter) -> Vec<ListedGroup> {
        let is_listed = |group: &&ClassicGroup| filter.states.contains(&group.state);
        let listed = self.groups.values().filter(is_listed);
        let listed = listed.map(|group| ListedGroup {
            group_id: Arc::clone(&group.id),
            protocol_type: group.protocol_type.clone().unwrap_or_default(),
            state: group.state.name(),
            group_type: TYPE_CLASSIC,
        });
        listed.collect()
    }
}

/// What ListGroups asks for. It keeps none of the request's names, of which there may be any number.
#[derive(Clone, Debug)]
pub struct ListFilter {
    states: Vec<State>,
}

impl ListFilter {
    /// Groups in one of these states and of one of these types. No names let all pass; names that nothing has match
    /// nothing.
    pub fn new(states: &[&str], types: &[&str]) -> ListFilter {
        let is_classic = |name: &&str| name.eq_ignore_ascii_case(TYPE_CLASSIC);
        let is_type = types.is_empty() || types.iter().any(is_classic);
        let is_state = |state: &State| {
            let is_it = |name: &&str| name.trim().eq_ignore_ascii_case(state.name());
            states.is_empty() || states.iter().any(is_it)
        };
        let wanted = State::ALL
            .into_iter()
            .filter(|state| is_type && is_state(state));
        ListFilter {
            states: wanted.collect(),
        }
    }
}

impl ClassicGroup {
    fn describe(&self) -> DescribedGroup {
        let is_stable = self.state == State::Stable;
        let protocol = self.protocol_name.as_ref().filter(|_| is_stable);
        let members = self.members.values().map(|member| DescribedMember {
            member_id: Arc::clone(&member.id),
            group_instance_id: member.instance_id.clone(),
            client_id: Arc::clone(&member.client_id),
            client_host: Arc::clone(&member.client_host),
            metadata: match protocol {
                Some(protocol) => member.metadata(Some(protocol)),
                None => Bytes::new(),
            },
            assignment: member.assignment.clone(),
        });
        DescribedGroup {
            error: ErrorCode::None,
            error_message: None,
            group_id: self.id.to_string(),
            state: self.state.name(),
            protocol_type: self.protocol_type.clone().unwrap_or_default(),
            protocol_data: protocol.cloned().unwrap_or_default(),
            members: members.collect(),
        }
    }
}
