"""What a person reads: a table in the terminal; and what a program reads: JSON, byte for byte."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from statistics import mean
from typing import Any

from rich.console import Console
from rich.table import Table

from windsock.simulation.reporting.findings import OURS, Spread, Standing, of_case, standings
from windsock.simulation.results.measures import RunSummary
from windsock.simulation.sweeps.sweep import Sweep
from windsock.simulation.world.scenario import Scenario

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
    console.print(f"[bold]{name}[/]  {scenario.title}", highlight=False)
    known = standings(found.results)
    for settings in dict.fromkeys(each.settings for each in known):
        standing = of_case(known, settings)
        told = ", ".join(f"{key} = {value}" for key, value in settings)
        console.print(_costs(standing, told))
        ours = standing.get(OURS) or next(iter(standing.values()))
        if ours.runs[0].summary.shocks:
            console.print(_moves(ours))
    if not found.is_whole:
        done = sum(result.summary.is_whole for result in found.results)
        console.print(
            f"[yellow]Interrupted: {done} of {found.asked} runs are whole, "
            f"{len(found.results) - done} are cut short, the others are missing.[/]"
        )


def shown(spread: Spread, form: str, scale: float = 1.0) -> str:
    """A range over seeds, or nothing where there is one seed."""
    if spread.least == spread.most:
        return ""
    return f"{spread.least * scale:{form}}-{spread.most * scale:{form}}"


def _costs(standing: dict[str, Standing], told: str) -> Table:
    runs = [result.summary for each in standing.values() for result in each.runs]
    seeds = len({run.seed for run in runs})
    title = f"{mean(run.requests for run in runs):,.0f} requests, {seeds} seed{'s' * (seeds > 1)}"
    table = Table(title=f"{told}: {title}" if told else title, title_justify="left")
    for column in ("policy", "spend $", "success", "$/1k right", "range", "vs flagship",
                   "vs oracle", "retries"):  # fmt: skip
        is_name = column == "policy"
        table.add_column(column, justify="left" if is_name else "right", no_wrap=is_name)
    for policy, each in standing.items():
        cost = each.usd_per_success
        attempts = mean(run.summary.attempts_per_request for run in each.runs)
        table.add_row(
            f"[bold]{policy}[/]" if policy == OURS else policy,
            f"{each.spend_usd.mean:.4g}",
            f"{each.success.mean:.2%}",
            f"{cost.mean * 1000:.4g}",
            shown(cost, ".4g", 1000),
            _against(cost.mean, standing.get("flagship")),
            _against(cost.mean, standing.get("oracle")),
            f"{attempts - 1:.1%}",
        )
    return table


def _moves(each: Standing) -> Table:
    table = Table(title=f"price shocks: what {each.policy} did", title_justify="left")
    left = ("shock", "task")
    for column in (*left, "hour", "before", "new split", "end", "requests to shift"):
        table.add_column(column, justify="left" if column in left else "right")
    for row in move_rows([result.summary for result in each.runs]):
        table.add_row(*row)
    return table


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
