"""What one feed was believed to say over time, whatever others say."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from windsock.core.model.ticks import Quote
from windsock.core.pricing.rules import GuardRules

MAX_WORDS = 8
"""What a feed said that it is remembered by: enough to see that another is late."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """What one feed was believed to say, whatever others say.

    words       different prices in order, the last is its vote
    since       unix s since which it says so
    heard_at    unix s at which it last said so
    is_proven   a second list, a bill, a person or time spoke for it; a plausible move keeps that
    backed_at   unix s at which a bill or a person last spoke for this very word
    anchor      its word before the unproven falls of the last day, and since when
    """

    words: tuple[Quote, ...]
    since: float
    heard_at: float
    is_proven: bool = False
    anchor: Quote | None = None
    anchored_at: float = -math.inf
    backed_at: float = -math.inf

    @property
    def word(self) -> Quote:
        """What it says now."""
        return self.words[-1]

    @property
    def is_backed(self) -> bool:
        """A bill or a person has spoken for what it says now."""
        return self.backed_at >= self.since


def moved(
    track: Track | None, quote: Quote, now: float, *, is_proven: bool, rules: GuardRules
) -> Track:
    """A feed's track with this as its word from `now` on.

    is_proven   by more than its own word: falls are then measured from here
    """
    if track is None:
        made = Track(words=(quote,), since=now, heard_at=now, is_proven=is_proven)
        return replace(made, anchor=quote, anchored_at=now)
    anchor, anchored_at = track.anchor, track.anchored_at
    if is_proven:
        anchor, anchored_at = quote, now
    elif now - anchored_at >= rules.fall_window_s:
        anchor, anchored_at = track.word, now
    return Track(
        words=(*track.words, quote)[-MAX_WORDS:],
        since=now,
        heard_at=now,
        is_proven=is_proven or track.is_proven,
        anchor=anchor,
        anchored_at=anchored_at,
    )


def of_source(track: Track, quote: Quote) -> Track:
    """The same with its word trusted, and known to be taken over from others, as this quote is."""
    word = track.word
    if (word.trust, word.copies) == (quote.trust, quote.copies):
        return track
    word = replace(word, trust=quote.trust, copies=quote.copies)
    return replace(track, words=(*track.words[:-1], word))


def track_by(track: Track, now: float) -> Track:
    """The same after the clock was set back to `now`."""
    since, heard_at = min(track.since, now), min(track.heard_at, now)
    words = tuple(quote_by(word, now) for word in track.words)
    anchored_at = min(track.anchored_at, now)
    return replace(track, words=words, since=since, heard_at=heard_at, anchored_at=anchored_at)


def quote_by(quote: Quote, now: float) -> Quote:
    """The same after the clock was set back to `now`."""
    return quote if quote.seen_at <= now else replace(quote, seen_at=now)
