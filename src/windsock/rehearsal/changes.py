"""What is to be rehearsed, as people write it: prices, outages, newcomers, settings."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import tomli_w

from windsock.config.file import parse
from windsock.config.settings import Settings
from windsock.config.shared_settings import NOWHERE
from windsock.errors import ConfigError
from windsock.evaluation.repricing import Repriced, repriced
from windsock.resources.declared import seconds

SINCE_START = re.compile(r"^(?:in\s+)?(\S+)$")

AS_THEY_ARE = Repriced()


@dataclass(frozen=True, slots=True, kw_only=True)
class Newcomer:
    """A deployment to add, at dollars per million tokens.

    success     as its owner expects it, 0..1; None: what is believed of any untried model
    """

    name: str
    input: float
    output: float
    success: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What happens, all of it at one moment; settings hold from the start.

    at_s        seconds from the start of the rehearsal
    retired     deployments that answer no more
    outages     seconds that each of these is away
    """

    at_s: float = 0.0
    prices: Repriced = AS_THEY_ARE
    retired: tuple[str, ...] = ()
    outages: Mapping[str, float] | None = None
    newcomers: tuple[Newcomer, ...] = ()
    settings: tuple[str, ...] = ()

    @property
    def words(self) -> list[str]:
        """Each of them in a few words, for people."""
        moment = f" after {_span(self.at_s)}" if self.at_s else ""
        told = [f"{text}{moment}" for text in self.prices.texts]
        told += [f"{name} is retired{moment}" for name in self.retired]
        told += [
            f"{name} is away for {_span(span)}{moment}"
            for name, span in (self.outages or {}).items()
        ]
        told += [
            f"{each.name} comes at ${each.input:g}/{each.output:g} per million tokens{moment}"
            for each in self.newcomers
        ]
        return [*told, *self.settings]

    def check(self, names: Sequence[str]) -> None:
        """Raises ConfigError where one is of no deployment of the route."""
        known = [*names, *(each.name for each in self.newcomers)]
        self.prices.check(known)
        for option, wanted in (("--retire", self.retired), ("--outage", self.outages or {})):
            for name in wanted:
                if name not in known:
                    raise ConfigError(f"{option} {name}: {_nearest(name, known)}")

    def is_hit(self, name: str, after_s: float) -> bool:
        """True if a deployment is away so long after the start."""
        since = after_s - self.at_s
        away_s = (self.outages or {}).get(name, 0.0)
        return since >= 0 and (name in self.retired or since < away_s)


def changes_of(
    *,
    prices: Sequence[str] = (),
    retired: Sequence[str] = (),
    outages: Sequence[str] = (),
    newcomers: Sequence[str] = (),
    settings: Sequence[str] = (),
    at: str | None = None,
) -> Changes:
    """From the command line; raises ConfigError naming the option."""
    return Changes(
        at_s=_moment(at) if at else 0.0,
        prices=repriced(prices),
        retired=tuple(retired),
        outages=dict(_outage(text) for text in outages),
        newcomers=tuple(_newcomer(text) for text in newcomers),
        settings=tuple(settings),
    )


def changed_settings(
    text: str, source: str, environ: Mapping[str, str], route: str, changes: Changes
) -> Settings:
    """The configuration with the changes in it that are its own; raises ConfigError."""
    body = tomllib.loads(text)
    for each in changes.settings:
        _put(body, each)
    for comer in changes.newcomers:
        _add(body, route, comer)
    return parse(tomli_w.dumps(body), environ, source=source, needs={"store"})


def _put(body: dict[str, Any], text: str) -> None:
    path, equals, value = text.partition("=")
    if not equals:
        raise ConfigError(f"--set {text!r}: write KEY=VALUE, such as routes.auto.quality_floor=0.9")
    try:
        read = tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        read = value.strip()
    *places, last = path.strip().split(".")
    for place in places:
        body = body.setdefault(place, {})
        if not isinstance(body, dict):
            raise ConfigError(f"--set {text!r}: {place!r} is no table")
    body[last] = read


def _add(body: dict[str, Any], route: str, comer: Newcomer) -> None:
    provider = comer.name.partition("/")[0]
    body.setdefault("providers", {}).setdefault(provider, {"base_url": NOWHERE})
    candidates = body.setdefault("routes", {}).setdefault(route, {}).setdefault("candidates", [])
    if comer.name in candidates:
        raise ConfigError(f"--add {comer.name}: it is a candidate of {route!r} already")
    candidates.append(comer.name)


def _moment(text: str) -> float:
    found = SINCE_START.match(text.strip())
    try:
        return float(seconds(found[1] if found else text))
    except ValueError as error:
        raise ConfigError(f"--at {text!r}: {error}; write it as 'in 7d'") from None


def _outage(text: str) -> tuple[str, float]:
    name, _, span = text.partition("=")
    try:
        return name, float(seconds(span or "1h"))
    except ValueError as error:
        raise ConfigError(f"--outage {text!r}: {error}; write NAME=2h") from None


def _newcomer(text: str) -> Newcomer:
    usage = "write PROVIDER/MODEL=INPUT/OUTPUT, and @SUCCESS after it if you expect one"
    name, _, rest = text.partition("=")
    prices, _, success = rest.partition("@")
    try:
        sent, received = (float(each) for each in prices.split("/"))
        expected = float(success) if success else None
    except ValueError:
        raise ConfigError(f"--add {text!r}: {usage}") from None
    if "/" not in name or not 0 <= sent < 1e6 or not 0 <= received < 1e6:
        raise ConfigError(f"--add {text!r}: {usage}")
    if expected is not None and not 0 <= expected <= 1:
        raise ConfigError(f"--add {text!r}: success is a number from 0 to 1")
    return Newcomer(name=name, input=sent, output=received, success=expected)


def _nearest(name: str, known: Sequence[str]) -> str:
    near = get_close_matches(name, known, n=1)
    return f"did you mean {near[0]!r}?" if near else f"the route has {', '.join(known)}"


def _span(span_s: float) -> str:
    for unit, size in (("d", 86_400.0), ("h", 3600.0), ("m", 60.0)):
        if span_s >= size and span_s % size == 0:
            return f"{span_s / size:g}{unit}"
    return f"{span_s:g}s"
