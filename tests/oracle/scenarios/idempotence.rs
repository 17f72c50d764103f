//! Producer ids, sequences and epochs.

use ringlog::protocol::ApiKey;
use ringlog::protocol::messages::{InitProducerIdRequest, InitProducerIdResponse};

use super::fetch::{Fetch, fetch_request};
use super::produce::append;
use crate::batches::{idempotent, plain};
use crate::client::{Request, request};
use crate::pair::Pair;

/// One batch of the table: epoch, first sequence, how many records.
type Step = (&'static str, i16, i32, usize);

const STEPS: &[Step] = &[
    ("the first batch", 0, 0, 2),
    ("a gap", 0, 3, 1),
    ("the second", 0, 2, 1),
    ("the third", 0, 3, 1),
    ("the fourth", 0, 4, 1),
    ("the fifth", 0, 5, 1),
    ("the sixth", 0, 6, 1),
    ("one back again", 0, 6, 1),
    ("two back again", 0, 5, 1),
    ("three back again", 0, 4, 1),
    ("four back again", 0, 3, 1),
    ("five back again", 0, 2, 1),
    ("six back again", 0, 0, 2),
    ("part of the last again", 0, 6, 2),
    ("far ahead", 0, 100, 1),
    ("from zero again", 0, 0, 1),
    ("the next epoch, not from zero", 1, 7, 1),
    ("the next epoch", 1, 0, 1),
    ("the next epoch, again", 1, 0, 1),
    ("an old epoch", 0, 7, 1),
    ("an epoch far ahead", 9, 0, 1),
    ("an epoch between", 5, 0, 1),
];

/// Sequences that wrap to zero after the largest.
const WRAP: &[Step] = &[
    ("not from zero, unknown producer", 0, i32::MAX - 1, 2),
    ("zero after the largest", 0, 0, 1),
    ("the largest again", 0, i32::MAX - 1, 2),
    ("one after zero", 0, 1, 1),
];

pub fn run(pair: &mut Pair) {
    // Kafka's first answer may be that it has no ids yet.
    pair.until(
        "have producer ids",
        |_| init(4, None, 60_000, (-1, -1)),
        |answer| {
            let answer: InitProducerIdResponse = answer.decode();
            answer.error_code == 0
        },
    );
    init_producer_id(pair);
    for version in pair.versions(ApiKey::Produce) {
        steps(pair, version, "ip", STEPS);
        steps(pair, version, "iw", WRAP);
        steps(
            pair,
            version,
            "ix",
            &[
                ("across the wrap", 0, i32::MAX, 3),
                ("behind the wrap", 0, 2, 1),
            ],
        );
        let bad: &[Step] = &[
            ("a negative epoch", -1, 0, 1),
            ("a negative sequence", 0, -1, 1),
            ("a very negative sequence", 0, -2, 1),
        ];
        steps(pair, version, "ib", bad);
    }
    without_an_id(pair);
}

fn steps(pair: &mut Pair, version: i16, prefix: &str, steps: &[Step]) {
    let topic = format!("{prefix}-{version}");
    pair.create_topic(&topic, 1, &[]);
    new_producer(pair, "producer");
    let values = ["a", "b", "c"];
    for (what, epoch, sequence, count) in steps {
        pair.ask(what, |side| {
            let id = side.number("producer");
            append(
                side,
                version,
                &topic,
                &idempotent(id, *epoch, *sequence, &values[..*count]),
            )
        });
    }
    pair.ask("what lies there", |side| {
        fetch_request(side, 12, Fetch::from(&topic, 0, 0))
    });
}

/// Two batches with producers in one request are told apart from two without.
fn without_an_id(pair: &mut Pair) {
    pair.create_topic("id-two", 1, &[]);
    new_producer(pair, "producer");
    for version in pair.versions(ApiKey::Produce) {
        pair.ask("two idempotent batches at once", |side| {
            let id = side.number("producer");
            let both = [idempotent(id, 0, 0, &["a"]), idempotent(id, 0, 1, &["b"])].concat();
            append(side, version, "id-two", &both)
        });
        pair.ask("one with and one without", |side| {
            let id = side.number("producer");
            let both = [idempotent(id, 0, 0, &["a"]), plain(&["b"])].concat();
            append(side, version, "id-two", &both)
        });
    }
}

fn new_producer(pair: &mut Pair, note: &str) {
    let answers = pair.ask("a new producer", |_| init(4, None, 60_000, (-1, -1)));
    pair.remember(note, &answers, |answer| {
        let answer: InitProducerIdResponse = answer.decode();
        answer.producer_id.to_string()
    });
}

fn init_producer_id(pair: &mut Pair) {
    for version in pair.versions(ApiKey::InitProducerId) {
        for timeout in [0, -1, 1, 60_000, i32::MAX] {
            pair.ask(&format!("timeout {timeout}"), |_| {
                init(version, None, timeout, (-1, -1))
            });
        }
        pair.ask("an empty transactional id", |_| {
            init(version, Some(""), 60_000, (-1, -1))
        });
        for timeout in [0, i32::MAX] {
            pair.ask("a timeout that no transaction may have", |_| {
                init(version, Some("transaction"), timeout, (-1, -1))
            });
        }
        if version >= 3 {
            pair.ask("a producer id of its own", |_| {
                init(version, None, 60_000, (5, 0))
            });
            pair.ask("an epoch without an id", |_| {
                init(version, None, 60_000, (-1, 0))
            });
            pair.ask("an id without an epoch", |_| {
                init(version, None, 60_000, (5, -1))
            });
            pair.ask("a negative id", |_| init(version, None, 60_000, (-2, 0)));
        }
    }
}

fn init(version: i16, id: Option<&str>, timeout: i32, producer: (i64, i16)) -> Request {
    request(
        version,
        &InitProducerIdRequest {
            transactional_id: id,
            transaction_timeout_ms: timeout,
            producer_id: producer.0,
            producer_epoch: producer.1,
            ..InitProducerIdRequest::default()
        },
    )
}
