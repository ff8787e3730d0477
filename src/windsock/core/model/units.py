"""Meters, counted use and money.

A price is always `usd_per_mtok`: US dollars for one million units of a meter (a million
tokens, a million requests, a million images). Money is Decimal up to `to_float`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from math import nan
from operator import attrgetter
from typing import Self

MOST_ZEROS = 30
"""Before or after the point of a price: beyond it stands no price, only work for who writes it."""

MTOK = Decimal(1_000_000)
"""Units that a price is stated for."""


class Family(StrEnum):
    """What the units of a meter are part of: the tokens sent, those received, or nothing else.

    Feeds state the price of what stands alone per single unit, and a quote that states none, nor
    what it is billed as, means that it is free.
    """

    PROMPT = "prompt"
    ANSWER = "answer"
    ALONE = "alone"


class Meter(StrEnum):
    """What a provider bills for. A row is all that the price guard, feeds, settings, beliefs and
    costs need to know of a meter; the wire formats count it in the field of `Usage` it names.

    name        in feeds, settings, the ledger and every JSON body
    family      see there
    usage_field of `Usage` that counts it
    mix_place   in the token mixes of stored beliefs, the next free number for a new meter; None
                for what every request has
    billed_as   name of the meter whose price holds when a quote names none for this one
    """

    INPUT = "input", Family.PROMPT, "input_tokens", 0
    OUTPUT = "output", Family.ANSWER, "output_tokens", 3
    CACHE_READ = "cache_read", Family.PROMPT, "cache_read_tokens", 1, "input"
    CACHE_WRITE = "cache_write", Family.PROMPT, "cache_write_tokens", 2, "input"
    CACHE_WRITE_1H = "cache_write_1h", Family.PROMPT, "cache_write_1h_tokens", 7, "cache_write"
    REASONING = "reasoning", Family.ANSWER, "reasoning_tokens", 4, "output"
    AUDIO_INPUT = "audio_input", Family.PROMPT, "audio_input_tokens", 8, "input"
    AUDIO_OUTPUT = "audio_output", Family.ANSWER, "audio_output_tokens", 9, "output"
    IMAGE = "image", Family.ALONE, "images", 5
    REQUEST = "request", Family.ALONE, "requests", None
    WEB_SEARCH = "web_search", Family.ALONE, "web_searches", 6
    WEB_SEARCH_LOW = "web_search_low", Family.ALONE, "low_web_searches", 10, "web_search"
    WEB_SEARCH_MEDIUM = "web_search_medium", Family.ALONE, "medium_web_searches", 11, "web_search"
    WEB_SEARCH_HIGH = "web_search_high", Family.ALONE, "high_web_searches", 12, "web_search"
    AUDIO_CACHED = "audio_cached", Family.PROMPT, "audio_cached_tokens", 13, "cache_read"
    INPUT_SECOND = "input_second", Family.ALONE, "input_seconds", 14
    OUTPUT_SECOND = "output_second", Family.ALONE, "output_seconds", 15
    CACHE_STORAGE = "cache_storage", Family.ALONE, "cache_storage_token_hours", 16
    INPUT_CHARACTER = "input_character", Family.ALONE, "input_characters", 17

    _value_: str
    family: Family
    usage_field: str
    mix_place: int | None
    billed_as: str | None

    def __new__(
        cls,
        name: str,
        family: Family = Family.ALONE,
        usage_field: str = "",
        mix_place: int | None = None,
        billed_as: str | None = None,
    ) -> Self:
        """A row; the defaults are there for type checkers, to whom `Meter(name)` calls this."""
        meter = str.__new__(cls, name)
        meter._value_, meter.family, meter.usage_field = name, family, usage_field
        meter.mix_place, meter.billed_as = mix_place, billed_as
        return meter

    __hash__ = str.__hash__  # Enum's own is a Python function: a microsecond a dozen look-ups


Prices = Mapping[Meter, Decimal]
"""usd_per_mtok by meter."""

Counts = Mapping[Meter, float]
"""Units per request by meter, each unit counted under exactly one meter."""

BILLED_AS: Mapping[Meter, Meter] = {m: Meter(m.billed_as) for m in Meter if m.billed_as}
"""The meter whose price holds when a quote names none for this one."""

PROMPT_METERS = tuple(m for m in Meter if m.family is Family.PROMPT)
"""Tokens sent."""

ANSWER_METERS = tuple(m for m in Meter if m.family is Family.ANSWER)
"""Tokens received."""

STANDALONE = frozenset(m for m in Meter if m.family is Family.ALONE)
"""Units of their own, neither sent nor received tokens."""

MAIN_METERS = tuple(m for m in Meter if m not in STANDALONE and m not in BILLED_AS)
"""Input and output: without a price for each there is none for a request."""

MIX_METERS = tuple(
    sorted((m for m in Meter if m.mix_place is not None), key=lambda m: m.mix_place or 0)
)
"""What a request may consume, in the order of stored token mixes; one request it always is."""

SEARCH_METERS = (Meter.WEB_SEARCH, *(m for m in Meter if m.billed_as == Meter.WEB_SEARCH))
"""Web searches, of a size that nobody stated and of each context size."""

SEARCH_FIELDS: Mapping[str, str] = {
    meter.value.rpartition("_")[2]: meter.usage_field for meter in SEARCH_METERS[1:]
}
"""Where searches are counted, by the size of context that they bring: low, medium, high."""

COMMON_METERS = (*MAIN_METERS, Meter.REQUEST)
"""What every call is counted by."""

RARE_METERS = tuple(m for m in Meter if m not in COMMON_METERS)
"""What hardly any call is counted by."""


@dataclass(slots=True, kw_only=True, unsafe_hash=True)
class Usage:
    """What one call consumed. Every token stands in exactly one field.

    web_searches    of a context size that nobody stated; the others by their size
    input_seconds   of audio or video that was sent, `output_seconds` of what was made
    input_characters    of text that was sent to be spoken
    Treat it as immutable, as all records of `core.model`.
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
    low_web_searches: int = 0
    medium_web_searches: int = 0
    high_web_searches: int = 0
    audio_cached_tokens: int = 0
    input_seconds: int = 0
    output_seconds: int = 0
    cache_storage_token_hours: int = 0
    input_characters: int = 0
    requests: int = 1

    @property
    def prompt_tokens(self) -> int:
        """All tokens sent, cached or not; what price tiers look at."""
        return sum(sent_in(self))

    @property
    def searches(self) -> int:
        """Web searches of any size."""
        return sum(_searched(self))

    @property
    def completion_tokens(self) -> int:
        """All tokens received, reasoning included."""
        return sum(received_in(self))

    def counts(self) -> dict[Meter, float]:
        """Units by meter; those that hardly any call has are left out where they are 0."""
        counts: dict[Meter, float] = {
            Meter.INPUT: self.input_tokens,
            Meter.OUTPUT: self.output_tokens,
            Meter.REQUEST: self.requests,
        }
        rare = _rare(self)
        if rare != NO_RARE:
            counts.update(zip(RARE_METERS, rare, strict=True))
        return counts

    def mix(self) -> tuple[int, ...]:
        """Units in the order of MIX_METERS."""
        return _mix(self)


