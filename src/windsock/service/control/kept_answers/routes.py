"""OpenAI's responses by id: asked of the deployment that gave them, which alone keeps them."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import StreamingResponse

from windsock.errors import ProviderError
from windsock.providers.transport import Caller as ProviderCaller
from windsock.providers.transport import Endpoint, Reply
from windsock.service.auth import Principal
from windsock.service.control.access_check import Insight
from windsock.service.error_responses import Problem
from windsock.service.execution.upstream_calls import UpstreamCalls
from windsock.wire.upstream_errors.reading import refusal_of, words_of

ID = re.compile(r"[\w.-]{1,255}", re.ASCII)

ANSWER_S = 60.0
"""So long an answer is waited for, or the next part of a stream."""

OUR_KEY = frozenset({401, 402, 403, 407})
"""Statuses that speak of our account; a client would look for the fault at its own."""

AnsweredBy = Callable[[str, str], Awaitable[str | None]]
"""(id of an answer, namespace) -> the deployment that gave it, None if none is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptAnswers:
    """Finds the deployment of an answer and asks it. Nothing is drawn, counted or learnt."""

    answered_by: AnsweredBy
    calls: UpstreamCalls
    caller: ProviderCaller

    async def ask(self, method: str, name: str, tail: str, query: str, namespace: str) -> Response:
        """What the provider says, as it came, or why nobody is asked.

        tail    of the path, behind the id
        """
        place = await self._place(name, namespace) if ID.fullmatch(name) else None
        if place is None:
            return _told(_unknown(name))
        endpoint, model = place
        path = f"/responses/{quote(name, safe='')}{tail}" + (f"?{query}" if query else "")
        try:
            async with asyncio.timeout(ANSWER_S):
                path = endpoint.call_path(path, model)
                reply = await self.caller.ask(method, endpoint, path)
                return await self._response(reply, endpoint)
        except (ProviderError, TimeoutError) as error:
            words = f"the provider that keeps {name!r} could not be asked: {error}"
            return _told(Problem.of(502, words, code="upstream_failed"))

    async def _place(self, name: str, namespace: str) -> tuple[Endpoint, str] | None:
        """Where it is kept: who gave it, if that one speaks Responses itself."""
        deployment_id = await self.answered_by(name, namespace)
        deployment = self.calls.targets.deployment(deployment_id or "")
        upstream = self.calls.targets.upstreams.get(deployment.provider) if deployment else None
        if deployment is None or upstream is None or not deployment.keeps_answers:
            return None
        return upstream.bare, deployment.model

    async def _response(self, reply: Reply, endpoint: Endpoint) -> Response:
        media = reply.headers.get("content-type", "application/json")
        if reply.status == 200 and media.startswith("text/event-stream"):
            return StreamingResponse(_parts(reply), media_type=media)
        try:
            raw = await reply.body()
        finally:
            await reply.close()
        if reply.status < 300:
            return Response(raw, media_type=media)
        return _told(self._refused(reply, endpoint.without_secrets(raw)))

    def _refused(self, reply: Reply, raw: bytes) -> Problem:
        """The provider's words; of what our own account may do the client can mend nothing."""
        refusal = refusal_of(reply.status, raw, reply.headers, self.calls.clock.now())
        if reply.status in OUR_KEY or not refusal.body:
            said = words_of(refusal.body) or "nothing"
            words = f"the provider that keeps it refused ({reply.status}): {said}"
            return Problem.of(502, words, code="provider_auth")
        return Problem(reply.status, refusal.body)


def kept_answer_routes(insight: Insight, kept: KeptAnswers) -> APIRouter:
    """GET and DELETE /v1/responses/{name}, POST …/cancel, GET …/input_items."""
    routes = APIRouter(tags=["data plane"])
    Caller = Annotated[Principal, Depends(insight.allowed("infer"))]  # noqa: N806

    async def ask(request: Request, caller: Principal, name: str, tail: str) -> Response:
        return await kept.ask(request.method, name, tail, request.url.query, caller.namespace)

    @routes.get(
        "/v1/responses/{name}", summary="An answer that its provider keeps", response_class=Response
    )
    async def retrieve(request: Request, caller: Caller, name: str) -> Response:
        return await ask(request, caller, name, "")

    @routes.delete(
        "/v1/responses/{name}",
        summary="Have its provider forget an answer",
        response_class=Response,
    )
    async def delete(request: Request, caller: Caller, name: str) -> Response:
        return await ask(request, caller, name, "")

    @routes.post(
        "/v1/responses/{name}/cancel", summary="End work in the background", response_class=Response
    )
    async def cancel(request: Request, caller: Caller, name: str) -> Response:
        return await ask(request, caller, name, "/cancel")

    @routes.get(
        "/v1/responses/{name}/input_items",
        summary="What a kept answer was asked",
        response_class=Response,
    )
    async def input_items(request: Request, caller: Caller, name: str) -> Response:
        return await ask(request, caller, name, "/input_items")

    return routes


async def _parts(reply: Reply) -> AsyncIterator[bytes]:
    try:
        while True:
            async with asyncio.timeout(ANSWER_S):
                part = await reply.take()
            if not part:
                return
            yield part
    finally:
        await reply.close()


def _unknown(name: str) -> Problem:
    words = (
        f"no answer {name[:80]!r} of this key is kept: it was given by none of the deployments, or "
        "by one that keeps no answers (those that speak OpenAI's Responses do)"
    )
    return Problem.of(404, words, param="response_id", code="response_not_found")


def _told(problem: Problem) -> Response:
    return Response(problem.body, status_code=problem.status, media_type="application/json")
