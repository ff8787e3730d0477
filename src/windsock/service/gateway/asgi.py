"""The data plane: one thin ASGI application in front of FastAPI, for the calls that must be fast.

FastAPI describes these calls in its OpenAPI document; it never runs them (measured at c=64 on one
core, a FastAPI route with a pydantic body costs six times the CPU of this).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Protocol

from windsock.errors import WindsockError
from windsock.service.connections.held_body import ClientGone, HeldBody, Memory, has_body
from windsock.service.connections.limits import Refusals, fault_of
from windsock.service.connections.paths import (
    in_format_of,
    known_as,
    naming,
    read_googles,
    unsupported,
)
from windsock.service.error_responses import Problem, problem_of
from windsock.service.key_limits import NO_LIMITS
from windsock.wire.request import NativeRequest

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers = dict[bytes, bytes]
Endpoint = Callable[["Call"], Awaitable[None]]


MODEL = "windsock.model"
"""The key of a scope that holds the model which its path names."""

LEAVE = "windsock.leave"
"""The ASGI extension that holds the request's `ClientConnection`."""

WATCHED_FROM_S = 0.02
"""After which a client that leaves is noticed; the provider's call is then cancelled at once."""


def peer_of(scope: Scope) -> str:
    """The address that a request came from; empty where there is none."""
    client = scope.get("client")
    return str(client[0]) if client else ""


