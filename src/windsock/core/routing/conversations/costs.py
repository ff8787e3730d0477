"""What a conversation would cost at a deployment: this turn there, and those after it.

The part of the prompt that is held there is billed as read as often as measured, the rest as
written or as plain input. A later turn finds this one's prompt, if it comes before the cache drops
it. All of it is in expectation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isnan

from windsock.core.model.units import (
    MIX_METERS,
    Counts,
    Family,
    Meter,
    Prices,
    unit_prices_usd,
)

HOUR_S = 3600.0

Rates = Mapping[Meter, float]
"""Dollars of one unit by meter; a meter that is not there has no price."""


class KnownRates:
    """Price lists of deployments as floats, made anew only where one is another than before."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[Prices, Rates]] = {}

    def of(self, deployment: str, prices: Prices) -> Rates:
        """A price list by unit."""
        known = self._known.get(deployment)
        if known is None or (known[0] is not prices and known[0] != prices):
            known = self._known[deployment] = prices, rates_of(prices)
        return known[1]


def rates_of(prices: Prices) -> Rates:
    """A price list by unit."""
    found = zip((*MIX_METERS, Meter.REQUEST), unit_prices_usd(prices), strict=True)
    return {meter: usd for meter, usd in found if not isnan(usd)}


@dataclass(slots=True, kw_only=True)
class Use:
    """Dollars of what one request takes, where nothing is cached.

    token_usd   of a token of its prompt, as its meters share them
    rest_usd    of all else
    """

    token_usd: float
    rest_usd: float


@dataclass(slots=True, kw_only=True)
class Turn:
    """What is known of a request and those that will follow it.

    prompt_tokens   of this request
    growth_tokens   by which the next prompt is longer
    turns_left      expected after this one
    """

    prompt_tokens: int
    growth_tokens: int
    turns_left: float


@dataclass(slots=True, kw_only=True)
class PromptCache:
    """What one deployment does with the prompt of a conversation.

    min_tokens      shorter prompts are not kept
    ttl_s           how long one is kept after each use
    held_tokens     of an earlier prompt that it may hold now
    hit_rate        share of them that will be billed as read
    write_share     share of the rest that will be billed as written
    within          chance that the next turn comes before it is dropped
    """

    min_tokens: int
    ttl_s: float
    held_tokens: int
    hit_rate: float
    write_share: float
    within: float


@dataclass(slots=True, kw_only=True)
class Outlook:
    """One deployment, for one conversation.

    held_tokens     of the prompt that it may hold now
    hit_rate        share of them that will be billed as read
    turn_usd        of this turn
    next_usd        of each later one
    plain_usd       of this turn as if there were neither cache nor conversation
    saved_usd       what its cache saves in this turn and those expected after it
    total_usd       of this turn and those expected after it
    """

    deployment: str
    held_tokens: int
    hit_rate: float
    turn_usd: float
    next_usd: float
    plain_usd: float
    saved_usd: float
    total_usd: float


def use_of(mix: Counts, rates: Rates) -> Use | None:
    """What a request that takes its units like `mix` costs; None if a price is not known."""
    prompt_tokens = prompt_usd = rest_usd = 0.0
    try:
        for meter, count in mix.items():
            if not count:
                continue
            if meter.family is Family.PROMPT:
                prompt_tokens += count
                prompt_usd += count * rates[meter]
            else:
                rest_usd += count * rates[meter]
        token_usd = prompt_usd / prompt_tokens if prompt_tokens else rates[Meter.INPUT]
    except KeyError:
        return None
    return Use(token_usd=token_usd, rest_usd=rest_usd)


def outlook(
    deployment: str, turn: Turn, use: Use | None, rates: Rates, cache: PromptCache
) -> Outlook | None:
    """What one deployment costs; None if the price of what it uses is not known. Without a price of
    a read, which then is that of the rest, nothing is saved.

    use     of one request there
    """
    plain_usd = rates.get(Meter.INPUT)
    if plain_usd is None or use is None:
        return None
    written_usd = rates[Meter.CACHE_WRITE_1H if cache.ttl_s >= HOUR_S else Meter.CACHE_WRITE]
    fresh_usd = plain_usd + cache.write_share * (written_usd - plain_usd)
    rest_usd = use.rest_usd
    size, saves_usd = turn.prompt_tokens, fresh_usd - rates[Meter.CACHE_READ]
    can_hold = size >= cache.min_tokens
    held = min(cache.held_tokens, size) if can_hold else 0
    kept_rate = cache.within * cache.hit_rate if can_hold else 0.0
    cold_usd = size * fresh_usd + rest_usd
    turn_usd = cold_usd - held * cache.hit_rate * saves_usd
    next_cold_usd = cold_usd + turn.growth_tokens * fresh_usd
    next_usd = next_cold_usd - size * kept_rate * saves_usd
    total_usd = turn_usd + turn.turns_left * next_usd
    return Outlook(
        deployment=deployment,
        held_tokens=held,
        hit_rate=cache.hit_rate,
        turn_usd=turn_usd,
        next_usd=next_usd,
        plain_usd=size * use.token_usd + rest_usd,
        saved_usd=cold_usd + turn.turns_left * next_cold_usd - total_usd,
        total_usd=total_usd,
    )
