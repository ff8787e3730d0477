"""Candidates of one cell, and what they would cost and deliver at one value of a success."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from windsock.core.model.arrays import FloatArray
from windsock.core.policies.restraint.incumbent import Incumbent

RUNGS = 48
"""Values of V on a ladder."""

LOWEST = 0.5
"""First value of V after 0, in costs of the cheapest."""

HIGHEST = 400.0
"""Last value of V, in costs of the dearest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arms:
    """The candidates of one cell.

    a, b        (arms,) Beta parameters of success
    usd         (arms,) expected dollars of one request
    explore     probability kept for learning, spread evenly but for arms that cost too much
    probe       (arms,) least share for a look at a suspect arm, less where it costs too much
    most        (arms,) greatest share of an arm, None if none is bounded
    is_paced    a budget is kept
    labels      how many are expected to come; inf: looks are not weighed against what they earn
    incumbent   what is left only as far as the loss is surely bounded
    """

    a: FloatArray
    b: FloatArray
    usd: FloatArray
    explore: float = 0.0
    probe: FloatArray | None = None
    most: FloatArray | None = None
    is_paced: bool = False
    labels: float = np.inf
    incumbent: Incumbent | None = None

    @property
    def mean(self) -> FloatArray:
        """(arms,) expected success."""
        return self.a / (self.a + self.b)

    @property
    def spread(self) -> FloatArray:
        """(arms,) standard deviations of success."""
        total = self.a + self.b
        spread: FloatArray = np.sqrt(self.a * self.b / (total + 1)) / total
        return spread

    def key(self) -> tuple[Hashable, ...]:
        """Equal for equal arms."""
        bounds = (
            bound.tobytes() if bound is not None else b"" for bound in (self.probe, self.most)
        )
        kept = self.incumbent
        held = (kept.index, kept.served.tobytes()) if kept else ()
        known = self.a.tobytes(), self.b.tobytes(), self.usd.tobytes()
        return *known, *bounds, self.labels, *held


HOLDS = ("information", "bound", "incumbent")
"""What may move weights, in this order; NOTICED is the least share moved that is told."""

NOTICED = 0.03


@dataclass(slots=True, kw_only=True)
class Rung:
    """Not frozen, which would take longer to make than to weigh: a solve makes dozens.

    value_usd       V
    weights         (arms,)
    usd, success    expected of one request
    error           standard deviation of `success` by what is not known of the arms
    steps           weights on the way, from who is the best buy to `weights`; empty if rough
    unheld          the rung as it were if no incumbent kept a share; None where none does
    parts       of each class of prompt size at the same V; empty: there is one
    """

    value_usd: float
    weights: FloatArray
    usd: float
    success: float
    error: float = 0.0
    steps: tuple[FloatArray, ...] = ()
    unheld: Rung | None = None
    parts: tuple[Rung, ...] = ()

    def of(self, size: int | None) -> Rung:
        """That of a class of prompt size; of the mix where there is none, or it is not known."""
        return self if size is None or not self.parts else self.parts[size]

    @property
    def held(self) -> tuple[str, ...]:
        """What moved the weights from who is the best buy: information, bound, incumbent."""
        moves = (float(np.abs(now - was).sum()) / 2 for was, now in pairwise(self.steps))
        return tuple(name for name, moved in zip(HOLDS, moves, strict=False) if moved > NOTICED)


LOOKED = 0.05
"""Of the requests, at what V may turn out to be, where a floor is missed at what V is.

V is bounded by what a success costs at the cheapest deployment that seems to do. One that is ten
times as dear, much better and not judged yet would else never be asked: in 4 of 10 runs on ZeroEval
a route stayed 6 to 9 points below its floor.
"""


ENOUGH = 400.0
"""Labels to come for which all looks are worth their cost."""


def rung_values(usd: FloatArray) -> FloatArray:
    """0, then geometric from half the cheapest cost to 400 times the dearest; (RUNGS,).

    If all cost the same, prices decide nothing and the ladder is 0 and inf.
    """
    costs = sorted(set(usd.tolist()))
    if len(costs) == 1:
        return np.array([0.0, np.inf])
    positive, dearest = next(cost for cost in costs if cost > 0), costs[-1]
    gap = min(after - before for before, after in pairwise(costs))
    least = max(min(positive, gap), 1e-4 * positive, 1e-6 * dearest)
    first, last = LOWEST * least, HIGHEST * dearest
    values = np.zeros(RUNGS)
    values[1:] = 10.0 ** np.linspace(np.log10(first), np.log10(last), RUNGS - 1)
    values[1], values[-1] = first, last
    return values


def mixed(low: Rung, high: Rung, share: float) -> Rung:
    """`share` of the requests on the higher rung, the rest on the lower."""
    value = high.value_usd if share > 0 else low.value_usd
    return Rung(
        value_usd=value,
        weights=(1 - share) * low.weights + share * high.weights,
        usd=(1 - share) * low.usd + share * high.usd,
        success=(1 - share) * low.success + share * high.success,
        error=(1 - share) * low.error + share * high.error,
        steps=tuple(
            (1 - share) * a + share * b for a, b in zip(low.steps, high.steps, strict=True)
        ),
        unheld=mixed(low.unheld, high.unheld, share) if low.unheld and high.unheld else None,
        parts=tuple(mixed(a, b, share) for a, b in zip(low.parts, high.parts, strict=True)),
    )


def with_looks(rung: Rung, high: Rung, labels: float = np.inf) -> Rung:
    """LOOKED of the requests on a higher rung, to learn by; V is told of all but them.

    labels  that are expected to come: where they are few, so are looks
    """
    looking = mixed(rung, high, LOOKED * min(1.0, labels / ENOUGH))
    for each, rest in zip((looking, *looking.parts), (rung, *rung.parts), strict=True):
        each.value_usd = rest.value_usd
    return looking
