"""The seam of traces: what follows a request into its calls, and hears how they ended.

Whoever traces sets `current` for the time of a request; calls ask it. Nothing of it is imported
here, and without it a call asks one context variable.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any, Protocol

from windsock.core.model.calls import Attempt, Outcome
from windsock.core.model.catalog import Deployment
from windsock.wire.request import RequestHeaders, UpstreamRequest


class RequestTrace(Protocol):
    """Follows one request."""

    def call(
        self, attempt: Attempt, deployment: Deployment, base_url: str, request: UpstreamRequest
    ) -> RequestHeaders:
        """A call begins: the headers that it is sent with, in place of the request's."""
        ...

    def settle(self, request: UpstreamRequest, outcome: Outcome) -> None:
        """All calls have ended."""
        ...


class Telemetry(Protocol):
    """Traces and metrics for whoever collects them."""

    def traced(self, app: Any, paths: frozenset[str]) -> Any:
        """The ASGI application, with a trace around each request to it.

        paths   that may be named; others come from callers
        """
        ...

    async def close(self) -> None:
        """Send what waits, as far as that is quick."""
        ...


current: ContextVar[RequestTrace | None] = ContextVar("windsock_trace", default=None)
"""That of the request that is worked on; None: nobody follows it."""
