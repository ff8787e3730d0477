"""Weight tables: solved when prices, health or evidence change, looked up by every request."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from windsock.core.catalog import Catalog
from windsock.core.compounds import Compound
from windsock.core.confidence import Confidences
from windsock.core.evidence import PROMPT_METERS
from windsock.core.health import HealthBoard
from windsock.core.policy import CellView, Weighing
from windsock.core.posterior import Beliefs, Summary
from windsock.core.price_hours import flat_prices
from windsock.core.prices import PriceBook
from windsock.core.records import (
    NO_PREFERENCES,
    ArmFacts,
    CascadeFacts,
    Cell,
    RouteRequest,
    WeightTable,
)
from windsock.core.routes import Route
from windsock.core.units import Counts, Meter, Prices, cost_usd, to_float

LARGE_PROMPT_TOKENS = 32_768
"""Prompts above this size are priced by their own size class, since price tiers may apply."""

FRESH_OUTCOMES = 20
FRESH_S = 1.0
BUSY_SHARE, AHEAD_SHARE = 0.5, 0.2
"""A table is solved anew FRESH_S after new evidence; after this many outcomes in half the time,
so that a solve costs no more at a thousand requests a second than at forty; and in a fifth of it
by `refresh`, so that requests seldom wait for a solve."""

ImaginedPrices = Mapping[str, Prices]
"""Prices by deployment that replace those in force, meter by meter, to see what would follow."""

Ruling = tuple[tuple[str, str], ...]
"""(deployment, reason) pairs that hold for one kind of request, whatever the hour."""


@dataclass(slots=True)
class _Slot:
    table: WeightTable
    book_version: int
    health_version: int
    evidence: int


@dataclass(slots=True)
class _Place:
    """One cell of one route: its tables, by what a request rules out and its size class."""

    cell: Cell
    route: Route
    common_tokens: int
    evidence: int = 0
    plain: _Slot | None = None
    narrowed: dict[tuple[Ruling, int], _Slot] = field(default_factory=dict)


@dataclass(slots=True)
class _Group:
    """All places of one route in one namespace; rungs and budgets are chosen for them together."""

    places: list[_Place] = field(default_factory=list)
    evidence: int = 0
    refreshed: tuple[int, int, int] | None = None
    refreshed_at: float = 0.0


class _Views(Sequence[CellView]):
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


class Tables:
    """Builds and keeps the weight tables. `drain` hands out those solved since the last call."""

    def __init__(
        self,
        *,
        catalog: Catalog,
        book: PriceBook,
        beliefs: Beliefs,
        health: HealthBoard,
        confidences: Confidences,
        first_version: int = 0,
        fresh_s: float = FRESH_S,
        fresh_outcomes: int = FRESH_OUTCOMES,
        max_tasks: int = 500,
        max_narrowed: int = 64,
    ) -> None:
        self._catalog = catalog
        self._book = book
        self._beliefs = beliefs
        self._health = health
        self._confidences = confidences
        self._versions = itertools.count(first_version)
        self._places: dict[tuple[str, str, str], _Place] = {}
        self._groups: dict[tuple[str, str], _Group] = {}
        self._solved: list[WeightTable] = []
        self._catalog_version = catalog.version
        self._fresh_s = fresh_s
        self._fresh_outcomes = fresh_outcomes
        self._max_tasks = max_tasks
        self._max_narrowed = max_narrowed

    def lookup(self, route: Route, request: RouteRequest, now: float) -> WeightTable:
        """The table that this request is drawn from; it has no deployments if all are ruled out."""
        if self._catalog_version != self._catalog.version:
            self.forget()
        task = route.policy.task_of(request)
        place = self._places.get((request.namespace, route.name, task))
        if place is None or place.route is not route:
            place = self._open_place(route, request.namespace, task)
        if route.policy.is_contextual:
            return self._contextual(place, request, now)
        wanted = request.prompt_tokens + (request.max_output_tokens or 0)
        if (
            request.needs
            or route.rules
            or request.preferences is not NO_PREFERENCES
            or wanted > place.common_tokens
        ):
            return self._narrow(place, request, now)
        slot = place.plain
        if slot is None or self._is_stale(slot, place, now):
            slot = place.plain = self._solve(place, (), 0, now)
        return slot.table

    def count_evidence(self, cell: Cell, count: int = 1) -> None:
        """So many rewards or outcomes of this cell were learnt."""
        place = self._places.get(cell)
        if place is not None:
            place.evidence += count
            self._groups[cell.namespace, cell.route].evidence += count

    def refresh(self, now: float) -> bool:
        """Solve one stale table ahead of the next requests; False if none is stale.

        One at a time, so that the event loop turns between two solves.
        """
        for place in self._places.values():
            slot = place.plain
            if slot is not None and self._is_stale(slot, place, now, AHEAD_SHARE):
                place.plain = self._solve(place, (), 0, now)
                return True
        return False

    def forget(self) -> None:
        """Drop every table, since what stands in them has changed; the traffic mix stays."""
        self._catalog_version = self._catalog.version
        for place in self._places.values():
            place.plain = None
            place.narrowed.clear()
            place.common_tokens = self._common_tokens(place.route)
        for group in self._groups.values():
            group.refreshed = None

    def close_all(self) -> None:
        """Forget every cell, since routes were changed."""
        self._catalog_version = self._catalog.version
        self._places.clear()
        self._groups.clear()

    def drain(self) -> list[WeightTable]:
        """Tables solved since the last call, oldest first."""
        solved, self._solved = self._solved, []
        return solved

    def standing(self, cell: Cell) -> WeightTable | None:
        """The table of a cell as it was last solved, stale or not; None if it never was."""
        place = self._places.get(cell)
        slot = place.plain if place is not None else None
        return None if slot is None else slot.table

    def cells(self) -> list[Cell]:
        return [place.cell for place in self._places.values()]

    def variant(
        self,
        table: WeightTable,
        weights: tuple[float, ...],
        note: str,
        cascades: tuple[CascadeFacts, ...] | None = None,
    ) -> WeightTable:
        """The same candidates under other weights, as a table of its own."""
        arms = tuple(
            replace(arm, weight=weight) for arm, weight in zip(table.arms, weights, strict=True)
        )
        made = replace(
            table,
            version=next(self._versions),
            weights=weights,
            cumulative=tuple(itertools.accumulate(weights)),
            arms=arms,
            cascades=cascades,
            note=note,
        )
        self._solved.append(made)
        return made

    def views(
        self, route: Route, namespace: str, task: str, now: float, imagined: ImaginedPrices
    ) -> tuple[CellView, list[CellView]]:
        """What the policy would be shown under other prices: this cell, and all of the route."""
        request = RouteRequest(model=route.name, namespace=namespace, task=task)
        self.lookup(route, request, now)
        asked = self._places[namespace, route.name, route.policy.task_of(request)]
        views = {
            place.cell: self._view(place, (), 0, now, imagined)[0]
            for place in self._groups[namespace, route.name].places
        }
        return views[asked.cell], [view for view in views.values() if view.deployments]

    def _open_place(self, route: Route, namespace: str, task: str) -> _Place:
        group = self._groups.setdefault((namespace, route.name), _Group())
        group.places = [place for place in group.places if place.route is route]
        if len(group.places) >= self._max_tasks:
            return group.places[0]
        place = _Place(
            cell=Cell(namespace, route.name, task),
            route=route,
            common_tokens=self._common_tokens(route),
        )
        self._places[namespace, route.name, task] = place
        group.places.append(place)
        group.refreshed = None
        return place

    def _common_tokens(self, route: Route) -> int:
        """Up to this size a prompt fits every candidate, at the same price."""
        contexts = [
            tokens
            for name in route.candidates
            if (tokens := self._catalog.deployments[name].capabilities.context_tokens) is not None
        ]
        return min([LARGE_PROMPT_TOKENS, *contexts])

    def _narrow(self, place: _Place, request: RouteRequest, now: float) -> WeightTable:
        ruling = self._ruling(place.route, request, now)
        size = max(0, (request.prompt_tokens // LARGE_PROMPT_TOKENS).bit_length())
        key = (ruling, size)
        slot = place.narrowed.get(key)
        if slot is None or self._is_stale(slot, place, now):
            if len(place.narrowed) >= self._max_narrowed:
                place.narrowed.clear()
            tokens = request.prompt_tokens if size else 0
            slot = place.narrowed[key] = self._solve(place, ruling, tokens, now)
        return slot.table

    def _ruling(self, route: Route, request: RouteRequest, now: float) -> Ruling:
        """Who cannot serve this request, for reasons that lie in the request."""
        rule = next((rule for rule in route.rules if rule.matches(request)), None)
        wishes = request.preferences
        has_ceiling = (
            wishes.max_prompt_usd_per_mtok is not None
            or wishes.max_completion_usd_per_mtok is not None
        )
        ruled = []
        for name in route.candidates:
            reason = self._catalog.ruled_out(name, request)
            if reason is None and rule is not None and name not in rule.candidates:
                reason = "left out by a rule of the route"
            if reason is None and has_ceiling:
                reason = self._too_dear(name, request, now)
            if reason is not None:
                ruled.append((name, reason))
        return tuple(ruled)

    def _too_dear(self, name: str, request: RouteRequest, now: float) -> str | None:
        prices = self._book.prices(name, now, prompt_tokens=request.prompt_tokens)
        if prices is None:
            return None
        wishes = request.preferences
        ceilings = (
            (Meter.INPUT, wishes.max_prompt_usd_per_mtok),
            (Meter.OUTPUT, wishes.max_completion_usd_per_mtok),
        )
        for meter, ceiling in ceilings:
            if ceiling is not None and prices.get(meter, 0) > ceiling:
                return f"{meter} costs ${prices[meter]} per million, above the caller's ${ceiling}"
        return None

    def _is_stale(
        self, slot: _Slot, place: _Place, now: float, busy_share: float = BUSY_SHARE
    ) -> bool:
        if slot.health_version != self._health.version or now >= slot.table.expires_at:
            return True
        if slot.book_version != self._book.version:
            stronger = place.route.cascade.to if place.route.cascade else ()
            if self._book.changed_since(slot.book_version, (*place.route.candidates, *stronger)):
                return True
            slot.book_version = self._book.version
        fresh = place.evidence - slot.evidence
        share = busy_share if fresh >= self._fresh_outcomes else 1.0
        return fresh > 0 and now - slot.table.at >= share * self._fresh_s

    def _solve(self, place: _Place, ruling: Ruling, prompt_tokens: int, now: float) -> _Slot:
        self._refresh_group(place, now)
        view, ruled_out, note = self._view(place, ruling, prompt_tokens, now)
        weighing = place.route.policy.weigh(view, now) if view.deployments else None
        return _Slot(
            table=self._table(place, view, weighing, ruled_out, note, now),
            book_version=self._book.version,
            health_version=self._health.version,
            evidence=place.evidence,
        )

    def _contextual(self, place: _Place, request: RouteRequest, now: float) -> WeightTable:
        self._refresh_group(place, now)
        ruling = self._ruling(place.route, request, now)
        view, ruled_out, note = self._view(place, ruling, 0, now)
        weighing = place.route.policy.weigh(view, now, request) if view.deployments else None
        return self._table(place, view, weighing, ruled_out, note, now)

    def _refresh_group(self, place: _Place, now: float) -> None:
        """Let the policy choose its rungs, once per change, for all tasks of the route."""
        group = self._groups[place.cell.namespace, place.cell.route]
        seen = (self._book.version, self._health.version, group.evidence)
        last = group.refreshed
        is_fresh = (
            last is not None
            and last[:2] == seen[:2]
            and (seen[2] == last[2] or now - group.refreshed_at < self._group_s(seen[2] - last[2]))
        )
        if is_fresh:
            return
        group.refreshed, group.refreshed_at = seen, now
        place.route.policy.refresh(_Views(lambda: self._served_views(group, now)), now)

    def _served_views(self, group: _Group, now: float) -> list[CellView]:
        """All cells of a route that somebody can serve."""
        views = (self._view(place, (), 0, now)[0] for place in group.places)
        return [view for view in views if view.deployments]

    def _group_s(self, fresh: int) -> float:
        """How long the rungs of a group stand after so much new evidence."""
        return self._fresh_s * (AHEAD_SHARE if fresh >= self._fresh_outcomes else 1.0)

    def _view(
        self,
        place: _Place,
        ruling: Ruling,
        prompt_tokens: int,
        now: float,
        imagined: ImaginedPrices = MappingProxyType({}),
    ) -> tuple[CellView, dict[str, str], str]:
        """The candidates left, what one request costs at each, and why the others are not left."""
        ruled_out = dict(ruling)
        usd_by_name: dict[str, float] = {}
        for name in place.route.candidates:
            if name in ruled_out:
                continue
            usd = self._usd(place.cell, name, prompt_tokens, now, imagined.get(name))
            if usd is None:
                reason = self._book.status(name, now).reason
                ruled_out[name] = reason or "its price does not cover every token it bills"
            else:
                usd_by_name[name] = usd
        note = self._drop_sick(usd_by_name, ruled_out, now)
        note = note or self._drop_slow(place.route, usd_by_name, ruled_out, now)
        view = CellView(
            cell=place.cell,
            deployments=tuple(usd_by_name),
            usd=tuple(usd_by_name.values()),
            share=self._share(place),
            compounds=self._compounds(place, usd_by_name, prompt_tokens, now, imagined),
        )
        return view, ruled_out, note

    def _compounds(
        self,
        place: _Place,
        usd_by_name: Mapping[str, float],
        prompt_tokens: int,
        now: float,
        imagined: ImaginedPrices,
    ) -> tuple[Compound, ...] | None:
        """What asking again would do, for each candidate, of the first strong one that is open."""
        cascade, cell = place.route.cascade, place.cell
        if cascade is None:
            return None
        strong = None
        for to in cascade.to:
            usd = usd_by_name.get(to) or self._usd(cell, to, prompt_tokens, now, imagined.get(to))
            provider = self._catalog.deployments[to].provider
            if usd is not None and self._health.why_out(to, provider, now) is None:
                strong = (to, usd, self._beliefs.posterior(cell, to, now))
                break
        if strong is None:
            return ()
        offers = (
            self._confidences.compound(
                cell,
                (name, usd, self._beliefs.posterior(cell, name, now)),
                strong,
                cascade.escalate_below,
            )
            for name, usd in usd_by_name.items()
            if name not in cascade.to
        )
        return tuple(offer for offer in offers if offer is not None)

    def _usd(
        self, cell: Cell, name: str, prompt_tokens: int, now: float, imagined: Prices | None
    ) -> float | None:
        """Expected dollars of one such request, or None without a price."""
        mix: Counts = self._beliefs.mix(cell, name, prompt_tokens=prompt_tokens or None)
        if imagined is not None:
            prices = {**(self._book.prices(name, now) or {}), **imagined}
            return to_float(cost_usd(mix, prices))
        size = sum(mix.get(meter, 0) for meter in PROMPT_METERS)
        money = self._book.effective_usd(name, mix, now, prompt_tokens=int(size))
        return None if money is None else to_float(money)

    def _share(self, place: _Place) -> float:
        group = self._groups.get((place.cell.namespace, place.cell.route))
        if group is None or not group.evidence:
            return 1.0
        return (place.evidence + 1) / (group.evidence + len(group.places))

    def _drop_sick(
        self, usd_by_name: dict[str, float], ruled_out: dict[str, str], now: float
    ) -> str:
        """Move unhealthy deployments to `ruled_out`; keep the failing ones if none is left."""
        provider = self._catalog.deployments
        sick = {
            name: reason
            for name in usd_by_name
            if (reason := self._health.why_out(name, provider[name].provider, now)) is not None
        }
        note = ""
        if len(sick) == len(usd_by_name):
            least_bad = [name for name in sick if self._health.is_worth_a_try(name, now)]
            for name in least_bad:
                del sick[name]
            note = "every candidate is unhealthy, so they are asked all the same" * bool(least_bad)
        for name, reason in sick.items():
            del usd_by_name[name]
            ruled_out[name] = reason
        return note

    def _drop_slow(
        self, route: Route, usd_by_name: dict[str, float], ruled_out: dict[str, str], now: float
    ) -> str:
        """Move deployments above the latency ceiling to `ruled_out`; keep the fastest if none."""
        if route.max_latency_s is None:
            return ""
        p95 = {name: self._health.latency(name, now).p95_s or 0.0 for name in usd_by_name}
        slow = {name: p95_s for name, p95_s in p95.items() if p95_s > route.max_latency_s}
        note = ""
        if slow and len(slow) == len(usd_by_name):
            fastest = min(slow, key=lambda name: slow[name])
            note = f"no candidate keeps below {route.max_latency_s * 1000:.0f} ms, fastest is used"
            del slow[fastest]
        for name, p95_s in slow.items():
            del usd_by_name[name]
            ruled_out[name] = (
                f"p95 to first content is {p95_s * 1000:.0f} ms, "
                f"ceiling {route.max_latency_s * 1000:.0f} ms"
            )
        return note

    def _table(
        self,
        place: _Place,
        view: CellView,
        weighing: Weighing | None,
        ruled_out: Mapping[str, str],
        note: str,
        now: float,
    ) -> WeightTable:
        weights = weighing.weights if weighing else ()
        names = place.route.candidates
        expires_at = min(
            self._book.next_change_at(names, now), self._health.next_change_at(names, now)
        )
        notes = [text for text in (note, weighing.note if weighing else "") if text]
        table = WeightTable(
            version=next(self._versions),
            at=now,
            expires_at=expires_at,
            cell=place.cell,
            policy=place.route.policy.name,
            deployments=view.deployments,
            weights=weights,
            cumulative=tuple(itertools.accumulate(weights)),
            arms=self._arms(view, weighing, now) if weighing else (),
            ruled_out=ruled_out,
            value_usd=weighing.value_usd if weighing else None,
            cascades=_cascades(view, weighing),
            note="; ".join(notes),
        )
        self._solved.append(table)
        return table

    def _arms(self, view: CellView, weighing: Weighing, now: float) -> tuple[ArmFacts, ...]:
        beliefs = self._beliefs.summaries(view.cell, view.deployments, now)
        limits = weighing.limits or ((),) * len(weighing.weights)
        lines = zip(view.deployments, weighing.weights, view.usd, beliefs, limits, strict=True)
        return tuple(self._arm(*line, now) for line in lines)

    def _arm(
        self,
        name: str,
        weight: float,
        usd: float,
        belief: Summary,
        limits: tuple[str, ...],
        now: float,
    ) -> ArmFacts:
        quote, age_s = self._book.quoted(name, now)
        flat = flat_prices(quote, now) if quote else {}
        return ArmFacts(
            deployment=name,
            weight=weight,
            success_mean=belief.mean,
            success_low=belief.low,
            success_high=belief.high,
            effective_samples=belief.effective_samples,
            expected_usd=usd,
            input_usd_per_mtok=flat.get(Meter.INPUT),
            output_usd_per_mtok=flat.get(Meter.OUTPUT),
            quote_feed=quote.feed if quote else None,
            quote_seen_at=quote.seen_at if quote else None,
            price_age_s=age_s,
            limits=(*limits, "stale price") if self._book.is_stale(age_s) else limits,
        )


def _cascades(view: CellView, weighing: Weighing | None) -> tuple[CascadeFacts, ...] | None:
    """None under a policy that does not weigh cascades."""
    if view.compounds is None or weighing is None or weighing.cascading is None:
        return None
    return tuple(
        compound.facts(weight)
        for compound, weight in zip(view.compounds, weighing.cascading, strict=True)
    )
