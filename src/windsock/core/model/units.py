"""Meters, counted use and money.

A price is always `usd_per_mtok`: US dollars for one million units of a meter (a million
tokens, a million requests, a million images). Money is Decimal up to `to_float`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

MTOK = Decimal(1_000_000)


class Meter(StrEnum):
    """What a provider bills for."""

    INPUT = "input"
    OUTPUT = "output"
    CACHE_READ = "cache_read"
    CACHE_WRITE = "cache_write"
    CACHE_WRITE_1H = "cache_write_1h"
    REASONING = "reasoning"
    AUDIO_INPUT = "audio_input"
    AUDIO_OUTPUT = "audio_output"
    IMAGE = "image"
    REQUEST = "request"
    WEB_SEARCH = "web_search"

    __hash__ = str.__hash__  # Enum's own is a Python function: a microsecond a dozen look-ups


Prices = Mapping[Meter, Decimal]
"""usd_per_mtok by meter."""

Counts = Mapping[Meter, float]
"""Units per request by meter, each unit counted under exactly one meter."""

BILLED_AS: Mapping[Meter, Meter] = {
    Meter.CACHE_READ: Meter.INPUT,
    Meter.CACHE_WRITE: Meter.INPUT,
    Meter.CACHE_WRITE_1H: Meter.CACHE_WRITE,
    Meter.REASONING: Meter.OUTPUT,
    Meter.AUDIO_INPUT: Meter.INPUT,
    Meter.AUDIO_OUTPUT: Meter.OUTPUT,
}
"""The meter whose price holds when a quote names none for this one."""


@dataclass(slots=True, kw_only=True, unsafe_hash=True)
class Usage:
    """What one call consumed. Every token stands in exactly one field.

    Treat it as immutable, as all records of `core.records`.
    """

    input_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    cache_write_1h_tokens: int = 0
    audio_input_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0
    audio_output_tokens: int = 0
    images: int = 0
    web_searches: int = 0
    requests: int = 1

    @property
    def prompt_tokens(self) -> int:
        """All tokens sent, cached or not; what price tiers look at."""
        cached = self.cache_read_tokens + self.cache_write_tokens + self.cache_write_1h_tokens
        return self.input_tokens + self.audio_input_tokens + cached

    @property
    def completion_tokens(self) -> int:
        """All tokens received, reasoning included."""
        return self.output_tokens + self.reasoning_tokens + self.audio_output_tokens

    def counts(self) -> dict[Meter, float]:
        """Units by meter; those that hardly any call has are left out where they are 0."""
        if not (
            self.cache_read_tokens
            or self.cache_write_tokens
            or self.cache_write_1h_tokens
            or self.audio_input_tokens
            or self.reasoning_tokens
            or self.audio_output_tokens
            or self.images
            or self.web_searches
        ):
            return {
                Meter.INPUT: self.input_tokens,
                Meter.OUTPUT: self.output_tokens,
                Meter.REQUEST: self.requests,
            }
        return {
            Meter.INPUT: self.input_tokens,
            Meter.CACHE_READ: self.cache_read_tokens,
            Meter.CACHE_WRITE: self.cache_write_tokens,
            Meter.CACHE_WRITE_1H: self.cache_write_1h_tokens,
            Meter.AUDIO_INPUT: self.audio_input_tokens,
            Meter.OUTPUT: self.output_tokens,
            Meter.REASONING: self.reasoning_tokens,
            Meter.AUDIO_OUTPUT: self.audio_output_tokens,
            Meter.IMAGE: self.images,
            Meter.WEB_SEARCH: self.web_searches,
            Meter.REQUEST: self.requests,
        }


def price_of(meter: Meter, prices: Prices) -> Decimal | None:
    """The price that holds for `meter`: its own, else that of the meter it is billed as.

    None if neither is quoted; meters that stand alone (image, request, search) are then free
    of charge, the others unpriced.
    """
    at: Meter | None = meter
    while at is not None:
        if at in prices:
            return prices[at]
        at = BILLED_AS.get(at)
    return None


def cost_usd(counts: Mapping[Meter, int | float], prices: Prices) -> Decimal:
    """Dollars for these units at these prices.

    raises  KeyError if tokens were used whose meter has no price
    """
    total = Decimal(0)
    for meter, count in counts.items():
        if not count:
            continue
        price = prices.get(meter) or price_of(meter, prices)
        if price is None:
            if meter in (Meter.IMAGE, Meter.REQUEST, Meter.WEB_SEARCH):
                continue
            raise KeyError(meter)
        total += price * Decimal(count)
    return total / MTOK


def to_float(money: Decimal) -> float:
    """The only way from money to arithmetic on beliefs."""
    return float(money)
