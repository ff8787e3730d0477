"""Where a rehearsal starts: a store that lies here, or a service that runs elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import orjson
import tomli_w

from windsock.cli.service_client import Client
from windsock.cli.stores import existing_store
from windsock.config.file import load, parse
from windsock.core.model.calls import Outcome
from windsock.core.model.rewards import Feedback
from windsock.errors import ConfigError, WindsockError
from windsock.rehearsal.logged_traffic import LoggedTraffic, logged_traffic
from windsock.rehearsal.origin import Origin, narrowed, origin_of
from windsock.resources.declared import read_text
from windsock.store import queries
from windsock.store.codec import decode

NEEDS = frozenset({"store"})

ANSWER_S = 120.0
"""A service reads its log for this: longer than anything else that it is asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """What was known, and what had been asked.

    text, source    of the configuration, TOML, and its name
    now             unix s
    """

    origin: Origin
    traffic: LoggedTraffic
    text: str
    source: str
    now: float


def from_store(
    config: Path | None,
    environ: Mapping[str, str],
    route: str | None,
    span_s: float | None,
    now: float,
) -> Start:
    """What the store of a configuration tells; raises ConfigError or StoreError.

    span_s  of the log, up to now; None: all of it
    """
    if config is None:
        raise ConfigError(
            "name the service's --config or its --url, or run this where windsock.toml is"
        )
    stated = load(config, environ, needs=NEEDS)
    name = route or next(iter(stated.routes), None)
    if name is None:
        raise ConfigError(f"{config}: there are no [routes]; add the one to rehearse")
    with existing_store(stated) as engine:
        origin = origin_of(stated, engine, name, now)
        begins = 0.0 if span_s is None else now - span_s
        traffic = logged_traffic(queries.tail(engine, -1), name, begins)
    text = read_text(config, mend="check its name")
    return Start(origin=origin, traffic=traffic, text=text, source=str(config), now=now)


def from_service(service: Client, route: str | None, since: str | None) -> Start:
    """What a running service tells of itself; raises WindsockError."""
    asked = {key: each for key, each in (("route", route), ("since", since)) if each}
    said = service.ask("/v1/rehearsal", params=asked, timeout=ANSWER_S)
    try:
        return _read(said)
    except (LookupError, TypeError, msgspec.DecodeError) as error:
        raise WindsockError(
            "what the service tells of itself cannot be read here; is it of another version?"
        ) from error


def _read(said: Mapping[str, Any]) -> Start:
    text, source, route = tomli_w.dumps(said["settings"]), "the service", said["route"]
    entries = [
        decode(kind, orjson.dumps(each))
        for kind, key in ((Outcome, "outcomes"), (Feedback, "feedback"))
        for each in said[key]
    ]
    origin = Origin(
        settings=narrowed(parse(text, {}, source=source), route),
        route=route,
        state=said["router"],
        book=said["book"],
    )
    traffic = logged_traffic(entries, route, 0.0)
    return Start(origin=origin, traffic=traffic, text=text, source=source, now=said["now"])
