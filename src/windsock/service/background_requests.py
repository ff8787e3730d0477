"""Requests that windsock makes by itself, beside those of callers: a judge's, a shadow's.

They go through the router's own exchange and stand in the ledger under a key of their own
(`core.model.requests.background_key`), so that what they cost is counted, and capped, apart. Each
is asked once. They teach neither belief nor health, and where they are too many they are left out:
no request of a caller waits for one, or fails by one.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Container
from dataclasses import dataclass, field, replace
from decimal import Decimal
from math import isinf
from typing import Any

from windsock.clock import Clock
from windsock.core.model.calls import CallResult, Outcome
from windsock.core.model.events import Event
from windsock.core.model.requests import RouteRequest
from windsock.core.routing.exchange import Exchange
from windsock.core.routing.router import Router
from windsock.core.routing.routes import Route
from windsock.errors import NoCandidate, WindsockError
from windsock.observability import background
from windsock.observability.telemetry import current
from windsock.service.background_questions import Question, Reply, asked_of
from windsock.service.execution.executor import RequestExecutor
from windsock.wire.json_codec import parsed
from windsock.wire.request import UpstreamRequest

AT_ONCE = 2
"""Pieces of work of one purpose beside one route that are under way at a time."""

MAX_WAITING = 64
"""That wait; what comes then is left out, whatever it is, so that chance alone decides."""

PATIENCE_S, LOOK_S = 900.0, 0.5
"""How long work waits for money, and how often it looks whether there is some."""

FAILURES, MOST_PAUSE_S = 8, 64
"""Questions in a row without an answer from which on the next one waits, twice as long each time,
up to so many seconds."""

Work = Callable[[], Awaitable[None]]


@dataclass(slots=True)
class BackgroundTally:
    """Since the start, of one purpose beside one route.

    taken       pieces of work that were taken on; left_out: for which there was no place
    answered    questions that were; failed: whatever the reason; unpaid: no money, or no price
    """

    taken: int = 0
    left_out: int = 0
    answered: int = 0
    failed: int = 0
    unpaid: int = 0


@dataclass(slots=True)
class _Lane:
    """The work of one purpose beside one route, in the order in which it came."""

    tally: BackgroundTally = field(default_factory=BackgroundTally)
    waiting: deque[Work] = field(default_factory=deque)
    running: set[asyncio.Task[None]] = field(default_factory=set)
    failures: int = 0

    @property
    def is_full(self) -> bool:
        """Whether as many work as may; who has just ended does no more, though it is still held."""
        return sum(not task.done() for task in self.running) >= AT_ONCE

    @property
    def pause_s(self) -> float:
        """Before the next question, where many in a row got no answer."""
        beyond = self.failures - FAILURES
        return 0.0 if beyond < 0 else float(min(MOST_PAUSE_S, 2**beyond))

    def end(self) -> None:
        """End what is under way, and forget what waits."""
        self.waiting.clear()
        for task in self.running:
            task.cancel()


class BackgroundRequests:
    """Takes work on, and asks its questions."""

    def __init__(self, *, router: Router, executor: RequestExecutor, clock: Clock) -> None:
        self._router = router
        self._executor = executor
        self._clock = clock
        self._observer = _Apart(router)
        self._lanes: dict[tuple[str, str], _Lane] = {}
        self._is_stopped = False

    def tally(self, purpose: str, route: str) -> BackgroundTally:
        """What became of work so far; looking changes nothing."""
        known = self._lanes.get((purpose, route))
        return BackgroundTally() if known is None else known.tally

    def waiting(self, purpose: str, route: str) -> int:
        """Pieces of work that nobody has begun."""
        known = self._lanes.get((purpose, route))
        return 0 if known is None else len(known.waiting)

    def offer(self, purpose: str, route: str, work: Work) -> bool:
        """Have this done beside the requests; False if there is no place, which is counted, or if
        nothing more is done.

        Never waits. Work that fails is told in the log as `task.failed`.
        """
        if self._is_stopped:
            return False
        lane = self._lanes.setdefault((purpose, route), _Lane())
        if len(lane.waiting) >= MAX_WAITING:
            lane.tally.left_out += 1
            return False
        lane.tally.taken += 1
        lane.waiting.append(work)
        if not lane.is_full:
            task = background.start(f"{purpose} of {route}", _worked_off(lane))
            lane.running.add(task)
            task.add_done_callback(lane.running.discard)
        return True

    async def ask(self, question: Question) -> dict[str, Any] | None:
        """The chat completion alone; see `reply`."""
        reply = await self.reply(question)
        return None if reply is None else reply.answer

    async def reply(self, question: Question) -> Reply | None:
        """What answers, None if nothing does; waits for the cap to have room.

        Whatever goes wrong stands in the ledger and in `tally`, and is raised nowhere.
        """
        lane = self._lanes.setdefault((question.purpose, question.cell.route), _Lane())
        answer = await self._answer(question, lane)
        lane.failures = 0 if answer is not None else lane.failures + 1
        return answer

    async def _answer(self, question: Question, lane: _Lane) -> Reply | None:
        tally = lane.tally
        try:
            asked = asked_of(question)
            await asyncio.sleep(lane.pause_s)
            if not await self._has_room(asked.request):
                tally.unpaid += 1
                return None
            asked, exchange = self._opened(question, asked)
        except WindsockError:
            tally.failed += 1
            return None
        exchange.route = replace(exchange.route, max_attempts=1, hedge_share=0.0)
        body, _ = await self._executor.answer(exchange, asked)
        answer = None if body is None else parsed(body)
        if not isinstance(answer, dict):
            tally.failed += 1
            return None
        tally.answered += 1
        return Reply(answer, exchange.decision)

    def _opened(
        self, question: Question, asked: UpstreamRequest
    ) -> tuple[UpstreamRequest, Exchange]:
        """Without what may be left out, if nobody takes it; raises WindsockError."""
        now = self._clock.now()
        try:
            return asked, self._router.open(asked.request, now, self._observer)
        except NoCandidate:
            kept = {
                name: each for name, each in question.body.items() if name not in question.optional
            }
            if len(kept) == len(question.body):
                raise
            asked = asked_of(replace(question, body=kept))
            return asked, self._router.open(asked.request, now, self._observer)

    def end(self, purpose: str, *, but: Container[str]) -> None:
        """End what is under way of this purpose, and forget what waits, beside routes but these:
        their caps are gone as well."""
        for (name, route), lane in self._lanes.items():
            if name == purpose and route not in but:
                lane.end()

    async def stop(self) -> None:
        """End what is under way, forget what waits, and take nothing on any more."""
        self._is_stopped = True
        for lane in self._lanes.values():
            lane.end()
        tasks = [task for lane in self._lanes.values() for task in lane.running]
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _has_room(self, request: RouteRequest) -> bool:
        """Whether every cap and the provider have room, at last; those behind wait as well, so that
        an answer is not left out for its length."""
        until = self._clock.elapsed() + PATIENCE_S
        route = self._router.resolve(request)
        while True:
            tab, now = self._router.tabs.open(request, route.name), self._clock.now()
            payable = [name for name in route.deployments if tab.can_pay(name, now)]
            if any(self._has_place(name, now) for name in payable):
                return True
            if self._clock.elapsed() >= until or not self._has_price(request, route, now):
                return False
            await asyncio.sleep(LOOK_S)

    def _has_place(self, name: str, now: float) -> bool:
        """Whether no caller will miss it: the deployment is well, was refused no rate of late, and
        half of its provider's calls at a time are left; one that is idle may be asked."""
        health, limits = self._router.health, self._router.limits
        provider = self._router.availability.provider(name)
        if health.state_of(name, provider, now) != "closed":
            return False
        running, is_free = limits.running(provider), isinf(health.of(name).cap.per_min(now))
        return is_free and (not running or running + 1 <= limits.limit(provider) / 2)

    def _has_price(self, request: RouteRequest, route: Route, now: float) -> bool:
        """Without one nobody is asked: what it would cost is not known."""
        tabs = self._router.tabs
        return any(tabs.most_usd(request, name, now) is not None for name in route.deployments)


@dataclass(frozen=True, slots=True)
class _Apart:
    """Observes calls that no caller made: they count at their provider and are paid for.

    What a deployment refuses to take of a request is remembered, as of everybody's.
    """

    router: Router

    def record(self, result: CallResult, now: float) -> list[Event]:
        """The call has ended."""
        router, name = self.router, result.attempt.deployment
        router.availability.end(result, now)
        if result.unsupported:
            router.catalog.unsupported.observe(name, result.unsupported, now)
        return []

    def settle(self, _outcome: Outcome, _now: float) -> list[Event]:
        """Nothing is learnt."""
        return []

    @property
    def has_lost(self) -> bool:
        """Nothing waits for their answers."""
        return False

    def cost_usd(self, result: CallResult) -> Decimal | None:
        """As of every call."""
        return self.router.cost_usd(result)


async def _worked_off(lane: _Lane) -> None:
    """All that waits, one after the other; the next one is done though one fails.

    It began in the task of a request, whose trace is not that of what follows here.
    """
    current.set(None)
    while lane.waiting:
        try:
            await lane.waiting.popleft()()
        except Exception as error:
            background.tell_place("background work", error)
