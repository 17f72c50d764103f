"""What a process and the machine have spent, read from outside (proc(5))."""

import os
import re
import time
from dataclasses import dataclass
from pathlib import Path

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
KTHREADD = 2
GB = 1e9
MIB = 2 ** 20


def cpu_clock(pid):
    """The CPU seconds of a process, ended threads included, to the nanosecond (what clock_getcpuclockid(3) leads to)."""
    return time.clock_gettime((~pid << 3) | 2)


@dataclass(frozen=True)
class Stat:
    """What `/proc/PID/stat` tells of time, in seconds; `children` is that of children who have ended."""
    parent: int
    user: float
    system: float
    children: float


def parse_stat(text):
    # The name, in parentheses, may hold anything. The parent is field 4; utime, stime, cutime and cstime are 14 to 17.
    fields = text.rpartition(")")[2].split()
    user, system, *children = (int(field) / TICKS_PER_SECOND for field in fields[11:15])
    return Stat(int(fields[1]), user, system, sum(children))


def parse_named(text, name):
    """The number behind a name that begins its line."""
    found = re.search(rf"^{re.escape(name)}:\s+(\d+)", text, re.MULTILINE)
    return int(found[1]) if found else 0


def parse_machine(text):
    """Busy and stolen CPU seconds of the first line of /proc/stat. Guests are within user and nice."""
    user, nice, system, _idle, _iowait, irq, softirq, stolen = (int(field) for field in text.split()[1:9])
    busy = user + nice + system + irq + softirq
    return busy / TICKS_PER_SECOND, stolen / TICKS_PER_SECOND


def machine_seconds():
    """Busy and stolen CPU seconds of the machine since it booted."""
    return parse_machine(Path("/proc/stat").read_text())


def all_stats():
    """The Stat of every process that can be seen, by id."""
    stats = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                stats[int(entry)] = parse_stat(Path("/proc", entry, "stat").read_text())
            except OSError:
                continue  # It has ended since it was listed.
    return stats


def family(stats, root):
    """A process and all that descend from it."""
    members = {root}
    size = 0
    while size != len(members):
        size = len(members)
        members |= {pid for pid, stat in stats.items() if stat.parent in members}
    return members


def seconds_of_others(stats, root):
    """CPU seconds of all processes but the kernel's threads and `root`'s family. What children spent stays counted when
    they end, so two of these, subtracted, also tell what short-lived processes spent in between."""
    left_out = family(stats, root) | {KTHREADD}
    others = (stat for pid, stat in stats.items() if pid not in left_out and stat.parent != KTHREADD)
    return sum(stat.user + stat.system + stat.children for stat in others)


class Spending:
    """What one process spends from now on."""

    def __init__(self, pid):
        self.pid = pid
        self.begin = self._reading()

    def _reading(self):
        folder = Path("/proc", str(self.pid))
        stat = parse_stat((folder / "stat").read_text())
        disk = (folder / "io").read_text()
        busy, stolen = machine_seconds()
        return {"cpu_s": cpu_clock(self.pid), "user": stat.user, "system": stat.system,
                "disk_read_bytes": parse_named(disk, "read_bytes"),
                "disk_written_bytes": parse_named(disk, "write_bytes"),
                "machine_busy_s": busy, "machine_stolen_s": stolen}

    def figures(self):
        """The same names and meanings as the `broker` of `ringlog bench --json`."""
        end = self._reading()
        spent = {name: end[name] - self.begin[name] for name in end}
        spent["cpu_user_s"], spent["cpu_system_s"] = split(spent["cpu_s"], spent.pop("user"), spent.pop("system"))
        status = Path("/proc", str(self.pid), "status").read_text()
        spent["rss_bytes_max"] = parse_named(status, "VmRSS") * 1024
        spent["rss_bytes_peak"] = parse_named(status, "VmHWM") * 1024
        return spent


def split(total, user, system):
    """The exact total, divided as the sampled user and system times are."""
    sampled = user + system
    share = user / sampled if sampled else 1.0
    return total * share, total * (1 - share)


def spent(broker, moved, records):
    """What the broker and the machine spent, as figures, by the bytes and records that were moved."""
    found = {}
    if moved:
        found["broker CPU s/GB"] = broker["cpu_s"] * GB / moved
        found["broker user CPU s/GB"] = broker["cpu_user_s"] * GB / moved
        found["broker system CPU s/GB"] = broker["cpu_system_s"] * GB / moved
        found["machine CPU s/GB"] = broker["machine_busy_s"] * GB / moved
        found["disk write bytes per byte"] = broker["disk_written_bytes"] / moved
    if records:
        found["broker CPU us/record"] = broker["cpu_s"] * 1e6 / records
    found["broker memory MiB"] = broker["rss_bytes_max"] / MIB
    return found
