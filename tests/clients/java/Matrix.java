import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.function.BooleanSupplier;
import java.util.stream.IntStream;
import java.util.zip.CRC32;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.PartitionInfo;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** Apache Kafka's own Java client: the four phases of ../README.md. */
public class Matrix {
    static final String[] CODECS = {"none", "gzip", "snappy", "lz4", "zstd"};
    static final String[][] MODES =
            {{"acks0", "0", "false"}, {"acks1", "1", "false"}, {"all", "all", "false"}, {"idempotent", "all", "true"}};
    static final List<String> GROUP_TOPICS = List.of("group-one", "group-twelve");
    static final int PER_TAG = 60;
    static final int RUN = 600;
    static final Duration PATIENCE = Duration.ofSeconds(90);
    static final String TEXT = "the quick brown fox jumps over the lazy dog 0123456789 ".repeat(20);

    public static void main(String[] args) {
        try {
            List<String> tags = codecsAndAcks();
            List<Long> before = List.of(complete("one", tags), complete("twelve", tags));
            positions();
            int redelivered = groupOfThree();
            List<Long> after = List.of(complete("one", tags), complete("twelve", tags));
            check(before.equals(after), "the topics read differently after the restart");
            System.out.printf("{\"client\": \"java\", \"ok\": true, \"codecs\": \"%s\", \"records\": %d, \"redelivered\": %d}%n",
                    String.join(" ", CODECS), 2 * tags.size() * PER_TAG, redelivered);
            System.exit(0);
        } catch (Throwable failure) {
            System.out.println("java: " + failure.getMessage());
            failure.printStackTrace(System.out);
            System.exit(1);
        }
    }

    static List<String> codecsAndAcks() throws Exception {
        List<String> tags = new ArrayList<>();
        for (String codec : CODECS) {
            for (String[] mode : MODES) {
                String tag = codec + "-" + mode[0];
                try (Producer producer = new Producer(codec, mode[1], mode[2])) {
                    for (int seq = 0; seq < PER_TAG; seq++) {
                        for (String topic : List.of("one", "twelve")) {
                            producer.send(topic, "key-" + seq % 24, value(tag, seq), null);
                        }
                    }
                    producer.flush();
                }
                tags.add(tag);
            }
        }
        return tags;
    }

    /** Reads a whole topic; acks=0 may still be on its way, so the end is waited for. */
    static long complete(String topic, List<String> tags) throws Exception {
        long expected = (long) tags.size() * PER_TAG;
        Map<String, Integer> seen = new HashMap<>();
        CRC32 checksum = new CRC32();
        try (KafkaConsumer<byte[], byte[]> reader = consumer(Map.of())) {
            waitFor(expected + " records in " + topic,
                    () -> ends(reader, topic).values().stream().mapToLong(end -> end).sum() >= expected);
            Map<TopicPartition, Long> ends = ends(reader, topic);
            for (int partition = 0; partition < ends.size(); partition++) {
                TopicPartition where = new TopicPartition(topic, partition);
                Map<String, Integer> last = new HashMap<>();
                long place = 0;
                for (ConsumerRecord<byte[], byte[]> record : read(reader, where, 0, ends.get(where).intValue())) {
                    check(record.offset() == place++, where + ": a gap before " + record.offset());
                    Parsed parsed = parse(record.value());
                    Integer previous = last.put(parsed.tag, parsed.seq);
                    check(previous == null || previous < parsed.seq, where + ": " + parsed + " after " + previous);
                    seen.merge(parsed.tag, 1, Integer::sum);
                    checksum.update(record.value());
                }
            }
        }
        for (String tag : tags) {
            check(seen.getOrDefault(tag, 0) == PER_TAG, topic + ": " + tag + " has " + seen.get(tag) + " records");
        }
        return checksum.getValue();
    }

