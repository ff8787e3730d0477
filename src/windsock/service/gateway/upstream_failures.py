"""What the client is told when no attempt brought an answer: whose fault, and when to come back."""

from __future__ import annotations

from math import ceil

from windsock.core.model.calls import CallKind
from windsock.core.routing.exchange import Exchange
from windsock.service.error_responses import Problem, overloaded

PASSED_ON = frozenset(
    {
        CallKind.CALLER_ERROR,
        CallKind.CANNOT_SERVE,
        CallKind.CONTEXT_EXCEEDED,
        CallKind.CONTENT_REFUSED,
        CallKind.REFUSED,
    }
)
"""What a provider says about the request itself reaches the client in the provider's words."""

NO_RETRY = (b"x-should-retry", b"false")
"""The alternatives were asked already: an SDK that tries again only multiplies the load."""

Headers = list[tuple[bytes, bytes]]


def failed(
    exchange: Exchange, body: bytes, headers: Headers, *, back_in_s: float | None
) -> Problem:
    """The answer to a request that failed everywhere.

    body        of the last error that a provider sent
    back_in_s   until the first candidate comes back, where all of them are cooling down
    """
    if exchange.is_full:
        problem = overloaded()
        return Problem(problem.status, problem.body, [*headers, *problem.headers])
    headers = [*headers, NO_RETRY]
    kinds = {result.kind for result in exchange.results}
    last = exchange.results[-1] if exchange.results else None
    if last and body and last.status and 400 <= last.status < 500 and last.kind in PASSED_ON:
        return Problem(last.status, body, headers)
    if back_in_s is not None:
        headers.append((b"retry-after", str(ceil(back_in_s)).encode()))
    if kinds == {CallKind.RATE_LIMITED}:
        return Problem.of(
            429, "every deployment is rate limited", code="rate_limited", headers=headers
        )
    if last and last.kind is CallKind.CALLER_TIMED_OUT:
        message = "x-windsock-timeout ran out before an answer came"
        return Problem.of(504, message, code="deadline", headers=headers)
    if last and last.kind is CallKind.TIMED_OUT:
        return Problem.of(504, "no deployment answered in time", code="deadline", headers=headers)
    tried = ", ".join(f"{r.attempt.deployment} ({r.kind.value})" for r in exchange.results)
    status = 502 if back_in_s is None else 503
    return Problem.of(
        status, f"every attempt failed: {tried}", code="upstream_failed", headers=headers
    )
