"""What a policy sees: candidates of a cell and what they cost, and all cells of a route."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import mul
from typing import Any

from windsock.core.cascades.cascade_arm import CascadeArm
from windsock.core.model.requests import Cell

MOST_BUSY = 8
"""Cells of a route by which the whole of it is measured where that must be quick."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CellView:
    """What a policy may know of a cell just now.

    deployments     candidates that can serve
    usd             expected dollars of one request, in that order, at the prices in force
    dearer_by       relative: how much dearer than that each should be taken for, as price lists
                    disagree or one alone states it; empty: not at all
    most_share      of the weight that each may get, since its price is provisional; empty: all
    share           of the route's traffic that falls in this cell
    sizes           share and dollars of each class of prompt size; `usd` is of the mix; empty: one
    size            which of them is asked for; None: the mix
    compounds       cascades that could be arms of their own; None if the route has none
    """

    cell: Cell
    deployments: tuple[str, ...]
    usd: tuple[float, ...]
    dearer_by: tuple[float, ...] = ()
    most_share: tuple[float, ...] = ()
    share: float = 1.0
    compounds: tuple[CascadeArm, ...] | None = None
    sizes: tuple[tuple[float, tuple[float, ...]], ...] = ()
    size: int | None = None

    @property
    def asked_usd(self) -> tuple[float, ...]:
        """Expected dollars of one request of the size that is asked for."""
        return self.usd if self.size is None or not self.sizes else self.sizes[self.size][1]

    def mix_usd(self, by_class: Sequence[Sequence[float]]) -> float | None:
        """Expected dollars of one request of any size, by weights of each class; None without."""
        if self.size is not None or not by_class:
            return None
        spent = (sum(map(mul, w, usd)) for w, (_, usd) in zip(by_class, self.sizes, strict=True))
        return float(sum(share * usd for (share, _), usd in zip(self.sizes, spent, strict=True)))

    @property
    def prudent_usd(self) -> tuple[float, ...]:
        """`usd`, as dear as prices should be taken for."""
        return self.prudent(self.usd)

    def prudent(self, dollars: tuple[float, ...]) -> tuple[float, ...]:
        """Dollars by deployment, as dear as their prices should be taken for."""
        if not self.dearer_by:
            return dollars
        return tuple(usd * (1 + by) for usd, by in zip(dollars, self.dearer_by, strict=True))


class LazyViews(Sequence[CellView]):
    """Views that are made when the first is asked for: 50 tasks x 100 arms take 70 ms.

    make    makes those of so many cells with most of the traffic, of all if None is said
    """

    def __init__(self, make: Callable[[int | None], list[CellView]]) -> None:
        self._make = make
        self._made: list[CellView] | None = None
        self._busiest: list[CellView] | None = None

    def busiest(self) -> list[CellView]:
        """Those of MOST_BUSY cells at most; the others are not made for it."""
        if self._busiest is None:
            made = self._made
            self._busiest = self._make(MOST_BUSY) if made is None else busiest(made)
        return self._busiest

    def __len__(self) -> int:
        return len(self._views())

    def __getitem__(self, index: Any) -> Any:
        return self._views()[index]

    def _views(self) -> list[CellView]:
        if self._made is None:
            self._made = self._make(None)
        return self._made


def busiest(cells: Sequence[CellView]) -> list[CellView]:
    """Those of MOST_BUSY cells at most, by their share of the traffic."""
    if isinstance(cells, LazyViews):
        return cells.busiest()
    return sorted(cells, key=lambda view: (-view.share, view.cell))[:MOST_BUSY]
