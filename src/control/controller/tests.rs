use std::path::Path;

use super::*;
use crate::base::{NodeId, ProducerId};
use crate::control::messages::ForwardedRequest;
use crate::metadata::Broker;
use crate::metadata::controller::bootstrap;
use crate::protocol::messages::create_topics::{
    CreatableTopic, CreateTopicsRequest, CreateTopicsResponse,
};
use crate::protocol::messages::delete_topics::{DeleteTopicsRequest, DeleteTopicsResponse};
use crate::protocol::{ApiKey, Message, Reader, decode_response_header};

const NOW: TimestampMs = TimestampMs(1_700_000_000_000);

/// A controller of two shards on a data directory.
fn controller(directory: &Path) -> Controller {
    let (mut log, image) = MetadataLog::open(directory, &Arc::default()).unwrap();
    let broker = Broker {
        id: NodeId(1),
        host: "localhost".to_owned(),
        port: 9092,
        rack: None,
        core_ports: Vec::new(),
    };
    let records = bootstrap(&image, "cluster", broker);
    let image = image.apply(&records).unwrap();
    if !records.is_empty() {
        log.append([records.as_slice()], NOW).unwrap();
    }
    Controller::new(log, Arc::new(image), 2)
}

fn request(from: u16, token: u64, call: ControlCall) -> ControlRequest {
    ControlRequest {
        from: ShardId(from),
        token,
        call,
    }
}

fn auto_create(name: &str) -> ControlCall {
    ControlCall::AutoCreate {
        names: vec![name.to_owned()],
    }
}

fn forward<'a>(api: ApiKey, version: i16, body: &impl Message<'a>) -> ControlCall {
    ControlCall::Forward(ForwardedRequest {
        api,
        version,
        correlation_id: 5,
        body: body.to_bytes(version).unwrap().into(),
    })
}

/// What was sent, in short.
fn told(out: &[Outgoing]) -> Vec<String> {
    let one = |outgoing: &Outgoing| match outgoing {
        Outgoing::Image(image) => format!("image of {} topics", image.topics().len()),
        Outgoing::Reply { to, token, .. } => format!("{token} to {to}"),
    };
    out.iter().map(one).collect()
}

fn handle(controller: &mut Controller, requests: Vec<ControlRequest>) -> Vec<Outgoing> {
    let mut out = Vec::new();
    controller.on_requests(requests, NOW, &mut out);
    out
}

fn apply(controller: &mut Controller, shard: u16) -> Vec<Outgoing> {
    let version = controller.image().version();
    let mut out = Vec::new();
    controller.on_applied(ShardId(shard), version, &mut out);
    out
}

#[test]
fn a_change_is_answered_when_every_shard_has_applied_it() {
    let root = tempfile::tempdir().unwrap();
    let mut controller = controller(root.path());
    let out = handle(&mut controller, vec![request(0, 1, auto_create("a"))]);
    assert_eq!(told(&out), ["image of 1 topics"]);
    assert_eq!(told(&apply(&mut controller, 1)), Vec::<String>::new());
    let out = apply(&mut controller, 0);
    let [Outgoing::Reply { reply, .. }] = out.as_slice() else {
        panic!("{out:?}");
    };
    let made = vec![("a".to_owned(), ErrorCode::None)];
    assert_eq!(*reply, ControlReply::AutoCreated(made));
}

#[test]
fn what_builds_on_an_untold_change_waits_for_it_too() {
    let root = tempfile::tempdir().unwrap();
    let mut controller = controller(root.path());
    let out = handle(&mut controller, vec![request(0, 1, auto_create("a"))]);
    assert_eq!(told(&out), ["image of 1 topics"]);
    // Nothing is to be changed, but the topic is not everywhere yet.
    let out = handle(&mut controller, vec![request(1, 2, auto_create("a"))]);
    assert_eq!(told(&out), Vec::<String>::new());
    apply(&mut controller, 0);
    assert_eq!(told(&apply(&mut controller, 1)), ["1 to 0", "2 to 1"]);
    let out = handle(&mut controller, vec![request(1, 3, auto_create("a"))]);
    assert_eq!(told(&out), ["3 to 1"]);
}

