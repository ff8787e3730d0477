"""Whose words count: what feeds said that are read no more is no voice."""

from __future__ import annotations

from collections.abc import Container

from windsock.core.model.events import Event
from windsock.core.pricing.consensus.acceptance import settle
from windsock.core.pricing.consensus.timeline import PriceTimeline
from windsock.core.pricing.consensus.votes import elsewhere_usd, votes_of, winner


def hears_others(timeline: PriceTimeline, feeds: Container[str]) -> bool:
    """True if other feeds than these have said something."""
    said = (each.feed for each in timeline.statements.values())
    held = (feed for feed, _ in timeline.held)
    named = (*timeline.tracks, *timeline.vanished, *timeline.refused, *said, *held)
    return any(feed not in feeds for feed in named)


def hear_only(timeline: PriceTimeline, feeds: Container[str], now: float) -> list[Event]:
    """Drop what other feeds than these said; what that changed.

    Their price stays in force where nobody else states one, and grows old.
    """
    said, held = timeline.statements.items(), timeline.held.items()
    timeline.statements = {name: each for name, each in said if each.feed in feeds}
    timeline.held = {key: each for key, each in held if key[0] in feeds}
    timeline.refused = {feed: each for feed, each in timeline.refused.items() if feed in feeds}
    timeline.vanished = {feed: at for feed, at in timeline.vanished.items() if feed in feeds}
    timeline.tracks = {feed: each for feed, each in timeline.tracks.items() if feed in feeds}
    told = settle(timeline, now)
    current = timeline.in_force(now)
    if current is not None and current.feed not in feeds:
        votes = votes_of(timeline, now)
        same = winner(votes, elsewhere_usd(timeline, now), timeline.rules)
        if same is not None:
            timeline.accept(same.quote, now)
    return told
