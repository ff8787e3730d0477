"""Which quotes are believed. A held quote keeps the last good price in force."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from windsock.core.quotes import Quote
from windsock.core.units import Meter, Prices

STANDALONE = frozenset({Meter.IMAGE, Meter.REQUEST, Meter.WEB_SEARCH})
MAIN = (Meter.INPUT, Meter.OUTPUT)
JUDGED = (Meter.INPUT, Meter.OUTPUT, Meter.CACHE_READ)
"""Meters whose falls are measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardRules:
    """When a quote is believed at once, and what releases one that is not.

    Ratios are new price over old, per meter; a quote must satisfy every rule.

    least_usd_per_mtok  0.001, and a tenth of it for cached input: the cheapest text ever sold was
                        0.005; per-token and per-thousand figures in a per-million field lie below
    most_usd_per_mtok   1000: the dearest ever sold was 600 (o1-pro output); five real rows above
    most_usd_per_unit   10 dollars for one image, request or search
    dear_usd_per_mtok   (200, 700) input and output; a first price above is above anything sold yet
    max_rise            5: believed from one feed at once, since a false rise only loses savings;
                        the largest of 118 real raises and windows was x4.2
    max_fall            0.5: believed from one feed at once; deeper ones draw traffic and are held
    deepest_fall        0.02: no number of polls releases a deeper fall; the deepest real one
                        was 0.025 (qwen-long, 2024-05-21)
    highest_rise        50: the same for rises; the highest real one was x30 (gpt-4.5-preview)
    fall_window_s       a day: falls are also measured against the price before it, so that many
                        small falls are not believed where one big one would be held
    least_output_ratio  0.5: output below half of input hints at swapped or cached prices
    most_output_ratio   30: output that many times input hints at a slip in one of them
    override_ratios     (0.1, 10): tiers and windows against the base price; real ones 0.25 to 2.5
    slip_tolerance      0.05: how near to a power of ten counts as a slip of units
    fx_ratios           (6.5, 7.4): yuan or a like currency taken for dollars, both meters alike
    alone_ratios        (3, 10): a first price this far from what other feeds say of the same
                        deployment, or of the same model sold elsewhere, is held
    rise_polls          2 equal polls in a row release a rise beyond `max_rise`
    fall_polls          3 release a fall beyond `max_fall`
    contradicted_polls  12 do while other feeds, by trust the majority, keep restating other prices
    agree_within        0.02: two feeds agree if input and output each differ by less
    same_within         1e-6: below it two prices are the same (float noise in feeds)
    bill_within         0.02: a bill confirms a price if it is that near
    recent_s            7 days: a price in force this recently may come back at once
    stale_s             1 day: a price that nothing confirmed for longer is shown as stale
    uncertainty_per_day 0.02 of the price, for every day since it was last confirmed
    scheduling_trust    1.0: feeds trusted this much (the owner's sheet) schedule prices as facts;
                        from all others a scheduled price is a forecast
    owner_feeds         the configuration: prices the owner wrote there are never suspicious
    least_share         0.5: a feed that lists less than this share of its last rows is refused
    """

    least_usd_per_mtok: Decimal = Decimal("0.001")
    most_usd_per_mtok: Decimal = Decimal(1000)
    most_usd_per_unit: Decimal = Decimal(10)
    dear_usd_per_mtok: tuple[Decimal, Decimal] = (Decimal(200), Decimal(700))
    max_rise: float = 5.0
    max_fall: float = 0.5
    deepest_fall: float = 0.02
    highest_rise: float = 50.0
    fall_window_s: float = 86400.0
    least_output_ratio: float = 0.5
    most_output_ratio: float = 30.0
    override_ratios: tuple[float, float] = (0.1, 10.0)
    slip_tolerance: float = 0.05
    fx_ratios: tuple[float, float] = (6.5, 7.4)
    alone_ratios: tuple[float, float] = (3.0, 10.0)
    rise_polls: int = 2
    fall_polls: int = 3
    contradicted_polls: int = 12
    agree_within: float = 0.02
    same_within: float = 1e-6
    bill_within: float = 0.02
    recent_s: float = 7 * 86400.0
    stale_s: float = 86400.0
    uncertainty_per_day: float = 0.02
    scheduling_trust: float = 1.0
    owner_feeds: tuple[str, ...] = ("config",)
    least_share: float = 0.5


