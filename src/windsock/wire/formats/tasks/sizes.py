"""What a request is taken to use, from what is sent: believed where the provider counts nothing."""

from __future__ import annotations

import struct
from math import ceil
from typing import Any, Protocol

import msgspec
import orjson

from windsock.core.model.units import Usage
from windsock.wire.formats.tasks.form import Form
from windsock.wire.request import TOKENS_PER_BYTE, Operation

DOCUMENTS_PER_SEARCH = 100
"""Cohere's unit of billing: one query over so many documents."""

CHARACTERS_PER_S = 15.0
"""Of English as it is read aloud: 150 words a minute."""

SPOKEN_TOKENS_PER_S, HEARD_TOKENS_PER_S, WRITTEN_TOKENS_PER_S = 20, 10, 3
"""Of OpenAI's audio models, and of what people say."""

BYTES_PER_S = 16_000
"""Of sound whose length is not stated: MP3 of 128 kbit/s."""

WAV_HEAD = 44
"""Bytes of the head of a plain WAV file."""

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
            size = sum(map(len, map(bytes, documents))) + len(documents) * _size(read.query)
            searches = max(1, ceil(len(documents) / DOCUMENTS_PER_SEARCH))
            return Usage(input_tokens=_tokens(size), requests=searches)
        case Operation.SPEECH:
            return _spoken(str(read.input), read.speed or 1.0)
        case Operation.TRANSCRIPTION | Operation.TRANSLATION:
            return _heard(seconds_of(*(form.head_of_file("file", WAV_HEAD) if form else (b"", 0))))
        case Operation.IMAGE | Operation.IMAGE_EDIT:
            shown = form.files("image", "image[]") if form else 0
            asked = _tokens(_size(read.prompt)) + SHOWN_TOKENS * shown
            made = read.n or 1
            return Usage(input_tokens=asked, output_tokens=IMAGE_TOKENS * made, images=made)
    return Usage(input_tokens=_tokens(_size(read.input)))


def longest_of(read: Sizes) -> int | None:
    """Tokens of the longest document with the query; None where there are no documents."""
    if not read.documents:
        return None
    return _tokens(max(len(bytes(each)) for each in read.documents) + _size(read.query))


def seconds_of(head: bytes, size: int) -> int:
    """Length of a sound of so many bytes: as a WAV file states it, else by them; at least 1 s."""
    rate = BYTES_PER_S
    if head[:4] == b"RIFF" and head[8:16] == b"WAVEfmt " and len(head) >= WAV_HEAD:
        rate = struct.unpack_from("<I", head, 28)[0] or BYTES_PER_S
    return max(1, ceil(size / rate))


def _spoken(text: str, speed: float) -> Usage:
    seconds = max(1, ceil(len(text) / CHARACTERS_PER_S / max(speed, 0.1)))
    return Usage(
        input_tokens=_tokens(len(text.encode())),
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


def _size(value: Any) -> int:
    return len(value.encode()) if isinstance(value, str) else len(orjson.dumps(value))


def _tokens(size: int) -> int:
    return int(size * TOKENS_PER_BYTE) + 1
