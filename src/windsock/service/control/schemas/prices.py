"""Bodies of the price calls."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from pydantic import Field

from windsock.core.model.ticks import Quote
from windsock.core.model.units import MTOK
from windsock.service.control.schemas.asked import DeploymentName, Name
from windsock.service.control.schemas.base import Answer


class TierView(Answer):
    """Prices of prompts above a size, or from it on, of one service tier or of all."""

    min_prompt_tokens: int
    is_strict: bool = Field(description="true: larger prompts; false: from this size on")
    service_tier: str | None
    usd_per_mtok: dict[str, float]


class WindowView(Answer):
    """Prices of recurring hours."""

    days: list[int] = Field(description="ISO weekdays on which it opens, 1 is Monday")
    start: str = Field(description="inclusive, in `timezone`")
    end: str = Field(description="exclusive; at or before `start` it is that of the next day")
    timezone: str
    min_prompt_tokens: int = Field(description="of larger prompts only; 0: of all")
    is_open: bool
    usd_per_mtok: dict[str, float]


class LineView(Answer):
    """What requests of one size, service tier and hour pay: all terms multiplied out."""

    from_prompt_tokens: int = Field(description="the smallest such prompt")
    service_tier: str | None
    open_windows: list[int] = Field(description="places in `windows`; empty: outside all of them")
    usd_per_mtok: dict[str, float]
    feed_by_meter: dict[str, str | None] = Field(description="who states it")


class AdjustmentView(Answer):
    """What the contract adds to list prices; `share` is below 0 for a discount."""

    reason: str
    share: float
    source: str


class StatementView(Answer):
    """What one feed last said of the price, in its own words: before contract and merge."""

    feed: str
    feed_model: str
    usd_per_mtok: dict[str, float]
    tiers: list[TierView]
    windows: list[WindowView]
    service_tiers: dict[str, dict[str, float]]
    quoted_at: float | None
    age_s: float
    trust: float
    agrees: bool = Field(description="true: it is of the majority, for the price in force")
    stands: str = Field(
        description="agrees, dissents, lags (others left that price behind), held, or elsewhere "
        "(the same model, sold by another)"
    )
    is_provisional: bool = Field(description="no second list, no bill and no person confirms it")
    provisional_until: float | None = Field(
        description="unix s at which time alone will have proven it"
    )


class DoubtsView(Answer):
    """What the deployment said of its calls and was not believed, since the start."""

    bills: int
    bill_factor: float | None = Field(description="the last such bill over what was reckoned")
    usages: int
    usage_doubt: str | None


class ScheduledView(Answer):
    """A price that is believed and takes effect later."""

    valid_from: float = Field(description="unix s")
    feed: str
    usd_per_mtok: dict[str, float]


class HeldView(Answer):
    """A quote that is not believed yet."""

    deployment: str
    feed: str
    reason: str
    since: float
    polls: int
    needs_polls: int | None = Field(
        description="equal polls that release it; null: a second feed, a bill or a person only"
    )
    needs_until: float | None = Field(
        default=None, description="unix s of its release at the earliest, if nobody contradicts it"
    )
    usd_per_mtok: dict[str, float]
    valid_from: float | None = Field(default=None, description="unix s, where it is announced")


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
    mode: str | None = Field(default=None, description="kind of model: chat, embedding, rerank")
    quoted_at: float | None = None
    seen_at: float | None = None
    age_s: float | None = None
    is_stale: bool = False
    uncertainty: float | None = None
    valid_until: float | None = None
    usd_per_mtok: dict[str, float] = Field(
        default_factory=dict, description="of the smallest prompts, at this hour"
    )
    billed_as: dict[str, str] = Field(
        default_factory=dict, description="meters without a price of their own: whose price holds"
    )
    has_tiers: bool = False
    has_windows: bool = False
    base_usd_per_mtok: dict[str, float] = Field(
        default_factory=dict, description="outside all tiers and windows"
    )
    tiers: list[TierView] = Field(default_factory=list)
    windows: list[WindowView] = Field(default_factory=list)
    service_tiers: dict[str, dict[str, float]] = Field(default_factory=dict)
    lines: list[LineView] = Field(
        default_factory=list, description="size by service tier by hour, and who states each"
    )
    adjustments: list[AdjustmentView] = Field(default_factory=list)
    is_provisional: bool = False
    provisional_reason: str | None = None
    provisional_until: float | None = Field(
        default=None, description="unix s at which time alone will have proven it"
    )
    dearer_by: float | None = Field(
        default=None, description="relative: taken to cost so much more than stated"
    )
    measured_by: str | None = Field(
        default=None, description="what one list's word was measured by: model, family, ratio"
    )
    is_bounded: bool = Field(
        default=False, description="may draw only `provisional_share` of a task's requests"
    )
    is_disputed: bool = False
    disputed_by: list[str] = Field(default_factory=list, description="feeds that say otherwise")
    statements: list[StatementView] = Field(
        default_factory=list, description="every feed's last word, the most trusted first"
    )
    held: list[HeldView] = Field(default_factory=list)
    scheduled: list[ScheduledView] = Field(default_factory=list)
    vanished_from: list[str] = Field(
        default_factory=list, description="feeds that listed it and no longer do"
    )
    doubted: DoubtsView | None = None


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


class QuarantineAnswer(Answer):
    """Every quote that is held."""

    data: list[HeldView]


class Ruling(Answer):
    """Which held quote to release or to drop."""

    deployment: DeploymentName
    feed: Name


class RulingAnswer(Answer):
    """What came of it."""

    events: list[dict[str, Any]]


def numbers(prices: Mapping[Any, Decimal]) -> dict[str, float]:
    """USD per million units, by the meter's name."""
    return {str(meter): float(price) for meter, price in prices.items()}


def usd_per_unit(price: Decimal | None) -> str | None:
    """OpenRouter's shape: a decimal string, USD per single token."""
    return None if price is None else format((price / MTOK).normalize(), "f")
