"""Calls that a process does not answer itself go to the first one at its port, as they came."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from http import HTTPStatus
from pathlib import Path

import httpx

from windsock.service.connections.paths import in_format_of, known_as
from windsock.service.error_responses import Problem
from windsock.service.gateway.call import App, Message, Receive, Scope, Send

OWN = frozenset(
    {
        "/healthz",
        "/readyz",
        "/health",
        "/health/liveliness",
        "/health/liveness",
        "/health/readiness",
    }
)
"""What a process says of itself."""

JUDGING = ("/v1/feedback", "/v1/logs", "/v1/traces")
"""What is said of answers is heard by one, which knows all decisions."""

OF_A_CONNECTION = frozenset(
    {b"connection", b"keep-alive", b"transfer-encoding", b"upgrade", b"te", b"trailer"}
)
"""Headers that are not passed on."""

AWAY = Problem.of(
    503,
    "the process that answers this call is being replaced; try again in a second",
    headers=[(b"retry-after", b"1")],
)


class PassingOn:
    """Answers some calls, and what it is asked over a socket of its own; all else is the first's.

    app     of this process
    own     paths that it answers, beside those of its health
    first   the socket at which number 0 answers
    """

    def __init__(self, app: App, own: frozenset[str], first: Path) -> None:
        self._app = app
        self._own = OWN | own
        transport = httpx.AsyncHTTPTransport(uds=str(first), limits=httpx.Limits())
        timeout = httpx.Timeout(None, connect=2.0)
        self._client = httpx.AsyncClient(transport=transport, timeout=timeout, trust_env=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or self._is_own(scope["path"]) or is_within(scope):
            await self._app(scope, receive, send)
            return
        try:
            answer = await self._asked(scope, receive)
        except httpx.TransportError:
            problem = in_format_of(scope["path"], dict(scope["headers"]), AWAY)
            head = [(b"content-type", b"application/json"), *problem.headers]
            await send({"type": "http.response.start", "status": problem.status, "headers": head})
            await send({"type": "http.response.body", "body": problem.body})
            return
        with contextlib.suppress(httpx.TransportError):  # it has no end: the connection is closed
            await _relay_while_there(answer, receive, send)

    async def close(self) -> None:
        """No more is passed on."""
        await self._client.aclose()

    def _is_own(self, path: str) -> bool:
        return path in self._own or known_as(path)[0] in self._own

    async def _asked(self, scope: Scope, receive: Receive) -> httpx.Response:
        """The first one's answer, of which the head is there; raises TransportError."""
        query = scope["query_string"].decode("latin-1")
        url = httpx.URL("http://first", raw_path=_target(scope["raw_path"], query))
        request = self._client.build_request(
            scope["method"], url, headers=passed(scope["headers"]), content=_body(receive)
        )
        return await self._client.send(request, stream=True)


def _target(path: bytes, query: str) -> bytes:
    return path + b"?" + query.encode("latin-1") if query else path


def is_within(scope: Scope) -> bool:
    """Whether it comes from another process at this port, over a Unix socket."""
    server = scope.get("server")
    return server is not None and server[1] is None


def led_paths(paths: frozenset[str]) -> frozenset[str]:
    """Of a data plane, those that a process which is led answers itself."""
    return frozenset(path for path in paths if not path.startswith(JUDGING))


def passed(headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Without those of the connection."""
    return [each for each in headers if each[0].lower() not in OF_A_CONNECTION]


async def _body(receive: Receive) -> AsyncIterator[bytes]:
    while True:
        message: Message = await receive()
        if message["type"] == "http.disconnect":  # what came is not the whole
            raise httpx.WriteError("the caller has left")
        yield message.get("body", b"")
        if not message.get("more_body"):
            return


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _relay_while_there(answer: httpx.Response, receive: Receive, send: Send) -> None:
    """Pass the answer on until its end, or until the caller has left."""
    relay = asyncio.ensure_future(_relay(answer, send))
    gone = asyncio.ensure_future(_left(receive))
    try:
        await asyncio.wait((relay, gone), return_when=asyncio.FIRST_COMPLETED)
        if relay.done():
            relay.result()
    finally:
        relay.cancel()
        gone.cancel()
        await answer.aclose()


async def _relay(answer: httpx.Response, send: Send) -> None:
    head = passed(answer.headers.raw)
    await send({"type": "http.response.start", "status": answer.status_code, "headers": head})
    async for part in answer.aiter_raw():
        await send({"type": "http.response.body", "body": part, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


class TellingAll:
    """The leader's application: what was changed by hand is told to the others."""

    def __init__(self, app: App, paths: frozenset[str], tell: Callable[[], object]) -> None:
        self._app, self._paths, self._tell = app, paths, tell

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not self._may_change(scope):
            await self._app(scope, receive, send)
            return
        is_done = False

        async def noted(message: Message) -> None:
            nonlocal is_done
            is_done = is_done or message.get("status", 500) < HTTPStatus.BAD_REQUEST
            await send(message)

        await self._app(scope, receive, noted)
        if is_done:  # what was refused, as of somebody without a key, has changed nothing
            self._tell()

    def _may_change(self, scope: Scope) -> bool:
        is_call = scope["type"] == "http" and scope["method"] not in ("GET", "HEAD", "OPTIONS")
        return is_call and known_as(scope["path"])[0] not in self._paths
