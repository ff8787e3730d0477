"""One shadow price for all cells of a route: the highest rung that the budget pays for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from windsock.core.ladder import Ladder, Rung, first_true, mixed, rung_values
from windsock.core.objective import Chosen, Floor, not_below


@dataclass(frozen=True, slots=True, kw_only=True)
class Paid:
    """Two adjacent values of V and the share of requests on the higher; index of the higher."""

    low_usd: float
    high_usd: float
    share: float
    index: int = 0
    note: str = ""

    def rung(self, ladder: Ladder) -> Rung:
        return mixed(ladder.at(self.low_usd), ladder.at(self.high_usd), self.share)

    def chosen(self, ladder: Ladder, floor: Floor | None) -> Chosen:
        """The budget's rung for one cell; a floor wins over the budget and is noted."""
        chosen = Chosen(rung=self.rung(ladder), note=self.note)
        return not_below(ladder, chosen, floor, "the quality floor costs more than the budget")


def afford(
    ladders: Sequence[Ladder],
    shares: Sequence[float],
    usd: float,
    floor: Floor | None,
    *,
    near: int | None = None,
) -> Paid:
    """The highest mixture of rungs whose expected cost over the traffic mix is `usd`.

    shares  traffic share of each cell; they need not sum to 1
    near    index of the rung found last time; it only saves time, since cost rises with V
            (the argmax of V theta - c moves to dearer arms), and is not used with a floor
    """
    values = rung_values(np.concatenate([ladder.arms.usd for ladder in ladders]))
    total = sum(shares)

    def cost(value: float) -> float:
        rungs = (not_below(ladder, Chosen(rung=ladder.at(value)), floor).rung for ladder in ladders)
        return sum(s * rung.usd for s, rung in zip(shares, rungs, strict=True)) / total

    start = near if floor is None else None
    low = first_true(len(values), lambda index: cost(float(values[index])) > usd, near=start)
    if low == 0:
        return Paid(low_usd=0.0, high_usd=0.0, share=0.0, note=_too_small(usd, cost(0.0)))
    if low == len(values):
        top = float(values[-1])
        return Paid(low_usd=top, high_usd=top, share=0.0, index=low)
    under, over = float(values[low - 1]), float(values[low])
    low_cost, high_cost = cost(under), cost(over)
    share = min(1.0, max(0.0, (usd - low_cost) / (high_cost - low_cost)))
    return Paid(low_usd=under, high_usd=over, share=share, index=low)


def _too_small(usd: float, least: float) -> str:
    return f"the budget of ${usd:.3g} a request is below the cheapest, ${least:.3g}"
