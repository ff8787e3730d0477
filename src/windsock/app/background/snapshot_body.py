"""The body of a snapshot: JSON, written a piece at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import orjson

PIECE = 256
"""Entries of a list that one call writes. A call keeps the interpreter to itself, also in another
thread than the event loop's: of 5,000 rows it would take 3 ms.
"""


def written(part: object) -> orjson.Fragment:
    """What is small is written at once, so that nothing it refers to changes before."""
    return orjson.Fragment(orjson.dumps(part))


def body_of(
    kept: Mapping[str, object],
    prices: Callable[[], dict[str, object]],
    router: Mapping[str, object],
    beliefs: Callable[[], dict[str, object]],
) -> bytes:
    """The whole of it; prices and beliefs are shaped here, in whatever thread this is called."""
    pages = {name: written(page) for name, page in prices().items()}
    return in_pieces({**kept, "prices": pages, "router": {**router, "beliefs": beliefs()}})


def in_pieces(value: object) -> bytes:
    """What `orjson.dumps` makes of it, in many short calls."""
    match value:
        case dict():
            each = (orjson.dumps(name) + b":" + in_pieces(part) for name, part in value.items())
            return b"{" + b",".join(each) + b"}"
        case [dict(), *_]:
            return b"[" + b",".join(in_pieces(part) for part in value) + b"]"
        case list() if len(value) > PIECE:
            starts = range(0, len(value), PIECE)
            pieces = (orjson.dumps(value[start : start + PIECE])[1:-1] for start in starts)
            return b"[" + b",".join(pieces) + b"]"
    return orjson.dumps(value)
