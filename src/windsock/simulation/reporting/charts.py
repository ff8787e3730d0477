"""The figures of the report: prices over shares, tasks, and what was lost against the oracle."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from html import escape
from typing import Any

from windsock.simulation.reporting import svg
from windsock.simulation.reporting.findings import OURS, Standing
from windsock.simulation.reporting.svg import Frame, Numbers
from windsock.simulation.reporting.wording import dollars, named, percent
from windsock.simulation.results.time_series import Trail
from windsock.simulation.sweeps.sweep import Result
from windsock.simulation.world.scenario import Scenario

ROWS = 12
"""Of a table that stands beside a picture."""


def table(head: Sequence[str], rows: Sequence[Sequence[str]], left: int = 1) -> str:
    """Cells are HTML; the first `left` columns are text, the others numbers."""
    kinds = ["" if i < left else ' class="num"' for i in range(len(head))]
    top = "".join(f"<th{kind}>{cell}</th>" for kind, cell in zip(kinds, head, strict=True))
    body = "".join(
        "<tr>"
        + f'<th scope="row">{row[0]}</th>'
        + "".join(f"<td{kind}>{cell}</td>" for kind, cell in zip(kinds[1:], row[1:], strict=True))
        + "</tr>"
        for row in rows
    )
    return (
        f'<div class="wide"><table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>'
    )


def twin(text: str) -> str:
    """The same as a table, folded below a chart."""
    return f"<details class='twin'><summary>The same as a table</summary>{text}</details>"


def legend(names: Sequence[str], told: Sequence[str] | None = None) -> str:
    """Swatch, name, and where the cursor writes its reading."""
    items = "".join(
        f'<li><svg class="swatch" viewBox="0 0 22 12" aria-hidden="true">'
        f'<line class="line {svg.dash(k)} c{k % 8}" x1="0" x2="22" y1="6" y2="6"/></svg>'
        f'<span class="id">{escape(name)}</span><output></output></li>'
        for k, name in enumerate(told or names)
    )
    return f'<ul class="key">{items}</ul>'


def figure(picture: str, key: str, series: dict[str, Any], title: str, note: str = "") -> str:
    """A picture, its key, and its numbers for the cursor."""
    body = json.dumps(series, separators=(",", ":")).replace("<", "\\u003c")
    head = f"<figcaption><b>{escape(title)}</b> <span>{escape(note)}</span></figcaption>"
    return (
        f'<figure tabindex="0">{head}<div class="plot">{picture}</div>{key}'
        f'<script type="application/json">{body}</script></figure>'
    )


def prices(scenario: Scenario, trail: Trail, shocks: Sequence[float]) -> str:
    """Dollars of a thousand mean requests at each deployment, on a log scale."""
    names = list(trail.usd_by_deployment)
    columns = [[usd * 1000 for usd in trail.usd_by_deployment[name]] for name in names]
    every = [usd for column in columns for usd in column if usd > 0] or [1.0]
    frame = _frame(scenario, trail, 230, min(every) / 1.25, max(every) * 1.25, is_log=True)
    parts = [
        svg.y_axis(frame, [(at, dollars(at)) for at in svg.log_ticks(frame.low, frame.high)]),
        svg.marks(frame, shocks),
        *(svg.steps(frame, trail.hour, column, k) for k, column in enumerate(columns)),
        svg.x_axis(frame, clock_ticks(scenario)),
    ]
    name = "Price of a thousand mean requests by deployment over time, log scale"
    picture = svg.chart(frame, name, parts)
    series = {"form": "usd", "values": _short(columns)}
    note = "dollars for a thousand requests of this traffic's mix, log scale"
    rows = _sampled(trail, columns, dollars)
    return figure(picture, legend(names), series, "Prices", note) + twin(
        table(["hour", *map(escape, names)], rows)
    )


def shares(scenario: Scenario, runs: Sequence[Result], shocks: Sequence[float]) -> str:
    """Where the traffic went, mean over seeds, and the same of each task."""
    trail = runs[0].trail
    names = list(trail.share_by_deployment)
    columns = [_mean_of([run.trail.share_by_deployment[name] for run in runs]) for name in names]
    frame = _frame(scenario, trail, 230, 0.0, 1.0)
    picture = _stacked(scenario, trail, columns, shocks, frame, "Share of traffic by deployment")
    series = {"form": "share", "values": _short(columns)}
    rows = _sampled(trail, columns, percent)
    text = figure(
        picture,
        legend(names),
        series,
        "Where the traffic went",
        "weights of the next request, all tasks",
    )
    text += twin(table(["hour", *map(escape, names)], rows))
    tasks = list(trail.share_by_task)
    return text + (_by_task(scenario, runs, tasks, names, shocks) if len(tasks) > 1 else "")


def regret(scenario: Scenario, standing: dict[str, Standing]) -> str:
    """Dollars lost against the clairvoyant, summed over time, by policy."""
    oracle = standing.get("oracle")
    if oracle is None or len(standing) < 2:
        return ""
    others = {policy: each for policy, each in standing.items() if policy != "oracle"}
    trail = oracle.runs[0].trail
    columns = [_regret_of(scenario, each.runs, oracle.runs) for each in others.values()]
    known = [usd for column in columns for usd in column if usd is not None] or [0.0]
    frame = _frame(scenario, trail, 250, min([0.0, *known]), max([*known, 1e-9]) * 1.05)
    parts = [
        svg.y_axis(frame, [(at, dollars(at)) for at in svg.even_ticks(frame.low, frame.high)]),
        *(
            svg.line(frame, trail.hour, column, k, "ours" if policy == OURS else "")
            for k, (policy, column) in enumerate(zip(others, columns, strict=True))
        ),
        svg.x_axis(frame, clock_ticks(scenario)),
    ]
    picture = svg.chart(frame, "Dollars lost against the oracle over time by policy", parts)
    worth = scenario.route.usd_per_success if scenario.route.objective == "value" else None
    note = (
        f"money spent beyond the oracle's, less {dollars(worth)} for every answer more"
        if worth
        else "money spent beyond what the oracle pays for as many right answers"
    )
    series = {"form": "usd", "values": _short(columns)}
    rows = _sampled(trail, columns, dollars)
    told = [named(policy) for policy in others]
    return figure(
        picture, legend(list(others), told), series, "Lost against the clairvoyant", note
    ) + twin(table(["hour", *map(escape, told)], rows))


def clock_ticks(scenario: Scenario, most: int = 8) -> list[tuple[float, str]]:
    """Days where there are several, else hours."""
    days = scenario.hours / 24
    if days >= 3:
        return [(24 * day, f"day {day:g}") for day in svg.even_ticks(0, days, most)]
    return [(at, f"{at:g} h") for at in svg.even_ticks(0, scenario.hours, most)]


def _by_task(
    scenario: Scenario,
    runs: Sequence[Result],
    tasks: Sequence[str],
    names: Sequence[str],
    shocks: Sequence[float],
) -> str:
    figures = []
    for task in tasks:
        columns = [
            _mean_of([run.trail.share_by_task[task][name] for run in runs]) for name in names
        ]
        label = f"Share of {task} by deployment"
        frame = _frame(scenario, runs[0].trail, 150, 0.0, 1.0, width=svg.SMALL)
        picture = _stacked(scenario, runs[0].trail, columns, shocks, frame, label)
        figures.append(
            f"<figure><figcaption><b>{escape(task)}</b></figcaption>"
            f'<div class="plot">{picture}</div></figure>'
        )
    return f'<div class="tasks">{"".join(figures)}</div>'


def _stacked(
    scenario: Scenario,
    trail: Trail,
    columns: Sequence[Numbers],
    shocks: Sequence[float],
    frame: Frame,
    name: str,
) -> str:
    parts = [
        *(area for _, area in svg.stack(frame, trail.hour, columns)),
        svg.marks(frame, shocks),
        svg.y_axis(frame, [(at, f"{at:.0%}") for at in (0.0, 0.5, 1.0)]),
        svg.x_axis(frame, clock_ticks(scenario, frame.width // 110)),
    ]
    return svg.chart(frame, name, parts)


def _frame(
    scenario: Scenario,
    trail: Trail,
    height: int,
    low: float,
    high: float,
    *,
    is_log: bool = False,
    width: int = svg.WIDTH,
) -> Frame:
    return Frame(
        width=width,
        height=height,
        hours=scenario.hours,
        step_h=scenario.hours / len(trail.hour),
        low=low,
        high=high,
        is_log=is_log,
    )


def _mean_of(columns: Sequence[Numbers]) -> list[float | None]:
    """Over seeds, where any of them knows."""
    found: list[float | None] = []
    for values in zip(*columns, strict=True):
        known = [value for value in values if value is not None]
        found.append(sum(known) / len(known) if known else None)
    return found


def _regret_of(
    scenario: Scenario, runs: Sequence[Result], oracles: Sequence[Result]
) -> list[float | None]:
    """Mean over the seeds that both have."""
    best = {run.summary.seed: run.trail for run in oracles}
    pairs = [(run.trail, best[run.summary.seed]) for run in runs if run.summary.seed in best]
    worth = scenario.route.usd_per_success if scenario.route.objective == "value" else None
    lost = [
        [_lost(us, it, i, worth) for us, it in pairs] for i in range(len(oracles[0].trail.hour))
    ]
    return [sum(each) / len(each) if each else None for each in lost]


def _lost(us: Trail, it: Trail, i: int, worth: float | None) -> float:
    """Dollars until the end of a slice."""
    if worth is not None:
        return us.usd[i] - it.usd[i] + worth * (it.right[i] - us.right[i])
    price = it.usd[i] / it.right[i] if it.right[i] else 0.0
    return us.usd[i] - us.right[i] * price


def _sampled(
    trail: Trail, columns: Sequence[Numbers], form: Callable[[float], str]
) -> list[list[str]]:
    """A dozen rows, evenly spaced."""
    count = len(trail.hour)
    wanted = sorted({round(i * (count - 1) / (ROWS - 1)) for i in range(ROWS)})
    return [
        [
            f"{trail.hour[i]:.1f}",
            *("" if column[i] is None else form(column[i] or 0.0) for column in columns),
        ]
        for i in wanted
    ]


def _short(columns: Sequence[Numbers]) -> list[list[float | None]]:
    """Four significant digits: enough to read."""
    return [
        [None if value is None else float(f"{value:.4g}") for value in column] for column in columns
    ]
