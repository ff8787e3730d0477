"""From reconsidered decisions to what the estimators want: success and dollars of every request."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from windsock.evaluation.considered import Considered
from windsock.evaluation.estimators import ArmColumns, Floats, Sample

SHRUNK_BY = 4.0
"""Answers of usual noise and feedback that every place is given: a few say little of either."""

LARGEST_VARIANCE = 0.25
"""Of something between 0 and 1."""

REACH = 1.96

Place = tuple[str, str, str, str]
"""Namespace, route, task, arm."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Noise:
    """What the model misses of a place: variance of one answer, and how far the mean may be off."""

    variance: float
    doubt: float


UNKNOWN = Noise(variance=LARGEST_VARIANCE, doubt=1.0)
"""Of success where nothing was judged."""


def weights_of(rows: Sequence[Considered]) -> Floats:
    """New over logged probability of what was taken."""
    return array(row.weight_taken / row.decision.propensity for row in rows)


@dataclass(frozen=True, slots=True)
class FeedbackRates:
    """Share of answers that were judged: a place leans on its task, a task on all.

    Within a place it is taken to be chance which answers are judged.
    """

    _asked: Mapping[tuple[str, ...], float]
    _judged: Mapping[tuple[str, ...], float]

    @classmethod
    def of(cls, rows: Sequence[Considered]) -> FeedbackRates:
        """Of these decisions."""
        asked: dict[tuple[str, ...], float] = defaultdict(float)
        judged: dict[tuple[str, ...], float] = defaultdict(float)
        for row in rows:
            for key in ((), task_of(row), place_of(row)):
                asked[key] += 1
                judged[key] += row.reward is not None
        return cls(asked, judged)

    def at(self, place: Place) -> float:
        """Above 0 if any answer was judged anywhere."""
        rate = self._judged.get((), 0.0) / max(1.0, self._asked.get((), 0.0))
        for key in (place[:3], place):
            asked, judged = self._asked.get(key, 0.0), self._judged.get(key, 0.0)
            rate = (judged + SHRUNK_BY * rate) / (asked + SHRUNK_BY)
        return rate


def seen_of(rows: Sequence[Considered], rates: FeedbackRates) -> Floats:
    """1 over the feedback rate where an answer was judged; else 0."""
    return array(0.0 if row.reward is None else 1.0 / rates.at(place_of(row)) for row in rows)


def plain_sample(values: Sequence[float]) -> Sample:
    """What is known of every request of the log, as it is."""
    none, ones = np.zeros(len(values)), np.ones(len(values))
    arms = ArmColumns(ratio=none[:0], noise=none[:0], drawn=none[:0], doubt=none[:0])
    return Sample(w=ones, seen=ones, y=array(values), taken=none, expected=none, arms=arms)


def judged_sample(rows: Sequence[Considered], seen: Floats, rates: FeedbackRates) -> Sample:
    """Rewards of the log as it is, with the posterior means of the time where none was given."""
    noises = _success_noises(rows)
    model = array(row.of_taken(row.success) for row in rows)
    ones = np.ones(len(rows))
    places = [(noises.get(place_of(row), UNKNOWN), rates.at(place_of(row))) for row in rows]
    noise = array(each.variance * (1 / max(rate, 1e-9)) for each, rate in places)
    doubt = array(each.doubt for each, _ in places)
    return Sample(
        w=ones,
        seen=seen,
        y=array(row.reward or 0.0 for row in rows),
        taken=model,
        expected=model,
        arms=ArmColumns(ratio=ones, noise=noise, drawn=np.zeros_like(ones), doubt=doubt),
    )


def success_sample(
    rows: Sequence[Considered], w: Floats, seen: Floats, rates: FeedbackRates
) -> Sample:
    """Rewards, with the posterior means of the time as the model."""
    values, noises = [row.reward for row in rows], _success_noises(rows)
    return _sample(rows, w, seen, values, lambda row: row.success, noises, UNKNOWN, rates)


def _success_noises(rows: Sequence[Considered]) -> dict[Place, Noise]:
    values = [row.reward for row in rows]
    return _noises(rows, values, lambda row: row.success, lambda place: LARGEST_VARIANCE)


