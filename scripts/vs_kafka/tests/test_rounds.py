import unittest

from vs_kafka import rounds
from vs_kafka.rounds import Run


def scripted(*outcomes):
    """An attempt that has these outcomes, one after the other: quiet, busy or failed."""
    left = iter(outcomes)

    def attempt():
        outcome = next(left)
        return Run("s", "d", "ringlog", 1, busy=["load"] if outcome == "busy" else [],
                   failed="why" if outcome == "failed" else "")
    return attempt


class RoundsTest(unittest.TestCase):
    def test_turns_alternate(self):
        self.assertEqual(list(rounds.in_turns(2, ("a", "b"))), [(1, "a"), (1, "b"), (2, "a"), (2, "b")])

    def test_busy_runs_are_repeated_until_one_is_quiet(self):
        runs = rounds.attempts(scripted("busy", "busy", "quiet"), repeats=5)
        self.assertEqual([(run.discarded, bool(run.busy)) for run in runs], [(True, True), (True, True), (False, False)])

    def test_repeating_has_a_bound_and_leaves_a_mark(self):
        runs = rounds.attempts(scripted("busy", "busy", "busy"), repeats=2)
        self.assertEqual([(run.discarded, bool(run.busy)) for run in runs], [(True, True), (True, True), (False, True)])
        self.assertEqual(len(rounds.attempts(scripted("busy"), repeats=0)), 1)

    def test_what_failed_is_not_tried_again(self):
        runs = rounds.attempts(scripted("busy", "failed"), repeats=5)
        self.assertEqual([(run.discarded, run.failed) for run in runs], [(True, ""), (False, "why")])


if __name__ == "__main__":
    unittest.main()
