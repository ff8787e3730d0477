"""`windsock simulate`: one scenario, some policies, seeds and settings."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from windsock.errors import ConfigError
from windsock.resources import folder
from windsock.resources.text_lines import show
from windsock.simulation.engines.contenders import left_out
from windsock.simulation.engines.paretobandit import INSTALL
from windsock.simulation.reporting import html_report, text_report
from windsock.simulation.sweeps.parameter_grid import cases
from windsock.simulation.sweeps.progress_bar import Bar
from windsock.simulation.sweeps.sweep import ENGINES, Engine, Sweep, jobs_of, sweep
from windsock.simulation.world.outcome_table import read_table
from windsock.simulation.world.outcome_world import with_outcomes, world_of
from windsock.simulation.world.scenario import Scenario, load_scenario


def simulate(
    name: str,
    *,
    policies: Sequence[str] | None = None,
    seeds: int = 1,
    engine: str = "local",
    at_once: int | None = None,
    settings: Sequence[str] | None = None,
    outcomes: Path | None = None,
    report_to: Path | None = None,
    as_json: bool = False,
) -> Sweep:
    """Run, write the report, print, and return what was found; raises ConfigError on bad input."""
    place = folder("simulations", "scenario.toml", name)
    return replay(
        load_scenario(place),
        place.resolve().name,
        policies=policies,
        seeds=seeds,
        engine=engine,
        at_once=at_once,
        settings=settings,
        outcomes=outcomes,
        report_to=report_to,
        as_json=as_json,
    )


def replay(
    scenario: Scenario,
    title: str,
    *,
    policies: Sequence[str] | None = None,
    seeds: int = 1,
    engine: str = "local",
    at_once: int | None = None,
    settings: Sequence[str] | None = None,
    outcomes: Path | None = None,
    report_to: Path | None = None,
    as_json: bool = False,
) -> Sweep:
    """The same for a scenario that is already read."""
    chosen = _engine(engine)
    if report_to is not None and not report_to.resolve().parent.is_dir():
        raise ConfigError(f"--report {report_to}: there is no folder {report_to.parent}; make it")
    table = read_table(outcomes) if outcomes else None
    if table is not None:
        scenario = with_outcomes(scenario, table)
    jobs = jobs_of(cases(scenario, settings), policies, seeds, table)
    aside = Console(stderr=True)
    for policy in left_out(world_of(scenario, 0, table), policies):
        show(aside, [f"left out: {policy}, which needs a package; {INSTALL}"])
    bar = Bar(aside, scenario.engine)
    found = sweep(jobs, engine=chosen, at_once=at_once, watch=bar.watch)
    if report_to is not None:  # before anything is printed, which a pipe may not take
        report_to.write_text(html_report.html(scenario, title, found), encoding="utf-8")
    if as_json:
        print(text_report.as_json(scenario, title, found))
    else:
        text_report.show(Console(), scenario, title, found)
    return found


def _engine(name: str) -> Engine:
    for known in ENGINES:
        if name == known:
            return known
    raise ConfigError(f"--engine {name!r} is not known; there are {', '.join(ENGINES)}")
