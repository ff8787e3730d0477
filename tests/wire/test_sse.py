"""Where events of a stream end, however its bytes are cut."""

from __future__ import annotations

from typing import Any

import pytest

from windsock.errors import ProviderError
from windsock.wire.format import AnswerFacts
from windsock.wire.formats.openai_chat_stream import ChatStreamScanner
from windsock.wire.formats.tasks.streams import EventScanner
from windsock.wire.json_codec import dumps
from windsock.wire.sse import MAX_EVENT_BYTES, Unended

EVENTS = [b'data: {"type":"a","text":"%d"}' % place for place in range(4)]


@pytest.mark.parametrize("end", [b"\n\n", b"\r\n\r\n", b"\n\r\n", b"\r\n\n"])
@pytest.mark.parametrize("size", [1, 2, 3, 5, 1000])
def test_events_end_where_they_do_whole(end: bytes, size: int) -> None:
    whole = b"".join(each + end for each in EVENTS)
    scanner, found = EventScanner(lambda _: AnswerFacts()), []
    for start in range(0, len(whole), size):
        found += scanner.feed(whole[start : start + size])
    assert [each.rstrip() for each in found] == EVENTS


def test_nothing_of_a_long_event_is_told_or_looked_through_again_before_its_end() -> None:
    unended = Unended()
    unended.hold(b"data: 1\r\n\r")
    unended.hold(b"")
    assert unended.with_next(b"\nx") == b"data: 1\r\n\r\nx" and unended.size == 0
    unended.hold(b"data:")
    for size in range(1, 1000):
        assert unended.with_next(b"x" * 1000) == b"" and unended.size == 5 + size * 1000
    with pytest.raises(ProviderError, match="4 MiB"):
        unended.with_next(b"x" * MAX_EVENT_BYTES)


def made(delta: dict[str, Any]) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": None}
    return b"data: " + dumps({"id": "c", "choices": [choice]}) + b"\n\n"


@pytest.mark.parametrize(
    "scanner", [ChatStreamScanner, lambda: EventScanner(lambda _: AnswerFacts())]
)
@pytest.mark.parametrize("before", [0, 1, 5])
def test_a_long_event_among_short_ones_is_told_once_and_whole(scanner, before: int) -> None:
    texts = [made({"content": "a"})] * before
    image = made({"images": [{"image_url": {"url": "data:image/png;base64," + "A" * 9000}}]})
    whole = b"".join([*texts, image, *texts])
    for size in (100, 1400, len(whole) - 1):
        read, found = scanner(), []
        for start in range(0, len(whole), size):
            found += read.feed(whole[start : start + size])
        assert b"".join([*found, *read.rest()]) == whole
