"""Noticing what happens by not happening: prices and feeds that grow old."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from windsock.clock import Clock
from windsock.core.model.events import Event, EventKind
from windsock.core.pricing.consensus.standing import PriceStatus
from windsock.core.routing.router import Router
from windsock.feeds.poller import FeedStatus, Poller

REFRESH_S = 60.0
"""Least time between two polls that requests for unpriced models may cause."""

MOST_EACH = 10
"""Deployments at once that are told one by one; more are one event that counts them."""

Facts = Mapping[str, object]


class Ends(NamedTuple):
    """How a condition is told; None: of its beginning somebody else tells."""

    begins: EventKind | None
    ends: EventKind


STALE_PRICE = Ends(EventKind.PRICE_WENT_STALE, EventKind.PRICE_IS_FRESH)
STALE_FEED = Ends(EventKind.FEED_WENT_STALE, EventKind.FEED_IS_FRESH)
DISPUTE = Ends(None, EventKind.PRICE_AGREED)


@dataclass(slots=True, kw_only=True)
class StalenessMonitor:
    """Called now and then; publishes each change once, and its end."""

    router: Router
    poller: Poller
    clock: Clock
    publish: Callable[[Event], None]
    nearest: Callable[[str], list[str]]
    _unmatched: set[str] = field(default_factory=set)
    _known: dict[Ends, set[str]] = field(default_factory=dict)
    _refreshed_at: float = float("-inf")

    def check(self) -> None:
        """Compare with the last check; publish what began or ended since."""
        now, book = self.clock.now(), self.router.book
        statuses = {name: book.status(name, now) for name in self.router.catalog.deployments}
        self._report_unmatched(statuses, now)
        ages: dict[str, Facts] = {
            name: {"age_s": each.age_s, "feed": each.quote.feed if each.quote else None}
            for name, each in statuses.items()
        }
        self._note(STALE_PRICE, {n for n, each in statuses.items() if each.is_stale}, ages)
        self._note(DISPUTE, {n for n, each in statuses.items() if each.disputed_by}, ages)
        feeds = {feed.id: feed for feed in self.poller.status()}
        elapsed, every_s = self.clock.elapsed(), self.poller.every_s
        stale = {name for name, feed in feeds.items() if feed.is_stale(every_s(name), elapsed)}
        self._note(STALE_FEED, stale, {name: self._age(feed) for name, feed in feeds.items()})

    def _age(self, feed: FeedStatus) -> Facts:
        at = feed.last_good_at
        age_s = None if at is None else round(self.clock.elapsed() - at, 1)
        return {"feed": feed.id, "age_s": age_s}

    def _report_unmatched(self, statuses: Mapping[str, PriceStatus], now: float) -> None:
        """Deployments that no feed prices, once every price feed has been asked."""
        if any(feed.last_tried is None for feed in self.poller.status()):
            return
        for name, status in statuses.items():
            if status.quote is not None or name in self._unmatched:
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

    def _note(self, how: Ends, names: set[str], facts: Mapping[str, Facts]) -> None:
        """Tell what is new among the names, and what is not among them any more; `facts` has all
        that there are: of what was removed nothing is told."""
        before = self._known.get(how, set())
        self._known[how] = names
        if how.begins is not None:
            self._tell(how.begins, sorted(names - before), facts)
        self._tell(how.ends, sorted((before - names) & facts.keys()), facts)

    def _tell(self, kind: EventKind, names: list[str], facts: Mapping[str, Facts]) -> None:
        is_of_feeds = kind in STALE_FEED
        at = self.clock.now()
        if len(names) > MOST_EACH and not is_of_feeds:
            told = {"deployments": names, "count": len(names)}
            self.publish(Event(kind=kind, deployment="", at=at, facts=told))
            return
        for name in names:
            deployment = "" if is_of_feeds else name
            self.publish(Event(kind=kind, deployment=deployment, at=at, facts=facts[name]))
