"""Medians, spreads and ratios of what the rounds measured."""

import statistics
from dataclasses import dataclass


@dataclass(frozen=True)
class Spread:
    """A figure over the rounds."""
    median: float
    low: float
    high: float
    values: tuple
    # How many of the values were taken on a busy machine.
    busy: int


@dataclass(frozen=True)
class Row:
    """One figure of one load, for every contestant that has it."""
    scenario: str
    driver: str
    figure: str
    # By contestant.
    spreads: dict

    def ratio(self, ours, theirs):
        """How many times theirs ours is; None if either is missing or theirs is nothing."""
        one, other = self.spreads.get(ours), self.spreads.get(theirs)
        if one is None or other is None or other.median == 0:
            return None
        return one.median / other.median


def spread(values, busy=0):
    return Spread(statistics.median(values), min(values), max(values), tuple(values), busy)


def rows(runs):
    """A Row for each figure of each load, in the order in which they were first measured."""
    collected = {}
    for run in runs:
        if run.discarded or run.failed:
            continue
        for figure, value in run.figures.items():
            row = collected.setdefault((run.scenario, run.driver, figure), {})
            row.setdefault(run.contestant, []).append((value, bool(run.busy)))
    return [Row(*key, {contestant: spread([value for value, _ in seen], sum(busy for _, busy in seen))
                       for contestant, seen in by_contestant.items()})
            for key, by_contestant in collected.items()]


def spread_of(runs, scenario, driver, contestant, figure):
    """One figure over the rounds, or None if it was not measured."""
    for row in rows(runs):
        if (row.scenario, row.driver, row.figure) == (scenario, driver, figure) and contestant in row.spreads:
            return row.spreads[contestant]
    return None


@dataclass(frozen=True)
class Counts:
    """How the runs went."""
    counted: int
    busy: int
    discarded: int
    failed: int


def counts(runs):
    kept = [run for run in runs if not run.discarded]
    return Counts(counted=sum(not run.failed for run in kept), busy=sum(bool(run.busy) and not run.failed for run in kept),
                  discarded=sum(run.discarded for run in runs), failed=sum(bool(run.failed) for run in kept))


def digits(value):
    """Three digits that matter."""
    if value == 0:
        return "0"
    if abs(value) >= 99.95:
        return f"{value:,.0f}"
    if abs(value) >= 9.995:
        return f"{value:.1f}"
    if abs(value) >= 0.9995:
        return f"{value:.2f}"
    return f"{value:.3f}" if abs(value) >= 0.0995 else f"{value:.2g}"
