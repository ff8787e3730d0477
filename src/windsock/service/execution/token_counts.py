"""How long a prompt is, as the deployment counts that would most likely answer it."""

from __future__ import annotations

import asyncio
from urllib.parse import quote

from windsock.core.model.calls import Attempt, AttemptReason
from windsock.core.routing.router import Router
from windsock.errors import ProviderError
from windsock.service.execution.asking.target import Target
from windsock.service.execution.upstream_calls import UpstreamCalls
from windsock.wire.json_codec import parsed
from windsock.wire.request import UpstreamRequest

COUNT_S = 5.0
"""So long a count is waited for; it is asked beside the work, by clients that plan."""


COUNTS = ("input_tokens", "totalTokens")
"""Where a count stands."""


class TokenCounts:
    """Asks for counts, which cost nothing. Nothing is drawn, recorded or learnt."""

    def __init__(self, router: Router, calls: UpstreamCalls) -> None:
        self._router = router
        self._calls = calls

    async def of(self, request: UpstreamRequest) -> bytes | None:
        """The provider's answer as it came; None where nobody who speaks the format counts."""
        target = self._target(request)
        if target is None:
            return None
        try:
            async with asyncio.timeout(COUNT_S):
                path = target.format.count_path.replace("{model}", quote(target.model, safe=""))
                reply = await self._calls.post(target, path)
                try:
                    raw = await reply.body()
                finally:
                    await reply.close()
        except (ProviderError, TimeoutError):
            return None
        told = parsed(raw) if reply.status == 200 else None
        is_count = isinstance(told, dict) and any(type(told.get(each)) is int for each in COUNTS)
        return raw if is_count else None

    def _target(self, request: UpstreamRequest) -> Target | None:
        """Of the candidates that speak the request's format the one with the largest weight."""
        if request.native is None:
            return None
        asked, now = request.request, self._calls.clock.now()
        route = self._router.resolve(asked)
        table = self._router.tables.peek(route, asked.namespace, asked.task, now)
        for arm in sorted(table.arms, key=lambda each: -each.weight):
            attempt = Attempt(number=0, deployment=arm.deployment, reason=AttemptReason.FIRST)
            target = self._calls.targets.of(attempt, request)
            if target.is_native and target.format.count_path:
                return target
        return None
