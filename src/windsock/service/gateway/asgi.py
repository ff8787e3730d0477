"""The data plane: one thin ASGI application in front of FastAPI, for the calls that must be fast.

FastAPI describes these calls in its OpenAPI document; it never runs them (measured at c=64 on one
core, a FastAPI route with a pydantic body costs six times the CPU of this).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from windsock.clock import Clock
from windsock.errors import BadRequest, WindsockError
from windsock.service.auth import presented_in
from windsock.service.connections.held_body import (
    ClientGone,
    HeldBody,
    Memory,
    NotTaken,
    has_body,
    is_form,
)
from windsock.service.connections.leaving import ClientConnection, LeaveWatch
from windsock.service.connections.limits import Refusals, fault_of
from windsock.service.connections.paths import (
    as_get,
    in_format_of,
    is_protobuf,
    known_as,
    naming,
    read_googles,
    unsupported,
)
from windsock.service.error_responses import Problem, internal, problem_of, stopping
from windsock.service.key_limits import NO_LIMITS
from windsock.wire import json_codec
from windsock.wire.caller_fields.body_bounds import check_body
from windsock.wire.caller_fields.complaints import no_json
from windsock.wire.request import NativeRequest

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers = dict[bytes, bytes]
Endpoint = Callable[["Call"], Awaitable[None]]


JSON = (b"content-type", b"application/json")

MODEL = "windsock.model"
"""The key of a scope that holds the model which its path names."""

LEAVE = "windsock.leave"
"""The ASGI extension that holds the request's `ClientConnection`."""


def peer_of(scope: Scope) -> str:
    """The address that a request came from; empty where there is none."""
    client = scope.get("client")
    return str(client[0]) if client else ""


