"""The OpenAI embeddings format."""

from __future__ import annotations

from typing import Any

import msgspec

from windsock.core.model.requests import NO_PREFERENCES, RouteRequest
from windsock.wire.json_codec import parsed
from windsock.wire.request import (
    EMBEDDINGS,
    TOKENS_PER_BYTE,
    UpstreamRequest,
    decoded,
    preferences_of,
    task_of,
)

VECTORS_SAID = {"confidence": 1.0, "finish_reason": None}
"""No model doubts its embedding, so no cascade asks for another."""


class _EmbeddingSchema(msgspec.Struct):
    model: str
    input: msgspec.Raw
    metadata: dict[str, Any] | None = None
    models: list[str] | None = None
    provider: dict[str, Any] | None = None


_embedding_decoder = msgspec.json.Decoder(_EmbeddingSchema)


def read_embedding(
    body: bytes,
    *,
    task: str | None = None,
    namespace: str,
    key_id: str | None = None,
    deadline_s: float | None = None,
) -> UpstreamRequest:
    """The same for a request to /v1/embeddings, whose answers are judged like any other."""
    read = decoded(_embedding_decoder, body)
    request = RouteRequest(
        model=read.model,
        models=tuple(read.models or ()),
        namespace=namespace,
        task=task or task_of(read.metadata),
        prompt_tokens=int(len(bytes(read.input)) * TOKENS_PER_BYTE) + 1,
        key_id=key_id,
        preferences=preferences_of(read.provider) if read.provider else NO_PREFERENCES,
        deadline_s=deadline_s,
    )
    return UpstreamRequest(raw=body, request=request, wants_usage=False, path=EMBEDDINGS)


def vectors_of(raw: bytes) -> dict[str, Any] | None:
    """The parsed answer, or None if it holds no embedding."""
    body = parsed(raw)
    if not isinstance(body, dict) or not isinstance(body.get("data"), list) or not body["data"]:
        return None
    return body
