"""Request bodies that were compressed for the way."""

from __future__ import annotations

import zlib
from collections.abc import Mapping

GZIP, ZLIB = 31, 15
"""zlib's names of the two wrappings."""

CODINGS = {b"gzip": GZIP, b"x-gzip": GZIP, b"deflate": ZLIB}


class Undecodable(Exception):
    """The body is not what its content-encoding says, or that is not known."""


class Decoder:
    """Decodes a body as it arrives, never more than is asked for."""

    def __init__(self, coding: bytes) -> None:
        wrapping = CODINGS.get(coding.strip().lower())
        if wrapping is None:
            known = ", ".join(sorted(name.decode() for name in CODINGS))
            raise Undecodable(f"content-encoding must be one of {known}, or left out")
        self._zlib = zlib.decompressobj(wrapping)

    def feed(self, part: bytes, most: int) -> bytes:
        """What comes out of a part, one byte more than `most` at most; raises Undecodable."""
        try:
            return self._zlib.decompress(part, most + 1)
        except zlib.error as error:
            raise Undecodable(f"the body is not as its content-encoding says: {error}") from error

    def end(self) -> None:
        """Raises Undecodable if the body is cut short."""
        if not self._zlib.eof:
            raise Undecodable("the body is shorter than its content-encoding says")


def decoder_of(headers: Mapping[bytes, bytes]) -> Decoder | None:
    """The decoder of a body with these headers, None if it comes as it is; raises Undecodable."""
    coding = headers.get(b"content-encoding")
    if coding is None or coding.strip().lower() in (b"", b"identity"):
        return None
    return Decoder(coding)
