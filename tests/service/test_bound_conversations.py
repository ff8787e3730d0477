"""A conversation begun at one provider goes on at any other, and leaves its own only if it must.

The servers refuse as the providers do (`parameters/strictness.toml`); the cases are public reports.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.running import Running, running
from tests.service.parameters.strict_upstream import server
from tests.upstream import Answer, completion, upstream

Turns = list[dict[str, Any]]

ASK = {"role": "user", "content": "what is the weather"}


def called(*ids: str, **facts: Any) -> Turns:
    """Calls of tools with these ids, and their results."""
    calls = [
        {"id": each, "type": "function", "function": {"name": "look", "arguments": "{}"}}
        for each in ids
    ]
    turn = {"role": "assistant", "content": None, "tool_calls": calls, **facts}
    return [ASK, turn, *({"role": "tool", "tool_call_id": e, "content": e} for e in ids)]


def of_google(signature: str) -> Turns:
    turns = called("function-call-1")
    turns[1]["tool_calls"][0]["extra_content"] = {"google": {"thought_signature": signature}}
    return turns


THOUGHT = {"type": "thinking", "thinking": "hm", "signature": "EqQB"}
BEGUN = [ASK, {"role": "assistant", "content": "It is"}]
CODEX = "call_Q1JuaH3v7ZNL4Gk8y0BJ5N9I|fc_0f0d91e0a300c49b016a990224e6ec87d1"

# fmt: off
CASES: list[tuple[str, str, Turns]] = [
    ("opencode#1680", "mistral/mistral-small-latest", called("call_PTLP8xhu3uwZk4l3nlnrrJha")),
    ("ironclaw#1241", "mistral/mistral-small-latest", called("turn1_0", "turn1_1")),
    ("eca#209", "mistral/mistral-small-latest", called("toolu_019fKLkGVcnhrPDYqErj5DiA")),
    ("langchain#37756", "anthropic-compatible/claude-opus-4-7", called("functions.write_todos:0")),
    ("pi#9048", "anthropic-compatible/claude-opus-4-7", called(CODEX)),
    ("vercel/ai#8132", "openai/gpt-4o", called("ws_" + "689e2d48" * 6)),
    ("openclaw#875", "openai/gpt-5-mini", called(CODEX)),
    ("jan#8136", "groq/llama-3.3-70b-versatile", called("call_1", reasoning_content="hm")),
    ("kilocode#10375", "cerebras/gpt-oss-120b", called("call_1", reasoning_content="hm")),
    ("koog#1148", "google/gemini-3-pro-preview", called("call_1")),
    ("pi#9048, signature", "openai/gpt-4o",
     [ASK, {"role": "assistant", "content": [THOUGHT, {"type": "text", "text": "rain"}]}, ASK]),
    ("GitNexus#43", "deepseek/deepseek-reasoner", called("call_1")),
    ("zot#84", "deepseek/deepseek-reasoner", of_google("CkQB")),
    ("copilot-api#261", "anthropic-compatible/claude-opus-4-7", BEGUN),
    ("smolagents#757", "mistral/mistral-small-latest", BEGUN),
    ("vllm#41114", "vllm/qwen3.6-27b", [ASK, {"role": "system", "content": "be brief"}, ASK]),
]
# fmt: on


def provider(deployment: str, url: str, usd: float = 1.0) -> str:
    name = deployment.partition("/")[0]
    return (
        f'[providers.{name}]\nbase_url = "{url}"\napi_key = "sk-none-secret"\n'
        f"price = {{ input = {usd}, output = {usd} }}\n"
    )


def route(*deployments: str) -> str:
    names = ", ".join(f'"{each}"' for each in deployments)
    return f"[routes.auto]\ncandidates = [{names}]\n"


@pytest.mark.parametrize(("case", "deployment", "turns"), CASES, ids=[case[0] for case in CASES])
async def test_a_conversation_of_another_provider_goes_on_here(
    tmp_path, case, deployment, turns
) -> None:
    async with upstream(server(deployment)) as there:
        config = provider(deployment, there.url) + route(deployment)
        async with running(config, tmp_path) as it:
            answer = await it.http.post(
                "/v1/chat/completions", json={"model": "auto", "messages": turns}
            )
    assert answer.status_code == 200, answer.text
    (sent,) = there.seen
    assert answer.headers["x-windsock-adapted"].startswith("messages.")
    calls = [call["id"] for turn in sent["messages"] for call in turn.get("tool_calls") or ()]
    results = [turn["tool_call_id"] for turn in sent["messages"] if turn["role"] == "tool"]
    assert calls == results, "a call and its result keep one id"
    assert len({*calls}) == len(calls)


async def test_ids_are_the_same_in_every_later_turn(tmp_path) -> None:
    deployment = "mistral/mistral-small-latest"
    turns = called("toolu_1", "toolu_2")
    async with upstream(server(deployment)) as there:
        async with running(provider(deployment, there.url) + route(deployment), tmp_path) as it:
            for asked in (turns, [*turns, {"role": "assistant", "content": "rain"}, ASK]):
                await it.http.post(
                    "/v1/chat/completions", json={"model": "auto", "messages": asked}
                )
    first, second = ([t.get("tool_calls") for t in seen["messages"]][1] for seen in there.seen)
    assert first == second


async def test_what_messages_carry_goes_on_elsewhere(tmp_path) -> None:
    """Claude Code's history, with thinking and its ids, at Mistral."""
    deployment = "mistral/mistral-small-latest"
    use = {"type": "tool_use", "id": "toolu_01A09q90qw90lq917835lq9", "name": "look", "input": {}}
    result = {"type": "tool_result", "tool_use_id": use["id"], "content": "rain"}
    asked = {
        "model": "auto", "max_tokens": 100,
        "messages": [ASK, {"role": "assistant", "content": [
            THOUGHT, {"type": "redacted_thinking", "data": "Em"},
            {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {}},
            {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": []}, use]},
            {"role": "user", "content": [result]}],
    }  # fmt: skip
    async with upstream(server(deployment)) as there:
        async with running(provider(deployment, there.url) + route(deployment), tmp_path) as it:
            answer = await it.http.post("/v1/messages", json=asked)
    assert answer.status_code == 200, answer.text
    assert answer.headers["x-windsock-adapted"] == (
        "messages.reasoning_content, messages.thinking_blocks, messages.tool_call_id, "
        "messages.server_tool_use, messages.web_search_tool_result"
    )


async def test_what_responses_carry_goes_on_elsewhere(tmp_path) -> None:
    """Encrypted reasoning, and a call that names its item and itself, at Mistral."""
    deployment = "mistral/mistral-small-latest"
    items = [
        {"role": "user", "content": "what is the weather"},
        {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAA"},
        {"type": "web_search_call", "id": "ws_1", "status": "completed"},
        {"type": "function_call", "id": "fc_1", "call_id": "call_abc123def456", "name": "look",
         "arguments": "{}"},
        {"type": "function_call_output", "call_id": "call_abc123def456", "output": "rain"},
    ]  # fmt: skip
    async with upstream(server(deployment)) as there:
        async with running(provider(deployment, there.url) + route(deployment), tmp_path) as it:
            answer = await it.http.post("/v1/responses", json={"model": "auto", "input": items})
    assert answer.status_code == 200, answer.text
    assert answer.headers["x-windsock-adapted"] == (
        "messages.tool_call_id, input.reasoning, input.web_search_call"
    )


async def asked(it: Running, turns: Turns, **facts: Any) -> str:
    """Who answered."""
    body = {"model": "auto", "messages": turns, **facts}
    answer = await it.http.post("/v1/chat/completions", json=body)
    assert answer.status_code == 200, answer.text
    return answer.headers["x-windsock-deployment"]


def reply(_: dict[str, Any]) -> Answer:
    return Answer(completion("rain"))


DEEP, CHEAP = "deepseek/deepseek-chat", "openai/gpt-4o"


async def test_reasoning_goes_to_who_understands_it_though_others_are_cheaper(tmp_path) -> None:
    async with upstream(reply) as deep, upstream(reply) as cheap:
        config = provider(DEEP, deep.url, 9.0) + provider(CHEAP, cheap.url, 0.01)
        async with running(config + route(DEEP, CHEAP), tmp_path) as it:
            bound = [await asked(it, called("call_1", reasoning_content="hm")) for _ in range(8)]
            free = [await asked(it, called("call_1")) for _ in range(30)]
            deep.reply = lambda _: Answer({"error": {"message": "down"}}, status=503)
            elsewhere = [await asked(it, called("c1", reasoning_content="hm")) for _ in range(8)]
    assert {*bound} == {DEEP}
    assert CHEAP in free
    assert {*elsewhere} == {CHEAP}, "once its place is ill it goes on elsewhere"
    assert all("reasoning_content" not in turn for turn in cheap.seen[-1]["messages"])


async def test_a_session_with_state_stays_where_it_was_answered(tmp_path) -> None:
    """Of two that understand the same marks it is the one that made them."""
    others = ("moonshot/kimi-k2-thinking", "deepseek/deepseek-reasoner")
    async with upstream(reply) as kimi, upstream(reply) as deep:
        urls = dict(zip(others, (kimi.url, deep.url), strict=True))
        config = "".join(provider(name, url) for name, url in urls.items())
        async with running(config + route(*others), tmp_path) as it:
            for session in map(str, range(6)):
                home = await asked(it, [ASK], session_id=session)
                turns = called("call_1", reasoning_content="hm")
                places = [await asked(it, turns, session_id=session) for _ in range(4)]
                assert {*places} == {home}


async def test_the_callers_own_order_goes_before_it(tmp_path) -> None:
    async with upstream(reply) as deep, upstream(reply) as cheap:
        config = provider(DEEP, deep.url) + provider(CHEAP, cheap.url)
        async with running(config + route(DEEP, CHEAP), tmp_path) as it:
            turns = called("call_1", reasoning_content="hm")
            assert await asked(it, turns, provider={"order": [CHEAP]}) == CHEAP
