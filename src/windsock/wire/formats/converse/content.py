"""Bedrock's Converse as AWS takes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import msgspec
import orjson

from windsock.wire.format import Answer
from windsock.wire.formats.anthropic.messages import AnthropicMessages
from windsock.wire.formats.converse.answer import message_of
from windsock.wire.formats.converse.request import CARRIED, converse_body
from windsock.wire.formats.converse.stream import ConverseStreamScanner
from windsock.wire.json_codec import parsed
from windsock.wire.request import OURS, UpstreamRequest


class Converse(AnthropicMessages):
    """Told as Converse and back by way of Messages, its sibling."""

    headers: Mapping[str, str] = {}
    carries: frozenset[str] | None = CARRIED

    def path(self, request: UpstreamRequest, model: str) -> str:
        """Names the model, whose id may be an address of its own (ARN)."""
        call = "converse-stream" if request.request.is_stream else "converse"
        return f"/model/{quote(model, safe='')}/{call}"

    def body(self, request: UpstreamRequest, model: str) -> bytes:
        """Once changed as the deployment needs it, told anew."""
        fields = {name: raw for name, raw in request.fields.items() if name not in OURS}
        chat: dict[str, Any] = orjson.loads(msgspec.json.encode(fields))
        return orjson.dumps(converse_body(chat))

    def answer(self, raw: bytes, request: UpstreamRequest) -> Answer | None:
        """An answer as a chat completion. It has no name, and names no model: both are given."""
        body = parsed(raw)
        if not isinstance(body, dict) or "output" not in body:
            return super().answer(raw, request)
        answer = super().answer(orjson.dumps(message_of(body)), request)
        if answer is not None:
            answer.body["model"] = request.request.model
            answer.body["id"] = answer.facts.response_id = f"converse-{uuid4().hex}"
        return answer

    def scanner(self, request: UpstreamRequest) -> ConverseStreamScanner:
        """There is one answer, never several."""
        return ConverseStreamScanner(
            name=f"converse-{uuid4().hex}",
            model=request.request.model,
            choices=1,
            images=request.images,
            wants_usage=request.wants_usage,
            traits=self._traits,
        )
