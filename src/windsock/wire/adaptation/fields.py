"""The fields of a request, changed to what a deployment takes of them."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import msgspec
import orjson

from windsock.wire.adaptation.parameters import Parameters
from windsock.wire.json_codec import parsed

Fields = dict[str, msgspec.Raw]

WHOLE = frozenset({"max_completion_tokens", "max_output_tokens", "max_tokens", "top_k"})
"""Numbers that are whole."""

NOTHING = object()
"""Stands for a field that is left out."""


def adapt_fields(fields: Fields, rules: Parameters, concerned: frozenset[str]) -> list[str]:
    """Change fields in place; the names, as the caller has them, of those that were changed.

    concerned   `Parameters.concerned` of the rules
    """
    changed = []
    for name in [each for each in fields if each in concerned]:
        value = parsed(bytes(fields[name]))
        taken = _taken(name, value, fields, rules)
        new_name = rules.rename.get(name, name)
        if taken is value and new_name == name:
            continue
        del fields[name]
        if taken is not NOTHING and (new_name == name or new_name not in fields):
            fields[new_name] = msgspec.Raw(orjson.dumps(taken))
        changed.append(name)
    return changed


def set_fields(fields: Fields, rules: Parameters) -> list[str]:
    """Add, in place, fields that must be sent with one value and were not sent; their names."""
    names = [
        name
        for name in rules.set_to
        if name not in fields and name not in rules.takes and _is_set(name, fields, rules)
    ]
    for name in names:
        fields[name] = msgspec.Raw(orjson.dumps(rules.set_to[name]))
    return names


def _taken(name: str, value: Any, fields: Fields, rules: Parameters) -> Any:
    """What is sent of a value; `NOTHING` where it is left out."""
    if _is_left_out(name, value, fields, rules):
        return NOTHING
    if name in rules.set_to and _is_set(name, fields, rules):
        return rules.set_to[name]
    if name == "tools" and rules.tool_fields:
        return _without_own(value, rules.tool_fields)
    return _within(name, value, rules)


def _is_set(name: str, fields: Fields, rules: Parameters) -> bool:
    unless = rules.unless.get(name, "")
    return not parsed(bytes(fields.get(unless, b"null")))


def _without_own(tools: Any, names: tuple[str, ...]) -> Any:
    """The tools without fields of their functions; the same ones if they have none of them."""
    if not isinstance(tools, list):
        return tools
    made = [_bare(each, names) for each in tools]
    return tools if made == tools else made


def _bare(tool: Any, names: tuple[str, ...]) -> Any:
    function = tool.get("function") if isinstance(tool, dict) else None
    if not isinstance(function, dict):
        return tool
    return {**tool, "function": {k: v for k, v in function.items() if k not in names}}


def _is_left_out(name: str, value: Any, fields: Fields, rules: Parameters) -> bool:
    only, beside = rules.only.get(name), rules.only_with.get(name)
    return (
        name in rules.leave_out
        or (only is not None and value is not None and value not in only)
        or _is_refused(value, rules.refused.get(name, ()))
        or (name in rules.no_blanks and _is_blank(value))
        or (beside is not None and not parsed(bytes(fields.get(beside, b"null"))))
        or rules.not_with.get(name) in fields
    )


def _is_refused(value: Any, refused: tuple[Any, ...]) -> bool:
    is_text = isinstance(value, dict) and orjson.dumps(value).decode() in refused
    return value in refused or is_text


def _within(name: str, value: Any, rules: Parameters) -> Any:
    """The value itself where it keeps to the bounds, else what is sent instead."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        taken = _between(value, rules.at_least.get(name), rules.at_most.get(name))
        is_whole = isinstance(value, int) and (taken == int(taken) or name in WHOLE)
        return int(taken) if is_whole else taken
    if isinstance(value, str):
        longest = rules.longest.get(name)
        return value if longest is None or len(value) <= longest else _hashed(value, longest)
    if name in rules.no_blanks and isinstance(value, list) and any(map(_is_blank, value)):
        value = [each for each in value if not _is_blank(each)]
    most = rules.most.get(name)
    if most is None or not isinstance(value, list | dict) or len(value) <= most:
        return value
    return value[:most] if isinstance(value, list) else dict(list(value.items())[:most])


def _is_blank(value: Any) -> bool:
    """A text of nothing but blanks, or a list of nothing but those."""
    if isinstance(value, list):
        return bool(value) and all(map(_is_blank, value))
    return isinstance(value, str) and not value.strip()


def _between(value: float, least: float | None, most: float | None) -> float:
    if least is not None and value < least:
        return least
    return most if most is not None and value > most else value


def _hashed(text: str, length: int) -> str:
    return sha256(text.encode(errors="surrogatepass")).hexdigest()[:length]
