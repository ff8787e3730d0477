"""Other prices than those that were: `deepseek/*=x1.3`, `openai/gpt-4o=2/8`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from fnmatch import fnmatchcase

from windsock.core.model.ticks import Quote
from windsock.core.model.units import Meter, Prices
from windsock.errors import ConfigError

MOST = Decimal(10**9)
"""Dollars per million tokens, or times as dear: what is beyond is a slip of the keyboard."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Repricing:
    """What becomes of the prices of the deployments that a pattern names.

    factor      multiplies every price, or None
    flat        prices by meter in place of all others, where there is no factor
    """

    text: str
    pattern: str
    factor: Decimal | None
    flat: Prices

    def applied(self, quote: Quote) -> Quote:
        """The quote as it would have been."""
        factor = self.factor
        if factor is None:
            return replace(quote, usd_per_mtok=self.flat, tiers=(), windows=(), service_tiers={})
        return replace(
            quote,
            usd_per_mtok=_times(quote.usd_per_mtok, factor),
            tiers=tuple(
                replace(tier, usd_per_mtok=_times(tier.usd_per_mtok, factor))
                for tier in quote.tiers
            ),
            windows=tuple(
                replace(window, usd_per_mtok=_times(window.usd_per_mtok, factor))
                for window in quote.windows
            ),
            service_tiers={
                name: _times(prices, factor) for name, prices in quote.service_tiers.items()
            },
        )


class Repriced:
    """Several repricings; of those that name a deployment the last one counts."""

    def __init__(self, changes: Sequence[Repricing] = ()) -> None:
        self._changes = tuple(changes)

    @property
    def texts(self) -> tuple[str, ...]:
        """As they were written."""
        return tuple(each.text for each in self._changes)

    def of(self, deployment: str) -> Repricing | None:
        """The change of a deployment by the first pattern that fits; None if none does."""
        fitting = [each for each in self._changes if fnmatchcase(deployment, each.pattern)]
        return fitting[-1] if fitting else None

    def applied(self, quote: Quote) -> Quote:
        """A quote as it would have been."""
        change = self.of(quote.deployment)
        return quote if change is None else change.applied(quote)

    def check(self, deployments: Iterable[str]) -> None:
        """Raises ConfigError if a pattern names none of them."""
        names = list(deployments)
        for each in self._changes:
            if not any(fnmatchcase(name, each.pattern) for name in names):
                near = get_close_matches(each.pattern, names, n=1)
                hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(names)}"
                raise ConfigError(
                    f"--price {each.text}: no deployment fits {each.pattern!r}; {hint}"
                )


def repriced(texts: Iterable[str]) -> Repriced:
    """PATTERN=+30%, PATTERN=xFACTOR or PATTERN=INPUT/OUTPUT, each; raises ConfigError."""
    return Repriced([_repricing(text) for text in texts])


def _repricing(text: str) -> Repricing:
    pattern, _, value = text.partition("=")
    pattern, value = pattern.strip(), value.strip()
    usage = "write PATTERN=xFACTOR, =+30%, or =INPUT/OUTPUT in dollars per million tokens"
    if not pattern or not value:
        raise ConfigError(f"--price {text!r}: {usage}")
    if value.endswith("%"):
        return Repricing(text=text, pattern=pattern, factor=_share(text, value, usage), flat={})
    if value.startswith("x"):
        return Repricing(text=text, pattern=pattern, factor=_money(text, value[1:], usage), flat={})
    usd_in, _, usd_out = value.partition("/")
    flat = {Meter.INPUT: _money(text, usd_in, usage), Meter.OUTPUT: _money(text, usd_out, usage)}
    return Repricing(text=text, pattern=pattern, factor=None, flat=flat)


def _share(text: str, value: str, usage: str) -> Decimal:
    """+30% as 1.3, -30% as 0.7."""
    number = value[:-1].lstrip("+")
    sign = -1 if number.startswith("-") else 1
    factor = 1 + sign * _money(text, number.lstrip("-"), usage) / 100
    if factor < 0:
        raise ConfigError(f"--price {text!r}: nothing falls by more than 100%; {usage}")
    return factor


def _money(text: str, number: str, usage: str) -> Decimal:
    try:
        value = Decimal(number)
    except InvalidOperation:
        raise ConfigError(f"--price {text!r}: {number!r} is no number; {usage}") from None
    if value.is_nan() or not 0 <= value <= MOST:
        raise ConfigError(f"--price {text!r}: {number} is not a price; {usage}")
    return value


def _times(prices: Prices, factor: Decimal) -> Prices:
    return {meter: usd * factor for meter, usd in prices.items()}
