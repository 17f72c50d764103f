"""What is measured without any tool: starts, and doing nothing."""

import time

from . import process
from .loads import Idle, LoadFailed, Start

# After a start there is still something to do.
CALM_SECONDS = 3


class Unloaded:
    """Looks at a broker that nobody uses."""

    def run(self, load, broker, length, _topic):
        match load:
            case Start():
                broker.renew()
                return {"start ms": broker.start_s * 1e3}
            case Idle():
                time.sleep(CALM_SECONDS)
                return idle(broker, length.seconds)
        raise LoadFailed(f"{load} needs a tool")


def idle(broker, seconds):
    spending = process.Spending(broker.pid)
    begin = time.monotonic()
    time.sleep(seconds)
    elapsed = time.monotonic() - begin
    spent = spending.figures()
    return {"idle CPU %": spent["cpu_s"] / elapsed * 100, "broker memory MiB": spent["rss_bytes_max"] / process.MIB}


def restart(broker):
    """An orderly stop, and a start on what is there."""
    broker.stop()
    broker.start()
    memory = process.Spending(broker.pid).figures()["rss_bytes_max"]
    return {"restart ms": broker.start_s * 1e3, "memory after restart MiB": memory / process.MIB}
