"""Commands that look ahead: shocks replayed, and what comes after a log."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from windsock.cli.foresight.options import (
    Engine,
    FromLog,
    Jobs,
    Lasts,
    LogRoute,
    LogSince,
    LogUrl,
    Newcomers,
    Outages,
    Outcomes,
    Policies,
    PriceMoves,
    Report,
    Retired,
    Scenario,
    Seeds,
    Sets,
    When,
)
from windsock.cli.options import HERE, AsJson, Config, Key, Url, config_path
from windsock.errors import ConfigError


def simulate(
    scenario: Scenario = None,
    policy: Policies = None,
    seeds: Seeds = None,
    engine: Engine = "local",
    jobs: Jobs = None,
    settings: Sets = None,
    outcomes: Outcomes = None,
    report: Report = None,
    from_log: FromLog = False,
    config: Config = None,
    route: LogRoute = None,
    since: LogSince = None,
    lasts: Lasts = "1d",
    price: PriceMoves = None,
    retire: Retired = None,
    outage: Outages = None,
    add: Newcomers = None,
    at: When = None,
    url: LogUrl = None,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Replay price shocks, or rehearse what may follow your log."""
    if from_log:
        from windsock.cli.foresight.rehearse import rehearse_log
        from windsock.cli.service_client import ServiceClient

        service = ServiceClient(url, key) if url is not None and config is None else None
        rehearse_log(
            config_path(config), os.environ, service=service, route=route, since=since,
            lasts=lasts, prices=price,
            retired=retire, outages=outage, newcomers=add, settings=settings, at=at,
            rivals=policy, seeds=seeds or 10, at_once=jobs, as_json=as_json,
        )  # fmt: skip
        return
    if scenario is None:
        raise ConfigError("name a scenario, or --from-log; 'windsock simulate --help' tells more")
    from windsock.simulation.simulate import simulate as replay

    found = replay(
        scenario, policies=policy, seeds=seeds or 1, engine=engine, at_once=jobs,
        settings=settings, outcomes=outcomes, report_to=report, as_json=as_json,
    )  # fmt: skip
    if not found.is_whole:
        raise typer.Exit(130)


def frontier(
    route: Annotated[str | None, typer.Argument(help="only this route; default: all")] = None,
    task: Annotated[str | None, typer.Option(help="only this task; default: all")] = None,
    url: Url = HERE,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Cost against success at each quality setting. Nothing changes by asking."""
    from windsock.cli.foresight.frontier import show_frontier
    from windsock.cli.service_client import ServiceClient

    show_frontier(ServiceClient(url, key), route, task=task, as_json=as_json)
