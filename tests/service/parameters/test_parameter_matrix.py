"""Every parameter at every provider: the request succeeds, and what was adapted is named.

`matrix.txt` is the table: a row a parameter, a column a deployment. `=` sent as it came; `-` left
out; `>name` renamed; `~` sent with another value; `x` the deployment is not asked, with the reason.
All but `=` and `x` are named in `x-windsock-adapted`. The servers are `strict_upstream.server`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.providers.fake import fake
from tests.running import running
from tests.service.parameters.strict_upstream import STRICTNESS, server
from tests.upstream import upstream

TABLE = Path(__file__).parent / "matrix.txt"
TOOL = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}
USER = {"role": "user", "content": "hello"}


def called(call_id: str, **facts: Any) -> list[dict[str, Any]]:
    """A conversation in which a tool was called."""
    function = {"name": "look", "arguments": "{}"}
    call = {"id": call_id, "type": "function", "function": function}
    return [
        USER,
        {"role": "assistant", "content": None, "tool_calls": [call], **facts},
        {"role": "tool", "tool_call_id": call_id, "content": "seen"},
    ]


def form(kind: str) -> dict[str, Any]:
    schema = {"name": "a", "schema": {"type": "object"}}
    return {"type": kind} | ({"json_schema": schema} if kind == "json_schema" else {})


# fmt: off
ASKED: dict[str, dict[str, Any]] = {
    "max_tokens": {"max_tokens": 50},
    "max_completion_tokens": {"max_completion_tokens": 50},
    "temperature 0": {"temperature": 0},
    "temperature 2": {"temperature": 2},
    "top_p": {"top_p": 0.5},
    "top_k": {"top_k": 5},
    "stop, 6 of them": {"stop": ["a", "b", "c", "d", "e", "f"]},
    "seed": {"seed": 1},
    "user, 200 letters": {"user": "u" * 200},
    "metadata": {"metadata": {"task": "x", "team": "red"}},
    "store": {"store": False},
    "stream_options": {"stream": True, "stream_options": {"include_usage": True}},
    "stream alone": {"stream": True},
    "logit_bias": {"logit_bias": {"5": 1}},
    "logprobs": {"logprobs": True},
    "logprobs off": {"logprobs": False},
    "n 2": {"n": 2},
    "n 1": {"n": 1},
    "presence_penalty": {"presence_penalty": -1},
    "frequency_penalty": {"frequency_penalty": 0.5},
    "tools": {"tools": [TOOL]},
    "parallel_tool_calls": {"tools": [TOOL], "parallel_tool_calls": False},
    "parallel without tools": {"parallel_tool_calls": False},
    "tool_choice": {"tools": [TOOL], "tool_choice": "required"},
    "json_schema": {"response_format": form("json_schema")},
    "json_object": {"response_format": form("json_object")},
    "reasoning_effort": {"reasoning_effort": "low"},
    "verbosity": {"verbosity": "low"},
    "service_tier": {"service_tier": "flex"},
    "prompt_cache_key": {"prompt_cache_key": "k" * 70},
    "safety_identifier": {"safety_identifier": "s"},
    "system turn, late": {"messages": [USER, {"role": "system", "content": "be brief"}]},
    "developer": {"messages": [{"role": "developer", "content": "be brief"}, USER]},
    "name of a turn": {"messages": [{**USER, "name": "ann"}]},
    "two user turns": {"messages": [USER, USER]},
    "prefill": {"messages": [USER, {"role": "assistant", "content": "I am"}]},
    "tool id toolu_": {"messages": called("toolu_01A09q90qw90lq917835lq9")},
    "tool id, 51 letters": {"messages": called("ws_" + "689e2d48" * 6)},
    "tool id functions.": {"messages": called("functions.look:0")},
    "reasoning_content": {"messages": called("abcdefghi", reasoning_content="hm")},
}
# fmt: on


def expected() -> dict[str, dict[str, str]]:
    """Cells of the table by row and column."""
    head, _, *rows = TABLE.read_text(encoding="utf-8").splitlines()
    columns = [cell.strip() for cell in head.split("|")[1:]]
    return {
        name.strip(): dict(zip(columns, map(str.strip, cells), strict=True))
        for name, *cells in (each.split("|") for each in rows)
    }


def cell(asked: dict[str, Any], sent: list[dict[str, Any]], answer: Any) -> str:
    """What became of the field that a row is about, which is the last one asked."""
    assert answer.status_code == (200 if sent else 422), answer.text
    if not sent:
        return "x"
    name = next(reversed(asked))
    adapted = (answer.headers.get("x-windsock-adapted") or "").split(", ")
    (body,) = sent
    if name == "metadata":
        asked = {"metadata": {"team": "red"}}
    if body.get(name) == asked[name]:
        assert adapted == [""], adapted
        return "="
    if name == "messages":
        return "~ " + " ".join(each.removeprefix("messages.") for each in adapted)
    assert name in adapted
    new = [each for each in body if each not in ("model", "messages", "stream", *asked)]
    return "~" if name in body else f">{new[0]}" if new and new[0] != "stream_options" else "-"


CHAT = {"anthropic": "anthropic-compatible"}
"""Who takes chat completions under another name."""


async def row(deployment: str, tmp_path: Path) -> dict[str, str]:
    """The cells of one column."""
    provider = deployment.partition("/")[0]
    found = {}
    async with upstream(server(deployment)) as acme:
        config = (
            f'[providers.{provider}]\nbase_url = "{acme.url}"\napi_key = "sk-none-secret"\n'
            f'preset = "{CHAT.get(provider, provider)}"\n'
            f'price = {{ input = 1, output = 1 }}\n[routes.auto]\ncandidates = ["{deployment}"]\n'
        )
        async with running(config, tmp_path) as it:
            for name, asked in ASKED.items():
                acme.seen.clear()
                body = {"model": "auto", "messages": [USER], **asked}
                answer = await it.http.post("/v1/chat/completions", json=body)
                found[name] = cell(asked, acme.seen, answer)
    return found


@pytest.mark.parametrize("deployment", STRICTNESS)
async def test_every_parameter_reaches_a_deployment_as_it_takes_it(deployment, tmp_path) -> None:
    found = await row(deployment, tmp_path)
    assert found == {name: cells[deployment] for name, cells in expected().items()}


async def test_a_request_that_is_told_anew_takes_every_parameter(tmp_path) -> None:
    """Anthropic's own language has few of them: what has no counterpart is no fault."""
    async with fake() as there:
        config = (
            f'[providers.anthropic]\nbase_url = "{there.base_url("anthropic")}"\n'
            'api_key = "k"\nprice = { input = 1, output = 1 }\n'
            '[routes.auto]\ncandidates = ["anthropic/claude-opus-4-7"]\n'
        )
        async with running(config, tmp_path) as it:
            refused = set()
            for name, asked in ASKED.items():
                body = {"model": "auto", "messages": [USER], **asked}
                answer = await it.http.post("/v1/chat/completions", json=body)
                if answer.status_code != 200:
                    assert "does not take" in answer.json()["error"]["message"], name
                    refused.add(name)
    assert refused == {"n 2", "logprobs", "json_object"}


def test_the_table_is_as_large_as_it_says() -> None:
    table = expected()
    assert list(table) == list(ASKED)
    assert len(table) >= 20
    assert len({name.partition("/")[0] for name in STRICTNESS}) >= 12
    assert all(rules["source"] for rules in STRICTNESS.values())
