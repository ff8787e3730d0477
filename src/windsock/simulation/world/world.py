"""The weather: what would happen to each request at each deployment, whatever a policy does.

All chance of the world is drawn before any policy runs, from its own generator, so that two
policies under one seed meet the same requests and the same luck.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from functools import cached_property
from typing import Any

import numpy as np

from windsock.core.evidence.warm_start import PastResult
from windsock.core.model.calls import Attempt, AttemptReason, CallKind, CallResult, total_usd
from windsock.core.model.catalog import CacheTraits, Capabilities, Catalog, Deployment
from windsock.core.model.requests import DEFAULT_NAMESPACE
from windsock.core.model.ticks import Quote
from windsock.core.model.units import Prices, cost_usd, to_float
from windsock.core.pricing.call_costs import call_cost_usd
from windsock.core.pricing.schedule import flat_prices, next_moment
from windsock.simulation.world import archive, price_statements, traffic
from windsock.simulation.world.claims import Claims
from windsock.simulation.world.conditions import Shock
from windsock.simulation.world.prompt_caches import usage_of
from windsock.simulation.world.scenario import Scenario
from windsock.simulation.world.traffic import HOUR_S, SimulatedRequest


class World:
    """A scenario under one seed.

    namespace   that its clients ask in
    shocks      of the scenario and of its archive, in order of time
    """

    def __init__(self, scenario: Scenario, seed: int) -> None:
        self.namespace = DEFAULT_NAMESPACE
        self.scenario = scenario
        self.seed = seed
        self.names = tuple(scenario.deployments)
        self.starts_at = scenario.begins
        self.ends_at = scenario.begins + scenario.hours * HOUR_S
        known = [*scenario.shocks, *archive.shocks(scenario)]
        self.shocks = tuple(sorted(known, key=lambda shock: shock.at_hour))
        self.truth = price_statements.truths(scenario, list(self.shocks))
        self._since = {
            name: [quote.seen_at for quote in quotes] for name, quotes in self.truth.items()
        }
        self._drifts = sorted(scenario.drifts, key=lambda drift: drift.at_hour)
        told = scenario.confidence
        self._claims = None if told is None else Claims(told)

    @cached_property
    def asks(self) -> list[SimulatedRequest]:
        """The whole traffic, in order of time."""
        return traffic.simulated_requests(self.scenario, self.seed)

    def evaluations(self) -> list[PastResult]:
        """What was known before the run: every deployment tried on some prompts of every task."""
        count = self.scenario.evaluated
        rng: Any = np.random.default_rng([self.scenario.seed, self.seed, 3])
        at = self.starts_at
        return [
            PastResult(
                task=task,
                deployment=name,
                success=float(rng.binomial(count, self.quality(name, task, at))) / count,
                count=count,
            )
            for task in self.scenario.tasks
            for name in self.names
            if count and self.exists(name, at)
        ]

    def hour(self, at: float) -> float:
        """Hours since the start of the run."""
        return (at - self.starts_at) / HOUR_S

    def catalog(self) -> Catalog:
        """All deployments of the scenario, also those that come later."""
        return Catalog(
            Deployment(
                id=name,
                provider=name.partition("/")[0],
                model=name.partition("/")[2],
                capabilities=Capabilities(context_tokens=1_000_000),
                cache=CacheTraits(ttl_s=self.scenario.deployments[name].cache_ttl_s),
            )
            for name in self.names
        )

    def quotes(self) -> list[Quote]:
        """Every price statement of the feeds, in the order they are seen."""
        return self._quotes

    def first_quotes(self) -> list[Quote]:
        """The first statement of every feed on every deployment."""
        first: dict[tuple[str, str], Quote] = {}
        for quote in self._quotes:
            first.setdefault((quote.feed, quote.deployment), quote)
        return list(first.values())

    @cached_property
    def _quotes(self) -> list[Quote]:
        return price_statements.statements(self.scenario, self.truth)

    def shown_at(self, shock: Shock) -> float:
        """When a feed first shows a price change."""
        return price_statements.shown_at(self.scenario, shock)

    def behind(self, name: str, at: float) -> str:
        """The deployment whose model truly answers."""
        other = f"{name.partition('/')[0]}/{self.served_model(name, at)}"
        return other if other in self.scenario.deployments else name

    def prices(
        self, name: str, at: float, *, prompt_tokens: int = 0, service_tier: str | None = None
    ) -> Prices:
        """What is truly billed at this moment for a request of this size, by meter."""
        name = self.behind(name, at)
        index = max(0, bisect_right(self._since[name], at) - 1)
        quote = self.truth[name][index]
        return flat_prices(quote, at, prompt_tokens=prompt_tokens, service_tier=service_tier)

    def paid_usd(self, results: Iterable[CallResult]) -> float:
        """True dollars of these calls, whether or not a feed had shown the prices.

        raises  ValueError if one used what the scenario does not price
        """
        usd = total_usd(call_cost_usd(result, self) for result in results)
        if usd is None:
            raise ValueError("a call used what the scenario does not price")
        return to_float(usd)

    def usd(self, name: str, task: str, at: float) -> float:
        """True dollars of one mean request."""
        kind = self.scenario.tasks[task]
        usage = usage_of(kind, int(kind.prompt_tokens), int(kind.output_tokens))
        return to_float(cost_usd(usage.counts(), self.prices(name, at)))

    def quality(self, name: str, task: str, at: float) -> float:
        """True probability of success."""
        name = self.behind(name, at)
        quality = self.scenario.deployments[name].quality[task]
        for drift in self._drifts:
            is_due = drift.at_hour <= self.hour(at)
            if drift.deployment == name and drift.task in (None, task) and is_due:
                quality = drift.quality
        return quality

    def exists(self, name: str, at: float) -> bool:
        """True from the hour on at which the deployment is offered."""
        return self.scenario.deployments[name].from_hour <= self.hour(at)

    def is_up(self, name: str, at: float) -> bool:
        """True if it exists and no outage holds."""
        hour = self.hour(at)
        return self.exists(name, at) and not any(
            outage.deployment == name and outage.from_hour <= hour < outage.to_hour
            for outage in self.scenario.outages
        )

    def failure_share(self, name: str, at: float) -> float:
        """Share of its calls that fail, 0..1; all of them while it is down."""
        return self.scenario.deployments[name].failure_share if self.is_up(name, at) else 1.0

    def served_model(self, name: str, at: float) -> str:
        """The model that the answers name."""
        served = name.partition("/")[2]
        for redirect in self.scenario.redirects:
            if redirect.deployment == name and redirect.at_hour <= self.hour(at):
                served = redirect.served_model
        return served

    def slowness(self, name: str, at: float) -> float:
        """Factor on its usual times, 1 while nothing slows it down."""
        hour = self.hour(at)
        factor = 1.0
        for slow in self.scenario.slowdowns:
            if slow.deployment == name and slow.from_hour <= hour < slow.to_hour:
                factor *= slow.factor
        return factor

    def first_token_s(self, name: str, at: float) -> float:
        """Usual time to the first token; a call's own pace is 0.5 to 1.5 times that."""
        place = self.scenario.deployments[name]
        return (place.first_token_s or place.latency_s / 2) * self.slowness(name, at)

    def call(
        self, attempt: Attempt, ask: SimulatedRequest, at: float, held_tokens: int | None = None
    ) -> CallResult:
        """What the deployment does with the request.

        held_tokens     of a conversation's prompt that it has cached; None: it stands alone
        """
        name = attempt.deployment
        index = self.names.index(name)
        place = self.scenario.deployments[name]
        if self._fails(attempt, float(ask.fate[index]), self.failure_share(name, at)):
            return CallResult(
                attempt=attempt, kind=CallKind.SERVER_ERROR, latency_s=0.05, status=503
            )
        pace = 0.5 + float(ask.pace[index])
        kind = self.scenario.tasks[ask.task]
        usage = usage_of(kind, ask.prompt_tokens, ask.output_tokens, held_tokens)
        prices = self.prices(name, at, prompt_tokens=usage.prompt_tokens)
        billed = cost_usd(usage.counts(), prices) if self.scenario.bills else None
        return CallResult(
            attempt=attempt,
            kind=CallKind.ANSWERED,
            latency_s=place.latency_s * self.slowness(name, at) * pace,
            first_byte_s=self.first_token_s(name, at) * pace,
            status=200,
            usage=usage,
            served_model=self.served_model(name, at),
            billed_usd=billed,
            confidence=self.confidence(name, ask, at),
            finish_reason="stop",
        )

    def _fails(self, attempt: Attempt, fate: float, share: float) -> bool:
        """Whether a call fails where `share` of them do.

        Of a fate that failed, the part below the share is a fate of its own, evenly spread: that of
        asking the same deployment again.
        """
        if fate >= share:
            return False
        return attempt.reason is not AttemptReason.RETRY or fate / share < share

    def is_right(self, name: str, ask: SimulatedRequest, at: float) -> bool:
        """True if its answer to this request would be right."""
        return bool(ask.luck[self.names.index(name)] < self.quality(name, ask.task, at))

    def worth(self, name: str, ask: SimulatedRequest, at: float) -> float:
        """What a judge gives for the answer, 0..1."""
        return float(self.is_right(name, ask, at))

    def confidence(self, name: str, ask: SimulatedRequest, at: float) -> float | None:
        """How sure the answer is of itself, if answers tell."""
        if self._claims is None:
            return None
        doubt = ask.doubt[self.names.index(name)]
        return self._claims.confidence(doubt, is_right=self.is_right(name, ask, at))

    def passes(self, threshold: float, success: float) -> tuple[float, float]:
        """Share of wrong and of right answers whose calibrated confidence reaches `threshold`.

        success     share of right answers, from which the calibration follows
        """
        return self._claims.passes(threshold, success) if self._claims else (0.0, 0.0)

    def changes(self) -> list[float]:
        """Moments at which the truth changes, besides the rhythm of the traffic."""
        scenario = self.scenario
        hours = [drift.at_hour for drift in scenario.drifts]
        hours += [redirect.at_hour for redirect in scenario.redirects]
        for spans in (scenario.outages, scenario.slowdowns, scenario.surges):
            hours += [hour for span in spans for hour in (span.from_hour, span.to_hour)]
        hours += [place.from_hour for place in scenario.deployments.values()]
        found = {self.starts_at + hour * HOUR_S for hour in hours}
        for quotes in self.truth.values():
            found |= {quote.seen_at for quote in quotes}
            found |= self._clock_changes(quotes)
        return sorted(at for at in found if self.starts_at < at < self.ends_at)

    def _clock_changes(self, quotes: list[Quote]) -> set[float]:
        """When recurring hours begin or end."""
        found = set()
        for quote, until in zip(
            quotes, [*(q.seen_at for q in quotes[1:]), self.ends_at], strict=True
        ):
            at = next_moment(quote, quote.seen_at)
            while at < until:
                found.add(at)
                at = next_moment(quote, at)
        return found
