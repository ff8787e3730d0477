"""Chat completions at a provider that is asked by OpenAI's Responses."""

from __future__ import annotations

import json
from typing import Any

from tests.providers import fake_responses
from tests.running import running
from tests.service.native.test_as_it_comes import provider, route, sent
from tests.upstream import Answer, upstream
from windsock.wire.formats.openai_responses.answer import completion_of
from windsock.wire.formats.openai_responses.request import responses_body

Body = dict[str, Any]

CALL = {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": '{"a": 1}'}}
THOUGHT = {"id": "rs_1", "type": "reasoning", "summary": [], "encrypted_content": "gAAA"}


def test_a_conversation_becomes_items_and_what_was_sealed_goes_back() -> None:
    chat = {"messages": [
        {"role": "system", "content": "be brief"},
        {"role": "user", "content": [
            {"type": "text", "text": "what is this?"},
            {"type": "image_url", "image_url": {"url": "https://a.example/a.png"}},
            {"type": "file", "file": {"file_data": "https://a.example/a.pdf", "filename": "a"}},
            {"type": "file", "file": {"file_data": "data:application/pdf;base64,JVBERi0=",
                                      "filename": "b.pdf"}}]},
        {"role": "assistant", "content": "let me look", "tool_calls": [CALL],
         "reasoning_items": [THOUGHT]},
        {"role": "tool", "tool_call_id": "call_1", "content": "a cat"},
    ]}  # fmt: skip
    body = responses_body(chat, "gpt-5")
    assert body["store"] is False
    assert body["input"] == [
        {"type": "message", "role": "system",
         "content": [{"type": "input_text", "text": "be brief"}]},
        {"type": "message", "role": "user", "content": [
            {"type": "input_text", "text": "what is this?"},
            {"type": "input_image", "image_url": "https://a.example/a.png", "detail": "auto"},
            {"type": "input_file", "file_url": "https://a.example/a.pdf"},
            {"type": "input_file", "file_data": "data:application/pdf;base64,JVBERi0=",
             "filename": "b.pdf"}]},
        THOUGHT,
        {"type": "message", "role": "assistant",
         "content": [{"type": "output_text", "text": "let me look"}]},
        {"type": "function_call", "call_id": "call_1", "name": "look", "arguments": '{"a": 1}'},
        {"type": "function_call_output", "call_id": "call_1", "output": "a cat"},
    ]  # fmt: skip


def test_fields_take_the_names_and_shapes_of_responses() -> None:
    schema = {"name": "n", "schema": {"type": "object"}, "strict": True}
    tool = {"type": "function", "function": {"name": "look", "parameters": {}}}
    chat = {"messages": [], "max_tokens": 9, "reasoning_effort": "low", "verbosity": "low",
            "response_format": {"type": "json_schema", "json_schema": schema}, "logprobs": True,
            "tools": [tool], "tool_choice": {"type": "function", "function": {"name": "look"}},
            "web_search_options": {"search_context_size": "low"}}  # fmt: skip
    body = responses_body(chat, "m")
    assert body["max_output_tokens"] == 9
    assert body["text"] == {"format": {"type": "json_schema", **schema}, "verbosity": "low"}
    assert body["tools"] == [
        {"type": "function", "name": "look", "parameters": {}, "strict": False},
        {"type": "web_search", "search_context_size": "low"},
    ]
    assert body["tool_choice"] == {"type": "function", "name": "look"}
    assert body["reasoning"]["effort"] == "low"
    assert body["include"] == ["message.output_text.logprobs", "reasoning.encrypted_content"]


def test_an_answer_tells_thoughts_calls_searches_and_why_it_ended() -> None:
    items = [
        THOUGHT | {"summary": [{"type": "summary_text", "text": "hm"}]},
        {"type": "web_search_call", "id": "ws_1", "status": "completed"},
        {"type": "message", "content": [{"type": "output_text", "text": "a cat", "annotations": [
            {"type": "url_citation", "url": "https://a.example", "title": "t", "start_index": 0,
             "end_index": 1}]}]},
        {"type": "custom_tool_call", "call_id": "call_2", "name": "patch", "input": "x"},
    ]  # fmt: skip
    usage = {"input_tokens": 5, "output_tokens": 3, "total_tokens": 8}
    told = completion_of({"id": "r", "status": "completed", "output": items, "usage": usage})
    (choice,) = told["choices"]
    message = choice["message"]
    assert (message["content"], message["reasoning_content"]) == ("a cat", "hm")
    assert message["annotations"][0]["url_citation"]["url"] == "https://a.example"
    assert json.loads(message["tool_calls"][0]["function"]["arguments"]) == {"input": "x"}
    assert told["usage"]["server_tool_use"] == {"web_search_requests": 1}
    assert choice["finish_reason"] == "tool_calls"
    for status, reason, finish in (
        ("incomplete", "max_output_tokens", "length"),
        ("incomplete", "content_filter", "content_filter"),
        ("failed", None, "error"),
    ):
        told = completion_of({"status": status, "incomplete_details": {"reason": reason}})
        assert told["choices"][0]["finish_reason"] == finish


async def test_thoughts_come_back_with_the_next_turn_also_of_a_stream(tmp_path) -> None:
    """What OpenAI sealed reaches it again byte for byte, since nothing is stored there."""

    def reply(body: Body) -> Answer:
        assert fake_responses.complaint(body) is None
        return Answer(events=sent(fake_responses.events(body)))

    ask: Body = {"model": "auto", "stream": True, "reasoning_effort": "low",
                 "messages": [{"role": "user", "content": "hi"}]}  # fmt: skip
    async with upstream(reply, "/responses") as there:
        config = provider("openai-responses", there.url) + route("openai-responses/gpt-5")
        async with running(config, tmp_path) as it:
            got = await it.http.post("/v1/chat/completions", json=ask)
            chunks = [json.loads(line[6:]) for line in got.text.splitlines()
                      if line.startswith("data: {")]  # fmt: skip
            deltas = [choice["delta"] for chunk in chunks for choice in chunk["choices"]]
            (sealed,) = [item for delta in deltas for item in delta.get("reasoning_items", ())]
            turn = {"role": "assistant", "content": "hello", "reasoning_items": [sealed]}
            again = {**ask, "messages": [*ask["messages"], turn, *ask["messages"]]}
            got = await it.http.post("/v1/chat/completions", json=again)
    assert got.status_code == 200
    assert there.seen[1]["input"][1] == sealed
    assert sealed["encrypted_content"] == "gAAA"


async def test_a_failed_response_is_asked_elsewhere(tmp_path) -> None:
    failed = fake_responses.response({"model": "m"}, [], "failed") | {
        "error": {"code": "server_error", "message": "boom"}}  # fmt: skip
    kinds = ("response.created", "response.failed")
    events = sent([{"type": each, "response": failed, "sequence_number": 0} for each in kinds])

    def reply(body: Body) -> Answer:
        return Answer(events=events) if body.get("stream") else Answer(failed)

    def good(body: Body) -> Answer:
        if body.get("stream"):
            return Answer(events=sent(fake_responses.events(body)))
        return Answer(fake_responses.response(body, fake_responses.output(body)))

    async with upstream(reply, "/responses") as broken, upstream(good, "/responses") as well:
        config = provider("openai-responses", broken.url, 0.01) + provider("bolt", well.url, 9)
        config = config.replace("[providers.bolt]", '[providers.bolt]\npreset="openai-responses"')
        config += route("openai-responses/a", "bolt/b")
        async with running(config, tmp_path) as it:
            for is_stream in (False, True):
                ask = {"model": "auto", "messages": [{"role": "user", "content": "hi"}],
                       "stream": is_stream, "models": ["openai-responses/a", "auto"]}  # fmt: skip
                got = await it.http.post("/v1/chat/completions", json=ask)
                assert got.status_code == 200 and "mitenand" in got.text
