"""Rows of one model that differ by service tier, prompt size or hours are one model's terms."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from windsock.core.model.units import Meter
from windsock.feeds.price_terms import UNREAD

Record = dict[str, Any]

COLUMNS = {
    "tier": ("tier", "service tier", "service_tier", "processing", "processing tier",
             "pricing tier", "pricing type", "pricing_type"),
    "size": ("context", "context length", "context size", "prompt size", "prompt length",
             "prompt tokens", "input length", "input tokens"),
    "hours": ("hours", "time", "period", "time of day"),
}  # fmt: skip
"""Columns that tell rows of one model apart, and how people head them."""

STANDARD = frozenset({"", "standard", "default", "regular", "normal", "on-demand", "on demand",
                      "payg", "pay as you go", "peak", "short"})  # fmt: skip
SERVED = frozenset({"batch", "flex", "priority", "fast"})
TOKENS = r"(?: tokens)?"
UP_TO = re.compile(rf"(?:<=?|≤|up to|until|below|under|0 ?k? ?(?:-|–|to)) ?\d+ ?[km]{TOKENS}")
ABOVE = re.compile(
    rf"(?P<sign>>=|≥|>|above|over|from|beyond)? ?(?P<size>\d+) ?(?P<by>[km])"
    rf"(?P<end> ?\+| ?(?:-|–|to) ?\d+ ?[km])?{TOKENS}"
)
SPAN = re.compile(r"(\d{1,2}:\d\d) ?(?:-|–|to) ?(\d{1,2}:\d\d)")
ZONE = re.compile(r"\b(?:UTC|GMT|[A-Z][a-z]+/[A-Z][A-Za-z_]+)\b")
WORDS = re.compile(r"|[^\d\W].*|[<>≤≥\d].*[A-Za-z+:].*")
"""What a row may be told by; a bare number is a price or a limit."""
BETWEEN = re.compile(r"\s+[/&]\s+|[,;]\s+|\s*\n\s*")
NAME = re.compile(r"[A-Za-z][\w.:@/-]*\d[\w.:@/-]*|[a-z]+(?:-[a-z]+)+")
EVERY_DAY = "1234567"


@dataclass(frozen=True, slots=True)
class Terms:
    """For which requests a row holds; the default is all."""

    tier: str = ""
    above: int | None = None
    is_strict: bool = True
    hours: str = ""


def spelt_out(records: Iterable[Record]) -> Iterator[Record]:
    """A record for each model: a cell may name several, and a provider stand for the rows below."""
    provider = None
    for record in records:
        model = str(record.get("model") or "")
        if record.get("provider"):
            provider = record["provider"]
        elif provider and model and "/" not in model:
            record = {**record, "provider": provider}
        names = BETWEEN.split(model.strip())
        is_list = len(names) > 1 and all(NAME.fullmatch(name) for name in names)
        yield from ({**record, "model": name} for name in names) if is_list else (record,)


def joined(records: Iterable[Record]) -> Iterator[Record]:
    """Records of a table, those of one model and day in one where their terms are all known.

    Where they are not, each stays as it is, and the column in which they differ is told.
    """
    by_name: dict[tuple[str, ...], list[Record]] = {}
    for record in records:
        names = ("provider", "model", "valid_from", "valid_until")
        by_name.setdefault(tuple(str(record.get(name)) for name in names), []).append(record)
    for found in by_name.values():
        yield from found if len(found) == 1 else _joined(found)


def _joined(found: Sequence[Record]) -> Iterator[Record]:
    terms = [_terms(record) for record in found]
    prices = [_prices(record) for record in found]
    base = _base(terms, prices)
    is_known = None not in terms and all(prices) and len({*terms}) == len(terms)
    if base is None or not is_known:
        yield from found
        yield from _told(found)
        return
    record = found[base]
    for at, each in enumerate(terms):
        if at != base and each is not None:
            _add(record, each, prices[at])
    yield record


def _base(terms: Sequence[Terms | None], prices: Sequence[Record]) -> int | None:
    """Place of the row for all other requests; of rows that all name hours the dearest."""
    if Terms() in terms:
        return terms.index(Terms())
    if all(each is not None and each == Terms(hours=each.hours) for each in terms) and all(prices):
        return max(range(len(prices)), key=lambda at: float(prices[at][Meter.INPUT.value]))
    return None


def _terms(record: Record) -> Terms | None:
    """None where a word in such a column is not known, or hours have no zone."""
    tier, above, is_strict, hours = "", None, True, ""
    for name, cell in record.items():
        kind, text = _kind(name), " ".join(str(cell or "").split())
        plain = text.lower()
        if kind is None or plain in STANDARD:
            continue
        if kind == "tier":
            if plain not in SERVED:
                return None
            tier = plain
        elif kind == "size":
            size = ABOVE.fullmatch(plain)
            if UP_TO.fullmatch(plain):
                continue
            if size is None or not (size["sign"] or size["end"]):
                return None
            above = int(size["size"]) * (1_000_000 if size["by"] == "m" else 1000)
            is_strict = size["sign"] not in (">=", "≥", "from")
        else:
            span, zone = SPAN.search(text), ZONE.search(text) or ZONE.search(name.upper())
            if span is None or zone is None:
                return None
            hours = f"{span[1]:0>5}-{span[2]:0>5}/{'UTC' if zone[0] == 'GMT' else zone[0]}"
    return None if hours and (tier or above) else Terms(tier, above, is_strict, hours)


def _kind(name: str) -> str | None:
    bare = name.partition("(")[0].strip()
    return next((kind for kind, known in COLUMNS.items() if bare in known), None)


def _prices(record: Record) -> Record:
    """Its prices by meter; empty where one cannot be read, or it has terms of its own."""
    said = {meter.value: record.get(meter.value) for meter in Meter}
    found = {name: price for name, price in said.items() if price not in (None, "")}
    is_plain = not any(record.get(name) for name in ("tiers", "windows", "service_tiers"))
    is_read = all(re.fullmatch(r"\d[\d.]*(?:E[+-]?\d+)?", str(price)) for price in found.values())
    return found if is_plain and is_read and Meter.INPUT.value in found else {}


def _add(record: Record, terms: Terms, prices: Mapping[str, str]) -> None:
    """One row's prices as a term of another's."""
    if terms.above is not None:
        size = {"min_prompt_tokens": terms.above, "strict": terms.is_strict}
        tier = {"service_tier": terms.tier or None}
        record["tiers"] = [*(record.get("tiers") or []), {**size, **tier, **prices}]
    elif terms.tier:
        record["service_tiers"] = {**(record.get("service_tiers") or {}), terms.tier: prices}
    else:
        said = ",".join(f"{name}={price}" for name, price in prices.items())
        window = f"{EVERY_DAY}@{terms.hours}:{said}"
        record["windows"] = f"{record.get('windows') or ''} {window}".strip()


def _told(found: Sequence[Record]) -> Iterator[Record]:
    """A row beside them that says why the dearest of them counts."""
    names = [
        name
        for name in found[0]
        if name not in Meter.__members__.values()
        and len({str(record.get(name) or "") for record in found}) > 1
        and all(
            re.fullmatch(r"|[^\d\W].*|[<>≤≥\d].*[A-Za-z+:].*", str(record.get(name) or ""))
            for record in found
        )
        and not re.search(r"price|cost|input|output|note|comment|source|url", name)
    ]
    if names:
        reason = f"{UNREAD}rows of one model differ in {', '.join(names)}: the dearest counts"
        yield {"provider": "rows", "model": found[0].get("model"), Meter.INPUT.value: reason}
