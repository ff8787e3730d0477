"""Anthropic's Messages format: POST /v1/messages and its token count.

Written from Anthropic's API reference (messages, streaming, errors). What runs at Anthropic only
(server tools and what they said) is left out, and named. Marks of what to cache become one for the
whole prompt, which who speaks Messages takes; all others that cache do so by themselves.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from windsock.errors import BadRequest
from windsock.wire.dialect import copied, known_by, object_in, schema_format, unread
from windsock.wire.formats.anthropic.caching import cache_mark
from windsock.wire.formats.messages.answer import message_of, stop_of
from windsock.wire.formats.messages.stream import MessageStream
from windsock.wire.formats.messages.tools import tool_fields
from windsock.wire.formats.messages.turns import Conversation
from windsock.wire.formats.openai_ends import finish_in
from windsock.wire.formats.pieces import pieces_of
from windsock.wire.service_tiers import message_tier

SHARED = ("model", "models", "provider", "session_id", "max_tokens", "temperature", "top_p",
          "top_k", "stream", "thinking")  # fmt: skip
"""Fields that chat completions have under the same name."""

LONG_PROMPT = "prompt is too long"
"""By which clients of this format know it: it has no code for that."""

READ = frozenset(
    {*SHARED, "messages", "system", "tools", "tool_choice", "stop_sequences", "output_format",
     "metadata", "cache_control", "speed", "service_tier"}
)  # fmt: skip
"""Fields that are told as a chat; all others are left out, and named."""

KINDS = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    422: "invalid_request_error",
    429: "rate_limit_error",
    503: "overloaded_error",
    504: "timeout_error",
}
"""The type of an error, by its status."""

TYPES = frozenset({*KINDS.values(), "api_error"}) - {"invalid_request_error"}
"""Those that say more than a status of 4xx does."""


class Messages:
    """One request to /v1/messages."""

    end_mark = b""
    language = "messages"
    passed: tuple[bytes, ...] = (b"anthropic-version", b"anthropic-beta")
    id_header = b"request-id"
    continues: str | None = None
    takes_comments = True

    def __init__(self) -> None:
        self.left_out: list[str] = []
        self.refusal: BadRequest | None = None
        self.is_foreign = False
        self._stream = MessageStream()

    def asked(self, body: dict[str, Any]) -> dict[str, Any]:
        """The chat body that asks for the same; raises BadRequest."""
        read = Conversation(body)
        tools, self.left_out = tool_fields(body)
        chat = {**copied(body, *SHARED), "messages": read.messages, **tools, **_effort(body)}
        self.left_out += [*read.left_out, *unread(_without_read(body, chat), READ)]
        self.refusal, self.is_foreign = read.refusal, read.is_foreign
        if body.get("stop_sequences"):
            chat["stop"] = body["stop_sequences"]
        config = object_in(body, "output_config")
        form = object_in(config, "format") or object_in(body, "output_format")
        if form.get("type") == "json_schema":
            chat["response_format"] = schema_format(form.get("schema"))
        chat |= _who(body.get("metadata")) | cache_mark(body) | message_tier(body)
        if body.get("stream"):
            chat["stream_options"] = {"include_usage": True}
        return chat

    def answered(self, body: dict[str, Any]) -> dict[str, Any]:
        """A message from a chat completion; each thought, text and call is a block of it."""
        choice = body["choices"][0]
        pieces = pieces_of(choice.get("message") or {})
        return message_of(body, pieces, stop_of(finish_in(choice), pieces))

    def refused(self, status: int, error: Mapping[str, Any]) -> dict[str, Any]:
        """An error with its own type, if Anthropic knows that, else with the word for its status;
        it has no place for a field or a code."""
        usual = KINDS.get(status, "invalid_request_error" if status < 500 else "api_error")
        kind = error["type"] if error.get("type") in TYPES else usual
        return {"type": "error", "error": {"type": kind, "message": known_by(LONG_PROMPT, error)}}

    def streamed(self, chunk: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """See `MessageStream`."""
        return self._stream.streamed(chunk)

    def ended(self) -> Iterator[dict[str, Any]]:
        """See `MessageStream`."""
        return self._stream.ended()

    def broken(self, error: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """An error event; nothing follows it."""
        yield self.refused(500, error)


class TokenCount(Messages):
    """One request to /v1/messages/count_tokens."""

    def answered(self, body: dict[str, Any]) -> dict[str, Any]:
        """The count is told as it is."""
        return body


def _effort(body: dict[str, Any]) -> dict[str, Any]:
    """How hard it is to try, as chat completions have it: there it is thinking alone, which a
    caller may have turned off."""
    effort = object_in(body, "output_config").get("effort")
    thinks = object_in(body, "thinking").get("type") != "disabled"
    return {"reasoning_effort": effort} if effort and thinks else {}


def _without_read(body: dict[str, Any], chat: dict[str, Any]) -> dict[str, Any]:
    """Of `output_config` the form of an answer is read, and effort where it is told."""
    read = ("format", "effort") if "reasoning_effort" in chat else ("format",)
    config = object_in(body, "output_config")
    return {**body, "output_config": {k: v for k, v in config.items() if k not in read}}


def _who(metadata: Any) -> dict[str, Any]:
    """Anthropic's metadata names a user; a task for routing may stand beside it."""
    said = metadata if isinstance(metadata, dict) else {}
    found = {"user": said["user_id"]} if said.get("user_id") else {}
    return found | ({"metadata": {"task": said["task"]}} if said.get("task") else {})
