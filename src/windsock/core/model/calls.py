"""One call to a provider and how it ended, and all calls of a request together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from windsock.core.model.decisions import Decision, Judged
from windsock.core.model.requests import Unsupported
from windsock.core.model.units import Usage


class AttemptReason(StrEnum):
    """Why a call is made: the draw, once more, elsewhere, a stronger one, beside a late one, once
    more without what was refused, beside the first one to compare their answers."""

    FIRST = "first"
    RETRY = "retry"
    FALLBACK = "fallback"
    ESCALATION = "escalation"
    HEDGE = "hedge"
    MENDED = "mended"
    SECOND = "second"


@dataclass(slots=True, kw_only=True, unsafe_hash=True)
class Attempt:
    """One call to make.

    number      counts from 0 within a request
    not_before  unix s before which it must not be sent: a retry may have to wait
    started_at  unix s at which it begins, after that wait; its price is that of this moment. 0 in
                records of calls from before this was kept
    timeout_s   until its first content, None without a limit
    """

    number: int
    deployment: str
    reason: AttemptReason
    not_before: float = 0.0
    started_at: float = 0.0
    timeout_s: float | None = None


class CallKind(StrEnum):
    """How a call ended.

    EMPTY_ANSWER is an answer with nothing to show, which was paid for all the same.
    REFUSED is a refusal of 4xx that nothing explains: it is the deployment's fault if another one
    answers, else the caller's.
    """

    ANSWERED = "answered"
    RATE_LIMITED = "rate_limited"
    OVERLOADED = "overloaded"
    SERVER_ERROR = "server_error"
    TIMED_OUT = "timed_out"
    CALLER_TIMED_OUT = "caller_timed_out"
    UNREACHABLE = "unreachable"
    BAD_ANSWER = "bad_answer"
    EMPTY_ANSWER = "empty_answer"
    BROKEN = "broken"
    CALLER_ERROR = "caller_error"
    CANNOT_SERVE = "cannot_serve_this_request"
    CONTEXT_EXCEEDED = "context_exceeded"
    CONTENT_REFUSED = "content_refused"
    AUTH_FAILED = "auth_failed"
    MODEL_GONE = "model_gone"
    OUT_OF_CREDIT = "out_of_credit"
    REFUSED = "refused"
    CANCELLED = "cancelled"

    __hash__ = str.__hash__  # Enum's own is a Python function


class Then(StrEnum):
    """Where a request goes after a refusal: the same place with a field mended, another place, one
    with a larger context window, nowhere."""

    MENDED = "mended"
    ELSEWHERE = "elsewhere"
    LARGER = "larger"
    NOWHERE = "nowhere"

    __hash__ = str.__hash__


class Out(StrEnum):
    """What a refusal keeps from being asked: nothing, the deployment by this request only, the
    deployment by all, all deployments of the provider's account."""

    NOTHING = "nothing"
    REQUEST = "request"
    DEPLOYMENT = "deployment"
    ACCOUNT = "account"

    __hash__ = str.__hash__


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a refusal means, where to go next, and what it takes out.

    field   of the request, that must be mended before the same place is asked again; dotted where
            it stands deeper, empty where none is named
    """

    kind: CallKind
    then: Then = Then.ELSEWHERE
    out: Out = Out.REQUEST
    field: str = ""


def _verdicts(then: Then, out: Out, *kinds: CallKind) -> dict[CallKind, Verdict]:
    return {kind: Verdict(kind=kind, then=then, out=out) for kind in kinds}


VERDICTS: Mapping[CallKind, Verdict] = {
    **_verdicts(Then.NOWHERE, Out.NOTHING, CallKind.CALLER_ERROR, CallKind.CANCELLED,
                CallKind.CALLER_TIMED_OUT, CallKind.ANSWERED),
    **_verdicts(Then.NOWHERE, Out.REQUEST, CallKind.CONTENT_REFUSED),
    **_verdicts(Then.LARGER, Out.REQUEST, CallKind.CONTEXT_EXCEEDED),
    **_verdicts(Then.ELSEWHERE, Out.REQUEST, CallKind.CANNOT_SERVE, CallKind.REFUSED),
    **_verdicts(Then.ELSEWHERE, Out.DEPLOYMENT, CallKind.RATE_LIMITED, CallKind.OVERLOADED,
                CallKind.SERVER_ERROR, CallKind.TIMED_OUT, CallKind.UNREACHABLE,
                CallKind.BAD_ANSWER, CallKind.EMPTY_ANSWER, CallKind.BROKEN,
                CallKind.MODEL_GONE),
    **_verdicts(Then.ELSEWHERE, Out.ACCOUNT, CallKind.AUTH_FAILED, CallKind.OUT_OF_CREDIT),
}  # fmt: skip
"""What each end of a call means where nothing more is known."""

FAILURES = frozenset(
    {
        CallKind.SERVER_ERROR,
        CallKind.OVERLOADED,
        CallKind.TIMED_OUT,
        CallKind.UNREACHABLE,
        CallKind.BAD_ANSWER,
        CallKind.EMPTY_ANSWER,
        CallKind.BROKEN,
    }
)
"""What the deployment is at fault for: only these count against its health and its success.

