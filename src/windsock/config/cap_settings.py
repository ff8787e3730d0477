"""Hard caps in windsock.toml."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field

from windsock.config.value_types import TimeZone
from windsock.resources.declared import Part

Names = tuple[Annotated[str, Field(min_length=1)], ...]


class CapSettings(Part):
    """Dollars that are never passed by more than one call, whichever way the call comes in.

    period      day, week (from Monday) or month, from midnight to midnight of `timezone`; or total
    keys        names or ids of the keys it is for, or globs; left out: calls of all, and without
    routes      names of routes, or globs
    providers   ids, or globs
    models      names of models, or globs such as "claude-*", whoever serves them
    each        key, route, provider or model: each of them (of models, each family) has the whole
                sum to itself; left out, all share it
    """

    usd: Decimal = Field(gt=0, max_digits=18)
    period: Literal["day", "week", "month", "total"] = "day"
    timezone: TimeZone | None = None
    keys: Names = Field(default=(), repr=False)
    routes: Names = ()
    providers: Names = ()
    models: Names = ()
    each: Literal["key", "route", "provider", "model"] | None = None
