"""Other wire formats in front of chat completions: asked for in one, routed and called in OpenAI's.

A dialect translates; deciding, calling, falling back, caching and recording stay what they are.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import orjson

from windsock.errors import BadRequest, WindsockError
from windsock.service.error_responses import problem_of
from windsock.service.gateway.call import Call, Endpoint, Message
from windsock.wire import json_codec
from windsock.wire.adaptation.adapt import told_names
from windsock.wire.adaptation.tool_names import ToolNames
from windsock.wire.caller_fields.complaints import no_json
from windsock.wire.caller_fields.ranges import check_ranges
from windsock.wire.caller_fields.router_fields import ROUTER_FIELDS
from windsock.wire.dialect import MISSHAPEN, Dialect, copied
from windsock.wire.request import NativeRequest
from windsock.wire.sse import BOUNDARY, data_of

ADAPTED = b"x-windsock-adapted"

MISTYPED = "a field of the body has another type than this format gives it"

UNTOLD = "the provider's answer has not the shape of a chat completion"


class TranslatedCall(Call):
    """A call whose body is read, and whose answer is told, through a dialect."""

    __slots__ = ("_chat", "_dialect", "_names", "_original")

    def __init__(self, original: Call, dialect: Dialect) -> None:
        self._original = original
        self._dialect = dialect
        self._chat: bytes | None = None
        self._names = ToolNames()
        super().__init__(original.headers, original.presented, original.receive, original.send)
        self.connection = original.connection

    @property
    def body(self) -> bytes:
        """As a chat body. Translated when it is asked for: keys are looked at first."""
        if self._chat is None:
            asked = _object(self._original.body)
            check_ranges(asked)
            try:
                chat = {**copied(asked, *ROUTER_FIELDS), **self._dialect.asked(asked)}
                self._names.fit(chat)
                self._chat = json_codec.dumps(chat)
            except MISSHAPEN as error:
                raise BadRequest(MISTYPED) from error
        return self._chat

    @body.setter
    def body(self, _: bytes) -> None:
        """What was asked for stays what it is."""

    @property
    def native(self) -> NativeRequest | None:
        """As it came, for who speaks the dialect; its body was read before.

        raises  BadRequest if nobody can serve it, neither as it came nor as a chat
        """
        dialect = self._dialect
        if dialect.is_foreign and dialect.refusal is not None:
            raise dialect.refusal
        if not dialect.language or dialect.is_foreign:
            return None
        passed = ((name, self.headers.get(name)) for name in dialect.passed)
        return NativeRequest(
            language=dialect.language,
            raw=self._original.body,
            headers=tuple((name, value) for name, value in passed if value is not None),
            missed=tuple(each for each in dialect.left_out if "." in each),
            refusal=dialect.refusal,
            continues=dialect.continues,
        )

    def head(self, status: int, headers: list[tuple[bytes, bytes]]) -> Message:
        """The same in every dialect."""
        self._original.is_answered = True
        left_out = [] if self.is_told else self._dialect.left_out
        return super().head(status, _named(self._dialect, _noted(headers, left_out)))

    async def write(self, body: bytes, *, more: bool) -> None:
        """Events of a chat stream, told in the dialect."""
        await super().write(self._events(body), more=more)

    @property
    def write_at_once(self) -> Callable[[bytes], bool] | None:
        """The same."""
        write = super().write_at_once
        return write and (lambda body: write(self._events(body)))

    def _events(self, body: bytes) -> bytes:
        return b"".join(self._told(body)) if body and not self.is_told else body

    async def answer(
        self, status: int, body: bytes, headers: list[tuple[bytes, bytes]] | None = None
    ) -> None:
        """A whole answer or an error, told in the dialect."""
        if self.is_told:
            await super().answer(status, body, headers)
            return
        if status == 200:
            try:
                answer = json_codec.loads(body)
                self._names.restore(answer)
                told = self._dialect.answered(answer)
            except MISSHAPEN:
                status, told = 502, self._dialect.refused(502, {"message": UNTOLD})
        else:
            told = self._dialect.refused(status, _error(body, headers or []))
        await super().answer(status, json_codec.dumps(told), headers)

    def _told(self, events: bytes) -> Iterator[bytes]:
        """Events in the dialect; comments are the same in all that take them."""
        for event in BOUNDARY.split(events):
            data = data_of(event)
            if data.strip() == b"[DONE]":
                yield from map(_event, self._dialect.ended())
                yield self._dialect.end_mark
            elif data:
                yield from map(_event, self._told_chunk(data))
            elif event.startswith(b":") and self._dialect.takes_comments:
                yield event + b"\n\n"

    def _told_chunk(self, data: bytes) -> Iterator[dict[str, Any]]:
        """The events of a chunk; one that is none tells nothing."""
        chunk = json_codec.parsed(data)
        if not isinstance(chunk, dict):
            return
        if "error" in chunk and not chunk.get("choices"):
            yield from self._dialect.broken(_error(data))
            return
        with contextlib.suppress(*MISSHAPEN):
            self._names.restore(chunk)
            yield from self._dialect.streamed(chunk)


def spoken(chat: Endpoint, dialect: Callable[[Call], Dialect]) -> Endpoint:
    """The chat endpoint, for callers who speak another dialect; one is made for each call."""

    async def endpoint(call: Call) -> None:
        translated = TranslatedCall(call, dialect(call))
        try:
            await chat(translated)
        except WindsockError as error:
            if translated.is_answered:
                raise
            await translated.refuse(problem_of(error))

    return endpoint


def _noted(headers: list[tuple[bytes, bytes]], left_out: list[str]) -> list[tuple[bytes, bytes]]:
    """Headers that also name what the dialect left out, beside what the deployment did not take."""
    if not left_out:
        return headers
    known = [value for name, value in headers if name == ADAPTED]
    named = (each.encode() for each in told_names(left_out))
    rest = [each for each in headers if each[0] != ADAPTED]
    return [*rest, (ADAPTED, b", ".join([*known, *named]))]


def _named(dialect: Dialect, headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Headers that also tell the request's id by the name under which these clients look for it."""
    known = dict(headers)
    if dialect.id_header in known or b"x-request-id" not in known or not dialect.id_header:
        return headers
    return [*headers, (dialect.id_header, known[b"x-request-id"])]


def _object(raw: bytes) -> dict[str, Any]:
    try:
        body = json_codec.loads_asked(raw)
    except ValueError as error:
        raise no_json(raw, error) from error
    if not isinstance(body, dict):
        raise BadRequest("the body must be a JSON object")
    return body


def _event(body: dict[str, Any]) -> bytes:
    kind = body.get("type")
    name = b"" if kind is None else b"event: " + str(kind).encode() + b"\n"
    return name + b"data: " + json_codec.dumps(body) + b"\n\n"


def _error(raw: bytes, headers: Iterable[tuple[bytes, bytes]] = ()) -> dict[str, Any]:
    """The facts of an error in OpenAI's shape (see `Dialect.refused`)."""
    try:
        error = orjson.loads(raw).get("error")
    except (orjson.JSONDecodeError, AttributeError):
        error = raw[:500].decode(errors="replace")
    facts = error if isinstance(error, dict) else {"message": error}
    delay = dict(headers).get(b"retry-after")
    waits = {"retry_after": delay.decode()} if delay else {}
    return {**facts, "message": str(facts.get("message")), **waits}
