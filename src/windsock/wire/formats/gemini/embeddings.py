"""Gemini's embedContent and batchEmbedContents: told to it and back, or as clients send them."""

from __future__ import annotations

from array import array
from base64 import b64encode
from collections.abc import Iterator
from typing import Any

import msgspec
import orjson

from windsock.errors import ProviderError
from windsock.wire.format import Answer, AnswerFacts, StreamScanner
from windsock.wire.formats.gemini.answer import usage_of
from windsock.wire.formats.gemini.native import Fields, named
from windsock.wire.formats.gemini.paths import path_of
from windsock.wire.formats.openai_embeddings import CERTAIN, OpenAIEmbeddings
from windsock.wire.formats.openai_usage import facts_of, part_of
from windsock.wire.formats.passing.native import NativeFormat, in_place_of_an_answer
from windsock.wire.json_codec import parsed
from windsock.wire.request import UpstreamRequest

_requests = msgspec.json.Decoder(list[Fields])


class GeminiEmbeddings(OpenAIEmbeddings):
    """OpenAI's embeddings told as batchEmbedContents and back."""

    def path(self, request: UpstreamRequest, model: str) -> str:
        """Names the model."""
        return path_of(model, "batchEmbedContents")

    def body(self, request: UpstreamRequest, model: str) -> bytes:
        """A request for each text."""
        texts, size = _stated(request, "input"), _stated(request, "dimensions")
        same = {"model": f"models/{model}"} | ({"outputDimensionality": size} if size else {})
        told = [
            {**same, "content": {"parts": [{"text": text}]}}
            for text in ([texts] if isinstance(texts, str) else texts)
        ]
        return orjson.dumps({"requests": told})

    def answer(self, raw: bytes, request: UpstreamRequest) -> Answer | None:
        """A list of embeddings, an error, or None. It does not say who made them."""
        body = parsed(raw)
        if not isinstance(body, dict):
            return None
        vectors = list(_vectors(body))
        if not vectors:
            return in_place_of_an_answer(body)
        is_packed = _stated(request, "encoding_format") == "base64"
        data = [{"object": "embedding", "index": index, "embedding": _packed(each) if is_packed
                 else each} for index, each in enumerate(vectors)]  # fmt: skip
        made = super().answer(
            orjson.dumps({**_counted(body), "object": "list", "data": data}), request
        )
        if made is not None:
            count = request.request.prompt_tokens
            estimated = {"prompt_tokens": count, "total_tokens": count}
            made.body = {"model": request.request.model, "usage": estimated, **made.body}
        return made


class NativeBatch(NativeFormat):
    """POST /models/{model}:batchEmbedContents, as it comes."""

    def path(self, request: UpstreamRequest, model: str) -> str:
        """Names the model."""
        return path_of(model, "batchEmbedContents")

    def body(self, request: UpstreamRequest, model: str) -> bytes:
        """The client's; the model that each request names is the provider's."""
        fields = self.fields(request)
        asked = bytes(fields["requests"])
        if not asked.startswith(b"["):
            return msgspec.json.encode(fields)
        told = [named(each, model) for each in _requests.decode(asked)]
        return msgspec.json.encode({**fields, "requests": told})

    def _read(self, body: dict[str, Any], request: UpstreamRequest) -> Answer | None:
        """At least one embedding, or None."""
        if not any(_vectors(body)):
            return None
        return Answer(body=body, facts=self._facts(body), certainty=CERTAIN)

    def scanner(self, request: UpstreamRequest) -> StreamScanner:
        """Raises ProviderError."""
        raise ProviderError("embeddings are not streamed")

    def _facts(self, body: dict[str, Any]) -> AnswerFacts:
        return facts_of(_counted(body), self._traits, is_answer_free=True)


class NativeEmbedding(NativeBatch):
    """POST /models/{model}:embedContent, as it comes."""

    def path(self, request: UpstreamRequest, model: str) -> str:
        """Names the model."""
        return path_of(model, "embedContent")

    def body(self, request: UpstreamRequest, model: str) -> bytes:
        """The client's; the model that it names is the provider's."""
        return msgspec.json.encode(named(self.fields(request), model))


def _stated(request: UpstreamRequest, name: str) -> Any:
    return orjson.loads(bytes(request.fields.get(name, b"null")))


def _vectors(body: dict[str, Any]) -> Iterator[list[float]]:
    found = body.get("embeddings")
    for each in found if isinstance(found, list) else [body.get("embedding")]:
        values = each.get("values") if isinstance(each, dict) else None
        if isinstance(values, list):
            yield values


def _counted(body: dict[str, Any]) -> dict[str, Any]:
    counted = part_of(body, "usageMetadata")
    return {"usage": usage_of(counted)} if counted else {}


def _packed(vector: list[float]) -> str:
    """As OpenAI's SDKs ask for it: numbers of 32 bits, little-endian."""
    return b64encode(array("f", vector).tobytes()).decode()
