"""Commands that ask a running service: its weights, decisions, lessons and alarms."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from windsock.cli.options import HERE, AsJson, Key, Url
from windsock.errors import ConfigError

alarms_app = typer.Typer(help="Silent changes of quality that were detected.", no_args_is_help=True)


def weights(
    route: Annotated[str | None, typer.Option(help="only this route; default: all")] = None,
    task: Annotated[str | None, typer.Option(help="only this task; default: all")] = None,
    tokens: Annotated[
        int | None, typer.Option(help="for prompts of this many tokens; default: any", min=1)
    ] = None,
    watch: Annotated[
        bool,
        typer.Option("--watch", "-w", help="show them again whenever they change, until Ctrl-C"),
    ] = False,
    url: Url = HERE,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Current routing weights of a running service."""
    from windsock.cli.service_client import ServiceClient
    from windsock.cli.weights import Asked, show_weights, watch_weights

    shown = watch_weights if watch else show_weights
    shown(ServiceClient(url, key), Asked(route, task, tokens), as_json=as_json)


def whatif(
    price: Annotated[
        list[str] | None, typer.Option(help="deepseek/*=+30%, =x1.3, or =INPUT/OUTPUT; repeatable")
    ] = None,
    floor: Annotated[
        float | None,
        typer.Option(help="another quality floor per task, from 0 to below 1", min=0, max=1),
    ] = None,
    route_floor: Annotated[
        float | None, typer.Option(help="another floor over all traffic of the route", min=0, max=1)
    ] = None,
    by_floor: Annotated[
        bool, typer.Option("--by-floor", help="the cheapest above the floors, ignoring other aims")
    ] = False,
    quality: Annotated[
        str | None, typer.Option(help="another quality: economy, balanced, high or max")
    ] = None,
    budget: Annotated[float | None, typer.Option(help="another budget, $ a day", min=0)] = None,
    route: Annotated[str | None, typer.Option(help="only this route; default: all")] = None,
    task: Annotated[
        str | None, typer.Option(help="only this task; default: all seen so far")
    ] = None,
    requests_per_day: Annotated[
        float | None, typer.Option(help="scale the daily bill to this many requests", min=0)
    ] = None,
    url: Url = HERE,
    key: Key = None,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> None:
    """How traffic would split under other prices or aims. Nothing changes by asking."""
    from windsock.cli.foresight.what_if import show_what_if
    from windsock.cli.service_client import ServiceClient

    aims = {
        "quality_floor": floor,
        "route_quality_floor": route_floor,
        "by_floor": by_floor or None,
        "quality": quality,
        "usd_per_day": budget,
    }
    if not price and all(aim is None for aim in aims.values()):
        raise ConfigError(
            "say what to imagine: --price, --floor, --route-floor, --by-floor, --quality or "
            "--budget"
        )
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
        Path | None, typer.Option("--from", help="a file with scores of past answers")
    ] = None,
    name: Annotated[
        str, typer.Option("--format", help="with --from: csv, json, otel, langfuse, langsmith")
    ] = "csv",
    scale: Annotated[
        list[str] | None, typer.Option(help="with --from: METRIC=WORST..BEST; once per metric")
    ] = None,
    source: Annotated[
        str | None, typer.Option(help="whose word they count as; explicit: a person's")
    ] = None,
    route: Annotated[str, typer.Option(help="the route whose beliefs to start")] = "auto",
    strength: Annotated[
        float, typer.Option(help="how many rewards a rate may count for at most")
    ] = 50.0,
    undo: Annotated[int | None, typer.Option(help="take back the lesson with this number")] = None,
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
        str, typer.Argument(help="its id: x-windsock-decision-id of an answer, or from the log")
    ],
    url: Url = HERE,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Explain why a request went where it did."""
    from windsock.cli.service_client import ServiceClient
    from windsock.cli.weights import show_decision

    show_decision(ServiceClient(url, key), decision, as_json=as_json)


def report(
    since: Annotated[str, typer.Option(help="how far back, such as 7d or 36h, or a date")] = "1d",
    by: Annotated[str, typer.Option(help="group by route, task, deployment or key")] = "deployment",
    baseline: Annotated[
        str | None,
        typer.Option(help="compare with sending everything here; default: the incumbent"),
    ] = None,
    url: Url = HERE,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """What was spent and what it delivered. As billed, and as counted."""
    from windsock.cli import tables
    from windsock.cli.service_client import ServiceClient

    service = ServiceClient(url, key)
    tables.show_report(service, since=since, by=by, baseline=baseline, as_json=as_json)


def replicas(url: Url = HERE, key: Key = None, as_json: AsJson = False) -> None:
    """The replicas that share one database, and which one leads."""
    from windsock.cli.replicas import show_replicas
    from windsock.cli.service_client import ServiceClient

    show_replicas(ServiceClient(url, key), as_json=as_json)


@alarms_app.command("list")
def alarms_list(url: Url = HERE, key: Key = None, as_json: AsJson = False) -> None:
    """List beliefs that an alarm has changed."""
    from windsock.cli import tables
    from windsock.cli.service_client import ServiceClient

    tables.show_alarms(ServiceClient(url, key), as_json=as_json)


@alarms_app.command("silence")
def alarms_silence(
    reporter: Annotated[str, typer.Argument(help="id of the key whose feedback to ignore")],
    undo: Annotated[bool, typer.Option("--undo", help="count its rewards again")] = False,
    url: Url = HERE,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Ignore the feedback of one key, as if it had said nothing."""
    from windsock.cli import tables
    from windsock.cli.service_client import ServiceClient

    service = ServiceClient(url, key)
    tables.silence_key(service, reporter, is_silent=not undo, as_json=as_json)


@alarms_app.command("undo")
def alarms_undo(
    deployment: Annotated[str, typer.Argument(help="the deployment whose alarm to undo")],
    route: Annotated[str, typer.Option(help="the route of the alarm")] = "auto",
    url: Url = HERE,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Restore the belief from before an alarm."""
    from windsock.cli import tables
    from windsock.cli.service_client import ServiceClient

    tables.undo_alarm(ServiceClient(url, key), route, deployment, as_json=as_json)
