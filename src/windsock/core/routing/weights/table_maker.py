"""A weight table of a cell: its candidates, what a policy gives each, and what is told of them."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import replace

from windsock.core.beliefs.beliefs import Beliefs
from windsock.core.model.decisions import CascadeFacts, PromptSizes, WeightTable
from windsock.core.model.requests import Cell
from windsock.core.policies.protocol import Weighing
from windsock.core.policies.views import CellView
from windsock.core.pricing.prices_in_force import PricesInForce
from windsock.core.resilience.health import HealthBoard
from windsock.core.routing.sizes.prompt_sizes import PromptSizeBook, SizeClasses
from windsock.core.routing.weights.candidates import Candidates, Ruling, Viewed
from windsock.core.routing.weights.cell_tables import CellTables, RouteTables
from windsock.core.routing.weights.costs import (
    AS_USUAL,
    NOTHING_IMAGINED,
    Asked,
    ImaginedPrices,
)
from windsock.core.routing.weights.facts import arms_of, cascades_of
from windsock.core.routing.weights.moment import Moment


class TableMaker:
    """Reads the candidates, prices and beliefs; keeps nothing."""

    def __init__(
        self,
        *,
        candidates: Candidates,
        book: PricesInForce,
        beliefs: Beliefs,
        health: HealthBoard,
        sizes: PromptSizeBook,
    ) -> None:
        self._sizes = sizes
        self._candidates = candidates
        self._book = book
        self._beliefs = beliefs
        self._health = health
        self._fitted: set[tuple[str, str]] = set()

    def at(self, now: float) -> Moment:
        """What is true of all deployments at unix s `now`."""
        return self._candidates.at(now)

    def view(
        self,
        place: CellTables,
        group: RouteTables,
        moment: Moment,
        *,
        ruling: Ruling = (),
        asked: Asked = AS_USUAL,
        imagined: ImaginedPrices = NOTHING_IMAGINED,
    ) -> Viewed:
        """What a policy may know of a cell just now, and who is left out."""
        return self._candidates.view(
            place.cell,
            place.route,
            moment,
            share=group.share(place),
            ruling=ruling,
            asked=asked,
            imagined=imagined,
            classes=None if asked.prompt_tokens else self.classes(place),
        )

    def fit_ahead(self, cell: Cell) -> bool:
        """See `Beliefs.fit`; once a route until `rest`, or what is learnt all the time would have
        its priors fitted again and again before any of its tables is solved."""
        route = cell[:2]
        if route in self._fitted or not self._beliefs.fit(cell):
            return False
        self._fitted.add(route)
        return True

    def rest(self) -> None:
        """No table is stale."""
        self._fitted.clear()

    def classes(self, place: CellTables) -> SizeClasses | None:
        """Classes of prompt size of a cell, as they are now; None where there is one.

        What asking again costs is not known by size, so cascades are weighed for all of them alike.
        """
        route = place.route
        is_sized = route.policy.weighs_sizes and route.cascade is None
        return self._sizes.of(place.cell) if is_sized else None

    def served_views(
        self,
        group: RouteTables,
        moment: Moment,
        imagined: ImaginedPrices = NOTHING_IMAGINED,
        *,
        most: int | None = None,
    ) -> list[CellView]:
        """All cells of a route that somebody can serve, or of the `most` busiest."""
        places = group.places if most is None else group.busiest(most)
        views = (self.view(place, group, moment, imagined=imagined)[0] for place in places)
        return [view for view in views if view.deployments]

    def table(
        self,
        version: int,
        place: CellTables,
        viewed: Viewed,
        weighing: Weighing | None,
        moment: Moment,
    ) -> WeightTable:
        """The table of a view as it was weighed; None if nobody can serve."""
        view, ruled_out, note = viewed
        now = moment.now
        weights = weighing.weights if weighing else ()
        names = place.route.candidates
        prices = min(self._book.next_change_at(names, now), self._book.next_aging_at(names, now))
        expires_at = min(prices, self._health.next_change_at(names, now))
        arms = arms_of(view, weighing, self._beliefs, self._book, moment) if weighing else ()
        notes = [text for text in (note, weighing.note if weighing else "") if text]
        return WeightTable(
            version=version,
            at=now,
            expires_at=expires_at,
            cell=place.cell,
            policy=place.route.policy.name,
            deployments=view.deployments,
            weights=weights,
            cumulative=tuple(itertools.accumulate(weights)),
            arms=arms,
            ruled_out=ruled_out,
            value_usd=weighing.value_usd if weighing else None,
            cascades=cascades_of(view, weighing),
            note="; ".join(notes),
            decided_by=weighing.decided_by if weighing else "",
            size=self._told(place, view),
            mix_usd=weighing.usd if weighing else None,
        )

    def _told(self, place: CellTables, view: CellView) -> PromptSizes | None:
        classes = self.classes(place)
        if classes is None or view.size is None or not view.sizes:
            return None
        return classes.told(view.size)


def mix_of(tables: Sequence[WeightTable]) -> WeightTable:
    """One table of those of classes of size: what a prompt of any of these gets and costs.

    tables  one at least; candidates are those of the one that was solved last
    """
    last = max(tables, key=lambda table: table.version)
    alike = [each for each in tables if each.deployments == last.deployments]
    shares = [each.size.share if each.size else 0.0 for each in alike]

    def mean(values: Iterable[float]) -> float:
        total = sum(share * value for share, value in zip(shares, values, strict=True))
        return total / sum(shares)

    lines = zip(*(each.arms for each in alike), strict=True)
    arms = tuple(
        replace(
            arm,
            weight=mean(each.weight for each in line),
            expected_usd=mean(each.expected_usd for each in line),
        )
        for arm, line in zip(last.arms, lines, strict=True)
    )
    weights = tuple(arm.weight for arm in arms)
    cumulative = tuple(itertools.accumulate(weights))
    return replace(last, weights=weights, cumulative=cumulative, arms=arms, size=None)


def reweighed(
    table: WeightTable,
    version: int,
    weights: tuple[float, ...],
    note: str,
    cascades: tuple[CascadeFacts, ...] | None,
) -> WeightTable:
    """The same candidates under other weights."""
    return replace(
        table,
        version=version,
        weights=weights,
        cumulative=tuple(itertools.accumulate(weights)),
        arms=tuple(replace(arm, weight=w) for arm, w in zip(table.arms, weights, strict=True)),
        cascades=cascades,
        note=note,
        mix_usd=None,
    )