DEFAULT_RULES = GuardRules()


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A quote that is not believed yet.

    since       unix s of the first of these polls
    polls       equal polls so far
    needs       polls that release it; None: only a second feed, a bill or a person do
    is_final    no price at all: only a person releases it, if anybody can
    """

    quote: Quote
    reason: str
    since: float
    polls: int = 1
    needs: int | None = None
    is_final: bool = False


@dataclass(frozen=True, slots=True)
class Doubt:
    """Why a quote should be confirmed first, and how many equal polls do (None: no number)."""

    reason: str
    polls: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What a quote is judged against.

    last            the price in force, if any
    anchor          the price in force before the unproven falls of the last day
    elsewhere       blended USD per million that other feeds say, trust-weighted median
    is_elsewhere_direct     they speak of this deployment itself
    is_contradicted other feeds keep restating another price since this one was first stated
    """

    last: Quote | None = None
    anchor: Quote | None = None
    elsewhere: Decimal | None = None
    is_elsewhere_direct: bool = True
    is_contradicted: bool = False


def fault(quote: Quote, rules: GuardRules) -> str | None:
    """Why this quote cannot be a price at all, or None."""
    if quote.currency != "USD":
        return f"stated in {quote.currency}, not in USD"
    if any(meter not in quote.usd_per_mtok for meter in MAIN):
        return "states no price for input or for output"
    for prices in _all_prices(quote):
        for meter, price in prices.items():
            reason = _meter_fault(meter, price, quote.zero_reason, rules)
            if reason is not None:
                return reason
    return None


def can_be_approved(quote: Quote) -> bool:
    """True if a person may believe it: finite, not negative, in dollars, complete."""
    return (
        quote.currency == "USD"
        and all(meter in quote.usd_per_mtok for meter in MAIN)
        and all(p.is_finite() and p >= 0 for prices in _all_prices(quote) for p in prices.values())
    )


def without_signals(quote: Quote) -> Quote:
    """Base prices that are no number as the quiet one, which can be compared and stored."""
    prices = quote.usd_per_mtok
    if not any(price.is_snan() for each in _all_prices(quote) for price in each.values()):
        return quote
    quiet = {meter: Decimal("NaN") if p.is_snan() else p for meter, p in prices.items()}
    return replace(quote, usd_per_mtok=quiet, tiers=(), windows=(), service_tiers={})


def without_vain_zeros(quote: Quote) -> Quote:
    """Lesser token meters at 0 without a reason are taken as not stated.

    They are then billed as input or output: feeds write 0 for "no separate price".
    """
    if quote.zero_reason is not None:
        return quote
    if all(0 not in prices.values() for prices in _all_prices(quote)):
        return quote
    return replace(
        quote,
        usd_per_mtok=_stated(quote.usd_per_mtok),
        tiers=tuple(replace(t, usd_per_mtok=_stated(t.usd_per_mtok)) for t in quote.tiers),
        windows=tuple(replace(w, usd_per_mtok=_stated(w.usd_per_mtok)) for w in quote.windows),
        service_tiers={name: _stated(p) for name, p in quote.service_tiers.items()},
    )


def suspicion(quote: Quote, ground: Ground, rules: GuardRules) -> Doubt | None:
    """Why this quote should be confirmed before it is believed, or None."""
    last = ground.last
    reason = _misshapen(quote, last, rules)
    if reason is not None:
        return Doubt(reason)
    if last is None:
        return _lonely(quote, ground, rules)
    reason = _slipped(quote, last, rules) or _misplaced(quote, last, rules)
    if reason is not None:
        return Doubt(reason)
    return _fallen(quote, ground, rules) or _risen(quote, last, rules)


def alike(one: Quote, other: Quote, rules: GuardRules) -> bool:
    """True if both bill alike up to float noise, whoever says so and since when."""
    if one.same_price(other):
        return True
    return (
        one.valid_until == other.valid_until
        and len(one.windows) == len(other.windows)
        and len(one.tiers) == len(other.tiers)
        and one.service_tiers.keys() == other.service_tiers.keys()
        and all(
            _near(a, b, rules.same_within)
            for a, b in zip(_all_prices(one), _all_prices(other), strict=True)
        )
        and all(_same_hours(a, b) for a, b in zip(one.windows, other.windows, strict=True))
        and all(
            a.min_prompt_tokens == b.min_prompt_tokens
            for a, b in zip(one.tiers, other.tiers, strict=True)
        )
    )


