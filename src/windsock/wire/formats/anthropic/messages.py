"""Anthropic's Messages as one provider takes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import orjson

from windsock.wire.format import Answer, AnswerFacts
from windsock.wire.formats.anthropic.answer import completion_of
from windsock.wire.formats.anthropic.native import VERSION
from windsock.wire.formats.anthropic.request import CARRIED, messages_body
from windsock.wire.formats.anthropic.stream import MessageStreamScanner
from windsock.wire.formats.openai_chat import OpenAIChat, answer_of
from windsock.wire.formats.openai_ends import error_in
from windsock.wire.formats.openai_format import OpenAIFormat
from windsock.wire.request import OURS, UpstreamRequest
from windsock.wire.upstream_errors.reading import with_four_fields
from windsock.wire.upstream_errors.refusal import Refusal


class AnthropicMessages(OpenAIChat):
    """Told as Messages and back; what an answer is worth is decided as of a chat completion."""

    headers: Mapping[str, str] = VERSION
    carries: frozenset[str] | None = CARRIED
    call_path = "/messages"

    def body(self, request: UpstreamRequest, model: str) -> bytes:
        """Once changed as the deployment needs it, told anew."""
        fields = {name: raw for name, raw in request.fields.items() if name not in OURS}
        chat: dict[str, Any] = orjson.loads(msgspec.json.encode(fields))
        return orjson.dumps(messages_body(chat, model))

    def _told_whole(self, body: dict[str, Any], request: UpstreamRequest) -> Answer:
        if (error := error_in(body)) is not None:
            return Answer(body={}, facts=AnswerFacts(), error=error)
        return answer_of(completion_of(body), self._traits, images=request.images)

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

    def scanner(self, request: UpstreamRequest) -> MessageStreamScanner:
        """There is one answer, never several."""
        return MessageStreamScanner(
            choices=1, images=request.images, wants_usage=request.wants_usage, traits=self._traits
        )
