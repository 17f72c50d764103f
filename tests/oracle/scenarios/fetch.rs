//! Fetch without sessions: positions, bounds, waiting, epochs.

use ringlog::base::TopicId;
use ringlog::protocol::ApiKey;
use ringlog::protocol::messages::FetchRequest;
use ringlog::protocol::messages::fetch::{FetchPartition, FetchTopic, ForgottenTopic};

use super::produce::append;
use crate::batches::{plain, timed};
use crate::client::{Request, request};
use crate::pair::{Pair, Side};

/// Topic, partition, offset, and the partition's bound of bytes.
pub type Part<'a> = (&'a str, i32, i64, i32);

/// A fetch request, to be written in any version.
#[derive(Clone, Debug)]
pub struct Fetch<'a> {
    /// What is asked for.
    pub parts: Vec<Part<'a>>,
    /// Topics and partitions that the session is to forget.
    pub forgotten: Vec<(&'a str, i32)>,
    /// The bound of bytes for all partitions.
    pub max_bytes: i32,
    /// How long to wait for how many bytes.
    pub wait: (i32, i32),
    /// The session's id and epoch.
    pub session: (i32, i32),
    /// The leader's epoch that the client knows, and the epoch of the last record it has.
    pub epochs: (i32, i32),
    /// 0: all records; 1: those of committed transactions.
    pub isolation: i8,
    /// -1: a consumer.
    pub replica: i32,
}

