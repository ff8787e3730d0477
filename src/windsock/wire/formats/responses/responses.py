"""OpenAI's Responses format: POST /v1/responses.

Written from OpenAI's API reference and its published OpenAPI document. Nothing is stored: what
needs a stored conversation (previous_response_id, conversation, background) only those can serve
who speak Responses. What runs at OpenAI only (built-in tools and what they said) is left out, and
named.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from windsock.errors import BadRequest
from windsock.wire.dialect import copied, object_in, refused, schema_format, unread
from windsock.wire.formats.openai_ends import finish_in
from windsock.wire.formats.pieces import pieces_of
from windsock.wire.formats.responses.input import Input
from windsock.wire.formats.responses.output import item_of, response_of
from windsock.wire.formats.responses.stream import ResponsesStream
from windsock.wire.formats.responses.tools import Tools

SHARED = ("model", "models", "provider", "session_id", "temperature", "top_p", "stream",
          "service_tier", "user", "parallel_tool_calls", "seed", "metadata",
          "prompt_cache_key", "safety_identifier", "previous_response_id",
          "conversation")  # fmt: skip
"""Fields that chat completions have under the same name."""

READ = frozenset(
    {*SHARED, "input", "instructions", "tools", "tool_choice", "max_output_tokens", "reasoning",
     "text", "stream_options", "client_metadata", "background", "prompt"}
)  # fmt: skip
"""Fields that are told as a chat, or ask for nothing of an answer; all others are left out, and
named."""

USUAL = {"include": ["reasoning.encrypted_content"], "truncation": "disabled"}
"""Values that ask for what is done anyhow."""

STORED = ("previous_response_id", "conversation", "background", "prompt")
"""Fields that speak of something kept at OpenAI."""


class Responses:
    """One request to /v1/responses."""

    end_mark = b""
    language = "responses"
    passed: tuple[bytes, ...] = (b"openai-beta",)
    id_header = b""
    takes_comments = True

    def __init__(self) -> None:
        self.left_out: list[str] = []
        self.refusal: BadRequest | None = None
        self.is_foreign = False
        self.continues: str | None = None
        self._asked: dict[str, Any] = {}
        self._tools = Tools({})
        self._stream = ResponsesStream(self._asked, self._tools)

    def asked(self, body: dict[str, Any]) -> dict[str, Any]:
        """The chat body that asks for the same; raises BadRequest."""
        self._asked, self._tools, read = body, Tools(body), Input(body.get("input"))
        self.refusal, self.is_foreign = _stored(body) or read.refusal, read.is_foreign
        self.continues = read.continues
        self._stream = ResponsesStream(body, self._tools)
        asked = {name: value for name, value in body.items() if USUAL.get(name) != value}
        self.left_out = [*self._tools.left_out, *read.left_out, *unread(asked, READ)]
        messages = read.messages
        if body.get("instructions"):
            messages.insert(0, {"role": "system", "content": str(body["instructions"])})
        chat = {**copied(body, *SHARED), "messages": messages, **self._tools.fields, **_form(body)}
        if "tools" not in chat:
            chat.pop("parallel_tool_calls", None)
        if body.get("max_output_tokens") is not None:
            chat["max_tokens"] = body["max_output_tokens"]
        if object_in(body, "text").get("verbosity"):
            chat["verbosity"] = body["text"]["verbosity"]
        effort = object_in(body, "reasoning").get("effort")
        if effort:
            chat["reasoning_effort"] = effort
        if body.get("stream"):
            chat["stream_options"] = {"include_usage": True}
        return chat

    def answered(self, body: dict[str, Any]) -> dict[str, Any]:
        """A response from a chat completion; each thought, text and call is an item."""
        choice = body["choices"][0]
        pieces = pieces_of(choice.get("message") or {})
        output = [
            item_of(self._asked, self._tools, body.get("id"), number, piece)
            for number, piece in enumerate(pieces)
        ]
        return response_of(self._asked, body, output, finish_in(choice), body.get("usage"))

    def refused(self, status: int, error: Mapping[str, Any]) -> dict[str, Any]:
        """An error as OpenAI tells it."""
        return refused(status, error)

    def streamed(self, chunk: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """See `ResponsesStream`."""
        return self._stream.streamed(chunk)

    def ended(self) -> Iterator[dict[str, Any]]:
        """See `ResponsesStream`."""
        return self._stream.ended()

    def broken(self, error: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """See `ResponsesStream`."""
        return self._stream.broken(error)


class ResponseTokenCount(Responses):
    """One request to /v1/responses/input_tokens."""

    def answered(self, body: dict[str, Any]) -> dict[str, Any]:
        """The count as an object of its own."""
        return {"object": "response.input_tokens", **body}


def _stored(body: dict[str, Any]) -> BadRequest | None:
    """Why what is kept at a provider can be asked of nobody else; None if nothing is."""
    name = next((each for each in STORED if body.get(each)), None)
    if name is None:
        return None
    return BadRequest(
        f"{name}: nothing is stored here; send the whole input with every request, or ask a "
        "deployment that speaks Responses",
        param=name,
    )


def _form(body: dict[str, Any]) -> dict[str, Any]:
    """What form the text must have, as chat's field."""
    form = object_in(object_in(body, "text"), "format")
    if form.get("type") == "json_schema":
        is_strict = bool(form.get("strict", True))
        name = form.get("name") or "answer"
        schema = schema_format(form.get("schema"), name, strict=is_strict)
        return {"response_format": schema}
    if form.get("type") == "json_object":
        return {"response_format": {"type": "json_object"}}
    return {}
