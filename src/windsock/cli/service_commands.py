"""Commands that ask a running service: its weights, decisions, lessons and alarms."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from windsock.cli.options import HERE, Key, Url
from windsock.errors import ConfigError

alarms_app = typer.Typer(help="Silent changes of quality that were found.", no_args_is_help=True)


def weights(
    route: Annotated[str | None, typer.Option()] = None,
    task: Annotated[str | None, typer.Option()] = None,
    watch: Annotated[bool, typer.Option("--watch", help="print anew when weights change")] = False,
    url: Url = HERE,
    key: Key = None,
) -> None:
    """Live weights of a running service."""
    from windsock.cli import tables
    from windsock.cli.service_client import ServiceClient

    tables.show_weights(ServiceClient(url, key), route=route, task=task, watch=watch)


def learn(
    outcomes: Annotated[
        Path | None,
        typer.Argument(help="CSV: task, deployment and success (with count), or reward per prompt"),
    ] = None,
    route: Annotated[str, typer.Option()] = "auto",
    strength: Annotated[float, typer.Option(help="most rewards a rate may count for")] = 50.0,
    undo: Annotated[int | None, typer.Option(help="take a lesson back, by its number")] = None,
    url: Url = HERE,
    key: Key = None,
) -> None:
    """Start a running service's beliefs from past evaluations, or take that back."""
    from windsock.cli import tables
    from windsock.cli.service_client import ServiceClient

    if undo is not None:
        tables.unlearn(ServiceClient(url, key), undo)
    elif outcomes is None:
        raise ConfigError("name a CSV file of outcomes, or --undo and a lesson's number")
    else:
        tables.learn(ServiceClient(url, key), outcomes, route=route, strength=strength)


def explain(
    decision: str,
    url: Url = HERE,
    key: Key = None,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> None:
    """Why a decision fell as it did."""
    from windsock.cli import tables
    from windsock.cli.service_client import ServiceClient

    tables.show_decision(ServiceClient(url, key), decision, as_json=as_json)


def report(
    since: Annotated[str, typer.Option(help="how far back, such as 7d or 36h")] = "1d",
    by: Annotated[str, typer.Option(help="of route, task, deployment, key")] = "deployment",
    url: Url = HERE,
    key: Key = None,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> None:
    """What was spent and delivered, and what was billed against what was counted."""
    from windsock.cli import tables
    from windsock.cli.service_client import ServiceClient

    tables.show_report(ServiceClient(url, key), since=since, by=by, as_json=as_json)


@alarms_app.command("list")
def alarms_list(url: Url = HERE, key: Key = None) -> None:
    """Beliefs that an alarm has changed."""
    from windsock.cli import tables
    from windsock.cli.service_client import ServiceClient

    tables.show_alarms(ServiceClient(url, key))


@alarms_app.command("silence")
def alarms_silence(
    reporter: Annotated[str, typer.Argument(help="id of a key that reports")],
    undo: Annotated[bool, typer.Option("--undo", help="count its rewards again")] = False,
    url: Url = HERE,
    key: Key = None,
) -> None:
    """Take a key's rewards out of what is believed, as if it had said nothing."""
    from windsock.cli import tables
    from windsock.cli.service_client import ServiceClient

    tables.silence_key(ServiceClient(url, key), reporter, is_silent=not undo)


@alarms_app.command("undo")
def alarms_undo(
    deployment: str,
    route: Annotated[str, typer.Option()] = "auto",
    url: Url = HERE,
    key: Key = None,
) -> None:
    """Put the belief from before an alarm back."""
    from windsock.cli import tables
    from windsock.cli.service_client import ServiceClient

    tables.undo_alarm(ServiceClient(url, key), route, deployment)