def agrees(one: Quote, other: Quote, rules: GuardRules) -> bool:
    """True if input and output differ by little."""
    within = Decimal(str(rules.agree_within))
    return all(_is_near(one.usd_per_mtok[m], other.usd_per_mtok[m], within) for m in MAIN)


def says_less(quote: Quote, fuller: Quote, rules: GuardRules) -> bool:
    """True if `quote` has fewer terms and agrees with `fuller` at its base or in some window."""
    terms = len(quote.tiers) + len(quote.windows)
    if quote.windows or terms > len(fuller.tiers) + len(fuller.windows):
        return False
    faces = [
        fuller.usd_per_mtok,
        *({**fuller.usd_per_mtok, **w.usd_per_mtok} for w in fuller.windows),
    ]
    return any(agrees(quote, replace(fuller, usd_per_mtok=face), rules) for face in faces)


def shrunk(previous_count: int, count: int, rules: GuardRules = DEFAULT_RULES) -> bool:
    """True if a feed lists too small a share of what it listed before: refuse the whole poll."""
    return count < previous_count * rules.least_share


def blended(prices: Prices) -> Decimal:
    """Three parts input to one part output, USD per million tokens."""
    return (3 * prices[Meter.INPUT] + prices[Meter.OUTPUT]) / 4


def weighted_median(values: Sequence[tuple[Decimal, float]]) -> Decimal:
    """The value at half of the total weight, the dearer one on a tie.

    values      (value, weight) pairs, not empty
    """
    ordered = sorted(values, reverse=True)
    half = sum(weight for _, weight in ordered) / 2
    for value, weight in ordered:
        half -= weight
        if half <= 0:
            return value
    return ordered[-1][0]


def _all_prices(quote: Quote) -> Iterator[Prices]:
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
        return None if zero_reason or meter not in MAIN else f"{meter} is 0 without a reason"
    least = rules.least_usd_per_mtok / (1 if meter in MAIN else 10)
    if price < least:
        return f"{meter} is ${price} per million, below ${least}"
    if price > rules.most_usd_per_mtok:
        return f"{meter} is ${price} per million, above ${rules.most_usd_per_mtok}"
    return None


def _stated(prices: Prices) -> Prices:
    return {m: p for m, p in prices.items() if p or m in STANDALONE or m in MAIN}


def _misshapen(quote: Quote, last: Quote | None, rules: GuardRules) -> str | None:
    """Suspicions that lie in the quote itself; the same shape before excuses it."""
    if _is_lopsided(quote, rules) and (last is None or not _is_lopsided(last, rules)):
        return "output is priced far below input, or far above it"
    low, high = rules.override_ratios
    for prices in _overrides(quote):
        for meter in MAIN:
            base = quote.usd_per_mtok[meter]
            if base and meter in prices and not low <= float(prices[meter] / base) <= high:
                return f"{meter} at some hour or size is far from the base price"
    return None


def _is_lopsided(quote: Quote, rules: GuardRules) -> bool:
    given, got = (float(quote.usd_per_mtok[meter]) for meter in MAIN)
    return got < rules.least_output_ratio * given or (0 < given < got / rules.most_output_ratio)


def _overrides(quote: Quote) -> Iterable[Prices]:
    yield from (tier.usd_per_mtok for tier in quote.tiers)
    yield from (window.usd_per_mtok for window in quote.windows)
    yield from quote.service_tiers.values()


def _lonely(quote: Quote, ground: Ground, rules: GuardRules) -> Doubt | None:
    """A first price has only other feeds, and what was ever sold, to be measured by."""
    price = blended(quote.usd_per_mtok)
    if ground.elsewhere is None:
        is_dear = any(
            quote.usd_per_mtok[meter] > most
            for meter, most in zip(MAIN, rules.dear_usd_per_mtok, strict=True)
        )
        return Doubt("is dearer than anything sold so far") if is_dear else None
    if not price or not ground.elsewhere:
        return None
    ratio = float(price / ground.elsewhere)
    bound = rules.alone_ratios[0 if ground.is_elsewhere_direct else 1]
    if _power_of_ten(ratio, rules):
        return Doubt(f"is {ratio:.3g} times what other feeds say, a power of ten")
    if not 1 / bound <= ratio <= bound:
        return Doubt(f"is {ratio:.3g} times what other feeds say", rules.contradicted_polls)
    return None


