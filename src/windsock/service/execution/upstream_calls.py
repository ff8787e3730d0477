"""What plain and streamed calls share: where a call goes, how it is sent, what a refusal means."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable, Mapping
from dataclasses import dataclass, field, replace
from sys import maxsize
from typing import Any

from windsock.clock import Clock
from windsock.core.model.calls import LASTING, Attempt, CallKind, CallResult, Out, Then, Verdict
from windsock.core.model.catalog import Capabilities, Deployment
from windsock.core.model.requests import Unsupported
from windsock.core.routing.exchange import Exchange
from windsock.core.routing.router import Router
from windsock.errors import ProviderError
from windsock.observability.telemetry import current
from windsock.providers.transport import Caller, Endpoint, Reply
from windsock.providers.upstream import Upstream
from windsock.service.error_responses import Problem
from windsock.service.execution.deadline import Deadlines
from windsock.wire.adaptation.adapt import Adapted, adapted, adapted_natively, uncarried
from windsock.wire.adaptation.complaints import judged, judged_call
from windsock.wire.adaptation.parameters import AS_IT_COMES, Parameters, bounded, taught
from windsock.wire.adaptation.search import with_search
from windsock.wire.dialect import MISSHAPEN
from windsock.wire.format import AnswerFacts, Format
from windsock.wire.request import UpstreamRequest
from windsock.wire.upstream_errors.reading import is_unknown_call, words_of

MAX_TAUGHT = 1024
"""Deployments with what they were heard to refuse, of which the outcome is kept."""

UNTOLD = "messages, tools or another field of the body has another shape than this format has"

SILENT_S = 3600.0
"""For so long a provider is not asked in a format of which it said that it has no such call."""

Headers = list[tuple[bytes, bytes]]

Heard = tuple[str, bool, tuple[Unsupported, ...]]
"""(deployment, asked by chat completions, what it refused)."""


class Unasked(ProviderError):
    """Nobody is asked, which is not the deployment's fault; it says why, with kind and status."""

    def __init__(self, message: str, kind: CallKind, status: int) -> None:
        super().__init__(message)
        self.kind = kind
        self.status = status


@dataclass(slots=True)
class Failure:
    """What a client is told beside an answer, or when nothing else is left.

    status, body    of the last upstream error, in OpenAI's shape
    passed          headers of an answer that comes in the client's own format, by number of
                    attempt; others are chat completions
    words           what each deployment said last, by its name
    adapted         fields of its request that were changed, by number of attempt
    last_event      what ends a stream that has begun, where no other deployment goes on with it
    """

    status: int | None = None
    body: bytes = b""
    adapted: dict[int, tuple[str, ...]] = field(default_factory=dict)
    passed: dict[int, Headers] = field(default_factory=dict)
    last_event: bytes = b""
    words: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class Target:
    """Whom one call asks, and in which format; a reload meanwhile changes nothing of it.

    request     as it asks
    adapted     the fields of the client's request that had to change for it
    heard       what it refused of late
    is_native   it is asked and answers in the client's own format

    Treat it as immutable: frozen, it would cost a call three times as much to make.
    """

    provider: str
    model: str
    endpoint: Endpoint
    format: Format
    capabilities: Capabilities
    request: UpstreamRequest
    adapted: tuple[str, ...] = ()
    heard: tuple[Unsupported, ...] = ()
    is_native: bool = False

    @property
    def passes_headers(self) -> bool:
        """Whether headers of its answers go to the client; there may be none."""
        return self.is_native or bool(self.format.answer_headers)

    def passed(self, reply: Reply) -> Headers:
        """The headers of an answer that the client gets too."""
        names = (each for each in self.format.answer_headers if each in reply.headers)
        return [(name.encode(), reply.headers[name].encode("latin-1")) for name in names]


