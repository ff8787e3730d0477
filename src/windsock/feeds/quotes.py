"""Rows of a list become statements; of several dated ones of a model, those that hold now."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from windsock.core.model.ticks import Quote
from windsock.feeds.definition import FeedDefinition
from windsock.feeds.reader import PriceRow

Name = tuple[str, str]
"""(provider, model), as a list writes them."""


def rows_at(rows: Sequence[PriceRow], now: float) -> list[PriceRow]:
    """One row of each model for each moment at which it begins, in order; of what has begun by
    `now` (unix s) the last alone.

    Of two that begin together the dearer holds, whichever stands first: a list that says both would
    move the price back and forth at every poll. What begins later stays: it is announced.
    """
    since: dict[Name, float] = {}
    held: dict[tuple[Name, float], PriceRow] = {}
    for row in rows:
        name, begins = (row.provider, row.model), _begins(row)
        if begins <= now:
            since[name] = max(since.get(name, begins), begins)
        other = held.get((name, begins))
        if other is None or _usd(row) > _usd(other):
            held[name, begins] = row
    return [row for (name, begins), row in held.items() if begins >= since.get(name, begins)]


def _usd(row: PriceRow) -> Decimal:
    """By which of two rows the dearer is told."""
    return sum((p for p in row.usd_per_mtok.values() if p.is_finite()), Decimal(0))


def _begins(row: PriceRow) -> float:
    return float("-inf") if row.valid_from is None else row.valid_from


def quote_of(
    row: PriceRow, deployment: str, definition: FeedDefinition, seen_at: float, is_indirect: bool
) -> Quote:
    """A feed's row as a statement about one deployment."""
    return Quote(
        deployment=deployment,
        feed=definition.id,
        feed_model=row.model,
        usd_per_mtok=row.usd_per_mtok,
        tiers=row.tiers,
        windows=row.windows,
        service_tiers=row.service_tiers,
        quoted_at=row.quoted_at,
        seen_at=seen_at,
        valid_from=row.valid_from,
        valid_until=row.valid_until,
        currency=row.currency,
        zero_reason=row.zero_reason,
        trust=definition.trust,
        copies=definition.copies,
        is_indirect=is_indirect,
        mode=row.mode,
    )
