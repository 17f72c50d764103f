import tempfile
import unittest
from pathlib import Path

from vs_kafka import bench, brokers, floor, java_tools, kafka_jars, targets
from vs_kafka.bench import Bench
from vs_kafka.loads import Consume, Length, LoadFailed, Produce, failure

PRODUCER = """\
Warmup first 20000 records. Steady state results will print after the complete test summary.
2612 records sent, 520.7 records/sec (0.05 MB/sec), 4665.0 ms avg latency, 4965.0 ms max latency.
40000 records sent, 3020.463641 records/sec (0.29 MB/sec), 4470.24 ms avg latency, 8338.00 ms max latency, 4430 ms 50th, \
7990 ms 95th, 8294 ms 99th, 8338 ms 99.9th.
20000 steady state records sent, 2214.594176 records/sec (0.50 MB/sec), 6387.02 ms avg latency, 8340.00 ms max latency, \
6329 ms 50th, 8188 ms 95th, 8329 ms 99th, 8338 ms 99.9th.
"""
CONSUMER = """\
2026-11-21 10:51:06:608, 2026-11-21 10:51:16:755, 97.6562, 9.6, 100000, 9855.1, 3033, 7114, 13.7273, 14056.7
"""


class JavaToolsTest(unittest.TestCase):
    def test_the_steady_state_counts(self):
        found = java_tools.produced(PRODUCER)
        self.assertEqual(found["produce records/s"], 2214.594176)
        self.assertEqual(found["produce MB/s"], 0.524288)
        self.assertEqual([found[f"produce {name} ms"] for name in ("p50", "p99", "p99.9", "max")], [6329, 8329, 8338, 8340])

    def test_the_time_of_joining_does_not_count(self):
        found = java_tools.consumed(CONSUMER)
        self.assertAlmostEqual(found["consume MB/s"], 13.7273 * 1.048576)
        self.assertEqual(found["consume records/s"], 14056.7)

    def test_end_to_end_percentiles(self):
        found = java_tools.end_to_end("Avg latency: 50.8605 ms\nPercentiles: 50th = 47, 99th = 92, 99.9th = 604\n")
        self.assertEqual(found, {"end-to-end p50 ms": 47, "end-to-end p99 ms": 92, "end-to-end p99.9 ms": 604})

    def test_a_tool_that_tells_nothing_has_failed(self):
        for read, text in ((java_tools.produced, "timeout\n"), (java_tools.end_to_end, ""), (java_tools.consumed, ""),
                           (java_tools.consumed, CONSUMER.replace("100000,", "0,"))):
            with self.assertRaises(LoadFailed):
                read(text)

    def test_records_follow_the_rate_or_the_bytes(self):
        self.assertEqual(java_tools.records_in(Produce(rate=1000), 5), 5000)
        self.assertEqual(java_tools.records_in(Produce(size=800), 2), 200_000)


class BenchTest(unittest.TestCase):
    def test_figures_are_by_kind_and_by_what_was_moved(self):
        total = {"requests": 1, "records": 1000, "bytes": 10 ** 9, "errors": 0, "mb_per_s": 100.0, "records_per_s": 5.0,
                 "requests_per_s": 1.0, "latency_ms": {"p50": 1.0, "p90": 2.0, "p99": 3.0}}
        idle = {**total, "bytes": 0, "records": 0, "latency_ms": {}}
        broker = {"cpu_s": 2.0, "cpu_user_s": 0.5, "cpu_system_s": 1.5, "machine_busy_s": 4.0, "rss_bytes_max": 2 ** 21,
                  "disk_written_bytes": 2 * 10 ** 9}
        found = bench.figures({"totals": {"produce": total, "end-to-end": total, "connect": idle}, "errors": {"x": 3},
                               "broker": broker})
        expected = {"produce MB/s": 100.0, "produce p99 ms": 3.0, "end-to-end p50 ms": 1.0, "errors": 3,
                    "broker CPU s/GB": 1.0, "broker system CPU s/GB": 0.75, "machine CPU s/GB": 2.0,
                    "broker CPU us/record": 1000.0, "broker memory MiB": 2.0, "disk write bytes per byte": 1.0}
        for name, value in expected.items():
            self.assertEqual(found[name], value, name)
        self.assertNotIn("connect MB/s", found)
        self.assertNotIn("produce p90 ms", found)

    def test_loads_become_options(self):
        words = Bench("ringlog", "payload").words(Produce(acks="all", codec="lz4", rate=500, keyed=True), Length(1, 9), "t")
        text = " ".join(words)
        for part in ("produce --topic t", "--acks all", "--compression lz4", "--rate 500", "--keyed", "--idempotence",
                     "--payload-file payload", "--warm-up 1 --duration 9"):
            self.assertIn(part, text)
        text = " ".join(Bench("ringlog", "payload").words(Produce(), Length(1, 9), "t"))
        for part in ("--rate", "--keyed", "--idempotence", "--payload-file"):
            self.assertNotIn(part, text)


class FloorTest(unittest.TestCase):
    def test_a_cost_has_the_names_of_a_brokers(self):
        costs = {stage: {size: {"cpu_s_per_gb": cpu_s, "gb_per_s": 3.5}}
                 for stage, size, cpu_s in (("write", "1000000", 0.5), ("sendfile", "1048576", 0.1), ("send", "1048576", 0.25))}
        produced, consumed, cold = (floor.figures(load, costs) for load in
                                    (Produce(batch=1_000_000), Consume(), Consume(cold=True)))
        self.assertEqual(produced, {"produce MB/s": 3500, targets.CPU: 0.5})
        self.assertEqual(consumed, {"consume MB/s": 3500, targets.CPU: 0.1, targets.BY_SEND: 0.25})
        self.assertEqual(cold, {"consume MB/s": 3500, targets.CPU: 0.1})

    def test_it_measures_what_the_load_does(self):
        with tempfile.TemporaryDirectory() as folder:
            told = Path(folder, "floor")
            told.write_text("#!/bin/sh\necho \"$@\" > $(dirname $0)/words\n"
                            """echo '{"write": {"1000000": {"cpu_s_per_gb": 0.25, "gb_per_s": 3.5}}}'\n""")
            told.chmod(0o700)
            broker = brokers.NoBroker(folder)
            with broker:
                found = floor.Floor(told).run(Produce(batch=1_000_000), broker, Length(1, 9), "t")
            self.assertEqual(found["broker CPU s/GB"], 0.25)
            words = Path(folder, "words").read_text()
            self.assertIn(f"--stages write --sizes 1000000 --mib 1024 --rounds 9 --directory {broker.home}\n", words)
            self.assertFalse(broker.home.exists())


class FailureTest(unittest.TestCase):
    def test_the_reason_comes_first(self):
        text = str(failure("warming up\nringlog: broker refuses\n", ["ringlog", "bench"]))
        self.assertEqual(text.splitlines()[:2], ["ringlog: broker refuses", "ringlog bench"])
        self.assertEqual(str(failure("", ["x"])).splitlines()[0], "it said nothing")


class JarsTest(unittest.TestCase):
    def test_a_release_with_gaps_is_recognised(self):
        output = "[ERROR] ... org.apache.kafka:kafka-tools-api:jar:4.4.0 was not found in https://repo..."
        self.assertEqual(kafka_jars.missing_version(output), "4.4.0")
        self.assertIsNone(kafka_jars.missing_version("[ERROR] no network"))
        self.assertIn("<version>[4.0.0,4.4.0)</version>", kafka_jars.pom("[4.0.0,4.4.0)"))


if __name__ == "__main__":
    unittest.main()
