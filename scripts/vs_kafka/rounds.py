"""Rounds in turns, and the runs in them: each between two probes, thrown away and repeated when the machine was busy."""

from dataclasses import dataclass, field


@dataclass
class Run:
    """One load on one broker, once."""
    scenario: str
    driver: str
    contestant: str
    round: int
    figures: dict = field(default_factory=dict)
    # Why it says little; empty when the machine was quiet.
    busy: list = field(default_factory=list)
    # Why there are no figures.
    failed: str = ""
    # Whether another attempt stands for it.
    discarded: bool = False
    machine: dict = field(default_factory=dict)


def in_turns(rounds, contestants):
    """A B A B: (round, contestant), rounds counted from 1."""
    for number in range(1, rounds + 1):
        for contestant in contestants:
            yield number, contestant


def attempts(attempt, repeats):
    """Calls `attempt()`, which makes a Run, until one was on a quiet machine, at most 1 + `repeats` times. Returns all the
    Runs; the last one counts, and keeps its mark if the machine never was quiet. What failed is not tried again: the
    broker is in an unknown state."""
    runs = []
    for _ in range(1 + repeats):
        for earlier in runs:
            earlier.discarded = True
        runs.append(attempt())
        if runs[-1].failed or not runs[-1].busy:
            break
    return runs
