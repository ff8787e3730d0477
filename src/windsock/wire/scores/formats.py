"""Formats in which others tell what answers were worth, by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Any

import orjson

from windsock.errors import BadRequest
from windsock.wire.scores.langfuse import read_langfuse
from windsock.wire.scores.langsmith import read_langsmith
from windsock.wire.scores.otel import read_otel
from windsock.wire.scores.rows import csv_rows, read_rows
from windsock.wire.scores.score import NoScore, Read, within_batch

FORMATS: dict[str, Callable[[Any], Iterable[Read]]] = {
    "rows": read_rows,
    "otel": read_otel,
    "langfuse": read_langfuse,
    "langsmith": read_langsmith,
}
"""What reads a document of JSON, or the rows of a CSV."""


def read_scores(body: bytes, name: str) -> list[Read]:
    """What a body of JSON, JSON lines or CSV says in a format of FORMATS, in its order.

    raises  BadRequest if it is none of them
    """
    read = FORMATS[name]
    return within_batch(chain.from_iterable(map(read, _documents(body))))


def _documents(body: bytes) -> Iterator[Any]:
    text = _text(body)
    try:
        yield orjson.loads(text)
        return
    except orjson.JSONDecodeError as error:
        first = error
    if text.lstrip()[:1] in ("{", "["):
        yield from _lines(text, first)
        return
    try:
        rows = csv_rows(text)
    except NoScore as error:
        raise BadRequest(f"the scores cannot be read: {error}") from error
    if not rows:
        raise BadRequest("no scores: send JSON, JSON lines, or a CSV with rows below its header")
    yield rows


def _lines(text: str, first: orjson.JSONDecodeError) -> Iterator[Any]:
    """JSON lines; where already the first is none, the whole was meant to be one document."""
    is_one = True
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            yield orjson.loads(line)
        except orjson.JSONDecodeError as error:
            told, where = (first, "") if is_one else (error, f"line {number}: ")
            raise BadRequest(f"{where}the scores are not valid JSON: {told}") from error
        is_one = False


def _text(body: bytes) -> str:
    try:
        return body.decode("utf-16" if body[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadRequest(
            f"the scores are not UTF-8 ({error.reason}); save them as UTF-8"
        ) from error
