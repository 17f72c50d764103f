"""The least that the machine must spend on a load's bytes, without a broker (benches/floor.rs)."""

import json
import subprocess
from dataclasses import dataclass

from .loads import Consume, KB, LoadFailed, Produce, failure

# What one measurement moves; there is one for each second that a broker is measured.
MOVED_MIB = 1024
# One takes less than this, even on a slow disk.
SECONDS_MAX = 60
# Smaller requests a broker may write together; the floor writes each by itself.
LARGE_BYTES = 1000 * KB
# What a fetch brings of a partition by default, and what Ringlog sends with one call.
PIECE_BYTES = 1024 * 1024


@dataclass(frozen=True)
class Least:
    """What a broker cannot do without."""
    # As benches/floor.rs names it: what brokers do.
    stage: str
    # Bytes of a request, or of a piece that is sent.
    size: int
    # What they might do instead.
    other: str = ""


def least(load):
    """What is measured beside a load, or None if there is nothing like it."""
    match load:
        case Produce(acks="1", codec="none") if load.batch >= LARGE_BYTES:
            return Least("write", load.batch)
        case Consume(size=1024, consumers=1):
            # A partition at rest is sent from the page cache, new records from memory.
            return Least("sendfile", PIECE_BYTES, "" if load.cold else "send")
    return None


class Floor:
    """Runs benches/floor.rs."""

    def __init__(self, binary):
        self.binary = binary

    def run(self, load, broker, length, _topic):
        """The figures that a broker's are compared with; files lie where its own would."""
        found = least(load)
        stages = found.stage + f",{found.other}" * bool(found.other)
        command = [str(self.binary), "--json", "--stages", stages, "--sizes", str(found.size), "--mib", str(MOVED_MIB),
                   "--rounds", str(length.seconds), "--directory", str(broker.home)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=(1 + length.seconds) * SECONDS_MAX)
        except subprocess.TimeoutExpired:
            raise LoadFailed(f"{' '.join(command)}: no end") from None
        if done.returncode != 0:
            raise failure(done.stderr, command)
        return figures(load, json.loads(done.stdout))


def figures(load, costs):
    """Costs by the names that brokers' figures have."""
    found = least(load)
    kind = "produce" if isinstance(load, Produce) else "consume"
    cost = costs[found.stage][str(found.size)]
    told = {f"{kind} MB/s": cost["gb_per_s"] * 1000, "broker CPU s/GB": cost["cpu_s_per_gb"]}
    if found.other:
        told[f"by {found.other} CPU s/GB"] = costs[found.other][str(found.size)]["cpu_s_per_gb"]
    return told
