"""Errors as OpenAI's four fields, with the status that tells who must act."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import ceil

import orjson

from windsock.core.model.calls import LASTING, CallKind
from windsock.core.model.exclusions import ExclusionCode, exclusion_of
from windsock.errors import (
    BadRequest,
    BudgetSpent,
    CallerError,
    CapReached,
    LimitReached,
    NoCandidate,
    StoreError,
    UnknownRoute,
    WindsockError,
)
from windsock.service.auth import AccessDenied
from windsock.service.key_limits import NotAllowed
from windsock.wire.dialect import TOO_LONG


@dataclass(frozen=True, slots=True)
class Problem:
    """An error answer, ready to send."""

    status: int
    body: bytes
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)

    @classmethod
    def of(
        cls,
        status: int,
        message: str,
        *,
        param: str | None = None,
        code: str | None = None,
        headers: list[tuple[bytes, bytes]] | None = None,
    ) -> Problem:
        """OpenAI's error type goes by the status."""
        kind = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}.get(
            status, "invalid_request_error" if status < 500 else "server_error"
        )
        error = {"message": message, "type": kind, "param": param, "code": code}
        return cls(status, orjson.dumps({"error": error}), headers or [])


def problem_of(error: WindsockError) -> Problem:
    """The answer to a request that raised this."""
    match error:
        case AccessDenied():
            code = "invalid_api_key" if error.status == 401 else "insufficient_scope"
            return Problem.of(error.status, str(error), code=code)
        case BadRequest():
            return Problem.of(400, str(error), param=error.param)
        case UnknownRoute():
            return Problem.of(404, str(error), param="model", code="model_not_found")
        case CapReached():
            return _capped(error)
        case LimitReached():
            return _limited(error)
        case NotAllowed():
            return Problem.of(403, str(error), param="model", code="model_not_allowed")
        case BudgetSpent():
            return Problem.of(402, str(error), code="budget_spent")
        case NoCandidate():
            return _nobody(error)
        case CallerError():
            return Problem.of(404, str(error), code="not_found")
        case StoreError():
            return Problem.of(503, str(error), code="store_unavailable")
    return Problem.of(500, str(error))


PROVIDER_CODES = {
    CallKind.AUTH_FAILED: "provider_auth",
    CallKind.OUT_OF_CREDIT: "provider_out_of_credit",
    CallKind.MODEL_GONE: "provider_model_gone",
    CallKind.OVERLOADED: "provider_overloaded",
    CallKind.EMPTY_ANSWER: "provider_empty_answer",
    CallKind.RATE_LIMITED: "rate_limited",
}
"""The code of an error by what stands in the way at a provider."""

NO_RETRY = (b"x-should-retry", b"false")
"""An SDK that tries again only multiplies the load."""


RETRY = (b"x-should-retry", b"true")
"""What calls under way have reserved is free again in a moment, though SDKs give up at a 402."""


def _capped(error: CapReached) -> Problem:
    wait_s, code = error.retry_after_s, "budget_spent" if error.is_spent else "budget_reserved"
    headers = [NO_RETRY if error.is_spent else RETRY]
    if wait_s is not None:
        headers.append((b"retry-after", str(ceil(wait_s)).encode()))
    return Problem.of(402, str(error), code=code, headers=headers)


def _limited(error: LimitReached) -> Problem:
    """Of a key, with when to come again; what never may as it stands is not to be tried again."""
    wait_s = error.retry_after_s
    headers = [NO_RETRY] if wait_s is None else [(b"retry-after", b"%d" % ceil(wait_s))]
    return Problem.of(429, str(error), code="rate_limit_exceeded", headers=headers)


def _nobody(error: NoCandidate) -> Problem:
    if error.is_lasting:
        reasons = {exclusion_of(each).code for each in error.reasons.values()}
        code = TOO_LONG if reasons == {ExclusionCode.CONTEXT_EXCEEDED} else "no_candidate"
        return Problem.of(422, str(error), code=code)
    if error.cause in LASTING:
        code = PROVIDER_CODES[CallKind(error.cause)]
        return Problem.of(503, str(error), code=code, headers=[NO_RETRY])
    if error.retry_after_s is None:
        return Problem.of(503, str(error), code="no_candidate", headers=[(b"retry-after", b"5")])
    wait = (b"retry-after", str(ceil(error.retry_after_s)).encode())
    is_limit = error.cause == CallKind.RATE_LIMITED
    status, code = (429, "rate_limited") if is_limit else (503, "no_candidate")
    headers = [wait] if is_limit else [wait, NO_RETRY]
    return Problem.of(status, str(error), code=code, headers=headers)


def internal() -> Problem:
    """What a request is told that we failed at."""
    return Problem.of(500, "windsock failed at this request; its log says how", code="internal")


def stopping() -> Problem:
    """What a request is told that is not answered when the service ends."""
    message = "the service shuts down before it could answer; ask again"
    return Problem.of(503, message, code="shutting_down", headers=[(b"retry-after", b"1")])


def overloaded() -> Problem:
    """What a request is told that finds no place."""
    message = "there are more requests than can be worked on just now; try again in a second"
    return Problem.of(503, message, code="overloaded", headers=[(b"retry-after", b"1")])
