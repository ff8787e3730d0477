"""Which price bills a deployment, now and at any past moment, and how it stands."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from math import inf

from windsock.core.model.ticks import Quote
from windsock.core.model.units import Counts, Prices, Usage
from windsock.core.pricing.call_costs import known_cost_usd
from windsock.core.pricing.consensus.standing import (
    PriceStatus,
    Statement,
    aged,
    measured,
    statements_of,
    status_of,
)
from windsock.core.pricing.consensus.timeline import PriceTimeline, Standing
from windsock.core.pricing.entries import Entries
from windsock.core.pricing.facets.effective import EffectivePrices
from windsock.core.pricing.peers.peer_prices import PeerPrices
from windsock.core.pricing.rules import GuardRules
from windsock.core.pricing.schedule import flat_prices


class PricesInForce:
    """What may be asked of prices; asking changes none: whoever may change them has a `PriceBook`.

    version     grows on every change that can move a weight
    """

    def __init__(self, rules: GuardRules) -> None:
        self.rules = rules
        self.version = 0
        self.effective = EffectivePrices()
        self._entries = Entries(rules)
        self._peers = PeerPrices(rules)
        self._changed_at: dict[str | None, int] = {None: 0}
        self._lasting: dict[str, tuple[float, Quote]] = {}
        self._now = -inf

    def in_force(self, deployment: str, at: float) -> Quote | None:
        """What bills a request at `at`: the believed quote, whole, as its contract has it."""
        name = self._entries.name_of(deployment) if self._entries.redirects else deployment
        lasting = self._lasting.get(name)
        if lasting is not None and lasting[0] <= at:
            return lasting[1]
        entry = self._entries.by_name.get(name)
        if entry is None:
            return None
        quote = self.effective.of(name, entry.timeline, at)
        if (found := self.effective.lasting(name, entry.timeline)) is not None:
            self._lasting[name] = found
        return quote

    def believed(self, deployment: str, at: float) -> Quote | None:
        """The accepted quote alone, as its feed states it."""
        entry = self._entries.billed(deployment)
        return None if entry is None else entry.timeline.in_force(at)

    def prices(
        self,
        deployment: str,
        at: float,
        *,
        prompt_tokens: int = 0,
        service_tier: str | None = None,
    ) -> Prices | None:
        """Flat prices by meter for one request at this hour and of this size."""
        quote = self.in_force(deployment, at)
        if quote is None:
            return None
        return flat_prices(quote, at, prompt_tokens=prompt_tokens, service_tier=service_tier)

    def cost_usd(
        self, deployment: str, usage: Usage, at: float, *, service_tier: str | None = None
    ) -> Decimal | None:
        """Dollars for a counted use; None without a price of all that was used."""
        size, counts = usage.prompt_tokens, usage.counts()
        return self.effective_usd(
            deployment, counts, at, prompt_tokens=size, service_tier=service_tier
        )

    def effective_usd(
        self,
        deployment: str,
        mix: Counts,
        at: float,
        *,
        prompt_tokens: int = 0,
        service_tier: str | None = None,
    ) -> Decimal | None:
        """Expected dollars of one request that uses its meters like `mix`."""
        prices = self.prices(deployment, at, prompt_tokens=prompt_tokens, service_tier=service_tier)
        return None if prices is None else known_cost_usd(mix, prices)

    def status(self, deployment: str, now: float) -> PriceStatus:
        """How its price stands at `now`."""
        entry = self._entries.billed(deployment)
        timeline = entry.timeline if entry else PriceTimeline(self.rules)
        status = status_of(timeline, now, billed_as=self._entries.redirects.get(deployment))
        return measured(status, self.in_force(deployment, now), self.standing(deployment, now))

    def quoted(self, deployment: str, now: float) -> tuple[Quote | None, float | None]:
        """The quote in force and its age in s: the part of `status` that weight tables show."""
        quote, entry = self.in_force(deployment, now), self._entries.billed(deployment)
        return (quote, entry.timeline.age_s(quote, now)) if entry else (None, None)

    def statements(self, deployment: str, now: float) -> list[Statement]:
        """What every feed says of a price, its age and trust, and whether it agrees."""
        entry = self._entries.billed(deployment)
        return statements_of(entry.timeline, now) if entry else []

    def standing(self, deployment: str, at: float | None = None) -> Standing:
        """What is to be thought of the price in force: provisional, dearer than stated, disputed.

        at      unix s, by which its age counts, too; None: as of the last statement
        """
        name, entry = self._entries.name_of(deployment), self._entries.billed(deployment)
        if entry is None:
            return Standing()
        now = max(self._now, entry.timeline.counted_at) if at is None else at
        return aged(self._peers.placed(name, entry.timeline, now), entry.timeline, now)

    def is_stale(self, age_s: float | None) -> bool:
        """True if nothing confirmed a price for longer than the rules allow."""
        return age_s is not None and age_s > self.rules.stale_s

    def next_change_at(self, deployments: Iterable[str], after: float) -> float:
        """The next moment at which a price changes by the clock alone; inf if never."""
        return min((self._entries.next_change_at(name, after) for name in deployments), default=inf)

    def next_aging_at(self, deployments: Iterable[str], after: float) -> float:
        """The next moment at which a price is taken for dearer since nothing confirmed it."""
        return min((self._entries.next_aging_at(name, after) for name in deployments), default=inf)

    def history(self, deployment: str, since: float, until: float) -> list[Quote]:
        """Accepted quotes, in the order in which they came into force."""
        entry = self._entries.by_name.get(deployment)
        accepted = entry.timeline.accepted if entry else []
        return [quote for quote in accepted if since <= quote.seen_at < until]

    def knows(self, deployment: str) -> bool:
        """True if a price of it was ever believed."""
        return bool(self.history(deployment, -inf, inf))

    def changed_since(self, version: int, deployments: Iterable[str]) -> bool:
        """True if anything that moves a weight of these changed after `version`."""
        known = self._changed_at
        return known[None] > version or any(
            known.get(self._entries.name_of(name), 0) > version for name in deployments
        )