impl<'a> Fetch<'a> {
    /// One partition from an offset; answers at once.
    pub fn from(topic: &'a str, partition: i32, offset: i64) -> Fetch<'a> {
        Fetch::parts(&[(topic, partition, offset, 1 << 20)])
    }

    /// These partitions; answers at once.
    pub fn parts(parts: &[Part<'a>]) -> Fetch<'a> {
        Fetch {
            parts: parts.to_vec(),
            forgotten: Vec::new(),
            max_bytes: 50 << 20,
            wait: (0, 0),
            session: (0, -1),
            epochs: (-1, -1),
            isolation: 0,
            replica: -1,
        }
    }
}

/// Encodes a fetch request, with topic ids where the version wants them.
pub fn fetch_request(side: &Side, version: i16, fetch: Fetch<'_>) -> Request {
    let by_id = version >= 13;
    let id = |name| {
        if by_id {
            side.topic_id(name)
        } else {
            TopicId::ZERO
        }
    };
    let name_or_none = |name| if by_id { "" } else { name };
    let mut topics: Vec<(&str, Vec<FetchPartition>)> = Vec::new();
    for part in &fetch.parts {
        if topics.last().is_none_or(|(name, _)| *name != part.0) {
            topics.push((part.0, Vec::new()));
        }
        topics
            .last_mut()
            .expect("just pushed")
            .1
            .push(partition(version, part, fetch.epochs));
    }
    let topics = topics.into_iter().map(|(name, partitions)| FetchTopic {
        topic: name_or_none(name),
        topic_id: id(name),
        partitions,
    });
    let forgotten = fetch.forgotten.iter().map(|(name, index)| ForgottenTopic {
        topic: name_or_none(name),
        topic_id: id(name),
        partitions: vec![*index],
    });
    let mut asked = FetchRequest {
        max_wait_ms: fetch.wait.0,
        min_bytes: fetch.wait.1,
        max_bytes: fetch.max_bytes,
        isolation_level: fetch.isolation,
        session_id: fetch.session.0,
        session_epoch: fetch.session.1,
        topics: topics.collect(),
        forgotten_topics_data: forgotten.collect(),
        ..FetchRequest::default()
    };
    if version >= 15 {
        asked.replica_state.replica_id = fetch.replica;
    } else {
        asked.replica_id = fetch.replica;
    }
    request(version, &asked)
}

fn partition(version: i16, part: &Part<'_>, epochs: (i32, i32)) -> FetchPartition {
    FetchPartition {
        partition: part.1,
        current_leader_epoch: if version >= 9 { epochs.0 } else { -1 },
        fetch_offset: part.2,
        last_fetched_epoch: if version >= 12 { epochs.1 } else { -1 },
        partition_max_bytes: part.3,
        ..FetchPartition::default()
    }
}

pub fn run(pair: &mut Pair) {
    fill(pair);
    for version in pair.versions(ApiKey::Fetch) {
        for (what, fetch) in positions().into_iter().chain(bounds()).chain(waits()) {
            pair.ask(what, |side| fetch_request(side, version, fetch.clone()));
        }
        addresses(pair, version);
        epochs(pair, version);
        woken(pair, version);
    }
}

/// Partition 0 has batches at 0, 2, 5 and 6, the last of them large; partition 1 has one batch, and
/// partition 2 is empty.
fn fill(pair: &mut Pair) {
    pair.create_topic("f", 3, &[]);
    pair.create_topic("f-other", 1, &[]);
    let large = "x".repeat(3000);
    for batch in [
        plain(&["a", "b"]),
        plain(&["c", "d", "e"]),
        timed(&[("f", 0)]),
        plain(&[&large]),
    ] {
        pair.ask("fill", |side| append(side, 9, "f", &batch));
    }
    let one = plain(&["one"]);
    pair.ask("fill another partition", |side| {
        super::produce::produce(side, 9, -1, &[("f", 1, Some(&one))])
    });
    pair.ask("fill another topic", |side| {
        append(side, 9, "f-other", &plain(&["other"]))
    });
}

type Case = (&'static str, Fetch<'static>);

fn positions() -> Vec<Case> {
    let from = |offset| Fetch::from("f", 0, offset);
    vec![
        ("from the start", from(0)),
        ("from within the first batch", from(1)),
        ("from the second batch", from(2)),
        ("from within the second batch", from(4)),
        ("from the last record", from(6)),
        ("from the end", from(7)),
        ("from beyond the end", from(8)),
        ("from far beyond the end", from(i64::MAX)),
        ("from before the start", from(-1)),
        ("from far before the start", from(i64::MIN)),
        ("an empty partition", Fetch::from("f", 2, 0)),
        ("an empty partition from beyond", Fetch::from("f", 2, 1)),
        (
            "committed only",
            Fetch {
                isolation: 1,
                ..from(0)
            },
        ),
        (
            "no such isolation",
            Fetch {
                isolation: 7,
                ..from(0)
            },
        ),
    ]
}

fn bounds() -> Vec<Case> {
    let bounded = |partition, all| Fetch {
        max_bytes: all,
        ..Fetch::parts(&[("f", 0, 0, partition)])
    };
    let large = |partition, all| Fetch {
        max_bytes: all,
        ..Fetch::parts(&[("f", 0, 6, partition)])
    };
    let spread = |first, second, all| Fetch {
        max_bytes: all,
        ..Fetch::parts(&[
            ("f", 0, 0, first),
            ("f", 1, 0, second),
            ("f-other", 0, 0, 1000),
        ])
    };
    vec![
        ("a partition bound of one", bounded(1, 1000)),
        ("a partition bound of none", bounded(0, 1000)),
        ("a negative partition bound", bounded(-1, 1000)),
        ("a bound of one", bounded(1000, 1)),
        ("a bound of none", bounded(1000, 0)),
        ("a negative bound", bounded(1000, -1)),
        ("a bound in the second batch", bounded(120, 10_000)),
        ("a bound in the second batch, of all", bounded(10_000, 120)),
        (
            "a large first batch beyond the partition bound",
            large(100, 10_000),
        ),
        ("a large first batch beyond both bounds", large(100, 100)),
        ("only the first partition fits", spread(10_000, 10_000, 100)),
        ("a small first bound", spread(1, 1000, 10_000)),
        ("small bounds", spread(1, 1, 10_000)),
        ("nothing fits", spread(1, 1, 1)),
        (
            "the first is empty",
            Fetch {
                max_bytes: 1,
                ..Fetch::parts(&[("f", 2, 0, 1), ("f", 0, 0, 1), ("f", 1, 0, 1)])
            },
        ),
        (
            "the first is out of range",
            Fetch {
                max_bytes: 1,
                ..Fetch::parts(&[("f", 1, 99, 1), ("f", 0, 0, 1)])
            },
        ),
    ]
}

fn waits() -> Vec<Case> {
    let wait = |offset, ms, bytes| Fetch {
        wait: (ms, bytes),
        ..Fetch::from("f", 0, offset)
    };
    vec![
        ("waiting at the end in vain", wait(7, 20, 1)),
        ("waiting for more than there is", wait(0, 20, 1_000_000)),
        ("no wait for what is there", wait(0, 10_000, 1)),
        ("no wait for nothing", wait(7, 10_000, 0)),
        ("no wait for an error", wait(99, 10_000, 1)),
        (
            "no wait for no partitions",
            Fetch {
                wait: (10_000, 1),
                ..Fetch::parts(&[])
            },
        ),
        ("a negative wait", wait(7, -1, 1)),
    ]
}

fn addresses(pair: &mut Pair, version: i16) {
    let cases: &[(&str, &[Part<'_>])] = &[
        ("an unknown partition", &[("f", 9, 0, 1000)]),
        ("a negative partition", &[("f", -1, 0, 1000)]),
        ("an unknown topic", &[("f-unknown", 0, 0, 1000)]),
        ("no topic", &[("", 0, 0, 1000)]),
        ("a bad name", &[("f/bad", 0, 0, 1000)]),
        (
            "known and unknown",
            &[
                ("f-unknown", 0, 0, 1000),
                ("f", 1, 0, 1000),
                ("f", 9, 0, 1000),
            ],
        ),
        ("a partition twice", &[("f", 1, 0, 1000), ("f", 1, 1, 1000)]),
        ("two topics", &[("f-other", 0, 0, 1000), ("f", 1, 0, 1000)]),
    ];
    for (what, parts) in cases {
        pair.ask(what, |side| {
            fetch_request(side, version, Fetch::parts(parts))
        });
    }
    pair.ask("a replica that is none", |side| {
        fetch_request(
            side,
            version,
            Fetch {
                replica: 7,
                ..Fetch::from("f", 1, 0)
            },
        )
    });
}

fn epochs(pair: &mut Pair, version: i16) {
    let cases = [
        ("the leader's epoch", (0, -1)),
        ("an epoch to come", (5, -1)),
        ("a negative epoch", (-2, -1)),
        ("the last record's epoch", (0, 0)),
        ("a last record's epoch to come", (0, 5)),
        ("a negative last record's epoch", (0, -2)),
    ];
    for (what, epochs) in cases {
        pair.ask(what, |side| {
            fetch_request(
                side,
                version,
                Fetch {
                    epochs,
                    ..Fetch::from("f", 0, 2)
                },
            )
        });
    }
    pair.ask("behind the last record's epoch", |side| {
        fetch_request(
            side,
            version,
            Fetch {
                epochs: (0, 0),
                ..Fetch::from("f", 0, 99)
            },
        )
    });
}

/// A fetch that waits is answered by the append that it waited for.
fn woken(pair: &mut Pair, version: i16) {
    let topic = format!("f-woken-{version}");
    pair.create_topic(&topic, 1, &[]);
    let waiting = Fetch {
        wait: (10_000, 1),
        ..Fetch::from(&topic, 0, 0)
    };
    pair.send_on("waiting", "woken by an append", |side| {
        fetch_request(side, version, waiting.clone())
    });
    std::thread::sleep(std::time::Duration::from_millis(20));
    pair.ask("the append", |side| {
        append(side, 9, &topic, &plain(&["at last"]))
    });
    pair.hear_on("waiting");
}
