"""Caps as settings, keys and ledger have them: declared, restored, raised for a while."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal

from sqlalchemy import Engine

from windsock.clock import Clock
from windsock.config.settings import Settings
from windsock.core.evidence.sources import JUDGE, SHADOW
from windsock.core.model.events import Event, EventKind
from windsock.core.model.requests import background_key, is_background
from windsock.core.routing.caps.account import Raise, raise_of
from windsock.core.routing.caps.book import KeyHolder
from windsock.core.routing.caps.cap import Cap
from windsock.core.routing.caps.periods import Period, span
from windsock.core.routing.router import Router
from windsock.store import queries
from windsock.store.keys import VirtualKey
from windsock.store.spending import Spent, spent_since

MOST_USD = Decimal(10**9)
"""Of a cap that only a share bounds."""

LONGEST_RAISE_S = 31 * 86_400.0
"""Of a raise, which is looked for at the start."""


Found = list[tuple[set[str], list[Spent]]]
"""Names of caps whose periods began at one moment, and what was spent since."""


@dataclass(slots=True, kw_only=True)
class CapKeeper:
    """Gives the router its caps, with what the ledger says was spent of them.

    What is new counts from zero until that is read, within seconds, beside the requests; at the
    start before any. While the store is away it counts from zero, too: refusing instead would have
    a store that is away for a minute end all service.

    publish     tells the log, the ledger and every listener of an event
    """

    router: Router
    engine: Engine
    clock: Clock
    publish: Callable[[Event], None]
    timezone: str = "UTC"
    _unread: dict[str, Cap] = field(default_factory=dict)

    def adopt(self, settings: Settings) -> None:
        """The caps of the settings."""
        self.timezone = settings.timezone
        fresh = self.router.caps.adopt(caps_of(settings))
        self._unread |= {cap.name: cap for cap in fresh}

    async def adopt_keys(self, keys: Iterable[VirtualKey]) -> None:
        """The keys as they are now, with their budgets; then reads what is spent of what is new.

        Of keys that took each other's place the newest has the say. raises  StoreError
        """
        holders = await asyncio.to_thread(holders_of, keys, self.timezone)
        fresh = self.router.caps.adopt_keys(holders)
        self._unread |= {cap.name: cap for cap in fresh}
        await self.read_new()

    async def read_new(self) -> None:
        """What was spent of caps of which that is not known yet; raises StoreError."""
        if self._unread:
            caps = list(self._unread.values())
            self._take_in(await asyncio.to_thread(self._found, caps, self.clock.now()))

    def is_read(self, name: str) -> bool:
        """Whether it is known what was spent of this cap before it was declared here."""
        return name not in self._unread

    def restore(self) -> None:
        """All that the ledger has of caps and raises; raises StoreError."""
        self._take_in(self._found(self.router.caps.caps(), self.clock.now()))
        since = self.clock.now() - LONGEST_RAISE_S
        told = queries.newest_events(self.engine, since=since, kinds=[EventKind.CAP_RAISED])
        self.router.caps.restore_raises([raise_of(event.facts) for event in told])

    def raise_for_now(self, more: Raise) -> None:
        """Have a cap be higher for a while, also after a restart."""
        self.publish(self.router.caps.raise_for_now(more, self.clock.now()))

    def _found(self, caps: Iterable[Cap], now: float) -> Found:
        """What was spent in the running periods of these caps; it blocks."""
        by_begin: defaultdict[float, set[str]] = defaultdict(set)
        for cap in caps:
            by_begin[max(0.0, span(cap.period, cap.timezone, now)[0])].add(cap.name)
        return [(names, spent_since(self.engine, begin)) for begin, names in by_begin.items()]

    def _take_in(self, found: Found) -> None:
        now, charge = self.clock.now(), self.router.tabs.charge
        for names, spent in found:
            charges = ((charge(s.key_id, s.route, s.deployment), s.usd) for s in spent)
            self.router.caps.restore(names, charges, now)
            for route, usd in _by_route(spent).items():
                self.router.caps.restore_beside(names, route, usd, now)
            for name in names:
                self._unread.pop(name, None)


def caps_of(settings: Settings) -> Iterator[Cap]:
    """The caps declared, and one for each budget of routes."""
    for name, each in settings.caps.items():
        yield Cap(
            name=name,
            usd=each.usd,
            period=Period(each.period),
            timezone=each.timezone or settings.timezone,
            keys=each.keys,
            routes=each.routes,
            providers=each.providers,
            models=tuple(model.lower() for model in each.models),
            each=each.each or "",
        )
    for name, route in settings.routes.items():
        for purpose, beside in ((JUDGE, route.judge), (SHADOW, route.shadow)):
            if beside is not None:
                limits = {"usd_per_day": beside.usd_per_day, "spend_share": beside.most_spend_share}
                yield cap_beside(name, purpose, **limits)
    for name, budget in settings.budgets.items():
        routes = frozenset(n for n, route in settings.routes.items() if route.budget == name)
        if routes:
            usd = Decimal(str(budget.usd_per_day))
            yield Cap(name=f"budgets.{name}", usd=usd, route_names=routes)


def beside_name(route: str, purpose: str) -> str:
    """Of the cap on what windsock itself asks beside the requests of a route."""
    return f"routes.{route}.{purpose}"


def cap_beside(
    route: str, purpose: str, *, usd_per_day: Decimal | None, spend_share: Decimal | None
) -> Cap:
    """The cap on what windsock itself asks beside the requests of a route, by the UTC day.

    usd_per_day     dollars; spend_share: of what the route spends. At least one of them
    """
    return Cap(
        name=beside_name(route, purpose),
        usd=MOST_USD if usd_per_day is None else usd_per_day,
        keys=(background_key(purpose, route),),
        beside=route,
        share=spend_share,
    )


def _by_route(spent: Iterable[Spent]) -> dict[str, Decimal]:
    """What callers have spent, by the route they asked."""
    sums: defaultdict[str, Decimal] = defaultdict(Decimal)
    for each in spent:
        if not is_background(each.key_id):
            sums[each.route] += each.usd
    return sums


def holders_of(keys: Iterable[VirtualKey], timezone: str) -> dict[str, KeyHolder]:
    """What caps know of keys, by the first of those that took each other's place."""
    return {key.continues or key.id: holder_of(key, timezone) for key in keys}


def holder_of(key: VirtualKey, timezone: str) -> KeyHolder:
    """What caps know of a key: its budget is a cap of its own."""
    cap = None
    if key.budget_usd is not None:
        period = Period(key.budget_period or "total")
        first = key.continues or key.id
        name = f"keys.{first}"
        cap = Cap(name=name, usd=key.budget_usd, period=period, timezone=timezone, keys=(first,))
    return KeyHolder(name=key.name, namespace=key.namespace, cap=cap)
