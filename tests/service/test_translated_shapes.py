"""Every answer and every event is of the types that the SDKs publish, not only near them.

`streams/` holds whole streams to read: what a client gets, event by event. Written anew with
`GOLDEN=write pytest tests/service/test_translated_shapes.py`.
"""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from anthropic.types import Message, RawMessageStreamEvent
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

from tests.running import config_of, running
from tests.upstream import Answer, chunk, completion, event, upstream

TOOLS = [
    {"type": "function", "name": "look", "parameters": {"type": "object"}, "strict": False},
    {"type": "custom", "name": "patch"},
    {"type": "local_shell"},
    {
        "type": "namespace",
        "name": "files",
        "description": "d",
        "tools": [{"type": "function", "name": "read", "parameters": {"type": "object"}}],
    },
]
ASKS: dict[str, dict[str, Any]] = {
    "/v1/responses": {"model": "auto", "input": "hi", "tools": TOOLS},
    "/v1/messages": {"model": "auto", "max_tokens": 9, "tools": [
        {"name": "look", "input_schema": {"type": "object"}}],
        "messages": [{"role": "user", "content": "hi"}]},
}  # fmt: skip
WHOLE = {"/v1/responses": TypeAdapter(Response), "/v1/messages": TypeAdapter(Message)}
EVENTS: dict[str, TypeAdapter[Any]] = {
    "/v1/responses": TypeAdapter(ResponseStreamEvent),
    "/v1/messages": TypeAdapter(RawMessageStreamEvent),
}
SAID: dict[str, dict[str, Any]] = {
    "text": {"content": "hi"},
    "refusal": {"refusal": "no"},
    "reasoning": {"reasoning_content": "hm", "content": "hi"},
    "signed": {"thinking_blocks": [{"type": "thinking", "thinking": "hm", "signature": "c2ln"},
                                   {"type": "redacted_thinking", "data": "eA=="}],
               "content": "hi"},
    "calls": {"content": "so", "tool_calls": [
        {"index": number, "id": f"c{number}", "type": "function",
         "function": {"name": name, "arguments": arguments}}
        for number, (name, arguments) in enumerate([
            ("look", "{}"), ("patch", '{"input": "x"}'), ("local_shell", '{"command": ["ls"]}'),
            ("files__read", "{}"), ("look", "")])]},
}  # fmt: skip


def told(said: dict[str, Any], finish: str, is_stream: bool) -> Answer:
    if not is_stream:
        message = {"role": "assistant", "content": None, **said}
        choice = {"index": 0, "message": message, "finish_reason": finish}
        return Answer(completion(choices=[choice]))
    usage = {"prompt_tokens": 12, "completion_tokens": 3, "total_tokens": 15}
    return Answer(events=[event(chunk(said)), event(chunk({}, finish)),
                          event({**chunk({}), "choices": [], "usage": usage}),
                          b"data: [DONE]\n\n"])  # fmt: skip


async def answer_of(tmp_path, path: str, case: str, finish: str, is_stream: bool) -> str:
    reply = told(SAID[case], finish, is_stream)
    async with upstream(lambda _: reply) as acme:
        async with running(config_of(("acme", acme.url, 1.0)), tmp_path) as it:
            answer = await it.http.post(path, json={**ASKS[path], "stream": is_stream})
    assert answer.status_code == 200, answer.text
    return answer.text


def events_in(text: str) -> list[dict[str, Any]]:
    return [json.loads(line[5:]) for line in text.splitlines() if line.startswith("data:")]


@pytest.mark.parametrize("finish", ["stop", "length", "content_filter"])
@pytest.mark.parametrize("case", ["text", "refusal", "reasoning", "signed", "calls"])
@pytest.mark.parametrize("path", ASKS)
async def test_streamed_and_whole_answers_are_the_same_and_of_published_types(
    tmp_path, path, case, finish
) -> None:
    whole = json.loads(await answer_of(tmp_path, path, case, finish, False))
    WHOLE[path].validate_python(whole)
    events = events_in(await answer_of(tmp_path, path, case, finish, True))
    for each in events:
        EVENTS[path].validate_python(each)
    if path == "/v1/responses":
        last = events[-1]["response"]
        assert (last["output"], last["status"]) == (whole["output"], whole["status"])
    else:
        stop = next(each for each in events if each["type"] == "message_delta")
        assert stop["delta"]["stop_reason"] == whole["stop_reason"]
        starts = [each for each in events if each["type"] == "content_block_start"]
        assert [each["content_block"]["type"] for each in starts] == [
            each["type"] for each in whole["content"]]  # fmt: skip


MIXED = [
    {"role": "assistant", "reasoning_content": "two cities"},
    *[{"tool_calls": [{"index": index, **named, "function": function}]}
      for index, named, function in (
          (0, {"id": "c0", "type": "function"}, {"name": "look", "arguments": ""}),
          (1, {"id": "c1", "type": "function"}, {"name": "look", "arguments": ""}),
          (0, {}, {"arguments": '{"city": '}), (1, {}, {"arguments": '{"city": '}),
          (0, {}, {"arguments": '"Bern"}'}), (1, {}, {"arguments": '"Genf"}'}))],
]  # fmt: skip
REFUSED = [{"content": "Well, "}, {"refusal": "I will"}, {"refusal": " not."}]
STREAMS = {"mixed calls": (MIXED, "tool_calls"), "refusal": (REFUSED, "stop")}


@pytest.mark.parametrize("case", STREAMS)
@pytest.mark.parametrize("path", ASKS)
async def test_a_stream_reads_like_its_file(tmp_path, path, case) -> None:
    deltas, finish = STREAMS[case]
    events = [*[event(chunk(each)) for each in deltas], event(chunk({}, finish)),
              b"data: [DONE]\n\n"]  # fmt: skip
    async with upstream(lambda _: Answer(events=events)) as acme:
        async with running(config_of(("acme", acme.url, 1.0)), tmp_path) as it:
            ask = {**ASKS[path], "tools": ASKS[path]["tools"][:1], "stream": True}
            got = (await it.http.post(path, json=ask)).text
    name = f"{path.removeprefix('/v1/')} {case}.sse".replace(" ", "_")
    file = Path(__file__).parent / "streams" / name
    if os.environ.get("GOLDEN") == "write":
        file.parent.mkdir(exist_ok=True)
        file.write_text(got)
    assert got == file.read_text()
