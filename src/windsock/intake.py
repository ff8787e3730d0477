"""What feeds bring in: readings become ticks, the router absorbs them, the ledger keeps them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from windsock.clock import Clock
from windsock.core.identity import Identity
from windsock.core.quotes import HealthReport, HealthState, Quote, Vanished
from windsock.core.records import Shift
from windsock.core.router import Router
from windsock.errors import BadRequest, CallerError, FeedError
from windsock.feeds.definition import FeedDefinition
from windsock.feeds.reading import PriceRow, Reading
from windsock.log import event_log
from windsock.service.schemas import shift_view


class NothingHeld(CallerError):
    """There is no held quote to rule on."""


@dataclass(slots=True, kw_only=True)
class Intake:
    """Callbacks of the poller.

    keep        writes a record to the ledger
    publish     tells the log, the event stream and the dashboard
    owned       deployments with a price of the owner's own, which no feed may change
    """

    router: Router
    identity: Identity
    clock: Clock
    keep: Callable[[Any], object]
    publish: Callable[[Shift], None]
    owned: frozenset[str] = frozenset()
    _listed: dict[str, dict[str, str]] = field(default_factory=dict)
    _seen: set[str] = field(default_factory=set)
    _kept: dict[str, Quote | None] = field(default_factory=dict)
    _named: dict[str, set[str]] = field(default_factory=dict)

    def on_reading(self, definition: FeedDefinition, reading: Reading) -> None:
        """Absorb everything one poll of a feed says."""
        now = self.clock.now()
        listed: dict[str, str] = {}
        for row in reading.rows:
            self._seen.add(f"{row.provider}/{row.model}")
            for deployment, is_indirect in self.identity.resolve(row.provider, row.model):
                if deployment not in self.owned:
                    listed[deployment] = row.model
                    self.on_quote(quote_of(row, deployment, definition, now, is_indirect), now)
        for facts in reading.facts:
            for deployment, is_indirect in self.identity.resolve(facts.provider, facts.model):
                if not is_indirect:
                    self.router.catalog.learn(deployment, facts)
        for report in (*reading.health, *self._retired(definition, reading, now)):
            self._absorb(report, now)
        self._notice_absence(definition, listed, now)

    def on_failure(self, definition: FeedDefinition, error: FeedError) -> None:
        """A feed could not be read; what is known stays in force and grows older."""
        facts = {"feed": definition.id, "error": str(error)}
        self.publish(Shift(kind="feed.failed", deployment="", at=self.clock.now(), facts=facts))

    def on_quote(self, quote: Quote, now: float) -> None:
        """Absorb one price statement and keep what came of it."""
        before = self.router.book.in_force(quote.deployment, now)
        self._kept.setdefault(quote.deployment, before)
        self._absorb(quote, now)
        self._keep_in_force(quote.deployment, now)

    def on_shift(self, shift: Shift) -> None:
        """What calls changed: a bill may have released a held quote."""
        if shift.kind == "price.released":
            self._keep_in_force(shift.deployment, shift.at)
        self.publish(shift)

    def _keep_in_force(self, deployment: str, now: float) -> None:
        """Write the accepted price to the ledger, once."""
        quote = self.router.book.in_force(deployment, now)
        if quote is not None and quote is not self._kept.get(deployment):
            self._kept[deployment] = quote
            self.keep(quote)

    def _retired(
        self, definition: FeedDefinition, reading: Reading, now: float
    ) -> list[HealthReport]:
        """Models that a list of models named before and no longer does."""
        named = {report.subject for report in reading.health if "/" in report.subject}
        before = self._named.get(definition.id, set())
        if definition.is_partial or not named:
            return []
        self._named[definition.id] = before | named
        return [
            HealthReport(
                subject=subject,
                feed=definition.id,
                state=HealthState.DOWN,
                note="no longer listed",
                seen_at=now,
            )
            for subject in sorted(before - named)
        ]

    def approve(self, deployment: str, feed: str) -> list[Shift]:
        """A person believes a held quote; raises NothingHeld."""
        now = self.clock.now()
        return self._ruled(deployment, feed, self.router.book.approve, now)

    def reject(self, deployment: str, feed: str) -> list[Shift]:
        """A person drops a held quote; raises NothingHeld."""
        now = self.clock.now()
        return self._ruled(deployment, feed, self.router.book.reject, now)

    def _ruled(
        self,
        deployment: str,
        feed: str,
        rule: Callable[[str, str, float], list[Shift]],
        now: float,
    ) -> list[Shift]:
        self._kept.setdefault(deployment, self.router.book.in_force(deployment, now))
        try:
            shifts = rule(deployment, feed, now)
        except KeyError as error:
            raise NothingHeld(f"no quote of {feed!r} for {deployment!r} is held") from error
        except ValueError as error:
            raise BadRequest(str(error), param="feed") from error
        self._keep_in_force(deployment, now)
        for shift in shifts:
            self.publish(shift)
        return shifts

    def nearest(self, deployment: str) -> list[str]:
        """Names that feeds listed and that look like this deployment's."""
        return get_close_matches(deployment, self._seen, n=3)

    def _absorb(self, tick: Quote | HealthReport | Vanished, now: float) -> None:
        shifts = self.router.absorb(tick, now)
        if shifts and isinstance(tick, HealthReport):
            self.keep(tick)
        for shift in shifts:
            self.publish(shift)

    def _notice_absence(
        self, definition: FeedDefinition, listed: dict[str, str], now: float
    ) -> None:
        """Deployments this feed listed at its last reading and no longer does."""
        before = self._listed.get(definition.id, {})
        for deployment, model in before.items():
            if deployment not in listed:
                tick = Vanished(
                    deployment=deployment, feed=definition.id, feed_model=model, seen_at=now
                )
                self._absorb(tick, now)
        self._listed[definition.id] = listed


def quote_of(
    row: PriceRow, deployment: str, definition: FeedDefinition, seen_at: float, is_indirect: bool
) -> Quote:
    """A feed's row as a statement about one deployment."""
    return Quote(
        deployment=deployment,
        feed=definition.id,
        feed_model=row.model,
        usd_per_mtok=row.usd_per_mtok,
        tiers=row.tiers,
        windows=row.windows,
        service_tiers=row.service_tiers,
        quoted_at=row.quoted_at,
        seen_at=seen_at,
        valid_from=row.valid_from,
        valid_until=row.valid_until,
        currency=row.currency,
        zero_reason=row.zero_reason,
        trust=definition.trust,
        is_indirect=is_indirect,
    )


def log_shift(shift: Shift) -> None:
    """One line in the log."""
    facts = {
        name: value for name, value in shift_view(shift).items() if name not in ("event", "at")
    }
    if not shift.deployment:
        del facts["deployment"]
    event_log().info(shift.kind, **facts)
