"""Gemini's embedContent and batchEmbedContents in front of OpenAI's embeddings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from windsock.errors import BadRequest
from windsock.wire.dialect import Unspoken
from windsock.wire.formats.gemini.errors import error_of
from windsock.wire.formats.generate_content.fields import (
    field,
    list_field,
    names_in,
    object_field,
)

READ = frozenset({"model", "content", "outputDimensionality", "requests"})


class BatchEmbedContents(Unspoken):
    """One request to models/{model}:batchEmbedContents."""

    end_mark = b""
    language = ""
    passed: tuple[bytes, ...] = ()
    id_header = b""

    def __init__(self, model: str | None) -> None:
        self.left_out: list[str] = []
        self.refusal: BadRequest | None = None
        self.is_foreign = False
        self._model = model

    def asked(self, body: dict[str, Any]) -> dict[str, Any]:
        """The body of OpenAI's that asks for the same; raises BadRequest."""
        asked = self._requests(body)
        self.left_out = [name for each in asked for name in names_in(each, READ)]
        sizes = {field(each, "outputDimensionality") for each in asked}
        if len(sizes) > 1:
            raise BadRequest("outputDimensionality must be the same in all requests",
                             param="outputDimensionality")  # fmt: skip
        size = next(iter(sizes), None)
        named = self._model or body.get("model") or ""
        return {
            "model": str(named).removeprefix("models/"),
            "input": [_text(each) for each in asked],
            **({"dimensions": size} if size else {}),
        }

    def answered(self, body: dict[str, Any]) -> dict[str, Any]:
        """The vectors in the order of their texts."""
        return {"embeddings": _vectors(body)}

    def refused(self, status: int, error: Mapping[str, Any]) -> dict[str, Any]:
        """An error with Google's word for its status."""
        return error_of(status, error)

    def streamed(self, chunk: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """Nothing: embeddings are not streamed."""
        yield from ()

    def ended(self) -> Iterator[dict[str, Any]]:
        """Nothing."""
        yield from ()

    def broken(self, error: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """Nothing."""
        yield from ()

    def _requests(self, body: dict[str, Any]) -> list[dict[str, Any]]:
        found = list_field(body, "requests")
        if not found:
            raise BadRequest("requests must be a list of at least one request", param="requests")
        return found


class EmbedContent(BatchEmbedContents):
    """One request to models/{model}:embedContent."""

    def answered(self, body: dict[str, Any]) -> dict[str, Any]:
        """The vector."""
        return {"embedding": _vectors(body)[0]}

    def _requests(self, body: dict[str, Any]) -> list[dict[str, Any]]:
        return [body]


def _text(request: dict[str, Any]) -> str:
    """The text of a content; raises BadRequest where there is none, or another kind of part."""
    parts = list_field(object_field(request, "content"), "parts")
    texts = [each["text"] for each in parts if isinstance(each.get("text"), str)]
    if not texts or len(texts) < len(parts):
        raise BadRequest("content must hold parts of text, at least one", param="content")
    return "\n".join(texts)


def _vectors(body: dict[str, Any]) -> list[dict[str, Any]]:
    rows = sorted(body["data"], key=lambda row: row["index"])
    return [{"values": row["embedding"]} for row in rows]
