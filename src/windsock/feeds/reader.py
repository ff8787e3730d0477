"""A feed's body becomes rows: pure, exact, and nothing is guessed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from windsock.core.model.ticks import CHAT, HealthReport, ModelFacts, Tier, Window
from windsock.core.model.units import MAIN_METERS, Meter, Prices
from windsock.errors import FeedError
from windsock.feeds.bodies.fields import count_in, date_in, flag_in, moment_in
from windsock.feeds.bodies.health import reports_of
from windsock.feeds.bodies.text import text_of
from windsock.feeds.definition import USD_PER_MTOK, FeedDefinition
from windsock.feeds.mapping import mapped
from windsock.feeds.price_terms import currency_of, meters, share_of, windows
from windsock.resources.hours import check_span

COUNTS = ("context_tokens", "max_output_tokens")
FLAGS = ("vision", "tools", "json_schema")
"""What a row may say of a model, besides prices."""

NAMELESS = "names no provider or no model"


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceRow:
    """One price statement, under the feed's own names.

    uplifts     by region: share that it adds to this price; `*` is any region of its own
    """

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
    mode: str = CHAT
    uplifts: Mapping[str, Decimal] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What one body says. skipped: (name, reason) of entries that state no price."""

    rows: tuple[PriceRow, ...] = ()
    facts: tuple[ModelFacts, ...] = ()
    health: tuple[HealthReport, ...] = ()
    skipped: tuple[tuple[str, str], ...] = ()


def read(definition: FeedDefinition, body: bytes, *, seen_at: float) -> Reading:
    """Everything a body says; raises FeedError if it is not what the declaration expects."""
    text = text_of(definition, body)
    reading = Reading()
    if definition.quotes is not None:
        reading = _prices(definition, _map(definition, definition.quotes, text, seen_at), seen_at)
        if len(reading.rows) < definition.least_rows:
            reason = f"lists {len(reading.rows)} prices, fewer than {definition.least_rows}"
            first = "".join(f"; {name}: {why}" for name, why in reading.skipped[:1])
            raise FeedError(reason + first, feed=definition.id)
    if definition.health is not None:
        entries = _map(definition, definition.health, text, seen_at)
        reading = replace(reading, health=reports_of(definition, entries, seen_at))
    return reading


def _map(
    definition: FeedDefinition, program: str, text: str, seen_at: float
) -> list[dict[str, Any]]:
    """Rows as the mapping gives them."""
    try:
        return mapped(program, text, int(seen_at))
    except ValueError as error:
        reason = str(error).splitlines()[0]
        raise FeedError(
            f"the body does not fit the declaration: {reason}", feed=definition.id
        ) from error


def _prices(definition: FeedDefinition, entries: list[dict[str, Any]], seen_at: float) -> Reading:
    rows, facts, skipped = [], [], []
    for entry in entries:
        provider = str(entry.get("provider") or definition.provider or "")
        model = entry.get("model")
        if not model or not provider:
            skipped.append((str(model), NAMELESS))
            continue
        try:
            facts.append(_facts(definition, provider, str(model), entry))
            if entry.get("skip"):
                skipped.append((f"{provider}/{model}", str(entry["skip"])))
                continue
            rows.append(row_of(definition, provider, str(model), entry, seen_at))
        except ArithmeticError:
            skipped.append((f"{provider}/{model}", "unreadable: a price that is no number"))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            skipped.append((f"{provider}/{model}", f"unreadable: {error}"))
    is_csv = definition.format == "csv"
    if is_csv and skipped and not rows and all(reason is NAMELESS for _, reason in skipped):
        reason = "no row names a provider and a model: it needs columns so named"
        raise FeedError(reason, feed=definition.id)
    return Reading(rows=tuple(rows), facts=tuple(facts), skipped=tuple(skipped))


def row_of(
    definition: FeedDefinition, provider: str, model: str, entry: dict[str, Any], seen_at: float
) -> PriceRow:
    """One price statement from a row as a mapping gives it; raises ValueError and the like."""
    factor = USD_PER_MTOK[definition.unit or "usd/mtok"]
    discounted = factor * (1 - share_of(entry.get("discount")))
    base, tiers = _sizes(entry, discounted)
    mode = str(entry.get("mode") or CHAT)
    if mode != CHAT and base:
        base = {**dict.fromkeys(MAIN_METERS, Decimal(0)), **base}
    if Meter.INPUT not in base:
        raise ValueError("states no input price")
    valid_from, valid_until = (
        moment_in(entry.get("valid_from")),
        moment_in(entry.get("valid_until")),
    )
    check_span(valid_from, valid_until)
    return PriceRow(
        provider=provider,
        model=model,
        usd_per_mtok=base,
        tiers=tiers,
        windows=tuple(
            window
            for each in entry.get("windows") or ()
            for window in windows(each, discounted, seen_at)
        ),
        service_tiers={
            str(name): meters(prices, discounted)
            for name, prices in (entry.get("service_tiers") or {}).items()
        },
        quoted_at=moment_in(entry.get("quoted_at")),
        valid_from=valid_from,
        valid_until=valid_until,
        currency=currency_of(str(entry.get("currency") or definition.currency)),
        zero_reason=entry.get("zero_reason"),
        mode=mode,
        uplifts=_shares(entry.get("uplifts") or {}),
    )


def _sizes(entry: dict[str, Any], factor: Decimal) -> tuple[Prices, tuple[Tier, ...]]:
    """The prices of all prompts, and of those from a size on; a tier from 0 on is of all."""
    base, tiers = meters(entry, factor), []
    for step in entry.get("tiers") or ():
        least, prices = int(step["min_prompt_tokens"]), meters(step, factor)
        if least == 0:
            base = {**prices, **base}
        if least > 0:
            is_strict = bool(step.get("strict", True))
            tiers.append(
                Tier(
                    min_prompt_tokens=least,
                    is_strict=is_strict,
                    usd_per_mtok=prices,
                    service_tier=step.get("service_tier"),
                )
            )
    return base, tuple(tiers)


def _shares(stated: Mapping[str, Any]) -> dict[str, Decimal]:
    """What regions add, those that a row says; float noise of a difference is rounded away."""
    found = {name: Decimal(str(share)) for name, share in stated.items() if share is not None}
    return {name: round(share, 6).normalize() for name, share in found.items()}


def _facts(
    definition: FeedDefinition, provider: str, model: str, entry: dict[str, Any]
) -> ModelFacts:
    stated: dict[str, Any] = {name: count_in(entry.get(name)) for name in COUNTS}
    stated |= {name: flag_in(entry.get(name)) for name in FLAGS}
    stated |= {name: date_in(entry.get(name)) for name in ("released_at", "retires_at")}
    mode = entry.get("mode")
    stated["mode"] = mode if isinstance(mode, str) else None
    return ModelFacts(provider=provider, model=model, feed=definition.id, **stated)
