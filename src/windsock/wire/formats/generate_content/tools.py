"""The tools of a Gemini request as functions."""

from __future__ import annotations

from typing import Any

from windsock.errors import BadRequest
from windsock.wire.dialect import copied
from windsock.wire.formats.generate_content.fields import (
    field,
    list_field,
    names_in,
    object_field,
)
from windsock.wire.formats.generate_content.schema import json_schema

CHOICES = {"AUTO": "auto", "ANY": "required", "NONE": "none", "VALIDATED": "auto",
           "MODE_UNSPECIFIED": "auto"}  # fmt: skip
"""Chat's word for a mode of calling functions; VALIDATED is AUTO with calls that keep to form."""


def tool_fields(body: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Chat's fields, and what runs at Google only as `tools.` and its name."""
    stated = list_field(body, "tools")
    left_out = [
        f"tools.{name}" for each in stated for name in names_in(each, {"functionDeclarations": 0})
    ]
    asked = [each for tool in stated for each in list_field(tool, "functionDeclarations")]
    config = object_field(object_field(body, "toolConfig"), "functionCallingConfig")
    allowed = field(config, "allowedFunctionNames") or []
    if not isinstance(allowed, list):
        raise BadRequest("allowedFunctionNames must be a list of names", param="toolConfig")
    kept = [each for each in asked if not allowed or each.get("name") in allowed]
    if not kept:
        return {}, left_out
    return {"tools": [_tool(each) for each in kept], **_choice(config, allowed)}, left_out


def _tool(declared: dict[str, Any]) -> dict[str, Any]:
    stated = field(declared, "parametersJsonSchema") or field(declared, "parameters")
    schema = json_schema(stated)
    function = copied(declared, "name", "description")
    return {"type": "function", "function": function | ({"parameters": schema} if schema else {})}


def _choice(config: dict[str, Any], allowed: list[Any]) -> dict[str, Any]:
    """Which must be called; where only some may be, only those are sent."""
    stated = field(config, "mode")
    if stated is None:
        return {}
    mode = str(stated).upper()
    if mode not in CHOICES:
        known = ", ".join(CHOICES)
        raise BadRequest(
            f"toolConfig: the mode {stated!r} is unknown; send one of {known}", param="toolConfig"
        )
    if mode == "ANY" and len(allowed) == 1:
        return {"tool_choice": {"type": "function", "function": {"name": allowed[0]}}}
    return {"tool_choice": CHOICES[mode]}
