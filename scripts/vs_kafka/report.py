"""Writes what was measured: a table, a page, and every run as it was."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from . import markdown, page


@dataclass(frozen=True)
class Report:
    """What was run, and where."""
    # Lines: the machine, the versions, the rounds.
    facts: list
    # What each scenario is, by name, in their order.
    titles: dict
    runs: list


def write(report, folder):
    """Writes all three files; each is whole at any time, so that a long run can be looked at while it goes on."""
    texts = {
        "results.json": json.dumps({"facts": report.facts, "scenarios": report.titles,
                                    "runs": [asdict(run) for run in report.runs]}, indent=1) + "\n",
        "table.md": markdown.document(report),
        "index.html": page.document(report),
    }
    for name, text in texts.items():
        unfinished = Path(folder, f".{name}")
        unfinished.write_text(text, encoding="utf-8")
        unfinished.rename(Path(folder, name))
