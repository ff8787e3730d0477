"""What a client may ask for by name: a policy, its candidates and its limits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from windsock.core.evidence.answer_checks import Checks
from windsock.core.evidence.sources import SOURCE_WEIGHTS, EvidenceRules
from windsock.core.model.requests import RouteRequest
from windsock.core.policies.protocol import Policy


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Narrows the candidates of matching requests; the first match wins.

    task                exact task, None for any
    max_prompt_tokens   matches prompts up to this size
    min_prompt_tokens   matches prompts from this size on
    """

    candidates: frozenset[str]
    task: str | None = None
    max_prompt_tokens: int | None = None
    min_prompt_tokens: int = 0

    def matches(self, request: RouteRequest) -> bool:
        return (
            (self.task is None or self.task == request.task)
            and request.prompt_tokens >= self.min_prompt_tokens
            and (self.max_prompt_tokens is None or request.prompt_tokens <= self.max_prompt_tokens)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Cascade:
    """Re-run on a stronger deployment when the answer's confidence is below the threshold.

    ask_logprobs    have providers state how probable each token was, though the caller did not ask
    """

    escalate_below: float
    to: tuple[str, ...]
    ask_logprobs: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A named policy and its candidates.

    max_latency_s       ceiling on the measured p95 time to first content
    first_byte_s        an attempt without content by then is given up
    answer_s            so is a plain one whose answer is not whole by then
    stall_s             a stream that brings no content for so long is broken
    max_attempts        calls for one request, all reasons together
    hedge_share         share of calls, and of dollars, to spend on second calls beside late ones
    checks              what an answer must be like to count as good
    evidence            how its rewards, answers and claims count; follows from the others
    """

    name: str
    candidates: tuple[str, ...]
    policy: Policy
    rules: tuple[Rule, ...] = ()
    cascade: Cascade | None = None
    max_latency_s: float | None = None
    first_byte_s: float = 60.0
    answer_s: float = 300.0
    stall_s: float = 60.0
    max_attempts: int = 3
    hedge_share: float = 0.0
    checks: Checks | None = None
    source_weights: Mapping[str, float] = field(default_factory=lambda: SOURCE_WEIGHTS)
    evidence: EvidenceRules = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        rules = EvidenceRules(
            source_weights=self.source_weights, has_cascade=self.cascade is not None
        )
        object.__setattr__(self, "evidence", rules)
