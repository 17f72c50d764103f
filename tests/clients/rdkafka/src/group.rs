//! Phase 3: a group of three, a member that leaves, one that joins, a broker that dies.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io::BufRead;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use rdkafka::Offset;
use rdkafka::TopicPartitionList;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::message::Message;

use crate::link::{Acks, MatrixProducer, config, end_offsets, producer};
use crate::{value, wait_for};

const TOPICS: [&str; 2] = ["group-one", "group-twelve"];
const RUN: usize = 600;
/// A member commits after this many records at the latest, and whenever nothing comes.
const COMMIT_EVERY: usize = 100;

type Place = (String, i32);

/// What the group has been given and what it has committed.
#[derive(Default)]
struct Ledger {
    next: HashMap<Place, i64>,
    committed: HashMap<Place, i64>,
    values: BTreeMap<(String, i32, i64), Vec<u8>>,
    redelivered: usize,
}

impl Ledger {
    fn delivered(&mut self, place: Place, offset: i64, data: &[u8]) {
        let next = self.next.entry(place.clone()).or_default();
        assert!(
            offset <= *next,
            "{place:?}: {offset} delivered, {next} skipped"
        );
        let committed = self.committed.get(&place).copied().unwrap_or_default();
        assert!(
            offset >= committed,
            "{place:?}: {offset} came after the commit of {committed}"
        );
        let spot = (place.0.clone(), place.1, offset);
        if offset < *next {
            self.redelivered += 1;
            assert_eq!(
                self.values[&spot], data,
                "{place:?}: two values at {offset}"
            );
            return;
        }
        *next += 1;
        self.values.insert(spot, data.to_vec());
    }
}

/// A member of the group in its own thread: poll, note, commit; leaves when told.
struct Member {
    leaving: Arc<AtomicBool>,
    partitions: Arc<AtomicUsize>,
    thread: JoinHandle<()>,
}

impl Member {
    fn join(ledger: &Arc<Mutex<Ledger>>) -> Member {
        let (leaving, partitions) = (Arc::<AtomicBool>::default(), Arc::<AtomicUsize>::default());
        let (leave, count, ledger) = (
            Arc::clone(&leaving),
            Arc::clone(&partitions),
            Arc::clone(ledger),
        );
        let thread = std::thread::spawn(move || {
            let failed = std::panic::catch_unwind(|| handle(&ledger, &leave, &count)).is_err();
            if failed {
                std::process::exit(1);
            }
        });
        Member {
            leaving,
            partitions,
            thread,
        }
    }

    fn leave(self) {
        self.leaving.store(true, Ordering::Relaxed);
        self.thread.join().expect("a member that leaves");
    }
}

fn handle(ledger: &Mutex<Ledger>, leave: &AtomicBool, partitions: &AtomicUsize) {
    let mut config = config();
    config
        .set("group.id", "matrix")
        .set("auto.offset.reset", "earliest");
    config
        .set("enable.auto.commit", "false")
        .set("session.timeout.ms", "10000");
    config.set("heartbeat.interval.ms", "300");
    let consumer: BaseConsumer = config.create().expect("a consumer");
    consumer.subscribe(&TOPICS).expect("a subscription");
    while !leave.load(Ordering::Relaxed) {
        let (mut handled, mut noted) = (HashMap::<Place, i64>::new(), 0);
        while let Some(Ok(message)) = consumer.poll(Duration::from_millis(50)) {
            let place = (message.topic().to_owned(), message.partition());
            let data = message.payload().unwrap_or_default();
            ledger
                .lock()
                .expect("no panic")
                .delivered(place.clone(), message.offset(), data);
            handled.insert(place, message.offset() + 1);
            noted += 1;
            if noted == COMMIT_EVERY {
                break;
            }
        }
        partitions.store(
            consumer.assignment().map_or(0, |a| a.count()),
            Ordering::Relaxed,
        );
        commit(&consumer, ledger, handled);
    }
}

