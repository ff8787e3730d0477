"""Answers that chat tells side by side, told piece by piece to the real SDKs."""

import json
from typing import Any

import pytest
from anthropic import AsyncAnthropic
from openai import AsyncOpenAI

from tests.running import config_of, running
from tests.upstream import Answer, chunk, completion, event, upstream

PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}}
ASK: dict[str, Any] = {"model": "auto", "max_tokens": 50,
                       "messages": [{"role": "user", "content": "hi"}],
                       "tools": [{"name": "look", "input_schema": PARAMETERS}]}  # fmt: skip
ASK_GPT: dict[str, Any] = {"model": "auto", "input": "hi", "tools": [
    {"type": "function", "name": "look", "parameters": PARAMETERS, "strict": False}]}  # fmt: skip
END = [event({**chunk({}), "choices": [], "usage": {"prompt_tokens": 12, "completion_tokens": 3}}),
       b"data: [DONE]\n\n"]  # fmt: skip


def part(index: int | None, arguments: str, call_id: str | None = None) -> dict[str, Any]:
    function = {"arguments": arguments, **({"name": "look"} if call_id else {})}
    numbered = {} if index is None else {"index": index}
    named = {"id": call_id, "type": "function"} if call_id else {}
    return {"tool_calls": [{**numbered, **named, "function": function}]}


def calls(*cities: str) -> list[tuple[str, dict[str, str]]]:
    return [(f"call_{number}", {"city": city}) for number, city in enumerate(cities)]


BERN, GENF = '{"city": "Bern"}', '{"city": "Genf"}'
BOTH = calls("Bern", "Genf")
MIXED = {
    "interleaved": [part(0, "", "call_0"), part(1, "", "call_1"), part(0, '{"city": '),
                    part(1, '{"city": '), part(0, '"Bern"}'), part(1, '"Genf"}')],
    "in one chunk": [{"tool_calls": [*part(0, BERN[:5], "call_0")["tool_calls"],
                                     *part(1, GENF[:9], "call_1")["tool_calls"]]},
                     part(1, GENF[9:]), part(0, BERN[5:])],
    "one after another": [part(0, BERN, "call_0"), part(1, GENF[:3], "call_1"), part(1, GENF[3:])],
    "always index 0": [part(0, BERN, "call_0"), part(0, GENF, "call_1")],
    "no index": [part(None, BERN[:5], "call_0"), part(None, BERN[5:]), part(None, GENF, "call_1")],
    "text between": [part(0, BERN[:5], "call_0"), {"content": "both"}, part(1, GENF, "call_1"),
                     part(0, BERN[5:])],
    "the later one first": [part(1, GENF[:4], "call_1"), part(0, BERN, "call_0"),
                            part(1, GENF[4:])],
}  # fmt: skip


def streamed(deltas: list[dict[str, Any]], finish: str = "tool_calls") -> Answer:
    return Answer(events=[*[event(chunk(each)) for each in deltas],
                          event(chunk({}, finish)), *END])  # fmt: skip


def message(**said: Any) -> Answer:
    finish = "tool_calls" if said.get("tool_calls") else "stop"
    told = {"role": "assistant", "content": None, **said}
    return Answer(completion(choices=[{"index": 0, "message": told, "finish_reason": finish}]))


async def claude_gets(tmp_path, reply: Answer, **more: Any) -> tuple[Any, list[Any]]:
    """The SDK's final message and every event of its stream, each block closed before the next."""
    async with upstream(lambda _: reply) as acme:
        async with running(config_of(("acme", acme.url, 1.0)), tmp_path) as it:
            client = AsyncAnthropic(base_url=it.url, api_key="none", max_retries=0)
            if reply.events is None:
                async with client:
                    return await client.messages.create(**{**ASK, **more}), []
            async with client, client.messages.stream(**{**ASK, **more}) as stream:
                events = [each async for each in stream]
                return await stream.get_final_message(), events


async def gpt_gets(tmp_path, reply: Answer, **more: Any) -> tuple[Any, list[Any]]:
    async with upstream(lambda _: reply) as acme:
        async with running(config_of(("acme", acme.url, 1.0)), tmp_path) as it:
            client = AsyncOpenAI(base_url=it.url + "/v1", api_key="none", max_retries=0)
            if reply.events is None:
                async with client:
                    return await client.responses.create(**{**ASK_GPT, **more}), []
            async with client, client.responses.stream(**{**ASK_GPT, **more}) as stream:
                events = [each async for each in stream]
                return await stream.get_final_response(), events


