"""The `generationConfig` of a Gemini request as fields of a chat body."""

from __future__ import annotations

from typing import Any

from windsock.errors import BadRequest
from windsock.wire.caller_fields.ranges import check_ranges
from windsock.wire.dialect import schema_format
from windsock.wire.formats.gemini.request import SETTINGS
from windsock.wire.formats.gemini.thinking import effort_of
from windsock.wire.formats.generate_content.fields import field, names_in, object_field
from windsock.wire.formats.generate_content.schema import json_schema

CHAT = {own: chat for chat, own in reversed(SETTINGS.items()) if own != "thinkingConfig"}
"""Chat's names of settings that mean the same."""

READ = frozenset(
    {*CHAT, "thinkingConfig", "stopSequences", "responseMimeType", "responseSchema",
     "responseJsonSchema", "_responseJsonSchema", "responseModalities"}
)  # fmt: skip


def setting_fields(body: dict[str, Any]) -> tuple[dict[str, Any], list[str], list[str]]:
    """(chat's fields, what is left out, what only Gemini can do); raises BadRequest."""
    config = object_field(body, "generationConfig")
    left_out = [f"generationConfig.{name}" for name in names_in(config, READ)]
    found = {
        chat: _whole(value)
        for own, chat in CHAT.items()
        if (value := field(config, own)) is not None
    }
    _check(found)
    if stops := field(config, "stopSequences"):
        found["stop"] = stops
    form, bound = _form(config)
    kinds = {str(each).upper() for each in field(config, "responseModalities") or ()}
    if kinds - {"TEXT", "MODALITY_UNSPECIFIED"}:
        bound.append("generationConfig.responseModalities")
    return found | form | _effort(config), left_out, bound


def wants_thoughts(body: dict[str, Any]) -> bool:
    """Whether thoughts are told beside the answer."""
    config = object_field(object_field(body, "generationConfig"), "thinkingConfig")
    return field(config, "includeThoughts") is True


def _check(found: dict[str, Any]) -> None:
    """The ranges of all formats, told in Google's names."""
    try:
        check_ranges(found)
    except BadRequest as error:
        own = {chat: f"generationConfig.{name}" for name, chat in CHAT.items()}
        name = own.get(error.param or "", error.param)
        words = str(error).replace(error.param or "", name or "", 1)
        raise BadRequest(words, param=name) from error


def _whole(value: Any) -> Any:
    """SDKs send whole numbers with a point."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _form(config: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The form of the answer; that of one word out of a list is Gemini's alone."""
    kind = field(config, "responseMimeType")
    places = ("responseJsonSchema", "_responseJsonSchema", "responseSchema")
    stated = (value for name in places if (value := field(config, name)) is not None)
    schema = json_schema(next(stated, None))
    if kind not in (None, "", "text/plain", "application/json"):
        return {}, ["generationConfig.responseMimeType"]
    if schema is not None:
        return {"response_format": schema_format(schema, strict=False)}, []
    is_json = kind == "application/json"
    return ({"response_format": {"type": "json_object"}} if is_json else {}), []


def _effort(config: dict[str, Any]) -> dict[str, Any]:
    """How much to think, by a level or by tokens; -1 leaves it to the model."""
    thinking = object_field(config, "thinkingConfig")
    level, budget = field(thinking, "thinkingLevel"), field(thinking, "thinkingBudget")
    if isinstance(level, str) and level != "THINKING_LEVEL_UNSPECIFIED":
        return {"reasoning_effort": level.lower()}
    is_stated = isinstance(budget, int | float) and not isinstance(budget, bool) and budget >= 0
    return {"reasoning_effort": effort_of(budget)} if is_stated else {}
