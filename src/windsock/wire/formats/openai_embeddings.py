"""The OpenAI embeddings format."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from windsock.core.model.abilities.modes import EMBEDDING
from windsock.core.model.requests import NO_PREFERENCES, RouteRequest
from windsock.errors import ProviderError
from windsock.wire.caller_fields.names import Model, Models
from windsock.wire.caller_fields.provider_wishes import preferences_of
from windsock.wire.caller_fields.router_fields import RouterFields, needs_of
from windsock.wire.format import Answer, AnswerFacts, StreamScanner
from windsock.wire.formats.chat.attached import Size, longest_text, size_of
from windsock.wire.formats.openai_ends import error_in
from windsock.wire.formats.openai_format import OpenAIFormat
from windsock.wire.formats.openai_usage import facts_of
from windsock.wire.json_codec import parsed
from windsock.wire.request import (
    Operation,
    UpstreamRequest,
    decoded,
    task_of,
)

TOKENS = re.compile(rb"\[\s*(?:\[\s*)?\d")
"""A list of numbers, or of such lists."""

CERTAIN = 1.0
"""No model doubts its embedding, so no cascade asks for another."""


class _EmbeddingSchema(RouterFields, kw_only=True):
    model: Model = ""
    input: msgspec.Raw
    metadata: dict[str, Any] | None = None
    models: Models | None = None
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
    given = bytes(read.input)
    size = size_of(given)
    request = RouteRequest(
        model=read.model,
        models=tuple(read.models or ()),
        namespace=namespace,
        task=task or task_of(read.metadata),
        needs=frozenset((EMBEDDING, *needs_of(read), *_tokens(given))),
        prompt_tokens=size.tokens,
        longest_tokens=_longest_tokens(given, size),
        max_output_tokens=0,
        key_id=key_id,
        preferences=preferences_of(read.provider, body) if read.provider else NO_PREFERENCES,
        deadline_s=deadline_s,
    )
    return UpstreamRequest(
        raw=body,
        request=request,
        wants_usage=False,
        operation=Operation.EMBEDDING,
        no_text_bytes=size.data_chars,
        no_text_tokens=size.data_tokens,
        unheeded=read.unheeded,
    )


def _tokens(given: bytes) -> list[str]:
    """What it needs of a deployment: few take texts that were made tokens of already."""
    return ["token_input"] if TOKENS.match(given) else []


def _longest_tokens(given: bytes, size: Size) -> int | None:
    """Estimate for the longest of a list of texts, each of which must fit the model by itself; of
    an input that is not all text, for its text."""
    if not given.startswith(b'["'):
        return size.text_tokens if size.data_chars else None
    texts = msgspec.json.decode(given, type=list[msgspec.Raw])
    return longest_text([*map(bytes, texts)], size)


def _is_vector(item: Any) -> bool:
    return isinstance(item, dict) and bool(item.get("embedding"))


class OpenAIEmbeddings(OpenAIFormat):
    """Embeddings of one provider; checks of text do not apply to them."""

    call_path = "/embeddings"

    def answer(self, raw: bytes, request: UpstreamRequest) -> Answer | None:
        """A list of embeddings none of which is empty, an error, or None."""
        body = parsed(raw)
        made = body.get("data") if isinstance(body, dict) else None
        if not isinstance(made, list) or not made or not all(map(_is_vector, made)):
            error = error_in(body)
            return None if error is None else Answer(body={}, facts=AnswerFacts(), error=error)
        return Answer(
            body=body,
            facts=facts_of(body, self._traits, is_answer_free=True),
            certainty=CERTAIN,
        )

    def scanner(self, request: UpstreamRequest) -> StreamScanner:
        """Raises ProviderError."""
        raise ProviderError("embeddings are not streamed")
