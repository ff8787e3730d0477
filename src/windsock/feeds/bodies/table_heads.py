"""What the heading of a column says in words: which price, per how many tokens, in which money."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

from windsock.core.model.units import STANDALONE, Meter
from windsock.feeds.definition import USD_PER_MTOK

NAMES = {
    "provider": ("provider", "provider name", "provider id", "vendor", "company", "host", "seller",
                 "supplier"),
    "model": ("model", "model name", "model id", "modelname", "deployment"),
    "unit": ("unit", "units", "per", "price unit", "pricing unit", "unit of measure"),
    "currency": ("currency", "curr", "ccy"),
    "discount": ("discount", "discount %", "discount (%)", "discount in %"),
    "valid_from": ("valid from", "effective from", "effective date", "effective", "start date"),
    "valid_until": ("valid until", "valid to", "end date", "expires", "expiry"),
}  # fmt: skip
"""Columns beside the prices, and how people head them."""

MILLION = frozenset({"1m", "m", "mm", "mtok", "mtoks", "mtoken", "mtokens", "million", "millions",
                     "mio", "mn", "mln", "1000000"})  # fmt: skip
THOUSAND = frozenset({"1k", "k", "ktok", "ktoks", "ktoken", "ktokens", "thousand", "1000"})
PER_TOKEN = re.compile(r"(?:\bper|/)\s*(?:1\s+|one\s+)?tok(?:en)?s?\b")
CURRENCIES = {"$": "USD", "usd": "USD", "us": "USD", "dollar": "USD", "dollars": "USD",
              "€": "EUR", "eur": "EUR", "euro": "EUR", "euros": "EUR", "£": "GBP", "gbp": "GBP",
              "¥": "CNY", "￥": "CNY", "元": "CNY", "cny": "CNY", "rmb": "CNY",
              "yuan": "CNY"}  # fmt: skip
CENTS = frozenset({"¢", "cent", "cents"})
MONEY = frozenset({"price", "prices", "pricing", "cost", "costs", "rate", "rates", "fee"})
LIMITS = frozenset({"limit", "limits", "rpm", "rpd", "tpm", "tpd"})
"""A rate limit is no price."""
TOKENS = frozenset({"token", "tokens", "tok", "toks"})
FILLING = frozenset({"per", "one", "1", "text", "base", "standard", "each", "and"})
"""Words that say nothing of which price it is."""

SENT = frozenset({"input", "inputs", "prompt", "prompts"})
MADE = frozenset({"output", "outputs", "completion", "completions"})
CACHE = frozenset({"cache", "cached", "caching"})
SERVED = {"batch": "batch", "batches": "batch", "batched": "batch", "flex": "flex",
          "priority": "priority"}  # fmt: skip

ABOVE = re.compile(
    r"(?P<sign>>=|≥|>|\babove|\bover|\bfrom|\bbeyond)\s*(?P<size>\d+)(?P<by>[km])\b(?:\s*tokens?)?"
)
UP_TO = re.compile(r"(?:<=?|≤|\bup to|\bbelow|\bunder|\buntil)\s*\d+[km]\b(?:\s*tokens?)?")
WORD = re.compile(r"[a-z]+|\d[\d,]*[kmh]?(?![a-z0-9])|[$€£¥￥元¢%<>≥≤+]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What a column of prices holds.

    usd_per_mtok    what one unit of its numbers is; None: in the unit of the feed
    currency        None: not said
    service_tier    only for requests served so
    above           only for prompts of more tokens than that, or from it on if not `is_strict`
    """

    meter: Meter
    usd_per_mtok: Decimal | None = None
    currency: str | None = None
    service_tier: str | None = None
    above: int | None = None
    is_strict: bool = True

    @property
    def is_base(self) -> bool:
        """True of the price of every request."""
        return self.service_tier is None and self.above is None


def named(heading: str) -> str | None:
    """The column beside the prices that a heading means, by the name that mappings use."""
    text = " ".join(re.sub(r"[_\s]+", " ", heading).split()).lower()
    return next((name for name, known in NAMES.items() if text in known), None)


