"""The data plane: one thin ASGI application in front of FastAPI, for the calls that must be fast.

FastAPI describes these calls in its OpenAPI document; it never runs them (measured at c=64 on one
core, a FastAPI route with a pydantic body costs six times the CPU of this).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

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
from windsock.service.gateway.call import (
    JSON,
    LEAVE,
    App,
    Call,
    CutShort,
    Endpoint,
    Headers,
    Message,
    Receive,
    Scope,
    Send,
)
from windsock.wire import json_codec
from windsock.wire.caller_fields.body_bounds import check_body
from windsock.wire.caller_fields.complaints import no_json

MODEL = "windsock.model"
"""The key of a scope that holds the model which its path names."""


def peer_of(scope: Scope) -> str:
    """The address that a request came from; empty where there is none."""
    client = scope.get("client")
    return str(client[0]) if client else ""


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
