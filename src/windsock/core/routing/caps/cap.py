"""A cap: how much may be spent in a period, on what, by all together or by each."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache, lru_cache
from typing import NamedTuple

from windsock.core.pricing.peers.model_keys import family_key, own_name
from windsock.core.routing.caps.periods import Period
from windsock.core.routing.naming.patterns import compiled

NOBODY = ""
"""Stands for the key of a call that came without one."""

EVERYTHING = ""
"""The account of a cap whose sum is shared."""


class Charge(NamedTuple):
    """Who pays for a call, and to whom. key_id: empty without a key."""

    key_id: str
    route: str
    provider: str
    model: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Cap:
    """A hard limit in dollars. What it is for must match all that is named; empty is everything.

    usd         spent in a period at most, above 0
    timezone    IANA name of the zone whose midnights begin and end the period
    keys        ids, names or globs of keys; calls without a key are then not meant
    routes      names or globs; `route_names` the same, as they stand
    providers   ids or globs
    models      names or globs in lower case, also of families: `claude-*` wherever it is served
    each        key, route, provider or model, each of which has the sum to itself; empty: all
                share it
    beside      the route beside whose requests windsock itself asks what this is for; empty: it is
                for callers. A call then begins only if all that it may cost has room
    share       0..1, of what that route has spent in the period, that may be spent beside; None:
                `usd` alone is the limit
    """

    name: str
    usd: Decimal
    period: Period = Period.DAY
    timezone: str = "UTC"
    keys: tuple[str, ...] = ()
    routes: tuple[str, ...] = ()
    route_names: frozenset[str] = frozenset()
    providers: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    each: str = ""
    beside: str = ""
    share: Decimal | None = None

    def covers(self, charge: Charge, key_names: Mapping[str, str]) -> bool:
        """Whether a call counts against it.

        key_names   by id of the key
        """
        key = charge.key_id
        if self.beside:
            return key in self.keys
        return (
            (not self.keys or (key != NOBODY and _is_one(self.keys, key, key_names.get(key, key))))
            and (not self.routes or _is_one(self.routes, charge.route))
            and (not self.route_names or charge.route in self.route_names)
            and (not self.providers or _is_one(self.providers, charge.provider))
            and (not self.models or _is_one(self.models, *model_names(charge.model)))
        )

    def account_of(self, charge: Charge) -> str:
        """Which of its sums a call counts against."""
        if not self.each:
            return EVERYTHING
        if self.each == "model":
            return family(charge.model)
        return charge.key_id if self.each == "key" else str(getattr(charge, self.each))


@lru_cache(maxsize=8192)
def model_names(model: str) -> tuple[str, ...]:
    """What a model may be called in a cap: its provider's name, its last part, its own name."""
    full = model.lower()
    last = full.rsplit("/", 1)[-1]
    return tuple(dict.fromkeys((full, last, own_name(last))))


@lru_cache(maxsize=8192)
def family(model: str) -> str:
    """The line that a model is a version of; its own name where that is not known."""
    name = own_name(model)
    return family_key(name) or name


def _is_one(globs: tuple[str, ...], *names: str) -> bool:
    return any(_glob(each).fullmatch(name) for each in globs for name in names)


@cache
def _glob(text: str) -> re.Pattern[str]:
    return compiled(text)
