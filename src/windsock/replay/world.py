"""The weather: what would happen to each request at each deployment, whatever a policy does.

All chance of the world is drawn before any policy runs, from its own generator, so that two
policies under one seed meet the same requests and the same luck.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from windsock.core.catalog import Capabilities, Catalog, Deployment
from windsock.core.quotes import Quote
from windsock.core.records import Attempt, CallKind, CallResult
from windsock.core.units import Meter, Prices, Usage
from windsock.replay.scenario import Place, Scenario, Shock

FEED = "simulated"

POLLS = 4
"""Polls that repeat a changed price, so that a cautious price book can be convinced."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One request of the world. luck and pace hold one number in [0, 1) per deployment."""

    number: int
    at: float
    task: str
    prompt_tokens: int
    output_tokens: int
    luck: NDArray[np.float64]
    pace: NDArray[np.float64]
    is_judged: bool
    judged_after_s: float


class World:
    """A scenario under one seed."""

    def __init__(self, scenario: Scenario, seed: int) -> None:
        self.scenario = scenario
        self.names = tuple(scenario.deployments)
        self.starts_at = datetime.fromisoformat(
            scenario.starts_at.replace("Z", "+00:00")
        ).timestamp()
        self.asks = _asks(scenario, seed, self.starts_at)
        self._drifts = sorted(scenario.drifts, key=lambda drift: drift.at_hour)

    def hour(self, at: float) -> float:
        return (at - self.starts_at) / 3600

    def catalog(self) -> Catalog:
        return Catalog(
            Deployment(
                id=name,
                provider=name.partition("/")[0],
                model=name.partition("/")[2],
                capabilities=Capabilities(context_tokens=1_000_000),
            )
            for name in self.names
        )

    def quotes(self) -> list[Quote]:
        """Every price statement of the feed, in the order it is seen; the first are the start's."""
        scenario = self.scenario
        quotes = [
            self._quote(name, place.input, place.output, place.from_hour, delay_s=0.0)
            for name, place in scenario.deployments.items()
        ]
        quotes += [
            self._quote(
                s.deployment,
                s.input,
                s.output,
                s.at_hour,
                delay_s=scenario.feed_delay_s + poll * scenario.poll_s,
            )
            for s in scenario.shocks
            for poll in range(POLLS)
        ]
        return sorted(quotes, key=lambda quote: quote.seen_at)

    def shown_at(self, shock: Shock) -> float:
        """When the feed first shows a price change."""
        return self.starts_at + shock.at_hour * 3600 + self.scenario.feed_delay_s

    def prices(self, name: str, at: float) -> Prices:
        """What is truly billed at this moment."""
        place: Place = self.scenario.deployments[name]
        usd_in, usd_out = place.input, place.output
        for shock in self.scenario.shocks:
            if shock.deployment == name and shock.at_hour <= self.hour(at):
                usd_in, usd_out = shock.input, shock.output
        return _prices(usd_in, usd_out)

    def quality(self, name: str, task: str, at: float) -> float:
        """True probability of success."""
        quality = self.scenario.deployments[name].quality[task]
        for drift in self._drifts:
            is_due = drift.at_hour <= self.hour(at)
            if drift.deployment == name and drift.task in (None, task) and is_due:
                quality = drift.quality
        return quality

    def exists(self, name: str, at: float) -> bool:
        return self.scenario.deployments[name].from_hour <= self.hour(at)

    def is_up(self, name: str, at: float) -> bool:
        hour = self.hour(at)
        return self.exists(name, at) and not any(
            outage.deployment == name and outage.from_hour <= hour < outage.to_hour
            for outage in self.scenario.outages
        )

    def call(self, attempt: Attempt, ask: Ask, at: float) -> CallResult:
        """What the deployment does with the request."""
        index = self.names.index(attempt.deployment)
        latency_s = self.scenario.deployments[attempt.deployment].latency_s
        if not self.is_up(attempt.deployment, at):
            return CallResult(
                attempt=attempt, kind=CallKind.SERVER_ERROR, latency_s=0.05, status=503
            )
        taken_s = latency_s * (0.5 + float(ask.pace[index]))
        return CallResult(
            attempt=attempt,
            kind=CallKind.ANSWERED,
            latency_s=taken_s,
            first_byte_s=taken_s / 2,
            status=200,
            usage=Usage(input_tokens=ask.prompt_tokens, output_tokens=ask.output_tokens),
            finish_reason="stop",
        )

    def is_right(self, name: str, ask: Ask, at: float) -> bool:
        return bool(ask.luck[self.names.index(name)] < self.quality(name, ask.task, at))

    def _quote(
        self, name: str, usd_in: float, usd_out: float, hour: float, *, delay_s: float
    ) -> Quote:
        quoted_at = self.starts_at + hour * 3600
        return Quote(
            deployment=name,
            feed=FEED,
            feed_model=name,
            usd_per_mtok=_prices(usd_in, usd_out),
            quoted_at=quoted_at,
            seen_at=quoted_at + delay_s,
            zero_reason="simulated",
            trust=0.9,
        )


def _prices(usd_in: float, usd_out: float) -> Prices:
    return {Meter.INPUT: Decimal(str(usd_in)), Meter.OUTPUT: Decimal(str(usd_out))}


def _asks(scenario: Scenario, seed: int, starts_at: float) -> list[Ask]:
    """The whole traffic, arrival by arrival."""
    rng: Any = np.random.default_rng([scenario.seed, seed])
    mean = scenario.hours * scenario.requests_per_hour
    count = int(rng.poisson(mean))
    at = starts_at + np.sort(rng.random(count)) * scenario.hours * 3600
    tasks = list(scenario.tasks)
    shares = np.array([scenario.tasks[task].share for task in tasks])
    which = rng.choice(len(tasks), size=count, p=shares / shares.sum())
    size = np.exp(rng.normal(0.0, 0.25, size=(count, 2)))
    luck = rng.random((count, len(scenario.deployments)))
    pace = rng.random((count, len(scenario.deployments)))
    judged = rng.random(count) < scenario.feedback_share
    after = rng.exponential(scenario.feedback_delay_s or 1e-9, size=count)
    return [
        Ask(
            number=i,
            at=float(at[i]),
            task=tasks[which[i]],
            prompt_tokens=max(1, int(scenario.tasks[tasks[which[i]]].prompt_tokens * size[i, 0])),
            output_tokens=max(1, int(scenario.tasks[tasks[which[i]]].output_tokens * size[i, 1])),
            luck=luck[i],
            pace=pace[i],
            is_judged=bool(judged[i]),
            judged_after_s=float(after[i]),
        )
        for i in range(count)
    ]