def _fields(meters: tuple[Meter, ...]) -> attrgetter[tuple[int, ...]]:
    return attrgetter(*(meter.usage_field for meter in meters))


sent_in, received_in = _fields(PROMPT_METERS), _fields(ANSWER_METERS)
"""Counts of a usage by the meters of either."""

_rare, _mix = _fields(RARE_METERS), _fields(MIX_METERS)
_searched = _fields(SEARCH_METERS)
NO_RARE = (0,) * len(RARE_METERS)
"""Their counts in a call that has none."""


def is_writable(money: Decimal) -> bool:
    """True of what may be a price at all: it has at most MOST_ZEROS zeros."""
    return abs(money.adjusted()) <= MOST_ZEROS


def price_of(meter: Meter, prices: Prices) -> Decimal | None:
    """The price that holds for `meter`: its own, else that of the meter it is billed as.

    None if neither is quoted; meters that stand alone are then free of charge, the others unpriced.
    """
    at: Meter | None = meter
    while at is not None:
        if at in prices:
            return prices[at]
        at = BILLED_AS.get(at)
    return None


def unit_prices_usd(prices: Prices) -> list[float]:
    """Dollars of one unit of each of MIX_METERS, and of one request; nan where nothing says it."""
    found = ((meter, price_of(meter, prices)) for meter in (*MIX_METERS, Meter.REQUEST))
    return [
        float(price / MTOK) if price is not None else 0.0 if meter in STANDALONE else nan
        for meter, price in found
    ]


def cost_usd(counts: Mapping[Meter, int | float], prices: Prices) -> Decimal:
    """Dollars for these units at these prices.

    raises  KeyError if tokens were used whose meter has no price
    """
    total = Decimal(0)
    for meter, count in counts.items():
        if not count:
            continue
        price = prices.get(meter)
        if price is None and meter in BILLED_AS:
            price = price_of(meter, prices)
        if price is None:
            if meter in STANDALONE:
                continue
            raise KeyError(meter)
        total += price * Decimal(count)
    return total / MTOK


def to_float(money: Decimal) -> float:
    """The only way from money to arithmetic on beliefs."""
    return float(money)
