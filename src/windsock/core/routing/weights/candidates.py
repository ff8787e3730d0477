"""Who may serve a request of one cell, what it would cost there, and why the others may not."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from windsock.core.beliefs.beliefs import Beliefs
from windsock.core.cascades.agreement import Offer
from windsock.core.cascades.cascade_arm import CascadeArm, arm_name
from windsock.core.cascades.confidence import Confidences
from windsock.core.model.abilities.modes import CHAT
from windsock.core.model.catalog import Catalog
from windsock.core.model.exclusions import Exclusion, ExclusionCode
from windsock.core.model.requests import NO_PREFERENCES, Cell, RouteRequest
from windsock.core.model.units import Prices
from windsock.core.policies.views import CellView
from windsock.core.pricing.prices_in_force import PricesInForce
from windsock.core.pricing.schedule import tier_in
from windsock.core.resilience.health import HealthBoard
from windsock.core.routing.routes import Agreement, Cascade, Route
from windsock.core.routing.sizes.prompt_sizes import LONGEST, SizeClasses
from windsock.core.routing.weights.costs import (
    AS_USUAL,
    NOTHING_IMAGINED,
    Asked,
    ImaginedPrices,
    ceilings_of,
    dearer_by,
    request_usd,
)
from windsock.core.routing.weights.moment import Moment, UnitPrices

Ruling = tuple[tuple[str, Exclusion], ...]
"""(deployment, reason) pairs that hold for one kind of request, whatever the hour."""

Exclusions = dict[str, Exclusion]


Viewed = tuple[CellView, Exclusions, str]
"""The candidates left with what one request costs at each, why the others are not, and a note."""


class Candidates:
    """Reads the catalog, prices, beliefs and health; keeps prices only as it read them last."""

    def __init__(
        self,
        *,
        catalog: Catalog,
        book: PricesInForce,
        beliefs: Beliefs,
        health: HealthBoard,
        confidences: Confidences,
    ) -> None:
        self._catalog = catalog
        self._book = book
        self._beliefs = beliefs
        self._health = health
        self._confidences = confidences
        self._unit_prices: UnitPrices = {}

    def at(self, now: float) -> Moment:
        """What is true of all deployments at unix s `now`."""
        return Moment(self._catalog, self._book, self._health, now, self._unit_prices)

    def common_tokens(self, route: Route) -> int:
        """Up to this size a prompt fits every candidate, at the same price; -1: none fits all."""
        members = [self._catalog.deployments[name] for name in route.candidates]
        if any(each.modes and CHAT not in each.modes for each in members):
            return -1
        contexts = (each.capabilities.context_tokens for each in members)
        return min([LONGEST, *(tokens for tokens in contexts if tokens is not None)])

    def usual_needs(self, route: Route) -> frozenset[str]:
        """What a plain request of a route needs: its first candidate's kind of model if none of
        them chats, else nothing."""
        kinds = [self._catalog.deployments[name].modes for name in route.candidates]
        if any(not each or CHAT in each for each in kinds):
            return frozenset()
        return frozenset(sorted(each)[0] for each in kinds[:1])

    def narrowing(
        self, route: Route, common_tokens: int, request: RouteRequest, now: float
    ) -> tuple[Ruling, int, str | None] | None:
        """What it rules out, its size class and service tier; None if it is like any other."""
        tier = self.priced_tier(route, request, now)
        if tier is None and not (
            request.needs
            or route.rules
            or request.preferences is not NO_PREFERENCES
            or request.prompt_tokens + (request.max_output_tokens or 0) > common_tokens
        ):
            return None
        size = max(0, (request.prompt_tokens // LONGEST).bit_length())
        return self.ruling(route, request, now), size, tier

    def priced_tier(self, route: Route, request: RouteRequest, now: float) -> str | None:
        """The service tier asked for, if it has a price of its own anywhere on the route."""
        tier = request.service_tier
        if tier is None:
            return None
        quotes = (self._book.in_force(name, now) for name in route.candidates)
        return tier if any(quote and tier_in(quote, tier) for quote in quotes) else None

    def ruling(self, route: Route, request: RouteRequest, now: float) -> Ruling:
        """Who cannot serve this request, for reasons that lie in the request."""
        rule = next((rule for rule in route.rules if rule.matches(request)), None)
        by_rule = {*route.candidates} - {*rule.candidates} if rule is not None else ()
        ceilings = ceilings_of(request.preferences)
        ruled = []
        for name in dict.fromkeys(route.deployments):
            reason = self._catalog.ruled_out(name, request, now)
            if reason is None and name in by_rule:
                reason = Exclusion(ExclusionCode.RULE, "left out by a rule of the route")
            if reason is None and ceilings:
                reason = self._too_dear(name, request, ceilings, now)
            if reason is not None:
                ruled.append((name, reason))
        return tuple(ruled)

    def _too_dear(
        self, name: str, request: RouteRequest, ceilings: Prices, now: float
    ) -> Exclusion | None:
        prices = self._book.prices(
            name, now, prompt_tokens=request.prompt_tokens, service_tier=request.service_tier
        )
        if prices is None:
            return None
        for meter, ceiling in ceilings.items():
            if prices.get(meter, 0) > ceiling:
                return Exclusion(
                    ExclusionCode.ABOVE_CEILING,
                    f"{meter} costs ${prices[meter]} per million, above the caller's ${ceiling}",
                )
        return None

    def view(
        self,
        cell: Cell,
        route: Route,
        moment: Moment,
        *,
        share: float,
        ruling: Ruling = (),
        asked: Asked = AS_USUAL,
        imagined: ImaginedPrices = NOTHING_IMAGINED,
        classes: SizeClasses | None = None,
    ) -> Viewed:
        """The candidates left, what one request costs at each, and why the others are not left."""
        ruled_out = dict(ruling)
        usd_by_name, sized = self._priced(cell, route, ruled_out, asked, moment, imagined, classes)
        note = self._drop_sick(usd_by_name, ruled_out, moment)
        note = note or self._drop_slow(route, usd_by_name, ruled_out, moment.now)
        names = tuple(usd_by_name)
        view = CellView(
            cell=cell,
            deployments=names,
            usd=tuple(usd_by_name.values()),
            dearer_by=dearer_by(moment, names, imagined),
            most_share=self._most_share(names, moment),
            share=share,
            compounds=self._compounds(cell, route, usd_by_name, ruled_out, asked, moment, imagined),
            sizes=tuple(
                (share, tuple(usd[name] for name in names))
                for share, usd in zip(classes.shares if classes else (), sized, strict=True)
            ),
            size=asked.size,
        )
        return view, ruled_out, note

    def _priced(
        self,
        cell: Cell,
        route: Route,
        ruled_out: Exclusions,
        asked: Asked,
        moment: Moment,
        imagined: ImaginedPrices,
        classes: SizeClasses | None,
    ) -> tuple[dict[str, float], list[dict[str, float]]]:
        """`request_usd` of each candidate not ruled out; one without a price goes there."""
        open_names = [name for name in route.candidates if name not in ruled_out]
        usd, sized = request_usd(self._beliefs, moment, cell, open_names, asked, imagined, classes)
        for name in open_names:
            if name not in usd:
                reason = self._book.status(name, moment.now).reason
                text = reason or "its price does not cover every token it bills"
                ruled_out[name] = Exclusion(ExclusionCode.UNPRICED, text)
        return usd, sized

    def _most_share(self, names: Collection[str], moment: Moment) -> tuple[float, ...]:
        """Bounds for prices that one list alone states, while another candidate's is sure.

        Where most are such no single list moves more than an equal part.
        """
        bounded = [moment.standing(name).is_bounded for name in names]
        if not any(bounded) or all(bounded):
            return ()
        most = self._book.rules.provisional_share
        if 2 * sum(bounded) > len(bounded):
            most = max(most, 1 / len(bounded))
        return tuple(most if each else 1.0 for each in bounded)

    def _compounds(
        self,
        cell: Cell,
        route: Route,
        usd_by_name: Mapping[str, float],
        ruled_out: Exclusions,
        asked: Asked,
        moment: Moment,
        imagined: ImaginedPrices,
    ) -> tuple[CascadeArm, ...] | None:
        """What asking again would do, for each candidate, of the first strong one that is open."""
        cascade = route.cascade
        if cascade is None:
            return None
        stronger = [name for name in cascade.to if name not in ruled_out]
        usd, _ = request_usd(self._beliefs, moment, cell, stronger, asked, imagined)
        costs = usd | dict(usd_by_name)
        to = next((to for to in stronger if to in costs and moment.why_out(to) is None), None)
        if to is None:
            return ()
        strong = to, costs[to], self._beliefs.posterior(cell, to)
        plain = [
            (name, usd, self._beliefs.posterior(cell, name)) for name, usd in usd_by_name.items()
        ]
        if cascade.agreement is not None:
            return self._agreeing(cell, cascade, cascade.agreement, strong, plain)
        offers = (
            self._confidences.compound(
                cell,
                each,
                strong,
                cascade.escalate_below,
                self._beliefs.words(cell, arm_name(each[0], to)).values(),
            )
            for each in plain
            if each[0] not in cascade.to
        )
        return tuple(offer for offer in offers if offer is not None)

    def _agreeing(
        self, cell: Cell, cascade: Cascade, by: Agreement, strong: Offer, plain: list[Offer]
    ) -> tuple[CascadeArm, ...]:
        """None while who gives the second opinion cannot be asked."""
        second = next((each for each in plain if each[0] == by.second), None)
        if second is None:
            return ()
        return tuple(
            self._confidences.agreeing(cell, first, second, strong, plain, by.trial)
            for first in plain
            if first[0] not in (by.second, *cascade.to)
        )

    def _drop_sick(
        self, usd_by_name: dict[str, float], ruled_out: Exclusions, moment: Moment
    ) -> str:
        """Move unhealthy deployments to `ruled_out`; keep the failing ones if none is left."""
        sick = {
            name: reason for name in usd_by_name if (reason := moment.why_out(name)) is not None
        }
        note = ""
        if len(sick) == len(usd_by_name):
            least_bad = [
                name for name in sick if self._health.back_at(name, moment.now) <= moment.now
            ]
            for name in least_bad:
                del sick[name]
            note = "every candidate is unhealthy, so they are asked all the same" * bool(least_bad)
        for name, reason in sick.items():
            del usd_by_name[name]
            ruled_out[name] = Exclusion(ExclusionCode.UNHEALTHY, reason)
        return note

    def _drop_slow(
        self, route: Route, usd_by_name: dict[str, float], ruled_out: Exclusions, now: float
    ) -> str:
        """Move deployments above the latency ceiling to `ruled_out`; keep the fastest if none."""
        if route.max_latency_s is None:
            return ""
        known = self._health.latency
        p95 = {name: known(name, now, route.name).p95_s or 0.0 for name in usd_by_name}
        slow = {name: p95_s for name, p95_s in p95.items() if p95_s > route.max_latency_s}
        note = ""
        if slow and len(slow) == len(usd_by_name):
            fastest = min(slow, key=lambda name: slow[name])
            note = f"no candidate keeps below {route.max_latency_s * 1000:.0f} ms, fastest is used"
            del slow[fastest]
        for name, p95_s in slow.items():
            del usd_by_name[name]
            ruled_out[name] = Exclusion(
                ExclusionCode.TOO_SLOW,
                f"p95 to first content is {p95_s * 1000:.0f} ms, "
                f"ceiling {route.max_latency_s * 1000:.0f} ms",
            )
        return note
