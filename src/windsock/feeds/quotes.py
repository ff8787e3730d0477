"""Rows of a list become statements; of several dated ones of a model, those that hold now."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from windsock.core.model.ticks import Quote
from windsock.feeds.definition import FeedDefinition
from windsock.feeds.reader import PriceRow


def rows_at(rows: Sequence[PriceRow], now: float) -> list[PriceRow]:
    """Rows without those that a later one of the same model has replaced by `now` (unix s).

    What begins later stays: it is announced.
    """
    since: defaultdict[tuple[str, str], float] = defaultdict(lambda: float("-inf"))
    for row in rows:
        if row.valid_from is not None and row.valid_from <= now:
            name = (row.provider, row.model)
            since[name] = max(since[name], row.valid_from)
    if not since:
        return list(rows)
    return [row for row in rows if _begins(row) >= since[row.provider, row.model]]


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
        is_indirect=is_indirect,
        mode=row.mode,
    )
