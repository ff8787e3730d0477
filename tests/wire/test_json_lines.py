"""A stream of chunks as lines of JSON, where events were asked for, is read as one of events."""

from __future__ import annotations

import json
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from tests.upstream import chunk, completion, stream_of
from windsock.wire.formats.openai_chat_stream import ChatStreamScanner

EVENTS = stream_of(["Hel", "lo\n", " {x}"])
LINES = b"".join(event.removeprefix(b"data: ")[:-1] for event in EVENTS if b"[DONE]" not in event)
AS_EVENTS = b"".join(stream_of(["Hel", "lo\n", " {x}"], usage=False, done=False))


def fed(parts: list[bytes]) -> tuple[bytes, ChatStreamScanner]:
    scanner = ChatStreamScanner()
    out = [each for part in parts for each in scanner.feed(part)]
    out += scanner.rest()
    return b"".join(out), scanner


@given(at=st.lists(st.integers(0, 2_000), max_size=30), ends=st.sampled_from([b"", b"\n", b"\r\n"]))
def test_lines_are_events_wherever_they_are_cut(at: list[int], ends: bytes) -> None:
    whole = LINES.rstrip(b"\n").replace(b"\n", ends or b"\n") + ends
    places = [0, *sorted(place % (len(whole) + 1) for place in at), len(whole)]
    relayed, scanner = fed([whole[i:j] for i, j in pairwise(places)])
    assert relayed == AS_EVENTS
    assert scanner.is_complete
    assert scanner.usage == {"prompt_tokens": 12, "completion_tokens": 3, "total_tokens": 15}
    assert not scanner.facts().is_empty


def test_an_error_among_lines_is_one() -> None:
    first = LINES[: LINES.find(b"\n") + 1]
    _, scanner = fed([first, b'{"error": {"message": "overloaded"}}\n'])
    assert scanner.error is not None
    assert not scanner.is_complete


def test_a_completion_that_came_whole_is_still_one() -> None:
    for told in (json.dumps(completion("hi")), json.dumps(completion("hi"), indent=1) + "\n"):
        relayed, scanner = fed([told[:40].encode(), told[40:].encode()])
        assert json.loads(relayed.split(b"\n\n")[0][6:])["choices"][0]["delta"]["content"] == "hi"
        assert scanner.is_complete


def test_half_a_line_at_the_end_is_no_answer() -> None:
    cut = json.dumps(chunk({"content": "Hel"})).encode() + b"\n" + b'{"choices": [{"del'
    parts = [cut]
    try:
        _, scanner = fed(parts)
    except Exception as error:
        assert "no JSON" in str(error)
    else:
        assert not scanner.is_complete
