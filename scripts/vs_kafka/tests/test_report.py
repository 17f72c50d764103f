import json
import tempfile
import unittest
from html.parser import HTMLParser
from pathlib import Path

from vs_kafka import markdown, page, report
from vs_kafka.report import Report
from vs_kafka.rounds import Run
from vs_kafka.scenarios import BENCH


def runs(busy=()):
    found = [Run("acks-all", BENCH, name, number, {"produce MB/s": value * number, "produce max ms": 3.0}, busy=list(busy))
             for number in (1, 2, 3) for name, value in (("ringlog", 300), ("kafka", 100), ("kafka-flush", 20))]
    return [*found, Run("start", "none", "kafka", 1, failed="it <did> not start\nmore")]


def sample(**more):
    return Report(["2 CPUs & more"], {"acks-all": "produce <all>", "start": "start"}, runs(**more))


class Balance(HTMLParser):
    """Fails on tags that do not match."""
    EMPTY = {"meta"}

    def __init__(self):
        super().__init__()
        self.open, self.seen = [], []

    def handle_starttag(self, tag, attrs):
        self.seen.append(tag)
        if tag not in self.EMPTY:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.seen.append(tag)

    def handle_endtag(self, tag):
        assert self.open and self.open.pop() == tag, f"</{tag}>"


class ReportTest(unittest.TestCase):
    def test_the_table_has_medians_spreads_and_ratios(self):
        text = markdown.document(sample())
        self.assertIn("| 600 (300-900) | 200 (100-300) | 3.00x | 40.0 (20.0-60.0) | 15.0x |", text)
        self.assertIn("| ≥ 3.00 | 3.00 | met |", text)
        self.assertIn("- start (none), round 1, Kafka: it <did> not start\n", text)
        self.assertNotIn("max ms", text)
        self.assertNotIn("busy in", text)

    def test_the_floor_has_columns_where_it_was_measured(self):
        more = [Run("acks-all", BENCH, "floor", 1, {"produce MB/s": 1200})]
        told = Report([], {"acks-all": "produce"}, runs()[:-1] + more)
        self.assertIn("| Kafka, flush.messages=1 | ratio | Floor | ratio |", markdown.document(told))
        self.assertIn("| 15.0x | 1,200 | 0.500x |", markdown.document(told))
        self.assertIn("<th>Ringlog / Floor</th>", page.document(told))
        self.assertNotIn("Floor", markdown.document(sample()))

    def test_the_rows_of_a_table_are_as_wide_as_its_header(self):
        for table in markdown.document(sample()).split("\n\n"):
            rows = [line for line in table.splitlines() if line.startswith("|")]
            self.assertLessEqual(len({row.count("|") for row in rows}), 1, table)

    def test_a_machine_that_stayed_busy_is_told(self):
        text = markdown.document(sample(busy=["load"]))
        self.assertIn("stayed busy in 9 of the 9", text)
        self.assertIn("| 600 (300-900)\\* |", text)
        self.assertIn("| met, on a busy machine |", text)
        self.assertIn("stayed busy in 9 of the 9", page.document(sample(busy=["load"])))

    def test_the_page_is_sound_and_needs_nothing_but_itself(self):
        text = page.document(sample())
        balance = Balance()
        balance.feed(text)
        self.assertEqual(balance.open, [])
        self.assertEqual(balance.seen.count("svg"), 1)
        self.assertEqual(balance.seen.count("circle"), 9)
        for fetched in ("http:", "https:", "<script", "<link", "src=", "url(", "@import", "produce <all>", "<did>"):
            self.assertNotIn(fetched, text)

    def test_places_are_within_the_line(self):
        self.assertEqual(page.place(0, 5), page.LEFT)
        self.assertEqual(page.place(5, 5), page.WIDTH - page.RIGHT)

    def test_all_files_are_written_whole(self):
        with tempfile.TemporaryDirectory() as folder:
            report.write(sample(), folder)
            self.assertEqual({path.name for path in Path(folder).iterdir()}, {"results.json", "table.md", "index.html"})
            stored = json.loads(Path(folder, "results.json").read_text())
            self.assertEqual(len(stored["runs"]), 10)
            self.assertEqual(stored["runs"][0]["figures"]["produce MB/s"], 300)


if __name__ == "__main__":
    unittest.main()
