"""The OpenAI embeddings format."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from windsock.core.model.requests import NO_PREFERENCES, RouteRequest
from windsock.errors import ProviderError
from windsock.wire.format import Answer, ProviderTraits, Refusal, StreamScanner
from windsock.wire.formats.openai_bodies import told_body, upstream_body
from windsock.wire.formats.openai_usage import facts_of
from windsock.wire.json_codec import parsed
from windsock.wire.request import (
    TOKENS_PER_BYTE,
    Operation,
    UpstreamRequest,
    decoded,
    preferences_of,
    task_of,
)
from windsock.wire.upstream_errors import refusal_of

PATH = "/embeddings"
CERTAIN = 1.0
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
    """A request to /v1/embeddings, whose answers are judged like any other; raises BadRequest."""
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
    return UpstreamRequest(
        raw=body, request=request, wants_usage=False, operation=Operation.EMBEDDING
    )


class OpenAIEmbeddings:
    """Embeddings of one provider; checks of text do not apply to them."""

    headers: Mapping[str, str] = {}

    def __init__(self, traits: ProviderTraits) -> None:
        self._keeps_router_fields = traits.keeps_router_fields

    def path(self, request: UpstreamRequest, model: str) -> str:
        return PATH

    def body(self, request: UpstreamRequest, model: str) -> bytes:
        return upstream_body(request, model, keeps_router_fields=self._keeps_router_fields)

    def answer(self, raw: bytes, request: UpstreamRequest) -> Answer | None:
        body = parsed(raw)
        if not isinstance(body, dict) or not isinstance(body.get("data"), list) or not body["data"]:
            return None
        return Answer(
            body=body,
            facts=facts_of(body),
            certainty=CERTAIN,
        )

    def told(
        self, answer: Answer, request: UpstreamRequest, *, provider: str, cost_usd: float | None
    ) -> bytes:
        return told_body(answer, provider=provider, cost_usd=cost_usd)

    def refusal(self, status: int, raw: bytes, headers: Mapping[str, str], now: float) -> Refusal:
        return refusal_of(status, raw, headers, now)

    def scanner(self, request: UpstreamRequest) -> StreamScanner:
        raise ProviderError("embeddings are not streamed")