#[test]
fn requests_of_one_batch_see_each_other_and_make_one_image() {
    let root = tempfile::tempdir().unwrap();
    let mut controller = controller(root.path());
    let topic = CreatableTopic {
        name: "a",
        num_partitions: 3,
        replication_factor: 1,
        ..Default::default()
    };
    let create = CreateTopicsRequest {
        topics: vec![topic],
        ..Default::default()
    };
    let requests = vec![
        request(0, 1, auto_create("a")),
        request(0, 2, forward(ApiKey::CreateTopics, 7, &create)),
        request(1, 3, ControlCall::AllocateProducerIds),
        request(1, 4, ControlCall::AllocateProducerIds),
        request(1, 5, ControlCall::EnsureOffsetsTopic),
    ];
    let mut out = handle(&mut controller, requests);
    assert_eq!(told(&out), ["image of 2 topics"]);
    out.extend(apply(&mut controller, 0));
    out.extend(apply(&mut controller, 1));
    let mut replies = out.into_iter().filter_map(|outgoing| match outgoing {
        Outgoing::Reply { reply, .. } => Some(reply),
        Outgoing::Image(_) => None,
    });
    assert!(matches!(replies.next(), Some(ControlReply::AutoCreated(_))));
    let Some(ControlReply::Response(frame)) = replies.next() else {
        panic!("no response");
    };
    let mut reader = Reader::new(&frame[4..]);
    assert_eq!(
        decode_response_header(&mut reader, ApiKey::CreateTopics, 7),
        Ok(5)
    );
    let response = CreateTopicsResponse::decode(&mut reader, 7).unwrap();
    assert_eq!(
        response.topics[0].error_code,
        ErrorCode::TopicAlreadyExists.code()
    );
    let firsts: Vec<_> = replies.by_ref().take(2).collect();
    let block = |first| ControlReply::ProducerIds {
        first: ProducerId(first),
        len: 1000,
    };
    assert_eq!(firsts, [block(0), block(1000)]);
    assert_eq!(replies.next(), Some(ControlReply::Done(Ok(()))));
}

#[test]
fn the_log_tells_a_restart_everything() {
    let root = tempfile::tempdir().unwrap();
    let mut first = controller(root.path());
    handle(&mut first, vec![request(0, 1, auto_create("a"))]);
    handle(&mut first, vec![request(0, 2, auto_create("b"))]);
    let delete = forward(ApiKey::DeleteTopics, 1, &delete("a"));
    handle(&mut first, vec![request(0, 3, delete)]);
    let id = first.image().topic("b").unwrap().id;
    drop(first);
    let second = controller(root.path());
    let names: Vec<_> = second
        .image()
        .topics()
        .map(|topic| topic.name.to_string())
        .collect();
    assert_eq!(names, ["b"]);
    assert_eq!(second.image().topic("b").unwrap().id, id);
    assert_eq!(second.image().cluster_id(), "cluster");
}

#[test]
fn a_malformed_body_is_the_peers_fault() {
    let root = tempfile::tempdir().unwrap();
    let mut controller = controller(root.path());
    let call = ControlCall::Forward(ForwardedRequest {
        api: ApiKey::CreateTopics,
        version: 7,
        correlation_id: 5,
        body: vec![0xff; 3].into(),
    });
    let out = handle(&mut controller, vec![request(0, 1, call)]);
    let [Outgoing::Reply { reply, .. }] = out.as_slice() else {
        panic!("{out:?}");
    };
    assert!(matches!(reply, ControlReply::Malformed(_)), "{reply:?}");
}

#[test]
fn after_a_failed_write_every_change_is_refused_and_the_rest_is_answered() {
    let root = tempfile::tempdir().unwrap();
    let mut controller = controller(root.path());
    handle(&mut controller, vec![request(0, 0, auto_create("there"))]);
    apply(&mut controller, 0);
    apply(&mut controller, 1);
    controller.log.fail_writes();
    let storage = ErrorCode::KafkaStorageError;
    let made = |name: &str, code| ControlReply::AutoCreated(vec![(name.to_owned(), code)]);
    for _ in 0..2 {
        let requests = vec![
            request(0, 1, auto_create("a")),
            request(0, 2, auto_create("there")),
            request(1, 3, ControlCall::AllocateProducerIds),
            request(1, 4, ControlCall::EnsureOffsetsTopic),
            request(1, 5, forward(ApiKey::DeleteTopics, 1, &delete("there"))),
        ];
        let out = handle(&mut controller, requests);
        let replies: Vec<_> = out.into_iter().map(reply).collect();
        let [first, second, third, fourth, ControlReply::Response(frame)] = &replies[..] else {
            panic!("{replies:?}");
        };
        assert_eq!(*first, made("a", storage));
        assert_eq!(*second, made("there", ErrorCode::None));
        assert_eq!(*third, ControlReply::Failed(storage));
        assert_eq!(*fourth, ControlReply::Done(Err(storage)));
        let mut reader = Reader::new(&frame[4..]);
        decode_response_header(&mut reader, ApiKey::DeleteTopics, 1).unwrap();
        let deleted = DeleteTopicsResponse::decode(&mut reader, 1).unwrap();
        assert_eq!(deleted.responses[0].error_code, storage.code());
        assert_eq!(controller.image().topics().len(), 1);
    }
}

fn delete(name: &str) -> DeleteTopicsRequest<'_> {
    DeleteTopicsRequest {
        topic_names: vec![name],
        ..Default::default()
    }
}

fn reply(outgoing: Outgoing) -> ControlReply {
    match outgoing {
        Outgoing::Reply { reply, .. } => reply,
        Outgoing::Image(_) => panic!("nothing was to be changed"),
    }
}