class UpstreamCalls:
    """Calls to providers, as one executor makes them.

    upstreams   by provider id; a reload replaces them
    """

    def __init__(
        self, *, router: Router, upstreams: Mapping[str, Upstream], caller: Caller, clock: Clock
    ) -> None:
        self.upstreams = upstreams
        self.clock = clock
        self.deadlines = Deadlines()
        self._router = router
        self._caller = caller
        self._taught: dict[Heard, tuple[Parameters, Parameters]] = {}
        self._silent_until: dict[tuple[str, str], float] = {}
        self._lasting: dict[str, str] = {}

    def deployment(self, name: str) -> Deployment | None:
        """What is known of a deployment; None of one that there is not, or not any more."""
        return self._router.catalog.deployments.get(name)

    def target(self, attempt: Attempt, request: UpstreamRequest) -> Target:
        """Raises ProviderError if the provider is gone, Unasked if it offers no such call."""
        deployment = self._router.catalog.deployments.get(attempt.deployment)
        upstream = self.upstreams.get(deployment.provider) if deployment else None
        if deployment is None or upstream is None:
            raise ProviderError(f"{attempt.deployment} is no longer known")
        spoken = upstream.formats.get(request.operation)
        if spoken is None:
            words = f"{attempt.deployment} offers no {request.operation} calls"
            raise Unasked(words, CallKind.CANNOT_SERVE, 422)
        asks_natively = request.native is not None and upstream.native
        native = self._native_format(request, upstream, deployment) if asks_natively else None
        heard = self._router.catalog.unsupported.of(deployment.id, self.clock.now())
        stated = upstream.parameters if native is None else upstream.stated
        known = stated.get(deployment.id, AS_IT_COMES)
        taken = self._taken((deployment.id, native is None, heard), known) if heard else known
        is_limited = request.request.max_output_tokens is not None
        rules = _bounded(taken, deployment, request) if is_limited else taken
        try:
            asked, changed = _asked(deployment, request, native, rules)
        except MISSHAPEN as error:
            raise _untold() from error
        spoken = spoken if native is None else native
        changed += uncarried(asked, spoken.carries) if spoken.carries is not None else ()
        endpoint = upstream.endpoint_of(request.operation) if native is None else upstream.bare
        if (trace := current.get()) is not None:
            headers = trace.call(attempt, deployment, endpoint.base_url, asked)
            asked = replace(asked, headers=headers)
        return Target(
            provider=deployment.provider,
            model=deployment.model,
            endpoint=endpoint,
            format=spoken,
            capabilities=deployment.capabilities,
            request=asked,
            adapted=changed,
            heard=heard,
            is_native=native is not None,
        )

    def _native_format(
        self, request: UpstreamRequest, upstream: Upstream, deployment: Deployment
    ) -> Format | None:
        """The client's own, where the provider speaks it and has not just said that it does not."""
        if request.native is None or deployment.id in request.searching:
            return None
        key = deployment.provider, (language := request.native.language)
        is_silent = self.clock.now() < self._silent_until.get(key, 0.0)
        return None if is_silent else upstream.native.get(language)

    def _taken(self, key: Heard, known: Parameters) -> Parameters:
        """What is known to be taken less what was heard; made once, until either changes."""
        kept = self._taught.get(key)
        if kept is None or kept[0] is not known:
            if len(self._taught) >= MAX_TAUGHT:
                self._taught.clear()
            kept = self._taught[key] = known, taught(known, key[-1])
        return kept[1]

    def post(self, target: Target, path: str = "") -> Coroutine[Any, Any, Reply]:
        """Send the call, or the same to another path; to be awaited.

        raises  ProviderError (see `Caller.post`), Unasked
        """
        spoken, request, model = target.format, target.request, target.model
        try:
            path = target.endpoint.call_path(path or spoken.path(request, model), model)
            body = spoken.body(request, model)
        except MISSHAPEN as error:
            raise _untold() from error
        return self._caller.post(target.endpoint, path, body, request.headers)

    def unasked(
        self, attempt: Attempt, error: Unasked, started: float, failure: Failure
    ) -> CallResult:
        """The result of a call that was not made; the caller reads why."""
        failure.status, failure.body = error.status, Problem.of(error.status, str(error)).body
        return self.result(attempt, error.kind, started, status=error.status)

    def refused(
        self, attempt: Attempt, target: Target, reply: Reply, raw: bytes, started: float,
        failure: Failure, **facts: Any,
    ) -> CallResult:  # fmt: skip
        """The result of a call whose answer is an error, which `failure` remembers.

        raw     the body of that status; with 200, the error that stood within it
        facts   of the result that are known beside
        """
        status = None if reply.status == 200 else reply.status
        refusal = target.format.refusal(status, raw, reply.headers, self.clock.now())
        failure.status = reply.status
        failure.body = target.endpoint.without_secrets(refusal.body)
        verdict, unsupported = judged(refusal.verdict, status, raw, target.request, target.heard)
        if target.is_native and is_unknown_call(status, raw):
            verdict = self._without_language(target)
        if target.request.expected is not None:
            verdict, unsupported = judged_call(verdict, unsupported, status, raw, target.request)
        if words := words_of(failure.body):
            failure.words[attempt.deployment] = words
            if verdict.kind in LASTING:
                self._lasting[attempt.deployment] = self._lasting[target.provider] = words
        known = {
            "status": reply.status,
            "retry_after_s": refusal.retry_after_s,
            "unsupported": unsupported,
            "adapted": target.adapted,
            **facts,
        }
        return self.result(attempt, verdict.kind, started, refusal=verdict, **known)

    def _without_language(self, target: Target) -> Verdict:
        """The provider has no such call: for an hour it is asked by chat completions."""
        native = target.request.native
        assert native is not None
        self._silent_until[target.provider, native.language] = self.clock.now() + SILENT_S
        then = Then.MENDED if native.refusal is None else Then.ELSEWHERE
        return Verdict(kind=CallKind.CANNOT_SERVE, then=then, out=Out.REQUEST)

    def note_sealed(self, exchange: Exchange, attempt: Attempt, facts: AnswerFacts) -> None:
        """Who can read the sealed parts of an answer when a later request brings them back."""
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

    async def wait(self, attempt: Attempt) -> None:
        """Until the call may be made."""
        pause_s = attempt.not_before - self.clock.now()
        if pause_s > 0:
            await asyncio.sleep(pause_s)

    async def close(self) -> None:
        """Drop the connections."""
        await self._caller.close()


def _untold() -> Unasked:
    """Of a body that has not the shape it is known by."""
    return Unasked(UNTOLD, CallKind.CALLER_ERROR, 400)


def _asked(
    deployment: Deployment, request: UpstreamRequest, native: Format | None, rules: Parameters
) -> Adapted:
    """The request as it is sent, with the search that is asked beside where it is one."""
    if native is not None:
        asked, changed = adapted_natively(request, native, rules)
    else:
        if deployment.id in request.searching:
            request = with_search(request, as_plugin=deployment.runs_plugins)
        asked, changed = adapted(request, rules)
    return asked, changed if deployment.runs_plugins else (*changed, *request.unheeded)


def _bounded(taken: Parameters, deployment: Deployment, request: UpstreamRequest) -> Parameters:
    """With the length of answer that fits the deployment, where more is asked for."""
    has, asked = deployment.capabilities, request.request
    wanted = asked.max_output_tokens or 0
    left = None if has.context_tokens is None else has.context_tokens - asked.prompt_tokens
    most = min(each for each in (has.max_output_tokens, left, maxsize) if each is not None)
    return bounded(taken, most) if 0 < most < wanted else taken
