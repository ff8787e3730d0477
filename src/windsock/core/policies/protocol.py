"""What a policy sees of a cell, and what it answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from windsock.core.cascades.cascade_arm import Compound
from windsock.core.model.decisions import Cell


@dataclass(frozen=True, slots=True, kw_only=True)
class CellView:
    """What a policy may know of a cell just now.

    deployments     candidates that can serve
    usd             expected dollars of one request, in that order
    share           of the route's traffic that falls in this cell
    compounds       cascades that could be arms of their own; None if the route has none
    """

    cell: Cell
    deployments: tuple[str, ...]
    usd: tuple[float, ...]
    share: float = 1.0
    compounds: tuple[Compound, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighing:
    """
    weights     sum to 1, in the view's order
    cascading   for each compound of the view, its part of the weight of its first deployment;
                None if the policy weighs no cascades
    value_usd   V they were solved for, if the policy has one
    note        what the objective could not be given
    limits      per deployment, what holds its weight up or down
    is_settling share is moved step by step; weigh again within seconds
    """

    weights: tuple[float, ...]
    cascading: tuple[float, ...] | None = None
    value_usd: float | None = None
    note: str = ""
    limits: tuple[tuple[str, ...], ...] = ()
    is_settling: bool = False


class LazyViews(Sequence[CellView]):
    """Views that are made when the first is asked for: 50 tasks x 100 arms take 70 ms."""

    def __init__(self, make: Callable[[], list[CellView]]) -> None:
        self._make = make
        self._made: list[CellView] | None = None

    def __len__(self) -> int:
        return len(self._views())

    def __getitem__(self, index: Any) -> Any:
        return self._views()[index]

    def _views(self) -> list[CellView]:
        if self._made is None:
            self._made = self._make()
        return self._made
