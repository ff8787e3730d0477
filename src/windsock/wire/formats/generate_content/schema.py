"""Gemini's schemas, a part of OpenAPI's with words of its own, as JSON schemas."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from windsock.wire.formats.generate_content.fields import field

WORDS = ("title", "description", "enum", "format", "default", "pattern", "required", "example")
"""Keywords that are the same in both."""

NUMBERS = ("minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties",
           "minimum", "maximum")  # fmt: skip
"""Keywords of numbers, which Google writes as texts where they have 64 bits."""


def json_schema(schema: Any) -> Any:
    """The same as a JSON schema; the order of properties is theirs."""
    if not isinstance(schema, dict):
        return schema
    made = {name: schema[name] for name in WORDS if schema.get(name) is not None}
    made |= {name: _number(value) for name in NUMBERS if (value := field(schema, name)) is not None}
    kind = schema.get("type")
    if isinstance(kind, str) and kind != "TYPE_UNSPECIFIED":
        made["type"] = [kind.lower(), "null"] if schema.get("nullable") else kind.lower()
    for name in ("items", "additionalProperties"):
        if (inner := field(schema, name)) is not None:
            made[name] = json_schema(inner)
    if isinstance(choices := field(schema, "anyOf"), list):
        made["anyOf"] = [json_schema(each) for each in choices]
    return made | _named(schema)


def _named(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Properties in the order that is asked for, and definitions that others refer to."""
    reference = schema.get("$ref") or schema.get("ref")
    made: dict[str, Any] = {"$ref": reference} if reference else {}
    for name in ("properties", "$defs", "defs"):
        inner = schema.get(name)
        if isinstance(inner, dict):
            order = field(schema, "propertyOrdering") or ()
            names = dict.fromkeys([*(each for each in order if each in inner), *inner])
            made[name if name != "defs" else "$defs"] = {
                each: json_schema(inner[each]) for each in names
            }
    return made


def _number(value: Any) -> Any:
    try:
        return int(value) if isinstance(value, str) else value
    except ValueError:
        return value
