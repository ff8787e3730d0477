"""Whether a value fits a JSON Schema, as tools and formats of answers state them.

Source: JSON Schema 2020-12, sections 10 and 11 (validation). What is beside them fails nothing:
formats, remote references, keywords that are not known, a keyword whose value cannot be read. A
check must not fail what is right.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from windsock.core.evidence.checks.patterns import steps

MOST_STEPS = 20_000
"""Schemas that are looked at for one value, and parts of values that are compared whole: a schema
that refers to itself has an end."""

WHOLE = frozenset({"const", "enum", "uniqueItems"})
"""Keywords that look at all of a value at once."""

MOST_PATTERN_STEPS = 1_000_000
"""Of all patterns of the caller's that one value is held against: some ms."""

Fits = Callable[[Any, Any], bool]


def fits(value: Any, schema: Any) -> bool:
    """False if the value surely does not fit; both as JSON is read into Python."""
    try:
        return _Schema(schema).holds(value, schema)
    except RecursionError:
        return True


class _Schema:
    """One schema whole, to which its parts refer; counts its steps."""

    def __init__(self, root: Any) -> None:
        self._root = root
        self._left = MOST_STEPS
        self._steps_left = MOST_PATTERN_STEPS
        self._sizes: dict[int, int] = {}
        self._enums: dict[int, frozenset[str]] = {}

    def holds(self, value: Any, schema: Any) -> bool:
        self._left -= 1
        if isinstance(schema, bool):
            return schema
        if isinstance(schema, Mapping) and not WHOLE.isdisjoint(schema):
            self._left -= self._size(value)
        if not isinstance(schema, Mapping) or self._left < 0:
            return True
        return self._by_keyword(value, schema) and self._by_part(value, schema)

    def _by_keyword(self, value: Any, schema: Mapping[str, Any]) -> bool:
        if schema.get("nullable") is True and value is None:
            return True
        for name, argument in schema.items():
            check = KEYWORDS.get(name)
            if check is not None and not _is_held(check, value, argument):
                return False
        is_listed = self._is_listed(value, schema.get("enum"))
        return is_listed and self._is_like(value, schema.get("pattern"))

    def _size(self, value: Any) -> int:
        """Parts of a value; a long text is many."""
        if not isinstance(value, list | dict):
            return len(value) // 100 if isinstance(value, str) else 0
        if id(value) not in self._sizes:
            parts = value.values() if isinstance(value, dict) else value
            self._sizes[id(value)] = len(value) + sum(map(self._size, parts))
        return self._sizes[id(value)]

    def _is_listed(self, value: Any, known: Any) -> bool:
        """A list may be long, and be asked for many values."""
        if not isinstance(known, list):
            return True
        if id(known) not in self._enums:
            self._enums[id(known)] = frozenset(map(_canonical, known))
        return _canonical(value) in self._enums[id(known)]

    def _is_like(self, value: Any, pattern: Any) -> bool:
        return not isinstance(value, str) or self._matches(value, pattern)

    def _matches(self, text: str, pattern: Any) -> bool:
        """True also where that might take long, and of a dialect that is not Python's."""
        if not isinstance(pattern, str):
            return True
        needed = steps(pattern, len(text))
        if needed > self._steps_left:
            return True
        self._steps_left -= int(needed)
        with suppress(re.error, OverflowError):
            return re.search(pattern, text) is not None
        return True

    def _by_part(self, value: Any, schema: Mapping[str, Any]) -> bool:
        if isinstance(reference := schema.get("$ref"), str):
            target = self._found(reference)
            if target is not schema and not self.holds(value, target):
                return False
        is_fine = self._combined(value, schema)
        if isinstance(value, dict):
            return is_fine and self._object(value, schema)
        return is_fine and (not isinstance(value, list) or self._list(value, schema))

    def _combined(self, value: Any, schema: Mapping[str, Any]) -> bool:
        every, some, one = (_list_of(schema.get(name)) for name in ("allOf", "anyOf", "oneOf"))
        return (
            all(self.holds(value, each) for each in every)
            and (not some or any(self.holds(value, each) for each in some))
            and (not one or sum(self.holds(value, each) for each in one) == 1)
            and ("not" not in schema or not self.holds(value, schema["not"]))
            and self._conditional(value, schema)
        )

    def _conditional(self, value: Any, schema: Mapping[str, Any]) -> bool:
        if "if" not in schema:
            return True
        branch = "then" if self.holds(value, schema["if"]) else "else"
        return self.holds(value, schema.get(branch, True))

    def _object(self, value: dict[str, Any], schema: Mapping[str, Any]) -> bool:
        known = _mapping(schema.get("properties"))
        patterns = _mapping(schema.get("patternProperties"))
        if not all(self.holds(value[name], part) for name, part in known.items() if name in value):
            return False
        rest = schema.get("additionalProperties", True)
        for name in value.keys() - (set() if patterns else known.keys()):
            parts = [part for pattern, part in patterns.items() if self._matches(name, pattern)]
            if name not in known and not parts and rest is not True:
                parts = [rest]
            if not all(self.holds(value[name], part) for part in parts):
                return False
        names = schema.get("propertyNames", True)
        return names is True or all(self.holds(name, names) for name in value)

    def _list(self, value: list[Any], schema: Mapping[str, Any]) -> bool:
        items, first = schema.get("items", True), _list_of(schema.get("prefixItems"))
        if isinstance(items, list):
            first, items = items, schema.get("additionalItems", True)
        pairs = zip(value, first, strict=False)
        return (
            all(self.holds(each, part) for each, part in pairs)
            and (items is True or all(self.holds(each, items) for each in value[len(first) :]))
            and self._contains(value, schema)
        )

    def _contains(self, value: list[Any], schema: Mapping[str, Any]) -> bool:
        if "contains" not in schema:
            return True
        found = sum(self.holds(each, schema["contains"]) for each in value)
        return found >= _count(schema.get("minContains"), 1) and found <= _count(
            schema.get("maxContains"), math.inf
        )

    def _found(self, reference: str) -> Any:
        """What a reference within the schema is to; True for any other."""
        if not reference.startswith("#"):
            return True
        found = self._root
        for part in reference[1:].split("/")[1:]:
            name = part.replace("~1", "/").replace("~0", "~").replace("%25", "%")
            if isinstance(found, list) and name.isdigit() and int(name) < len(found):
                found = found[int(name)]
            elif isinstance(found, Mapping) and name in found:
                found = found[name]
            else:
                return True
        return found if reference == "#" or reference.startswith("#/") else True


