"""What feeds bring in: readings become ticks, the router absorbs them, the ledger keeps them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from decimal import Decimal

from windsock.app.background.listings import Listings
from windsock.clock import Clock
from windsock.core.model.events import Event, EventKind
from windsock.core.model.model_names import Identity, nearest
from windsock.core.model.ticks import HealthReport, Quote, Vanished
from windsock.core.pricing.facets.contract import ExchangeRate, in_dollars, uplifted
from windsock.core.pricing.peers.relevance import Relevance
from windsock.core.routing.router import Router
from windsock.errors import BadRequest, CallerError, FeedError
from windsock.feeds.definition import FeedDefinition
from windsock.feeds.quotes import quote_of, rows_at
from windsock.feeds.reader import PriceRow, Reading
from windsock.feeds.retirements import Retirements
from windsock.observability.event_view import event_view
from windsock.observability.log import event_log

SLICE_ROWS = 16
"""Rows absorbed between two turns of the event loop: about a millisecond."""


class NothingHeld(CallerError):
    """There is no held quote to rule on."""


@dataclass(slots=True, kw_only=True)
class FeedIngestion:
    """Callbacks of the poller.

    append      writes a record to the ledger; never blocks
    publish     tells the log, the event stream and the dashboard
    on_read     told of what a poll has brought, once
    on_ruled    told of a quote on which a person has ruled here, and whether it is believed
    asked       around what a person decides here
    owned       deployments with a price of the owner's own, which no feed may change
    rates       by currency, at which prices in it are taken
    """

    router: Router
    identity: Identity
    clock: Clock
    append: Callable[[Quote | HealthReport], object]
    publish: Callable[[Event], None]
    on_read: list[Callable[[FeedDefinition, Reading], object]] = field(default_factory=list)
    on_ruled: list[Callable[[Quote, bool], object]] = field(default_factory=list)
    asked: Callable[[], AbstractContextManager[None]] = nullcontext
    owned: frozenset[str] = frozenset()
    rates: Mapping[str, ExchangeRate] = field(default_factory=dict)
    _seen: set[str] = field(default_factory=set)
    _failing: set[str] = field(default_factory=set)
    _kept: dict[str, Quote | None] = field(default_factory=dict)
    _readings: dict[str, tuple[FeedDefinition, Reading]] = field(default_factory=dict)
    _retirements: Retirements = field(default_factory=Retirements)
    listings: Listings = field(init=False)

    def __post_init__(self) -> None:
        """Listings tell whom it tells."""
        self.listings = Listings(publish=lambda event: self.publish(event))

    def on_reading(self, definition: FeedDefinition, reading: Reading) -> None:
        """Absorb everything one poll of a feed says."""
        for _ in self._steps(definition, reading):
            pass

    async def take_in(self, definition: FeedDefinition, reading: Reading) -> None:
        """The same, with room for requests every few rows.

        Given up where `adopt` comes between, which has read it under the new names by then.
        """
        identity = self.identity
        self._note_good(definition)
        for tell in self.on_read:
            tell(definition, reading)
        for count, _ in enumerate(self._steps(definition, reading)):
            if count % SLICE_ROWS == 0:
                await asyncio.sleep(0)
                if self.identity is not identity:
                    return

    def _steps(self, definition: FeedDefinition, reading: Reading) -> Iterator[None]:
        """Absorb row after row, each as seen now: others may be absorbed in between."""
        listed: dict[str, PriceRow] = {}
        self._readings[definition.id] = definition, reading
        rows = rows_at(reading.rows, self.clock.now())
        own_rows = self._with_rows_of_their_own(rows)
        relevance = Relevance(self.router.catalog.deployments)
        for row in rows:
            yield
            now = self.clock.now()
            self._seen.add(f"{row.provider}/{row.model}")
            meant = list(self._meant(row, own_rows, now))
            if not meant:
                self._note(row, definition, relevance, now)
            for deployment, is_indirect, share in meant:
                if deployment not in self.owned:
                    listed[deployment] = row
                    quote = quote_of(row, deployment, definition, now, is_indirect)
                    quote = in_dollars(quote, self.rates.get(row.currency))
                    self.on_quote(uplifted(quote, share), now)
        for facts in reading.facts:
            yield
            at = self.clock.now()
            for deployment, is_indirect in self.identity.resolve(facts.provider, facts.model, at):
                if not is_indirect and deployment in self.router.catalog.deployments:
                    self.router.catalog.learn(deployment, facts)
        for report in self._reports(definition, reading, self.clock.now()):
            yield
            self._absorb(report, self.clock.now())
        now = self.clock.now()
        for gone in self.listings.compare(definition, reading, listed, now):
            self._absorb(gone, now)
        self.listings.note_retirements(definition, dict(self._retiring(reading, now)), now)

    def _retiring(self, reading: Reading, now: float) -> Iterator[tuple[str, float]]:
        """(deployment, unix s) of the dates of retirement that a reading states."""
        for facts in reading.facts:
            if facts.retires_at is not None:
                for name, is_indirect in self.identity.resolve(facts.provider, facts.model, now):
                    if not is_indirect and name in self.router.catalog.deployments:
                        yield name, facts.retires_at
        for report in reading.health:
            if report.retires_at is not None:
                for name in self.identity.subjects(report.subject):
                    yield name, report.retires_at

    def _note(
        self, row: PriceRow, definition: FeedDefinition, relevance: Relevance, now: float
    ) -> None:
        """What a model that is not in use here costs is what others are measured by."""
        name = self.identity.listing(row.provider, row.model)
        if name in relevance:
            quote = quote_of(row, name, definition, now, is_indirect=True)
            self.router.book.note(name, in_dollars(quote, self.rates.get(row.currency)))

    def _meant(
        self, row: PriceRow, own_rows: frozenset[str], now: float
    ) -> Iterator[tuple[str, bool, Decimal | None]]:
        """(deployment, is_indirect, share that its site adds) of all that a row speaks of."""
        uplifts = dict(self.identity.uplifted(row.provider, row.model, row.uplifts))
        for deployment, share in uplifts.items():
            if deployment not in own_rows:
                yield deployment, False, share
        for deployment, is_indirect in self.identity.resolve(row.provider, row.model, now):
            if not is_indirect or deployment not in uplifts:
                yield deployment, is_indirect, None

    def _with_rows_of_their_own(self, rows: Iterable[PriceRow]) -> frozenset[str]:
        """Deployments whose own site a list prices, which no share is added to."""
        now = self.clock.now()
        resolved = (self.identity.resolve(row.provider, row.model, now) for row in rows)
        return frozenset(
            name for names in resolved for name, is_indirect in names if not is_indirect
        )

    def adopt(self, identity: Identity, own: Sequence[Quote]) -> None:
        """Other names and own prices: what feeds last said is read again under them."""
        now = self.clock.now()
        owned = frozenset(quote.deployment for quote in own)
        for name in self.owned - owned:
            self.router.book.forget(name)
            self._kept.pop(name, None)
        self.identity, self.owned = identity, owned
        self.follow_redirects()
        for quote in own:
            self.on_quote(quote, now)
        for definition, reading in list(self._readings.values()):
            self.on_reading(definition, reading)

    def follow_redirects(self) -> None:
        """Look for prices of the models that deployments were found to be redirected to."""
        for served in self.router.redirects.values():
            if served not in self.router.catalog.deployments:
                self.identity.follow(served)

    def on_failure(self, definition: FeedDefinition, error: FeedError) -> None:
        """A feed could not be read, which is told once until it can be again; what is known stays
        in force and grows older."""
        if definition.id in self._failing:
            return
        self._failing.add(definition.id)
        kind, facts = EventKind.FEED_FAILED, {"feed": definition.id, "error": str(error)}
        self.publish(Event(kind=kind, deployment="", at=self.clock.now(), facts=facts))

    def _note_good(self, definition: FeedDefinition) -> None:
        if definition.id in self._failing:
            self._failing.discard(definition.id)
            kind, facts = EventKind.FEED_RECOVERED, {"feed": definition.id}
            self.publish(Event(kind=kind, deployment="", at=self.clock.now(), facts=facts))

    def on_quote(self, quote: Quote, now: float) -> None:
        """Absorb one price statement and keep what came of it."""
        self._kept.setdefault(quote.deployment, self.router.book.believed(quote.deployment, now))
        self._absorb(quote, now)
        self._keep_in_force(quote.deployment, now)

    def on_shift(self, shift: Event) -> None:
        """What calls changed: a bill released a held quote, or another model answered."""
        if shift.kind == "price.released":
            self._keep_in_force(shift.deployment, shift.at)
        self.publish(shift)
        if shift.kind == "model.redirected":
            self._price_served(shift)

    def _keep_in_force(self, deployment: str, now: float) -> None:
        """Write the accepted price to the ledger, once."""
        quote = self.router.book.believed(deployment, now)
        if quote is not None and quote is not self._kept.get(deployment):
            self._kept[deployment] = quote
            self.append(quote)

    def _reports(
        self, definition: FeedDefinition, reading: Reading, now: float
    ) -> Iterator[HealthReport]:
        """What a feed says of the health of the deployments and providers used here."""
        for report in (*reading.health, *self._retirements.reports(definition, reading, now)):
            for subject in self.identity.subjects(report.subject):
                yield replace(report, subject=subject)

    def _price_served(self, shift: Event) -> None:
        """A deployment answers with a model that is no deployment here: find its price in feeds."""
        served = self.identity.served_by(shift.deployment, str(shift.facts["served"]))
        if served is None or served in self.router.catalog.deployments:
            return
        self.identity.follow(served)
        for definition, reading in self._readings.values():
            for row in reading.rows:
                for name, is_indirect in self.identity.resolve(row.provider, row.model, shift.at):
                    if name == served:
                        quote = quote_of(row, name, definition, shift.at, is_indirect)
                        self.on_quote(quote, shift.at)
        if self.router.book.believed(served, shift.at) is not None:
            for each in self.router.operator.redirect(shift.deployment, served, shift.at):
                self.publish(each)

    def approve(self, deployment: str, feed: str) -> list[Event]:
        """A person believes a held quote; raises NothingHeld."""
        return self._ruled(deployment, feed, is_believed=True)

    def reject(self, deployment: str, feed: str) -> list[Event]:
        """A person drops a held quote; raises NothingHeld."""
        return self._ruled(deployment, feed, is_believed=False)

    def _ruled(self, deployment: str, feed: str, *, is_believed: bool) -> list[Event]:
        try:
            quote = self.router.book.held_quote(deployment, feed)
        except KeyError as error:
            raise NothingHeld(f"no quote of {feed!r} for {deployment!r} is held") from error
        shifts = self._rule(quote, is_believed=is_believed)
        with self.asked():
            self._keep_in_force(deployment, self.clock.now())
            for shift in shifts:
                self.publish(shift)
        for tell in self.on_ruled:
            tell(quote, is_believed)
        return shifts

    def hear_ruling(self, quote: Quote, *, is_believed: bool) -> None:
        """A person has ruled at another process, which tells and keeps it; later prices hold."""
        if quote.deployment in self.owned:
            return
        since = self.router.book.said_since(quote) if is_believed else None
        self._rule(quote, is_believed=is_believed)
        now = self.clock.now()
        self._kept[quote.deployment] = self.router.book.believed(quote.deployment, now)
        if since is not None:
            self.on_quote(replace(since, seen_at=now), now)

    def _rule(self, quote: Quote, *, is_believed: bool) -> list[Event]:
        now, book = self.clock.now(), self.router.book
        self._kept.setdefault(quote.deployment, book.believed(quote.deployment, now))
        try:
            return book.rule(quote, now, is_believed=is_believed)
        except ValueError as error:
            raise BadRequest(str(error), param="feed") from error

    def nearest(self, deployment: str) -> list[str]:
        """Names that feeds listed and that look like this deployment's."""
        return nearest(deployment, self._seen)

    def _absorb(self, tick: Quote | HealthReport | Vanished, now: float) -> None:
        shifts = self.router.absorb(tick, now)
        if shifts and isinstance(tick, HealthReport):
            self.append(tick)
        for shift in shifts:
            self.publish(shift)


def log_event(shift: Event) -> None:
    """One line in the log."""
    hidden = {"event", "at"} if shift.deployment else {"event", "at", "deployment"}
    event_log().info(shift.kind, **{k: v for k, v in event_view(shift).items() if k not in hidden})
