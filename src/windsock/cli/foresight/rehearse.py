"""`windsock simulate --from-log`: what comes after a service's log, as people ask for it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress

from windsock.cli.foresight.started import Start, from_service, from_store
from windsock.cli.service_client import Client
from windsock.clock import Clock, SystemClock
from windsock.errors import ConfigError
from windsock.rehearsal import report
from windsock.rehearsal.changes import Changes, changed_settings, changes_of
from windsock.rehearsal.rehearse import Ask, Rehearsal, rehearse
from windsock.resources.declared import seconds
from windsock.simulation.world.traffic import HOUR_S


def rehearse_log(
    config: Path | None,
    environ: Mapping[str, str],
    *,
    service: Client | None = None,
    route: str | None = None,
    since: str | None = None,
    lasts: str = "1d",
    rivals: Sequence[str] | None = None,
    seeds: int = 10,
    at_once: int | None = None,
    as_json: bool = False,
    clock: Clock | None = None,
    **changes: Any,
) -> Rehearsal:
    """Rehearse, print and return; raises ConfigError or StoreError in one sentence.

    service     whose log it is; None: that of the store which the configuration names
    changes     as of `changes_of`
    """
    wanted = changes_of(**{name: each for name, each in changes.items() if each})
    hours = _span_s("--for", lasts) / HOUR_S
    if service is None:
        span_s = None if since is None else _span_s("--since", since)
        start = from_store(config, environ, route, span_s, (clock or SystemClock()).now())
    else:
        start = from_service(service, route, since)
    ask = _ask(start, environ, wanted, hours, rivals or (), seeds, at_once)
    with Progress(console=Console(stderr=True), transient=True) as bars:
        runs = bars.add_task("runs", total=None)
        found = rehearse(ask, lambda ended, total: bars.update(runs, completed=ended, total=total))
    if as_json:
        print(json.dumps(report.as_json(found)))
    else:
        report.show(Console(), found)
    return found


def _ask(
    start: Start, environ: Mapping[str, str], changes: Changes, hours: float,
    rivals: Sequence[str], seeds: int, at_once: int | None,
) -> Ask:  # fmt: skip
    origin = start.origin
    changed = changed_settings(start.text, start.source, environ, origin.route, changes)
    changes.check(origin.candidates)
    return Ask(
        origin=origin, traffic=start.traffic, changes=changes, changed=changed,
        starts_at=start.now, hours=hours, rivals=tuple(rivals), seeds=seeds, at_once=at_once,
    )  # fmt: skip


def _span_s(option: str, text: str) -> float:
    try:
        span = float(seconds(text))
    except ValueError as error:
        raise ConfigError(f"{option}: {error}") from None
    if span <= 0:
        raise ConfigError(f"{option} {text!r} is no time at all; name some, such as 6h")
    return span
