"""Where events of a stream end, however its bytes are cut."""

from __future__ import annotations

import pytest

from windsock.wire.format import AnswerFacts
from windsock.wire.formats.tasks.streams import EventScanner
from windsock.wire.sse import boundaries

EVENTS = [b'data: {"type":"a","text":"%d"}' % place for place in range(4)]


@pytest.mark.parametrize("end", [b"\n\n", b"\r\n\r\n", b"\n\r\n", b"\r\n\n"])
@pytest.mark.parametrize("size", [1, 2, 3, 5, 1000])
def test_events_end_where_they_do_whole(end: bytes, size: int) -> None:
    whole = b"".join(each + end for each in EVENTS)
    scanner, found = EventScanner(lambda _: AnswerFacts()), []
    for start in range(0, len(whole), size):
        found += scanner.feed(whole[start : start + size])
    assert [each.rstrip() for each in found] == EVENTS


def test_what_was_looked_through_is_not_looked_through_again() -> None:
    looked = b"x\n\n" + b"x" * 9
    assert not list(boundaries(looked, len(looked)))
    assert [each.end() for each in boundaries(b"x\r\n\r\n", 4)] == [5]
