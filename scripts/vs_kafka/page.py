"""The results as one HTML page that needs nothing but itself."""

from html import escape

from . import markdown, summary, targets
from .brokers import CONTESTANTS

WIDTH, ROW_HEIGHT, LEFT, RIGHT = 640, 22, 190, 90

STYLE = """
:root { color-scheme: light dark; --paper: #fff; --ink: #1b1f24; --faint: #5c6670; --rule: #e1e5ea;
  --ringlog: #2160c4; --kafka: #c2491a; --kafka-flush: #8544bd; --floor: #2e7d4f; --bad: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --paper: #14171b; --ink: #e6e9ed; --faint: #97a1ac; --rule: #2c323a;
  --ringlog: #6ea2f5; --kafka: #f08b5e; --kafka-flush: #c08bef; --floor: #6fc492; --bad: #ff8a80; } }
body { margin: 2rem auto; max-width: 64rem; padding: 0 1rem; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.1rem; margin: 2.5rem 0 .25rem; } h3 { font-size: .95rem; margin: 1rem 0 .25rem; }
p, li { color: var(--faint); margin: .25rem 0; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; margin: .5rem 0; }
th, td { padding: .25rem .9rem .25rem 0; border-bottom: 1px solid var(--rule); text-align: right; white-space: nowrap; }
th { color: var(--faint); font-weight: 500; } th:first-child, td:first-child { text-align: left; }
.scroll { overflow-x: auto; } .bad { color: var(--bad); }
svg { display: block; width: 100%; max-width: 640px; height: auto; }
svg text { fill: var(--faint); font: 12px system-ui, sans-serif; font-variant-numeric: tabular-nums; }
svg .rule { stroke: var(--rule); } svg .extent { stroke-width: 2; } svg .median { stroke-width: 3; }
.ringlog { stroke: var(--ringlog); fill: var(--ringlog); } .kafka { stroke: var(--kafka); fill: var(--kafka); }
.kafka-flush { stroke: var(--kafka-flush); fill: var(--kafka-flush); } .floor { stroke: var(--floor); fill: var(--floor); }
"""


def document(report):
    body = [f"<h1>Ringlog beside Apache Kafka</h1>\n<ul>{facts(report)}</ul>", target_table(report.runs)]
    rows = markdown.shown(report.runs)
    for scenario, title in report.titles.items():
        of_scenario = [row for row in rows if row.scenario == scenario]
        if of_scenario:
            body.append(f"<h2>{escape(title)}</h2><p>{escape(scenario)}</p>")
            body += [section(driver, [row for row in of_scenario if row.driver == driver])
                     for driver in dict.fromkeys(row.driver for row in of_scenario)]
    body.append(failures(report.runs))
    return (f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
            f'<meta name="viewport" content="width=device-width">\n<title>Ringlog beside Apache Kafka</title>\n'
            f"<style>{STYLE}</style>\n</head>\n<body>\n" + "\n".join(body) + "\n</body>\n</html>\n")


def facts(report):
    counts = summary.counts(report.runs)
    lines = [escape(fact) for fact in report.facts]
    lines.append(f"{counts.counted} runs count, {counts.discarded} were thrown away because the machine was busy, "
                 f"{counts.failed} failed")
    if counts.busy:
        lines.append(f'<b class="bad">the machine stayed busy in {counts.busy} of the {counts.counted}</b>, marked *')
    return "".join(f"<li>{line}</li>" for line in lines)


def target_table(runs):
    told = [verdict for verdict in targets.verdicts(runs) if verdict.seen is not None]
    if not told:
        return ""
    rows = "".join(
        f"<tr><td>{escape(verdict.target.what)}</td><td>{'≤' if verdict.target.at_most else '≥'} "
        f"{summary.digits(verdict.target.bound)}</td><td>{summary.digits(verdict.seen)}</td>"
        f'<td class="{"" if verdict.met else "bad"}">{verdict.text}</td></tr>' for verdict in told)
    return (f'<h2>Targets</h2><div class="scroll"><table><tr><th>target</th><th>bound</th><th>seen</th><th></th></tr>{rows}'
            "</table></div>")


def section(driver, rows):
    """One load from one tool: a table, and each figure drawn."""
    return f"<h3>with {escape(driver)}</h3>" + table(rows) + "".join(map(strip, rows))


def table(rows):
    contestants = [name for name in CONTESTANTS if any(name in row.spreads for row in rows)]
    others = [name for name in contestants if name != "ringlog"]
    header = "".join(f"<th>{escape(CONTESTANTS[name].title)}</th>" for name in contestants)
    header += "".join(f"<th>Ringlog / {escape(CONTESTANTS[name].title)}</th>" for name in others)
    lines = [f"<tr><th></th>{header}</tr>"]
    for row in rows:
        cells = [markdown.cell(row, name).replace(markdown.BUSY, "*") for name in contestants]
        cells += [markdown.ratio(row, name) for name in others]
        lines.append(f"<tr><td>{escape(row.figure)}</td>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>")
    return f'<div class="scroll"><table>{"".join(lines)}</table></div>'


def strip(row):
    """Every round's value as a dot on a line from nothing, the median as a bar."""
    height = ROW_HEIGHT * (len(row.spreads) + 1)
    greatest = max(spread.high for spread in row.spreads.values()) or 1
    lines = [f'<text x="0" y="15">{escape(row.figure)}</text>']
    for at, name in enumerate(name for name in CONTESTANTS if name in row.spreads):
        lines.append(strip_line(name, row.spreads[name], greatest, ROW_HEIGHT * (at + 1.5)))
    return (f'<svg viewBox="0 0 {WIDTH} {height}" role="img"><title>{escape(row.figure)}</title>' + "".join(lines) + "</svg>")


def strip_line(name, spread, greatest, y):
    places = [place(value, greatest) for value in spread.values]
    median = place(spread.median, greatest)
    dots = "".join(f'<circle class="{name}" cx="{x:.1f}" cy="{y:.1f}" r="3" fill-opacity="0.5"/>' for x in places)
    return (f'<text x="{LEFT - 10}" y="{y + 4:.1f}" text-anchor="end">{escape(CONTESTANTS[name].title)}</text>'
            f'<path class="rule" d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}"/>'
            f'<path class="extent {name}" d="M{min(places):.1f} {y:.1f}H{max(places):.1f}"/>{dots}'
            f'<path class="median {name}" d="M{median:.1f} {y - 7:.1f}V{y + 7:.1f}"/>'
            f'<text x="{WIDTH - RIGHT + 10}" y="{y + 4:.1f}">{summary.digits(spread.median)}{"*" * (spread.busy > 0)}</text>')


def place(value, greatest):
    return LEFT + (WIDTH - LEFT - RIGHT) * value / greatest


def failures(runs):
    failed = [run for run in runs if run.failed and not run.discarded]
    if not failed:
        return ""
    lines = "".join(f"<li>{escape(run.scenario)} ({escape(run.driver)}), round {run.round}, "
                    f"{escape(CONTESTANTS[run.contestant].title)}: {escape(run.failed.splitlines()[0])}</li>" for run in failed)
    return f"<h2>Failed</h2><ul>{lines}</ul>"
