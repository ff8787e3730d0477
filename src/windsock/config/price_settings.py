"""Prices and contracts as an owner states them: all that a feed can say, and what comes on top."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, Self

from pydantic import Field, create_model, model_validator

from windsock.config.ability_settings import Mode
from windsock.config.value_types import ClockTime, Moment, TimeZone, UsdPerMtok, Weekday
from windsock.core.model.ticks import CHAT
from windsock.core.model.units import MAIN_METERS, STANDALONE, Meter
from windsock.core.pricing.facets.contract import Adjustment
from windsock.resources.declared import Part, Share
from windsock.resources.hours import check_span

PIECES = STANDALONE - {Meter.CACHE_STORAGE, Meter.INPUT_CHARACTER}
"""Requests, images, searches and seconds, none of which is sold below a dollar a million."""


class Meters(Part):
    """A price for each meter that is named, USD per million units."""

    @model_validator(mode="after")
    def _is_per_million(self) -> Self:
        for meter in PIECES & self.usd_per_mtok.keys():
            usd = self.usd_per_mtok[meter]
            if 0 < usd < 1:
                raise ValueError(
                    f"{meter} = {usd} is dollars per million of them; ${usd} each is "
                    f"{(usd * 1_000_000).normalize():f}"
                )
        return self

    @property
    def usd_per_mtok(self) -> dict[Meter, Decimal]:
        """What is stated, by meter."""
        stated = {meter: getattr(self, meter.value) for meter in Meter}
        return {meter: usd for meter, usd in stated.items() if usd is not None}

    def row(self) -> dict[str, Any]:
        """As the mapping of a feed would give it; what stands alone is per single unit there."""
        return self.model_dump(exclude_none=True)


TermSettings = create_model(
    "TermSettings",
    __base__=Meters,
    **{meter.value: (UsdPerMtok | None, None) for meter in Meter},  # type: ignore[call-overload]
)


class SizeSettings(TermSettings):
    """Prices of large prompts.

    min_prompt_tokens   above it, or from it on if not `strict`
    service_tier        only for requests served so
    """

    min_prompt_tokens: int = Field(gt=0)
    strict: bool = True
    service_tier: str | None = None


class HourSettings(TermSettings):
    """Prices at recurring hours.

    start, end      "22:00"; an end at or before the start is on the next day
    days            1..7 or names, of the day on which it opens; all if left out
    """

    start: ClockTime
    end: ClockTime
    days: tuple[Weekday, ...] = ()
    timezone: TimeZone = "UTC"
    min_prompt_tokens: int = Field(default=0, ge=0)


class PriceSettings(TermSettings):
    """An owner's own price; a price of 0 needs a reason.

    mode            kind of model; one that is no chat model need not state an output price
    valid_from      takes effect at that second; several prices may be dated so
    currency        other than USD needs a rate in [currencies]
    """

    reason: str | None = None
    mode: Mode = "chat"
    currency: str = Field(default="USD", pattern=r"^[A-Z]{3}$")
    tiers: tuple[SizeSettings, ...] = ()
    windows: tuple[HourSettings, ...] = ()
    service_tiers: dict[str, TermSettings] = Field(default_factory=dict)
    valid_from: Moment | None = None
    valid_until: Moment | None = None

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        missing = [meter for meter in MAIN_METERS if meter not in self.usd_per_mtok]
        if self.mode == CHAT and missing:
            raise ValueError(f"{missing[0]} is missing; add it")
        if not self.usd_per_mtok:
            raise ValueError("no meter is priced; state one, such as input = 0")
        if not self.reason and not any(self.usd_per_mtok.values()):
            raise ValueError('a price of 0 needs a reason; add reason = "local" or the like')
        check_span(self.valid_from, self.valid_until)
        return self


class AdjustmentSettings(Part):
    """A percentage on list prices, such as a regional uplift or the fee of a gateway.

    share   0.1 adds a tenth, -0.15 takes 15 % off
    source  where it is stated
    """

    reason: str
    share: Annotated[Decimal, Field(gt=-1, le=10)]
    source: str = ""


class ContractSettings(Part):
    """What comes on top of the list price that feeds state.

    discount        taken off every list price, 0.15 is 15 %
    adjustments     further percentages, each with its reason
    """

    discount: Share | None = None
    adjustments: tuple[AdjustmentSettings, ...] = ()

    def terms(self, discount: float | None = None) -> list[Adjustment]:
        """As prices are adjusted by them; `discount` is taken where none is stated here."""
        off = discount if self.discount is None else self.discount
        stated = [Adjustment(**dict(each)) for each in self.adjustments]
        if off:
            stated.insert(0, Adjustment(reason="discount", share=-Decimal(str(off))))
        return stated


class CurrencySettings(Part):
    """What one unit of a currency is in US dollars.

    at      when that was so, shown beside prices
    """

    usd: Annotated[Decimal, Field(gt=0)]
    at: Moment
    source: str = ""
