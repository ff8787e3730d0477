"""Finding out whether who was ejected is back, beside the traffic: free signals, then paid ones.

Only deployments that are left alone for their failures are asked about, each provider at its own
pace; with nobody ejected nothing is sent.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

import orjson

from windsock.clock import Clock
from windsock.config.settings import HealthSettings
from windsock.core.model.events import Event
from windsock.core.model.requests import DEFAULT_NAMESPACE
from windsock.core.routing.router import Router
from windsock.errors import WindsockError
from windsock.observability import background
from windsock.providers.liveness import ModelsProbe
from windsock.service.execution.executor import RequestExecutor
from windsock.wire.formats.chat.reading import read_chat

FREE_PROBE_S = 5.0
"""Between two looks at a provider's list of models."""

PROBE_TASK = "windsock-probe"
"""Paid probes stand under this task in reports, on the deployment's own name as route."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeRules:
    """Seconds between questions to a provider, and requests to a deployment; None: never."""

    free_s: float | None = FREE_PROBE_S
    paid_s: float | None = None


def probe_rules(health: HealthSettings) -> ProbeRules:
    """As the settings have them."""
    return ProbeRules(
        free_s=FREE_PROBE_S if health.free_probes else None,
        paid_s=health.paid_probe_every if health.paid_probes else None,
    )


@dataclass(slots=True, kw_only=True)
class Probes:
    """Called once a second; what it starts runs beside, at most one of a kind for each."""

    router: Router
    executor: RequestExecutor
    clock: Clock
    publish: Callable[[Event], None]
    rules: ProbeRules
    models: ModelsProbe = field(default_factory=ModelsProbe)
    _asked_at: dict[str, float] = field(default_factory=dict)
    _tasks: dict[str, asyncio.Task[None]] = field(default_factory=dict)

    def check(self) -> None:
        """Start what is due."""
        failing = self.router.health.failing(self.clock.now())
        known = self.router.catalog.deployments
        away = [name for name in failing if name in known]
        if not away:
            self._asked_at.clear()
            return
        for provider in dict.fromkeys(known[name].provider for name in away):
            if self._is_due(provider, self.rules.free_s, first_s=0.0):
                self._start(provider, self._ask_for_models(provider))
        for name in away:
            if self._is_due(name, self.rules.paid_s, first_s=self.rules.paid_s or 0.0):
                self._start(name, self._ask_a_word(name))

    async def stop(self) -> None:
        """End what is under way."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        await self.models.close()

    def _is_due(self, name: str, every_s: float | None, *, first_s: float) -> bool:
        """Whether its time has come; the first time is `first_s` after it was first ejected."""
        if every_s is None or name in self._tasks:
            return False
        now = self.clock.elapsed()
        asked_at = self._asked_at.setdefault(name, now - every_s + first_s)
        if now < asked_at + every_s:
            return False
        self._asked_at[name] = now
        return True

    def _start(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        task = self._tasks[name] = background.start(f"probe of {name}", work)
        task.add_done_callback(lambda _: self._tasks.pop(name, None))

    async def _ask_for_models(self, provider: str) -> None:
        """The free signal, for every deployment of the provider that is ejected by then."""
        upstream = self.executor.calls.targets.upstreams.get(provider)
        is_there = None if upstream is None else await self.models.is_there(upstream.endpoint)
        if is_there is None:
            return
        now, known = self.clock.now(), self.router.catalog.deployments
        for name in self.router.health.failing(now):
            if name in known and known[name].provider == provider:
                for shift in self.router.health.hear(name, now, is_there=is_there):
                    self.publish(shift)

    async def _ask_a_word(self, name: str) -> None:
        """A request for one token, recorded with its cost as any other is."""
        messages = [{"role": "user", "content": "hi"}]
        body = orjson.dumps({"model": name, "max_tokens": 1, "messages": messages})
        chat = read_chat(body, task=PROBE_TASK, namespace=DEFAULT_NAMESPACE)
        chat.is_private = True
        self.router.health.let_try(name)
        try:
            exchange = self.router.open(chat.request, self.clock.now())
        except WindsockError:
            return  # neither priced nor allowed to be asked: there is nothing to find out
        await self.executor.answer(exchange, chat)
