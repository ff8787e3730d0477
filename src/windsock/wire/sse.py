"""Server-sent events: where they end, what they carry, and whether that is JSON."""

from __future__ import annotations

import re

import msgspec

from windsock.errors import ProviderError

MAX_EVENT_BYTES = 4 * 1024 * 1024
"""Of one event, which is held until its end comes."""

DATA = re.compile(rb"(?:^|[\r\n])data:")


BOUNDARY = re.compile(rb"\r?\n\r?\n")

LONGEST_PART = 3
"""Bytes of an end that may have come before the rest of it."""

NO_NUMBER = re.compile(rb"\bNaN\b|\bInfinity\b")
"""What Python's servers write and strict readers break at; it is told as null."""

SYNTAX = re.compile(rb'["{}]')
"""What every JSON object has: text without any of it is a remark, such as "ping"."""

DOUBLED = re.compile(rb"(?<![^\r\n])(?:data:[ \t]*)+(?=data:)")
"""The name of a field that a proxy wrote before one that had it."""

FAILED_EVENT = re.compile(rb"(?:^|[\r\n])event:\s*(?:error|\w{1,60}(?:exception|error))\b", re.I)

FIELD = re.compile(rb"(?:event|id|retry)?:")
"""How what is no data begins: a comment, or a field beside the data."""

BARE = re.compile(rb"\s*(?:error:\s*)?([\[{].*)", re.DOTALL)
"""JSON that stands in a stream by itself, also after the name that older llama.cpp writes."""

_checked = msgspec.json.Decoder(msgspec.Raw).decode


class Unended:
    """An event whose end has not come, in the pieces in which it came.

    One with an image is megabytes in thousands of pieces: each is looked through once, and they are
    joined once.

    size    bytes of them all
    """

    __slots__ = ("_last", "_pieces", "size")

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._last = b""
        self.size = 0

    def with_next(self, data: bytes) -> bytes:
        """What is held and `data`, if an event ends in them; else b"", and `data` is held too."""
        if self.size and BOUNDARY.search(self._last + data) is None:
            self.hold(data)
            return b""
        return self.taken() + data

    def hold(self, data: bytes) -> None:
        """What follows the last end; raises ProviderError beyond MAX_EVENT_BYTES."""
        if not data:
            return
        self._pieces.append(data)
        self._last = (self._last + data[-LONGEST_PART:])[-LONGEST_PART:]
        self.size += len(data)
        if self.size > MAX_EVENT_BYTES:
            raise ProviderError("an event of the stream is larger than 4 MiB")

    def taken(self) -> bytes:
        """What is held; then nothing is."""
        held = b"".join(self._pieces)
        self._pieces, self._last, self.size = [], b"", 0
        return held


def data_of(event: bytes) -> bytes:
    """The payload of an event: its data lines, joined."""
    if event.startswith(b"data:") and event.find(b"\n") == len(event) - 2:
        return event[5:-2].removesuffix(b"\r").lstrip()
    lines = event.replace(b"\r\n", b"\n").split(b"\n")
    return b"\n".join(line[5:].lstrip() for line in lines if line.startswith(b"data:"))


def events_in(event: bytes) -> list[bytes]:
    """The events that were sent as one, for some servers end each by one line end; else itself."""
    if event.count(b"data:") < 2:
        return [event]
    event = DOUBLED.sub(b"", event)
    if len(DATA.findall(event)) < 2 or _is_json(data_of(event)):
        return [event]
    lines = [line for line in event.splitlines() if line.startswith(b"data:")]
    payloads = [line[5:].strip() for line in lines]
    are_apart = all(each == b"[DONE]" or _is_json(each) for each in payloads)
    return [line + b"\n\n" for line in lines] if are_apart else [event]


def is_named_failure(event: bytes) -> bool:
    """Whether an event is an error by its name, as `throttlingException`."""
    return b"event:" in event.lower() and FAILED_EVENT.search(event) is not None


def has_no_number(payload: bytes) -> bool:
    """Whether a number is told as one that JSON does not know."""
    is_likely = b"NaN" in payload or b"Infinity" in payload
    return is_likely and NO_NUMBER.search(payload) is not None


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
    return _is_json(payload)


def _is_json(payload: bytes) -> bool:
    try:
        _checked(payload)
    except (msgspec.DecodeError, RecursionError):
        return False
    return True