def usd_sample(rows: Sequence[Considered], w: Floats) -> Sample:
    """Dollars, with learnt token mix times price as the model."""
    values = [row.repriced_usd for row in rows]
    expected = [row.of_taken(row.usd) for row in rows]
    off = sum((v - e) ** 2 for v, e in zip(values, expected, strict=True) if e)
    relative = off / (sum(e * e for e in expected) or 1.0)
    usual: dict[Place, float] = defaultdict(float)
    for row, guess in zip(rows, expected, strict=True):
        usual[place_of(row)] = max(usual[place_of(row)], guess)
    noises = _noises(rows, values, lambda row: row.usd, lambda place: relative * usual[place] ** 2)
    dearest = max((max(row.usd) for row in rows), default=0.0)
    blank = Noise(variance=relative * dearest**2, doubt=dearest)
    return _sample(rows, w, np.ones(len(rows)), values, lambda row: row.usd, noises, blank)


def task_of(row: Considered) -> tuple[str, str, str]:
    """Segments of a task count as one."""
    cell = row.decision.cell
    return cell.namespace, cell.route, cell.task


def place_of(row: Considered) -> Place:
    """(namespace, route, task, arm) of what was taken."""
    return (*task_of(row), row.taken)


def array(values: Any) -> Floats:
    """(n,) of as many numbers."""
    return np.fromiter(values, dtype=np.float64)


def _sample(
    rows: Sequence[Considered],
    w: Floats,
    seen: Floats,
    values: Sequence[float | None],
    model: Callable[[Considered], tuple[float, ...]],
    noises: Mapping[Place, Noise],
    blank: Noise,
    rates: FeedbackRates | None = None,
) -> Sample:
    """blank: of places that were never tried, or never judged."""
    arms = [each for row in rows for each in _arms(row, noises, blank, rates)]
    ratio, noise, drawn, doubt = np.array(arms, dtype=np.float64).reshape(-1, 4).T
    return Sample(
        w=w,
        seen=seen,
        y=array(value or 0.0 for value in values),
        taken=array(row.of_taken(model(row)) for row in rows),
        expected=array(_dot(row.weights, model(row)) for row in rows),
        arms=ArmColumns(ratio=ratio, noise=noise, drawn=drawn, doubt=doubt),
    )


def _arms(
    row: Considered,
    noises: Mapping[Place, Noise],
    blank: Noise,
    rates: FeedbackRates | None,
) -> Iterator[tuple[float, float, float, float]]:
    """As in `ArmColumns`.

    Of every arm that might have been taken; of the one that was, where the others' logged
    probabilities are not kept.
    """
    task = task_of(row)
    if row.chances is None:
        chance = row.decision.propensity
        w = row.weight_taken / chance
        place = place_of(row)
        noise = noises.get(place, blank)
        brought = w * w * noise.variance / _rate(rates, place)
        yield w, brought, brought * (1 - chance), w * noise.doubt
        return
    for name, weight, chance in zip(row.arms, row.weights, row.chances, strict=True):
        place = (*task, name)
        noise = noises.get(place, blank)
        if chance:
            brought = weight * weight / chance * noise.variance / _rate(rates, place)
            yield weight / chance, brought, brought * (1 - chance), weight * noise.doubt


def _rate(rates: FeedbackRates | None, place: Place) -> float:
    """Of what is known of every request 1."""
    return 1.0 if rates is None else max(rates.at(place), 1e-9)


def _noises(
    rows: Sequence[Considered],
    values: Sequence[float | None],
    model: Callable[[Considered], tuple[float, ...]],
    usual: Callable[[Place], float],
) -> dict[Place, Noise]:
    off: dict[Place, list[float]] = defaultdict(list)
    for row, value in zip(rows, values, strict=True):
        if value is not None and row.taken in row.arms:
            off[place_of(row)].append(value - row.of_taken(model(row)))
    found = {}
    for place, misses in off.items():
        total = sum(miss * miss for miss in misses) + SHRUNK_BY * usual(place)
        variance = total / (len(misses) + SHRUNK_BY)
        mean = abs(sum(misses)) / len(misses)
        doubt = mean + REACH * (variance / len(misses)) ** 0.5
        found[place] = Noise(variance=variance, doubt=doubt)
    return found


def _dot(a: Sequence[float], b: Sequence[float]) -> float:
    return sum(x * y for x, y in zip(a, b, strict=True))
