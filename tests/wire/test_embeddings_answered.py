"""What is an answer to a request for embeddings, and what is an error in its place."""

from __future__ import annotations

import json
from typing import Any

import pytest

from windsock.core.model.calls import CallKind
from windsock.providers.presets import Preset, traits_of
from windsock.wire.formats.gemini.embeddings import GeminiEmbeddings
from windsock.wire.formats.openai_embeddings import OpenAIEmbeddings, read_embedding

ASKED = read_embedding(b'{"model": "m", "input": ["a", "b"]}', namespace="n")
TRAITS = traits_of(Preset(id="acme"))
OPENAI = OpenAIEmbeddings(TRAITS)
VECTORS = [{"index": 0, "embedding": [0.1]}, {"index": 1, "embedding": [0.2]}]


@pytest.mark.parametrize(
    "data", [VECTORS, [{"embedding": "AACAPw=="}], [{"embedding": [0.0, 0.0], "object": "x"}]]
)
def test_vectors_are_an_answer(data: list[Any]) -> None:
    answer = OPENAI.answer(json.dumps({"data": data, "message": "ok"}).encode(), ASKED)
    assert answer is not None and answer.error is None


@pytest.mark.parametrize(
    "body",
    [
        b"", b"null", b"[]", b"{}", b"<html></html>", b'{"data": null}', b'{"data": []}',
        b'{"data": [null]}', b'{"data": [{"embedding": []}]}', b'{"data": [{"embedding": null}]}',
        b'{"data": [{"embedding": [0.1]}, {}]}',
    ],
)  # fmt: skip
def test_what_has_no_vectors_is_none(body: bytes) -> None:
    assert OPENAI.answer(body, ASKED) is None


@pytest.mark.parametrize("spoken", [OPENAI, GeminiEmbeddings(TRAITS)], ids=["openai", "gemini"])
@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"error": {"message": "no", "code": "insufficient_quota"}}, CallKind.OUT_OF_CREDIT),
        ({"error": {"code": 429, "status": "RESOURCE_EXHAUSTED"}}, CallKind.RATE_LIMITED),
        ({"code": "InvalidApiKey", "message": "Invalid API-key"}, CallKind.AUTH_FAILED),
        ({"data": [], "error": {"message": "prompt is too long"}}, CallKind.CONTEXT_EXCEEDED),
    ],
)
def test_an_error_in_their_place_is_read_as_one(
    spoken: OpenAIEmbeddings, body: dict[str, Any], kind: CallKind
) -> None:
    answer = spoken.answer(json.dumps(body).encode(), ASKED)
    assert answer is not None and answer.error is not None
    assert spoken.refusal(None, answer.error, {}, 0.0).verdict.kind is kind
