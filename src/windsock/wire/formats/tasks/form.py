"""A form of several parts (multipart/form-data, RFC 7578), read and changed without copying files.

Parts are ranges of the bytes as they came; whoever sends it on changes the texts it must and keeps
the rest, boundary and all.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from windsock.errors import BadRequest

BOUNDARY = re.compile(r'\bboundary=(?:"([^"]{1,70})"|([^\s;]{1,70}))', re.IGNORECASE)
NAME = re.compile(rb'[;\s]name="((?:[^"\\\r\n]|\\.)*)"|[;\s]name=([^\s;]+)', re.IGNORECASE)
FILE = re.compile(rb"[;\s]filename\*?=", re.IGNORECASE)
LINE = b"\r\n"
MOST_PARTS = 256
MOST_HEAD_BYTES = 8192
MOST_TEXT_BYTES = 64 * 1024
"""Of a part that is read as a text; longer ones are passed on unread."""


@dataclass(frozen=True, slots=True)
class Part:
    """One part: from its boundary at `start`, its content from `content` to `end`."""

    name: str
    is_file: bool
    start: int
    content: int
    end: int


@dataclass(frozen=True, slots=True)
class Form:
    """The bytes of a body and its parts, in order."""

    raw: bytes
    boundary: bytes
    parts: tuple[Part, ...]

    def text(self, name: str) -> str | None:
        """The first part of this name that is no file, None if there is none."""
        return next((self._text(part) for part in self.parts if self._is_text(part, name)), None)

    def texts(self) -> dict[str, str]:
        """Every part that is no file, by its name; the last of a name wins."""
        return {part.name: self._text(part) for part in self.parts if self._is_text(part)}

    def listed(self, name: str) -> list[str]:
        """All texts of a name, or of `name[]` as some write it."""
        names = (name, f"{name}[]")
        return [self._text(part) for part in self.parts if part.name in names]

    def head_of_file(self, name: str, most: int) -> tuple[bytes, int]:
        """The first bytes of the first file of this name, and its size; of none b"" and 0."""
        part = next((part for part in self.parts if part.is_file and part.name == name), None)
        if part is None:
            return b"", 0
        return self.raw[part.content : min(part.end, part.content + most)], part.end - part.content

    def files(self, *names: str) -> int:
        """How many files of these names there are."""
        return sum(part.is_file and part.name in names for part in self.parts)

    def with_texts(self, texts: Mapping[str, str], without: Collection[str]) -> bytes:
        """The same body with these texts, in place of their own or after all, less some parts."""
        return b"".join(self._pieces(texts, without))

    def _pieces(self, texts: Mapping[str, str], without: Collection[str]) -> Iterator[bytes]:
        left = dict(texts)
        for part in self.parts:
            if part.name.partition("[")[0] in without:
                continue
            if part.name in left:
                yield self.raw[part.start : part.content]
                yield left.pop(part.name).encode()
            else:
                yield self.raw[part.start : part.end]
            yield LINE
        for name, text in left.items():
            head = f'content-disposition: form-data; name="{name}"'.encode()
            yield b"--%b\r\n%b\r\n\r\n%b\r\n" % (self.boundary, head, text.encode())
        yield b"--%b--\r\n" % self.boundary

    def _is_text(self, part: Part, name: str | None = None) -> bool:
        is_short = part.end - part.content <= MOST_TEXT_BYTES
        return not part.is_file and is_short and name in (None, part.name)

    def _text(self, part: Part) -> str:
        return self.raw[part.content : part.end].decode("utf-8", "replace")


def form_of(raw: bytes, content_type: str) -> Form:
    """The form in a body; raises BadRequest if it is none."""
    found = BOUNDARY.search(content_type)
    if found is None or not content_type.lower().startswith("multipart/form-data"):
        raise BadRequest(
            "the body must be a form: send it with content-type multipart/form-data and a boundary"
        )
    boundary = (found[1] or found[2]).encode("latin-1", "replace")
    return Form(raw, boundary, tuple(_parts(raw, b"--" + boundary)))


def _parts(raw: bytes, mark: bytes) -> Iterator[Part]:
    start = raw.find(mark)
    for _ in range(MOST_PARTS):
        if start < 0:
            raise BadRequest("the form does not end with its boundary; was it cut short?")
        begin = start + len(mark)
        if raw.startswith(b"--", begin):
            return
        content = raw.find(LINE * 2, begin, begin + MOST_HEAD_BYTES)
        following = raw.find(LINE + mark, max(begin, content + 2))
        if content < 0 or following < 0:
            raise BadRequest("the form has a part without an end; was it cut short?")
        yield _part(raw, start, content, following)
        start = following + len(LINE)
    raise BadRequest(f"the form has more than {MOST_PARTS} parts; send fewer")


def _part(raw: bytes, start: int, content: int, end: int) -> Part:
    head = raw[start:content]
    found = NAME.search(head)
    if found is None:
        raise BadRequest("the form has a part without a name; give each one")
    name = (found[1] if found[1] is not None else found[2]).decode("utf-8", "replace")
    first = min(content + 2 * len(LINE), end)
    return Part(name, FILE.search(head) is not None, start, first, end)
