"""What an event of a stream costs, in calls of functions: no clock is read."""

from __future__ import annotations

import sys
from pathlib import Path
from types import FrameType

import windsock
from tests.running import config_of, running
from tests.upstream import Answer, stream_of, upstream

OURS = Path(windsock.__file__).parent
WAY = {
    str(OURS / place)
    for place in (
        "providers/http1_connections.py",
        "providers/http1_transport.py",
        "service/execution/deadline.py",
        "service/execution/stream_execution.py",
        "service/execution/stream_relay.py",
        "service/execution/stream_rescue.py",
        "service/gateway/asgi.py",
        "service/gateway/call.py",
        "service/gateway/endpoints.py",
        "service/gateway/uvicorn_protocol.py",
        "wire/formats/openai_chat_stream.py",
        "wire/formats/passing/text_events.py",
        "wire/sse.py",
    )
}
"""Of an event from the provider to the client; what is done by the second is left out."""

MOST = 18
"""Calls for each; a seventh above what they take (16, resumed generators included)."""

ASK = {"model": "auto", "messages": [{"role": "user", "content": "hi"}], "stream": True}


async def test_an_event_of_a_stream_takes_no_more_calls_than_it_should(tmp_path) -> None:
    """Of a long stream what it has more than a short one; events that come as one cost less."""
    calls: list[int] = []

    def count(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_code.co_filename in WAY:
            calls[-1] += 1

    answers = [Answer(events=stream_of(["word "] * words), between_s=0.002) for words in (10, 60)]
    async with (
        upstream(lambda _: answers[0]) as acme,
        running(config_of(("acme", acme.url, 1.0)), tmp_path) as it,
    ):
        while answers:
            calls.append(0)
            sys.setprofile(count)
            try:
                found = await it.http.post("/v1/chat/completions", json=ASK)
            finally:
                sys.setprofile(None)
            assert found.text.endswith("data: [DONE]\n\n")
            answers.pop(0)
    assert (calls[1] - calls[0]) / 50 <= MOST
