//! DeleteTopics.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;

use super::{ApiError, Outcome};
use crate::base::TopicId;
use crate::metadata::image::ClusterImage;
use crate::metadata::records::Record;
use crate::protocol::ErrorCode;

/// A topic to delete, named in one of two ways. Requests before version 6 have names only.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DeleteTopic {
    /// The name, if that is how it is named.
    pub name: Option<String>,
    /// The id, or [`TopicId::ZERO`].
    pub id: TopicId,
}

/// What became of a topic to delete.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DeletedTopic {
    /// The name, if it was given or found.
    pub name: Option<String>,
    /// The id, if it was given or found.
    pub id: TopicId,
    /// Deleted, or why not.
    pub result: Result<(), ApiError>,
}

/// Deletes topics by name or id, each on its own. Internal topics can be deleted too, as in Kafka.
///
/// Results come in another order than the request's: whatever is wrong on the face of it, then ids,
/// then names.
pub fn delete_topics(
    image: &ClusterImage,
    topics: &[DeleteTopic],
    api_version: i16,
) -> Outcome<Vec<DeletedTopic>> {
    if !image.settings().delete_topic_enable {
        let code = match api_version {
            ..3 => ErrorCode::InvalidRequest,
            3.. => ErrorCode::TopicDeletionDisabled,
        };
        let refuse = |topic: &DeleteTopic| DeletedTopic {
            name: topic.name.clone(),
            id: topic.id,
            result: Err(ApiError::bare(code)),
        };
        return Outcome::unchanged(topics.iter().map(refuse).collect());
    }
    let mut request = Request::default();
    let (names, ids) = request.sort_out(topics);
    let found_by_id = request.find_ids(image, ids);
    let found_by_name = request.find_names(image, names, &found_by_id);
    request.delete(found_by_id.into_iter().chain(found_by_name));
    Outcome {
        result: request.answers,
        records: request.records,
    }
}

#[derive(Default)]
struct Request {
    answers: Vec<DeletedTopic>,
    records: Vec<Record>,
    /// Ids that the request named more than once, in whichever way.
    repeated: HashSet<TopicId>,
}

/// A topic that is there.
struct Found {
    id: TopicId,
    name: String,
}

impl Request {
    fn refuse(&mut self, name: Option<&str>, id: TopicId, code: ErrorCode, message: &str) {
        let result = Err(ApiError::new(code, message));
        self.answers.push(DeletedTopic {
            name: name.map(str::to_owned),
            id,
            result,
        });
    }

    /// The names and ids that stand once each; the rest is refused.
    fn sort_out<'a>(&mut self, topics: &'a [DeleteTopic]) -> (Vec<&'a str>, Vec<TopicId>) {
        let mut names = Named::default();
        let mut ids = Named::default();
        for topic in topics {
            match (topic.name.as_deref(), topic.id.is_zero()) {
                (Some(name), true) => names.add(name),
                (None, false) => ids.add(topic.id),
                (None, true) => {
                    let message = "Neither topic name nor id were specified.";
                    self.refuse(None, topic.id, ErrorCode::InvalidRequest, message);
                }
                (Some(name), false) => {
                    let message = "You may not specify both topic name and topic id.";
                    self.refuse(Some(name), topic.id, ErrorCode::InvalidRequest, message);
                }
            }
        }
        let (names, repeated_names) = names.part();
        let (ids, repeated_ids) = ids.part();
        for name in &repeated_names {
            let message = "Duplicate topic name.";
            self.refuse(
                Some(name),
                TopicId::ZERO,
                ErrorCode::InvalidRequest,
                message,
            );
        }
        for id in &repeated_ids {
            self.refuse(None, *id, ErrorCode::InvalidRequest, "Duplicate topic id.");
        }
        self.repeated.extend(repeated_ids);
        (names, ids)
    }

    fn find_ids(&mut self, image: &ClusterImage, ids: Vec<TopicId>) -> Vec<Found> {
        let mut found = Vec::new();
        for id in ids {
            match image.topic_by_id(id) {
                Some(topic) => found.push(Found {
                    id,
                    name: topic.name.to_string(),
                }),
                None => {
                    let message = "This server does not host this topic ID.";
                    self.refuse(None, id, ErrorCode::UnknownTopicId, message);
                }
            }
        }
        found
    }

    fn find_names(
        &mut self,
        image: &ClusterImage,
        names: Vec<&str>,
        by_id: &[Found],
    ) -> Vec<Found> {
        let by_id: HashSet<TopicId> = by_id.iter().map(|found| found.id).collect();
        let mut found = Vec::new();
        for name in names {
            let Some(topic) = image.topic(name) else {
                let message = "This server does not host this topic-partition.";
                let code = ErrorCode::UnknownTopicOrPartition;
                self.refuse(Some(name), TopicId::ZERO, code, message);
                continue;
            };
            let id = topic.id;
            if self.repeated.contains(&id) || by_id.contains(&id) {
                let message = "The provided topic name maps to an ID that was already supplied.";
                self.refuse(Some(name), id, ErrorCode::InvalidRequest, message);
                self.repeated.insert(id);
            } else {
                found.push(Found {
                    id,
                    name: name.to_owned(),
                });
            }
        }
        found
    }

    fn delete(&mut self, topics: impl Iterator<Item = Found>) {
        for Found { id, name } in topics {
            // Kafka lets go of a topic that was named both ways, and answers for the name only.
            if self.repeated.contains(&id) {
                continue;
            }
            self.records.push(Record::TopicRemoved { topic: id });
            self.answers.push(DeletedTopic {
                name: Some(name),
                id,
                result: Ok(()),
            });
        }
    }
}

/// What a request names, in order, and how often.
struct Named<T> {
    firsts: Vec<T>,
    times: HashMap<T, usize>,
}

impl<T> Default for Named<T> {
    fn default() -> Named<T> {
        Named {
            firsts: Vec::new(),
            times: HashMap::new(),
        }
    }
}

impl<T: Copy + Eq + Hash> Named<T> {
    fn add(&mut self, item: T) {
        let times = self.times.entry(item).or_default();
        *times += 1;
        if *times == 1 {
            self.firsts.push(item);
        }
    }

    /// What stood once, and what stood more often.
    fn part(self) -> (Vec<T>, Vec<T>) {
        let is_single = |item: &T| self.times.get(item) == Some(&1);
        self.firsts.into_iter().partition(is_single)
    }
}
