"""What proxies have said of each deployment at each task of a route, and which labels came beside.

Sums are kept by source, by the key that spoke, and by the key whose label stands beside: a key that
is taken out, or believed less, takes what it has said along. They add in any order, and age as
beliefs do.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from windsock.core.beliefs.proxies.sums import NO_SUMS, ProxySums
from windsock.core.beliefs.statistics import NEVER, discounts, infinite
from windsock.core.evidence.keys.consensus import (
    LEAST_KEYS,
    LEAST_WEIGHT,
    Said,
    belief_at,
    distances,
)
from windsock.core.evidence.proxies.place_voices import PlaceVoices
from windsock.core.evidence.proxies.score_watch import ScoreWatch, Watched
from windsock.core.evidence.proxies.words import Voice
from windsock.core.evidence.sources import OTHERS
from windsock.core.model.requests import Cell, is_background

MOST_VOICES = 128
"""Whose sums are kept apart at a place; those of further keys are counted as nobody's, by source.
Of as many sources again: what those beyond say is not heard."""

MOST_SCORED = 600.0
"""Scored answers at a place that one voice is remembered for, so that it stays movable; as many
again with labels, which come more seldom."""

Place = tuple[Cell, str]
"""(cell, deployment)"""


class Believed(Protocol):
    """How far keys are believed: `version` is another one whenever that may have changed."""

    version: int

    def belief(self, key: str, place: Place) -> float:
        """0..1, there."""


@dataclass(slots=True)
class Dated:
    """Sums as of `at`, unix s."""

    sums: ProxySums = NO_SUMS
    at: float = NEVER

    def add(self, sums: ProxySums, at: float, half_life_s: float) -> None:
        """Count more, or less; nobody takes back more than was said."""
        stays, weight = discounts(self.at, at, half_life_s) if self.at > NEVER else (1.0, 1.0)
        self.sums = self.sums.times(stays).plus(sums, weight)
        self.sums = self.sums.at_most(MOST_SCORED, MOST_SCORED)
        self.at = max(self.at, at)

    def age(self, moment: float, half_life_s: float) -> float:
        """How much of them still counts then."""
        return 1.0 if moment <= self.at else float(2.0 ** ((self.at - moment) / half_life_s))


@dataclass(slots=True)
class _Summed:
    """What the voices of a place come to at the last of them, while keys are believed so far.

    version     of those beliefs, when they were last looked at
    """

    at: float
    voices: PlaceVoices
    believed: list[float] = field(default_factory=list)
    sums: dict[str, ProxySums] = field(default_factory=dict)
    version: int = -1


class ProxyBook:
    """All proxies of one route.

    half_life_s     after which a score counts half
    keys            how far each key is believed, and whether that has changed
    """

    def __init__(self, half_life_s: float, keys: Believed) -> None:
        self._half_life_s = half_life_s
        self._keys = keys
        self._held: dict[Place, dict[Voice, Dated]] = {}
        self._summed: dict[Place, _Summed] = {}
        self.watch = ScoreWatch()

    def add(self, place: Place, voice: Voice, sums: ProxySums, at: float) -> None:
        """So much more was said, or is taken back."""
        self._summed.pop(place, None)
        self._voice(place, voice).add(sums, at, self._half_life_s)

    def of(self, place: Place, as_of: float) -> dict[str, ProxySums]:
        """By source, as far as keys are believed, as of the last of it at least; looking opens
        nothing.

        Voices of a place are gathered anew once something was said there, and summed anew once a
        key is believed less or more: this is asked of every place whenever priors are fitted.
        """
        voices = self._held.get(place)
        if not voices:
            return {}
        known = self._summed.get(place)
        if known is None:
            known = self._summed[place] = self._gathered(voices)
        if known.version != self._keys.version:
            known.version = self._keys.version
            believed = [self._keys.belief(key, place) for key in known.voices.keys]
            if believed != known.believed or not known.sums:
                known.believed, known.sums = believed, known.voices.summed(believed)
        if as_of <= known.at:
            return dict(known.sums)
        age = 2.0 ** ((known.at - as_of) / self._half_life_s)
        return {source: sums.times(age) for source, sums in known.sums.items()}

    def _gathered(self, voices: Mapping[Voice, Dated]) -> _Summed:
        at = max(dated.at for dated in voices.values())
        agreed = _agreed(voices) if len(voices) >= LEAST_KEYS else {}
        said = {}
        for voice, dated in voices.items():
            agrees = agreed.get(voice[:2], 1.0) if voice.key else 1.0
            said[voice] = dated.sums.times(dated.age(at, self._half_life_s) * agrees)
        return _Summed(at, PlaceVoices.of(said))

    def forget_scores(self, watched: Watched, most: float) -> list[tuple[Place, Voice, Dated]]:
        """Scores have changed: `most` of each task stay; what labels said beside them stays.

        returns     what was taken away, as sums below 0
        """
        namespace, deployment, source = watched
        taken: list[tuple[Place, Voice, Dated]] = []
        for (cell, name), voices in self._held.items():
            if (cell.namespace, name) == (namespace, deployment):
                for voice, dated in voices.items():
                    if voice.source == source and dated.sums.judged > most:
                        kept = dated.sums.at_most(most, MOST_SCORED)
                        change = Dated(kept.plus(dated.sums, -1.0), dated.at)
                        taken.append(((cell, name), voice, change))
                        dated.sums = kept
                        self._summed.pop((cell, name), None)
        return taken

    def places(self, namespace: str | None = None) -> Iterator[Place]:
        """Where anything was said, in a namespace or in all."""
        return (place for place in self._held if namespace in (None, place[0].namespace))

    def spoken(self, key: str) -> list[Place]:
        """Where a key has scored answers, or labelled ones that were scored."""
        return [
            place
            for place, voices in sorted(self._held.items())
            if any(key in (voice.key, voice.labeller) for voice in voices)
        ]

    def scored(self) -> dict[Cell, float]:
        """Scored answers of each task."""
        made: dict[Cell, float] = {}
        for (cell, _), voices in self._held.items():
            made[cell] = made.get(cell, 0.0) + sum(
                each.sums.scored()[0] for each in voices.values()
            )
        return made

    def forget(self, cells: frozenset[Cell]) -> None:
        """Drop what was said in these cells."""
        for place in [place for place in self._held if place[0] in cells]:
            del self._held[place]
            self._summed.pop(place, None)

    def to_state(self) -> list[list[Any]]:
        """JSON-able and exact: a place, and what each voice has said there."""
        return [
            [*cell.stored, name, [[*voice, dated.at, *dated.sums] for voice, dated in each.items()]]
            for (cell, name), each in sorted(self._held.items())
        ]

    def from_state(self, state: Iterable[list[Any]]) -> None:
        """Take over a state of `to_state`."""
        self._held = dict(_read(state))
        self._summed.clear()

    def _voice(self, place: Place, voice: Voice) -> Dated:
        voices = self._held.setdefault(place, {})
        if voice not in voices and len(voices) >= MOST_VOICES:
            voice = Voice(voice.source)
            if voice not in voices and len(voices) >= 2 * MOST_VOICES:
                voice = Voice(OTHERS)
        return voices.setdefault(voice, Dated())


def _agreed(voices: Mapping[Voice, Dated]) -> dict[tuple[str, ...], float]:
    """How far each key is believed by what the keys of its source agree on, as with labels."""
    said: dict[str, dict[str, Said]] = {}
    for voice, dated in voices.items():
        if voice.key and not is_background(voice.key):
            by_key, (count, total, _) = said.setdefault(voice.source, {}), dated.sums.scored()
            before = by_key.get(voice.key, Said(0.0, 0.0))
            by_key[voice.key] = Said(before.weight + count, before.total + total)
    return {
        (source, key): belief_at(far)
        for source, by_key in said.items()
        for key, far in _distances(by_key)
    }


def _distances(said: Mapping[str, Said]) -> Iterator[tuple[str, float]]:
    """Of each key that has said enough, where enough of them have."""
    heard = {key: each for key, each in said.items() if each.weight >= LEAST_WEIGHT}
    return zip(heard, distances([*heard.values()]), strict=False)


def _read(state: Iterable[list[Any]]) -> Iterator[tuple[Place, dict[Voice, Dated]]]:
    for *names, deployment, held in state:
        voices = {
            Voice(source, key, labeller): Dated(ProxySums(*sums), infinite(at))
            for source, key, labeller, at, *sums in held
        }
        yield (Cell.read(*names), deployment), voices
