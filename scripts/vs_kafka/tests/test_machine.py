import tempfile
import unittest
from pathlib import Path

from vs_kafka import machine
from vs_kafka.machine import Limits, Noise, Probe

QUIET = Probe(0.1, 0.2, 8.0)
SLOW = Probe(3.9, 5.1, 8.0)


class MachineTest(unittest.TestCase):
    def test_each_reason_is_told(self):
        cases = [
            (QUIET, Noise(0.01, 0.0), QUIET, []),
            (SLOW, Noise(0.0, 0.0), QUIET, ["fdatasync p50 3.90 ms before"]),
            (QUIET, Noise(0.0, 0.0), SLOW, ["fdatasync p50 3.90 ms after"]),
            (QUIET, Noise(0.8, 0.0), QUIET, ["other processes took 80% of a core"]),
            (QUIET, Noise(0.0, 0.02), QUIET, ["the host took 2.0% of the cores"]),
        ]
        for before, noise, after, expected in cases:
            self.assertEqual(machine.why_busy(before, noise, after, Limits()), expected)
        self.assertEqual(machine.why_busy(SLOW, Noise(0, 0), SLOW, Limits(fdatasync_ms=4)), [])

    def test_percentiles_are_values_that_were_seen(self):
        values = list(range(1, 101))
        self.assertEqual([machine.percentile(values, percent) for percent in (0, 50, 99, 100)], [1, 50, 99, 100])
        self.assertEqual(machine.percentile([7], 99), 7)

    def test_a_probe_measures_and_leaves_nothing(self):
        with tempfile.TemporaryDirectory() as folder:
            probe = machine.probe(folder, seconds=0.01)
            self.assertGreater(probe.fdatasync_p50_ms, 0)
            self.assertGreaterEqual(probe.fdatasync_p99_ms, probe.fdatasync_p50_ms)
            self.assertGreater(probe.memcpy_gb_per_s, 0)
            self.assertEqual(list(Path(folder).iterdir()), [])


if __name__ == "__main__":
    unittest.main()