    static void positions() throws Exception {
        long base = System.currentTimeMillis() - 3_600_000;
        TopicPartition where = new TopicPartition("positions", 0);
        for (int half = 0; half < 2; half++) {
            try (Producer producer = new Producer(half == 0 ? "none" : "zstd", "all", "false")) {
                for (int seq = half * 50; seq < half * 50 + 50; seq++) {
                    producer.send("positions", "k", value("positions", seq), base + seq * 1000L);
                }
                producer.flush();
            }
        }
        try (KafkaConsumer<byte[], byte[]> reader = consumer(Map.of())) {
            expect(read(reader, where, 0, 100), 0, "from the start");
            expect(read(reader, where, 40, 60), 40, "from offset 40");
            long found = reader.offsetsForTimes(Map.of(where, base + 69_500)).get(where).offset();
            expect(read(reader, where, found, 30), 70, "from a timestamp");
            check(reader.offsetsForTimes(Map.of(where, base + 3_700_000)).get(where) == null, "a time to come");
            long end = reader.endOffsets(List.of(where)).get(where);
            try (Producer producer = new Producer("none", "all", "false")) {
                producer.send("positions", "k", value("positions", 100), null);
                producer.flush();
            }
            expect(read(reader, where, end, 1), 100, "from the end");
        }
    }

    static void expect(List<ConsumerRecord<byte[], byte[]>> records, int first, String what) {
        for (int at = 0; at < records.size(); at++) {
            int seq = parse(records.get(at).value()).seq;
            check(seq == first + at, what + ": " + seq + " instead of " + (first + at));
        }
    }

    /** Reads exactly `count` records of one partition. */
    static List<ConsumerRecord<byte[], byte[]>> read(
            KafkaConsumer<byte[], byte[]> reader, TopicPartition where, long from, int count) {
        reader.assign(List.of(where));
        reader.seek(where, from);
        List<ConsumerRecord<byte[], byte[]>> records = new ArrayList<>();
        waitFor(count + " records of " + where, () -> {
            if (records.size() < count) {
                reader.poll(Duration.ofMillis(200)).forEach(records::add);
            }
            return records.size() >= count;
        });
        check(records.size() == count, where + ": " + records.size() + " records instead of " + count);
        return records;
    }

    static Map<TopicPartition, Long> ends(KafkaConsumer<byte[], byte[]> reader, String topic) {
        List<PartitionInfo> partitions = reader.partitionsFor(topic);
        return reader.endOffsets(partitions.stream().map(p -> new TopicPartition(topic, p.partition())).toList());
    }

    static KafkaConsumer<byte[], byte[]> consumer(Map<String, Object> more) {
        Map<String, Object> config = new HashMap<>(Map.of(
                "bootstrap.servers", System.getenv("BOOTSTRAP"), "enable.auto.commit", false,
                "auto.offset.reset", "earliest", "fetch.max.wait.ms", 100));
        config.putAll(more);
        return new KafkaConsumer<>(config, new ByteArrayDeserializer(), new ByteArrayDeserializer());
    }

    /** A producer that remembers the first failure. */
    static class Producer implements AutoCloseable {
        private final KafkaProducer<byte[], byte[]> inner;
        private volatile Exception failure;

        Producer(String codec, String acks, String idempotent) {
            inner = new KafkaProducer<>(Map.of(
                    "bootstrap.servers", System.getenv("BOOTSTRAP"), "compression.type", codec, "acks", acks,
                    "enable.idempotence", idempotent, "linger.ms", 5, "reconnect.backoff.max.ms", 500),
                    new ByteArraySerializer(), new ByteArraySerializer());
        }

        void send(String topic, String key, String value, Long timestamp) {
            byte[] bytes = value.getBytes(StandardCharsets.UTF_8);
            var record = new ProducerRecord<>(topic, null, timestamp, key.getBytes(StandardCharsets.UTF_8), bytes);
            inner.send(record, (metadata, error) -> failure = failure == null ? error : failure);
        }