@lru_cache(maxsize=256)
def head_of(heading: str) -> Head | None:
    """The price that a column holds; None where a word of its heading is not known.

    A word left out may change everything: an old price, a limit, a price per image.
    """
    if heading.strip().lower() in Meter.__members__.values():
        return Head(meter=Meter(heading.strip().lower()))
    text = plain_words(heading)
    if any(each.isalpha() and not each.isascii() and each not in CURRENCIES for each in text):
        return None
    size = ABOVE.search(text)
    words = set(WORD.findall(UP_TO.sub(" ", ABOVE.sub(" ", text, count=1))))
    tiers = {SERVED[word] for word in words & SERVED.keys()}
    meter = _meter(words - SERVED.keys() - _said(words) - MONEY - TOKENS - FILLING)
    unit, money = unit_of(heading), {CURRENCIES[word] for word in words & CURRENCIES.keys()}
    says_price = unit or words & (MONEY | _said(words)) or not words & TOKENS
    if meter in STANDALONE and (unit or words & TOKENS or not words & (MONEY | CURRENCIES.keys())):
        return None
    if meter is None or not says_price or len(tiers) > 1 or len(money) > 1:
        return None
    if unit is None and words & (MILLION | THOUSAND | CENTS):
        return None
    return Head(
        meter=meter,
        usd_per_mtok=unit,
        currency=next(iter(money), "USD" if words & CENTS else None),
        service_tier=next(iter(tiers), None),
        above=_tokens(size) if size else None,
        is_strict=size is None or size["sign"] not in (">=", "≥", "from"),
    )


def is_of_money(heading: str) -> bool:
    """True if a column says that it holds money, whatever for."""
    words = set(WORD.findall(plain_words(heading)))
    return bool(words & (MONEY | CENTS | CURRENCIES.keys())) and not words & LIMITS


def unit_of(text: str) -> Decimal | None:
    """What one unit of a number `per 1K tokens` is per million; None where that is not said.

    Two that contradict each other are none.
    """
    words = set(WORD.findall(plain_words(text)))
    is_per_token = bool(PER_TOKEN.search(plain_words(text))) or "token_cost" in text.lower()
    said = [
        USD_PER_MTOK[unit]
        for unit, is_said in (
            ("usd/mtok", words & MILLION),
            ("usd/ktok", words & THOUSAND),
            ("usd/token", is_per_token),
        )
        if is_said
    ]
    if len(said) != 1:
        return None
    return said[0] / 100 if words & CENTS else said[0]


def stated_unit(text: str) -> Decimal | None:
    """The same of a text that says nothing else: no million characters."""
    words = set(WORD.findall(plain_words(text))) - _said(set(WORD.findall(plain_words(text))))
    return unit_of(text) if words <= TOKENS | FILLING else None


def _said(words: set[str]) -> set[str]:
    """Those that tell the unit or the money."""
    return words & (MILLION | THOUSAND | CENTS | CURRENCIES.keys())


def plain_words(text: str) -> str:
    """Words in small letters with blanks between: `inputPrice`, `input_price`; 1M for 1,000,000."""
    text = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text.strip()).lower().replace("_", " ")
    text = re.sub(r"\b(\d+)[,.]000[,.]000\b", r"\1m", text)
    return re.sub(r"\b(\d+)[,.]?000\b", r"\1k", text)


def _meter(words: set[str]) -> Meter | None:
    """Which price is meant by these words, all of which must be known."""
    if "in" in words:
        words = words - {"in"} if words & (SENT | MADE) else (words - {"in"}) | {"input"}
    if "out" in words:
        words = (words - {"out"}) | {"output"}
    is_sent, is_made = bool(words & SENT), bool(words & MADE)
    rest = words - SENT - MADE
    if is_sent and is_made:
        return None
    if rest & CACHE or rest & {"hit", "hits", "miss"}:
        return None if is_made else _cached(rest - CACHE, is_sent=is_sent)
    if rest in ({"reasoning"}, {"thinking"}) and not is_sent:
        return Meter.REASONING
    if not is_sent and not is_made and rest in ({"request"}, {"image"}):
        return Meter.REQUEST if rest == {"request"} else Meter.IMAGE
    if rest == {"audio"} and is_sent != is_made:
        return Meter.AUDIO_INPUT if is_sent else Meter.AUDIO_OUTPUT
    if rest or is_sent == is_made:
        return None
    return Meter.INPUT if is_sent else Meter.OUTPUT


def _cached(words: set[str], *, is_sent: bool) -> Meter | None:
    if words == {"miss"} and is_sent:
        return Meter.INPUT
    if words <= {"read", "reads", "hit", "hits", "refresh", "refreshes"}:
        return Meter.CACHE_READ
    if words & {"write", "writes", "creation"}:
        hours = words - {"write", "writes", "creation", "5", "5m", "min", "minutes"}
        if hours in ({"1h"}, {"1", "hour"}):
            return Meter.CACHE_WRITE_1H
        return None if hours else Meter.CACHE_WRITE
    return None


def _tokens(size: re.Match[str]) -> int:
    return int(size["size"]) * (1_000_000 if size["by"] == "m" else 1000)
