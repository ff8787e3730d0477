"""Gemini's format: generateContent, streamGenerateContent, countTokens.

Written from Google's API reference. The model stands in the path. What runs at Google only is left
out, and named.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from windsock.errors import BadRequest
from windsock.wire.caller_fields.router_fields import ROUTER_FIELDS
from windsock.wire.dialect import copied
from windsock.wire.formats.gemini.errors import error_of
from windsock.wire.formats.generate_content.answer import (
    candidate_of,
    finish_of,
    images_of,
    response_of,
    whole_parts,
)
from windsock.wire.formats.generate_content.fields import field, names_in, object_field
from windsock.wire.formats.generate_content.settings import setting_fields, wants_thoughts
from windsock.wire.formats.generate_content.stream import ContentStream
from windsock.wire.formats.generate_content.tools import tool_fields
from windsock.wire.formats.generate_content.turns import Conversation
from windsock.wire.formats.openai_ends import finish_in
from windsock.wire.formats.pieces import pieces_of

READ = frozenset(
    {*ROUTER_FIELDS, "metadata", "model", "contents", "systemInstruction", "tools", "toolConfig",
     "generationConfig", "cachedContent", "serviceTier"}
)  # fmt: skip

SETTINGS_OF_FUNCTIONS = frozenset({"functionCallingConfig"})


class GenerateContent:
    """One request to models/{model}:generateContent."""

    end_mark = b""
    language = "generate_content"
    passed: tuple[bytes, ...] = ()
    id_header = b""
    continues: str | None = None
    takes_comments = False
    is_streamed = False

    def __init__(self, model: str | None) -> None:
        self.left_out: list[str] = []
        self.refusal: BadRequest | None = None
        self.is_foreign = False
        self._model = model
        self._wants_thoughts = False
        self._stream = ContentStream()

    def asked(self, body: dict[str, Any]) -> dict[str, Any]:
        """The chat body that asks for the same; raises BadRequest."""
        read = Conversation(body)
        tools, self.left_out = tool_fields(body)
        settings, dropped, bound = setting_fields(body)
        self._wants_thoughts = wants_thoughts(body)
        self._stream = ContentStream(wants_thoughts=self._wants_thoughts)
        config = names_in(object_field(body, "toolConfig"), SETTINGS_OF_FUNCTIONS)
        self.left_out += [*names_in(body, READ), *(f"toolConfig.{name}" for name in config)]
        self.left_out += [*dropped, *read.left_out]
        self.is_foreign = read.is_foreign
        self.refusal = _refusal([*_cached(body), *bound, *read.bound])
        return {
            **copied(body, "metadata"),
            "model": _name(self._model or body.get("model")),
            "messages": read.messages,
            **settings,
            **tools,
            **_tier(body),
            **(
                {"stream": True, "stream_options": {"include_usage": True}}
                if self.is_streamed
                else {}
            ),
        }

    def answered(self, body: dict[str, Any]) -> dict[str, Any]:
        """An answer from a chat completion; each thought, text and call is a part of it."""
        candidates = []
        for number, choice in enumerate(body["choices"]):
            message = choice.get("message") or {}
            pieces = pieces_of(message)
            parts = whole_parts(pieces, wants_thoughts=self._wants_thoughts) + images_of(message)
            finish = finish_of(finish_in(choice))
            index = choice.get("index") or number
            candidates.append(candidate_of(index, parts, finish, choice.get("logprobs")))
        return response_of(body, candidates, body.get("usage"))

    def refused(self, status: int, error: Mapping[str, Any]) -> dict[str, Any]:
        """An error with Google's word for its status."""
        return error_of(status, error)

    def streamed(self, chunk: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """See `ContentStream`."""
        return self._stream.streamed(chunk)

    def ended(self) -> Iterator[dict[str, Any]]:
        """See `ContentStream`."""
        return self._stream.ended()

    def broken(self, error: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """An error as the last event."""
        yield error_of(500, error)


class StreamGenerateContent(GenerateContent):
    """One request to models/{model}:streamGenerateContent."""

    is_streamed = True


class CountTokens(GenerateContent):
    """One request to models/{model}:countTokens."""

    def asked(self, body: dict[str, Any]) -> dict[str, Any]:
        """The prompt to count, which may stand in a whole request."""
        return super().asked(object_field(body, "generateContentRequest") or body)

    def answered(self, body: dict[str, Any]) -> dict[str, Any]:
        """The count, all of it taken for text."""
        count = body["input_tokens"]
        details = [{"modality": "TEXT", "tokenCount": count}]
        return {"totalTokens": count, "promptTokensDetails": details}


def _name(model: Any) -> str:
    return str(model or "").removeprefix("models/")


def _cached(body: dict[str, Any]) -> list[str]:
    return ["cachedContent"] if field(body, "cachedContent") else []


def _tier(body: dict[str, Any]) -> dict[str, Any]:
    tier = field(body, "serviceTier")
    return {"service_tier": tier.lower()} if isinstance(tier, str) and tier else {}


def _refusal(names: list[str]) -> BadRequest | None:
    """Why nobody else can serve it; None if others can."""
    if not names:
        return None
    words = f"{names[0]} can be taken by deployments only that speak Gemini's own format"
    return BadRequest(words, param=names[0])
