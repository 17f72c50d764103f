//! Changes of the cluster's state while they are decided: each on top of those before it, none of them told yet.

use std::sync::Arc;

use crate::base::TopicId;
use crate::metadata::controller::ApiError;
use crate::metadata::{ApplyError, ClusterImage, Record};

/// The state with changes that are not in the metadata log yet.
#[derive(Debug)]
pub struct Draft {
    image: Arc<ClusterImage>,
    shards: u16,
    changes: Vec<Vec<Record>>,
    /// Why no change is taken, if none is.
    refusal: Option<ApiError>,
}

impl Draft {
    /// No changes yet.
    pub fn new(image: Arc<ClusterImage>, shards: u16) -> Draft {
        Draft {
            image,
            shards,
            changes: Vec::new(),
            refusal: None,
        }
    }

    /// Takes no changes, because they cannot be written: whatever would make one is answered with this.
    pub fn refusing(image: Arc<ClusterImage>, shards: u16, refusal: ApiError) -> Draft {
        Draft {
            refusal: Some(refusal),
            ..Draft::new(image, shards)
        }
    }

    /// The result of a decision as it is to be told.
    pub fn told<T>(&self, decided: Result<T, ApiError>) -> Result<T, ApiError> {
        match &self.refusal {
            Some(refusal) if decided.is_ok() => Err(refusal.clone()),
            _ => decided,
        }
    }

    /// The state with all changes so far.
    pub fn image(&self) -> &Arc<ClusterImage> {
        &self.image
    }

    /// How many shards the node has.
    pub fn shards(&self) -> u16 {
        self.shards
    }

    /// Adds a change; no records are none. A draft that takes no changes drops it.
    ///
    /// # Errors
    /// When the records were not made for this very image, which is a fault of ours. Nothing is changed then.
    pub fn change(&mut self, records: Vec<Record>) -> Result<(), ApplyError> {
        if records.is_empty() || self.refusal.is_some() {
            return Ok(());
        }
        self.image = Arc::new(self.image.apply(&records)?);
        self.changes.push(records);
        Ok(())
    }

    /// The state that they lead to, and the changes in their order.
    pub fn into_parts(self) -> (Arc<ClusterImage>, Vec<Vec<Record>>) {
        (self.image, self.changes)
    }
}

/// Random ids, as Kafka makes them for topics.
pub fn fresh_ids(count: usize) -> Vec<TopicId> {
    (0..count).map(|_| fresh_id()).collect()
}

/// A random UUID (RFC 4122, version 4), but for those whose text begins with a dash: tools would take it for an option.
pub fn fresh_id() -> TopicId {
    loop {
        let mut bytes = [0; 16];
        // The kernel's generator fails only before it was first seeded, long before a broker runs.
        getrandom::fill(&mut bytes).expect("the kernel gives random bytes");
        bytes[6] = bytes[6] & 0x0f | 0x40;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        let id = TopicId(bytes);
        if !id.to_string().starts_with('-') {
            return id;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fresh_ids_differ_and_do_not_look_like_options() {
        let ids = fresh_ids(500);
        for id in &ids {
            assert!(!id.to_string().starts_with('-'));
            assert_eq!(ids.iter().filter(|other| *other == id).count(), 1);
        }
    }
}
