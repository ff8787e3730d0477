"""Price statements fed to a router in the order they were seen."""

from __future__ import annotations

from windsock.core.model.ticks import Quote
from windsock.core.model.units import to_float
from windsock.core.routing.router import Router
from windsock.core.routing.what_if import what_if
from windsock.simulation.results.run import Split
from windsock.simulation.world.traffic import HOUR_S, ROUTE
from windsock.simulation.world.world import World


class PricePlayback:
    """Gives the router what the feeds say, in order of time, and notes what each shock asks for."""

    def __init__(
        self, world: World, router: Router, splits: list[Split], *, hears: bool = True
    ) -> None:
        self._world = world
        self._router = router
        self._splits = splits
        self._quotes = world.quotes() if hears else world.first_quotes()
        self._next = 0
        self._foreseen_at = float("-inf")
        self._shock_by_quote: dict[tuple[str, float | None], int] = {
            (shock.deployment, world.starts_at + shock.at_hour * HOUR_S): i
            for i, shock in enumerate(world.shocks)
        }

    def due(self, until: float) -> float | None:
        """When the next statement comes, if it does by then."""
        if self._next < len(self._quotes) and self._quotes[self._next].seen_at <= until:
            return self._quotes[self._next].seen_at
        return None

    def take(self) -> None:
        """Absorb the next statement."""
        quote = self._quotes[self._next]
        if quote.seen_at > self._foreseen_at:
            self._foreseen_at = quote.seen_at
            self._foresee(quote.seen_at)
        self._next += 1
        self._router.absorb(quote, quote.seen_at)

    def _foresee(self, at: float) -> None:
        """The new splits, had all prices that are first shown now been in force already."""
        shown = self._first_shown(at)
        if not shown:
            return
        prices = {
            quote.deployment: {
                meter.value: to_float(usd) for meter, usd in quote.usd_per_mtok.items()
            }
            for quote in shown.values()
        }
        for task in self._world.scenario.tasks:
            seen = what_if(self._router, self._world.namespace, ROUTE, task, prices, at)
            for shock, quote in shown.items():
                now = seen.weights_now.get(quote.deployment, 0.0)
                then = seen.weights_then.get(quote.deployment, 0.0)
                self._splits.append(Split(shock, task, now, then))

    def _first_shown(self, at: float) -> dict[int, Quote]:
        """Shocks that a feed shows for the first time at this moment."""
        found = {}
        for index in range(self._next, len(self._quotes)):
            quote = self._quotes[index]
            if quote.seen_at > at:
                break
            shock = self._shock_by_quote.pop((quote.deployment, quote.quoted_at), None)
            if shock is not None:
                found[shock] = quote
        return found
