"""What a judge has said. Where that cannot be read it has said nothing, which is no bad verdict."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from typing import Any, Literal, TypeVar

T = TypeVar("T")

Better = Literal["first", "second", "equal"]

NUMBER = re.compile(r"\s*(?:0|1|0?\.\d+|[01]\.\d+)\s*")
"""A score that was written as a text."""

MOST_OBJECTS = 16
"""In one reply that are looked at."""

_decoder = json.JSONDecoder()


def score_in(reply: str) -> float | None:
    """The score, 0..1, that a reply states; None where it states none, several or another scale."""
    return _only(_score(each["score"]) for each in _objects(reply) if "score" in each)


def better_in(reply: str) -> Better | None:
    """Which answer a reply prefers; None where it does not say, or says several things."""
    return _only(_better(each["better"]) for each in _objects(reply) if "better" in each)


def against_reference(candidate_first: Better, candidate_second: Better) -> float:
    """The worth of an answer beside a reference, asked in both orders.

    1 where it is preferred in both, 0 where the reference is; .5 where they are equal or where the
    verdict goes by the order.
    """
    won = (candidate_first == "first") + (candidate_second == "second")
    lost = (candidate_first == "second") + (candidate_second == "first")
    if won and lost:
        return 0.5
    return 0.5 + (won - lost) / 4


def _only(found: Iterator[T | None]) -> T | None:
    said = set(found)
    return said.pop() if len(said) == 1 else None


def _objects(reply: str) -> Iterator[dict[str, Any]]:
    """The JSON objects of a reply, which may stand in a fence or between words."""
    at = reply.find("{")
    for _ in range(MOST_OBJECTS):
        if at < 0:
            return
        try:
            found, end = _decoder.raw_decode(reply, at)
        except (ValueError, RecursionError):
            at = reply.find("{", at + 1)
            continue
        if isinstance(found, dict):
            yield found
        at = reply.find("{", end)


def _score(stated: object) -> float | None:
    if isinstance(stated, str) and NUMBER.fullmatch(stated):
        stated = float(stated)
    if isinstance(stated, bool) or not isinstance(stated, int | float):
        return None
    return float(stated) if math.isfinite(stated) and 0 <= stated <= 1 else None


def _better(stated: object) -> Better | None:
    match stated.strip().lower() if isinstance(stated, str) else None:
        case "first" | "second" | "equal" as better:
            return better
    return None
