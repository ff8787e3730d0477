"""How long a call may take, whose patience ended it, and how long to wait before the next."""

from __future__ import annotations

import math

from windsock.core.model.calls import CallKind, CallResult
from windsock.core.model.requests import RouteRequest
from windsock.core.routing.routes import Route
from windsock.core.routing.sampling import uniform

TIMER_S = 0.05
"""A timer and the clock may differ by so much about the end of a deadline."""

BACKOFF_S = 0.25
MAX_BACKOFF_S = 4.0


def first_limit_s(route: Route, request: RouteRequest, left_s: float | None) -> float:
    """Seconds until the first content of a stream, or the head of a plain answer.

    left_s  until the caller's deadline, None if it has none
    """
    own_s = route.first_byte_s if request.is_stream else min(route.first_byte_s, route.answer_s)
    return own_s if left_s is None else min(own_s, left_s)


def ended_by_caller(
    route: Route, request: RouteRequest, result: CallResult, left_s: float | None
) -> bool:
    """Whether the caller's deadline ended this call before a limit of the route's own did."""
    if result.kind is not CallKind.TIMED_OUT or left_s is None or left_s > TIMER_S:
        return False
    own_s = route.first_byte_s
    if result.first_byte_s is not None:
        own_s = math.inf if request.is_stream else route.answer_s
    return result.latency_s < own_s


def backoff_s(seed: int, number: int, tries: int, retry_after_s: float | None) -> float:
    """Full jitter (AWS) over a ceiling that doubles with each try, after what was asked for."""
    ceiling = min(BACKOFF_S * 2**tries, MAX_BACKOFF_S)
    return float(ceiling * uniform(seed, number, 32 + tries)) + (retry_after_s or 0.0)
