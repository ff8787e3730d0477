"""One call whose answer is held whole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from windsock.core.evidence.checks.declared import confidence
from windsock.core.model.calls import Attempt, CallKind, CallResult
from windsock.core.routing.exchange import Exchange
from windsock.errors import ProviderError
from windsock.providers.transport import Reply, Unreachable
from windsock.service.execution.asking.target import Target, Unasked
from windsock.service.execution.call_usage import end_kind, message_tokens, usage_facts
from windsock.service.execution.deadline import Deadline
from windsock.service.execution.upstream_calls import Failure, UpstreamCalls
from windsock.service.texts.asked import asked_of
from windsock.wire.billing import amount_of
from windsock.wire.format import Answer, AnswerFacts
from windsock.wire.request import TOKENS_PER_BYTE, UpstreamRequest


@dataclass(slots=True)
class GivenAnswer:
    """A whole answer and whom it came from."""

    target: Target
    answer: Answer

    def told(self, request: UpstreamRequest, cost_usd: float | None) -> bytes:
        """As the client gets it."""
        target = self.target
        return target.format.told(self.answer, request, provider=target.provider, cost_usd=cost_usd)


Answers = dict[int, GivenAnswer]
"""By number of attempt."""


async def plain_call(
    calls: UpstreamCalls,
    exchange: Exchange,
    request: UpstreamRequest,
    failure: Failure,
    answers: Answers,
    attempt: Attempt,
) -> CallResult:
    """Make the call; its answer goes to `answers`, a refusal to `failure`."""
    call = PlainCall(calls, exchange, request, attempt)
    try:
        target = calls.targets.of(attempt, request)
        reply, raw = await call.exchanged(target)
    except TimeoutError:
        return call.result(CallKind.TIMED_OUT)
    except Unreachable as error:
        return call.result(CallKind.UNREACHABLE, note=str(error))
    except Unasked as error:
        return calls.unasked(attempt, error, call.started, failure)
    except ProviderError as error:
        return call.broken(str(error), target)
    failure.adapted[attempt.number] = target.adapted
    if reply.status != 200:
        return calls.refused(attempt, target, reply, raw, call.started, failure)
    answer = target.format.answer(raw, request)
    if answer is None:
        failure.status, failure.body = 502, b""
        return call.result(CallKind.BAD_ANSWER, status=200, note=_unlike(reply))
    if (header := target.endpoint.bill_header) and not answer.facts.billed_usd:
        answer.facts.billed_usd = amount_of(reply.headers.get(header))
    if answer.error is not None:
        used = call.facts(answer, len(raw), target) if answer.facts.usage is not None else {}
        return calls.refused(attempt, target, reply, answer.error, call.started, failure, **used)
    result = call.answered(answer, len(raw), target)
    if result.kind is CallKind.ANSWERED:
        if target.passes_headers:
            failure.passed[attempt.number] = target.passed(reply)
            calls.note_given(exchange, attempt, target, answer.facts)
        answers[attempt.number] = GivenAnswer(target, answer)
    else:
        failure.status, failure.body = 502, b""
    return result


class PlainCall:
    """One call and its times: elapsed s when it started, seconds to the head of its answer."""

    __slots__ = (
        "_attempt", "_calls", "_exchange", "_first_byte_s", "_request", "_status", "started"
    )  # fmt: skip

    def __init__(
        self, calls: UpstreamCalls, exchange: Exchange, request: UpstreamRequest, attempt: Attempt
    ) -> None:
        self.started = calls.clock.elapsed()
        self._calls = calls
        self._exchange = exchange
        self._request = request
        self._attempt = attempt
        self._first_byte_s: float | None = None
        self._status: int | None = None

    async def exchanged(self, target: Target) -> tuple[Reply, bytes]:
        """Send and read all, in time; raises TimeoutError, ProviderError."""
        calls, attempt = self._calls, self._attempt
        if attempt.not_before:
            await calls.wait(attempt, self._exchange.calls)
            self.started = calls.clock.elapsed()
        deadline = Deadline(calls.deadlines, attempt.timeout_s)
        try:
            with deadline:
                reply = await calls.post(target)
                self._status = reply.status
                try:
                    self._first_byte_s = first_byte_s = calls.clock.elapsed() - self.started
                    deadline.move(self._exchange.calls.rest_s(first_byte_s, calls.clock.now()))
                    return reply, await reply.body()
                finally:
                    await reply.close()
        finally:
            deadline.close()

    def result(self, kind: CallKind, **facts: Any) -> CallResult:
        """How the call ended, at this moment."""
        return self._calls.result(
            self._attempt, kind, self.started, first_byte_s=self._first_byte_s, **facts
        )

    def broken(self, note: str, target: Target) -> CallResult:
        """The connection ended before the answer did; of one that had begun the prompt, at least,
        was paid for."""
        used: dict[str, Any] = {}
        if self._status == 200:
            used = usage_facts(AnswerFacts(), self._request, 0, target.capabilities)
        return self.result(CallKind.BAD_ANSWER, status=self._status, note=note, **used)

    def answered(self, answer: Answer, size: int, target: Target) -> CallResult:
        """The result of an answer of `size` bytes, which may be none by the way it ended."""
        route = self._exchange.route
        return CallResult(
            attempt=self._attempt,
            kind=end_kind(answer.facts, self._request, route),
            latency_s=self._calls.clock.elapsed() - self.started,
            status=200,
            confidence=answer.certainty if route.checks is None else self._checked(answer),
            **self.facts(answer, size, target),
        )

    def facts(self, answer: Answer, size: int, target: Target) -> dict[str, Any]:
        """What a result tells of an answer; its words tell its usage where nobody counts it."""
        facts, request, has = answer.facts, self._request, target.capabilities
        used = usage_facts(facts, request, int(size * TOKENS_PER_BYTE), has)
        if used["is_usage_estimated"] and answer.message is not None:
            counted_here = request.choices * message_tokens(answer.message)
            used = usage_facts(facts, request, counted_here, has)
        return {
            "first_byte_s": self._first_byte_s,
            **used,
            "served_model": facts.served_model,
            "service_tier": facts.service_tier,
            "billed_usd": facts.billed_usd,
            "finish_reason": facts.finish_reason,
            "response_id": facts.response_id,
            "adapted": target.adapted,
        }

    def _checked(self, answer: Answer) -> float | None:
        """Confidence in an answer by the checks that its route declares."""
        checks = self._exchange.route.checks
        if answer.message is None or checks is None:
            return answer.certainty
        asked = asked_of(self._request.raw, answer.facts.finish_reason)
        return confidence(checks, answer.message, answer.certainty, asked)


def _unlike(reply: Reply) -> str:
    """What came in place of an answer, as it is called itself."""
    kind = reply.headers.get("content-type", "").partition(";")[0].strip()[:80]
    return f"what came is no answer to this call ({kind or 'of no stated type'})"