def _is_held(check: Fits, value: Any, argument: Any) -> bool:
    with suppress(TypeError, ValueError, OverflowError, re.error):
        return check(value, argument)
    return True


def _is_type(value: Any, name: Any) -> bool:
    names = name if isinstance(name, list) else [name]
    return any(_is_one(value, str(each).lower()) for each in names)


def _is_one(value: Any, name: str) -> bool:
    if name == "integer":
        return _is_number(value) and float(value).is_integer()
    if name == "number":
        return _is_number(value)
    kind = TYPES.get(name)
    return kind is None or isinstance(value, kind)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _same(value: Any, other: Any) -> bool:
    """As JSON has it: 1 is 1.0, and true is no number."""
    return _canonical(value) == _canonical(other)


def _canonical(value: Any) -> str:
    return json.dumps(_plain(value), sort_keys=True)


def _plain(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    return value


def _multiple(value: Any, of: Any) -> bool:
    ratio = value / of
    return math.isclose(ratio, round(ratio), rel_tol=1e-9, abs_tol=1e-9)


def _required(value: dict[str, Any], names: Any) -> bool:
    return not isinstance(names, list) or all(name in value for name in names)


def _dependent(value: dict[str, Any], needs: Any) -> bool:
    return all(_required(value, names) for name, names in needs.items() if name in value)


def _list_of(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _count(value: Any, otherwise: float) -> float:
    return value if _is_number(value) else otherwise


def _of(kind: type[Any], check: Fits) -> Fits:
    """A check of values of one kind; others have nothing to hold."""
    return lambda value, argument: not isinstance(value, kind) or check(value, argument)


def _number(check: Fits) -> Fits:
    return lambda value, argument: not _is_number(value) or check(value, argument)


TYPES: dict[str, Any] = {
    "string": str, "boolean": bool, "object": dict, "array": list, "null": type(None),
}  # fmt: skip
KEYWORDS: dict[str, Fits] = {
    "type": _is_type,
    "const": _same,
    "minimum": _number(lambda value, least: bool(value >= least)),
    "maximum": _number(lambda value, most: bool(value <= most)),
    "exclusiveMinimum": _number(lambda value, least: least is True or bool(value > least)),
    "exclusiveMaximum": _number(lambda value, most: most is True or bool(value < most)),
    "multipleOf": _number(_multiple),
    "minLength": _of(str, lambda value, least: len(value) >= least),
    "maxLength": _of(str, lambda value, most: len(value) <= most),
    "minItems": _of(list, lambda value, least: len(value) >= least),
    "maxItems": _of(list, lambda value, most: len(value) <= most),
    "uniqueItems": _of(list, lambda value, is_so: not is_so or _are_apart(value)),
    "required": _of(dict, _required),
    "minProperties": _of(dict, lambda value, least: len(value) >= least),
    "maxProperties": _of(dict, lambda value, most: len(value) <= most),
    "dependentRequired": _of(dict, _dependent),
}


def _are_apart(value: list[Any]) -> bool:
    return len({_canonical(each) for each in value}) == len(value)
