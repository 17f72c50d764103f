"""Whether the machine was quiet enough for a figure to mean something."""

import os
import statistics
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from . import process

PROBE_BYTES = 16 * 1024
PROBE_FILE_BYTES = 64 * 1024 * 1024
MEMCPY_BYTES = 64 * 1024 * 1024
MEMCPY_SECONDS = 0.3


@dataclass(frozen=True)
class Limits:
    """Beyond any of these the machine was busy."""
    fdatasync_ms: float = 0.2
    # Of one core, by processes that are no part of the measuring.
    others: float = 0.05
    # Of all cores, by other machines on the same host.
    stolen: float = 0.01


@dataclass(frozen=True)
class Probe:
    """The disk's and the memory's speed with nothing else going on."""
    fdatasync_p50_ms: float
    fdatasync_p99_ms: float
    memcpy_gb_per_s: float


@dataclass(frozen=True)
class Noise:
    """What others did while a load ran: their share of one core, and the share of all cores that the host took away."""
    others: float
    stolen: float


def fdatasync_ms(folder, seconds):
    """The milliseconds of each write of 16 KiB with its fdatasync, one after the other for some seconds."""
    path = Path(folder, "fdatasync-probe")
    block = os.urandom(PROBE_BYTES)
    took = []
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        os.posix_fallocate(file, 0, PROBE_FILE_BYTES)
        os.fsync(file)
        end = time.perf_counter() + seconds
        while (begin := time.perf_counter()) < end:
            os.pwrite(file, block, len(took) * PROBE_BYTES % PROBE_FILE_BYTES)
            os.fdatasync(file)
            took.append((time.perf_counter() - begin) * 1e3)
    finally:
        os.close(file)
        path.unlink()
    return took


def memcpy_gb_per_s(seconds=MEMCPY_SECONDS):
    """How fast one core copies memory that no cache holds."""
    source, target = bytearray(MEMCPY_BYTES), bytearray(MEMCPY_BYTES)
    rates = []
    end = time.perf_counter() + seconds
    while (begin := time.perf_counter()) < end or not rates:
        memoryview(target)[:] = source
        rates.append(MEMCPY_BYTES / 1e9 / (time.perf_counter() - begin))
    return statistics.median(rates)


def percentile(values, percent):
    """The least value that so many percent of the values do not exceed."""
    ordered = sorted(values)
    rank = -(-len(ordered) * percent // 100)
    return ordered[max(0, int(rank) - 1)]


def probe(folder, seconds=2.0):
    took = fdatasync_ms(folder, seconds)
    return Probe(percentile(took, 50), percentile(took, 99), memcpy_gb_per_s())


class NoiseWatch:
    """Sees what others do from now on."""

    def __init__(self):
        self.begin = self._reading()

    @staticmethod
    def _reading():
        others = process.seconds_of_others(process.all_stats(), os.getpid())
        return time.monotonic(), others, process.machine_seconds()[1]

    def noise(self):
        elapsed, others, stolen = (end - begin for end, begin in zip(self._reading(), self.begin))
        return Noise(max(0.0, others) / elapsed, stolen / (elapsed * os.cpu_count()))


def why_busy(before, noise, after, limits):
    """What speaks against a run between two probes; nothing if the machine was quiet."""
    reasons = []
    for when, seen in (("before", before), ("after", after)):
        if seen.fdatasync_p50_ms > limits.fdatasync_ms:
            reasons.append(f"fdatasync p50 {seen.fdatasync_p50_ms:.2f} ms {when}")
    if noise.others > limits.others:
        reasons.append(f"other processes took {noise.others:.0%} of a core")
    if noise.stolen > limits.stolen:
        reasons.append(f"the host took {noise.stolen:.1%} of the cores")
    return reasons


def as_json(before, noise, after):
    return {"before": asdict(before), "noise": asdict(noise), "after": asdict(after)}


def description():
    """The machine in a line."""
    model = "unknown processor"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    memory = process.parse_named(Path("/proc/meminfo").read_text(), "MemTotal") / 1024 / 1024
    return f"{os.cpu_count()} CPUs ({model}), {memory:.0f} GiB, Linux {os.uname().release}"
