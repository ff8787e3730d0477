"""The [store] table: where records are kept, and how long."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field

from windsock.config.value_types import Lasting, Seconds
from windsock.resources.declared import Part, seconds

DAY_S = 86_400.0


def _kept(value: object) -> object:
    return None if value in ("ever", None) else seconds(value)


Kept = Annotated[Annotated[float, Field(gt=0)] | None, BeforeValidator(_kept)]
"""A duration, in s; None: for ever."""


class RetentionSettings(Part):
    """How long each kind of record is kept, such as "90d", or "ever". What is older is deleted
    every hour, in slices. The last three snapshots are kept, keys, and the shapes of requests.

    decisions   with their outcomes, calls and rewards, and requests that asked no provider
    rewards     what was said of decisions, if not as long; their success stays in the sums
    tables      weight tables: older decisions still tell their own propensity
    prices      quotes that another of their feed has replaced since; what was in force stays
    held        quotes that were not believed
    events, health
    sums        by minute, hour and day, which reports read
    """

    decisions: Kept = None
    rewards: Kept = None
    tables: Kept = 30 * DAY_S
    prices: Kept = None
    held: Kept = 90 * DAY_S
    events: Kept = 90 * DAY_S
    health: Kept = 90 * DAY_S
    sums: Kept = None


class StoreSettings(Part):
    """Where decisions and beliefs are kept.

    url             of SQLAlchemy: SQLite or PostgreSQL
    flush           longest time that a record waits to be written
    snapshot_every  between two snapshots of what was learnt
    retention       how long what is kept
    """

    url: str = Field(default="sqlite:///windsock.db", repr=False)
    flush: Annotated[Seconds, Field(ge=0.01)] = 0.25
    snapshot_every: Lasting = 5.0
    retention: RetentionSettings = RetentionSettings()
