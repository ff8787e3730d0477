"""Rows about providers that refuse: rate limits, errors of one, errors of all, and SDKs on top."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import time
from collections.abc import Iterable, Iterator

import openai

from tests.chaos import faults
from tests.chaos.provider import Call, Fault, Provider
from tests.chaos.recorder import Finding, row
from tests.chaos.trial import Trial, trial
from windsock.core.model.calls import Outcome
from windsock.core.model.events import Event

RETRY_AFTER_S = 5


def early(outcomes: Iterable[Outcome], shifts: Iterable[Event], deployment: str) -> int:
    """Calls made between the moment the service read a refusal and its Retry-After.

    By the service's own record, to the microsecond: what was under way when the refusal came
    does not count, and a busy machine takes nothing from that.
    """
    closed = [
        (shift.at, shift.at + RETRY_AFTER_S)
        for shift in shifts
        if shift.kind == "cooldown.began" and shift.deployment == deployment
    ]
    return sum(
        begun < at < end
        for outcome in outcomes
        for at in _calls(outcome, deployment)
        for begun, end in closed
    )


def _calls(outcome: Outcome, deployment: str) -> Iterator[float]:
    """When this request called the deployment; a fallback began when the call before it ended."""
    at = outcome.decision.at
    for result in outcome.results:
        if result.attempt.deployment == deployment:
            yield max(at, result.attempt.not_before)
        at += result.latency_s


@row("rate limit")
async def rate_limit(rps: float = 50, seconds: float = 60) -> Finding:
    limited = faults.status(429, retry_after=str(RETRY_AFTER_S))
    async with trial() as it:
        it.best.fault = limited
        one = await it.load(rps, seconds)
        met = len(it.best.calls)
        for each in it.providers:
            each.fault = limited
        every = await it.load(rps, seconds / 6)
        refused = [each for each in every.seen[int(rps) :] if each.status == 429]
        told = sum("retry-after" in each.headers for each in refused)
        await asyncio.sleep(1.0)
        outcomes, shifts = it.record()
    calls = sum(len(list(_calls(each, "acme/m"))) for each in outcomes)
    finding = Finding().at_least("success", one.success, 0.999, "%")
    finding.at_most("calls before Retry-After", early(outcomes, shifts, "acme/m"), 0)
    finding.at_most("calls that are not in the record", len(it.best.calls) - calls, 0)
    finding.at_most(
        "Retry-After while others answer", sum("retry-after" in s.headers for s in one.seen), 0
    )
    finding.at_least("told to wait when all are limited", told / max(1, len(refused)), 1, "%")
    return finding.fact(f"{met} calls met a limit in {seconds:.0f} s")


@row("passing limits")
async def passing_limits(rps: float = 30, seconds: float = 20) -> Finding:
    finding = Finding()
    for count, headers in itertools.product((1, 3), ({}, {"retry_after": "1"})):
        async with trial(count=count) as it:
            limits = [OneOf(20, each, faults.status(429, **headers)) for each in it.providers]
            seen = await it.load(rps, seconds)
        named = "Retry-After 1 s" if headers else "no delay"
        finding.at_least(f"{count} provider(s), {named}: success", seen.success, 0.99, "%")
        if headers:
            finding.at_most("calls before it", sum(each.early(1.0) for each in limits), 0)
    return finding


UNDER_WAY_S = 0.1
"""For so long after a refusal calls still arrive that were made before it was read."""


class OneOf:
    """Refuses each so-and-so-many-th call of a provider."""

    def __init__(self, calls: int, provider: Provider, refuse: Fault) -> None:
        self._calls, self._provider, self._refuse = calls, provider, refuse
        self._refused: list[float] = []
        provider.fault = self

    async def __call__(self, call: Call) -> None:
        if len(self._provider.calls) % self._calls:
            await self._provider.right(call)
            return
        self._refused.append(time.monotonic())
        await self._refuse(call)

    def early(self, asked_s: float) -> int:
        """Calls that came before a delay was over that it had asked for."""
        return sum(
            any(UNDER_WAY_S < at - refused < asked_s for refused in self._refused)
            for at in self._provider.calls
        )


@row("error burst")
async def error_burst(rps: float = 50, seconds: float = 60) -> Finding:
    async with trial() as it:
        errors = [faults.status(code) for code in (500, 502, 503)]

        async def burst(call: Call) -> None:
            await errors[len(it.best.calls) % 3](call)

        marks: dict[str, int] = {}

        def heal() -> None:
            marks["healed"] = len(it.best.calls)
            it.best.fault = None

        at = [
            (seconds / 6, lambda: setattr(it.best, "fault", burst)),
            (seconds / 6, lambda: marks.update(began=len(it.best.calls))),
            (seconds / 6 + 1, lambda: marks.update(ejected=len(it.best.calls))),
            (seconds / 2, heal),
        ]
        seen = await it.load(rps, seconds, at=at)
        bad_s = seconds / 3 - 1
        finding = Finding().at_least("success", seen.success, 0.999, "%")
        finding.at_most(
            "calls a minute once ejected", (marks["healed"] - marks["ejected"]) * 60 / bad_s, 20
        )
        probes = it.best.calls[marks["healed"] :]
        finding.at_least("back in service", float(len(probes) > rps), 1)
        finding.at_most("probes until back", _probes(probes), 2)
        return finding.fact(f"{marks['ejected'] - marks['began']} calls met an error at first")


def _probes(calls: list[float]) -> int:
    """Calls that stand alone before traffic comes back, seconds apart."""
    gaps = (later - sooner for sooner, later in itertools.pairwise(calls))
    return 1 + next((i for i, gap in enumerate(gaps) if gap < 2.0), len(calls))


@row("all failing")
async def all_failing(rps: float = 50, seconds: float = 60) -> Finding:
    async with trial() as it:
        await it.load(rps, 5)
        before = it.process.rss_mb()
        for each in it.providers:
            each.fault = faults.status(503)
            each.calls.clear()
        seen = await it.load(rps, seconds)
        attempts = sum(len(each.calls) for each in it.providers)
        slowest = sorted(each.seconds for each in seen.seen)
        late = [each for each in seen.seen[len(seen.seen) // 3 :] if each.status == 503]
        told = sum("retry-after" in each.headers for each in late)
        finding = Finding().at_most("attempts per request", attempts / len(seen.seen), 1.2)
        finding.at_most("p99 of an error", slowest[int(len(slowest) * 0.99)], 2.0, "s")
        finding.at_most("memory grows", it.process.rss_mb() - before, 20, "MB")
        finding.at_least("503 that say when to come back", told / max(1, len(late)), 1, "%")
        return finding


@row("retry storm")
async def retry_storm(calls: int = 100) -> Finding:
    finding = Finding()
    for count in (1, 3):
        async with trial(count=count) as it:
            for each in it.providers:
                each.fault = faults.status(500)
            most, total = await _storm(it, calls)
            finding.at_most(f"most attempts for one call, {count} deployment(s)", most, 3)
            finding.fact(f"{total / calls:.2f} on average")
    return finding


async def _storm(it: Trial, calls: int) -> tuple[int, int]:
    """Attempts upstream for the worst call and for all of them, by openai-python as it comes."""
    most = 0
    async with openai.AsyncOpenAI(base_url=f"{it.url}/v1", api_key="none") as client:
        for _ in range(int(calls)):
            before = sum(len(each.calls) for each in it.providers)
            with contextlib.suppress(openai.APIError):
                await client.chat.completions.create(
                    model="auto", messages=[{"role": "user", "content": "hi"}], timeout=20
                )
            most = max(most, sum(len(each.calls) for each in it.providers) - before)
    return most, sum(len(each.calls) for each in it.providers)
