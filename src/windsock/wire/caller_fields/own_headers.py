"""What callers say to the router in headers of its own."""

from __future__ import annotations

from collections.abc import Mapping
from math import nan
from typing import NamedTuple

from windsock.errors import BadRequest
from windsock.wire.caller_fields.names import check_name

TASK, TIMEOUT, PRIVATE = b"x-windsock-task", b"x-windsock-timeout", b"x-windsock-private"
CACHE = b"x-windsock-cache"

HEADERS = frozenset((TASK, TIMEOUT, PRIVATE, CACHE))

OF_THE_CACHE = ("use", "bypass", "refresh")
"""What may be wished of the cache; where there is none, the wish is without effect."""

DAY_S = 86_400

SAID = {"true": True, "1": True, "false": False, "0": False}


class Wishes(NamedTuple):
    """
    task        empty where none is named
    deadline_s  in which an answer is wanted; None: whenever it comes
    is_private  the texts of the request are held nowhere once it is answered
    """

    task: str = ""
    deadline_s: float | None = None
    is_private: bool = False


NO_WISHES = Wishes()


def wishes_in(headers: Mapping[bytes, bytes]) -> Wishes:
    """Of a request's headers, by their names in lower case; raises BadRequest."""
    if HEADERS.isdisjoint(headers):
        return NO_WISHES
    task, timeout, private = (_text(headers.get(name, b"")) for name in (TASK, TIMEOUT, PRIVATE))
    _check_cache(headers.get(CACHE))
    return Wishes(check_name(task, TASK.decode()), _seconds(timeout), _is_private(private))


def _text(value: bytes) -> str:
    """As `metadata` would hold it: UTF-8, or what older clients send."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")


def _seconds(text: str) -> float | None:
    """What is no number would confuse every timer."""
    try:
        seconds = float(text) if text else None
    except ValueError:
        seconds = nan
    if seconds is not None and not 0 < seconds <= DAY_S:
        words = f"x-windsock-timeout must be seconds above 0, at most {DAY_S}"
        raise BadRequest(words, param=TIMEOUT.decode())
    return seconds


def _is_private(text: str) -> bool:
    said = SAID.get((text or "false").lower())
    if said is None:
        name = PRIVATE.decode()
        raise BadRequest(f"{name} must be true or false; leave it out", param=name)
    return said


def _check_cache(wish: bytes | None) -> None:
    if wish is not None and (said := _text(wish)) not in OF_THE_CACHE:
        name = CACHE.decode()
        known = ", ".join(OF_THE_CACHE)
        raise BadRequest(f"{name} must be one of {known}, not {said!r}", param=name)
