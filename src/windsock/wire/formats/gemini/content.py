"""Gemini's generateContent as one provider takes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import orjson

from windsock.wire.format import Answer, AnswerFacts
from windsock.wire.formats.gemini.answer import completion_of
from windsock.wire.formats.gemini.paths import content_path
from windsock.wire.formats.gemini.request import CARRIED, content_body
from windsock.wire.formats.gemini.stream import ContentStreamScanner
from windsock.wire.formats.gemini.unasked import unwrapped
from windsock.wire.formats.openai_chat import OpenAIChat, answer_of
from windsock.wire.formats.openai_ends import error_in
from windsock.wire.formats.openai_format import OpenAIFormat
from windsock.wire.request import OURS, UpstreamRequest
from windsock.wire.upstream_errors.reading import with_four_fields
from windsock.wire.upstream_errors.refusal import Refusal


class GeminiContent(OpenAIChat):
    """Told as generateContent and back; its worth is decided as of a chat completion."""

    carries: frozenset[str] | None = CARRIED

    def path(self, request: UpstreamRequest, model: str) -> str:
        """Names the model, and whether the answer is a stream."""
        return content_path(model, is_stream=request.request.is_stream)

    def body(self, request: UpstreamRequest, model: str) -> bytes:
        """Once changed as the deployment needs it, told anew."""
        fields = {name: raw for name, raw in request.fields.items() if name not in OURS}
        chat: dict[str, Any] = orjson.loads(msgspec.json.encode(fields))
        return orjson.dumps(content_body(chat))

    def _told_whole(self, body: dict[str, Any], request: UpstreamRequest) -> Answer:
        if (error := error_in(body)) is not None:
            return Answer(body={}, facts=AnswerFacts(), error=error)
        return answer_of(completion_of(unwrapped(body)), self._traits, images=request.images)

    def told(
        self, answer: Answer, request: UpstreamRequest, *, provider: str, cost_usd: float | None
    ) -> bytes:
        """With the provider and the cost, as every format tells them."""
        return OpenAIFormat.told(self, answer, request, provider=provider, cost_usd=cost_usd)

    def refusal(
        self, status: int | None, raw: bytes, headers: Mapping[str, str], now: float
    ) -> Refusal:
        """Told with OpenAI's four fields."""
        return with_four_fields(super().refusal(status, raw, headers, now))

    def scanner(self, request: UpstreamRequest) -> ContentStreamScanner:
        """Expects as many answers as were asked for."""
        return ContentStreamScanner(
            choices=request.choices,
            images=request.images,
            wants_usage=request.wants_usage,
            traits=self._traits,
        )
