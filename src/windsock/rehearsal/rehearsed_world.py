"""The world of a rehearsal: the log's traffic goes on, and models are as good as is believed."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from functools import cached_property
from typing import Any
from zlib import crc32

import numpy as np

from windsock.core.model.calls import Attempt, CallResult
from windsock.core.model.ticks import Quote
from windsock.core.model.units import Meter, to_float
from windsock.core.pricing.rules import OWN_FEED
from windsock.rehearsal.changes import Changes, Newcomer
from windsock.rehearsal.drawn_truth import Lengths, Qualities
from windsock.rehearsal.logged_traffic import Asked, Calls, LoggedTraffic
from windsock.rehearsal.traffic_to_come import rounds_to_come
from windsock.simulation.world.price_statements import POLLS
from windsock.simulation.world.scenario import Scenario
from windsock.simulation.world.traffic import HOUR_S, SimulatedRequest
from windsock.simulation.world.world import World

FEED = "rehearsal"
POLL_S = 60.0

USUAL_LATENCY_S = 1.0
"""Of a deployment that the log never saw, as its failure share is 0: the report says so."""


def scenario_of_rehearsal(
    traffic: LoggedTraffic,
    quotes: dict[str, Quote],
    qualities: Qualities,
    *,
    begins: str,
    hours: float,
    flagship: str,
) -> Scenario:
    """The world in the simulator's words. Traffic, prices and how they move are told by itself."""
    body = {
        "title": "rehearsal",
        "starts_at": begins,
        "hours": hours,
        "requests_per_hour": max(1e-6, len(traffic.asked) / max(1 / 60, traffic.span_s / HOUR_S)),
        "feedback_delay_s": traffic.judged_after_s,
        "feeds": {FEED: 0.0},
        "poll_s": POLL_S,
        "refresh_s": 1.0,
        "refresh_outcomes": 20,
        "route": {"quality_floor": 0.5},
        "rivals": {"flagship": flagship, "otherwise": flagship},
        "tasks": {task: _task(rows) for task, rows in sorted(_by_task(traffic).items())},
        "deployments": {
            name: _place(quotes[name], qualities[name], traffic.calls.get(name, Calls()))
            for name in qualities
        },
    }
    return Scenario.model_validate(body)


class RehearsedWorld(World):
    """A scenario whose requests are such as the log's, and whose prices are the book's.

    quotes      in force at the start, by deployment
    voices      what each feed says of a deployment: each tells of a change
    lengths     of answers, by (task, deployment): see `drawn_lengths`
    """

    def __init__(
        self,
        scenario: Scenario,
        seed: int,
        *,
        traffic: LoggedTraffic,
        changes: Changes,
        quotes: dict[str, Quote],
        voices: dict[str, list[Quote]],
        lengths: Lengths,
        every: int,
    ) -> None:
        super().__init__(scenario, seed)
        self.namespace = traffic.namespace
        self._traffic = traffic
        self._changes = changes
        self._voices = voices
        self._lengths = lengths
        self._every = every
        self._change_at = self.starts_at + changes.at_s
        moved = _moved(quotes, changes)
        self.truth = {
            name: [
                replace(quote, seen_at=self.starts_at),
                *([replace(moved[name], seen_at=self._change_at)] if name in moved else ()),
            ]
            for name, quote in quotes.items()
        }
        self._since = {name: [each.seen_at for each in held] for name, held in self.truth.items()}

    @cached_property
    def asks(self) -> list[SimulatedRequest]:
        """Requests such as the log's, shifted to the time of the rehearsal, with luck of their own.

        The luck at a deployment is the same whoever stands beside it.
        """
        rng: Any = np.random.default_rng([self.scenario.seed, self.seed])
        rows = rounds_to_come(self._traffic, self.starts_at, self.ends_at, self._every, rng)
        luck = self._luck(len(rows))
        shares, delay_s = self._traffic.judged_share, self._traffic.judged_after_s or 1e-9
        return [
            SimulatedRequest(
                number=number,
                at=row.at,
                task=row.task,
                prompt_tokens=row.prompt_tokens,
                output_tokens=max(1, round(row.output_tokens)),
                luck=luck[0, number],
                pace=luck[1, number],
                doubt=luck[2, number],
                fate=luck[3, number],
                is_judged=bool(rng.random() < shares[row.task]),
                judged_after_s=float(rng.exponential(delay_s)),
                session=row.session,
            )
            for number, row in enumerate(rows)
        ]

    def _luck(self, count: int) -> Any:
        """(4, count, deployments) numbers in [0, 1)."""
        seeds = [[self.scenario.seed, self.seed, crc32(name.encode())] for name in self.names]
        return np.stack([np.random.default_rng(seed).random((4, count)) for seed in seeds], axis=2)

    @cached_property
    def _quotes(self) -> list[Quote]:
        """What feeds say when prices change, some polls long, and of newcomers."""
        found = []
        for name in self.names:
            change = self._changes.prices.of(name)
            for quote in self._voices.get(name, ()) if change else ():
                assert change is not None
                said = change.applied(quote)
                found += [
                    replace(said, seen_at=at, quoted_at=self._change_at)
                    for at in (self._change_at + poll * POLL_S for poll in range(POLLS))
                ]
        for comer in self._changes.newcomers:
            found.append(replace(newcomers_quote(comer, self._change_at), trust=1.0))
        return sorted(found, key=lambda quote: (quote.seen_at, -quote.trust, quote.feed))

    def exists(self, name: str, at: float) -> bool:
        """True from the moment on at which a newcomer comes."""
        is_new = any(each.name == name for each in self._changes.newcomers)
        return not is_new or at >= self._change_at

    def is_up(self, name: str, at: float) -> bool:
        """True unless it was retired, or is away."""
        return self.exists(name, at) and not self._changes.is_hit(name, at - self.starts_at)

    def call(
        self, attempt: Attempt, ask: SimulatedRequest, at: float, held_tokens: int | None = None
    ) -> CallResult:
        """As the deployment answers: as long as its answers are."""
        length = self._lengths.get((ask.task, attempt.deployment), 1.0)
        sized = replace(ask, output_tokens=max(1, round(ask.output_tokens * length)))
        if held_tokens is not None:
            held_tokens = int(held_tokens * self._traffic.hits.get(attempt.deployment, 1.0))
        return super().call(attempt, sized, at, held_tokens)


