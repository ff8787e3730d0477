"""Fields as Google's JSON has them: in camel case, or as its protocol's own source spells them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from windsock.errors import BadRequest

CAPITAL = re.compile(r"([A-Z])")


@cache
def spelled(name: str) -> str:
    """`systemInstruction` as `system_instruction`."""
    return CAPITAL.sub(r"_\1", name).lower()


def field(body: Mapping[str, Any], name: str) -> Any:
    """Its value in either spelling, or None."""
    value = body.get(name)
    return body.get(spelled(name)) if value is None else value


def object_field(body: Mapping[str, Any], name: str) -> dict[str, Any]:
    """A field that is an object, {} where it is absent; raises BadRequest naming it."""
    value = field(body, name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise BadRequest(f"{name} must be an object", param=name)
    return value


def list_field(body: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    """A field that is a list of objects, or one object; [] where it is absent.

    raises  BadRequest naming it
    """
    value = field(body, name)
    found = [value] if isinstance(value, dict) else value or []
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise BadRequest(f"{name} must be a list of objects", param=name)
    return found


def names_in(body: Mapping[str, Any], known: Mapping[str, Any] | frozenset[str]) -> list[str]:
    """Fields that are there and are not among the known ones, whichever way they are spelled."""
    either = {*known, *map(spelled, known)}
    return [name for name, value in body.items() if value is not None and name not in either]
