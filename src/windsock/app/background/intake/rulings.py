"""What people decide about quotes that are held."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace

from windsock.app.background.intake.accepted_prices import AcceptedPrices
from windsock.clock import Clock
from windsock.core.model.events import Event
from windsock.core.model.ticks import Quote
from windsock.core.pricing.book import PriceBook
from windsock.errors import BadRequest, CallerError


class NothingHeld(CallerError):
    """There is no held quote to rule on."""


@dataclass(slots=True, kw_only=True)
class Rulings:
    """
    publish     tells the log, the event stream and the dashboard
    on_quote    takes in a price statement
    is_owned    whether a deployment has a price of the owner's own, which no feed may change
    asked       around what a person decides here
    on_ruled    told of a quote on which a person has ruled here, and whether it is believed
    """

    book: PriceBook
    clock: Clock
    accepted: AcceptedPrices
    publish: Callable[[Event], None]
    on_quote: Callable[[Quote, float], None]
    is_owned: Callable[[str], bool]
    asked: Callable[[], AbstractContextManager[None]] = nullcontext
    on_ruled: list[Callable[[Quote, bool], object]] = field(default_factory=list)

    def approve(self, deployment: str, feed: str) -> list[Event]:
        """A person believes a held quote; raises NothingHeld."""
        return self._ruled(deployment, feed, is_believed=True)

    def reject(self, deployment: str, feed: str) -> list[Event]:
        """A person drops a held quote, else what the feed says, though it is believed.

        raises  NothingHeld where it says nothing
        """
        return self._ruled(deployment, feed, is_believed=False)

    def hear(self, quote: Quote, *, is_believed: bool) -> None:
        """A person has ruled at another process, which tells and keeps it; later prices hold."""
        if self.is_owned(quote.deployment):
            return
        since = self.book.said_since(quote) if is_believed else None
        self._rule(quote, is_believed=is_believed)
        now = self.clock.now()
        self.accepted.take(quote.deployment, now)
        if since is not None:
            self.on_quote(replace(since, seen_at=now), now)

    def _ruled(self, deployment: str, feed: str, *, is_believed: bool) -> list[Event]:
        quote = self._ruled_on(deployment, feed, is_believed=is_believed)
        was = self.book.believed(deployment, self.clock.now())
        shifts = self._rule(quote, is_believed=is_believed)
        with self.asked():
            self._keep(quote, was, self.clock.now())
            for shift in shifts:
                self.publish(shift)
        for tell in self.on_ruled:
            tell(quote, is_believed)
        return shifts

    def _ruled_on(self, deployment: str, feed: str, *, is_believed: bool) -> Quote:
        try:
            return self.book.held_quote(deployment, feed)
        except KeyError as error:
            nothing = NothingHeld(f"no quote of {feed!r} for {deployment!r} is held")
            if is_believed:
                raise nothing from error
        if feed in self.book.rules.owner_feeds:
            raise BadRequest("it is your own price; change it where it stands", param="feed")
        try:
            quote = self.book.said_by(deployment, feed)
        except KeyError as error:
            raise nothing from error
        others = self.book.statements(deployment, self.clock.now())
        is_left = any(each.quote.feed != feed and not each.quote.is_indirect for each in others)
        if not is_left and len(self.book.history(deployment, 0.0, self.clock.now())) < 2:
            reason = f"nothing else prices {deployment}; state a price of your own instead"
            raise BadRequest(reason, param="feed")
        return quote

    def _keep(self, ruled: Quote, was: Quote | None, now: float) -> None:
        """Write what holds from now on, also where that is what held before it."""
        holds = self.book.believed(ruled.deployment, now)
        if was is not None and holds is not None and holds.seen_at < was.seen_at:
            self.accepted.keep_again(ruled.deployment, now)
        else:
            self.accepted.keep(ruled.deployment, now)

    def _rule(self, quote: Quote, *, is_believed: bool) -> list[Event]:
        now = self.clock.now()
        self.accepted.look(quote.deployment, now)
        try:
            return self.book.rule(quote, now, is_believed=is_believed)
        except ValueError as error:
            raise BadRequest(str(error), param="feed") from error
