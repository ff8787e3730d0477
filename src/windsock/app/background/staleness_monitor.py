"""Noticing what happens by not happening: prices and feeds that grow old."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from windsock.clock import Clock
from windsock.core.model.events import Event, EventKind
from windsock.core.routing.router import Router
from windsock.feeds.poller import Poller

REFRESH_S = 60.0
"""Least time between two polls that requests for unpriced models may cause."""

KINDS = {
    ("price", True): EventKind.PRICE_WENT_STALE,
    ("price", False): EventKind.PRICE_IS_FRESH,
    ("feed", True): EventKind.FEED_WENT_STALE,
    ("feed", False): EventKind.FEED_IS_FRESH,
}
"""By what grew old, and whether it is stale now."""


@dataclass(slots=True, kw_only=True)
class StalenessMonitor:
    """Called now and then; publishes each change once, and its end."""

    router: Router
    poller: Poller
    clock: Clock
    publish: Callable[[Event], None]
    nearest: Callable[[str], list[str]]
    _unmatched: set[str] = field(default_factory=set)
    _stale_prices: set[str] = field(default_factory=set)
    _stale_feeds: set[str] = field(default_factory=set)
    _refreshed_at: float = float("-inf")

    def check(self) -> None:
        """Compare with the last check; publish what began or ended since."""
        now = self.clock.now()
        self._report_unmatched(now)
        for name in self.router.catalog.deployments:
            status = self.router.book.status(name, now)
            facts = {"age_s": status.age_s, "feed": status.quote.feed if status.quote else None}
            self._note(self._stale_prices, name, status.is_stale, "price", name, facts)
        elapsed = self.clock.elapsed()
        for feed in self.poller.status():
            age_s = elapsed - (feed.last_good_at if feed.last_good_at is not None else 0.0)
            is_stale = feed.is_stale(self.poller.every_s(feed.id), elapsed)
            facts = {"feed": feed.id, "age_s": round(age_s, 1) if feed.last_good_at else None}
            self._note(self._stale_feeds, feed.id, is_stale, "feed", "", facts)

    def _report_unmatched(self, now: float) -> None:
        """Deployments that no feed prices, once every price feed has been asked."""
        if any(feed.last_tried is None for feed in self.poller.status()):
            return
        for name in self.router.catalog.deployments:
            is_priced = self.router.book.status(name, now).quote is not None
            if is_priced or name in self._unmatched:
                continue
            self._unmatched.add(name)
            facts = {"near": self.nearest(name), "mend": "price_names, or a price of your own"}
            self.publish(Event(kind=EventKind.FEED_UNMATCHED, deployment=name, at=now, facts=facts))

    def wants_refresh(self) -> bool:
        """True at most once a minute: a request named something that has no price."""
        if self.clock.elapsed() - self._refreshed_at < REFRESH_S:
            return False
        self._refreshed_at = self.clock.elapsed()
        return True

    def _note(
        self,
        known: set[str],
        name: str,
        is_stale: bool,
        subject: str,
        deployment: str,
        facts: Mapping[str, object],
    ) -> None:
        if is_stale == (name in known):
            return
        (known.add if is_stale else known.discard)(name)
        kind = KINDS[subject, is_stale]
        now = self.clock.now()
        self.publish(Event(kind=kind, deployment=deployment, at=now, facts=facts))
