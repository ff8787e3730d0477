"""Options of the commands that look ahead."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def _scenarios(begun: str) -> list[str]:
    """Names of shipped scenarios, for completion in a shell."""
    from windsock.resources import folders

    return [name for name in folders("simulations", "scenario.toml") if name.startswith(begun)]


Scenario = Annotated[
    str | None,
    typer.Argument(help="a folder name in simulations/, or a path", autocompletion=_scenarios),
]
Policies = Annotated[
    list[str] | None, typer.Option("--policy", help="a rival policy to run; repeatable; or all")
]
Seeds = Annotated[int | None, typer.Option(min=1, help="seeds to run; default: 1, from a log 10")]
Engine = Annotated[str, typer.Option(help="local, or dask or ray on a cluster")]
Jobs = Annotated[int | None, typer.Option(min=1, help="parallel runs; default: one per core")]
Sets = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        help="KEY=VALUE,VALUE of the scenario, one run per value; from a log KEY=VALUE of "
        "windsock.toml; repeatable",
    ),
]
Outcomes = Annotated[
    Path | None, typer.Option(help="CSV or Parquet of outcomes per prompt and deployment")
]
Report = Annotated[Path | None, typer.Option(help="write one HTML file")]

FromLog = Annotated[
    bool, typer.Option("--from-log", help="rehearse what may follow a service's log")
]
LogRoute = Annotated[str | None, typer.Option(help="route of the log; default: the first")]
LogSince = Annotated[
    str | None, typer.Option(help="use only the last 7d, say; default: all traffic")
]
Lasts = Annotated[str, typer.Option("--for", help="how long to rehearse")]
PriceMoves = Annotated[
    list[str] | None, typer.Option(help="deepseek/*=+30%, =x1.3, or =INPUT/OUTPUT; repeatable")
]
Retired = Annotated[list[str] | None, typer.Option(help="a deployment that is retired; repeatable")]
Outages = Annotated[list[str] | None, typer.Option(help="an outage, NAME=2h; repeatable")]
Newcomers = Annotated[
    list[str] | None,
    typer.Option(help="a newcomer, PROVIDER/MODEL=INPUT/OUTPUT[@SUCCESS]; repeatable"),
]
When = Annotated[str | None, typer.Option(help="when these changes happen, such as 'in 6h'")]
LogUrl = Annotated[
    str | None,
    typer.Option(help="use the log of the service at this address", envvar="WINDSOCK_URL"),
]
