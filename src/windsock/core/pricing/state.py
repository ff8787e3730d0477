"""Quotes and timelines as JSON-able values, and back, exactly."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields, replace
from decimal import Decimal
from typing import Any

from windsock.core.model.ticks import CHAT, Quote, Tier, Window
from windsock.core.model.units import Meter, Prices
from windsock.core.pricing.consensus.standing import standing_of
from windsock.core.pricing.consensus.timeline import PriceTimeline
from windsock.core.pricing.consensus.tracks import Track
from windsock.core.pricing.consensus.votes import votes_of
from windsock.core.pricing.rules import GuardRules
from windsock.core.pricing.validation import Held

PLAIN = tuple(
    field.name
    for field in fields(Quote)
    if field.name not in ("usd_per_mtok", "tiers", "windows", "service_tiers", "mode", "copies")
)
"""Fields of a quote that are JSON as they are."""


def quote_state(quote: Quote) -> dict[str, Any]:
    """A quote as JSON-able values; prices as text, exactly."""
    return {
        **{name: getattr(quote, name) for name in PLAIN},
        "usd_per_mtok": _prices_state(quote.usd_per_mtok),
        "tiers": [
            [
                t.min_prompt_tokens,
                t.is_strict,
                _prices_state(t.usd_per_mtok),
                *([t.service_tier] if t.service_tier else []),
            ]
            for t in quote.tiers
        ],
        "windows": [
            [
                sorted(w.days),
                w.start_minute,
                w.end_minute,
                w.timezone,
                _prices_state(w.usd_per_mtok),
                w.min_prompt_tokens,
            ]
            for w in quote.windows
        ],
        "service_tiers": {name: _prices_state(p) for name, p in quote.service_tiers.items()},
        **({"mode": quote.mode} if quote.mode != CHAT else {}),
        **({"copies": list(quote.copies)} if quote.copies else {}),
    }


def quote_of_state(state: Mapping[str, Any]) -> Quote:
    """The quote of a `quote_state`."""
    return Quote(
        **{name: state[name] for name in PLAIN},
        usd_per_mtok=_prices(state["usd_per_mtok"]),
        tiers=tuple(
            Tier(
                min_prompt_tokens=bound,
                is_strict=strict,
                usd_per_mtok=_prices(prices),
                service_tier=tier[0] if tier else None,
            )
            for bound, strict, prices, *tier in state["tiers"]
        ),
        windows=tuple(
            Window(
                days=frozenset(days),
                start_minute=start,
                end_minute=end,
                timezone=timezone,
                usd_per_mtok=_prices(prices),
                min_prompt_tokens=bound[0] if bound else 0,
            )
            for days, start, end, timezone, prices, *bound in state["windows"]
        ),
        service_tiers={name: _prices(p) for name, p in state["service_tiers"].items()},
        mode=state.get("mode", CHAT),
        copies=tuple(state.get("copies", ())),
    )


def timeline_state(timeline: PriceTimeline, last: int = 0) -> dict[str, Any]:
    """Everything known of one deployment's price as JSON-able values.

    last    so many of the prices that were accepted; 0: all
    """
    words = {feed: track.word for feed, track in timeline.tracks.items()}
    return {
        "accepted": [quote_state(quote) for quote in timeline.accepted[-last:]],
        "said": {
            name: _said_state(quote, words.get(name)) for name, quote in timeline.statements.items()
        },
        "held": [_held_state(valid_from, held) for (_, valid_from), held in timeline.held.items()],
        "refused": [quote_state(quote) for quote in timeline.refused.values()],
        "vanished": dict(timeline.vanished),
        "confirmed_at": _finite(timeline.confirmed_at),
        "tracks": {feed: _track_state(track) for feed, track in timeline.tracks.items()},
        "counted_at": _finite(timeline.counted_at),
    }


def timeline_of_state(state: Mapping[str, Any], rules: GuardRules) -> PriceTimeline:
    """The timeline of a `timeline_state`, under these rules."""
    refused = [quote_of_state(each) for each in state["refused"]]
    helds = [_held_of_state(each) for each in state["held"]]
    timeline = PriceTimeline(
        rules=rules,
        accepted=[quote_of_state(each) for each in state["accepted"]],
        held={(held.quote.feed, valid_from): held for valid_from, held in helds},
        refused={quote.feed: quote for quote in refused},
        vanished=dict(state["vanished"]),
        confirmed_at=_endless(state["confirmed_at"]),
        tracks={feed: _track_of_state(each) for feed, each in state["tracks"].items()},
    )
    words = {feed: track.word for feed, track in timeline.tracks.items()}
    said = state["said"].items()
    timeline.statements = {name: _said_of_state(each, words.get(name)) for name, each in said}
    timeline.counted_at = _endless(state["counted_at"])
    votes = votes_of(timeline, timeline.counted_at)
    timeline.stand(standing_of(timeline, votes, timeline.counted_at), timeline.counted_at)
    return timeline


def _said_state(quote: Quote, word: Quote | None) -> dict[str, Any] | float:
    """A statement; of a feed that says its last word again, when it did."""
    is_again = word is not None and replace(word, seen_at=quote.seen_at) == quote
    return quote.seen_at if is_again else quote_state(quote)


def _said_of_state(state: Any, word: Quote | None) -> Quote:
    if word is None or isinstance(state, dict):
        return quote_of_state(state)
    return replace(word, seen_at=state)


def _track_state(track: Track) -> dict[str, Any]:
    return {
        "words": [quote_state(word) for word in track.words],
        "since": track.since,
        "heard_at": track.heard_at,
        "is_proven": track.is_proven,
        "anchor": _anchor_state(track),
        "anchored_at": _finite(track.anchored_at),
        "backed_at": _finite(track.backed_at),
    }


def _anchor_state(track: Track) -> dict[str, Any] | int | None:
    """Of one that is among the words, its place from their end."""
    if track.anchor in track.words:
        return track.words.index(track.anchor) - len(track.words)
    return quote_state(track.anchor) if track.anchor else None


def _track_of_state(state: Mapping[str, Any]) -> Track:
    words = tuple(quote_of_state(word) for word in state["words"])
    anchor = state["anchor"]
    return Track(
        words=words,
        since=state["since"],
        heard_at=state["heard_at"],
        is_proven=state["is_proven"],
        anchor=quote_of_state(anchor) if isinstance(anchor, dict) else anchor and words[anchor],
        anchored_at=_endless(state["anchored_at"]),
        backed_at=_endless(state["backed_at"]),
    )


def _held_state(valid_from: float | None, held: Held) -> dict[str, Any]:
    return {
        "valid_from": valid_from,
        "quote": quote_state(held.quote),
        "reason": held.reason,
        "since": held.since,
        "polls": held.polls,
        "needs": held.needs,
        "is_final": held.is_final,
        **({} if held.until is None else {"until": held.until}),
    }


def _held_of_state(state: Mapping[str, Any]) -> tuple[float | None, Held]:
    rest = {name: state[name] for name in ("reason", "since", "polls", "needs", "is_final")}
    quote, until = quote_of_state(state["quote"]), state.get("until")
    return state["valid_from"], Held(quote=quote, until=until, **rest)


def _prices_state(prices: Prices) -> dict[str, str]:
    return {meter.value: str(price) for meter, price in prices.items()}


def _prices(state: Mapping[str, str]) -> dict[Meter, Decimal]:
    return {Meter(meter): Decimal(price) for meter, price in state.items()}


def _finite(at: float) -> float | None:
    return at if math.isfinite(at) else None


def _endless(at: float | None) -> float:
    return -math.inf if at is None else at
