//! Incremental fetch sessions (KIP-227).

use ringlog::base::TopicId;
use ringlog::protocol::ApiKey;
use ringlog::protocol::messages::FetchResponse;

use super::fetch::{Fetch, Part, fetch_request};
use super::produce::produce;
use super::topics::delete_request;
use crate::batches::plain;
use crate::pair::{Pair, Side};

pub fn run(pair: &mut Pair) {
    for version in pair.versions(ApiKey::Fetch) {
        if version >= 7 {
            session(pair, version);
            wrong(pair, version);
            outlived(pair, version);
        }
    }
}

/// A request within a session: what is appended to before it, its epoch, the partitions that it asks
/// for with offset and bound, and those that it wants forgotten.
type Step = (
    &'static str,
    &'static [i32],
    i32,
    &'static [(i32, i64, i32)],
    &'static [i32],
);

#[rustfmt::skip]
const SESSION: &[Step] = &[
    ("nothing new", &[], 1, &[], &[]),
    ("one partition has more", &[1], 2, &[], &[]),
    ("the same again", &[], 3, &[], &[]),
    ("one moves on", &[], 4, &[(1, 1, 1000)], &[]),
    ("one joins", &[], 5, &[(2, 0, 1000)], &[]),
    ("one out of range", &[], 6, &[(2, 9, 1000)], &[]),
    ("still out of range", &[], 7, &[], &[]),
    ("one is forgotten", &[], 8, &[], &[2]),
    ("the forgotten one is silent", &[2, 0], 9, &[], &[]),
    ("an unknown partition joins", &[], 10, &[(9, 0, 1000)], &[]),
    ("an unknown partition stays", &[], 11, &[], &[]),
    ("forgotten and asked at once", &[], 12, &[(1, 0, 1000)], &[1]),
    ("one is bounded", &[], 13, &[(0, 0, 1)], &[]),
    ("an epoch skipped", &[], 15, &[], &[]),
    ("an epoch again", &[], 13, &[], &[]),
    ("the right epoch after wrong ones", &[], 14, &[], &[]),
];

fn session(pair: &mut Pair, version: i16) {
    let topic = format!("fs-{version}");
    let topic = topic.as_str();
    pair.create_topic(topic, 3, &[]);
    let all = [(topic, 0, 0, 1000), (topic, 1, 0, 1000)];
    open(pair, version, "session", &all);
    for (what, appended, epoch, parts, forgotten) in SESSION {
        for partition in *appended {
            add(pair, topic, *partition);
        }
        let parts: Vec<Part<'_>> = parts.iter().map(|it| (topic, it.0, it.1, it.2)).collect();
        let forgotten: Vec<_> = forgotten.iter().map(|index| (topic, *index)).collect();
        continued(
            pair,
            version,
            what,
            *epoch,
            Fetch {
                forgotten,
                ..Fetch::parts(&parts)
            },
        );
    }
    let unknown = Fetch::parts(&[("fs-unknown", 0, 0, 1000)]);
    continued(pair, version, "an unknown topic joins", 15, unknown);
    continued(
        pair,
        version,
        "an unknown topic stays",
        16,
        Fetch::parts(&[]),
    );
    continued(
        pair,
        version,
        "a full request within the session",
        0,
        Fetch::parts(&all),
    );
    continued(
        pair,
        version,
        "the old session is gone",
        17,
        Fetch::parts(&[]),
    );
}

fn continued(pair: &mut Pair, version: i16, what: &str, epoch: i32, fetch: Fetch<'_>) {
    pair.ask(what, |side| {
        let session = (side.number("session"), epoch);
        fetch_request(
            side,
            version,
            Fetch {
                session,
                ..fetch.clone()
            },
        )
    });
}

fn wrong(pair: &mut Pair, version: i16) {
    let topic = format!("fs-{version}");
    let all = [(topic.as_str(), 0, 0, 1000)];
    let with = |side: &Side, session, parts: &[Part<'_>]| {
        fetch_request(
            side,
            version,
            Fetch {
                session,
                ..Fetch::parts(parts)
            },
        )
    };
    pair.ask("an unknown session", |side| with(side, (12345, 1), &[]));
    pair.ask("no session, a later epoch", |side| with(side, (0, 5), &all));
    pair.ask("no session, a negative epoch", |side| {
        with(side, (0, -2), &all)
    });
    pair.ask("a session closed that is none", |side| {
        with(side, (12345, -1), &all)
    });
    pair.ask("a full request with an unknown session", |side| {
        with(side, (12345, 0), &[])
    });
    pair.ask("a full request for nothing", |side| with(side, (0, 0), &[]));
    open(pair, version, "closing", &all);
    pair.ask("closed", |side| {
        with(side, (side.number("closing"), -1), &[])
    });
    pair.ask("closed already", |side| {
        with(side, (side.number("closing"), 1), &[])
    });
}

/// A session whose topic is deleted, and then made anew.
fn outlived(pair: &mut Pair, version: i16) {
    let topic = format!("fs-outlived-{version}");
    let topic = topic.as_str();
    pair.create_topic(topic, 1, &[]);
    open(pair, version, "session", &[(topic, 0, 0, 1000)]);
    let continued = |pair: &mut Pair, what: &str, epoch: i32| {
        pair.ask(what, |side| {
            let session = (side.number("session"), epoch);
            let nothing = Fetch::parts(&[]);
            fetch_request(side, version, Fetch { session, ..nothing })
        });
    };
    pair.ask("delete the topic", |_| {
        delete_request(6, &[(topic, TopicId::ZERO)])
    });
    pair.await_gone(topic);
    continued(pair, "its topic is deleted", 1);
    continued(pair, "its topic stays deleted", 2);
    pair.create_topic(topic, 1, &[]);
    continued(pair, "its topic is made anew", 3);
}

fn open(pair: &mut Pair, version: i16, note: &str, parts: &[Part<'_>]) {
    let answers = pair.ask("a new session", |side| {
        fetch_request(
            side,
            version,
            Fetch {
                session: (0, 0),
                ..Fetch::parts(parts)
            },
        )
    });
    pair.remember(note, &answers, |answer| {
        let answer: FetchResponse<'_> = answer.decode();
        answer.session_id.to_string()
    });
}

fn add(pair: &mut Pair, topic: &str, partition: i32) {
    let batch = plain(&["new"]);
    pair.ask("add", |side| {
        produce(side, 9, -1, &[(topic, partition, Some(&batch))])
    });
}
