"""`windsock simulate --from-log`: what comes after the service's own log, as people ask for it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console

from windsock.cli.stores import existing_store
from windsock.clock import Clock, SystemClock
from windsock.config.file import load
from windsock.errors import ConfigError
from windsock.rehearsal import report
from windsock.rehearsal.changes import Changes, changed_settings, changes_of
from windsock.rehearsal.logged_traffic import logged_traffic
from windsock.rehearsal.origin import origin_of
from windsock.rehearsal.rehearse import Ask, Rehearsal, rehearse
from windsock.resources.declared import read_text, seconds
from windsock.simulation.world.traffic import HOUR_S
from windsock.store import queries

NEEDS = frozenset({"store"})


def rehearse_log(
    config: Path | None,
    environ: Mapping[str, str],
    *,
    route: str | None = None,
    since: str | None = None,
    lasts: str = "1d",
    prices: Sequence[str] | None = None,
    retired: Sequence[str] | None = None,
    outages: Sequence[str] | None = None,
    newcomers: Sequence[str] | None = None,
    settings: Sequence[str] | None = None,
    at: str | None = None,
    rivals: Sequence[str] | None = None,
    seeds: int = 10,
    at_once: int | None = None,
    as_json: bool = False,
    clock: Clock | None = None,
) -> Rehearsal:
    """Rehearse, print and return; raises ConfigError or StoreError in one sentence."""
    changes = changes_of(
        prices=prices or (), retired=retired or (), outages=outages or (),
        newcomers=newcomers or (), settings=settings or (), at=at,
    )  # fmt: skip
    ask = _ask(config, environ, route, since, lasts, changes, clock or SystemClock())
    found = rehearse(
        Ask(**ask, rivals=tuple(rivals or ()), seeds=seeds, at_once=at_once)  # type: ignore[arg-type]
    )
    if as_json:
        print(json.dumps(report.as_json(found)))
    else:
        report.show(Console(), found)
    return found


def _ask(
    config: Path | None,
    environ: Mapping[str, str],
    route: str | None,
    since: str | None,
    lasts: str,
    changes: Changes,
    clock: Clock,
) -> dict[str, object]:
    if config is None:
        raise ConfigError("name the service's --config, or run this where windsock.toml is")
    stated = load(config, environ, needs=NEEDS)
    name = route or next(iter(stated.routes), None)
    if name is None:
        raise ConfigError(f"{config}: there are no [routes]; add the one to rehearse")
    now = clock.now()
    begins = now - _span_s("--since", since) if since else 0.0
    with existing_store(stated) as engine:
        origin = origin_of(stated, engine, name, now)
        traffic = logged_traffic(queries.tail(engine, -1), name, begins)
    text = read_text(config, mend="check --config")
    changed = changed_settings(text, str(config), environ, name, changes)
    changes.check(origin.candidates)
    return {
        "origin": origin,
        "traffic": traffic,
        "changes": changes,
        "changed": changed,
        "starts_at": now,
        "hours": _span_s("--for", lasts) / HOUR_S,
    }


def _span_s(option: str, text: str) -> float:
    try:
        return float(seconds(text))
    except ValueError as error:
        raise ConfigError(f"{option}: {error}") from None
