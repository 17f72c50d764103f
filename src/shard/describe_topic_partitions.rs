//! DescribeTopicPartitions (key 75), version 0 (KIP-966).
//!
//! - Topics in the order of their names, from the cursor on; no topics means all of them.
//! - At most `response_partition_limit` partitions (never more than `max.request.partition.size.limit`), then a cursor
//!   tells where to go on.
//! - A cursor outside the asked topics, or with a negative partition, is INVALID_REQUEST.

use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;

use crate::metadata::{ClusterImage, PartitionInfo, Topic, topic_name};
use crate::protocol::ErrorCode;
use crate::protocol::messages::describe_topic_partitions::{
    Cursor, DescribeTopicPartitionsRequest, DescribeTopicPartitionsResponse,
    DescribeTopicPartitionsResponsePartition, DescribeTopicPartitionsResponseTopic,
};
use crate::shard::Shard;
use crate::shard::dispatch::Request;
use crate::shard::operations::TOPIC_OPERATIONS;
use crate::shard::response::Response;

/// Answers a DescribeTopicPartitions request.
pub async fn handle(shard: Rc<Shard>, request: Request) -> Response {
    let asked = match request.decode::<DescribeTopicPartitionsRequest<'_>>() {
        Ok(asked) => asked,
        Err(error) => return Response::malformed(error),
    };
    let from = asked
        .cursor
        .as_ref()
        .map_or(("", 0), |at| (at.topic_name, at.partition_index));
    let named: BTreeSet<_> = asked
        .topics
        .iter()
        .map(|topic| topic.name)
        .filter(|name| *name >= from.0)
        .collect();
    let cursor_is_wrong = asked.cursor.is_some()
        && (from.1 < 0 || (!asked.topics.is_empty() && !named.contains(from.0)));
    if cursor_is_wrong {
        return Response::encode(&request.header, &refused(&asked, ErrorCode::InvalidRequest));
    }
    let image = shard.image();
    let limit_max = shard.config.max_request_partition_size_limit;
    let mut page = Page {
        image: &image,
        from,
        left: asked.response_partition_limit.min(limit_max).max(1) as usize,
        response: DescribeTopicPartitionsResponse::default(),
    };
    match asked.topics.is_empty() {
        true => page.all(),
        false => page.named(&named),
    }
    Response::encode(&request.header, &page.response)
}

fn refused<'a>(
    asked: &DescribeTopicPartitionsRequest<'a>,
    error: ErrorCode,
) -> DescribeTopicPartitionsResponse<'a> {
    DescribeTopicPartitionsResponse {
        topics: asked
            .topics
            .iter()
            .map(|topic| DescribeTopicPartitionsResponseTopic {
                error_code: error.code(),
                name: Some(topic.name),
                ..Default::default()
            })
            .collect(),
        ..Default::default()
    }
}

/// The answer as it fills.
struct Page<'a> {
    image: &'a ClusterImage,
    from: (&'a str, i32),
    left: usize,
    response: DescribeTopicPartitionsResponse<'a>,
}

impl<'a> Page<'a> {
    fn all(&mut self) {
        for topic in self.image.topics_from(self.from.0) {
            if !self.add(topic) {
                return;
            }
        }
    }

    fn named(&mut self, names: &BTreeSet<&'a str>) {
        for &name in names {
            match self.image.topic(name) {
                Some(topic) => {
                    if !self.add(topic) {
                        return;
                    }
                }
                None => self
                    .response
                    .topics
                    .push(DescribeTopicPartitionsResponseTopic {
                        error_code: unknown(name).code(),
                        name: Some(name),
                        is_internal: topic_name::is_internal(name),
                        topic_authorized_operations: TOPIC_OPERATIONS,
                        ..Default::default()
                    }),
            }
        }
    }

    /// Adds a topic; false when the page is full.
    fn add(&mut self, topic: &'a Arc<Topic>) -> bool {
        let first = if self.from.0 == &*topic.name {
            self.from.1.max(0) as usize
        } else {
            0
        };
        if self.left == 0 {
            self.response.next_cursor = Some(cursor(topic, first));
            return false;
        }
        let all = topic.partitions.len();
        let last = all.min(first + self.left);
        self.left -= last.saturating_sub(first);
        let described = topic.partitions.get(first..last).unwrap_or_default();
        self.response
            .topics
            .push(DescribeTopicPartitionsResponseTopic {
                name: Some(&topic.name),
                topic_id: topic.id,
                is_internal: topic.internal,
                partitions: described
                    .iter()
                    .enumerate()
                    .map(|(place, info)| partition(self.image, first + place, info))
                    .collect(),
                topic_authorized_operations: TOPIC_OPERATIONS,
                ..Default::default()
            });
        if last < all {
            self.response.next_cursor = Some(cursor(topic, last));
        }
        last >= all
    }
}

fn unknown(name: &str) -> ErrorCode {
    match topic_name::validate(name) {
        Ok(()) => ErrorCode::UnknownTopicOrPartition,
        Err(_) => ErrorCode::InvalidTopicException,
    }
}

fn cursor(topic: &Topic, partition_index: usize) -> Cursor<'_> {
    Cursor {
        topic_name: &topic.name,
        partition_index: partition_index as i32,
    }
}

fn partition(
    image: &ClusterImage,
    index: usize,
    info: &PartitionInfo,
) -> DescribeTopicPartitionsResponsePartition {
    DescribeTopicPartitionsResponsePartition {
        partition_index: index as i32,
        leader_id: image.leader_node(info).get(),
        leader_epoch: info.leader_epoch.get(),
        replica_nodes: image.replica_nodes(info, &info.replicas),
        isr_nodes: image.replica_nodes(info, &info.isr),
        eligible_leader_replicas: Some(Vec::new()),
        last_known_elr: Some(Vec::new()),
        ..Default::default()
    }
}
