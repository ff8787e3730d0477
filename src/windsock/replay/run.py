"""`windsock simulate`: one scenario, some policies, some seeds."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)

from windsock.replay import engines, report
from windsock.replay.contenders import chosen
from windsock.replay.measures import Summary, summarize
from windsock.replay.scenario import Scenario, load_scenario
from windsock.replay.world import World
from windsock.rooms import folder


def simulate(
    name: str,
    *,
    policies: Sequence[str] | None = None,
    seeds: int = 1,
    as_json: bool = False,
) -> list[Summary]:
    """Run, print, and return the summaries; raises ConfigError on bad input."""
    place = folder("simulations", "scenario.toml", name)
    scenario = load_scenario(place)
    summaries = run_all(scenario, policies, seeds, Console(stderr=True))
    if as_json:
        print(report.as_json(scenario, place.name, summaries))
    else:
        report.show(Console(), scenario, place.name, summaries)
    return summaries


def run_all(
    scenario: Scenario, policies: Sequence[str] | None, seeds: int, console: Console
) -> list[Summary]:
    """Every policy under every seed, on the same weather."""
    summaries: list[Summary] = []
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bars:
        for seed in range(seeds):
            world = World(scenario, seed)
            for name, contender in chosen(world, policies).items():
                task = bars.add_task(f"{name}, seed {seed}", total=engines.steps(world), rate="")
                unit = engines.UNIT[scenario.engine]
                advance = partial(_advance, bars, task, unit)
                run = engines.run(world, name, contender, seed, advance)
                bars.remove_task(task)
                if run.steps:
                    summaries.append(summarize(run, world))
                if not run.is_whole:
                    return summaries
    return summaries


def _advance(bars: Progress, task: TaskID, unit: str, done: int) -> None:
    bar = next(bar for bar in bars.tasks if bar.id == task)
    speed = f"{bar.speed:,.0f} {unit}/s" if bar.speed else ""
    bars.update(task, advance=done, rate=speed)
