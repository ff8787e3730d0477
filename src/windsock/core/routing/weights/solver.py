"""Weight tables that requests are drawn from, solved when one is wanted and stale."""

from __future__ import annotations

from dataclasses import dataclass, field

from windsock.core.model.decisions import WeightTable
from windsock.core.model.requests import RouteRequest
from windsock.core.policies.protocol import Weighing
from windsock.core.policies.views import LazyViews
from windsock.core.routing.weights.candidates import Candidates, Viewed
from windsock.core.routing.weights.cell_tables import (
    CellTables,
    Narrowing,
    OpenCells,
    RouteTables,
    Solved,
    Versions,
    asked_of,
)
from windsock.core.routing.weights.costs import Asked
from windsock.core.routing.weights.freshness import Freshness
from windsock.core.routing.weights.moment import Moment
from windsock.core.routing.weights.table_maker import TableMaker


@dataclass(slots=True)
class Solving:
    """What tables are solved by, for requests and for those who look on."""

    _cells: OpenCells
    _candidates: Candidates
    _maker: TableMaker
    _freshness: Freshness
    _versions: Versions


@dataclass(slots=True)
class Solver(Solving):
    """
    solved  since the last `drain`, oldest first
    """

    solved: list[WeightTable] = field(default_factory=list)

    def drain(self) -> list[WeightTable]:
        """What was solved since the last call."""
        solved = list(self.solved)
        self.solved.clear()
        return solved

    def solve(
        self, place: CellTables, narrowing: Narrowing | None, prompt_tokens: int, now: float
    ) -> Solved:
        """The table of such requests, solved now and kept."""
        place.take_classes(self._maker.classes(place))
        ruling, asked = asked_of(place.classes, narrowing, prompt_tokens)
        moment = self._maker.at(now)
        group = self.refreshed(place, moment)
        viewed = self._maker.view(place, group, moment, ruling=ruling, asked=asked)
        weighing = place.route.policy.weigh(viewed[0], now) if viewed[0].deployments else None
        solved = self._freshness.solved(self._table(place, viewed, weighing, moment), place)
        return place.keep(narrowing, asked.size, solved)

    def contextual(self, place: CellTables, request: RouteRequest, now: float) -> WeightTable:
        """The table of one request, whose features its policy looks at; it is not kept."""
        moment = self._maker.at(now)
        group = self.refreshed(place, moment)
        ruling = self._candidates.ruling(place.route, request, now)
        asked = Asked(service_tier=self._candidates.priced_tier(place.route, request, now))
        viewed = self._maker.view(place, group, moment, ruling=ruling, asked=asked)
        policy = place.route.policy
        weighing = policy.weigh(viewed[0], now, request) if viewed[0].deployments else None
        return self._table(place, viewed, weighing, moment)

    def refreshed(self, place: CellTables, moment: Moment) -> RouteTables:
        """Let the policy choose its rungs, once per change, for all tasks of the route."""
        group, now = self._cells.group_of(place.cell), moment.now
        if self._freshness.is_due(group, now):
            group.refreshed, group.refreshed_at = self._freshness.versions(group), now
            views = LazyViews(lambda most: self._maker.served_views(group, moment, most=most))
            place.route.policy.refresh(views, now)
        return group

    def _table(
        self, place: CellTables, viewed: Viewed, weighing: Weighing | None, moment: Moment
    ) -> WeightTable:
        table = self._maker.table(self._versions.take(), place, viewed, weighing, moment)
        self.solved.append(table)
        return table
