"""Panels between the ends and kinks of densities on 0..1."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil, inf

import numpy as np

from windsock.core.model.arrays import FloatArray, Indices
from windsock.core.policies.contest.quadrature import Rule, graded_rule, plain_rule

PANEL_SD = 1.4
"""Width of a panel in standard deviations of the narrowest arm that varies there."""

HALVINGS = 5
"""Times that panels are laid out at most, each time half as wide."""

SMOOTH = 4.0
"""Beta parameter from which a density is smooth enough at the end of its support."""

EVEN_PANELS = 24
"""Panels up to which they are all of one width."""

NEAR = 0.3
"""An edge gives way to the end of a support that is closer than this part of a panel."""

Place = Indices | slice
"""Which panels are meant."""


@dataclass(slots=True)
class Span:
    """What the integral of one contest goes over.

    low, high   utility of the best
    arms        (start, end, most) of each: where it varies, and how wide a panel may be there
    ends        of supports in low..high at which a density is not smooth
    """

    low: float
    high: float
    arms: list[tuple[float, float, float]]
    ends: list[float]
    layouts: int = 0

    @classmethod
    def of(cls, low: float, *facts: Sequence[float]) -> Span:
        """That of a contest by the facts of its arms, see `integrate`."""
        arms, ends = [], []
        for shift, a, b, _, sd, left, right in zip(*facts, strict=True):
            if sd < inf:
                arms.append((left - shift, right - shift, PANEL_SD * sd))
                ends += [-shift] * (a < SMOOTH) + [1 - shift] * (b < SMOOTH)
        high, slack = max(end for _, end, _ in arms), min(most for _, _, most in arms)
        ends = [end for end in ends if low - slack <= end <= high + slack]
        return cls(min([low, *ends]), max([high, *ends]), arms, ends)

    def halve(self) -> bool:
        """Lay out panels half as wide from now on; False if that was done often enough."""
        self.arms = [(start, end, most / 2) for start, end, most in self.arms]
        self.layouts += 1
        return self.layouts < HALVINGS

    def edges(self) -> list[float]:
        """Panel borders from low to high, the ends among them."""
        edges, ends = self._even_or_not(), self.ends
        if not ends:
            return edges
        inner = zip(edges, edges[1:], edges[2:], strict=False)
        kept = [
            edge
            for before, edge, after in inner
            if min(abs(edge - end) for end in ends) > NEAR * min(edge - before, after - edge)
        ]
        return sorted({edges[0], *kept, edges[-1], *ends})

    def _even_or_not(self) -> list[float]:
        """Even borders, unless one arm is far narrower than the span."""
        low, high = self.low, self.high
        count = (high - low) / min(most for _, _, most in self.arms)
        if count <= EVEN_PANELS:
            count = max(2, ceil(count))
            step = (high - low) / count
            return [low + i * step for i in range(count)] + [high]
        edges = [low]
        while edges[-1] < high:
            edges.append(min(high, self._next_edge(edges[-1])))
        return edges

    def _next_edge(self, z: float) -> float:
        """The farthest border that keeps to the panel of every arm that varies before it."""
        reach = min(
            [max(z, start) + most for start, end, most in self.arms if end > z], default=inf
        )
        gap = 0.5 * (reach - z)
        return min([reach, *(start for start, _, most in self.arms if start > z and most < gap)])


@dataclass(frozen=True, slots=True)
class Panels:
    """Those of several contests, one contest after the other.

    left, length    (panels,)
    owner           (panels,) whose they are
    first           (contests,) where those of each begin
    batches         rules, and the panels that they are for
    """

    left: FloatArray
    length: FloatArray
    owner: Indices
    first: Indices
    batches: list[tuple[Rule, Place]]


def panels_of(spans: Sequence[Span]) -> Panels:
    """Panels of each; those that touch the end of a support are graded towards both sides."""
    left: list[float] = []
    right: list[float] = []
    owner: list[int] = []
    first, graded = [], []
    for number, span in enumerate(spans):
        edges, ends = span.edges(), span.ends
        first.append(len(left))
        if ends:
            pairs = enumerate(pairwise(edges), len(left))
            graded += [at for at, (start, end) in pairs if start in ends or end in ends]
        left += edges[:-1]
        right += edges[1:]
        owner += [number] * (len(edges) - 1)
    starts = np.array(left)
    return Panels(
        left=starts,
        length=np.array(right) - starts,
        owner=np.array(owner),
        first=np.array(first),
        batches=_batches(len(left), graded),
    )


def _batches(count: int, graded: list[int]) -> list[tuple[Rule, Place]]:
    if not graded:
        return [(plain_rule(), slice(None))]
    is_plain = np.ones(count, dtype=bool)
    is_plain[graded] = False
    rules = (plain_rule(), np.flatnonzero(is_plain)), (graded_rule(), np.array(graded))
    return [(rule, place) for rule, place in rules if len(place)]
