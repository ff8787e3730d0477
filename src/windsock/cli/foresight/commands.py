"""Commands that look ahead: shocks replayed, and what comes after a log."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from windsock.cli.options import HERE, AsJson, Config, Key, Url, config_path
from windsock.errors import ConfigError


def _scenarios(begun: str) -> list[str]:
    """Names of shipped scenarios, for completion in a shell."""
    from windsock.resources import folders

    return [name for name in folders("simulations", "scenario.toml") if name.startswith(begun)]


def simulate(
    scenario: Annotated[
        str | None,
        typer.Argument(help="a folder name in simulations/, or a path", autocompletion=_scenarios),
    ] = None,
    policy: Annotated[list[str] | None, typer.Option("--policy", help="repeatable; or all")] = None,
    seeds: Annotated[
        int | None, typer.Option(min=1, help="how many seeds to run; 1, of a log 10")
    ] = None,
    engine: Annotated[str, typer.Option(help="local, or dask or ray on a cluster")] = "local",
    jobs: Annotated[int | None, typer.Option(min=1, help="runs at once; one a core")] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            help="KEY=VALUE,VALUE of the scenario, each value run; of a log KEY=VALUE of "
            "windsock.toml; repeatable",
        ),
    ] = None,
    outcomes: Annotated[
        Path | None, typer.Option(help="CSV or Parquet of outcomes per prompt and deployment")
    ] = None,
    report: Annotated[Path | None, typer.Option(help="write one HTML file")] = None,
    from_log: Annotated[
        bool, typer.Option("--from-log", help="rehearse what comes after a service's log")
    ] = False,
    config: Config = None,
    route: Annotated[str | None, typer.Option(help="of the log; the first if not named")] = None,
    since: Annotated[
        str | None, typer.Option(help="traffic of the last 7d, say; all of it")
    ] = None,
    lasts: Annotated[str, typer.Option("--for", help="how long to rehearse")] = "1d",
    price: Annotated[
        list[str] | None,
        typer.Option(help="deepseek/*=+30%, =x1.3, or =INPUT/OUTPUT; repeatable"),
    ] = None,
    retire: Annotated[list[str] | None, typer.Option(help="a deployment ends; repeatable")] = None,
    outage: Annotated[list[str] | None, typer.Option(help="NAME=2h; repeatable")] = None,
    add: Annotated[
        list[str] | None,
        typer.Option(help="PROVIDER/MODEL=INPUT/OUTPUT, perhaps @SUCCESS; repeatable"),
    ] = None,
    at: Annotated[str | None, typer.Option(help="when all that happens: 'in 6h'")] = None,
    url: Annotated[
        str | None,
        typer.Option(help="of a running service, whose log it is then", envvar="WINDSOCK_URL"),
    ] = None,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Replay price shocks, or rehearse what comes after a log."""
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
        scenario,
        policies=policy,
        seeds=seeds or 1,
        engine=engine,
        at_once=jobs,
        settings=settings,
        outcomes=outcomes,
        report_to=report,
        as_json=as_json,
    )
    if not found.is_whole:
        raise typer.Exit(130)


def frontier(
    route: Annotated[str | None, typer.Argument(help="all routes if not named")] = None,
    task: Annotated[str | None, typer.Option(help="of this task; of all if not said")] = None,
    url: Url = HERE,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """What you would get at each wish: cost against success. Nothing changes by asking."""
    from windsock.cli.foresight.frontier import show_frontier
    from windsock.cli.service_client import ServiceClient

    show_frontier(ServiceClient(url, key), route, task=task, as_json=as_json)
