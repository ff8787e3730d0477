"""What plain and streamed calls share: how a call is sent, and what a refusal means."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from windsock.clock import Clock
from windsock.core.model.calls import LASTING, Attempt, CallKind, CallResult
from windsock.core.routing.exchange import Exchange
from windsock.core.routing.request_calls import RequestCalls
from windsock.core.routing.router import Router
from windsock.core.routing.timing import MAX_BACKOFF_S
from windsock.providers.transport import Caller, Reply
from windsock.providers.upstream import Upstream
from windsock.service.error_responses import Problem
from windsock.service.execution.asking.target import Headers, Target, Unasked, untold
from windsock.service.execution.asking.targets import Targets
from windsock.service.execution.deadline import Deadlines
from windsock.wire.adaptation.complaints import judged, judged_call
from windsock.wire.dialect import MISSHAPEN
from windsock.wire.format import AnswerFacts
from windsock.wire.upstream_errors.echoes import without_echoes
from windsock.wire.upstream_errors.reading import is_unknown_call, words_of


@dataclass(slots=True)
class Failure:
    """What a client is told beside an answer, or when nothing else is left.

    status, body    of the last upstream error, in OpenAI's shape
    passed          headers of an answer that comes in the client's own format, by number of
                    attempt; others are chat completions
    words           what each call was told, by number of attempt
    adapted         fields of its request that were changed, by number of attempt
    last_event      what ends a stream that has begun, where no other deployment goes on with it
    """

    status: int | None = None
    body: bytes = b""
    adapted: dict[int, tuple[str, ...]] = field(default_factory=dict)
    passed: dict[int, Headers] = field(default_factory=dict)
    last_event: bytes = b""
    words: dict[int, str] = field(default_factory=dict)


class UpstreamCalls:
    """Calls to providers, as one executor makes them."""

    def __init__(
        self, *, router: Router, upstreams: Mapping[str, Upstream], caller: Caller, clock: Clock
    ) -> None:
        self.targets = Targets(catalog=router.catalog, upstreams=upstreams, clock=clock)
        self.clock = clock
        self.deadlines = Deadlines()
        self._router = router
        self._caller = caller
        self._lasting: dict[str, str] = {}

    def post(self, target: Target, path: str = "") -> Coroutine[Any, Any, Reply]:
        """Send the call, or the same to another path; to be awaited.

        raises  ProviderError (see `Caller.post`), Unasked
        """
        spoken, request, model = target.format, target.request, target.model
        try:
            path = target.endpoint.call_path(path or spoken.path(request, model), model)
            body = spoken.body(request, model)
        except MISSHAPEN as error:
            raise untold() from error
        return self._caller.post(target.endpoint, path, body, request.headers)

    def unasked(
        self, attempt: Attempt, error: Unasked, started: float, failure: Failure
    ) -> CallResult:
        """The result of a call that was not made; the caller reads why."""
        failure.status, failure.body = error.status, Problem.of(error.status, str(error)).body
        return self.result(attempt, error.kind, started, status=error.status)

    def refused(
        self,
        attempt: Attempt,
        target: Target,
        reply: Reply,
        raw: bytes,
        started: float,
        failure: Failure,
        **facts: Any,
    ) -> CallResult:
        """The result of a call whose answer is an error, which `failure` remembers.

        raw     the body of that status; with 200, the error that stood within it
        facts   of the result that are known beside
        """
        status = None if reply.status == 200 else reply.status
        refusal = target.format.refusal(status, raw, reply.headers, self.clock.now())
        failure.status = reply.status
        failure.body = target.endpoint.without_secrets(refusal.body)
        said, read = without_echoes(raw, target.request.raw), refusal
        if said is not raw:
            read = target.format.refusal(status, said, reply.headers, self.clock.now())
        verdict, unsupported = judged(read.verdict, status, said, target.request, target.heard)
        if target.is_native and is_unknown_call(status, said, path=target.path):
            verdict = self.targets.without_language(target)
        if target.request.expected is not None:
            verdict, unsupported = judged_call(verdict, unsupported, status, raw, target.request)
        if words := words_of(failure.body):
            failure.words[attempt.number] = words
            if verdict.kind in LASTING:
                self._lasting[attempt.deployment] = self._lasting[target.provider] = words
        known = {
            "status": reply.status,
            "retry_after_s": read.retry_after_s,
            "unsupported": unsupported,
            "adapted": target.adapted,
            **facts,
        }
        return self.result(attempt, verdict.kind, started, refusal=verdict, **known)

    def note_given(
        self, exchange: Exchange, attempt: Attempt, target: Target, facts: AnswerFacts
    ) -> None:
        """Who speaks the client's format, and can read the sealed parts of an answer when a later
        request brings them back."""
        if target.is_native and target.request.native is not None:
            self.targets.languages.answered(
                target.provider, target.request.native, self.clock.now()
            )
        conversations, namespace = self._router.conversations, exchange.decision.cell.namespace
        for name in facts.sealed_ids:
            conversations.note_sealed(namespace, name, attempt.deployment)

    def words_of(self, deployments: Iterable[str]) -> dict[str, str]:
        """What providers said when they last refused for a reason that lasts, by deployment."""
        said = self._lasting
        found = ((name, said.get(name) or said.get(name.partition("/")[0])) for name in deployments)
        return {name: words for name, words in found if words}

    def result(self, attempt: Attempt, kind: CallKind, started: float, **facts: Any) -> CallResult:
        """How a call ended that began at `started` (elapsed s)."""
        latency_s = self.clock.elapsed() - started
        return CallResult(attempt=attempt, kind=kind, latency_s=latency_s, **facts)

    async def wait(self, attempt: Attempt, calls: RequestCalls) -> None:
        """Until the call may be made: another one may have been told to come later meanwhile."""
        now, availability = self.clock.now(), self._router.availability
        pause_s, left_s = attempt.not_before - now, MAX_BACKOFF_S
        while pause_s > 0:
            await asyncio.sleep(pause_s)
            now, left_s = self.clock.now(), left_s - pause_s
            pause_s = availability.may_be_asked_in_s(attempt.deployment, now)
            if pause_s > left_s or not calls.postpone(attempt, now + pause_s):
                return

    async def close(self) -> None:
        """Drop the connections."""
        await self._caller.close()
