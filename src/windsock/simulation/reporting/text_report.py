"""What a person reads: a table in the terminal; and what a program reads: JSON, byte for byte."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from statistics import mean
from typing import Any

from rich.console import Console

from windsock.resources import text_lines
from windsock.resources.text_lines import Entry, lines, wrapped
from windsock.simulation.reporting.findings import OURS, Spread, Standing, of_case, standings
from windsock.simulation.results.measures import RunSummary
from windsock.simulation.sweeps.sweep import Sweep
from windsock.simulation.world.scenario import Scenario

LEAST_TOLD = 0.0005
"""Share of retries from which on they are told."""

DIGITS = 10
"""Significant digits in JSON: enough for any bar, few enough to be equal on every machine."""


def as_json(scenario: Scenario, name: str, found: Sweep) -> str:
    """The same text for the same scenario, settings and seeds, wherever the runs were made."""
    body = {
        "scenario": name,
        "inputs": scenario.model_dump(mode="json"),
        "is_whole": found.is_whole,
        "runs_asked": found.asked,
        "runs": [
            {"set": dict(result.settings), **asdict(result.summary)} for result in found.results
        ],
        "standings": [_standing(each) for each in standings(found.results)],
    }
    return json.dumps(rounded(body), indent=2, sort_keys=True)


def show(console: Console, scenario: Scenario, name: str, found: Sweep) -> None:
    """Policies side by side; means over seeds, and the range of cost per success."""
    text_lines.show(console, report_lines(scenario, name, found, width=console.width))


def report_lines(scenario: Scenario, name: str, found: Sweep, *, width: int) -> Iterator[str]:
    """The same in lines that fit."""
    yield from wrapped(f"{name}: {scenario.title}", width=width, indent="")
    known = standings(found.results)
    for settings in dict.fromkeys(each.settings for each in known):
        standing = of_case(known, settings)
        told = ", ".join(f"{key} = {value}" for key, value in settings)
        yield from ("", *_costs(standing, told, width))
        ours = standing.get(OURS) or next(iter(standing.values()))
        if ours.runs[0].summary.shocks:
            yield from ("", *_moves(ours, width))
    if not found.is_whole:
        done = sum(result.summary.is_whole for result in found.results)
        words = (
            f"Interrupted: {done} of {found.asked} runs are whole, "
            f"{len(found.results) - done} are cut short, the others are missing."
        )
        yield from ("", *wrapped(words, width=width, indent=""))


def shown(spread: Spread, form: str, scale: float = 1.0) -> str:
    """A range over seeds, or nothing where there is one seed."""
    if spread.least == spread.most:
        return ""
    return f"{spread.least * scale:{form}}-{spread.most * scale:{form}}"


def _costs(standing: dict[str, Standing], told: str, width: int) -> Iterator[str]:
    runs = [result.summary for each in standing.values() for result in each.runs]
    seeds = len({run.seed for run in runs})
    title = f"{mean(run.requests for run in runs):,.0f} requests, {seeds} seed{'s' * (seeds > 1)}"
    yield from wrapped(f"{told}: {title}" if told else title, width=width, indent="")
    columns = ("spend $", "success", "$/1k right", "vs flagship", "vs oracle")
    entries = [_cost(policy, each, standing) for policy, each in standing.items()]
    yield from lines([Entry("policy", columns), *entries], width=width)


def _cost(policy: str, each: Standing, standing: dict[str, Standing]) -> Entry:
    cost = each.usd_per_success
    figures = (
        f"{each.spend_usd.mean:.4g}",
        f"{each.success.mean:.2%}",
        f"{cost.mean * 1000:.4g}",
        _against(cost.mean, standing.get("flagship")),
        _against(cost.mean, standing.get("oracle")),
    )
    return Entry(policy, figures, "; ".join(_cost_facts(each)))


def _cost_facts(each: Standing) -> Iterator[str]:
    """What is to be said only where there is something."""
    if span := shown(each.usd_per_success, ".4g", 1000):
        yield f"{span} $/1k right over seeds"
    retried = mean(run.summary.attempts_per_request for run in each.runs) - 1
    if retried >= LEAST_TOLD:
        yield f"{retried:.1%} retries"


def _moves(each: Standing, width: int) -> Iterator[str]:
    yield from wrapped(f"price shocks: what {each.policy} did", width=width, indent="")
    head = Entry("deployment", ("hour", "before", "new split", "end"), "task, requests to shift")
    rows = move_rows([result.summary for result in each.runs])
    entries = [
        Entry(name, figures, f"{task}: {moved}{' requests' * moved.isdigit()}")
        for name, task, *figures, moved in rows
    ]
    yield from lines([head, *entries], width=width)


def move_rows(runs: Sequence[RunSummary]) -> list[tuple[str, ...]]:
    """One row a shock: deployment, task, hour, weight before, then, at the end, requests."""
    rows: list[tuple[str, ...]] = []
    for i, shock in enumerate(runs[0].shocks):
        same = [run.shocks[i] for run in runs if len(run.shocks) > i]
        switches = [each.switch_requests for each in same if each.switch_requests is not None]
        rows.append(
            (
                shock.deployment,
                shock.task,
                f"{shock.at_hour:g}",
                f"{mean(each.share_before for each in same):.1%}",
                f"{mean(each.share_then for each in same):.1%}",
                f"{mean(each.share_end for each in same):.1%}",
                f"{max(switches)}" if switches else "did not move",
            )
        )
    return rows


def _standing(each: Standing) -> dict[str, Any]:
    names = ("spend_usd", "success", "usd_per_success", "saved_usd", "saved_share", "success_gain")
    spreads = {name: getattr(each, name) for name in names}
    told = {name: asdict(value) if value else None for name, value in spreads.items()}
    return {"set": dict(each.settings), "policy": each.policy, **told}


def _against(cost: float, other: Standing | None) -> str:
    return f"{cost / other.usd_per_success.mean - 1:+.1%}" if other else ""


def rounded(value: Any) -> Any:
    """The value with every number in it to `DIGITS` significant digits."""
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}")
    if isinstance(value, dict):
        return {key: rounded(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(each) for each in value]
    return value
