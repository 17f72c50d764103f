import os
import time
import unittest

from vs_kafka import process
from vs_kafka.process import KTHREADD, Stat


class ProcessTest(unittest.TestCase):
    def test_a_name_may_hold_what_separates(self):
        tail = "S 7 7 7 0 -1 4194560 100 0 0 0 300 100 50 25 20 0 5 0 99"
        for name in ("ringlog", "a b", "x) R 9 9 9", ")"):
            stat = process.parse_stat(f"42 ({name}) {tail}\n")
            ticks = process.TICKS_PER_SECOND
            self.assertEqual(stat, Stat(7, 300 / ticks, 100 / ticks, 75 / ticks), name)

    def test_idle_and_waiting_are_not_busy(self):
        busy, stolen = process.parse_machine("cpu  1 20 300 4000 50000 600000 7000000 80000000 1 1\ncpu0 1\n")
        self.assertEqual((busy, stolen), (7_600_321 / process.TICKS_PER_SECOND, 80_000_000 / process.TICKS_PER_SECOND))

    def test_names_begin_their_line(self):
        text = "Name:\tVmRSS:\nVmHWM:\t 2048 kB\nVmRSS:\t 1024 kB\n"
        self.assertEqual(process.parse_named(text, "VmRSS"), 1024)
        self.assertEqual(process.parse_named(text, "VmSwap"), 0)

    def test_the_total_is_divided_as_sampled(self):
        self.assertEqual(process.split(2.0, 1, 3), (0.5, 1.5))
        self.assertEqual(process.split(0.004, 0, 0), (0.004, 0))

    def test_others_are_neither_ours_nor_the_kernels(self):
        stats = {1: Stat(0, 1, 0, 0), KTHREADD: Stat(0, 50, 0, 0), 3: Stat(KTHREADD, 0, 99, 0), 10: Stat(1, 5, 5, 5),
                 11: Stat(10, 7, 0, 0), 12: Stat(11, 7, 0, 0), 20: Stat(1, 2, 3, 4)}
        self.assertEqual(process.family(stats, 10), {10, 11, 12})
        self.assertEqual(process.seconds_of_others(stats, 10), 1 + 2 + 3 + 4)

    def test_what_a_child_spent_stays_when_it_ends(self):
        before = {1: Stat(0, 1, 0, 0), 5: Stat(1, 8, 0, 0)}
        after = {1: Stat(0, 1, 0, 8.5)}
        spent = process.seconds_of_others(after, 99) - process.seconds_of_others(before, 99)
        self.assertEqual(spent, 0.5)

    def test_this_process_spends(self):
        spending = process.Spending(os.getpid())
        begin = time.process_time()
        while time.process_time() - begin < 0.02:
            pass
        found = spending.figures()
        self.assertGreaterEqual(found["cpu_s"], 0.02)
        self.assertAlmostEqual(found["cpu_user_s"] + found["cpu_system_s"], found["cpu_s"])
        self.assertGreater(found["rss_bytes_max"], 1 << 20)


if __name__ == "__main__":
    unittest.main()
