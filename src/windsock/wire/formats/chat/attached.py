"""How long a prompt is. Images, sounds, films and files that stand in it in base64 are no text, and
not counted as such."""

from __future__ import annotations

import struct
from base64 import b64decode
from binascii import Error
from collections.abc import Iterator, Sequence
from math import ceil
from typing import NamedTuple

from windsock.wire.request import TOKENS_PER_BYTE

IMAGE_TOKENS = 1000
"""Of one image, whatever its bytes: makers bill some 250 to 1,600."""

BYTES_PER_S = 16_000
"""Of sound whose length is not stated: MP3 of 128 kbit/s."""

WAV_HEAD = 44
"""Bytes of the head of a plain WAV file."""

SOUND_TOKENS_PER_S = 32
"""Gemini's; OpenAI counts 10, Mistral 12.5."""

FILM_TOKENS_PER_S, FILM_BYTES_PER_S = 300, 250_000
"""Gemini's, with its sound; 2 Mbit/s."""

PAGE_TOKENS, PAGE_BYTES, MOST_PAGES = 2000, 50_000, 100
"""Of a PDF, or any other file. Claude reads each page as text and picture, 1,600 to 3,000 tokens;
OpenAI too; Gemini counts 258 or 560. How many pages there are stands in compressed parts of the
file; few models take more than 100.
"""

TEXTS = (b"text/", b"application/json", b"application/xml")

MARK, BEGIN = b";base64,", b'"data:'
LONGEST_TYPE = 100

BARE = ((b'"input_audio"', b'"data"', b"audio/"), (b'"file_data"', b'"file_data"', b""))
"""OpenAI's parts whose data have no mark: (of the part, field of the data, type)."""

Data = tuple[bytes, int, int]
"""(media type, begin, end) of data within a body."""


class Size(NamedTuple):
    """Estimates, in tokens, of text and of data; and characters that are data."""

    text_tokens: int
    data_tokens: int = 0
    data_chars: int = 0

    @property
    def tokens(self) -> int:
        """Of all of it."""
        return self.text_tokens + self.data_tokens


def text_tokens(size: int) -> int:
    """Of so many bytes of text."""
    return int(size * TOKENS_PER_BYTE) + 1


def size_of(messages: bytes) -> Size:
    """Of a prompt as it stands in a body."""
    chars = tokens = 0
    for kind, begin, end in _data_in(messages):
        as_text = (end - begin) // 4
        chars += end - begin
        tokens += min(as_text, _tokens(kind, messages, begin, end))
    return Size(text_tokens(len(messages) - chars), tokens, chars)


def longest_text(texts: Sequence[bytes], whole: Size) -> int:
    """Tokens of text in the longest of several that are read apart, which have this size."""
    if not whole.data_chars:
        return text_tokens(max(map(len, texts)))
    return max(size_of(text).text_tokens for text in texts)


def seconds_of(head: bytes, size: int) -> int:
    """Length of a sound of so many bytes: as a WAV file states it, else by them; at least 1 s."""
    rate = BYTES_PER_S
    if head[:4] == b"RIFF" and head[8:16] == b"WAVEfmt " and len(head) >= WAV_HEAD:
        rate = struct.unpack_from("<I", head, 28)[0] or BYTES_PER_S
    return max(1, ceil(size / rate))


def _tokens(kind: bytes, messages: bytes, begin: int, end: int) -> int:
    size = (end - begin) * 3 // 4
    if kind.startswith(b"image/"):
        return IMAGE_TOKENS
    if kind.startswith(b"audio/"):
        return SOUND_TOKENS_PER_S * seconds_of(_head(messages, begin), size)
    if kind.startswith(b"video/"):
        return FILM_TOKENS_PER_S * size // FILM_BYTES_PER_S
    if kind.startswith(TEXTS):
        return int(size * TOKENS_PER_BYTE)
    return PAGE_TOKENS * min(1 + size // PAGE_BYTES, MOST_PAGES)


def _head(messages: bytes, begin: int) -> bytes:
    """The first bytes of data; none where they are not base64."""
    chars = WAV_HEAD // 3 * 4 + 4
    try:
        return b64decode(messages[begin : begin + 2 * chars].replace(b"\\", b"")[:chars])
    except Error:
        return b""


def _data_in(messages: bytes) -> Iterator[Data]:
    yield from _urls(messages)
    for part, field, kind in BARE:
        yield from _bare(messages, part, field, kind)


def _urls(messages: bytes) -> Iterator[Data]:
    """Every text that is a data URL, found by its marks: prompts are long."""
    at = messages.find(MARK)
    while at >= 0:
        begin, end = messages.rfind(BEGIN, max(0, at - LONGEST_TYPE), at), messages.find(b'"', at)
        if end < 0:
            return
        if begin >= 0 and messages.find(b'"', begin + 1, at) < 0:
            kind = messages[begin + len(BEGIN) : at].replace(b"\\", b"").lower()
            yield kind, at + len(MARK), end
        at = messages.find(MARK, end)


def _bare(messages: bytes, part: bytes, field: bytes, kind: bytes) -> Iterator[Data]:
    at = messages.find(part)
    while at >= 0:
        named = messages.find(field, at)
        begin = messages.find(b'"', named + len(field)) + 1
        end = messages.find(b'"', begin)
        if named < 0 or begin == 0 or end < 0:
            return
        if not messages.startswith(b"data:", begin):
            yield kind, begin, end
        at = messages.find(part, end)
