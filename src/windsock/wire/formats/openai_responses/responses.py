"""OpenAI's Responses as one provider takes them."""

from __future__ import annotations

from typing import Any

import msgspec
import orjson

from windsock.wire.format import Answer, AnswerFacts
from windsock.wire.formats.openai_chat import OpenAIChat, answer_of
from windsock.wire.formats.openai_ends import error_in
from windsock.wire.formats.openai_responses.answer import completion_of
from windsock.wire.formats.openai_responses.request import CARRIED, responses_body
from windsock.wire.formats.openai_responses.stream import ResponseStreamScanner
from windsock.wire.request import OURS, UpstreamRequest, drop_task


class OpenAIResponses(OpenAIChat):
    """Told as Responses and back; what an answer is worth is decided as of a chat completion."""

    call_path = "/responses"
    carries: frozenset[str] | None = CARRIED

    def body(self, request: UpstreamRequest, model: str) -> bytes:
        """Once changed as the deployment needs it, told anew."""
        fields = {name: raw for name, raw in request.fields.items() if name not in OURS}
        drop_task(fields)
        chat: dict[str, Any] = orjson.loads(msgspec.json.encode(fields))
        if request.wants_certainty:
            chat["logprobs"] = True
        return orjson.dumps(responses_body(chat, model))

    def _told_whole(self, body: dict[str, Any], request: UpstreamRequest) -> Answer:
        if (error := error_in(body)) is not None:
            return Answer(body={}, facts=AnswerFacts(), error=error)
        return answer_of(completion_of(body), self._traits, images=request.images)

    def scanner(self, request: UpstreamRequest) -> ResponseStreamScanner:
        """There is one answer, never several."""
        return ResponseStreamScanner(
            choices=1, images=request.images, wants_usage=request.wants_usage, traits=self._traits
        )
