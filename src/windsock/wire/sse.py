"""Server-sent events: where they end, what they carry, and whether that is JSON."""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

MAX_EVENT_BYTES = 4 * 1024 * 1024
"""Of one event, which is held until its end comes."""

DATA = re.compile(rb"(?:^|[\r\n])data:")


BOUNDARY = re.compile(rb"\r?\n\r?\n")

SYNTAX = re.compile(rb'["{}]')
"""What every JSON object has: text without any of it is a remark, such as "ping"."""

_checked = msgspec.json.Decoder(msgspec.Raw).decode


def boundaries(held: bytes, known: int) -> Iterator[re.Match[bytes]]:
    """Where events end; the first `known` bytes, which hold no such end, are not looked at again.

    An event with an image is megabytes that come in hundreds of pieces.
    """
    return BOUNDARY.finditer(held, max(0, known - 3))


def data_of(event: bytes) -> bytes:
    """The payload of an event: its data lines, joined."""
    if event.startswith(b"data:") and event.find(b"\n") == len(event) - 2:
        return event[5:-2].removesuffix(b"\r").lstrip()
    lines = event.replace(b"\r\n", b"\n").split(b"\n")
    return b"\n".join(line[5:].lstrip() for line in lines if line.startswith(b"data:"))


def start_of_event(held: bytes, at: int) -> int:
    """Where the event begins that this place is in."""
    before = held.rfind(b"\n\n", 0, at)
    return 0 if before < 0 else before + 2


def are_plain_json(events: bytes) -> bool:
    """Whether these whole events are JSON on one data line each.

    All are looked at in one go, as lists in a list: that takes a quarter of the time of reading
    each, and what is broken in one event cannot be mended by the next.
    """
    if not events.startswith(b"data: "):
        return False
    payload = events[6:-2]
    if b"\n" in payload:
        payload = b"[[" + payload.replace(b"\n\ndata: ", b"],[") + b"]]"
    try:
        _checked(payload)
    except (msgspec.DecodeError, RecursionError):
        return False
    return True
