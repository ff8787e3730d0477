"""Requests that no provider is asked for, counted by kind: refused by a cap, or kept answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from decimal import Decimal

from windsock.clock import Clock
from windsock.core.model.requests import RouteRequest
from windsock.core.model.units import to_float
from windsock.errors import BudgetSpent, CapReached
from windsock.store.rows import Uncalled, UncalledKind

MAX_GROUPS = 1000
"""Kinds of such requests that are counted before they go to the ledger."""


@dataclass(slots=True)
class UncalledRequests:
    """A row of the ledger a second for each kind, however many there are: a client that goes on
    asking costs little.

    refused_by  how many since the start, by what refused them
    saved_usd   since the start
    """

    clock: Clock
    append: Callable[[Uncalled], object]
    refused_by: Counter[str] = field(default_factory=Counter)
    saved_usd: float = 0.0
    _counted: dict[Uncalled, tuple[int, Decimal]] = field(default_factory=dict)

    def refuse(self, request: RouteRequest, error: BudgetSpent) -> None:
        """A request that money keeps from being answered."""
        cause = error.cap if isinstance(error, CapReached) else f"budget of {error.route}"
        self.refused_by[cause] += 1
        self._add(UncalledKind.REFUSED, request, error.route, cause=cause)

    def answer(
        self, request: RouteRequest, route: str, deployment: str, usd: Decimal | None
    ) -> None:
        """A request whose answer was kept; it had cost so much, None if nobody knows."""
        self.saved_usd += to_float(usd or Decimal(0))
        self._add(UncalledKind.CACHED, request, route, deployment=deployment, usd=usd)

    def flush(self) -> None:
        """What was counted goes to the ledger."""
        counted, self._counted = self._counted, {}
        now = self.clock.now()
        for kind, (requests, usd) in counted.items():
            self.append(replace(kind, at=now, requests=requests, saved_usd=usd))

    def _add(
        self,
        kind: UncalledKind,
        request: RouteRequest,
        route: str,
        *,
        deployment: str = "",
        cause: str = "",
        usd: Decimal | None = None,
    ) -> None:
        group = Uncalled(
            at=0.0,
            kind=kind,
            namespace=request.namespace,
            route=route,
            task=request.task,
            key_id=request.key_id,
            deployment=deployment,
            cause=cause,
        )
        requests, saved = self._counted.get(group, (0, Decimal(0)))
        self._counted[group] = requests + 1, saved + (usd or Decimal(0))
        if len(self._counted) >= MAX_GROUPS:
            self.flush()