/// A commit that fails (a rebalance, the broker is down) leaves its records to be delivered again.
fn commit(consumer: &BaseConsumer, ledger: &Mutex<Ledger>, handled: HashMap<Place, i64>) {
    let mut offsets = TopicPartitionList::new();
    for ((topic, partition), next) in &handled {
        offsets
            .add_partition_offset(topic, *partition, Offset::Offset(*next))
            .expect("an offset");
    }
    if handled.is_empty() {
        return;
    }
    match consumer.commit(&offsets, CommitMode::Sync) {
        Err(error) => println!("commit: {error}"),
        Ok(()) => {
            let committed = &mut ledger.lock().expect("no panic").committed;
            for (place, next) in handled {
                let known = committed.entry(place).or_default();
                *known = next.max(*known);
            }
        }
    }
}

/// Runs the phase; gives the number of records that were delivered a second time.
pub fn group_of_three() -> usize {
    let ledger = Arc::<Mutex<Ledger>>::default();
    let producer = producer("none", Acks::Idempotent);
    produce(&producer, "first", || ());
    let [a, b, c] = [(); 3].map(|()| Member::join(&ledger));
    settled(
        "three members to share the topics",
        &ledger,
        RUN,
        &[&a, &b, &c],
    );
    produce(&producer, "second", || c.leave());
    settled("two members to take over", &ledger, 2 * RUN, &[&a, &b]);
    let d = Member::join(&ledger);
    produce(&producer, "third", restart_broker);
    settled(
        "three members after a restart",
        &ledger,
        3 * RUN,
        &[&a, &b, &d],
    );
    [a, b, d].into_iter().for_each(Member::leave);
    committed_is_end();
    exactly_once(&ledger.lock().expect("no panic"));
    ledger.lock().expect("no panic").redelivered
}

/// Sends a run of records; `between` happens while its second half is sent.
fn produce(producer: &MatrixProducer, tag: &str, between: impl FnOnce() + Send) {
    let send = |seq: usize| {
        let topic = if seq.is_multiple_of(4) {
            "group-one"
        } else {
            "group-twelve"
        };
        producer.send(
            topic,
            &format!("key-{}", seq % 50),
            &value::make(tag, seq),
            None,
        );
    };
    (0..RUN / 2).for_each(send);
    std::thread::scope(|scope| {
        scope.spawn(between);
        (RUN / 2..RUN).for_each(send);
    });
    producer.flush();
}

fn settled(what: &str, ledger: &Mutex<Ledger>, produced: usize, members: &[&Member]) {
    wait_for(what, || {
        let held = members.iter().map(|m| m.partitions.load(Ordering::Relaxed));
        let all = ledger.lock().expect("no panic").values.len() == produced;
        all && held.clone().all(|count| count > 0) && held.sum::<usize>() == 13
    });
}

fn restart_broker() {
    println!("@restart");
    let mut line = String::new();
    std::io::stdin()
        .lock()
        .read_line(&mut line)
        .expect("an answer");
    assert_eq!(line.trim(), "restarted");
}

fn committed_is_end() {
    let consumer: BaseConsumer = config()
        .set("group.id", "matrix")
        .create()
        .expect("a consumer");
    for topic in TOPICS {
        for (partition, end) in end_offsets(topic).into_iter().filter(|(_, end)| *end > 0) {
            let mut wanted = TopicPartitionList::new();
            wanted.add_partition(topic, partition);
            let found = consumer
                .committed_offsets(wanted, crate::PATIENCE)
                .expect("offsets");
            assert_eq!(
                found.elements()[0].offset(),
                Offset::Offset(end),
                "{topic}-{partition}"
            );
        }
    }
}

fn exactly_once(ledger: &Ledger) {
    let in_log: i64 = TOPICS
        .iter()
        .flat_map(|topic| end_offsets(topic).into_values())
        .sum();
    let (mut distinct, mut last) = (HashSet::new(), HashMap::new());
    for ((topic, partition, _), data) in &ledger.values {
        let (tag, seq) = value::parse(data);
        let previous = last.insert((topic, partition, tag.clone()), seq);
        assert!(
            previous.is_none_or(|p| p < seq),
            "{topic}-{partition}: {tag}|{seq} after {previous:?}"
        );
        distinct.insert((tag, seq));
    }
    assert_eq!(
        (in_log as usize, distinct.len()),
        (3 * RUN, 3 * RUN),
        "in the log, distinct"
    );
}
