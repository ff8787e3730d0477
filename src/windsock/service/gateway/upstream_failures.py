"""What the client is told when no attempt brought an answer: whose fault, and when to come back."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import replace
from math import ceil

from windsock.core.model.calls import LASTING, CallKind
from windsock.core.routing.exchange import Exchange
from windsock.service.error_responses import (
    NO_RETRY,
    PROVIDER_CODES,
    Problem,
    overloaded,
    problem_of,
)
from windsock.service.execution.upstream_calls import Failure

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

STATUSES_OF_REQUESTS = frozenset({403, 405, 406, 409, 411, 413, 415, 422})
"""What clients know as said of the request; others send them to look at their own key, limit or
address (401, 402, 404, 408, 429), or are known to one provider alone (446, 498)."""

MAX_WORDS = 500
"""Characters of what one provider said, where several are quoted."""

DEADLINES = {
    CallKind.CALLER_TIMED_OUT: "x-windsock-timeout ran out before an answer came",
    CallKind.TIMED_OUT: "no deployment answered in time",
}
"""What the caller is told whose patience, or ours, ended the last call."""

Headers = list[tuple[bytes, bytes]]


def failed(
    exchange: Exchange, failure: Failure, headers: Headers, *, back_in_s: float | None
) -> Problem:
    """The answer to a request that failed everywhere.

    failure     what providers said
    back_in_s   until the first candidate comes back, where all of them are cooling down
    """
    if exchange.is_full or exchange.refusal is not None:
        problem = problem_of(exchange.refusal) if exchange.refusal else overloaded()
        return Problem(problem.status, problem.body, [*headers, *problem.headers])
    headers = [*headers, NO_RETRY]
    last = exchange.calls.ended[-1] if exchange.calls.ended else None
    if last is not None and last.kind in PASSED_ON:
        plain = Problem.of(
            _status_of_caller(last.status), _all_said(exchange, failure), headers=headers
        )
        return replace(plain, body=failure.body or plain.body)
    kinds = {result.kind for result in exchange.calls.ended}
    if back_in_s is not None and not kinds <= LASTING:
        headers.append((b"retry-after", str(ceil(back_in_s)).encode()))
    if last is not None and last.kind in DEADLINES:
        return Problem.of(504, DEADLINES[last.kind], code="deadline", headers=headers)
    status, code = _status_and_code(kinds, is_back=back_in_s is not None)
    return Problem.of(status, _all_said(exchange, failure), code=code, headers=headers)


def _status_of_caller(status: int | None) -> int:
    """What a request that a provider refuses has: 400, unless the provider's own says more."""
    return status if status in STATUSES_OF_REQUESTS else 400


def _status_and_code(kinds: Set[CallKind], *, is_back: bool) -> tuple[int, str]:
    """429 only if nothing but limits stand in the way, 503 if waiting helps, else 502.

    The code is of what a person must mend, if it is that; else of what all say, if they agree.
    """
    if kinds == {CallKind.RATE_LIMITED}:
        return 429, PROVIDER_CODES[CallKind.RATE_LIMITED]
    is_one = len(kinds) == 1 or kinds <= LASTING
    codes = (code for kind, code in PROVIDER_CODES.items() if is_one and kind in kinds)
    code = next(codes, "upstream_failed")
    return (503 if is_back and not kinds <= LASTING else 502), code


def _all_said(exchange: Exchange, failure: Failure) -> str:
    """Who was asked, how each ended, and what it said, or what is known of why it said nothing."""
    tried = []
    for result in exchange.calls.ended:
        name = result.attempt.deployment
        words = (failure.words.get(result.attempt.number) or result.note)[:MAX_WORDS]
        tried.append(f"{name} ({result.kind.value})" + (f": {words}" if words else ""))
    return "every attempt failed: " + "; ".join(dict.fromkeys(tried))
