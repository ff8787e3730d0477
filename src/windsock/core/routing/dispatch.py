"""Who is asked after a call that failed, is late, or found its deployment full."""

from __future__ import annotations

from typing import TYPE_CHECKING

from windsock.core.model.calls import RETRIABLE
from windsock.core.routing.sampling import uniform
from windsock.core.routing.timing import MAX_BACKOFF_S, backoff_s

if TYPE_CHECKING:
    from windsock.core.routing.exchange import Exchange
    from windsock.core.routing.router import Router

UNMADE = 16
"""Stands for attempt 0 where the draw 0 was spent on a deployment that is full."""


def another(router: Router, exchange: Exchange, now: float) -> str | None:
    """Another deployment: the next in the caller's order, else drawn anew from the weights."""
    if not exchange.request.preferences.allow_fallbacks:
        return None
    results = exchange.results
    tried = {result.attempt.deployment for result in results}
    if exchange.trying is not None:
        tried.add(exchange.trying.deployment)
    if exchange.queue:
        rest = [name for name in exchange.queue if name not in tried]
        return next((name for name in rest if router.fleet.can_take(name, now)), None)
    number, last = exchange.decision.number, results[-1] if results else None
    mark = uniform(router.seed, number, exchange.made or UNMADE)
    return router.fleet.redraw(exchange.table, mark, tried, last, now)


def retry_wait_s(
    router: Router, exchange: Exchange, left_s: float | None, now: float
) -> float | None:
    """Full-jitter backoff before the same deployment, or None if that is no use.

    left_s  until the caller's deadline
    """
    tries, last = len(exchange.results), exchange.results[-1]
    if last.kind not in RETRIABLE or router.fleet.is_ejected(last.attempt.deployment, now):
        return None
    wait_s = backoff_s(router.seed, exchange.decision.number, tries, last.retry_after_s)
    fits = wait_s <= MAX_BACKOFF_S and (left_s is None or wait_s < left_s)
    return wait_s if fits else None