def _slipped(quote: Quote, last: Quote, rules: GuardRules) -> str | None:
    """Units or currencies: both meters off by one factor, or one by a power of ten alone."""
    ratios = [_ratio(quote.usd_per_mtok, last.usd_per_mtok, meter) for meter in MAIN]
    if None in ratios:
        return None
    one, other = (ratio for ratio in ratios if ratio is not None)
    powers = {_power_of_ten(one, rules), _power_of_ten(other, rules)}
    if powers != {0} and (len(powers) == 1 or _is_still(one) or _is_still(other)):
        return f"is {_far(one, other):.3g} times the last price, a power of ten"
    low, high = rules.fx_ratios
    if low <= min(one, other) <= max(one, other) <= high or (
        low <= 1 / max(one, other) <= 1 / min(one, other) <= high
    ):
        return f"is {one:.3g} times the last price, like an amount in another currency"
    return None


def _misplaced(quote: Quote, last: Quote, rules: GuardRules) -> str | None:
    """A price in another meter's place."""
    now, was = quote.usd_per_mtok, last.usd_per_mtok
    cached = {p[Meter.CACHE_READ] for p in (now, was) if Meter.CACHE_READ in p}
    given, got = now[Meter.INPUT], now[Meter.OUTPUT]
    if given < was[Meter.INPUT] and given in cached:
        return "input is priced like cached input"
    if got < was[Meter.OUTPUT] and got in cached:
        return "output is priced like cached input"
    if got < Decimal(str(rules.max_fall)) * was[Meter.OUTPUT] and 0 < got == given:
        return "output is priced like input"
    return None


def _fallen(quote: Quote, ground: Ground, rules: GuardRules) -> Doubt | None:
    last = ground.last
    if last is None:
        return None
    falls = [
        _lowest(quote, meter) / was
        for meter in JUDGED
        for before in (last, ground.anchor or last)
        if (was := _lowest(before, meter)) and meter in quote.usd_per_mtok
    ]
    ratio = float(min(falls, default=Decimal(1)))
    if ratio == 0:
        return Doubt("becomes free")
    if ratio < rules.deepest_fall:
        return Doubt(f"falls to {ratio:.3g} of the last price at once")
    if ratio < rules.max_fall:
        polls = rules.contradicted_polls if ground.is_contradicted else rules.fall_polls
        return Doubt(f"falls to {ratio:.3g} of the last price at once", polls)
    return None


def _risen(quote: Quote, last: Quote, rules: GuardRules) -> Doubt | None:
    ratios = [_ratio(quote.usd_per_mtok, last.usd_per_mtok, meter) for meter in MAIN]
    ratio = max((each for each in ratios if each is not None), default=1.0)
    if ratio > rules.highest_rise:
        return Doubt(f"rises {ratio:.3g} times at once")
    if ratio > rules.max_rise:
        return Doubt(f"rises {ratio:.3g} times at once", rules.rise_polls)
    return None


def _lowest(quote: Quote, meter: Meter) -> Decimal:
    """The least this meter costs at any hour and size; 0 if it is not stated."""
    stated = [quote.usd_per_mtok]
    stated += [tier.usd_per_mtok for tier in quote.tiers]
    stated += [window.usd_per_mtok for window in quote.windows]
    return min((prices[meter] for prices in stated if meter in prices), default=Decimal(0))


def _ratio(now: Prices, was: Prices, meter: Meter) -> float | None:
    return float(now[meter] / was[meter]) if was[meter] and now[meter] else None


def _power_of_ten(ratio: float, rules: GuardRules) -> int:
    """k if the ratio is nearly 10 to the k, else 0."""
    k = round(math.log10(ratio))
    return k if abs(ratio / 10.0**k - 1) < rules.slip_tolerance else 0


def _is_still(ratio: float) -> bool:
    return abs(ratio - 1) < 0.01


def _far(one: float, other: float) -> float:
    return max(one, other, key=lambda ratio: abs(math.log(ratio)))


def _near(one: Prices, other: Prices, within: float) -> bool:
    share = Decimal(str(within))
    return one.keys() == other.keys() and all(_is_near(one[m], other[m], share) for m in one)


def _is_near(one: Decimal, other: Decimal, within: Decimal) -> bool:
    return one == other or abs(one - other) <= within * max(one, other)


def _same_hours(one: object, other: object) -> bool:
    names = ("days", "start_minute", "end_minute", "timezone")
    return all(getattr(one, name) == getattr(other, name) for name in names)
