"""Gemini's embedContent and batchEmbedContents in front of OpenAI's embeddings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from windsock.errors import BadRequest
from windsock.wire.formats.gemini.errors import error_of
from windsock.wire.formats.generate_content.fields import (
    field,
    list_field,
    names_in,
    object_field,
)

READ = frozenset({"model", "content", "outputDimensionality", "requests"})


class BatchEmbedContents:
    """One request to models/{model}:batchEmbedContents."""

    end_mark = b""
    language = "batch_embed_contents"
    passed: tuple[bytes, ...] = ()
    id_header = b""
    takes_comments = False

    def __init__(self, model: str | None) -> None:
        self.left_out: list[str] = []
        self.refusal: BadRequest | None = None
        self.is_foreign = False
        self.continues: str | None = None
        self._model = model

    def asked(self, body: dict[str, Any]) -> dict[str, Any]:
        """The body of OpenAI's that asks for the same; raises BadRequest."""
        asked = self._requests(body)
        self.left_out = [f"requests.{name}" for each in asked for name in names_in(each, READ)]
        self.refusal = _refusal(asked)
        size = field(asked[0], "outputDimensionality")
        model = self._model or body.get("model") or ""
        return {
            "model": str(model).removeprefix("models/"),
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

    language = "embed_content"

    def answered(self, body: dict[str, Any]) -> dict[str, Any]:
        """The vector."""
        return {"embedding": _vectors(body)[0]}

    def _requests(self, body: dict[str, Any]) -> list[dict[str, Any]]:
        return [body]


def _refusal(asked: list[dict[str, Any]]) -> BadRequest | None:
    """Why nobody else can serve it; None if others can."""
    if len({field(each, "outputDimensionality") for each in asked}) > 1:
        words = "outputDimensionality must be the same in all requests"
        return BadRequest(words, param="outputDimensionality")
    if any("text" not in part for each in asked for part in _parts(each)):
        return BadRequest("content must hold parts of text", param="content")
    return None


def _text(request: dict[str, Any]) -> str:
    """The text of a content; raises BadRequest where there is nothing in it."""
    parts = _parts(request)
    if not parts:
        raise BadRequest("content must have at least one part", param="content")
    return "\n".join(str(each.get("text", "")) for each in parts)


def _parts(request: dict[str, Any]) -> list[dict[str, Any]]:
    return list_field(object_field(request, "content"), "parts")


def _vectors(body: dict[str, Any]) -> list[dict[str, Any]]:
    rows = sorted(body["data"], key=lambda row: row["index"])
    return [{"values": row["embedding"]} for row in rows]
