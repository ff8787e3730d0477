"""The facts that cross the border of the core.

Treat all of them as immutable. Those made for every request are not frozen: freezing costs the
five of them a tenth of a request's CPU, for each field is then set by a call.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from windsock.core.model.ticks import HealthReport, Quote, Tick, Vanished
from windsock.core.model.units import Usage

__all__ = [
    "Attempt",
    "AttemptReason",
    "CallKind",
    "CallResult",
    "CascadeFacts",
    "Cell",
    "Decision",
    "HealthReport",
    "Outcome",
    "Preferences",
    "Quote",
    "Reward",
    "RouteRequest",
    "Shift",
    "Tick",
    "Vanished",
]

DEFAULT_NAMESPACE = "default"
DEFAULT_TASK = "default"


class Cell(NamedTuple):
    """Where beliefs live: evidence is never shared between namespaces."""

    namespace: str
    route: str
    task: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Preferences:
    """The caller's `provider` object, as OpenRouter defines it.

    only, ignore, order     provider ids or deployment ids
    sort                    price, throughput or latency; switches the bandit off
    max_prompt_usd_per_mtok, max_completion_usd_per_mtok    price ceilings
    """

    only: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    order: tuple[str, ...] = ()
    sort: str | None = None
    max_prompt_usd_per_mtok: Decimal | None = None
    max_completion_usd_per_mtok: Decimal | None = None
    allow_fallbacks: bool = True


NO_PREFERENCES = Preferences()


@dataclass(slots=True, kw_only=True, unsafe_hash=True)
class RouteRequest:
    """What is asked, without a word of its text.

    model           route name, deployment id or bare model id
    models          ordered fallbacks by name, after `model`
    needs           capabilities it cannot do without: vision, tools, json_schema, audio
    prompt_tokens   estimate
    max_output_tokens   the caller's cap, if any
    features        cheap numbers about the prompt, for learnt segments
    deadline_s      seconds from `open` until the caller gives up
    """

    model: str
    models: tuple[str, ...] = ()
    namespace: str = DEFAULT_NAMESPACE
    task: str = DEFAULT_TASK
    needs: frozenset[str] = frozenset()
    prompt_tokens: int = 0
    max_output_tokens: int | None = None
    is_stream: bool = False
    session_id: str | None = None
    key_id: str | None = None
    preferences: Preferences = NO_PREFERENCES
    features: tuple[float, ...] = ()
    deadline_s: float | None = None


@dataclass(slots=True, kw_only=True)
class Decision:
    """The choice, whole.

    number          grows by one per decision, unique in a store
    id              what clients see; cannot be guessed from the number
    table_version   the weight table drawn from; the explanation is rebuilt from it
    deployment      the one drawn
    propensity      its exact probability in that table
    draw            the number in [0, 1) that fell
    features        of the request, where segments are learnt from them
    is_task_guessed the request named no task, the classifier proposed one
    escalates_to    the arm drawn was "`deployment`, then maybe this one", by a calibrated check
    """

    number: int
    id: str
    at: float
    cell: Cell
    table_version: int
    deployment: str
    propensity: float
    draw: float
    requested_model: str
    prompt_tokens: int = 0
    key_id: str | None = None
    features: tuple[float, ...] = ()
    is_task_guessed: bool = False
    escalates_to: str | None = None


class AttemptReason(StrEnum):
    FIRST = "first"
    RETRY = "retry"
    FALLBACK = "fallback"
    ESCALATION = "escalation"
    HEDGE = "hedge"


@dataclass(slots=True, kw_only=True, unsafe_hash=True)
class Attempt:
    """One call to make. number counts from 0; not_before is unix s (a retry may have to wait)."""

    number: int
    deployment: str
    reason: AttemptReason
    not_before: float = 0.0
    timeout_s: float | None = None


class CallKind(StrEnum):
    """How a call ended."""

    ANSWERED = "answered"
    RATE_LIMITED = "rate_limited"
    SERVER_ERROR = "server_error"
    TIMED_OUT = "timed_out"
    CALLER_TIMED_OUT = "caller_timed_out"
    UNREACHABLE = "unreachable"
    BAD_ANSWER = "bad_answer"
    BROKEN = "broken"
    CALLER_ERROR = "caller_error"
    CONTEXT_EXCEEDED = "context_exceeded"
    CONTENT_REFUSED = "content_refused"
    AUTH_FAILED = "auth_failed"
    MODEL_GONE = "model_gone"
    OUT_OF_CREDIT = "out_of_credit"
    CANCELLED = "cancelled"

    __hash__ = str.__hash__  # Enum's own is a Python function


@dataclass(slots=True, kw_only=True, unsafe_hash=True)
class CallResult:
    """How one attempt went.

    latency_s       from sending to the end
    first_byte_s    from sending to the first content, if any came
    usage           counted by the provider, or an estimate if `is_usage_estimated`
    service_tier    the provider's own word for how it was served, where prices differ by it
    billed_usd      what the provider says it charged, if it says so
    confidence      0..1, of the answer, where a check or logprobs give one
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


