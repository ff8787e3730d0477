"""What is no price at all, and the thresholds of what is believed at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal

from windsock.core.model.ticks import Quote
from windsock.core.model.units import Meter, Prices

STANDALONE = frozenset({Meter.IMAGE, Meter.REQUEST, Meter.WEB_SEARCH})
MAIN = (Meter.INPUT, Meter.OUTPUT)


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardRules:
    """When a quote is believed at once, and what releases one that is not.

    Ratios are new price over old, per meter; a quote must satisfy every rule.

    least_usd_per_mtok  0.001, and a tenth of it for cached and other lesser meters: the cheapest
                        price in the archive is 0.0069; per-token and per-thousand figures in a
                        per-million field lie below
    most_usd_per_mtok   1000: the dearest in the archive is 600 (output before o3-pro)
    most_usd_per_unit   10 dollars for one image, request or search
    dear_usd_per_mtok   (200, 700) input and output; a first price above is above anything sold yet
    max_rise            5: believed from one feed at once, since a false rise only loses savings;
                        the archive's largest raise was x5
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
    contradicted_polls  12 do while other feeds, by trust the majority, keep restating other prices;
                        a feed that stays half as long for as many polls is read again
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
    for prices in all_prices(quote):
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


def shrunk(previous_count: int, count: int, rules: GuardRules = DEFAULT_RULES) -> bool:
    """True if a feed lists too small a share of what it listed before: refuse the whole poll."""
    return count < previous_count * rules.least_share


def all_prices(quote: Quote) -> Iterator[Prices]:
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
