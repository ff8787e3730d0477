"""What chats hold seldom, in the words of providers that speak another language."""

from __future__ import annotations

import json
from typing import Any

import pytest

from windsock.wire.formats.anthropic.request import messages_body
from windsock.wire.formats.chat.reading import read_chat
from windsock.wire.formats.gemini.request import content_body

HI = {"role": "user", "content": "hi"}
TOOLS = [{"type": "function", "function": {"name": name}} for name in ("f", "g")]
CUSTOM = {"type": "custom", "custom": {"name": "code"}}


def allowed(mode: str) -> dict[str, Any]:
    one = {"mode": mode, "tools": [{"type": "function", "function": {"name": "g"}}]}
    return {"type": "allowed_tools", "allowed_tools": one}


@pytest.mark.parametrize(("mode", "own", "geminis"), [("auto",) * 2 + ("AUTO",),
                                                      ("required", "any", "ANY")])  # fmt: skip
def test_of_some_allowed_tools_no_others_are_told(mode: str, own: str, geminis: str) -> None:
    chat = {"messages": [HI], "tools": TOOLS, "tool_choice": allowed(mode)}
    told = messages_body(chat, "m")
    assert [each["name"] for each in told["tools"]] == ["g"]
    assert told["tool_choice"] == {"type": own}
    told = content_body(chat)
    assert told["tools"] == [{"functionDeclarations": [{"name": "g"}]}]
    assert told["toolConfig"] == {"functionCallingConfig": {"mode": geminis}}


def test_where_no_tool_is_allowed_none_is_told() -> None:
    chat = {"messages": [HI], "tools": TOOLS[:1], "tool_choice": allowed("required")}
    assert {"tools", "tool_choice"}.isdisjoint(messages_body(chat, "m"))
    assert {"tools", "toolConfig"}.isdisjoint(content_body(chat))


@pytest.mark.parametrize("entry", [{"type": "function", "name": "g"}, "g", None, {"function": []}])
def test_an_allowed_tool_is_named_beside_its_type_or_not_at_all(entry: Any) -> None:
    choice = allowed("auto")
    choice["allowed_tools"]["tools"] = [entry]
    told = messages_body({"messages": [HI], "tools": TOOLS, "tool_choice": choice}, "m")
    names = [each["name"] for each in told.get("tools", ())]
    assert names == (["g"] if isinstance(entry, dict) and "name" in entry else [])


def test_instructions_alone_are_told_as_what_is_asked() -> None:
    chat = {"messages": [{"role": "system", "content": "say hi"}]}
    told = messages_body(chat, "m")
    assert told["messages"] == [{"role": "user", "content": [{"type": "text", "text": "say hi"}]}]
    assert "system" not in told
    assert content_body(chat) == {"contents": [{"role": "user", "parts": [{"text": "say hi"}]}]}


@pytest.mark.parametrize(
    "refusal", [{"content": None, "refusal": "no"},
                {"content": [{"type": "refusal", "refusal": "no"}]}]
)  # fmt: skip
def test_a_refusal_of_an_earlier_turn_is_told_as_its_words(refusal: dict[str, Any]) -> None:
    chat = {"messages": [HI, {"role": "assistant", **refusal}, HI]}
    assert messages_body(chat, "m")["messages"][1]["content"] == [{"type": "text", "text": "no"}]
    assert content_body(chat)["contents"][1] == {"role": "model", "parts": [{"text": "no"}]}


CALL = {"name": "f", "arguments": "{}"}


def named(parameter: str) -> dict[str, Any]:
    schema = {"type": "object", "properties": {parameter: {"type": "string"}}}
    return {"type": "function", "function": {"name": "f", "parameters": schema}}


@pytest.mark.parametrize(
    ("body", "needs"),
    [
        ({"functions": [{"name": "f"}]}, {"tools", "functions"}),
        ({"functions": []}, set()),
        ({"functions": None, "function_call": None}, set()),
        ({"messages": [HI, {"role": "assistant", "function_call": CALL}]}, {"tools", "functions"}),
        ({"messages": [HI, {"role": "assistant", "content": "x", "function_call": None}]}, set()),
        ({"messages": [{**HI, "content": '"function_call": {'}]}, set()),
        ({"tools": [CUSTOM]}, {"tools", "custom_tools"}),
        ({"messages": [HI, {"role": "assistant", "tool_calls": [CUSTOM]}]}, {"custom_tools"}),
        ({"tools": [named("custom")]}, {"tools"}),
        (
            {
                "messages": [
                    {"role": "user", "content": [{"type": "text", "text": "x"}], "custom": {}}
                ]
            },
            set(),
        ),
        ({"tools": TOOLS}, {"tools"}),
        ({"modalities": ["text", "audio"], "audio": {"voice": "alloy"}}, {"audio"}),
        ({"modalities": ["text"]}, set()),
        ({"modalities": None}, set()),
    ],
)
def test_what_only_chats_have_words_for_is_needed(body: dict[str, Any], needs: set[str]) -> None:
    raw = json.dumps({"model": "m", "messages": [HI], **body}).encode()
    assert read_chat(raw, namespace="n").request.needs == needs
