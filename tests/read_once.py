"""What libraries read for every service and every client, they read once a process.

The suite starts a thousand services in a process. Three quarters of a start, and of the client
beside it, were FastAPI reading the signatures of sixty endpoints and httpx reading the certificates
of all authorities. An endpoint is the same if its code and its path are: what it closes over, its
service and the checks it depends on, is taken from the one at hand. A third of what was left was
SQLAlchemy compiling the same statements for every engine. Two thirds of the time that a service was
there for one request it slept: uvicorn looks ten times a second whether it should end.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from types import CodeType
from typing import Any, get_args

import fastapi.routing
import uvicorn.server
from fastapi.dependencies.models import Dependant
from fastapi.params import Depends
from httpx._transports import default
from sqlalchemy import Engine
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.util import LRUCache

_read: Callable[..., Dependant] = fastapi.routing.get_dependant
_known: dict[tuple[str, CodeType], Dependant] = {}
_made: Callable[..., None] = Engine.__init__
_compiled: LRUCache[Any, Any] = LRUCache(500)


def install() -> None:
    """For the life of the process."""
    fastapi.routing.get_dependant = _dependant
    for name in ("_is_gen_callable", "_is_async_gen_callable", "get_typed_return_annotation"):
        setattr(fastapi.routing, name, _by_code(getattr(fastapi.routing, name)))
    fastapi.routing.create_model_field = cache(fastapi.routing.create_model_field)
    default.create_ssl_context = cache(default.create_ssl_context)
    _read_statements_once()
    uvicorn.server.asyncio = _Looking()


class _Looking:
    """asyncio, as uvicorn's server sees it: what sleeps there looks a hundred times a second."""

    def __getattr__(self, name: str) -> Any:
        return getattr(asyncio, name)

    async def sleep(self, delay_s: float) -> None:
        await asyncio.sleep(min(delay_s, 0.01))


def _read_statements_once() -> None:
    """What is compiled for one SQLite is compiled for all: they differ by their file alone."""
    SQLiteDialect_pysqlite.__eq__ = lambda self, other: type(self) is type(other)
    SQLiteDialect_pysqlite.__hash__ = lambda self: hash(type(self))
    Engine.__init__ = _sharing


def _sharing(self: Engine, *args: Any, **facts: Any) -> None:
    _made(self, *args, **facts)
    if type(self.dialect) is SQLiteDialect_pysqlite:
        self._compiled_cache = _compiled


def _by_code(read: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """What is the same for all functions of the same code."""
    known: dict[CodeType, Any] = {}

    def once(call: Any) -> Any:
        code = None if hasattr(call, "__wrapped__") else getattr(call, "__code__", None)
        if code is None:
            return read(call)
        if code not in known:
            known[code] = read(call)
        return known[code]

    return once


def _dependant(*, path: str, call: Callable[..., Any], **facts: Any) -> Dependant:
    code = getattr(call, "__code__", None)
    if code is None or facts != {"scope": "function"}:
        return _read(path=path, call=call, **facts)
    known = _known.get((path, code))
    if known is None:
        known = _known[path, code] = _without_calls(_read(path=path, call=call, **facts))
    return _with_calls(known, call)


def _without_calls(read: Dependant) -> Dependant:
    return replace(read, call=None, dependencies=[_without_calls(e) for e in read.dependencies])


def _with_calls(known: Dependant, call: Callable[..., Any]) -> Dependant:
    """A new one, since the route adds dependencies to it."""
    below = [_with_calls(each, _needed(call, each.name)) for each in known.dependencies]
    return replace(known, call=call, dependencies=below)


def _needed(call: Callable[..., Any], name: str | None) -> Callable[..., Any]:
    """What the parameter `name` of an endpoint depends on."""
    (found,) = [e for e in get_args(call.__annotations__[name]) if isinstance(e, Depends)]
    assert found.dependency is not None
    return found.dependency
