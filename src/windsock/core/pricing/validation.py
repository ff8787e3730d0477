"""What is no price at all, and the thresholds of what is believed at once."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal

from windsock.core.model.ticks import CHAT, Quote
from windsock.core.model.units import MAIN_METERS, STANDALONE, Meter, Prices
from windsock.core.pricing.rules import DEFAULT_RULES, GuardRules


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A quote that is not believed yet.

    since       unix s of the first of these polls
    polls       equal polls so far
    needs       polls that release it; None: no number does, a second feed, a bill or a person do
    until       unix s at which it is released at the earliest if it is stated until then
    is_final    no price at all: only a person releases it, if anybody can
    """

    quote: Quote
    reason: str
    since: float
    polls: int = 1
    needs: int | None = None
    until: float | None = None
    is_final: bool = False


def held_by(held: Held, now: float) -> Held:
    """The same after the clock was set back to `now`."""
    back_s = max(0.0, held.since - now)
    until = None if held.until is None else held.until - back_s
    return replace(held, since=held.since - back_s, until=until)


@dataclass(frozen=True, slots=True)
class Doubt:
    """Why a quote should be confirmed first.

    polls       equal polls that confirm it; None: no number does, but a long time may
    seconds     that they must span; 0 with no number of polls: no time does either
    cautious    what may be believed of it meanwhile: itself without the meters in doubt
    """

    reason: str
    polls: int | None = None
    seconds: float = 0.0
    cautious: Quote | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What a quote is judged against.

    last            the price in force, if any
    anchor          the price in force before the unproven falls of the last day
    is_contradicted other feeds keep restating another price since this one was first stated
    is_unopposed    no other feed says otherwise, nor is the model sold elsewhere for twice or half
    is_mending      nobody opposes it, and the model is sold elsewhere at about this price, for the
                    last one at twice or half
    """

    last: Quote | None = None
    anchor: Quote | None = None
    is_contradicted: bool = False
    is_unopposed: bool = False
    is_mending: bool = False


def invalid_reason(quote: Quote, rules: GuardRules) -> str | None:
    """Why this quote cannot be a price at all, or None."""
    if quote.currency != "USD":
        return (
            f"stated in {quote.currency}, not in USD; [currencies.{quote.currency}] states no rate"
        )
    if any(meter not in quote.usd_per_mtok for meter in MAIN_METERS):
        return "states no price for input or for output"
    if quote.feed in rules.owner_feeds:
        return _no_number(quote)
    zero_reason = quote.zero_reason or _kinds_zero(quote)
    for prices in all_prices(quote):
        for meter, price in prices.items():
            reason = _meter_fault(meter, price, zero_reason, rules)
            if reason is not None:
                return reason
    return None


def _no_number(quote: Quote) -> str | None:
    """Why not even an owner can mean it."""
    for prices in all_prices(quote):
        for meter, price in prices.items():
            if not price.is_finite() or price < 0:
                return f"{meter} is {price}, which is no price"
    return None


def _kinds_zero(quote: Quote) -> str | None:
    """Why a 0 may stand in input or output: the kind of model bills by another meter alone."""
    bills = any(price.is_finite() and price > 0 for price in quote.usd_per_mtok.values())
    return quote.mode if quote.mode != CHAT and bills else None


def can_be_approved(quote: Quote) -> bool:
    """True if a person may believe it: finite, not negative, in dollars, complete."""
    return (
        quote.currency == "USD"
        and all(meter in quote.usd_per_mtok for meter in MAIN_METERS)
        and all(p.is_finite() and p >= 0 for prices in all_prices(quote) for p in prices.values())
    )


def without_signals(quote: Quote) -> Quote:
    """Base prices that are no number as the quiet one, which can be compared and stored."""
    prices = quote.usd_per_mtok
    if not any(price.is_snan() for each in all_prices(quote) for price in each.values()):
        return quote
    quiet = {meter: Decimal("NaN") if p.is_snan() else p for meter, p in prices.items()}
    return replace(quote, usd_per_mtok=quiet, tiers=(), windows=(), service_tiers={})


def without_vain_zeros(quote: Quote) -> Quote:
    """Lesser token meters at 0 without a reason are taken as not stated.

    They are then billed as input or output: feeds write 0 for "no separate price".
    """
    if quote.zero_reason is not None:
        return quote
    if all(0 not in prices.values() for prices in all_prices(quote)):
        return quote
    return replace(
        quote,
        usd_per_mtok=_stated(quote.usd_per_mtok),
        tiers=tuple(replace(t, usd_per_mtok=_stated(t.usd_per_mtok)) for t in quote.tiers),
        windows=tuple(replace(w, usd_per_mtok=_stated(w.usd_per_mtok)) for w in quote.windows),
        service_tiers={name: _stated(p) for name, p in quote.service_tiers.items()},
    )


def without_impossible(quote: Quote, before: Collection[Meter], rules: GuardRules) -> Quote:
    """Lesser meters whose base price can be none are taken as not stated, as a 0 is.

    They are then billed as input or output, or their cost is not known. Not those that its feed had
    a price for before, which is not lost for a slip.
    """
    stated = quote.usd_per_mtok
    lesser = stated.keys() - MAIN_METERS - set(before)
    odd = {m for m in lesser if _meter_fault(m, stated[m], None, rules)}
    if not odd:
        return quote
    return replace(quote, usd_per_mtok={m: p for m, p in stated.items() if m not in odd})


def shrunk(previous_count: int, count: int, rules: GuardRules = DEFAULT_RULES) -> bool:
    """True if a feed lists too small a share of what it listed before: refuse the whole poll."""
    return count < previous_count * rules.least_share


def off_unit_usd(prices: Iterable[Decimal], rules: GuardRules = DEFAULT_RULES) -> Decimal | None:
    """The middle one of a list's input prices, if no list in USD per million has such a one."""
    stated = sorted(price for price in prices if price.is_finite() and price > 0)
    if len(stated) < rules.list_rows:
        return None
    low, high = rules.list_usd_per_mtok
    middle = stated[len(stated) // 2]
    return None if low <= middle <= high else middle


def all_prices(quote: Quote) -> Iterator[Prices]:
    """Every price list that a quote holds: base, tiers, windows, service tiers."""
    yield quote.usd_per_mtok
    for tier in quote.tiers:
        yield tier.usd_per_mtok
    for window in quote.windows:
        yield window.usd_per_mtok
    for name in sorted(quote.service_tiers):
        yield quote.service_tiers[name]


def _meter_fault(
    meter: Meter, price: Decimal, zero_reason: str | None, rules: GuardRules
) -> str | None:
    if not price.is_finite():
        return f"{meter} is not a finite number"
    if price < 0:
        return f"{meter} is negative ({price}), which stands for a dynamic price"
    if meter in STANDALONE:
        most = rules.most_usd_per_unit
        return f"{meter} is above ${most} each" if price > most * 1_000_000 else None
    if price == 0:
        return None if zero_reason or meter not in MAIN_METERS else f"{meter} is 0 without a reason"
    least = rules.least_usd_per_mtok / (1 if meter in MAIN_METERS else 10)
    if price < least:
        return f"{meter} is ${price} per million, below ${least}"
    if price > rules.most_usd_per_mtok:
        return f"{meter} is ${price} per million, above ${rules.most_usd_per_mtok}"
    return None


def _stated(prices: Prices) -> Prices:
    return {m: p for m, p in prices.items() if p or m in STANDALONE or m in MAIN_METERS}