class Call:
    """One request of the data plane: its body, and the means to answer.

    presented   the digest of its key, None if it has none
    model       that its path names, None if it names none
    query       after the path, without its question mark
    allowance   what it takes of its key's limits
    is_told     what is answered is in the client's own format already
    connection  of the client, once it is watched
    """

    __slots__ = (
        "allowance",
        "body",
        "connection",
        "headers",
        "is_answered",
        "is_told",
        "model",
        "presented",
        "query",
        "receive",
        "send",
    )

    def __init__(
        self, headers: Headers, presented: bytes | None, receive: Receive, send: Send
    ) -> None:
        self.headers = headers
        self.presented = presented
        self.body = b""
        self.receive = receive
        self.send = send
        self.is_answered = False
        self.connection: ClientConnection | None = None
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

    def head(self, status: int, headers: list[tuple[bytes, bytes]]) -> Message:
        """The message with which an answer begins: from now on there is one."""
        self.is_answered = True
        if self.allowance is not NO_LIMITS:
            headers = [*headers, *self.allowance.headers()]
        return {"type": "http.response.start", "status": status, "headers": headers}

    async def begin(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        """The head of an answer whose body follows in parts."""
        await self.send(self.head(status, headers))

    async def write(self, body: bytes, *, more: bool) -> None:
        """A part of the body; more: others follow."""
        await self.send({"type": "http.response.body", "body": body, "more_body": more})

    @property
    def write_at_once(self) -> Callable[[bytes], bool] | None:
        """Writes a part of the body that is not the last (see `Writer.at_once`)."""
        return None if self.connection is None else self.connection.write_at_once

    async def answer(
        self, status: int, body: bytes, headers: list[tuple[bytes, bytes]] | None = None
    ) -> None:
        """A whole answer: JSON, unless its headers begin with another type."""
        length = (b"content-length", b"%d" % len(body))
        kind = [] if headers and headers[0][0] == JSON[0] else [JSON]
        await self.send(self.head(status, [*kind, *(headers or ()), length]))
        await self.send({"type": "http.response.body", "body": body})

    async def refuse(self, problem: Problem) -> None:
        """A whole answer that is an error."""
        await self.answer(problem.status, problem.body, problem.headers)


class CutShort(Exception):
    """An answer that began has no end: the server closes the connection."""


class DataPlane:
    """Runs its own paths, hands everything else (and lifespan) to `app`, with its whole body.

    memory  bounds the bodies held at a time
    knows   whether who presents a key of this digest may send a body at all, at a time: who may
            not is told why by whoever would have worked on it, without one
    """

    def __init__(
        self,
        app: App,
        endpoints: dict[str, Endpoint],
        *,
        max_body_bytes: int,
        max_upload_bytes: int,
        memory: Memory,
        knows: Callable[[bytes | None, float], bool],
        clock: Clock,
    ) -> None:
        self._app = app
        self._memory = memory
        self._knows = knows
        self._clock = clock
        self._refusals = Refusals()
        self._endpoints = endpoints
        self._most_bytes = (max_body_bytes, max_upload_bytes)

    @property
    def paths(self) -> frozenset[str]:
        """Those that do not go to the application behind."""
        return frozenset(self._endpoints)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if scope["query_string"] or scope["method"] == "GET":
            read_googles(scope)
        headers: Headers = dict(scope["headers"])
        call = Call(headers, presented_in(headers), receive, send)
        if (fault := fault_of(scope["headers"], scope["http_version"])) is not None:
            await _refuse(call, scope, fault)
            return
        is_post = scope["method"] == "POST"
        endpoint = self._endpoints.get(scope["path"]) if is_post else None
        if endpoint is None:
            endpoint = self._renamed(scope, is_post=is_post)
        if endpoint is None and scope["path"] in self._endpoints:
            problem = unsupported(scope["method"], scope["path"], is_method=True)
            await _refuse(call, scope, problem)
            return
        if endpoint is None and not has_body(headers):
            await self._app(as_get(scope), receive, send)
            return
        call.model, call.query = scope.get(MODEL), scope["query_string"]
        if self._knows(call.presented, self._clock.now()):
            await self._with_body(endpoint, call, scope)
            return
        wait_s = self._refusals.wait_s(peer_of(scope), asyncio.get_running_loop().time())
        if wait_s:
            await asyncio.sleep(wait_s)
        await self._run(endpoint, call, scope)

    def _renamed(self, scope: Scope, *, is_post: bool) -> Endpoint | None:
        """Where clients know another path than our own: ours, and its endpoint."""
        scope["path"], scope[MODEL] = known_as(scope["path"])
        return self._endpoints.get(scope["path"]) if is_post else None

    async def _with_body(self, endpoint: Endpoint | None, call: Call, scope: Scope) -> None:
        """Hold memory for the body, as much of it as came, while it is worked on."""
        is_json = call.headers.get(JSON[0]) == JSON[1]
        is_files = not is_json and is_form(call.headers)
        body = HeldBody(self._memory, self._most_bytes[is_files and endpoint is not None])
        try:
            call.body = await body.read(call.headers, call.receive)
            if is_json or not (is_files or is_protobuf(scope["path"], call.headers)):
                check_body(call.body)
                if endpoint is None:
                    _check_json(call.body)
            if call.model is not None:
                call.body = naming(call.body, call.model, scope["path"])
            await self._run(endpoint, call, scope)
        except BadRequest as error:
            await _refuse(call, scope, problem_of(error))
        except NotTaken as error:
            await _refuse(call, scope, error.problem)
        except ClientGone:
            pass
        finally:
            self._memory.release(body.held)

    async def _run(self, endpoint: Endpoint | None, call: Call, scope: Scope) -> None:
        """Run it; what it raises is told in the caller's format. The server logs what is ours."""
        if endpoint is None:
            await self._app(scope, _again(call.body, call.receive), call.send)
            return
        known: ClientConnection | None = (scope.get("extensions") or {}).get(LEAVE)
        watch: ClientConnection = LeaveWatch(call.receive) if known is None else known
        call.connection = watch
        watch.watch()
        try:
            try:
                await endpoint(call)
            except WindsockError as error:
                if call.is_answered:
                    raise
                await _refuse(call, scope, problem_of(error))
            except Exception:
                if not call.is_answered:
                    await _refuse(call, scope, internal())
                raise
        except CutShort:
            pass
        except asyncio.CancelledError:
            if watch.is_gone:
                return
            if call.is_answered:
                raise
            await _refuse(call, scope, stopping())
        finally:
            watch.end()


def _check_json(body: bytes) -> None:
    """Raises BadRequest for what is none; the data plane itself reads it as it is written."""
    if not body:
        return
    try:
        json_codec.loads_asked(body)
    except ValueError as error:
        raise no_json(body, error) from error


async def _refuse(call: Call, scope: Scope, problem: Problem) -> None:
    """In the format in which this client reads errors."""
    await call.refuse(in_format_of(scope["path"], call.headers, problem))


def _again(body: bytes, receive: Receive) -> Receive:
    """Gives the body that was read, then what the server says."""
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def give() -> Message:
        return messages.pop() if messages else await receive()

    return give
