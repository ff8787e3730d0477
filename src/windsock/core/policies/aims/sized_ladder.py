"""The frontier of a cell whose prompts differ in size: one V, weights for each class."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from itertools import chain

import numpy as np

from windsock.core.model.arrays import FloatArray
from windsock.core.policies.budgets.solver import LEAST_USD
from windsock.core.policies.frontier import Ladder
from windsock.core.policies.restraint.bounds import Floors
from windsock.core.policies.rungs import Arms, Rung, rung_values


class SizedLadder(Ladder):
    """Rungs of the mix of all classes; `Rung.parts` are those of each at the same V.

    arms    at what the mix costs
    parts   ladders of the classes, each at its own costs
    shares  (classes,) of the requests
    """

    def __init__(self, arms: Arms, parts: Sequence[Ladder], shares: Sequence[float]) -> None:
        self.arms = arms
        self.parts, self.shares = tuple(parts), tuple(shares)
        self._mean, self._spread = arms.mean, arms.spread
        self._floors = Floors(arms.usd, arms.explore, arms.probe)
        self._values: FloatArray | None = None
        self._rungs: dict[float, Rung] = {}
        self._rough: dict[float, Rung] = {}

    @property
    def values(self) -> FloatArray:
        """(rungs,) V of each, from half the cheapest cost of any class to 400 times the dearest."""
        if self._values is None:
            self._values = rung_values(np.concatenate([part.arms.usd for part in self.parts]))
        return self._values

    def of(self, size: int | None) -> Ladder:
        """That of one class; of the mix where none is asked for."""
        return self if size is None else self.parts[size]

    def rough(self, value_usd: float, along: FloatArray | None = None) -> Rung:
        """The rung of any V to a few percent."""
        rung = self._rough.get(value_usd)
        if rung is None:
            values = self.values if along is None else along
            rung = self._mix([part.rough(value_usd, values) for part in self.parts])
            self._rough[value_usd] = rung
        return rung

    def unprepared(self, value_usd: float) -> Iterable[Ladder]:
        """The classes of which is not known yet who is the best buy at V."""
        return chain.from_iterable(part.unprepared(value_usd) for part in self.parts)

    def sought(self, floor: float, value_usd: float, searched_usd: float) -> Rung:
        """The same of each class, at its own costs."""
        return self._mix([part.sought(floor, value_usd, searched_usd) for part in self.parts])

    def paired(self, floor: float, value_usd: float) -> Rung | None:
        """The same of each class; None if none reaches it."""
        found = [part.paired(floor, value_usd) for part in self.parts]
        rungs = [rung for rung in found if rung is not None]
        return self._mix(rungs) if len(rungs) == len(self.parts) else None

    def _solve(self, value_usd: float) -> Rung:
        return self._mix([part.at(value_usd) for part in self.parts])

    def _mix(self, rungs: list[Rung]) -> Rung:
        def over(fact: Callable[[Rung], float]) -> float:
            pairs = zip(self.shares, rungs, strict=True)
            return float(sum(share * fact(rung) for share, rung in pairs))

        weights = np.array(self.shares) @ np.array([rung.weights for rung in rungs])
        steps = zip(*(rung.steps for rung in rungs), strict=True)
        free = [rung.unheld for rung in rungs if rung.unheld]
        return Rung(
            value_usd=rungs[0].value_usd,
            weights=weights,
            usd=over(lambda rung: rung.usd),
            success=over(lambda rung: rung.success),
            error=float(np.linalg.norm(weights * self._spread)),
            steps=tuple(np.array(self.shares) @ np.array(step) for step in steps),
            parts=tuple(rungs),
            unheld=self._mix(free) if free and len(free) == len(rungs) else None,
        )


def ladder_of(
    arms: Arms,
    sized_usd: Sequence[tuple[float, FloatArray]],
    known: dict[tuple[Hashable, ...], Ladder],
    *,
    size: int | None,
    is_alone: bool,
) -> Ladder:
    """The ladder of a cell, made if it is not known yet.

    sized_usd   share of the requests and (arms,) dollars of each class of size; empty: one class
    size        the class that is asked for
    is_alone    V is given, so that no class hangs on the others
    """
    parts = [(share, _with_usd(arms, usd)) for share, usd in sized_usd]
    if parts and is_alone and size is not None:
        arms, parts = parts[size][1], []
    key = (*arms.key(), *((share, *part.key()) for share, part in parts))
    found = known.get(key)
    if found is None:
        found = known[key] = (
            SizedLadder(arms, [Ladder(part) for _, part in parts], [share for share, _ in parts])
            if parts
            else Ladder(arms)
        )
    return found


def dollars(costs: Sequence[float]) -> FloatArray:
    """(arms,) with what is next to nothing as nothing."""
    return np.array([usd if usd > LEAST_USD else 0.0 for usd in costs])


def _with_usd(arms: Arms, usd: FloatArray) -> Arms:
    facts = {name: getattr(arms, name) for name in Arms.__slots__}
    return Arms(**{**facts, "usd": usd})
