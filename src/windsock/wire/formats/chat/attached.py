"""Images, sounds and files that stand within a prompt in base64: they are no text, and not counted
as such."""

from __future__ import annotations

from collections.abc import Iterator

IMAGE_TOKENS = 1000
"""Of one image, whatever its bytes: makers bill some 250 to 1,600."""

CHARS_PER_TOKEN = {b"audio": 500, b"video": 500}
"""Of sounds and films, by the usual seconds in their bytes."""

CHARS_OF_A_FILE = 20
"""Per token of what is neither: pages of text and pictures."""

MARK, BEGIN = b";base64,", b'"data:'
LONGEST_TYPE = 100

SOUND, DATA = b'"input_audio"', b'"data"'


def attached(messages: bytes) -> tuple[int, int]:
    """(characters that are data, tokens that they are taken for)"""
    chars = tokens = 0
    for kind, size in (*_urls(messages), *_sounds(messages)):
        as_text = size // 4
        chars += size
        tokens += min(as_text, _tokens(kind, size))
    return chars, tokens


def _tokens(kind: bytes, size: int) -> int:
    return IMAGE_TOKENS if kind == b"image" else size // CHARS_PER_TOKEN.get(kind, CHARS_OF_A_FILE)


def _urls(messages: bytes) -> Iterator[tuple[bytes, int]]:
    """Kind and size of every text that is a data URL, found by its marks: prompts are long."""
    at = messages.find(MARK)
    while at >= 0:
        begin, end = messages.rfind(BEGIN, max(0, at - LONGEST_TYPE), at), messages.find(b'"', at)
        if end < 0:
            return
        if begin >= 0 and messages.find(b'"', begin + 1, at) < 0:
            kind = messages[begin + len(BEGIN) : at].partition(b"/")[0].rstrip(b"\\")
            yield kind, end - at - len(MARK)
        at = messages.find(MARK, end)


def _sounds(messages: bytes) -> Iterator[tuple[bytes, int]]:
    """The same of OpenAI's parts of sound, whose data have no mark."""
    at = messages.find(SOUND)
    while at >= 0:
        named = messages.find(DATA, at)
        begin = messages.find(b'"', named + len(DATA))
        end = messages.find(b'"', begin + 1)
        if named < 0 or begin < 0 or end < 0:
            return
        yield b"audio", end - begin - 1
        at = messages.find(SOUND, end)
