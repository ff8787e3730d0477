"""What the store tells of: its schema, its keys, calls that failed, floors nobody reaches."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from sqlalchemy import Engine

from windsock.app.state_recovery import may_have_had_keys
from windsock.cli.doctor.diagnosis import Diagnosis
from windsock.cli.prices.stored import stored_service
from windsock.config.settings import Settings
from windsock.core.model.calls import CallKind
from windsock.core.model.requests import Cell
from windsock.core.resilience.errors.rates import error_rise
from windsock.core.routing.outlook.floor_reach import Reach, reach_of
from windsock.core.routing.outlook.route_reach import ALL_TASKS, Shared, route_reach
from windsock.core.routing.router import Router
from windsock.errors import ConfigError, StoreError
from windsock.service.auth import open_door
from windsock.store.engine import open_engine, reading, sqlite_path
from windsock.store.migrations import HEAD, revision_of
from windsock.store.reports import attempts_report

NO_STORE = "empty, made at the first start"

ERRORS_S = 3600.0
"""How far back calls that failed are looked for."""

ACCOUNT: Mapping[CallKind, str] = {
    CallKind.OUT_OF_CREDIT: "for want of credit; top up the account that the key belongs to",
    CallKind.AUTH_FAILED: "for the key; make a new one, and set it where api_key names it",
    CallKind.MODEL_GONE: "since the key may not use the model, or there is none of that name; "
    "name another candidate, or ask the provider for access",
}
"""Refusals that no other request mends, and the mend."""


@contextmanager
def _looking(settings: Settings) -> Iterator[Engine | None]:
    """The store, None if there is none yet: looking makes none; raises ConfigError, StoreError."""
    path = sqlite_path(settings.store.url)
    engine = open_engine(settings.store.url)
    try:
        with reading():
            yield engine if path is None or path.is_file() else None
    finally:
        engine.dispose()


def diagnose_store(settings: Settings) -> Diagnosis:
    """Whether the store can be read, and has this version's schema."""
    try:
        with _looking(settings) as engine:
            if engine is None:
                return Diagnosis(subject="store", ok=True, text=NO_STORE)
            shown = engine.url.render_as_string()
            with engine.connect() as connection:
                found = revision_of(connection)
    except (ConfigError, StoreError) as error:
        return Diagnosis(subject="store", ok=False, text=str(error))
    if found in (None, HEAD):
        state = NO_STORE if found is None else "schema up to date"
        return Diagnosis(subject="store", ok=True, text=f"{shown}, {state}")
    text = f"{shown} has schema {found}; run 'windsock db upgrade' to bring it to {HEAD}"
    return Diagnosis(subject="store", ok=False, text=text)


def diagnose_door(settings: Settings) -> list[Diagnosis]:
    """Whether everybody could come in from other machines."""
    try:
        with _looking(settings) as engine:
            had_keys = engine is not None and _had_keys(engine)
    except (ConfigError, StoreError):
        return []  # said of the store; the service lets nobody in while it cannot read keys
    fault = open_door(settings.server.keys, settings.server.host, had_keys=had_keys)
    return [] if fault is None else [Diagnosis(subject="keys", ok=False, text=fault)]


def _had_keys(engine: Engine) -> bool:
    with engine.connect() as connection:
        is_empty = revision_of(connection) is None
    return not is_empty and may_have_had_keys(engine)


def diagnose_calls(settings: Settings, now: float) -> list[Diagnosis]:
    """Where calls of the last hour failed, by the records of the store."""
    ended = _ended(settings, now - ERRORS_S)
    mend = "GET /v1/decisions?format=ndjson lists each call, callers are told its words"
    rises = filter(None, (error_rise(name, ends) for name, ends in ended.items()))
    risen = [
        Diagnosis(subject=f"errors at {rise.deployment}", ok=False, text=f"{rise}; {mend}")
        for rise in rises
        if rise.has_risen
    ]
    refused = [
        Diagnosis(
            subject=name,
            ok=False,
            text=f"{ends[kind]} of {sum(ends.values())} calls of the last hour were refused "
            f"{words}",
        )
        for name, ends in ended.items()
        for kind, words in ACCOUNT.items()
        if ends[kind]
    ]
    return risen + refused


def _ended(settings: Settings, since: float) -> dict[str, Counter[CallKind]]:
    """How calls ended, by deployment; nothing where the store has a fault of its own."""
    ended: dict[str, Counter[CallKind]] = {}
    try:
        with _looking(settings) as engine:
            lines = attempts_report(engine, since=since) if engine else []
    except (ConfigError, StoreError):
        return ended
    for line in lines:
        ends = ended.setdefault(line["deployment"], Counter())
        ends[CallKind(line["kind"])] += line["calls"]
    return ended


def diagnose_floors(settings: Settings, environ: Mapping[str, str]) -> list[Diagnosis]:
    """Quality floors that nobody reaches, by what was learnt; none where nothing was."""
    try:
        with _looking(settings) as engine:
            if engine is None:
                return []
        with stored_service(settings, environ) as service:
            found = list(_out_of_reach(service.router, service.clock.now()))
    except (ConfigError, StoreError):
        return []
    return [_floor(each) for each in found]


def _out_of_reach(router: Router, now: float) -> Iterator[Reach]:
    for group in router.beliefs.to_state()["groups"]:
        route = router.routes.get(group["route"])
        if route is None or route.policy.aims is None or not route.policy.aims.has_floor:
            continue
        parts = list(_parts(router, group["namespace"], route.name, now))
        aims, beliefs = route.policy.aims, router.beliefs
        found = [reach_of(table, aims.quality_floor, beliefs) for _, table in parts]
        found.append(route_reach(parts, aims.route_quality_floor, beliefs))
        yield from (reach for reach in found if reach is not None and reach.is_out_of_reach)


def _parts(router: Router, namespace: str, route: str, now: float) -> Iterator[Shared]:
    """Every task of a route of which something was learnt, by its part of the recent requests."""
    for name, share in router.beliefs.tasks(namespace, route).items():
        task = Cell.read(namespace, route, name).task
        yield share, router.table(namespace, route, task, now)


def _floor(reach: Reach) -> Diagnosis:
    cell, is_whole = reach.cell, reach.cell.name == ALL_TASKS
    setting = "route_quality_floor" if is_whole else "quality_floor"
    return Diagnosis(
        subject=f"floor of {cell.route}" + ("" if is_whole else f" / {cell.name}"),
        ok=False,
        text=f"{reach.floor:.1%} is out of reach: the best is {reach.best} with "
        f"{reach.reachable:.1%}; lower routes.{cell.route}.{setting}, or add a candidate "
        "that is better ('windsock frontier' shows what each costs)",
    )
