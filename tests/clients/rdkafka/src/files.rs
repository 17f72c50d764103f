//! The producing side of the real-input test: each line of each file is a record, keyed by the path.

use std::fs;
use std::time::{Duration, Instant};

use crate::link::{MatrixProducer, config};

/// A report this often lets the test kill the broker at many points of the way.
const REPORT_EVERY: Duration = Duration::from_millis(50);

/// Produces the files named in `list` (lines of `key<TAB>path`) and reports `@acked N` on the way.
/// Every record is delivered, or the program fails: it never gives up while the broker is away.
pub fn produce(list: &str, topic: &str) {
    let mut config = config();
    config
        .set("enable.idempotence", "true")
        .set("linger.ms", "20")
        .set("compression.type", "lz4");
    config
        .set("message.timeout.ms", "600000")
        .set("queue.buffering.max.messages", "200000");
    config
        .set("retry.backoff.max.ms", "200")
        .set("message.max.bytes", "900000");
    let producer = MatrixProducer::create(&config);
    let (mut sent, mut reported) = (0_u64, Instant::now());
    for line in fs::read_to_string(list).expect("a list of files").lines() {
        let (key, path) = line.split_once('\t').expect("a key and a path");
        let text = fs::read(path).expect("a file of the list");
        for record in text.split(|byte| *byte == b'\n') {
            producer.send(topic, key, record, None);
            sent += 1;
            if sent.is_multiple_of(256) && reported.elapsed() > REPORT_EVERY {
                println!("@acked {}", producer.delivered());
                reported = Instant::now();
            }
        }
    }
    while producer.delivered() < sent {
        println!("@acked {}", producer.delivered());
        std::thread::sleep(REPORT_EVERY);
    }
    producer.flush();
    assert_eq!(producer.delivered(), sent, "deliveries, records");
    println!("{{\"client\": \"rdkafka\", \"ok\": true, \"records\": {sent}}}");
}