        void flush() throws Exception {
            inner.flush();
            if (failure != null) {
                throw failure;
            }
        }

        @Override
        public void close() {
            inner.close();
        }
    }

    /** What the group has been given and what it has committed. */
    static class Ledger {
        private final Map<TopicPartition, Long> next = new HashMap<>();
        private final Map<TopicPartition, Long> committed = new HashMap<>();
        private final Map<TopicPartition, List<byte[]>> values = new HashMap<>();
        private int count;
        private int redelivered;
        private Throwable failure;

        synchronized void delivered(ConsumerRecord<byte[], byte[]> record) {
            TopicPartition where = new TopicPartition(record.topic(), record.partition());
            List<byte[]> seen = values.computeIfAbsent(where, unseen -> new ArrayList<>());
            long offset = record.offset();
            check(offset <= seen.size(), where + ": " + offset + " delivered, " + seen.size() + " skipped");
            check(offset >= committed.getOrDefault(where, 0L), where + ": " + offset + " came after its commit");
            if (offset < seen.size()) {
                redelivered++;
                check(Arrays.equals(seen.get((int) offset), record.value()), where + ": two values at " + offset);
                return;
            }
            seen.add(record.value());
            count++;
        }

        synchronized void acknowledged(Map<TopicPartition, OffsetAndMetadata> offsets) {
            offsets.forEach((where, offset) -> committed.merge(where, offset.offset(), Math::max));
        }

        synchronized int count() {
            check(failure == null, "a member failed: " + failure);
            return count;
        }
    }

    /** A member of the group in its own thread: poll, note, commit; leaves when told. */
    static class Member extends Thread {
        private final Ledger ledger;
        private volatile boolean leaving;
        volatile int partitions;

        Member(Ledger ledger) {
            this.ledger = ledger;
            start();
        }

