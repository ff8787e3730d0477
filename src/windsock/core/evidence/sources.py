"""The sources of evidence, and how much one reward of each says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from windsock.core.model.requests import Cell, background_key


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Who or what judges answers.

    name        as rewards and `source_weights` of a route name it
    weight      0..1, how much one of its rewards counts
    is_label    it knows whether an answer was right. All others are proxies: they score answers,
                what that is worth is learnt from labels, and is bounded where there are none
    is_one_sided    what it fails is wrong; what it passes may be wrong all the same
    calibrates  False for what only repeats what an answer's confidence was made of: it cannot
                tell what that confidence is worth
    """

    name: str
    weight: float
    is_label: bool = False
    is_one_sided: bool = False
    calibrates: bool = True


EXPLICIT = "explicit"
"""What clients and people report."""

SHADOW = "shadow"
"""What an answer was worth that nobody was given, by whether it agreed with the one that was."""

JUDGE = "judge"
"""A model that windsock asks by itself."""


def judge_voice(model: str) -> str:
    """In whose name scores of a judge are given, beside its source: another one has another scale,
    and begins anew."""
    return background_key(JUDGE, model)


SOURCES = (
    Source(name=EXPLICIT, weight=1.0, is_label=True),
    Source(name="check", weight=0.5, is_one_sided=True, calibrates=False),
    Source(name=JUDGE, weight=1.0, calibrates=False),
    Source(name="confidence", weight=0.25, calibrates=False),
    Source(name=SHADOW, weight=1.0, calibrates=False),
    Source(name="transport", weight=0.02),
)
"""The router's own. Any other name is a proxy, too, unless its route weighs it 1 or more."""

SOURCE_WEIGHTS: Mapping[str, float] = {source.name: source.weight for source in SOURCES}
"""How much one reward of a source counts, where a route says nothing else."""

LABELS = frozenset(source.name for source in SOURCES if source.is_label)
ONE_SIDED = frozenset(source.name for source in SOURCES if source.is_one_sided)

UNCALIBRATING = frozenset(source.name for source in SOURCES if not source.calibrates)
"""Names of sources that cannot tell what a confidence is worth."""

HABIT = "use"
"""The family of what users do with answers."""

LEAST_LABELLED = 5.0
"""Answers of a route, known both ways, from which on a habit says anything: it has no scale."""

LABEL_FROM = 1.0
"""Weight from which on a source of the operator's own is taken to know."""


def is_label(source: str, source_weights: Mapping[str, float] = SOURCE_WEIGHTS) -> bool:
    """Whether a source knows what was right; a judge does not, whatever its weight.

    source_weights  of the route
    """
    family = family_of(source)
    if family in SOURCE_WEIGHTS:
        return source in LABELS
    return source_weights.get(source, source_weights.get(family, 0.0)) >= LABEL_FROM


def family_of(source: str) -> str:
    """What stands before the colon of `check:json` or `langfuse:tone`, else the name itself; a
    route may weigh all of them by it."""
    return source.partition(":")[0]


def is_one_sided(source: str) -> bool:
    """What it fails is wrong; what it passes may be wrong all the same."""
    return family_of(source) in ONE_SIDED


def is_habit(source: str) -> bool:
    """What users do: nine of ten conversations end though the answer was right."""
    return family_of(source) == HABIT


def has_scale(source: str, labelled: float) -> bool:
    """What a habit's scores mean is told by labels alone: of so many of its answers."""
    return not is_habit(source) or labelled >= LEAST_LABELLED


def tells_success(source: str) -> bool:
    """False of habits, and of one part of a check: reports count them as no success."""
    return not is_habit(source) and (source in ONE_SIDED or not is_one_sided(source))


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceRules:
    """What a route says of evidence.

    source_weights  how much one reward of a source counts
    has_cascade     what answers claim of themselves is remembered, and measured by rewards
    by_agreement    its cascade goes by whether two answers agree
    judge           the model that scores its answers, by itself; empty: none
    transport_weight    how much the mere coming of an answer counts, or its failing to come
    """

    source_weights: Mapping[str, float]
    has_cascade: bool = False
    by_agreement: bool = False
    judge: str = ""
    transport_weight: float = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        weight = self.source_weights.get("transport", 0.0)
        object.__setattr__(self, "transport_weight", weight)


DEFAULT_EVIDENCE = EvidenceRules(source_weights=SOURCE_WEIGHTS)
"""Of routes that are gone."""

MOST_SOURCES = 64
"""Whose words on one deployment at one task are kept apart; the rest are counted as OTHERS."""

MOST_HEARD = 600.0
"""Rewards of one source that are remembered; older ones fade."""

OTHERS = "(others)"


@dataclass(slots=True)
class Heard:
    """Recent rewards of one source on one deployment at one task: how many, and their sum."""

    count: float = 0.0
    total: float = 0.0

    def note(self, count: float, total: float) -> None:
        """So many more, or fewer."""
        self.count = max(0.0, self.count + count)
        self.total = max(0.0, self.total + total)
        if self.count > MOST_HEARD:
            self.count, self.total = MOST_HEARD, self.total * MOST_HEARD / self.count


@dataclass(slots=True)
class SourceTally:
    """How much each source has said of each deployment at each task, whatever that counts for."""

    _heard: dict[tuple[Cell, str], dict[str, Heard]] = field(default_factory=dict)

    def of(self, cell: Cell, deployment: str) -> Mapping[str, Heard]:
        """By source; looking opens nothing."""
        return self._heard.get((cell, deployment), {})

    def note(self, cell: Cell, deployment: str, source: str, count: float, total: float) -> None:
        """So many more rewards, or fewer, of this sum."""
        by_source = self._heard.setdefault((cell, deployment), {})
        if source not in by_source and len(by_source) >= MOST_SOURCES:
            source = OTHERS
        by_source.setdefault(source, Heard()).note(count, total)

    def forget(self, cells: frozenset[Cell]) -> None:
        """Drop what was said in these cells."""
        for place in [place for place in self._heard if place[0] in cells]:
            del self._heard[place]

    def to_state(self) -> list[list[Any]]:
        """JSON-able and exact."""
        return [
            [*cell.stored, name, {source: [h.count, h.total] for source, h in heard.items()}]
            for (cell, name), heard in sorted(self._heard.items())
        ]

    def from_state(self, state: Iterable[list[Any]]) -> None:
        """Take over a state of `to_state`."""
        self._heard = {
            (Cell.read(*names), deployment): {name: Heard(*sums) for name, sums in heard.items()}
            for *names, deployment, heard in state
        }