def is_one_after_another(events: list[Any], begun: str, done: str) -> bool:
    kinds = [each.type for each in events if each.type in (begun, done)]
    return kinds == [begun, done] * (len(kinds) // 2)


@pytest.mark.parametrize("case", MIXED)
async def test_parallel_calls_of_a_streamed_message_come_whole(tmp_path, case) -> None:
    got, events = await claude_gets(tmp_path, streamed(MIXED[case]))
    used = [(each.id, each.input) for each in got.content if each.type == "tool_use"]
    assert sorted(used, key=lambda each: each[0]) == BOTH
    assert got.stop_reason == "tool_use"
    assert is_one_after_another(events, "content_block_start", "content_block_stop")
    starts = [each.index for each in events if each.type == "content_block_start"]
    assert starts == list(range(len(got.content)))


@pytest.mark.parametrize("case", MIXED)
async def test_parallel_calls_of_a_streamed_response_come_whole(tmp_path, case) -> None:
    got, events = await gpt_gets(tmp_path, streamed(MIXED[case]))
    found = [each for each in got.output if each.type == "function_call"]
    called = [(each.call_id, json.loads(each.arguments)) for each in found]
    assert sorted(called, key=lambda each: each[0]) == BOTH
    assert len({each.id for each in got.output}) == len(got.output)
    assert is_one_after_another(events, "response.output_item.added", "response.output_item.done")


@pytest.mark.parametrize("is_stream", [False, True])
async def test_a_refusal_stays_one(tmp_path, is_stream) -> None:
    reply = message(refusal="I will not.")
    if is_stream:
        reply = streamed([{"refusal": "I will"}, {"refusal": " not."}], "stop")
    said, _ = await claude_gets(tmp_path, reply)
    assert (said.stop_reason, said.content[0].text) == ("refusal", "I will not.")
    got, events = await gpt_gets(tmp_path, reply)
    (item,) = got.output
    assert (item.content[0].type, item.content[0].refusal) == ("refusal", "I will not.")
    assert got.output_text == ""
    assert not [each for each in events if "output_text" in each.type]


@pytest.mark.parametrize("name", ["reasoning_content", "reasoning"])
@pytest.mark.parametrize("is_stream", [False, True])
async def test_reasoning_goes_before_the_answer(tmp_path, is_stream, name) -> None:
    reply = message(content="18", **{name: "so be it"})
    if is_stream:
        reply = streamed([{name: "so "}, {name: "be it"}, {"content": "18"}], "stop")
    said, _ = await claude_gets(tmp_path, reply)
    thought, text = said.content
    assert (thought.type, thought.thinking, text.text) == ("thinking", "so be it", "18")
    got, events = await gpt_gets(tmp_path, reply)
    thought, text = got.output
    assert (thought.type, thought.summary) == ("reasoning", [])
    assert (thought.content[0].type, thought.content[0].text) == ("reasoning_text", "so be it")
    assert got.output_text == "18"
    if is_stream:
        deltas = [each.delta for each in events if each.type == "response.reasoning_text.delta"]
        assert deltas == ["so ", "be it"]


@pytest.mark.parametrize("is_stream", [False, True])
async def test_a_summary_of_reasoning_is_told_where_it_is_asked_for_and_read_again(
    tmp_path, is_stream
) -> None:
    """Clients that ask for one (AI SDK, Codex) look nowhere else for what was thought."""
    reply = message(content="18", reasoning_content="so be it")
    if is_stream:
        reply = streamed([{"reasoning": "so "}, {"reasoning": "be it"}, {"content": "18"}], "stop")
    got, events = await gpt_gets(tmp_path, reply, reasoning={"summary": "auto"})
    thought, text = got.output
    assert ([each.text for each in thought.summary], thought.content) == (["so be it"], [])
    assert text.content[0].text == "18"
    kinds = [each.type.removeprefix("response.reasoning_") for each in events if
             "reasoning" in each.type]  # fmt: skip
    if is_stream:
        assert kinds == ["summary_part.added", "summary_text.delta", "summary_text.delta",
                         "summary_text.done", "summary_part.done"]  # fmt: skip
        assert all(each.summary_index == 0 for each in events if "summary" in each.type)
    async with upstream(lambda _: message(content="9")) as acme:
        async with running(config_of(("acme", acme.url, 1.0)), tmp_path) as it:
            asked = [ASK_GPT["input"], thought.model_dump(), text.model_dump()]
            turns = [{"role": "user", "content": asked[0]}, *asked[1:],
                     {"role": "user", "content": "and then?"}]  # fmt: skip
            await it.http.post("/v1/responses", json={**ASK_GPT, "input": turns})
    assert acme.seen[0]["messages"][1]["reasoning_content"] == "so be it"


SIGNED = {"type": "thinking", "thinking": "so be it", "signature": "c2ln"}
SEALED = {"type": "redacted_thinking", "data": "eA=="}


@pytest.mark.parametrize("is_stream", [False, True])
async def test_a_signature_comes_with_its_thought_and_goes_back(tmp_path, is_stream) -> None:
    reply = message(content="18", reasoning_content="so be it", thinking_blocks=[SIGNED, SEALED])
    if is_stream:
        reply = streamed([{"reasoning_content": "so "}, {"reasoning_content": "be it"},
                          {"thinking_blocks": [SIGNED]}, {"thinking_blocks": [SEALED]},
                          {"content": "18"}], "stop")  # fmt: skip
    said, _ = await claude_gets(tmp_path, reply)
    dumped = [each.model_dump(exclude_none=True) for each in said.content[:2]]
    assert dumped == [SIGNED, SEALED]
    got, _ = await gpt_gets(tmp_path, reply)
    assert [each.type for each in got.output] == ["reasoning", "reasoning", "message"]
    go_on = {"role": "user", "content": "go on"}
    turns = [
        ASK["messages"][0],
        {"role": "assistant", "content": [each.model_dump() for each in said.content]},
        go_on,
    ]
    items = [{"role": "user", "content": "hi"},
             *[each.model_dump(exclude_none=True) for each in got.output], go_on]  # fmt: skip
    thinking = {"type": "enabled", "budget_tokens": 1024}
    async with upstream(lambda _: message(content="yes")) as acme:
        async with running(config_of(("acme", acme.url, 1.0)), tmp_path) as it:
            await it.http.post(
                "/v1/messages", json={**ASK, "messages": turns, "thinking": thinking}
            )
            await it.http.post("/v1/responses", json={**ASK_GPT, "input": items})
    by_claude, by_gpt = acme.seen
    assert by_claude["thinking"] == thinking
    for seen in (by_claude, by_gpt):
        _, turn, _ = seen["messages"]
        assert (turn["content"], turn["reasoning_content"]) == ("18", "so be it")
        assert [each["type"] for each in turn["thinking_blocks"]] == [
            "thinking", "redacted_thinking"]  # fmt: skip
        assert turn["thinking_blocks"][0]["signature"] == "c2ln"