class Call:
    """One request of the data plane: its body, and the means to answer.

    model       that its path names, None if it names none
    query       after the path, without its question mark
    allowance   what it takes of its key's limits
    is_told     what is answered is in the client's own format already
    """

    __slots__ = (
        "allowance",
        "body",
        "headers",
        "is_answered",
        "is_told",
        "model",
        "query",
        "receive",
        "send",
    )

    def __init__(self, headers: Headers, body: bytes, receive: Receive, send: Send) -> None:
        self.headers = headers
        self.body = body
        self.receive = receive
        self.send = send
        self.is_answered = False
        self.model: str | None = None
        self.query = b""
        self.allowance = NO_LIMITS
        self.is_told = False

    @property
    def native(self) -> NativeRequest | None:
        """The request in the client's own format, where that is not the one of `body`."""
        return None

    def header(self, name: bytes) -> str | None:
        """A header of the request by its name in lower case, or None."""
        value = self.headers.get(name)
        return None if value is None else value.decode("latin-1")

    async def begin(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        """The head of an answer whose body follows in parts."""
        self.is_answered = True
        if self.allowance is not NO_LIMITS:
            headers = [*headers, *self.allowance.headers()]
        await self.send({"type": "http.response.start", "status": status, "headers": headers})

    async def write(self, body: bytes, *, more: bool) -> None:
        """A part of the body; more: others follow."""
        await self.send({"type": "http.response.body", "body": body, "more_body": more})

    async def answer(
        self, status: int, body: bytes, headers: list[tuple[bytes, bytes]] | None = None
    ) -> None:
        """A whole answer of JSON."""
        length = (b"content-length", str(len(body)).encode())
        kind = (b"content-type", b"application/json")
        await self.begin(status, [kind, length, *(headers or [])])
        await self.write(body, more=False)

    async def refuse(self, problem: Problem) -> None:
        """A whole answer that is an error."""
        await self.answer(problem.status, problem.body, problem.headers)


class ClientConnection(Protocol):
    """The connection of a request, where the server tells of its end (see `uvicorn_protocol`)."""

    disconnected: bool
    on_leave: Callable[[], None] | None


class DataPlane:
    """Runs its own paths, hands everything else (and lifespan) to `app`, with its whole body.

    memory  bounds the bodies held at a time
    knows   whether the caller with these headers may send a body at all: who may not is told why
            by whoever would have worked on it, without one
    """

    def __init__(
        self,
        app: App,
        endpoints: dict[str, Endpoint],
        *,
        max_body_bytes: int,
        memory: Memory,
        knows: Callable[[Headers], bool],
    ) -> None:
        self._app = app
        self._memory = memory
        self._knows = knows
        self._refusals = Refusals()
        self._endpoints = endpoints
        self._max_body_bytes = max_body_bytes

    @property
    def paths(self) -> frozenset[str]:
        """Those that do not go to the application behind."""
        return frozenset(self._endpoints)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if (fault := fault_of(scope["headers"])) is not None:
            await Call({}, b"", receive, send).refuse(fault)
            return
        read_googles(scope)
        headers: Headers = dict(scope["headers"])
        endpoint = self._endpoint(scope)
        if endpoint is None and scope["path"] in self._endpoints:
            problem = unsupported(scope["method"], scope["path"], is_method=True)
            await _refuse(Call(headers, b"", receive, send), scope, problem)
            return
        if endpoint is None and not has_body(headers):
            await self._app(scope, receive, send)
            return
        call = Call(headers, b"", receive, send)
        call.model, call.query = scope.get(MODEL), scope["query_string"]
        if self._knows(headers):
            await self._with_body(endpoint, call, scope)
            return
        wait_s = self._refusals.wait_s(peer_of(scope), asyncio.get_running_loop().time())
        if wait_s:
            await asyncio.sleep(wait_s)
        await self._run(endpoint, call, scope)

    def _endpoint(self, scope: Scope) -> Endpoint | None:
        """Of a call of the data plane; the path becomes our own where clients know another."""
        is_post = scope["method"] == "POST"
        found = self._endpoints.get(scope["path"]) if is_post else None
        if found is None:
            scope["path"], scope[MODEL] = known_as(scope["path"])
            found = self._endpoints.get(scope["path"]) if is_post else None
        return found

    async def _with_body(self, endpoint: Endpoint | None, call: Call, scope: Scope) -> None:
        """Hold memory for the body, as much of it as came, while it is worked on."""
        body = HeldBody(self._memory, self._max_body_bytes)
        try:
            problem = await body.read(call.headers, call.receive)
            if problem is not None:
                await _refuse(call, scope, problem)
                return
            call.body = naming(body.whole(), call.model, scope["path"])
            await self._run(endpoint, call, scope)
        except ClientGone:
            pass
        finally:
            body.release()

    async def _run(self, endpoint: Endpoint | None, call: Call, scope: Scope) -> None:
        if endpoint is None:
            await self._app(scope, _again(call.body, call.receive), call.send)
            return
        connection: ClientConnection | None = scope.get("extensions", {}).get(LEAVE)
        watch = _LeaveWatch(call.receive) if connection is None else _LeaveCallback(connection)
        try:
            try:
                await endpoint(call)
            except WindsockError as error:
                if call.is_answered:
                    raise
                await _refuse(call, scope, problem_of(error))
        except asyncio.CancelledError:
            if not watch.is_gone:
                raise
        finally:
            watch.end()


async def _refuse(call: Call, scope: Scope, problem: Problem) -> None:
    """In the format in which this client reads errors."""
    await call.refuse(in_format_of(scope["path"], call.headers, problem))


def _again(body: bytes, receive: Receive) -> Receive:
    """Gives the body that was read, then what the server says."""
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def give() -> Message:
        return messages.pop() if messages else await receive()

    return give


class _LeaveCallback:
    """Cancels the task it was made in when the server says that the client left."""

    __slots__ = ("_connection", "_work", "is_gone")

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self._work = asyncio.current_task()
        self.is_gone = False
        connection.on_leave = self._leave
        if connection.disconnected:
            self._leave()

    def end(self) -> None:
        self._connection.on_leave = None

    def _leave(self) -> None:
        self.is_gone = True
        if self._work is not None:
            self._work.cancel()


class _LeaveWatch:
    """The same under a server that only tells who asks: cancels its task when the client leaves.

    It looks from WATCHED_FROM_S on: most calls are over by then, and need no second task.
    """

    __slots__ = ("_receive", "_task", "_timer", "_work", "is_gone")

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._work = asyncio.current_task()
        self._task: asyncio.Task[None] | None = None
        self._timer = asyncio.get_running_loop().call_later(WATCHED_FROM_S, self._begin)
        self.is_gone = False

    def end(self) -> None:
        self._work = None
        self._timer.cancel()
        if self._task is not None:
            self._task.cancel()

    def _begin(self) -> None:
        self._task = asyncio.ensure_future(self._look())

    async def _look(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        if self._work is not None:
            self.is_gone = True
            self._work.cancel()
