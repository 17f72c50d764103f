import unittest

from vs_kafka import summary, targets
from vs_kafka.rounds import Run
from vs_kafka.scenarios import BENCH, scenarios


def run(contestant, value, **more):
    return Run("acks-all", BENCH, contestant, 1, {"produce MB/s": value}, **more)


class SummaryTest(unittest.TestCase):
    def test_medians_spreads_and_ratios(self):
        runs = [run("ringlog", value) for value in (300, 100, 320)] + [run("kafka", value) for value in (90, 100, 110, 140)]
        row, = summary.rows(runs)
        ours, theirs = row.spreads["ringlog"], row.spreads["kafka"]
        self.assertEqual((ours.median, ours.low, ours.high, ours.values), (300, 100, 320, (300, 100, 320)))
        self.assertEqual(theirs.median, 105)
        self.assertAlmostEqual(row.ratio("ringlog", "kafka"), 300 / 105)
        self.assertIsNone(row.ratio("ringlog", "kafka-flush"))

    def test_what_was_thrown_away_or_failed_does_not_count(self):
        runs = [run("ringlog", 1, discarded=True, busy=["x"]), run("ringlog", 2, busy=["x"]), run("ringlog", 4),
                run("ringlog", 9, failed="why")]
        row, = summary.rows(runs)
        self.assertEqual((row.spreads["ringlog"].values, row.spreads["ringlog"].busy), ((2, 4), 1))
        self.assertEqual(summary.counts(runs), summary.Counts(counted=2, busy=1, discarded=1, failed=1))

    def test_nothing_is_divided_by_nothing(self):
        row, = summary.rows([run("ringlog", 5), run("kafka", 0)])
        self.assertIsNone(row.ratio("ringlog", "kafka"))
        self.assertIsNone(summary.spread_of([], "acks-all", BENCH, "kafka", "produce MB/s"))

    def test_three_digits_matter(self):
        cases = {0: "0", 0.0123: "0.012", 0.25: "0.250", 1.234: "1.23", 9.996: "10.0", 45.64: "45.6", 1234567.8: "1,234,568"}
        for value, expected in cases.items():
            self.assertEqual(summary.digits(value), expected)


class TargetsTest(unittest.TestCase):
    def verdict(self, runs, what):
        return next(each for each in targets.verdicts(runs) if what in each.target.what)

    def test_a_target_is_met_by_its_own_bound_only(self):
        runs = [run("ringlog", 400), run("kafka", 100), run("kafka-flush", 80, busy=["x"])]
        met = self.verdict(runs, "one producer: MB/s, of Kafka's without fsync")
        self.assertEqual((met.seen, met.met, met.busy), (4, True, False))
        missed = self.verdict(runs, "one producer: MB/s, of Kafka's with flush.messages=1")
        self.assertEqual((missed.seen, missed.met, missed.busy), (5, False, True))
        self.assertIsNone(self.verdict(runs, "quiet acks=1: p50").seen)

    def test_the_floor_is_what_a_broker_is_measured_by(self):
        runs = [Run("batch-1m", BENCH, name, 1, {targets.CPU: value}) for name, value in (("ringlog", 0.5), ("floor", 0.2))]
        missed = self.verdict(runs, "requests of 1 MB")
        self.assertEqual((missed.seen, missed.met), (2.5, False))
        self.assertIsNone(self.verdict(runs[:1], "requests of 1 MB").seen)
        runs = [Run("consume-1", BENCH, "ringlog", 1, {targets.CPU: 0.3}),
                Run("consume-1", BENCH, "floor", 1, {targets.CPU: 0.1, targets.BY_SEND: 0.25})]
        self.assertAlmostEqual(self.verdict(runs, "hot: broker CPU per GB, of the floor's by sendfile").seen, 3)
        self.assertAlmostEqual(self.verdict(runs, "hot: broker CPU per GB, of the floor's by send").seen, 1.2)

    def test_every_target_is_of_a_scenario_that_measures_it(self):
        known = {each.name: each for each in scenarios(5)}
        for target in targets.TARGETS:
            self.assertIn(target.driver, known[target.scenario].drivers, target.what)
            self.assertTrue(not target.contestant or target.contestant in known[target.scenario].contestants, target.what)
            self.assertTrue(not target.beside or target.beside in known, target.what)


if __name__ == "__main__":
    unittest.main()
