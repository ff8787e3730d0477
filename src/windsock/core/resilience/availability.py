"""The deployments as callees: who is open, who is full, and whom to ask instead."""

from __future__ import annotations

from collections.abc import Iterable, Set
from math import inf

from windsock.core.model.calls import LASTING, Attempt, CallKind, CallResult, Out
from windsock.core.model.catalog import Catalog
from windsock.core.model.decisions import WeightTable
from windsock.core.pricing.prices_in_force import PricesInForce
from windsock.core.resilience.concurrency import ConcurrencyLimits
from windsock.core.resilience.health import HealthBoard
from windsock.errors import NoCandidate

UNPRICED = "it has no price in force"


class Availability:
    """Reads the catalog, prices, health and limits; counts calls as they begin."""

    def __init__(
        self,
        *,
        catalog: Catalog,
        book: PricesInForce,
        health: HealthBoard,
        limits: ConcurrencyLimits,
    ) -> None:
        self._catalog = catalog
        self._book = book
        self._health = health
        self._limits = limits

    def is_open(self, deployment: str, now: float) -> bool:
        """True if it is healthy and priced."""
        return deployment in self._catalog.deployments and self.why_out(deployment, now) is None

    def why_out(self, deployment: str, now: float) -> str | None:
        """What keeps it from being asked, its health or the want of a price; None if nothing."""
        reason = self._health.why_out(deployment, self.provider(deployment), now)
        if reason is None and self._book.in_force(deployment, now) is None:
            return UNPRICED
        return reason

    def is_ejected(self, deployment: str, now: float) -> bool:
        """True if it is left alone for its failures."""
        return self._health.is_ejected(deployment, now)

    def is_proven(self, deployment: str, now: float) -> bool:
        """True if it has answered somebody of late."""
        return self._health.proofs.is_proven(deployment, now)

    def has_failed_once(self, deployment: str, by: float) -> bool:
        """True if its failure is a single one, as far as is known, and it is open by then."""
        is_single = self._health.failures_in_a_row(deployment) <= 1
        return is_single and self._health.cooldown_until(deployment) <= by

    def can_take(self, deployment: str, now: float) -> bool:
        """True if it is healthy, priced and not full."""
        return self.is_open(deployment, now) and not self.is_full(deployment)

    def redraw(
        self,
        table: WeightTable,
        mark: float,
        tried: Set[str],
        last: CallResult | None,
        now: float,
    ) -> str | None:
        """Another deployment from the same weights, not tried, full or out; None if none.

        mark    a number in [0, 1), which draws it

        One that is out is the last resort against a single failure. Where the one that failed is
        out itself, only who has just answered somebody is asked: else all that are sick would be,
        for every request.
        """
        left = [
            (name, weight)
            for name, weight in zip(table.deployments, table.weights, strict=True)
            if name not in tried and name in self._catalog.deployments and not self.is_full(name)
        ]
        pairs = [pair for pair in left if self.is_open(pair[0], now)]
        if not pairs:
            is_one = last is None or not self.is_ejected(last.attempt.deployment, now)
            is_proven = self._health.proofs.is_proven
            is_known = last is not None and last.about.asked is not None
            pairs = [
                (name, weight)
                for name, weight in left
                if self._health.is_worth_a_try(name, now)
                and (is_one or (is_known and is_proven(name, now)))
            ]
        return _drawn(pairs, mark) if pairs else None

    def is_full(self, deployment: str) -> bool:
        """True if its provider takes no more calls at a time."""
        return self._limits.are_limited and self._limits.is_full(self.provider(deployment))

    def capacity(self) -> float:
        """Calls that all providers together take at a time; inf if one of them sets no limit."""
        if not self._limits.are_limited:
            return inf
        return self._limits.capacity({d.provider for d in self._catalog.deployments.values()})

    def begin(self, attempt: Attempt, now: float) -> None:
        """A call is being made."""
        self._health.begin(attempt.deployment, now)
        if self._limits.are_limited:
            self._limits.begin(self.provider(attempt.deployment))

    def end(self, result: CallResult, now: float) -> None:
        """A call has ended."""
        if self._limits.are_limited:
            self._limits.end(self.provider(result.attempt.deployment), result, now)

    def retry_after_s(self, deployments: Iterable[str], now: float) -> float | None:
        """Seconds until the first of them comes back, or None if one is not cooling down."""
        left = [self._back_in_s(name, now) for name in deployments]
        return min(left) if left and min(left) > 0 else None

    def _back_in_s(self, name: str, now: float) -> float:
        """Until it is asked again; one that may be asked for want of others comes back later."""
        return self.may_be_asked_in_s(name, now) or self._health.cooldown_until(name) - now

    def may_be_asked_in_s(self, deployment: str, now: float) -> float:
        """Until it may be asked for want of others; 0 s if it may be at once."""
        return self._health.back_at(deployment, now) - now

    def provider(self, deployment: str) -> str:
        """Of a deployment that may have left the catalog while it was being called."""
        known = self._catalog.deployments.get(deployment)
        return deployment.partition("/")[0] if known is None else known.provider

    def account(self, result: CallResult) -> tuple[str, ...]:
        """The other deployments of the account that a refusal speaks of; empty if of none."""
        verdict = result.verdict
        if verdict.out is not Out.ACCOUNT and verdict.kind is not CallKind.OUT_OF_CREDIT:
            return ()
        asked = result.attempt.deployment
        provider, known = self.provider(asked), self._catalog.deployments
        return tuple(n for n, d in known.items() if d.provider == provider and n != asked)

    def is_doubted(self, result: CallResult) -> bool:
        """True if it blames the caller, as nearly every caller is blamed there."""
        rise = self._health.errors.rise_at(result.attempt.deployment)
        return rise is not None and result.kind is CallKind.CALLER_ERROR

    def holds_more(self, name: str, than: str) -> bool:
        """True if its context window is larger than that of another, or one is not known."""
        known = self._catalog.deployments
        if name not in known or than not in known:
            return True
        has, had = (known[each].capabilities.context_tokens for each in (name, than))
        return has is None or had is None or has > had

    def nobody(self, route: str, table: WeightTable, now: float) -> NoCandidate:
        """Why no candidate of a table can serve, and whether that will pass."""
        cooldowns = [
            left_s for name in table.ruled_out if (left_s := self._back_in_s(name, now)) > 0
        ]
        causes = [self._health.cause(name, now) for name in table.ruled_out]
        lasting = all(
            self.is_open(name, now) for name in table.ruled_out if name in self._catalog.deployments
        )
        return NoCandidate(
            route,
            table.reasons,
            is_lasting=lasting,
            retry_after_s=min(cooldowns, default=None),
            cause=min(filter(None, causes), key=LASTING.__contains__, default=None),
        )


def _drawn(pairs: list[tuple[str, float]], mark: float) -> str:
    """The one in whose share of the weights the mark falls; the last where none has a weight."""
    mark *= sum(weight for _, weight in pairs)
    for name, weight in pairs:
        mark -= weight
        if mark < 0:
            return name
    return pairs[-1][0]
