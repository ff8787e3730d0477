"""Gemini's schemas, a part of OpenAPI's with words of its own, as JSON schemas.

Clients mix the two: Google's names of types stand in what is sent as a JSON schema, too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from windsock.wire.formats.generate_content.fields import field, spelled

KINDS = frozenset({"STRING", "NUMBER", "INTEGER", "BOOLEAN", "ARRAY", "OBJECT", "NULL"})

INNER = ("items", "additionalProperties", "not")
"""Keywords whose value is a schema."""

CHOICES = ("anyOf", "oneOf", "allOf", "prefixItems")
"""Keywords whose value is a list of schemas."""

NAMED = ("properties", "$defs")
"""Keywords whose value is schemas by name."""

NUMBERS = ("minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties",
           "minimum", "maximum")  # fmt: skip
"""Keywords of numbers, which Google writes as texts where they have 64 bits."""

OWN = ("nullable", "propertyOrdering")
"""Keywords that JSON schemas say otherwise, or not at all."""

RENAMED: dict[str, str] = {spelled(name): name for name in (*INNER, *CHOICES, *NUMBERS, *OWN)} | {
    "ref": "$ref",
    "defs": "$defs",
}


def json_schema(schema: Any) -> Any:
    """The same as a JSON schema; what is one already stays as it is."""
    if not isinstance(schema, dict):
        return schema
    spelt = {RENAMED.get(str(name), str(name)): value for name, value in schema.items()}
    made = {
        name: READ[name](value) if name in READ else value
        for name, value in spelt.items()
        if name not in OWN and value is not None and value != "TYPE_UNSPECIFIED"
    }
    if spelt.get("nullable") is True and isinstance(made.get("type"), str):
        made["type"] = [made["type"], "null"]
    return _ordered(made, field(spelt, "propertyOrdering"))


def _ordered(made: dict[str, Any], order: Any) -> dict[str, Any]:
    """With its properties in the order that is asked for."""
    known = made.get("properties")
    if isinstance(order, list) and isinstance(known, Mapping):
        names = dict.fromkeys([*(each for each in order if each in known), *known])
        made["properties"] = {name: known[name] for name in names}
    return made


def _kind(kind: Any) -> Any:
    return kind.lower() if isinstance(kind, str) and kind in KINDS else kind


def _all(schemas: Any) -> Any:
    return [json_schema(each) for each in schemas] if isinstance(schemas, list) else schemas


def _each(schemas: Any) -> Any:
    if not isinstance(schemas, dict):
        return schemas
    return {name: json_schema(each) for name, each in schemas.items()}


def _number(value: Any) -> Any:
    try:
        return int(value) if isinstance(value, str) else value
    except ValueError:
        return value


READ: Mapping[str, Callable[[Any], Any]] = {
    "type": _kind,
    **dict.fromkeys(INNER, json_schema),
    **dict.fromkeys(CHOICES, _all),
    **dict.fromkeys(NAMED, _each),
    **dict.fromkeys(NUMBERS, _number),
}
"""How the value of a keyword is read; all others stay."""
