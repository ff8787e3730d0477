"""What coding agents send, recorded of the real programs (Codex 0.171, Claude Code 2.1.197, Gemini
CLI 0.61, opencode 1.18, Qwen Code 0.15, Cline 3.0.65).

Each is the second request of a session in which the first was answered with reasoning and two mixed
parallel calls. Long texts are cut; `python -m tests.parity.record` makes more.
"""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.running import config_of, running
from tests.upstream import Answer, completion, stream_of, upstream

HERE = Path(__file__).parent / "agents"
CHAT = "/v1/chat/completions"
PATHS = {"codex": "/v1/responses", "claude_code": "/v1/messages", "opencode": CHAT,
         "qwen_code": CHAT, "cline": CHAT}  # fmt: skip
GEMINI = "/v1beta/models/auto:"


def reply(body: dict[str, Any]) -> Answer:
    return Answer(events=stream_of(["done"])) if body.get("stream") else Answer(completion("done"))


@pytest.mark.parametrize("is_stream", [False, True])
@pytest.mark.parametrize("agent", PATHS)
async def test_an_agent_goes_on_with_its_session(tmp_path, agent, is_stream) -> None:
    asked = json.loads((HERE / f"{agent}.json").read_text()) | {"stream": is_stream}
    async with upstream(reply) as acme:
        async with running(config_of(("acme", acme.url, 1.0)), tmp_path) as it:
            answer = await it.http.post(PATHS[agent], json=asked)
    assert answer.status_code == 200 and "done" in answer.text
    (seen,) = acme.seen
    called, *results = seen["messages"][-3:]
    assert called["reasoning_content"] == "let me see"
    ids = [each["id"] for each in called["tool_calls"]]
    assert ids == [each["tool_call_id"] for each in results] == ["call_0", "call_1"]
    names = [each["function"]["name"] for each in seen["tools"]]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", each) for each in names)
    if PATHS[agent] == CHAT:
        known = {"model", "stream", "stream_options"}
        assert {k: seen[k] for k in seen.keys() - known} == {
            k: asked[k] for k in asked.keys() - known
        }
    if agent == "codex":
        assert answer.headers["x-windsock-adapted"] == "tools.web_search"
        assert "multi_agent_v1__spawn_agent" in names


@pytest.mark.parametrize("call", ["generateContent", "streamGenerateContent?alt=sse"])
async def test_gemini_cli_goes_on_with_its_session(tmp_path, call) -> None:
    """It drops what was thought, and sends back the signature in which that was sealed."""
    asked = json.loads((HERE / "gemini_cli.json").read_text())
    async with upstream(reply) as acme:
        async with running(config_of(("acme", acme.url, 1.0)), tmp_path) as it:
            answer = await it.http.post(GEMINI + call, json=asked)
    assert answer.status_code == 200 and "done" in answer.text
    assert "x-windsock-adapted" not in answer.headers
    (seen,) = acme.seen
    called, *results = seen["messages"][-3:]
    assert called["thinking_blocks"] == [
        {"type": "thinking", "thinking": "let me see", "signature": "c2ln"}
    ]
    ids = [each["id"] for each in called["tool_calls"]]
    assert ids == [each["tool_call_id"] for each in results] == ["call_0", "call_1"]
    assert (len(seen["tools"]), seen["reasoning_effort"], seen["top_k"]) == (15, "high", 64)
    assert all(each["function"]["parameters"]["type"] == "object" for each in seen["tools"])
