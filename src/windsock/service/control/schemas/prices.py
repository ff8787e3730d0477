"""Bodies of the price calls."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from pydantic import Field

from windsock.core.model.ticks import Quote
from windsock.core.model.units import MTOK
from windsock.service.control.schemas.base import Answer


class PriceView(Answer):
    """The price book's line for one deployment."""

    deployment: str
    is_priced: bool
    reason: str | None = Field(description="why it has no price, if it has none")
    nearest: list[str] = Field(
        default_factory=list, description="names that feeds list and that look like its own"
    )
    feed: str | None = None
    feed_model: str | None = None
    quoted_at: float | None = None
    seen_at: float | None = None
    age_s: float | None = None
    is_stale: bool = False
    uncertainty: float | None = None
    usd_per_mtok: dict[str, float] = Field(default_factory=dict)
    has_tiers: bool = False
    has_windows: bool = False


class PricesAnswer(Answer):
    """Of the whole catalog, or of the one deployment asked for."""

    data: list[PriceView]


class HistoryView(Answer):
    """One accepted quote."""

    deployment: str
    feed: str
    feed_model: str
    quoted_at: float | None
    seen_at: float
    usd_per_mtok: dict[str, float]

    @classmethod
    def of(cls, quote: Quote) -> HistoryView:
        """Without tiers and windows."""
        return cls(
            deployment=quote.deployment,
            feed=quote.feed,
            feed_model=quote.feed_model,
            quoted_at=quote.quoted_at,
            seen_at=quote.seen_at,
            usd_per_mtok=numbers(quote.usd_per_mtok),
        )


class HistoryAnswer(Answer):
    """Oldest first."""

    data: list[HistoryView]


class HeldView(Answer):
    """A quote that is not believed yet."""

    deployment: str
    feed: str
    reason: str
    since: float
    polls: int
    usd_per_mtok: dict[str, float]


class QuarantineAnswer(Answer):
    """Every quote that is held."""

    data: list[HeldView]


class Ruling(Answer):
    """Which held quote to release or to drop."""

    deployment: str
    feed: str


class RulingAnswer(Answer):
    """What came of it."""

    events: list[dict[str, Any]]


def numbers(prices: Mapping[Any, Decimal]) -> dict[str, float]:
    """USD per million units, by the meter's name."""
    return {str(meter): float(price) for meter, price in prices.items()}


def usd_per_unit(price: Decimal | None) -> str | None:
    """OpenRouter's shape: a decimal string, USD per single token."""
    return None if price is None else format((price / MTOK).normalize(), "f")
