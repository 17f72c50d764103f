//! Bad input on raw sockets: nothing that a peer sends may stop the broker, cost it memory beyond a
//! bound, or disturb another client.
#![cfg(feature = "broker")]

mod common;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use bytes::Bytes;
use common::broker::Kind;
use common::metrics::Page;
use common::wire::{
    Connection, Heard, batch, decode_answer, decode_records, fetch_request, produce_request,
};
use common::{Broker, Options, announce, proc, wait_for};
use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::offset_commit_request::{
    OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use kafka_protocol::messages::offset_fetch_request::OffsetFetchRequestGroup;
use kafka_protocol::messages::{
    ApiKey, ApiVersionsRequest, DeleteGroupsRequest, DeleteTopicsRequest, DescribeConfigsRequest,
    DescribeGroupsRequest, FetchRequest, FindCoordinatorRequest, GroupId, ListGroupsRequest,
    MetadataRequest, OffsetCommitRequest, OffsetFetchRequest, TopicName,
};
use kafka_protocol::protocol::StrBytes;

/// `socket.request.max.bytes` by default.
const REQUEST_BYTES_MAX: i32 = 104_857_600;
/// How long a broker may take to close a connection that it refuses.
const CLOSE_LIMIT: Duration = Duration::from_secs(10);
/// UNSUPPORTED_VERSION.
const UNSUPPORTED_VERSION: i16 = 35;
/// CORRUPT_MESSAGE.
const CORRUPT_MESSAGE: i16 = 2;

#[test]
fn a_frame_is_refused_by_its_header() {
    let mut broker = Broker::start(Options::default());
    let table: [(&str, Vec<u8>); 7] = [
        ("negative length", (-1_i32).to_be_bytes().to_vec()),
        ("most negative length", i32::MIN.to_be_bytes().to_vec()),
        ("2 GB", i32::MAX.to_be_bytes().to_vec()),
        (
            "a byte over the limit",
            (REQUEST_BYTES_MAX + 1).to_be_bytes().to_vec(),
        ),
        (
            "HTTP",
            b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec(),
        ),
        (
            "TLS",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec(),
        ),
        ("zero length", vec![0; 4]),
    ];
    for (what, bytes) in table {
        let mut connection = Connection::open(broker.address());
        connection.send_raw(&bytes);
        assert_eq!(connection.hear(CLOSE_LIMIT), Heard::Closed, "{what}");
    }
    assert_serves(&mut broker, "after-headers");
}

#[test]
fn a_claim_costs_what_was_sent() {
    if Kind::under_test() == Kind::Kafka {
        // Kafka allocates by the claim: a thousand of these end it with an OutOfMemoryError.
        return;
    }
    let mut broker = Broker::start(Options::default());
    assert_serves(&mut broker, "before");
    let before = broker.rss_kib();
    let mut claims: Vec<Connection> = (0..1000)
        .map(|_| Connection::open(broker.address()))
        .collect();
    for claim in &mut claims {
        claim.send_raw(&REQUEST_BYTES_MAX.to_be_bytes());
        claim.send_raw(&[0; 10]);
    }
    assert_serves(&mut broker, "meanwhile");
    let grown = broker.rss_kib().saturating_sub(before);
    announce(&format!(
        "1000 claims of 100 MB, 10 bytes each: {grown} KiB more resident"
    ));
    assert!(grown < 64 * 1024, "{grown} KiB for 1000 claims");
    drop(claims);
    assert_serves(&mut broker, "afterwards");
}

#[test]
fn a_new_api_versions_request_is_answered_in_version_0() {
    let broker = Broker::start(Options::default());
    let mut connection = Connection::open(broker.address());
    let mut frame = connection.frame(3, &ApiVersionsRequest::default());
    frame[6..8].copy_from_slice(&99_i16.to_be_bytes());
    connection.send_raw(&frame);
    let Heard::Frame(answer) = connection.hear(CLOSE_LIMIT) else {
        panic!("no answer")
    };
    let answer = decode_answer::<ApiVersionsRequest>(0, &answer);
    assert_eq!(answer.error_code, UNSUPPORTED_VERSION);
    let own = answer
        .api_keys
        .iter()
        .find(|api| api.api_key == ApiKey::ApiVersions as i16);
    assert!(own.is_some_and(|own| own.max_version >= 3), "{answer:?}");
    let accepted = connection.call(3, &named_client());
    assert_eq!(
        accepted.error_code, 0,
        "the connection goes on with a version that is known"
    );
}

#[test]
fn unknown_keys_and_versions_close_the_connection() {
    let mut broker = Broker::start(Options::default());
    for (key, version) in [
        (9999_i16, 0_i16),
        (-1, 0),
        (3, 99),
        (3, -1),
        (0, 99),
        (1, 3),
        (11, 12),
    ] {
        let mut connection = Connection::open(broker.address());
        let mut frame = connection.frame(4, &MetadataRequest::default());
        frame[4..6].copy_from_slice(&key.to_be_bytes());
        frame[6..8].copy_from_slice(&version.to_be_bytes());
        connection.send_raw(&frame);
        assert_eq!(
            connection.hear(CLOSE_LIMIT),
            Heard::Closed,
            "key {key} version {version}"
        );
    }
    assert_serves(&mut broker, "after-keys");
}

#[test]
fn a_request_cut_anywhere_harms_nobody() {
    let mut broker = Broker::start(Options::default());
    Connection::open(broker.address()).create_topic("cut", 1, &[]);
    let probe = Connection::open(broker.address());
    let frames = [
        probe.frame(9, &MetadataRequest::default()),
        probe.frame(7, &produce_request("cut", 0, -1, batch(&[b"never"]))),
        probe.frame(11, &fetch_request("cut", 0, 0, 1 << 20)),
        probe.frame(3, &named_client()),
    ];
    for frame in frames {
        for cut in 8..frame.len() {
            // Once as a peer that dies in the middle, once as a frame whose length is honest.
            Connection::open(broker.address()).send_raw(&frame[..cut]);
            let mut honest = Connection::open(broker.address());
            honest.send_raw(&(cut as i32 - 4).to_be_bytes());
            honest.send_raw(&frame[4..cut]);
        }
    }
    let end = Connection::open(broker.address()).list_offset("cut", 0, common::wire::LATEST);
    assert_eq!(end, 0, "a cut produce request appended something");
    assert_serves(&mut broker, "after-cuts");
}

#[test]
fn noise_behind_any_header_harms_nobody() {
    let mut broker = Broker::start(Options::default());
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = move || {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random
    };
    for round in 0..3000 {
        let length = 10 + (next() % 200) as usize;
        let mut frame: Vec<u8> = (length as i32).to_be_bytes().to_vec();
        frame.extend((next() as i16 % 76).abs().to_be_bytes());
        frame.extend((next() as i16 % 14).abs().to_be_bytes());
        frame.extend((0..length - 4).map(|_| (next() >> 24) as u8 & [0xff, 0x0f, 0x01][round % 3]));
        Connection::open(broker.address()).send_raw(&frame);
    }
    assert_serves(&mut broker, "after-noise");
}

#[test]
fn a_damaged_batch_is_not_appended() {
    let broker = Broker::start(Options::default());
    let mut connection = Connection::open(broker.address());
    connection.create_topic("damaged", 1, &[]);
    let mut bytes = batch(&[b"one", b"two"]).to_vec();
    *bytes.last_mut().expect("a batch") ^= 0x40;
    let (error, _) = connection.produce("damaged", 0, Bytes::from(bytes));
    assert_eq!(error, CORRUPT_MESSAGE);
    assert_eq!(connection.produce("damaged", 0, batch(&[b"good"])), (0, 0));
}

#[test]
fn a_request_may_come_in_any_pieces() {
    let broker = Broker::start(Options::default());
    let frame = Connection::open(broker.address()).frame(3, &named_client());
    for cut in 1..frame.len() {
        let mut connection = Connection::open(broker.address());
        connection.send_raw(&frame[..cut]);
        connection.send_raw(&frame[cut..]);
        assert!(
            matches!(connection.hear(CLOSE_LIMIT), Heard::Frame(_)),
            "cut at {cut}"
        );
    }
    let mut connection = Connection::open(broker.address());
    frame.iter().for_each(|byte| connection.send_raw(&[*byte]));
    assert!(
        matches!(connection.hear(CLOSE_LIMIT), Heard::Frame(_)),
        "byte by byte"
    );
}

#[test]
fn requests_sent_at_once_are_answered_in_their_order() {
    let broker = Broker::start(Options::default());
    let mut connection = Connection::open(broker.address());
    connection.create_topic("order", 12, &[]);
    let mut together = Vec::new();
    for id in 0..300_i32 {
        // A fetch reads what the produce request before it has appended, so it need not wait.
        let partition = id / 3 % 12;
        let mut frame = match id % 3 {
            0 => connection.frame(4, &MetadataRequest::default()),
            1 => connection.frame(
                7,
                &produce_request("order", partition, -1, batch(&[b"value"])),
            ),
            _ => connection.frame(11, &fetch_request("order", partition, 0, 1 << 20)),
        };
        frame[8..12].copy_from_slice(&id.to_be_bytes());
        together.extend(frame);
    }
    let mut writer = connection.stream().try_clone().expect("a socket");
    let sender = std::thread::spawn(move || writer.write_all(&together));
    for id in 0..300_i32 {
        let Heard::Frame(frame) = connection.hear(CLOSE_LIMIT) else {
            panic!("no answer {id}")
        };
        assert_eq!(frame[..4], id.to_be_bytes());
    }
    sender.join().expect("no panic").expect("all is sent");
}

#[test]
fn a_request_sees_what_those_before_it_did() {
    let broker = Broker::start(Options::default());
    let mut connection = Connection::open(broker.address());
    connection.create_topic("seen", 12, &[]);
    for round in 0..4_i64 {
        for partition in 0..12 {
            let produce = produce_request("seen", partition, -1, batch(&[b"value"]));
            let mut fetch = fetch_request("seen", partition, round, 1 << 20);
            fetch.max_wait_ms = 0;
            fetch.min_bytes = 0;
            let both = [connection.frame(7, &produce), connection.frame(11, &fetch)];
            connection.send_raw(&both.concat());
            assert!(matches!(connection.hear(CLOSE_LIMIT), Heard::Frame(_)));
            let Heard::Frame(frame) = connection.hear(CLOSE_LIMIT) else {
                panic!("no answer to the fetch")
            };
            let fetched = decode_answer::<FetchRequest>(11, &frame);
            let records = fetched.responses[0].partitions[0].records.clone();
            let records = decode_records(records.unwrap_or_default());
            assert_eq!(records.len(), 1, "round {round}, partition {partition}");
        }
    }
}

/// A consumer that commits after each record does not wait for a sync each time.
#[test]
fn commits_sent_at_once_share_their_syncs_and_keep_their_order() {
    const COMMITS: usize = 256;
    let broker = Broker::start(Options::default());
    let mut connection = Connection::open(broker.address());
    connection.create_topic("read", 1, &[]);
    let group = FindCoordinatorRequest::default().with_key("reader".into());
    assert_eq!(connection.call(3, &group).error_code, 0);
    let syncs = |broker: &Broker| {
        let admin = broker.admin()?;
        Some(Page::read(admin).total("ringlog_disk_syncs_total"))
    };
    let before = syncs(&broker);

    let group_id = GroupId("reader".into());
    let commit = |at: usize| {
        let partition = OffsetCommitRequestPartition::default().with_committed_offset(at as i64);
        let topic = OffsetCommitRequestTopic::default()
            .with_name(TopicName("read".into()))
            .with_partitions(vec![partition]);
        OffsetCommitRequest::default()
            .with_group_id(group_id.clone())
            .with_topics(vec![topic])
    };
    let question = OffsetFetchRequest::default().with_group_id(group_id.clone());
    let mut together: Vec<Vec<u8>> = (0..COMMITS)
        .map(|at| connection.frame(7, &commit(at)))
        .collect();
    together.push(connection.frame(5, &question.with_topics(None)));
    connection.send_raw(&together.concat());
    for at in 0..COMMITS {
        let Heard::Frame(frame) = connection.hear(CLOSE_LIMIT) else {
            panic!("no answer to commit {at}")
        };
        let answer = decode_answer::<OffsetCommitRequest>(7, &frame);
        assert_eq!(answer.topics[0].partitions[0].error_code, 0, "commit {at}");
    }
    let Heard::Frame(frame) = connection.hear(CLOSE_LIMIT) else {
        panic!("no answer to the question")
    };
    let found = decode_answer::<OffsetFetchRequest>(5, &frame);
    let offset = found.topics[0].partitions[0].committed_offset;
    assert_eq!(offset, COMMITS as i64 - 1);
    if let (Some(before), Some(after)) = (before, syncs(&broker)) {
        announce(&format!("{COMMITS} commits took {} syncs", after - before));
        assert!(after - before < COMMITS as u64 / 4, "{}", after - before);
    }
}

#[test]
fn a_request_that_closes_lets_answers_before_it_go() {
    let broker = Broker::start(Options::default());
    let mut connection = Connection::open(broker.address());
    connection.create_topic("last", 1, &[]);
    let produce = connection.frame(7, &produce_request("last", 0, -1, batch(&[b"value"])));
    for closing in [&[0, 0, 0, 4, 0x7f, 0, 0, 0][..], &[0xff; 8][..]] {
        let mut connection = Connection::open(broker.address());
        connection.send_raw(&[&produce, closing].concat());
        assert!(matches!(connection.hear(CLOSE_LIMIT), Heard::Frame(_)));
        assert!(matches!(connection.hear(CLOSE_LIMIT), Heard::Closed));
    }
}

/// Requests that never become complete hold a bounded amount together, and do not keep others out.
#[test]
fn unfinished_requests_cost_a_bounded_amount() {
    const SENDERS: usize = 24;
    const CLAIMED: i32 = 25 << 20;
    if Kind::under_test() == Kind::Kafka {
        // Kafka bounds them by the number of connections only.
        return;
    }
    let mut broker = Broker::start(Options::default());
    Connection::open(broker.address()).create_topic("others", 4, &[]);
    let before = broker.rss_kib();
    let mut senders: Vec<TcpStream> = (0..SENDERS)
        .map(|_| {
            let mut stream = TcpStream::connect(broker.address()).expect("the broker listens");
            stream.write_all(&CLAIMED.to_be_bytes()).expect("a length");
            stream.set_nonblocking(true).expect("a TCP socket");
            stream
        })
        .collect();
    let sent = send_until_refused(&mut senders, CLAIMED as usize - 1);
    let grown = broker.rss_kib().saturating_sub(before);
    announce(&format!(
        "{SENDERS} unfinished requests of 25 MiB: {} MiB sent, {} MiB more resident",
        sent >> 20,
        grown >> 10
    ));
    // Two shards with 128 MiB each, one request that is read alone, and what the last ones were given room for.
    assert!(grown < 400 << 10, "{grown} KiB");
    assert_serves(&mut broker, "small-while-they-are-there");
    let value = vec![b'x'; 900_000];
    let mut honest: Vec<Connection> = (0..4).map(|_| Connection::open(broker.address())).collect();
    for (partition, connection) in honest.iter_mut().enumerate() {
        let answer = connection.produce("others", partition as i32, batch(&[&value]));
        assert_eq!(answer, (0, 0), "a large request among them");
    }
}

/// Sends to all in turn, so much to each, until nobody takes more for a while; how much they took.
fn send_until_refused(senders: &mut [TcpStream], each: usize) -> usize {
    let piece = vec![0; 1 << 18];
    let mut left = vec![each; senders.len()];
    let mut quiet = 0;
    while quiet < 20 {
        let before: usize = left.iter().sum();
        for (sender, left) in senders.iter_mut().zip(&mut left) {
            let most = piece.len().min(*left);
            *left -= sender.write(&piece[..most]).unwrap_or(0);
        }
        let moved = left.iter().sum::<usize>() < before;
        quiet = if moved { 0 } else { quiet + 1 };
        if !moved {
            std::thread::sleep(Duration::from_millis(20));
        }
    }
    each * senders.len() - left.iter().sum::<usize>()
}

/// What a request costs follows its size: not the square of what it names, and not how often it names it.
#[test]
fn a_request_that_names_much_is_answered_in_time() {
    const NAMES: usize = 100_000;
    let mut broker = Broker::start(Options::default().set("auto.create.topics.enable", "true"));
    let mut connection = Connection::open(broker.address());
    connection.create_topic("real", 100, &[]);
    let many: Vec<StrBytes> = (0..NAMES)
        .map(|at| StrBytes::from_string(format!("name-{at}")))
        .collect();
    let twice = || many.iter().chain(&many).cloned();

    let group = FindCoordinatorRequest::default().with_key("any".into());
    assert_eq!(connection.call(3, &group).error_code, 0);
    let groups: Vec<GroupId> = twice().map(GroupId).collect();
    let described = connection.call(
        5,
        &DescribeGroupsRequest::default().with_groups(groups.clone()),
    );
    assert_eq!(described.groups.len(), NAMES);
    assert_eq!(*described.groups[NAMES - 1].group_id, many[NAMES - 1]);
    let deleted = connection.call(2, &DeleteGroupsRequest::default().with_groups_names(groups));
    assert_eq!(deleted.results.len(), NAMES);

    let topics = || twice().map(TopicName).collect();
    let deleted = connection.call(
        1,
        &DeleteTopicsRequest::default().with_topic_names(topics()),
    );
    assert_eq!(deleted.responses.len(), NAMES);
    let named = |name| MetadataRequestTopic::default().with_name(Some(name));
    let all: Vec<TopicName> = topics();
    let asked = MetadataRequest::default()
        .with_topics(Some(all.into_iter().map(named).collect()))
        .with_allow_auto_topic_creation(true);
    assert_eq!(connection.call(4, &asked).topics.len(), NAMES);

    let asked = ListGroupsRequest::default().with_states_filter(twice().collect());
    assert_eq!(connection.call(4, &asked).groups.len(), 0);
    let settings = DescribeConfigsResource::default()
        .with_resource_type(2)
        .with_resource_name("real".into())
        .with_configuration_keys(None);
    let asked = DescribeConfigsRequest::default().with_resources(vec![settings; NAMES]);
    assert_eq!(connection.call(1, &asked).results.len(), 1);
    let offsets = OffsetFetchRequestGroup::default()
        .with_group_id(GroupId("any".into()))
        .with_topics(None);
    let asked = OffsetFetchRequest::default().with_groups(vec![offsets; NAMES]);
    assert_eq!(connection.call(8, &asked).groups.len(), 1);
    assert_serves(&mut broker, "after-many-names");
}

#[test]
fn readers_that_do_not_read_cost_a_bounded_amount() {
    let mut broker = Broker::start(Options::default());
    let mut connection = Connection::open(broker.address());
    connection.create_topic("big", 1, &[]);
    let value = vec![b'x'; 900_000];
    for at in 0..60 {
        assert_eq!(connection.produce("big", 0, batch(&[&value])), (0, at));
    }
    let before = broker.rss_kib();
    let mut lazy: Vec<Connection> = (0..100)
        .map(|_| Connection::open(broker.address()))
        .collect();
    for reader in &mut lazy {
        for _ in 0..4 {
            reader.send_raw(&reader.frame(11, &fetch_request("big", 0, 0, 52_428_800)));
        }
    }
    wait_for("the answers to be on their way", CLOSE_LIMIT, || {
        lazy.iter()
            .all(|reader| reader.stream().peek(&mut [0; 4]).is_ok_and(|n| n > 0))
            .then_some(())
    });
    assert_serves(&mut broker, "while-they-sleep");
    let grown = broker.rss_kib().saturating_sub(before);
    announce(&format!(
        "100 readers that do not read 4 fetches of 50 MB: {grown} KiB more resident"
    ));
    if broker.kind() == Kind::Ringlog {
        assert!(grown < 128 * 1024, "{grown} KiB for 100 readers");
    }
    reads_all(lazy.swap_remove(0), 50_000_000);
}

/// A reader that wakes up still gets its whole answer.
fn reads_all(mut reader: Connection, bytes_min: usize) {
    let Heard::Frame(frame) = reader.hear(Duration::from_secs(60)) else {
        panic!("no answer")
    };
    let answer = decode_answer::<FetchRequest>(11, &frame);
    let records = answer.responses[0].partitions[0]
        .records
        .clone()
        .unwrap_or_default();
    assert!(records.len() > bytes_min, "{} bytes", records.len());
    assert!(!common::wire::decode_records(records).is_empty());
}

#[test]
fn idle_connections_cost_little() {
    let mut broker = Broker::start(Options::default());
    assert_serves(&mut broker, "before");
    // Kafka's backlog is 50 (socket.listen.backlog.size), and a connection that misses it waits for seconds.
    let many = if broker.kind() == Kind::Kafka {
        300
    } else {
        3000
    };
    let count = many.min(open_files_limit().saturating_sub(200));
    let before = (broker.rss_kib(), proc::open_files(broker.pid()));
    let idle: Vec<TcpStream> = (0..count)
        .map(|_| TcpStream::connect(broker.address()).expect("the broker listens"))
        .collect();
    wait_for("all connections to be accepted", CLOSE_LIMIT, || {
        // Some of those before were of jobs that have ended since.
        (proc::open_files(broker.pid()) + 20 >= before.1 + idle.len()).then_some(())
    });
    let grown = broker.rss_kib().saturating_sub(before.0);
    announce(&format!(
        "{count} idle connections: {grown} KiB more resident"
    ));
    if broker.kind() == Kind::Ringlog {
        assert!(
            grown < 20 * count as u64,
            "{grown} KiB for {count} connections"
        );
    }
    assert_serves(&mut broker, "beside-the-idle");
    drop(idle);
    wait_for("the descriptors to come back", CLOSE_LIMIT, || {
        (proc::open_files(broker.pid()) < before.1 + 100).then_some(())
    });
}

#[test]
fn an_idle_connection_is_closed_in_the_end() {
    let broker = Broker::start(Options::default().set("connections.max.idle.ms", 1000));
    let mut stream = TcpStream::connect(broker.address()).expect("the broker listens");
    stream
        .set_read_timeout(Some(CLOSE_LIMIT))
        .expect("a TCP socket");
    let opened = Instant::now();
    assert_eq!(stream.read(&mut [0; 1]).expect("an end, not silence"), 0);
    assert!(
        opened.elapsed() >= Duration::from_millis(900),
        "closed after {:?}",
        opened.elapsed()
    );
}

/// A well-behaved client gets everything that it asks for.
fn assert_serves(broker: &mut Broker, topic: &str) {
    broker.assert_alive();
    let mut connection = Connection::open(broker.address());
    connection.create_topic(topic, 2, &[]);
    for partition in 0..2 {
        assert_eq!(
            connection.produce(topic, partition, batch(&[b"hello"])),
            (0, 0)
        );
        let (error, records) = connection.fetch(topic, partition, 0);
        assert_eq!((error, records.len()), (0, 1));
    }
}

/// ApiVersions from version 3 on wants a client's name and version.
fn named_client() -> ApiVersionsRequest {
    ApiVersionsRequest::default()
        .with_client_software_name(common::wire::text("ringlog-tests"))
        .with_client_software_version(common::wire::text("1"))
}

fn open_files_limit() -> usize {
    let limits = std::fs::read_to_string("/proc/self/limits").expect("readable");
    let line = limits
        .lines()
        .find(|line| line.starts_with("Max open files"))
        .expect("a limit");
    line.split_whitespace()
        .nth(3)
        .and_then(|soft| soft.parse().ok())
        .unwrap_or(1024)
}
