"""What a judge goes by that it should not: order, length, its own kind. Measured, and shown."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field
from typing import Literal

from windsock.core.evidence.judging.verdicts import Better

Basis = Literal["labels", "pairs", "scores"]
"""labels: against what others said of the same answers; pairs: both orders of one pair; scores:
alone, so that what goes with quality is not told apart."""

MOST_REMEMBERED = 2_000
"""Judged answers of a route that are compared with labels that may come."""

LEAST_SPREAD = 1e-9
"""Sum of squares of log lengths, below which all answers are as long."""

LEAST_LABELLED = 10
"""Of those, from which on labels decide."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bias:
    """A bias of one judge, in points of score 0..1, with its standard error and what it rests on.

    order       how much oftener the answer that comes first is preferred than the second, -1..1
    length      score for each doubling of the answer's length
    self        score of answers of its own maker's models, less that of others
    """

    value: float
    error: float | None
    answers: int
    basis: Basis


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One judged answer: where, how long (log2 of characters), of the judge's maker, its score."""

    place: Hashable
    length: float
    is_own: bool
    score: float


@dataclass(slots=True)
class JudgeBiases:
    """Of one judge of one route, since the start.

    pairs       that were asked in both orders; turned: whose verdict went by the order
    """

    pairs: int = 0
    turned: int = 0
    _leaning: float = 0.0
    _squares: float = 0.0
    remembered: OrderedDict[str, Judged] = field(default_factory=OrderedDict)

    def note_pair(self, verdicts: tuple[Better, Better]) -> None:
        """One pair was judged in both orders."""
        leaning = (verdicts.count("first") - verdicts.count("second")) / 2
        self.pairs += 1
        self.turned += abs(leaning) == 1.0
        self._leaning += leaning
        self._squares += leaning**2

    def note(self, decision_id: str, judged: Judged) -> None:
        """One answer got a score; the oldest are forgotten."""
        self.remembered[decision_id] = judged
        if len(self.remembered) > MOST_REMEMBERED:
            self.remembered.popitem(last=False)

    def order(self) -> Bias | None:
        """None without a pair."""
        if not self.pairs:
            return None
        value = self._leaning / self.pairs
        error = math.sqrt(max(0.0, self._squares / self.pairs - value**2) / self.pairs)
        return Bias(value=value, error=error, answers=self.pairs, basis="pairs")

    def length(self, label_of: Callable[[str], float | None]) -> Bias | None:
        """None while lengths or answers are too few; `label_of` tells of a decision what others
        said of it, 0..1."""
        labelled = self._errors(label_of)
        if len(labelled) >= LEAST_LABELLED:
            return _slope(((None, each.length, wrong) for each, wrong in labelled), "labels")
        rows = ((each.place, each.length, each.score) for each in self.remembered.values())
        return _slope(rows, "scores")

    def self_preference(self, label_of: Callable[[str], float | None]) -> Bias | None:
        """None unless answers of its own maker's models were judged, and others'."""
        labelled = self._errors(label_of)
        own = [wrong for each, wrong in labelled if each.is_own]
        if min(len(own), len(labelled) - len(own)) >= LEAST_LABELLED:
            return _difference(own, [w for each, w in labelled if not each.is_own], "labels")
        every = self.remembered.values()
        return _difference(
            [each.score for each in every if each.is_own],
            [each.score for each in every if not each.is_own],
            "scores",
        )

    def _errors(self, label_of: Callable[[str], float | None]) -> list[tuple[Judged, float]]:
        """Judged answers with a label, and by how much the judge said more than that."""
        labels = ((each, label_of(name)) for name, each in self.remembered.items())
        return [(each, each.score - label) for each, label in labels if label is not None]


def _slope(rows: Iterable[tuple[Hashable, float, float]], basis: Basis) -> Bias | None:
    """Of y on x within groups: what a group has in common, such as its quality, is taken out."""
    groups: dict[Hashable, list[tuple[float, float]]] = {}
    for group, x, y in rows:
        groups.setdefault(group, []).append((x, y))
    pairs = [pair for group in groups.values() for pair in _centred(group)]
    free = len(pairs) - len(groups) - 1
    xx, xy = sum(x * x for x, _ in pairs), sum(x * y for x, y in pairs)
    if free < 1 or xx <= LEAST_SPREAD:
        return None
    value = xy / xx
    error = math.sqrt(sum((y - value * x) ** 2 for x, y in pairs) / free / xx)
    return Bias(value=value, error=error, answers=len(pairs), basis=basis)


def _centred(pairs: list[tuple[float, float]]) -> Iterable[tuple[float, float]]:
    x_mean = sum(x for x, _ in pairs) / len(pairs)
    y_mean = sum(y for _, y in pairs) / len(pairs)
    return ((x - x_mean, y - y_mean) for x, y in pairs)


def _difference(own: list[float], others: list[float], basis: Basis) -> Bias | None:
    if not own or not others:
        return None
    value = sum(own) / len(own) - sum(others) / len(others)
    error = None
    if min(len(own), len(others)) > 1:
        error = math.sqrt(_variance(own) / len(own) + _variance(others) / len(others))
    return Bias(value=value, error=error, answers=len(own) + len(others), basis=basis)


def _variance(values: list[float]) -> float:
    mean = sum(values) / len(values)
    return sum((each - mean) ** 2 for each in values) / (len(values) - 1)