Requests that no answer fits, callers who give up, quotas and keys say nothing of either.
"""

AMBIGUOUS = FAILURES - {CallKind.OVERLOADED, CallKind.UNREACHABLE}
"""Failures that a request may bring about wherever it is asked."""

UNEXPLAINED = frozenset({CallKind.REFUSED, CallKind.CALLER_ERROR})
"""Refusals that are the deployment's fault after all if another one answers the same request."""

LASTING = frozenset({CallKind.AUTH_FAILED, CallKind.OUT_OF_CREDIT, CallKind.MODEL_GONE})
"""What a person must mend: to ask again soon is no use."""

WORTHLESS = frozenset({CallKind.EMPTY_ANSWER})
"""Failures that came as an answer: they count against success whoever answered in the end."""

RETRIABLE = frozenset(
    {
        CallKind.SERVER_ERROR,
        CallKind.UNREACHABLE,
        CallKind.RATE_LIMITED,
        CallKind.OVERLOADED,
        CallKind.EMPTY_ANSWER,
        CallKind.BAD_ANSWER,
        CallKind.BROKEN,
    }
)
"""Worth asking the same deployment once more when there is no other."""

ONE_OFF = frozenset({CallKind.SERVER_ERROR, CallKind.UNREACHABLE, CallKind.RATE_LIMITED})
"""Worth asking the same deployment once more where another is dearer: it may have been a single
error, and it cost nothing."""

HEDGED = frozenset({AttemptReason.FIRST, AttemptReason.FALLBACK})
"""Calls that may get a twin beside them."""

TIMED = frozenset(
    {CallKind.ANSWERED, CallKind.CANCELLED, CallKind.TIMED_OUT, CallKind.CALLER_TIMED_OUT}
)
"""Calls that tell how long an answer takes, or that it takes at least so long."""


@dataclass(slots=True, kw_only=True, unsafe_hash=True)
class CallResult(Judged):
    """How one attempt went.

    latency_s       from sending to the end, less `held_s`: at least so long it took
    held_s          in which its client had to be waited for, who read more slowly than it came
    first_byte_s    from sending to the first content, if any came
    usage           counted by the provider, or an estimate if `is_usage_estimated`
    usage_doubt     why the provider's own counts were not believed; empty where they were
    refusal         what the provider's refusal means, where it sent one that was read
    unsupported     what of the request it said it does not take
    adapted         fields of the client's request that were changed for it
    service_tier    the provider's own word for how it was served, where prices differ by it
    billed_usd      what the provider says it charged, if it says so: evidence, not yet the cost
    counted_usd     what its use comes to at our price, beside a bill; None where that is not known
    is_bill_doubted the bill cannot be: it is in no sum
    cost_usd        at the price in force when it began, which its exchange writes down as it ends;
                    None if that is not known
    confidence      0..1, of the answer, where a check or logprobs give one
    response_id     the answer's own id, by which callers may name it later
    agrees          whether a second opinion says the same as the answer it was asked beside; None
                    of other calls, and where the two cannot be compared
    """

    attempt: Attempt
    kind: CallKind
    latency_s: float
    status: int | None = None
    first_byte_s: float | None = None
    retry_after_s: float | None = None
    usage: Usage | None = None
    is_usage_estimated: bool = False
    served_model: str | None = None
    service_tier: str | None = None
    billed_usd: Decimal | None = None
    confidence: float | None = None
    finish_reason: str | None = None
    note: str = ""
    response_id: str | None = None
    usage_doubt: str = ""
    refusal: Verdict | None = None
    unsupported: tuple[Unsupported, ...] = ()
    adapted: tuple[str, ...] = ()
    counted_usd: Decimal | None = None
    is_bill_doubted: bool = False
    cost_usd: Decimal | None = None
    agrees: bool | None = None
    held_s: float = 0.0

    @property
    def verdict(self) -> Verdict:
        """What its end means."""
        said = self.refusal
        return said if said is not None and said.kind is self.kind else VERDICTS[self.kind]


@dataclass(slots=True, kw_only=True, unsafe_hash=True)
class Outcome:
    """Everything about a finished request.

    served      the deployment whose answer was given, None if none was
    cost_usd    all attempts together, each at the price in force when it began; None if that of
                any of them is not known
    usage       of the answer that was given
    ok          an answer came back whole
    """

    decision: Decision
    results: tuple[CallResult, ...]
    served: str | None
    ok: bool
    cost_usd: Decimal | None
    finished_at: float
    usage: Usage | None = None
    is_usage_estimated: bool = False
    is_cached: bool = False

    @property
    def lasted_s(self) -> float:
        """From the request to its end, less what was waited for its client to read."""
        held_s = 0.0
        for each in self.results:
            held_s += each.held_s
        return self.finished_at - self.decision.at - held_s

    @property
    def response_id(self) -> str | None:
        """The id of the answer that was given; None where there is none."""
        for each in reversed(self.results):
            if each.response_id:
                return each.response_id
        return None


def total_usd(costs: Iterable[Decimal | None]) -> Decimal | None:
    """The sum of what calls cost; None if any of them is not known, 0 of none."""
    total = Decimal(0)
    for usd in costs:
        if usd is None:
            return None
        total += usd
    return total