        @Override
        public void run() {
            Map<String, Object> config =
                    Map.of("group.id", "matrix", "session.timeout.ms", 10_000, "heartbeat.interval.ms", 300);
            try (KafkaConsumer<byte[], byte[]> consumer = consumer(config)) {
                consumer.subscribe(GROUP_TOPICS);
                while (!leaving) {
                    Map<TopicPartition, OffsetAndMetadata> handled = new HashMap<>();
                    for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(100))) {
                        ledger.delivered(record);
                        TopicPartition where = new TopicPartition(record.topic(), record.partition());
                        handled.put(where, new OffsetAndMetadata(record.offset() + 1));
                    }
                    partitions = consumer.assignment().size();
                    commit(consumer, handled);
                }
            } catch (Throwable failure) {
                ledger.failure = failure;
            }
        }

        /** A commit that fails (a rebalance, the broker is down) leaves its records to be delivered again. */
        private void commit(KafkaConsumer<byte[], byte[]> consumer, Map<TopicPartition, OffsetAndMetadata> handled) {
            try {
                if (!handled.isEmpty()) {
                    consumer.commitSync(handled);
                    ledger.acknowledged(handled);
                }
            } catch (KafkaException failure) {
                System.out.println("commit: " + failure);
            }
        }

        void leave() {
            leaving = true;
            try {
                join(PATIENCE.toMillis());
            } catch (InterruptedException interrupted) {
                throw new IllegalStateException(interrupted);
            }
            check(!isAlive(), "a member does not leave");
        }
    }

    static int groupOfThree() throws Exception {
        Ledger ledger = new Ledger();
        try (Producer producer = new Producer("none", "all", "true")) {
            produce(producer, "first", () -> { });
            Member a = new Member(ledger), b = new Member(ledger), c = new Member(ledger);
            settled("three members to share the topics", ledger, RUN, a, b, c);
            produce(producer, "second", c::leave);
            settled("two members to take over", ledger, 2 * RUN, a, b);
            Member d = new Member(ledger);
            produce(producer, "third", Matrix::restartBroker);
            settled("three members after a restart", ledger, 3 * RUN, a, b, d);
            List.of(a, b, d).forEach(Member::leave);
        }
        verify(ledger);
        return ledger.redelivered;
    }

    /** Sends a run of records; `between` happens while its second half is sent. */
    static void produce(Producer producer, String tag, Runnable between) throws Exception {
        Thread other = new Thread(between);
        for (int seq = 0; seq < RUN; seq++) {
            if (seq == RUN / 2) {
                other.start();
            }
            String topic = GROUP_TOPICS.get(seq % 4 == 0 ? 0 : 1);
            producer.send(topic, "key-" + seq % 50, value(tag, seq), null);
        }
        other.join();
        producer.flush();
    }

    static void settled(String what, Ledger ledger, int produced, Member... members) {
        waitFor(what, () -> {
            int[] held = Arrays.stream(members).mapToInt(member -> member.partitions).toArray();
            return ledger.count() == produced
                    && IntStream.of(held).allMatch(n -> n > 0) && IntStream.of(held).sum() == 13;
        });
    }

    /** Every record is in the log once and in order, and the committed offsets are the ends. */
    static void verify(Ledger ledger) throws ExecutionException {
        Set<String> distinct = new HashSet<>();
        try (KafkaConsumer<byte[], byte[]> reader = consumer(Map.of("group.id", "matrix"))) {
            for (String topic : GROUP_TOPICS) {
                Map<TopicPartition, Long> ends = ends(reader, topic);
                Map<TopicPartition, OffsetAndMetadata> committed = reader.committed(ends.keySet());
                ends.forEach((where, end) -> {
                    OffsetAndMetadata found = committed.get(where);
                    check(end == 0 || found != null && found.offset() == end, where + ": committed " + found + ", end " + end);
                    check(ledger.values.getOrDefault(where, List.of()).size() == end, where + ": not all delivered");
                });
            }
        }
        ledger.values.forEach((where, values) -> {
            Map<String, Integer> last = new HashMap<>();
            for (byte[] value : values) {
                Parsed parsed = parse(value);
                Integer previous = last.put(parsed.tag, parsed.seq);
                check(previous == null || previous < parsed.seq, where + ": " + parsed + " after " + previous);
                distinct.add(parsed.toString());
            }
        });
        check(distinct.size() == 3 * RUN && ledger.count() == 3 * RUN, distinct.size() + " distinct of " + ledger.count());
    }

    static void restartBroker() {
        System.out.println("@restart");
        try {
            String answer = new BufferedReader(new InputStreamReader(System.in)).readLine();
            check("restarted".equals(answer), "the test answers @restart");
        } catch (java.io.IOException failure) {
            throw new IllegalStateException(failure);
        }
    }

    record Parsed(String tag, int seq) { }

    static String value(String tag, int seq) {
        String body = seq * 7919L % 1_000_003 + ":" + TEXT.substring(0, seq * 37 % 900);
        return tag + "|" + seq + "|" + crc(body) + "|" + body;
    }

    static Parsed parse(byte[] data) {
        String[] parts = new String(data, StandardCharsets.UTF_8).split("\\|", 4);
        check(parts.length == 4 && crc(parts[3]).equals(parts[2]), "checksum of " + parts[0]);
        return new Parsed(parts[0], Integer.parseInt(parts[1]));
    }

    static String crc(String text) {
        CRC32 crc = new CRC32();
        crc.update(text.getBytes(StandardCharsets.UTF_8));
        return String.format("%08x", crc.getValue());
    }

    static void waitFor(String what, BooleanSupplier ready) {
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        while (!ready.getAsBoolean()) {
            check(System.nanoTime() < deadline, "waited " + PATIENCE + " for " + what);
            try {
                Thread.sleep(20);
            } catch (InterruptedException interrupted) {
                throw new IllegalStateException(interrupted);
            }
        }
    }

    static void check(boolean condition, String what) {
        if (!condition) {
            throw new AssertionError(what);
        }
    }
}
