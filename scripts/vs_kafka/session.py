"""Carries out scenarios, round by round."""

import itertools
import sys
from dataclasses import dataclass, replace

from . import machine, rounds, summary, unloaded
from .brokers import CONTESTANTS, BrokerFailed
from .loads import Length, LoadFailed, Partitions, Produce
from .rounds import Run
from .scenarios import BENCH, FLOOR, NONE, SATURATION

# What an open loop's rate is a part of.
SATURATION_FIGURE = "produce records/s"


@dataclass
class Session:
    """Everything that runs share."""
    folder: object
    # By driver, and the floor's. Ringlog's is always there, since it also makes brokers warm.
    tools: dict
    # The drivers whose loads are wanted.
    drivers: tuple
    rounds: int
    length: Length
    # Seconds of load before each run, on the same broker.
    warm_up: int
    repeats: int
    limits: machine.Limits

    def __post_init__(self):
        self.runs = []
        self.topics = itertools.count()

    def carry_out(self, scenario):
        """All rounds of a scenario; what they told is added to `runs`."""
        for driver in scenario.drivers:
            if driver not in self.drivers:
                continue
            for number, contestant in rounds.in_turns(self.rounds, scenario.contestants):
                def attempt(number=number, contestant=contestant):
                    run = self.attempt(Run(scenario.name, driver, contestant, number), scenario.load)
                    tell(run)
                    return run
                self.runs += rounds.attempts(attempt, self.repeats)

    def attempt(self, run, load):
        """One load on a broker of its own, between two probes."""
        try:
            load = self.rated(load, run.driver)
            tool = FLOOR if run.contestant == FLOOR else run.driver
            with CONTESTANTS[run.contestant](self.folder) as broker:
                topic = self.topic()
                self.make_warm(load, broker, tool, topic)
                before = machine.probe(self.folder)
                watch = machine.NoiseWatch()
                run.figures = self.perform(load, broker, tool, topic)
                noise = watch.noise()
                broker.settle()
                after = machine.probe(self.folder)
        except (LoadFailed, BrokerFailed) as failure:
            run.failed = str(failure)
            return run
        run.busy = machine.why_busy(before, noise, after, self.limits)
        run.machine = machine.as_json(before, noise, after)
        return run

    def rated(self, load, driver):
        """An open loop's rate, from what Kafka took at saturation from the same tool."""
        if not isinstance(load, Produce) or not load.share:
            return load
        saturation = summary.spread_of(self.runs, SATURATION, driver, "kafka", SATURATION_FIGURE)
        if saturation is None:
            raise LoadFailed(f"Kafka's saturation is not known: {SATURATION} failed")
        return replace(load, rate=round(saturation.median * load.share))

    def make_warm(self, load, broker, tool, topic):
        if tool in (NONE, FLOOR):
            return
        # The first append to a partition is dear. Other loads, and Kafka's tools, want a topic of their own.
        same = tool == BENCH and isinstance(load, Produce)
        self.tools[BENCH].warm_up(load, broker, self.warm_up, topic if same else self.topic())
        broker.settle()

    def perform(self, load, broker, tool, topic):
        figures = self.tools[tool].run(load, broker, self.length, topic)
        if isinstance(load, Partitions):
            figures.update(unloaded.restart(broker))
        return figures

    def topic(self):
        return f"vs-{next(self.topics)}"


def tell(run):
    state = run.failed.splitlines()[0] if run.failed else "busy: " + ", ".join(run.busy) if run.busy else "quiet"
    told = ", ".join(f"{name} {summary.digits(value)}" for name, value in list(run.figures.items())[:6])
    print(f"{run.scenario} ({run.driver}) round {run.round} {run.contestant}: {told} [{state}]", file=sys.stderr, flush=True)
