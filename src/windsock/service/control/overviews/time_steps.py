"""A span of time in equal steps, as charts draw it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil, floor

from windsock.errors import BadRequest
from windsock.resources.declared import seconds

LADDER_S = (60.0, 300.0, 900.0, 3600.0, 21_600.0, 86_400.0)
"""Steps that are chosen where none is named: all but the least hold the one before whole."""

LEAST_S = 60.0
USUAL_POINTS = 60
MOST_POINTS = 400

DAY_S = 86_400.0


@dataclass(frozen=True, slots=True)
class Steps:
    """Whole steps that cover a span: they begin at multiples of `step_s` (UTC), unix s."""

    since: float
    until: float
    step_s: float

    def __iter__(self) -> Iterator[tuple[float, float]]:
        """The beginning and the end of each."""
        for place in range(self.count):
            begin = self.since + place * self.step_s
            yield begin, begin + self.step_s

    @property
    def count(self) -> int:
        """How many there are, 1 at least."""
        return round((self.until - self.since) / self.step_s)

    @property
    def at(self) -> list[float]:
        """Where each begins."""
        return [begin for begin, _ in self]


def steps(since: float, until: float, step: str | None) -> Steps:
    """Of [since, until), each as long as `step` says (5m, 1h, 1d), else as a chart can show.

    raises  BadRequest
    """
    if since > until:
        raise BadRequest("since lies after until", param="since")
    length_s = until - since
    step_s = _usual(length_s) if step is None else _named(step, length_s)
    first, last = floor(since / step_s), ceil(until / step_s)
    return Steps(first * step_s, max(last, first + 1) * step_s, step_s)


def _usual(length_s: float) -> float:
    fits = (each for each in LADDER_S if length_s <= USUAL_POINTS * each)
    return next(fits, ceil(length_s / (USUAL_POINTS * DAY_S)) * DAY_S)


def _named(step: str, length_s: float) -> float:
    try:
        step_s = seconds(step)
    except ValueError as error:
        raise BadRequest(f"step: {error}", param="step") from None
    if step_s < LEAST_S or step_s % LEAST_S:
        raise BadRequest("step must be whole minutes, such as 1m, 15m, 1h or 1d", param="step")
    if length_s > MOST_POINTS * step_s:
        least_m = ceil(length_s / MOST_POINTS / LEAST_S)
        raise BadRequest(
            f"step: {step} gives more than {MOST_POINTS} points; take {least_m}m or more, or a "
            "shorter span",
            param="step",
        )
    return step_s