@dataclass(slots=True, kw_only=True, unsafe_hash=True)
class Outcome:
    """Everything about a finished request.

    cost_usd    all attempts together, at the prices in force when each was made
    usage       of the answer that was given
    ok          an answer came back whole
    """

    decision: Decision
    results: tuple[CallResult, ...]
    served: str | None
    ok: bool
    cost_usd: Decimal
    finished_at: float
    usage: Usage | None = None
    is_usage_estimated: bool = False
    is_cached: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Reward:
    """The value of an answer, 0..1, and who says so.

    source      explicit, check, confidence or transport, or a name the operator weighs
    metric      what was judged, if several things are
    key_id      who reported it
    """

    value: float
    source: str = "explicit"
    metric: str = ""
    key_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """Something that changes where traffic goes.

    kind    price.shifted, price.held, price.released, price.unread, price.went_stale,
            health.changed, cooldown.began, cooldown.ended, cooldown.cut_short, quality.drifted,
            quality.undone, bill.drifted, model.redirected
    facts   what the log and the event stream show
    """

    kind: str
    deployment: str
    at: float
    facts: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmFacts:
    """One candidate's line in a weight table.

    success_low, success_high   90 % credible interval
    effective_samples           discounted, weighted rewards behind the belief
    expected_usd                one such request, learnt tokens at current prices
    quote_feed, quote_seen_at   the quote in force
    price_age_s                 since a feed last confirmed it
    limits                      what holds the weight down: floor, latency, cooldown, budget,
                                quarantine, young
    """

    deployment: str
    weight: float
    success_mean: float
    success_low: float
    success_high: float
    effective_samples: float
    expected_usd: float
    input_usd_per_mtok: Decimal | None = None
    output_usd_per_mtok: Decimal | None = None
    quote_feed: str | None = None
    quote_seen_at: float | None = None
    price_age_s: float | None = None
    limits: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CascadeFacts:
    """What "`deployment`, then maybe `to`" would do for a cell, and whether it is used.

    weight          chance that a request is served so; part of the weight of `deployment`
    success_mean    of the answer given at the end
    expected_usd    of both calls, the second as often as it is made
    escalated       share of requests asked again; those without a confidence always are
    unsure          share of answers that came without a confidence
    wrong_found, right_passed   share of wrong answers asked again, of right ones kept
    judged          judged answers with a confidence, by which the check is measured
    gain            success beyond that of a plain mixture of the two at the same cost; it is
                    used only where this is above 0
    """

    deployment: str
    to: str
    weight: float
    success_mean: float
    expected_usd: float
    escalated: float
    unsure: float
    wrong_found: float
    right_passed: float
    judged: float
    gain: float

    @property
    def arm(self) -> str:
        return f"{self.deployment} > {self.to}"


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightTable:
    """The exact chance of each candidate of a cell, from `at` until `expires_at`.

    version         grows by one per table of a router
    deployments     in catalog order; weights and cumulative stand in the same order
    ruled_out       reason by deployment id
    value_usd       V, dollars per success, that the weights were solved for
    cascades        the cascades that the policy may draw; a draw that falls in the first `weight`
                    of a deployment's share may escalate. None if every doubtful answer of the
                    route is asked again, whatever was drawn
    note            what the objective could not be given (floor out of reach, budget spent)
    """

    version: int
    at: float
    expires_at: float
    cell: Cell
    policy: str
    deployments: tuple[str, ...]
    weights: tuple[float, ...]
    cumulative: tuple[float, ...]
    arms: tuple[ArmFacts, ...]
    ruled_out: Mapping[str, str]
    value_usd: float | None = None
    cascades: tuple[CascadeFacts, ...] | None = None
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Feedback:
    """A reward as it was reported, and what it counted for."""

    decision_id: str
    reward: Reward
    at: float
    weight: float = 1.0
    idempotency_key: str | None = None
