"""No request of a mixed route fails for what one of its members does not take."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import Any

import pytest

from tests.running import running
from tests.service.parameters.strict_upstream import server
from tests.upstream import upstream

ROUTE = ("openai/gpt-5-mini", "openai/gpt-4o", "mistral/mistral-small-latest", "vllm/qwen3.6-27b")
HI = {"role": "user", "content": "hi"}
LATE = [HI, {"role": "system", "content": "be brief"}, HI]
TOOL = {"name": "look", "input_schema": {"type": "object"}}

# fmt: off
CHATS: list[dict[str, Any]] = [
    {"max_tokens": 50},
    {"max_completion_tokens": 50, "temperature": 0},
    {"temperature": 0, "top_p": 0.9, "seed": 7},
    {"metadata": {"task": "extraction", "team": "red"}},
    {"stream": True},
    {"stream": True, "stream_options": {"include_usage": True}, "seed": 1},
    {"user": "user_" + "0" * 180},
    {"messages": LATE},
    {"messages": [{"role": "developer", "content": "be brief"}, HI], "stop": ["END"]},
    {"store": True, "metadata": {"a": "b"}, "logit_bias": {"5": 1}},
    {"presence_penalty": 0.5, "frequency_penalty": 0.5, "reasoning_effort": "low"},
]
# fmt: on


def config(urls: dict[str, str]) -> str:
    """One provider a deployment, each as its preset says."""
    parts, names = [], []
    for number, (deployment, url) in enumerate(urls.items()):
        provider, _, model = deployment.partition("/")
        parts.append(
            f'[providers.p{number}]\npreset = "{provider}"\nbase_url = "{url}"\nspeaks = []\n'
            f'api_key = "sk-none-secret"\nprice = {{ input = 1, output = 1 }}\n'
        )
        names.append(f'"p{number}/{model}"')
    return "".join(parts) + f"[routes.auto]\ncandidates = [{', '.join(names)}]\n"


@pytest.fixture
async def mixed(tmp_path):
    """(service, servers by deployment)."""
    async with AsyncExitStack() as stack:
        servers = {name: await stack.enter_async_context(upstream(server(name))) for name in ROUTE}
        urls = {name: each.url for name, each in servers.items()}
        yield await stack.enter_async_context(running(config(urls), tmp_path)), servers


async def test_every_chat_is_answered_at_the_first_call_wherever_it_goes(mixed) -> None:
    it, servers = mixed
    for asked in CHATS * 8:
        body = {"model": "auto", "messages": [HI], **asked}
        answer = await it.http.post("/v1/chat/completions", json=body)
        assert answer.status_code == 200, answer.text
        assert answer.headers["x-windsock-attempts"] == "1"
    assert all(each.seen for each in servers.values()), "each of the four was asked"


async def test_messages_and_responses_are_too(mixed) -> None:
    it, servers = mixed
    user = "user_" + "a" * 64 + "_account__session_" + "b" * 80
    messages = {"model": "auto", "max_tokens": 32000, "messages": [HI], "system": "be brief",
                "temperature": 0.3, "tools": [TOOL], "tool_choice": {"type": "auto"}}  # fmt: skip
    responses = {"model": "auto", "input": "hi", "max_output_tokens": 100, "store": False,
                 "include": [], "temperature": 0.3, "metadata": {"team": "red"},
                 "reasoning": {"effort": "low"}, "parallel_tool_calls": True}  # fmt: skip
    for number in range(40):
        for path, body in (("/v1/messages", messages), ("/v1/responses", responses)):
            stream = {"stream": True} if number % 2 else {}
            who = {"metadata": {"user_id": f"{user}{number}"}} if body is messages else {}
            answer = await it.http.post(path, json={**body, **stream, **who})
            assert answer.status_code == 200, answer.text
            assert answer.headers["x-windsock-attempts"] == "1"
    assert all(each.seen for each in servers.values())
