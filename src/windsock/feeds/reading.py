"""A feed's body becomes rows: pure, exact, and nothing is guessed."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from email.utils import parsedate_to_datetime
from functools import cache
from typing import Any
from xml.etree import ElementTree

import jq

from windsock.core.quotes import (
    EVERY_DAY,
    HealthReport,
    HealthState,
    ModelFacts,
    Tier,
    Window,
)
from windsock.core.units import Meter, Prices
from windsock.errors import FeedError
from windsock.feeds.definition import USD_PER_MTOK, FeedDefinition

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
FACTS = ("context_tokens", "max_output_tokens", "vision", "tools", "json_schema")
PER_MILLION = frozenset({Meter.IMAGE, Meter.REQUEST, Meter.WEB_SEARCH})
"""Meters that every feed states per single unit, whatever its unit of token prices."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceRow:
    """One price statement, under the feed's own names."""

    provider: str
    model: str
    usd_per_mtok: Prices
    tiers: tuple[Tier, ...] = ()
    windows: tuple[Window, ...] = ()
    service_tiers: Mapping[str, Prices] = field(default_factory=dict)
    quoted_at: float | None = None
    valid_from: float | None = None
    valid_until: float | None = None
    currency: str = "USD"
    zero_reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What one body says. skipped: (name, reason) of entries that state no price."""

    rows: tuple[PriceRow, ...] = ()
    facts: tuple[ModelFacts, ...] = ()
    health: tuple[HealthReport, ...] = ()
    skipped: tuple[tuple[str, str], ...] = ()


def read(definition: FeedDefinition, body: bytes, *, seen_at: float) -> Reading:
    """Everything a body says; raises FeedError if it is not what the declaration expects."""
    text = _decoded(definition, body)
    reading = Reading()
    if definition.quotes is not None:
        reading = _prices(definition, _map(definition, definition.quotes, text, seen_at))
        if len(reading.rows) < definition.least_rows:
            raise FeedError(
                f"lists {len(reading.rows)} prices, fewer than {definition.least_rows}",
                feed=definition.id,
            )
    if definition.health is not None:
        entries = _map(definition, definition.health, text, seen_at)
        reports = tuple(_report(definition, entry, seen_at) for entry in entries)
        reading = replace(reading, health=reports)
    return reading


def _decoded(definition: FeedDefinition, body: bytes) -> str:
    """The body as JSON text."""
    encoding = "utf-16" if definition.format == "utf16-json" else "utf-8-sig"
    try:
        text = body.decode(encoding)
    except UnicodeDecodeError as error:
        raise FeedError(f"the body is not {encoding} text", feed=definition.id) from error
    if definition.format == "csv":
        lines = (line for line in io.StringIO(text) if line.strip() and not line.startswith("#"))
        return json.dumps(list(csv.DictReader(lines)))
    if definition.format == "rss":
        return json.dumps(_items(definition, text))
    return text


def _items(definition: FeedDefinition, text: str) -> list[dict[str, Any]]:
    """Items of an RSS feed: title, text and unix time."""
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise FeedError("the RSS declares entities, which are not read", feed=definition.id)
    try:
        root = ElementTree.fromstring(text)  # noqa: S314 (no entities, see above)
    except ElementTree.ParseError as error:
        raise FeedError(f"the body is no RSS: {error}", feed=definition.id) from error
    return [
        {
            "title": item.findtext("title") or "",
            "text": item.findtext("description") or "",
            "at": parsedate_to_datetime(item.findtext("pubDate") or "").timestamp(),
        }
        for item in root.iter("item")
        if item.findtext("pubDate")
    ]


def _map(
    definition: FeedDefinition, program: str, text: str, seen_at: float
) -> list[dict[str, Any]]:
    """Rows as the mapping gives them, prices still as the body writes them."""
    try:
        mapped = _compiled(program, int(seen_at)).input_text(text).text()
    except ValueError as error:
        reason = str(error).splitlines()[0]
        raise FeedError(
            f"the body does not fit the declaration: {reason}", feed=definition.id
        ) from error
    entries = [json.loads(line, parse_float=Decimal) for line in mapped.splitlines()]
    if any(not isinstance(entry, dict) for entry in entries):
        raise FeedError("the mapping must give objects", feed=definition.id)
    return entries


@cache
def _program(program: str) -> Any:
    return jq.compile(program)


def _compiled(program: str, now: int) -> Any:
    if "$now" in program:
        return jq.compile(program, args={"now": now})
    return _program(program)


def _prices(definition: FeedDefinition, entries: list[dict[str, Any]]) -> Reading:
    rows, facts, skipped = [], [], []
    for entry in entries:
        provider = str(entry.get("provider") or definition.provider or "")
        model = entry.get("model")
        if not model or not provider:
            skipped.append((str(model), "names no provider or no model"))
            continue
        facts.append(_facts(definition, provider, str(model), entry))
        if entry.get("skip"):
            skipped.append((f"{provider}/{model}", str(entry["skip"])))
            continue
        try:
            rows.append(_row(definition, provider, str(model), entry))
        except (ValueError, KeyError, TypeError, InvalidOperation) as error:
            skipped.append((f"{provider}/{model}", f"unreadable: {error}"))
    return Reading(rows=tuple(rows), facts=tuple(facts), skipped=tuple(skipped))


def _row(definition: FeedDefinition, provider: str, model: str, entry: dict[str, Any]) -> PriceRow:
    factor = USD_PER_MTOK[definition.unit or "usd/mtok"]
    keep = 1 - Decimal(str(entry.get("discount") or 0))
    base = _meters(entry, factor * keep)
    steps = entry.get("tiers") or ()
    for tier in steps:
        if int(tier["min_prompt_tokens"]) == 0:
            base = {**_meters(tier, factor * keep), **base}
    if Meter.INPUT not in base:
        raise ValueError("states no input price")
    return PriceRow(
        provider=provider,
        model=model,
        usd_per_mtok=base,
        tiers=tuple(
            Tier(
                min_prompt_tokens=int(tier["min_prompt_tokens"]),
                is_strict=bool(tier.get("strict", True)),
                usd_per_mtok=_meters(tier, factor * keep),
            )
            for tier in steps
            if int(tier["min_prompt_tokens"]) > 0
        ),
        windows=tuple(_window(window, factor * keep) for window in entry.get("windows") or ()),
        service_tiers={
            str(name): _meters(prices, factor)
            for name, prices in (entry.get("service_tiers") or {}).items()
        },
        quoted_at=_moment(entry.get("quoted_at")),
        valid_from=_moment(entry.get("valid_from")),
        valid_until=_moment(entry.get("valid_until")),
        currency=str(entry.get("currency") or definition.currency),
        zero_reason=entry.get("zero_reason"),
    )


def _meters(entry: Mapping[str, Any], factor: Decimal) -> dict[Meter, Decimal]:
    prices = {}
    for meter in Meter:
        value = entry.get(meter.value)
        if value is None or value == "":
            continue
        scale = USD_PER_MTOK["usd/token"] if meter in PER_MILLION else factor
        prices[meter] = (Decimal(str(value)) * scale).normalize() + 0
    return prices


def _window(window: Mapping[str, Any], factor: Decimal) -> Window:
    return Window(
        days=frozenset(_weekday(day) for day in window["days"])
        if window.get("days")
        else EVERY_DAY,
        start_minute=_minute(window["start"]),
        end_minute=_minute(window["end"]),
        timezone=str(window.get("timezone") or "UTC"),
        usd_per_mtok=_meters(window, factor),
    )


def _minute(clock: Any) -> int:
    """Minute of the day from 1030 (10:30) or from "10:30"; 24:00 is 1440."""
    if isinstance(clock, str) and ":" in clock:
        hour, minute = clock.split(":")[:2]
        return int(hour) * 60 + int(minute)
    hours, minutes = divmod(int(clock), 100)
    return hours * 60 + minutes


def _weekday(day: Any) -> int:
    return WEEKDAYS.index(day.lower()) + 1 if isinstance(day, str) else int(day)


def _moment(value: Any) -> float | None:
    """Unix seconds from a number, an ISO date or an ISO time; no zone means UTC."""
    if value is None or value == "":
        return None
    if isinstance(value, int | float | Decimal):
        return float(value)
    moment = datetime.fromisoformat(str(value).replace("Z", "+00:00"))
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _facts(
    definition: FeedDefinition, provider: str, model: str, entry: dict[str, Any]
) -> ModelFacts:
    stated: dict[str, Any] = {name: _fact(entry.get(name)) for name in FACTS}
    return ModelFacts(
        provider=provider,
        model=model,
        feed=definition.id,
        retires_at=_moment(entry.get("retires_at")),
        **stated,
    )


def _fact(value: Any) -> int | bool | None:
    if isinstance(value, bool) or value is None:
        return value
    try:
        return int(value)
    except (ValueError, TypeError):
        return None


def _report(definition: FeedDefinition, entry: dict[str, Any], seen_at: float) -> HealthReport:
    state = str(entry.get("state") or "unknown")
    known = state in HealthState.__members__.values()
    uptime = entry.get("uptime")
    return HealthReport(
        subject=str(entry["subject"]),
        feed=definition.id,
        state=HealthState(state) if known else HealthState.UNKNOWN,
        note=str(entry.get("note") or ""),
        uptime=None if uptime is None else float(uptime),
        quoted_at=_moment(entry.get("quoted_at")),
        seen_at=seen_at,
    )


def rows_as_csv(reading: Reading) -> Iterator[dict[str, str]]:
    """A reading as flat rows, the form of `expected.csv`."""
    for row in reading.rows:
        yield {
            "provider": row.provider,
            "model": row.model,
            **{meter.value: _text(row.usd_per_mtok.get(meter)) for meter in Meter},
            "tiers": " ".join(_tier_text(tier) for tier in row.tiers),
            "windows": " ".join(_window_text(window) for window in row.windows),
            "zero_reason": row.zero_reason or "",
            "state": "",
        }
    for report in reading.health:
        blank = dict.fromkeys([*(meter.value for meter in Meter), "tiers", "windows"], "")
        yield {
            "provider": report.subject,
            "model": "",
            **blank,
            "zero_reason": "",
            "state": report.state.value,
        }


def _text(price: Decimal | None) -> str:
    return "" if price is None else format(price, "f")


def _flat(prices: Prices) -> str:
    return ",".join(f"{meter.value}={price:f}" for meter, price in prices.items())


def _tier_text(tier: Tier) -> str:
    bound = ">" if tier.is_strict else ">="
    return f"{bound}{tier.min_prompt_tokens}:{_flat(tier.usd_per_mtok)}"


def _window_text(window: Window) -> str:
    days = "".join(str(day) for day in sorted(window.days))
    return (
        f"{days}@{window.start_minute // 60:02}:{window.start_minute % 60:02}-"
        f"{window.end_minute // 60:02}:{window.end_minute % 60:02}/{window.timezone}:"
        f"{_flat(window.usd_per_mtok)}"
    )