def newcomers_quote(comer: Newcomer, at: float) -> Quote:
    """What its owner says that a newcomer costs."""
    return Quote(
        deployment=comer.name,
        feed=OWN_FEED,
        feed_model=comer.name,
        usd_per_mtok={Meter.INPUT: _money(comer.input), Meter.OUTPUT: _money(comer.output)},
        seen_at=at,
        zero_reason="imagined",
        trust=1.0,
    )


def _moved(quotes: dict[str, Quote], changes: Changes) -> dict[str, Quote]:
    """Prices that change, as they will be."""
    return {
        name: changes.prices.applied(quote)
        for name, quote in quotes.items()
        if changes.prices.of(name) is not None
    }


def _by_task(traffic: LoggedTraffic) -> dict[str, list[Asked]]:
    rows: dict[str, list[Asked]] = {}
    for each in traffic.asked:
        rows.setdefault(each.task, []).append(each)
    return rows


def _task(rows: list[Asked]) -> dict[str, Any]:
    sent = sum(each.prompt_tokens for each in rows)
    cached = sum(each.prompt_tokens * each.cached_share for each in rows)
    return {
        "share": float(len(rows)),
        "prompt_tokens": sent / len(rows),
        "output_tokens": max(1.0, sum(each.output_tokens for each in rows) / len(rows)),
        "cached_share": min(1.0, cached / sent),
    }


def _place(quote: Quote, quality: dict[str, float], calls: Calls) -> dict[str, Any]:
    answers = calls.answers
    latency = calls.latency_s / answers if answers else USUAL_LATENCY_S
    first = calls.first_s / answers if answers else USUAL_LATENCY_S / 2
    return {
        **_flat(quote),
        "quality": quality,
        "latency_s": max(0.001, latency),
        "first_token_s": max(0.001, first),
        "failure_share": calls.failure_share,
    }


def _flat(quote: Quote) -> dict[str, float]:
    prices = quote.usd_per_mtok
    sent = prices.get(Meter.INPUT, prices.get(Meter.OUTPUT))
    found = {"input": to_float(sent) if sent is not None else 0.0}
    found["output"] = to_float(prices.get(Meter.OUTPUT, sent or 0))  # type: ignore[arg-type]
    if Meter.CACHE_READ in prices:
        found["cache_read"] = to_float(prices[Meter.CACHE_READ])
    return found


def _money(usd: float) -> Decimal:
    return Decimal(str(usd))
