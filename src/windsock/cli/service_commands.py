"""Commands that ask a running service: its weights, decisions, lessons and alarms."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from windsock.cli.options import HERE, AsJson, Key, Url
from windsock.errors import ConfigError

alarms_app = typer.Typer(help="Silent changes of quality that were found.", no_args_is_help=True)


def weights(
    route: Annotated[str | None, typer.Option(help="of this route; of all if not said")] = None,
    task: Annotated[str | None, typer.Option(help="of this task; of all if not said")] = None,
    tokens: Annotated[
        int | None, typer.Option(help="of prompts of this size; of all sizes if not said", min=1)
    ] = None,
    watch: Annotated[
        bool, typer.Option("--watch", "-w", help="show them anew when they change, until Ctrl-C")
    ] = False,
    url: Url = HERE,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Live weights of a running service."""
    from windsock.cli.service_client import ServiceClient
    from windsock.cli.weights import Asked, show_weights, watch_weights

    shown = watch_weights if watch else show_weights
    shown(ServiceClient(url, key), Asked(route, task, tokens), as_json=as_json)


def whatif(
    price: Annotated[
        list[str] | None, typer.Option(help="deepseek/*=+30%, =x1.3, or =INPUT/OUTPUT; repeatable")
    ] = None,
    floor: Annotated[
        float | None, typer.Option(help="another quality floor, 0 to below 1", min=0, max=1)
    ] = None,
    route_floor: Annotated[
        float | None, typer.Option(help="another floor over all of the route", min=0, max=1)
    ] = None,
    budget: Annotated[float | None, typer.Option(help="another budget, $ a day", min=0)] = None,
    route: Annotated[str | None, typer.Option(help="all routes if not named")] = None,
    task: Annotated[str | None, typer.Option(help="all tasks seen if not named")] = None,
    requests_per_day: Annotated[
        float | None, typer.Option(help="to tell of a day's bill", min=0)
    ] = None,
    url: Url = HERE,
    key: Key = None,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> None:
    """The next split under other prices, floor or budget. Nothing changes by asking."""
    from windsock.cli.foresight.what_if import show_what_if
    from windsock.cli.service_client import ServiceClient

    aims = {"quality_floor": floor, "route_quality_floor": route_floor, "usd_per_day": budget}
    if not price and all(aim is None for aim in aims.values()):
        raise ConfigError("say what to imagine: --price, --floor, --route-floor or --budget")
    show_what_if(
        ServiceClient(url, key),
        price or [],
        aims,
        route=route,
        task=task,
        requests_per_day=requests_per_day,
        as_json=as_json,
    )


def learn(
    outcomes: Annotated[
        Path | None,
        typer.Argument(help="CSV: task, deployment and success (with count), or reward per prompt"),
    ] = None,
    scores: Annotated[
        Path | None, typer.Option("--from", help="a file of scores of answers that were given")
    ] = None,
    name: Annotated[
        str, typer.Option("--format", help="of --from: csv, json, otel, langfuse, langsmith")
    ] = "csv",
    scale: Annotated[
        list[str] | None, typer.Option(help="METRIC=WORST..BEST, of --from; once for each metric")
    ] = None,
    source: Annotated[
        str | None, typer.Option(help="in whose name they count; explicit: people's")
    ] = None,
    route: Annotated[str, typer.Option(help="whose beliefs to start")] = "auto",
    strength: Annotated[float, typer.Option(help="most rewards a rate may count for")] = 50.0,
    undo: Annotated[int | None, typer.Option(help="take a lesson back, by its number")] = None,
    url: Url = HERE,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Start beliefs from past results or scores, or undo that."""
    from windsock.cli import tables
    from windsock.cli.learning.scores import learn_scores
    from windsock.cli.service_client import ServiceClient

    service = ServiceClient(url, key)
    if scores is None and name != "csv":
        scores = outcomes
    if undo is not None:
        tables.unlearn(service, undo, as_json=as_json)
    elif scores is not None:
        is_any = learn_scores(
            service, scores, name=name, scales=scale or (), source=source, as_json=as_json
        )
        raise typer.Exit(0 if is_any else 1)
    elif outcomes is None:
        raise ConfigError(
            "name a CSV file of outcomes, --from and a file of scores, or --undo and a lesson"
        )
    else:
        tables.learn(service, outcomes, route=route, strength=strength, as_json=as_json)


def explain(
    decision: Annotated[
        str, typer.Argument(help="its id: x-windsock-decision-id of an answer, or the log's")
    ],
    url: Url = HERE,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Why a decision fell as it did."""
    from windsock.cli.service_client import ServiceClient
    from windsock.cli.weights import show_decision

    show_decision(ServiceClient(url, key), decision, as_json=as_json)


def report(
    since: Annotated[str, typer.Option(help="how far back, such as 7d or 36h, or a date")] = "1d",
    by: Annotated[str, typer.Option(help="of route, task, deployment, key")] = "deployment",
    baseline: Annotated[
        str | None,
        typer.Option(help="compare with all to this one; the incumbent or the reference if not"),
    ] = None,
    url: Url = HERE,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """What was spent and delivered, billed and counted."""
    from windsock.cli import tables
    from windsock.cli.service_client import ServiceClient

    service = ServiceClient(url, key)
    tables.show_report(service, since=since, by=by, baseline=baseline, as_json=as_json)


def replicas(url: Url = HERE, key: Key = None, as_json: AsJson = False) -> None:
    """Who serves together over one database, and who leads."""
    from windsock.cli.replicas import show_replicas
    from windsock.cli.service_client import ServiceClient

    show_replicas(ServiceClient(url, key), as_json=as_json)


@alarms_app.command("list")
def alarms_list(url: Url = HERE, key: Key = None, as_json: AsJson = False) -> None:
    """Beliefs that an alarm has changed."""
    from windsock.cli import tables
    from windsock.cli.service_client import ServiceClient

    tables.show_alarms(ServiceClient(url, key), as_json=as_json)


@alarms_app.command("silence")
def alarms_silence(
    reporter: Annotated[str, typer.Argument(help="id of a key that reports")],
    undo: Annotated[bool, typer.Option("--undo", help="count its rewards again")] = False,
    url: Url = HERE,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Take a key's rewards out, as if it had said nothing."""
    from windsock.cli import tables
    from windsock.cli.service_client import ServiceClient

    service = ServiceClient(url, key)
    tables.silence_key(service, reporter, is_silent=not undo, as_json=as_json)


@alarms_app.command("undo")
def alarms_undo(
    deployment: Annotated[str, typer.Argument(help="whose alarm to take back")],
    route: Annotated[str, typer.Option(help="on which the alarm is held")] = "auto",
    url: Url = HERE,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Put the belief from before an alarm back."""
    from windsock.cli import tables
    from windsock.cli.service_client import ServiceClient

    tables.undo_alarm(ServiceClient(url, key), route, deployment, as_json=as_json)
