"""What feeds said beside the price in force, kept over a restart: its facets come from them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from windsock.core.pricing.consensus.timeline import PriceTimeline
from windsock.core.pricing.consensus.tracks import Track
from windsock.core.pricing.state import quote_of_state, quote_state

Said = Mapping[str, Any]
"""What feeds said, by deployment, as `Voices.state` writes it."""

NONE: Said = MappingProxyType({})


class Voices:
    """The words of feeds as JSON-able values; what has not changed is not written anew."""

    def __init__(self) -> None:
        self._written: dict[str, tuple[tuple[Track, ...], dict[str, Any]]] = {}

    def state(self, timelines: Mapping[str, PriceTimeline]) -> dict[str, Any]:
        """The last word of every feed, by deployment and feed, and when it was said."""
        self._written = {name: self._of(name, each) for name, each in timelines.items()}
        return {name: state for name, (_, state) in self._written.items() if state}

    def _of(self, name: str, timeline: PriceTimeline) -> tuple[tuple[Track, ...], dict[str, Any]]:
        tracks = tuple(timeline.tracks.values())
        known = self._written.get(name)
        if known is not None and known[0] == tracks:
            return known
        return tracks, {track.word.feed: _track_state(track) for track in tracks}


def hear_again(timeline: PriceTimeline, state: Mapping[str, Any]) -> None:
    """Take over what feeds said before a restart; what is known of later stands.

    state   of one deployment, as in `Voices.state`
    """
    for feed, said in state.items():
        known = timeline.tracks.get(feed)
        if known is None or known.heard_at <= said["heard_at"]:
            word = quote_of_state(said["word"])
            timeline.statements.setdefault(feed, word)
            timeline.tracks[feed] = Track(
                words=(word,),
                since=said["since"],
                heard_at=said["heard_at"],
                is_proven=said["is_proven"],
                anchor=word,
                anchored_at=said["since"],
            )


def _track_state(track: Track) -> dict[str, Any]:
    return {
        "word": quote_state(track.word),
        "since": track.since,
        "heard_at": track.heard_at,
        "is_proven": track.is_proven,
    }
