//! The rules of topic names (Kafka's `Topic`).

use crate::base::limits::TOPIC_NAME_CHARS_MAX;

/// The log of consumer groups and their offsets.
pub const CONSUMER_OFFSETS: &str = "__consumer_offsets";
/// The log of transactions.
pub const TRANSACTION_STATE: &str = "__transaction_state";
/// The log of share groups.
pub const SHARE_GROUP_STATE: &str = "__share_group_state";
/// The log of the cluster's metadata: no topic that a client may see.
pub const CLUSTER_METADATA: &str = "__cluster_metadata";

/// Whether the name can be a topic's; otherwise why not, in Kafka's words.
pub fn validate(name: &str) -> Result<(), String> {
    let is_legal = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
    let why = match name {
        "" => "the empty string is not allowed".to_owned(),
        "." => "'.' is not allowed".to_owned(),
        ".." => "'..' is not allowed".to_owned(),
        _ if name.encode_utf16().count() > TOPIC_NAME_CHARS_MAX => format!(
            "the length of '{name}' is longer than the max allowed length {TOPIC_NAME_CHARS_MAX}"
        ),
        _ if !name.bytes().all(is_legal) => format!(
            "'{name}' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'"
        ),
        _ => return Ok(()),
    };
    Err(format!("Topic name is invalid: {why}"))
}

/// Whether the cluster keeps this topic for itself.
pub fn is_internal(name: &str) -> bool {
    matches!(
        name,
        CONSUMER_OFFSETS | TRANSACTION_STATE | SHARE_GROUP_STATE
    )
}

/// The name under which metrics know the topic: two topics may not share it, since `.` and `_` are
/// one to many metric systems. None when the name has neither.
pub(super) fn collision_key(name: &str) -> Option<String> {
    name.contains(['.', '_']).then(|| name.replace('.', "_"))
}
