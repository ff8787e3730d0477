"""Whether calls of tools are ones that the tools take."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from windsock.core.evidence.checks.schemas import fits


def calls_fit(calls: Iterable[Any], tools: Iterable[Any]) -> bool:
    """True if every call names one of the tools and its arguments fit what that takes; what is no
    call of a function is not looked at.

    calls   `tool_calls` of an assistant's message
    tools   `tools` of the request; where none are known, arguments must be an object of JSON
    """
    schemas = dict(_schemas(tools))
    return all(_fits(call, schemas) for call in calls)


def _fits(call: Any, schemas: Mapping[str, Any]) -> bool:
    function = call.get("function") if isinstance(call, Mapping) else None
    if not isinstance(function, Mapping):
        return True
    name = function.get("name")
    if schemas and name not in schemas:
        return False
    arguments = _arguments(function.get("arguments"))
    return isinstance(arguments, dict) and fits(arguments, schemas.get(str(name), True))


def _arguments(stated: Any) -> Any:
    """Read; what is empty is an empty object, what is none is None."""
    if not isinstance(stated, str):
        return {} if stated is None else stated
    try:
        return json.loads(stated or "{}")
    except (ValueError, RecursionError):
        return None


def _schemas(tools: Iterable[Any]) -> Iterable[tuple[str, Any]]:
    for tool in tools:
        function = tool.get("function") if isinstance(tool, Mapping) else None
        if isinstance(function, Mapping) and isinstance(function.get("name"), str):
            yield function["name"], function.get("parameters", True)
