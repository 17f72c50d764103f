"""The results as Markdown."""

import itertools

from . import summary, targets
from .brokers import CONTESTANTS

# What is told in full in results.json only.
LEFT_OUT = ("records/s", "p99.99 ms", "max ms", "user CPU s/GB", "system CPU s/GB", "errors", "bytes per byte")
BUSY = "\\*"


def document(report):
    """The whole of it, from what was run and where."""
    return "\n".join([heading(report), "", *target_table(report.runs), *table(report), *failures(report.runs)]) + "\n"


def heading(report):
    counts = summary.counts(report.runs)
    lines = ["# Ringlog beside Apache Kafka", "", *(f"- {line}" for line in report.facts),
             f"- {counts.counted} runs count, {counts.discarded} were thrown away because the machine was busy, "
             f"{counts.failed} failed"]
    if counts.busy:
        lines.append(f"- **the machine stayed busy in {counts.busy} of the {counts.counted}**, marked {BUSY}: read the ratios, "
                     "if anything")
    return "\n".join(lines)


def target_table(runs):
    """Targets that were measured."""
    told = [verdict for verdict in targets.verdicts(runs) if verdict.seen is not None]
    if not told:
        return []
    lines = ["## Targets", "", "| target | bound | seen | |", "| --- | --- | --- | --- |"]
    for verdict in told:
        sign = "≤" if verdict.target.at_most else "≥"
        lines.append(f"| {verdict.target.what} | {sign} {summary.digits(verdict.target.bound)} | {summary.digits(verdict.seen)} "
                     f"| {verdict.text if verdict.met else f'**{verdict.text}**'} |")
    return [*lines, ""]


def table(report):
    """A row for each figure of each load."""
    others = [name for name in CONTESTANTS if name != "ringlog" and any(name in row.spreads for row in shown(report.runs))]
    columns = ["load", "with", "figure", CONTESTANTS["ringlog"].title]
    columns += itertools.chain.from_iterable((CONTESTANTS[name].title, "ratio") for name in others)
    lines = ["## Loads", "", "Medians of the rounds, the least and the greatest in parentheses; a ratio is Ringlog's by the other's.",
             "", line(columns), line(["---"] * len(columns))]
    last = None
    for row in shown(report.runs):
        # The load is told in its first row only.
        load = (report.titles[row.scenario], row.driver)
        cells = [*(load if load != last else ("", "")), row.figure, cell(row, "ringlog")]
        cells += itertools.chain.from_iterable((cell(row, name), ratio(row, name)) for name in others)
        last = load
        lines.append(line(cells))
    return lines


def shown(runs):
    return [row for row in summary.rows(runs) if not row.figure.endswith(LEFT_OUT) or told_errors(row)]


def told_errors(row):
    """Errors are told where there were any."""
    return row.figure == "errors" and any(spread.high > 0 for spread in row.spreads.values())


def failures(runs):
    failed = [run for run in runs if run.failed and not run.discarded]
    if not failed:
        return []
    return ["", "## Failed", "", *(f"- {run.scenario} ({run.driver}), round {run.round}, {CONTESTANTS[run.contestant].title}: "
                                   f"{run.failed.splitlines()[0]}" for run in failed)]


def line(cells):
    return f"| {' | '.join(cells)} |"


def cell(row, contestant):
    spread = row.spreads.get(contestant)
    if spread is None:
        return ""
    extent = f" ({summary.digits(spread.low)}-{summary.digits(spread.high)})" if len(spread.values) > 1 else ""
    return summary.digits(spread.median) + extent + BUSY * (spread.busy > 0)


def ratio(row, contestant):
    value = row.ratio("ringlog", contestant)
    return "" if value is None else f"{summary.digits(value)}x"
