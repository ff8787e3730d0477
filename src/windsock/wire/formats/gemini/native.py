"""Gemini's generateContent for clients that speak it themselves."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import msgspec
import orjson

from windsock.core.evidence.answer_ends import has_failed
from windsock.wire.format import Answer, AnswerFacts, ProviderTraits
from windsock.wire.formats.gemini.answer import completion_of
from windsock.wire.formats.gemini.errors import error_of
from windsock.wire.formats.gemini.paths import content_path
from windsock.wire.formats.gemini.unasked import events_of, unwrapped, whole_of
from windsock.wire.formats.openai_chat import answer_of
from windsock.wire.formats.openai_ends import error_in
from windsock.wire.formats.openai_usage import part_of
from windsock.wire.formats.passing.native import (
    Events,
    NativeFormat,
    NativeStreamScanner,
)
from windsock.wire.formats.usage.fields import merged
from windsock.wire.json_codec import parsed
from windsock.wire.request import UpstreamRequest
from windsock.wire.sse import data_of

Fields = dict[str, msgspec.Raw]

_fields = msgspec.json.Decoder(Fields)

WHOLE = "generateContentRequest"
"""The request that countTokens may be asked of."""

UNSEEN = frozenset({"thought", "thoughtSignature", "partMetadata", "text"})
"""Fields of a part that show nothing by themselves."""


class NativeContent(NativeFormat):
    """POST /models/{model}:generateContent or :streamGenerateContent, as it comes."""

    count_path = "/models/{model}:countTokens"

    def path(self, request: UpstreamRequest, model: str) -> str:
        """Names the model, and whether the answer is a stream."""
        return content_path(model, is_stream=request.request.is_stream)

    def body(self, request: UpstreamRequest, model: str) -> bytes:
        """The client's; a model that it names beside the path is the provider's as well."""
        fields = named(self.fields(request), model)
        if (whole := fields.get(WHOLE)) is not None:
            fields[WHOLE] = msgspec.Raw(msgspec.json.encode(named(_fields.decode(whole), model)))
        return msgspec.json.encode(fields)

    def _read(self, body: dict[str, Any], request: UpstreamRequest) -> Answer:
        read = answer_of(completion_of(body), self._traits, images=request.images)
        read.facts.is_empty = not (is_blocked(body) or any(map(_is_shown, _parts(body))))
        return read

    def _whole(self, events: Events) -> dict[str, Any]:
        return whole_of(events)

    def _plain(self, body: Any) -> Any:
        return unwrapped(body)

    def scanner(self, request: UpstreamRequest) -> NativeContentScanner:
        """Expects as many answers as were asked for."""
        return NativeContentScanner(self._traits, request.images, request.choices)


class NativeContentScanner(NativeStreamScanner):
    """A stream of partial answers, of which the last ones say why they ended.

    What ends an answer may hold all of it: only the end of one that failed is kept.
    """

    __slots__ = ("_choices", "_counted", "_finish", "_finishes", "_has_call", "_head",
                 "_is_wrapped")  # fmt: skip

    def __init__(self, traits: ProviderTraits, images: int = 0, choices: int = 1) -> None:
        super().__init__(traits, images)
        self._choices = choices
        self._finishes = 0
        self._finish: str | None = None
        self._has_call = False
        self._is_wrapped = False
        self._head: dict[str, Any] = {}
        self._counted: dict[str, Any] = {}

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Out of the object that a gateway put each answer in, if one did."""
        for event in super().feed(data):
            yield _unwrapped(event) if self._is_wrapped else event

    def ending(self, cost_usd: Decimal | None) -> bytes:
        """The same of those that were kept."""
        kept = self._ending
        return b"".join(map(_unwrapped, kept) if self._is_wrapped else kept)

    def facts(self) -> AnswerFacts:
        """Counted as in a chat completion."""
        told = {**self._head, "usageMetadata": self._counted}
        read = answer_of(completion_of(told), self._traits, images=self._images)
        read.facts.finish_reason = self._finish
        read.facts.is_empty = not self.has_answer
        return read.facts

    def _note(self, payload: bytes) -> bool:
        told = msgspec.json.decode(payload, type=dict[str, Any])
        body = unwrapped(told)
        self._is_wrapped = self._is_wrapped or body is not told
        self.error = error_in(body)
        if self.error is not None:
            return False
        self._head = {
            name: body.get(name) or self._head.get(name) for name in ("responseId", "modelVersion")
        }
        self._counted = merged(self._counted, dict(part_of(body, "usageMetadata")))
        self._look(list(_parts(body)))
        if b'"finishReason"' in payload or is_blocked(body):
            self._end(body)
        return has_failed(self._finish)

    def _look(self, parts: list[dict[str, Any]]) -> None:
        shown = any(map(_is_shown, parts))
        self.has_answer = self.has_answer or shown
        self._has_call = self._has_call or any("functionCall" in part for part in parts)
        self._has_thought = self._has_thought or any(part.get("thought") for part in parts)
        self.content_events += shown or any(part.get("text") for part in parts)

    def _end(self, body: dict[str, Any]) -> None:
        ended = [
            each["finish_reason"]
            for each in completion_of(body)["choices"]
            if each["finish_reason"]
        ]
        if not ended:
            return
        first = "tool_calls" if ended[0] == "stop" and self._has_call else ended[0]
        self._finish = next(filter(has_failed, ended), self._finish or first)
        self._finishes += len(ended)
        self.has_answer = self.has_answer or is_blocked(body)
        self.is_complete = self._finishes >= self._choices or is_blocked(body)

    def _events_of(self, body: Any) -> bytes:
        return events_of(body)

    def _told_of_failure(self, said: dict[str, Any]) -> bytes:
        return self._failed if isinstance(said.get("error"), dict) else b""

    def _broken(self, message: str) -> bytes:
        return b"data: " + orjson.dumps(error_of(500, {"message": message})) + b"\r\n\r\n"


def _unwrapped(event: bytes) -> bytes:
    told = parsed(data_of(event))
    body = unwrapped(told)
    return event if body is told else b"data: " + orjson.dumps(body) + b"\r\n\r\n"


def named(fields: Fields, model: str) -> Fields:
    """Fields in which a model that is named is this one."""
    if "model" in fields:
        fields["model"] = msgspec.Raw(orjson.dumps(f"models/{model}"))
    return fields


def is_blocked(body: dict[str, Any]) -> bool:
    """Whether the prompt was refused, which is all that there is to show."""
    return not body.get("candidates") and bool(part_of(body, "promptFeedback").get("blockReason"))


def _parts(body: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for candidate in body.get("candidates") or ():
        if isinstance(candidate, dict):
            parts = part_of(candidate, "content").get("parts") or ()
            yield from (each for each in parts if isinstance(each, dict))


def _is_shown(part: dict[str, Any]) -> bool:
    """Thoughts and blanks are nothing; whatever else a part is, it is an answer."""
    if part.get("thought"):
        return False
    return bool(str(part.get("text") or "").strip()) or not part.keys() <= UNSEEN
