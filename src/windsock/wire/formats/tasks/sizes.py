"""What a request is taken to use, from what is sent: believed where the provider counts nothing."""

from __future__ import annotations

from math import ceil
from typing import Any, Protocol

import msgspec
import orjson

from windsock.core.model.units import Usage
from windsock.wire.formats.chat.attached import (
    WAV_HEAD,
    longest_text,
    seconds_of,
    size_of,
    text_tokens,
)
from windsock.wire.formats.tasks.form import Form
from windsock.wire.request import Operation

DOCUMENTS_PER_SEARCH = 100
"""Cohere's unit of billing: one query over so many documents."""

CHARACTERS_PER_S = 15.0
"""Of English as it is read aloud: 150 words a minute."""

SPOKEN_TOKENS_PER_S, HEARD_TOKENS_PER_S, WRITTEN_TOKENS_PER_S = 20, 10, 3
"""Of OpenAI's audio models, and of what people say."""

IMAGE_TOKENS, SHOWN_TOKENS = 1056, 320
"""A picture of medium quality that is made, one that is shown (gpt-image-1)."""


class Sizes(Protocol):
    """What is looked at of a request."""

    documents: list[msgspec.Raw] | None
    query: Any
    input: Any
    prompt: str | None
    speed: float | None
    n: int | None


def expected_usage(operation: Operation, read: Sizes, form: Form | None) -> Usage:
    """What a call is taken to use."""
    match operation:
        case Operation.RERANK:
            documents = read.documents or []
            asked = len(documents) * size_of(orjson.dumps(read.query)).tokens
            tokens = size_of(b"\n".join(map(bytes, documents))).tokens + asked
            searches = max(1, ceil(len(documents) / DOCUMENTS_PER_SEARCH))
            return Usage(input_tokens=tokens, requests=searches)
        case Operation.SPEECH:
            return _spoken(str(read.input), read.speed or 1.0)
        case Operation.TRANSCRIPTION | Operation.TRANSLATION:
            return _heard(seconds_of(*(form.head_of_file("file", WAV_HEAD) if form else (b"", 0))))
        case Operation.IMAGE | Operation.IMAGE_EDIT:
            shown = form.files("image", "image[]") if form else 0
            asked = size_of(orjson.dumps(read.prompt)).tokens + SHOWN_TOKENS * shown
            made = read.n or 1
            return Usage(input_tokens=asked, output_tokens=IMAGE_TOKENS * made, images=made)
    return Usage(input_tokens=size_of(orjson.dumps(read.input)).tokens)


def longest_of(read: Sizes) -> int | None:
    """Tokens of text of the longest document with the query, or of an input that is not all text;
    None where neither is there."""
    if not read.documents:
        said = size_of(orjson.dumps(read.input))
        return said.text_tokens if said.data_chars else None
    documents = [*map(bytes, read.documents)]
    longest = longest_text(documents, size_of(b"\n".join(documents)))
    return longest + size_of(orjson.dumps(read.query)).text_tokens


def _spoken(text: str, speed: float) -> Usage:
    seconds = max(1, ceil(len(text) / CHARACTERS_PER_S / max(speed, 0.1)))
    return Usage(
        input_tokens=text_tokens(len(text.encode())),
        input_characters=len(text),
        output_seconds=seconds,
        audio_output_tokens=SPOKEN_TOKENS_PER_S * seconds,
    )


def _heard(seconds: int) -> Usage:
    return Usage(
        audio_input_tokens=HEARD_TOKENS_PER_S * seconds,
        input_seconds=seconds,
        output_tokens=WRITTEN_TOKENS_PER_S * seconds,
    )
