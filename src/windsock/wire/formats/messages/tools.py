"""The tools of a Messages request as functions."""

from __future__ import annotations

from typing import Any

from windsock.errors import BadRequest
from windsock.wire.dialect import copied, listed, object_in

CHOICES = {"auto": "auto", "any": "required", "none": "none"}
"""Chat's word for a tool_choice."""


def tool_fields(body: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Chat's fields, and what runs at Anthropic only as `tools.` and its type."""
    tools = listed(body["tools"], "tools") if body.get("tools") else []
    ours = [each for each in tools if "input_schema" in each]
    left_out = [
        f"tools.{each.get('type') or each.get('name')}"
        for each in tools
        if "input_schema" not in each
    ]
    choice = object_in(body, "tool_choice")
    if choice.get("type") == "tool" and choice.get("name") in _names(tools) - _names(ours):
        left_out.append(f"tool_choice.{choice['name']}")
        choice = {}
    chosen = _choice(choice) if choice else {}
    return ({"tools": [_tool(each) for each in ours], **chosen} if ours else {}), left_out


def _names(tools: list[dict[str, Any]]) -> set[str]:
    return {str(each.get("name")) for each in tools}


def _tool(tool: dict[str, Any]) -> dict[str, Any]:
    function = {**copied(tool, "name", "description"), "parameters": tool["input_schema"]}
    return {"type": "function", "function": function | copied(tool, "strict")}


def _choice(choice: dict[str, Any]) -> dict[str, Any]:
    kind = choice.get("type")
    if kind == "tool":
        chosen: Any = {"type": "function", "function": {"name": choice.get("name")}}
    elif kind in CHOICES:
        chosen = CHOICES[kind]
    else:
        raise BadRequest(f"tool_choice: {kind!r} is unknown", param="tool_choice")
    is_single = choice.get("disable_parallel_tool_use")
    return {"tool_choice": chosen} | ({"parallel_tool_calls": False} if is_single else {})
