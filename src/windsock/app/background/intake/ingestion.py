"""What feeds bring in: readings become ticks, the router absorbs them, the ledger keeps them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace

from windsock.app.background.intake.accepted_prices import AcceptedPrices
from windsock.app.background.intake.listings import Listings
from windsock.app.background.intake.row_names import meant_by, retiring, rows_of_their_own
from windsock.app.background.intake.rulings import Rulings
from windsock.clock import Clock
from windsock.core.model.events import Event, EventKind
from windsock.core.model.model_names import Identity, nearest
from windsock.core.model.ticks import HealthReport, Quote, Vanished
from windsock.core.pricing.facets.contract import ExchangeRate, in_dollars, uplifted
from windsock.core.pricing.peers.relevance import Relevance
from windsock.core.pricing.rules import OWN_FEED
from windsock.core.routing.router import Router
from windsock.errors import FeedError
from windsock.feeds.definition import FeedDefinition
from windsock.feeds.quotes import quote_of, rows_at
from windsock.feeds.reader import PriceRow, Reading
from windsock.feeds.retirements import Retirements
from windsock.observability.alarms import is_warning
from windsock.observability.event_view import event_view
from windsock.observability.log import event_log

SLICE_ROWS = 16
"""Rows absorbed between two turns of the event loop: about a millisecond."""


@dataclass(slots=True, kw_only=True)
class FeedIngestion:
    """Callbacks of the poller.

    append      writes a record to the ledger; never blocks
    publish     tells the log, the event stream and the dashboard
    on_read     told of what a poll has brought, once
    asked       around what a person decides here
    owned       deployments with a price of the owner's own, which no feed may change
    feeds       by id, those that are read
    rates       by currency, at which prices in it are taken
    """

    router: Router
    identity: Identity
    clock: Clock
    append: Callable[[Quote | HealthReport], object]
    publish: Callable[[Event], None]
    on_read: list[Callable[[FeedDefinition, Reading], object]] = field(default_factory=list)
    asked: Callable[[], AbstractContextManager[None]] = nullcontext
    owned: frozenset[str] = frozenset()
    feeds: frozenset[str] = frozenset()
    rates: Mapping[str, ExchangeRate] = field(default_factory=dict)
    _seen: set[str] = field(default_factory=set)
    _failing: set[str] = field(default_factory=set)
    _readings: dict[str, tuple[FeedDefinition, Reading]] = field(default_factory=dict)
    _retirements: Retirements = field(default_factory=Retirements)
    listings: Listings = field(init=False)
    accepted: AcceptedPrices = field(init=False)
    rulings: Rulings = field(init=False)

    def __post_init__(self) -> None:
        """Listings and rulings tell whom it tells."""
        book = self.router.book
        self.listings = Listings(publish=lambda event: self.publish(event))
        self.accepted = AcceptedPrices(book=book, append=lambda quote: self.append(quote))
        self.rulings = Rulings(
            book=book,
            clock=self.clock,
            accepted=self.accepted,
            publish=lambda event: self.publish(event),
            on_quote=self.on_quote,
            is_owned=lambda deployment: deployment in self.owned,
            asked=self.asked,
        )

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
        own_rows = rows_of_their_own(rows, self.identity, self.clock.now())
        relevance = Relevance(self.router.catalog.deployments)
        for row in rows:
            yield
            now = self.clock.now()
            self._seen.add(f"{row.provider}/{row.model}")
            meant = list(meant_by(row, self.identity, own_rows, now))
            if not meant:
                self._note(row, definition, relevance, now)
            for each in meant:
                if each.deployment not in self.owned:
                    listed[each.deployment] = row
                    quote = quote_of(row, each.deployment, definition, now, each.is_indirect)
                    quote = in_dollars(quote, self.rates.get(row.currency))
                    self.on_quote(uplifted(quote, each.uplift), now)
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
        gone = self.listings.compare(definition, reading, listed, now)
        for tick in gone.vanished:
            self._absorb(tick, now)
        for name in self.router.catalog.deployments.keys() & gone.misread - self.owned:
            self._hear_only(name, (self.feeds | {OWN_FEED}) - {definition.id}, now)
        retired = retiring(reading, self.identity, self.router.catalog, now)
        self.listings.note_retirements(definition, dict(retired), now)

    def _note(
        self, row: PriceRow, definition: FeedDefinition, relevance: Relevance, now: float
    ) -> None:
        """What a model that is not in use here costs is what others are measured by."""
        name = self.identity.listing(row.provider, row.model)
        if name in relevance:
            quote = quote_of(row, name, definition, now, is_indirect=True)
            self.router.book.note(name, in_dollars(quote, self.rates.get(row.currency)))

    def adopt(self, identity: Identity, own: Sequence[Quote], feeds: Iterable[str]) -> None:
        """Other names, own prices and feeds: what feeds last said is read again under them."""
        self.identity, self.feeds = identity, frozenset(feeds)
        self.follow_redirects()
        self.own(own)
        read = [each for name, each in self._readings.items() if name in self.feeds]
        self._readings.clear()
        self._seen.clear()
        self._failing &= self.feeds
        for definition, reading in read:
            self.on_reading(definition, reading)
        self.drop_unheard()

    def own(self, quotes: Sequence[Quote]) -> None:
        """The owner's prices, in place of those that the owner stated before."""
        self.owned = frozenset(quote.deployment for quote in quotes)
        self._disown()
        for quote in quotes:
            self.on_quote(quote, self.clock.now())

    def drop_unheard(self) -> None:
        """What feeds said that are read no more is no voice, nor what any said of a deployment
        whose price the owner states."""
        self._disown()
        self.router.health.hear_only(self.feeds)
        book, now = self.router.book, self.clock.now()
        book.hear_lists(self.feeds | {OWN_FEED})
        for name in (*self.router.catalog.deployments, *self.router.redirects.values()):
            self._hear_only(name, {OWN_FEED} if name in self.owned else self.feeds, now)

    def _hear_only(self, name: str, feeds: Container[str], now: float) -> None:
        """What others than these have said of a deployment is no voice."""
        self.accepted.look(name, now)
        for event in self.router.book.hear_only(name, feeds, now):
            self.publish(event)
        self.accepted.keep(name, now)

    def _disown(self) -> None:
        """A price that the owner states no more is none."""
        book, now = self.router.book, self.clock.now()
        for name in self.router.catalog.deployments.keys() - self.owned:
            believed = book.believed(name, now)
            if believed is not None and believed.feed == OWN_FEED:
                book.forget(name)
                self.accepted.forget(name)

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
        self.accepted.look(quote.deployment, now)
        self._absorb(quote, now)
        self.accepted.keep(quote.deployment, now)

    def on_shift(self, shift: Event) -> None:
        """What calls changed: a bill released a held quote, or another model answered."""
        if shift.kind == "price.released":
            self.accepted.keep(shift.deployment, shift.at)
        self.publish(shift)
        if shift.kind == "model.redirected":
            self._price_served(shift)

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
    tell = event_log().warning if is_warning(shift) else event_log().info
    tell(shift.kind, **{k: v for k, v in event_view(shift).items() if k not in hidden})
