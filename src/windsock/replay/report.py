"""What a person reads: a table in the terminal; and what a program reads: JSON, byte for byte."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from statistics import mean
from typing import Any

from rich.console import Console
from rich.table import Table

from windsock.replay.measures import Summary
from windsock.replay.scenario import Scenario

DIGITS = 10
"""Significant digits in JSON: enough for any bar, few enough to be equal on every machine."""


def as_json(scenario: Scenario, name: str, summaries: Sequence[Summary]) -> str:
    """The same text for the same scenario and seeds."""
    body = {
        "scenario": name,
        "inputs": scenario.model_dump(mode="json"),
        "runs": [asdict(summary) for summary in summaries],
    }
    return json.dumps(_rounded(body), indent=2, sort_keys=True)


def show(console: Console, scenario: Scenario, name: str, summaries: Sequence[Summary]) -> None:
    """Policies side by side; means over seeds, and the range of cost per success."""
    console.print(f"[bold]{name}[/]  {scenario.title}", highlight=False)
    console.print(_costs(summaries))
    if scenario.shocks:
        console.print(_moves(summaries))
    if not all(summary.is_whole for summary in summaries):
        console.print("[yellow]Interrupted: these are the requests done so far.[/]")


def by_policy(summaries: Sequence[Summary]) -> dict[str, list[Summary]]:
    grouped: dict[str, list[Summary]] = {}
    for summary in summaries:
        grouped.setdefault(summary.policy, []).append(summary)
    return grouped


def _costs(summaries: Sequence[Summary]) -> Table:
    grouped = by_policy(summaries)
    seeds = len(next(iter(grouped.values())))
    requests = mean(summary.requests for summary in summaries)
    table = Table(title=f"{requests:,.0f} requests, {seeds} seed{'s' * (seeds > 1)}",
                  title_justify="left")  # fmt: skip
    for column in ("policy", "spend $", "success", "$/1k right", "range", "vs flagship",
                   "vs oracle", "retries"):  # fmt: skip
        table.add_column(column, justify="left" if column == "policy" else "right")
    for policy, runs in grouped.items():
        cost = mean(run.cost_per_success_usd for run in runs)
        table.add_row(
            f"[bold]{policy}[/]" if policy == "windsock" else policy,
            f"{mean(run.spend_usd for run in runs):.4g}",
            f"{mean(run.success for run in runs):.2%}",
            f"{cost * 1000:.4g}",
            _range([run.cost_per_success_usd * 1000 for run in runs]),
            _against(cost, grouped.get("flagship")),
            _against(cost, grouped.get("oracle")),
            f"{mean(run.attempts_per_request for run in runs) - 1:.1%}",
        )
    return table


def _moves(summaries: Sequence[Summary]) -> Table:
    table = Table(title="price shocks", title_justify="left")
    for column in (
        "policy",
        "shock",
        "task",
        "hour",
        "before",
        "new split",
        "end",
        "requests to shift",
    ):
        left = column in ("policy", "shock", "task")
        table.add_column(column, justify="left" if left else "right")
    for policy, runs in by_policy(summaries).items():
        for i, shock in enumerate(runs[0].shocks):
            same = [run.shocks[i] for run in runs if len(run.shocks) > i]
            switches = [each.switch_requests for each in same if each.switch_requests is not None]
            table.add_row(
                policy,
                shock.deployment,
                shock.task,
                f"{shock.at_hour:g}",
                f"{mean(each.share_before for each in same):.1%}",
                f"{mean(each.share_then for each in same):.1%}",
                f"{mean(each.share_end for each in same):.1%}",
                f"{max(switches)}" if switches else "did not move",
            )
    return table


def _range(values: Sequence[float]) -> str:
    return "" if len(values) < 2 else f"{min(values):.4g}-{max(values):.4g}"


def _against(cost: float, runs: Sequence[Summary] | None) -> str:
    if not runs:
        return ""
    return f"{cost / mean(run.cost_per_success_usd for run in runs) - 1:+.1%}"


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}")
    if isinstance(value, dict):
        return {key: _rounded(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(each) for each in value]
    return value
