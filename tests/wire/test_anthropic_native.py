"""Chat completions told to Anthropic's Messages and back."""

import json
from typing import Any

import anthropic
import orjson
import pytest

from tests.providers import fake_messages
from tests.providers.fake import fake
from tests.running import running
from windsock.core.model.units import Usage
from windsock.errors import ProviderError
from windsock.wire.format import ProviderTraits
from windsock.wire.formats.anthropic.messages import AnthropicMessages
from windsock.wire.formats.anthropic.native import NativeMessages
from windsock.wire.formats.chat.reading import read_chat

SPOKEN = AnthropicMessages(ProviderTraits())
USER = {"role": "user", "content": "hi"}
CALL = {"id": "toolu_1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}
TOOL = {"type": "function", "function": {"name": "f", "description": "d",
                                         "parameters": {"type": "object"}}}  # fmt: skip


def asked(**chat: Any) -> Any:
    return read_chat(orjson.dumps({"model": "auto", "messages": [USER], **chat}), namespace="n")


def told(**chat: Any) -> dict[str, Any]:
    return json.loads(SPOKEN.body(asked(**chat), "claude"))


def text(words: str, **more: Any) -> dict[str, Any]:
    return {"type": "text", "text": words, **more}


@pytest.mark.parametrize(
    ("chat", "fields"),
    [
        ({}, {"max_tokens": 8192}),
        ({"max_tokens": 5}, {"max_tokens": 5}),
        ({"max_tokens": 5, "max_completion_tokens": 6}, {"max_tokens": 6}),
        ({"thinking": {"type": "enabled", "budget_tokens": 2000}}, {"max_tokens": 10192}),
        ({"stop": "\n\nHuman"}, {"stop_sequences": ["\n\nHuman"]}),
        ({"stop": ["a", " ", ""]}, {"stop_sequences": ["a"]}),
        ({"user": "u1"}, {"metadata": {"user_id": "u1"}}),
        ({"service_tier": "standard_only"}, {"service_tier": "standard_only"}),
        ({"service_tier": "flex"}, {}),
        ({"seed": 7, "logit_bias": {}, "store": True, "reasoning_effort": "low"}, {}),
        ({"cache_control": {"type": "ephemeral"}}, {"cache_control": {"type": "ephemeral"}}),
        ({"tools": [TOOL]},
         {"tools": [{"name": "f", "description": "d", "input_schema": {"type": "object"}}]}),
        ({"tools": [TOOL], "tool_choice": "required"}, {"tool_choice": {"type": "any"}}),
        ({"tools": [TOOL], "tool_choice": {"type": "function", "function": {"name": "f"}}},
         {"tool_choice": {"type": "tool", "name": "f"}}),
        ({"tools": [TOOL], "parallel_tool_calls": False},
         {"tool_choice": {"type": "auto", "disable_parallel_tool_use": True}}),
        ({"response_format": {"type": "json_schema", "json_schema": {"schema": {"a": 1}}}},
         {"output_config": {"format": {"type": "json_schema", "schema": {"a": 1}}}}),
        ({"session_id": "s", "models": ["x"], "provider": {}, "metadata": {"task": "t"}}, {}),
    ],
)  # fmt: skip
def test_what_is_asked_for(chat, fields) -> None:
    made = told(**chat)
    usual = {"model": "claude", "max_tokens": 8192, "messages": made["messages"]}
    found = {name: value for name, value in made.items() if name not in usual or name in fields}
    expected = dict(fields)
    assert {name: found[name] for name in expected} == expected
    assert found.keys() <= {*expected, "thinking", "tools"}


@pytest.mark.parametrize(
    ("messages", "turns"),
    [
        ([USER], [("user", [text("hi")])]),
        ([USER, USER], [("user", [text("hi"), text("hi")])]),
        ([{"role": "user", "content": [text("x", cache_control={"type": "ephemeral"})]}],
         [("user", [text("x", cache_control={"type": "ephemeral"})])]),
        ([{"role": "user", "content": [
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA"}},
            {"type": "image_url", "image_url": {"url": "https://x/y.png"}}]}],
         [("user", [
             {"type": "image",
              "source": {"type": "base64", "media_type": "image/png", "data": "AA"}},
             {"type": "image", "source": {"type": "url", "url": "https://x/y.png"}}])]),
        ([{"role": "user", "content": [{"type": "file", "file": {
            "filename": "a.pdf", "file_data": "data:application/pdf;base64,AA"}}]}],
         [("user", [{"type": "document", "title": "a.pdf", "source": {
             "type": "base64", "media_type": "application/pdf", "data": "AA"}}])]),
        ([USER, {"role": "assistant", "content": "", "tool_calls": [CALL]},
          {"role": "tool", "tool_call_id": "toolu_1", "content": "42"}, USER],
         [("user", [text("hi")]),
          ("assistant", [{"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"a": 1}}]),
          ("user", [{"type": "tool_result", "tool_use_id": "toolu_1", "content": [text("42")]},
                    text("hi")])]),
        ([USER, {"role": "assistant", "content": "b", "thinking_blocks": [
            {"type": "thinking", "thinking": "t", "signature": "s"}]}, USER],
         [("user", [text("hi")]),
          ("assistant", [{"type": "thinking", "thinking": "t", "signature": "s"}, text("b")]),
          ("user", [text("hi")])]),
        ([USER, {"role": "assistant", "content": "x", "tool_calls": [
            {"id": "1", "function": {"name": "f", "arguments": "{broken"}}]}],
         [("user", [text("hi")]),
          ("assistant", [text("x"), {"type": "tool_use", "id": "1", "name": "f",
                                     "input": {"arguments": "{broken"}}])]),
    ],
)  # fmt: skip
def test_turns(messages, turns) -> None:
    made = told(messages=messages)
    assert [(each["role"], each["content"]) for each in made["messages"]] == turns


def test_system_turns_stand_apart_wherever_they_were() -> None:
    late = [{"role": "system", "content": "a"}, USER, {"role": "developer", "content": "b"}]
    made = told(messages=late)
    assert made["system"] == [text("a"), text("b")]
    assert [each["role"] for each in made["messages"]] == ["user"]


MESSAGE = {
    "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-x",
    "content": [{"type": "thinking", "thinking": "t", "signature": "s"}, text("a"), text("b"),
                {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}}],
    "stop_reason": "tool_use", "stop_sequence": None, "usage": fake_messages.USAGE,
}  # fmt: skip
USED = Usage(input_tokens=86, cache_read_tokens=1920, cache_write_tokens=600,
             cache_write_1h_tokens=400, output_tokens=300)  # fmt: skip


def test_an_answer_is_a_chat_completion() -> None:
    answer = SPOKEN.answer(orjson.dumps(MESSAGE), asked())
    assert answer is not None and answer.message is not None
    assert answer.message["content"] == "ab"
    assert answer.message["reasoning_content"] == "t"
    assert answer.message["thinking_blocks"] == MESSAGE["content"][:1]
    assert answer.message["tool_calls"][0]["function"] == {"name": "f", "arguments": "{}"}
    facts = answer.facts
    said = (facts.finish_reason, facts.response_id, facts.served_model, facts.service_tier)
    assert said == ("tool_calls", "msg_1", "claude-x", "default")
    assert facts.usage == USED


@pytest.mark.parametrize(
    ("reason", "finish"),
    [("end_turn", "stop"), ("stop_sequence", "stop"), ("pause_turn", "stop"),
     ("max_tokens", "length"), ("model_context_window_exceeded", "length"),
     ("refusal", "content_filter"), ("invented", "invented")],
)  # fmt: skip
def test_why_it_ended(reason, finish) -> None:
    answer = SPOKEN.answer(orjson.dumps({**MESSAGE, "stop_reason": reason}), asked())
    assert answer is not None and answer.facts.finish_reason == finish


def test_nothing_said_is_an_empty_answer() -> None:
    answer = SPOKEN.answer(orjson.dumps({**MESSAGE, "content": []}), asked())
    assert answer is not None and answer.facts.is_empty


@pytest.mark.parametrize(
    ("begun", "counted", "used"),
    [
        ({"input_tokens": 181, "cache_read_input_tokens": 5000},
         {"input_tokens": 181, "cache_read_input_tokens": 0, "output_tokens": 8, "iterations": [
             {"type": "compaction", "input_tokens": 100, "output_tokens": 83,
              "cache_read_input_tokens": 5000},
             {"type": "message", "input_tokens": 181, "output_tokens": 8}]},
         Usage(input_tokens=281, cache_read_tokens=5000, output_tokens=91)),
        ({"input_tokens": 20},
         {"input_tokens": 20, "output_tokens": 5, "iterations": [
             {"type": "compaction", "input_tokens": 10, "output_tokens": 30,
              "cache_creation_input_tokens": 700,
              "cache_creation": {"ephemeral_1h_input_tokens": 700}},
             {"type": "message", "input_tokens": 20, "output_tokens": 5}]},
         Usage(input_tokens=30, cache_write_1h_tokens=700, output_tokens=35)),
        ({"input_tokens": 2414},
         {"input_tokens": 2414, "output_tokens": 3200, "iterations": [
             {"type": "message", "input_tokens": 1051, "output_tokens": 35},
             {"type": "advisor_message", "model": "c", "input_tokens": 2728, "output_tokens": 874},
             {"type": "message", "input_tokens": 1363, "output_tokens": 3165}]},
         Usage(input_tokens=5142, output_tokens=4074)),
        ({"input_tokens": 12}, {"output_tokens": 4, "iterations": [
            {"type": "message", "input_tokens": 12, "output_tokens": 4}, None, 7]},
         Usage(input_tokens=12, output_tokens=4)),
        ({"input_tokens": 12, "cache_read_input_tokens": 30},
         {"input_tokens": None, "cache_read_input_tokens": None, "output_tokens": 4,
          "iterations": [{"type": "message", "input_tokens": 12, "output_tokens": 4}]},
         Usage(input_tokens=12, cache_read_tokens=30, output_tokens=4)),
        ({"input_tokens": 30}, {"input_tokens": 30, "output_tokens": 35, "iterations": [
            {"type": "compaction", "input_tokens": 10, "output_tokens": 30},
            {"type": "message", "input_tokens": 20, "output_tokens": 5}]},
         Usage(input_tokens=30, output_tokens=35)),
        ({"input_tokens": 12}, {"output_tokens": 4, "iterations": "none"},
         Usage(input_tokens=12, output_tokens=4)),
    ],
)  # fmt: skip
def test_what_is_billed_beside_the_main_counts_is_counted(begun, counted, used) -> None:
    """vercel/ai, anthropic-compaction.1; pydantic-ai, test_anthropic_advisor_tool."""
    told = begun | {name: value for name, value in counted.items() if value is not None}
    whole = SPOKEN.answer(orjson.dumps({**MESSAGE, "usage": told}), asked())
    events = fake_messages.events({"model": "c"})
    events[0]["message"]["usage"], events[-2]["usage"] = begun, counted
    sent = b"".join(map(fake_messages.sent, events))
    native = NativeMessages(ProviderTraits()).scanner(asked(stream=True))
    assert list(native.feed(sent))
    assert whole is not None
    assert whole.facts.usage == scanned(sent, 50)[0].facts().usage == native.facts().usage == used


def scanned(events: bytes, size: int, **chat: Any) -> Any:
    scanner = SPOKEN.scanner(asked(stream=True, **chat))
    parts = [events[i : i + size] for i in range(0, len(events), size)]
    out = b"".join(event for part in parts for event in scanner.feed(part))
    return scanner, out + b"".join(scanner.rest())


@pytest.mark.parametrize("size", [1, 7, 10_000])
@pytest.mark.parametrize("body", [{}, {"tools": [TOOL]}, {"thinking": {"budget_tokens": 1}}])
def test_a_stream_says_what_the_whole_answer_says(size, body) -> None:
    asked_for = {"model": "claude-x", **body}
    events = b"".join(fake_messages.sent(each) for each in fake_messages.events(asked_for))
    scanner, out = scanned(events, size)
    chunks = [json.loads(e[6:]) for e in out.decode().split("\n\n") if e]
    deltas = [choice["delta"] for chunk in chunks for choice in chunk["choices"]]
    whole = SPOKEN.answer(bytes(fake_messages.plain(asked_for).body), asked())
    assert whole is not None and whole.message is not None
    assert "".join(d.get("content") or "" for d in deltas) == (whole.message["content"] or "")
    assert "".join(d.get("reasoning_content") or "" for d in deltas) == whole.message.get(
        "reasoning_content", ""
    )
    blocks = [block for d in deltas for block in d.get("thinking_blocks", ())]
    assert blocks == whole.message.get("thinking_blocks", [])
    calls = [call for d in deltas for call in d.get("tool_calls", ())]
    arguments = "".join(call["function"].get("arguments", "") for call in calls)
    if "tools" in body:
        assert json.loads(arguments) == fake_messages.ARGUMENTS
        assert calls[0]["id"] == fake_messages.CALL_ID
    facts = scanner.facts()
    assert facts.usage == whole.facts.usage == USED
    assert facts.finish_reason == whole.facts.finish_reason
    assert scanner.is_complete and scanner.is_done and scanner.has_answer


def test_a_call_without_arguments_has_an_empty_object_of_them() -> None:
    start = {"type": "tool_use", "id": "1", "name": "f", "input": {}}
    events = [
        {"type": "message_start", "message": {"id": "m", "model": "c", "usage": {}}},
        *fake_messages.block(0, start, []),
        {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {}},
    ]
    _, out = scanned(b"".join(map(fake_messages.sent, events)), 50)
    chunks = [json.loads(e[6:]) for e in out.decode().split("\n\n") if e]
    calls = [
        c for chunk in chunks for x in chunk["choices"] for c in x["delta"].get("tool_calls", ())
    ]
    assert "".join(call["function"].get("arguments", "") for call in calls) == "{}"


def test_an_error_in_a_stream_is_no_end() -> None:
    error = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    begun = fake_messages.events({"model": "c"})[:4]
    scanner, out = scanned(b"".join(map(fake_messages.sent, [*begun, error])), 30)
    assert scanner.error is not None and b"overloaded_error" in scanner.error
    assert not scanner.is_complete and b"[DONE]" not in out


def test_a_stream_that_stops_is_not_complete_and_a_broken_event_is_none() -> None:
    begun = b"".join(map(fake_messages.sent, fake_messages.events({"model": "c"})[:4]))
    scanner, _ = scanned(begun, 30)
    assert not scanner.is_complete
    with pytest.raises(ProviderError, match="broken"):
        list(scanner.feed(b'event: content_block_delta\ndata: {"type": "conte\n\n'))


def test_the_body_is_one_that_anthropics_own_types_describe() -> None:
    known = anthropic.types.message_create_params.MessageCreateParamsBase.__annotations__
    chat = {"tools": [TOOL], "tool_choice": "auto", "stop": "x", "user": "u", "temperature": 0.5,
            "response_format": {"type": "json_schema", "json_schema": {"schema": {}}},
            "messages": [{"role": "system", "content": "s"}, USER]}  # fmt: skip
    assert told(**chat).keys() <= {*known, "stream", "temperature", "top_p", "top_k"}


async def test_marks_of_the_cache_reach_who_speaks_messages_and_nobody_else(tmp_path) -> None:
    """As Claude Code sends them: in the system prompt and in the last turn."""
    mark = {"type": "ephemeral"}
    ask = {
        "model": "anthropic/m", "max_tokens": 9,
        "system": [{**text("rules"), "cache_control": {**mark, "ttl": "1h"}}],
        "messages": [{"role": "user", "content": [{**text("hi"), "cache_control": mark}]}],
    }  # fmt: skip
    async with fake() as it:
        config = "".join(
            f'[providers.{name}]\nbase_url = "{it.base_url(name)}"\napi_key = "k"\n'
            "price = { input = 1, output = 4, cache_read = 0.1, cache_write = 1.25 }\n"
            for name in ("anthropic", "openai")
        )
        config += '[routes.auto]\ncandidates = ["anthropic/m", "openai/m"]\n'
        async with running(config, tmp_path) as service:
            client = anthropic.AsyncAnthropic(base_url=service.url, api_key="k", max_retries=0)
            answer = await client.messages.create(**ask)  # type: ignore[call-overload]
            async with client.messages.stream(**{**ask, "model": "openai/m"}) as stream:
                other = await stream.get_final_message()
            await client.close()
    assert answer.usage.cache_read_input_tokens == 1920
    assert answer.usage.cache_creation_input_tokens == 1000
    assert answer.usage.input_tokens == 86
    assert {name: it.seen["anthropic"][0][name] for name in ("system", "messages")} == {
        name: ask[name] for name in ("system", "messages")
    }
    assert "cache_control" not in json.dumps(it.seen["openai"])
    assert other.content[0].text == "".join(fake_messages.TEXT)
