"""The tools of a Responses request as functions, and calls of those functions as items again.

A custom tool is a function of one text, a namespace a part of its functions' names. A tool that
runs at OpenAI only is left out, and named.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from windsock.errors import BadRequest
from windsock.wire.adaptation.tool_names import fitted
from windsock.wire.dialect import copied, listed
from windsock.wire.formats.pieces import Piece
from windsock.wire.json_codec import parsed

SHELL = "local_shell"

ONE_TEXT = {"type": "object", "properties": {"input": {"type": "string"}}, "required": ["input"],
            "additionalProperties": False}  # fmt: skip
"""The parameters of a custom tool as a function."""

SHELL_ACTION = {
    "type": "object",
    "properties": {
        "command": {"type": "array", "items": {"type": "string"}},
        "working_directory": {"type": "string"},
        "timeout_ms": {"type": "integer"},
    },
    "required": ["command"],
}
"""The parameters of `local_shell` as a function."""


@dataclass(frozen=True, slots=True)
class Tool:
    """What a function stands for: kind (function, custom, local_shell), name, namespace if any."""

    kind: str
    name: str
    namespace: str | None = None


class Tools:
    """The tools of one request.

    left_out    what runs at OpenAI only, as `tools.` and its type
    """

    def __init__(self, body: dict[str, Any]) -> None:
        self.left_out: list[str] = []
        self._tools: dict[str, Tool] = {}
        tools = body.get("tools")
        self._functions = list(self._read(listed(tools, "tools"))) if tools else []
        self._choice = self._chosen(body.get("tool_choice"))

    @property
    def fields(self) -> dict[str, Any]:
        """Chat's fields: the functions, and which of them is to be called."""
        tools = [{"type": "function", "function": each} for each in self._functions]
        chosen = {} if self._choice is None else {"tool_choice": self._choice}
        return {"tools": tools, **chosen} if tools else {}

    def item(self, name: str, call: Piece) -> dict[str, Any]:
        """A call as a finished item of the kind its caller knows."""
        tool = self.tool(call)
        own = {"id": f"{PREFIXES[tool.kind]}_{name}", "call_id": call.call_id}
        if tool.kind == SHELL:
            return {"type": "local_shell_call", **own, "action": _action(call.text),
                    "status": "completed"}  # fmt: skip
        named = {"name": tool.name, **({"namespace": tool.namespace} if tool.namespace else {})}
        if tool.kind == "custom":
            return {"type": "custom_tool_call", **own, **named, "input": _input(call.text),
                    "status": "completed"}  # fmt: skip
        return {"type": "function_call", **own, **named, "arguments": call.text,
                "status": "completed"}  # fmt: skip

    def tool(self, call: Piece) -> Tool:
        """What a call is a call of; a name that nobody gave is a function's."""
        return self._tools.get(call.name) or Tool("function", call.name)

    def _read(
        self, tools: list[dict[str, Any]], namespace: str | None = None
    ) -> Iterator[dict[str, Any]]:
        for tool in tools:
            match tool.get("type"):
                case "namespace":
                    inner = listed(tool.get("tools") or [], "tools")
                    yield from self._read(inner, str(tool.get("name") or ""))
                case "function" | "custom" | "local_shell" as kind:
                    name = flat(namespace, SHELL if kind == SHELL else str(tool.get("name") or ""))
                    self._tools[name] = Tool(kind, str(tool.get("name") or SHELL), namespace)
                    yield {"name": name, **FUNCTIONS[kind](tool)}
                case kind:
                    self.left_out.append(f"tools.{kind}")

    def _chosen(self, choice: Any) -> Any:
        """Chat's choice; raises BadRequest for one that is none."""
        if choice is None or isinstance(choice, str):
            return choice
        kind = choice.get("type") if isinstance(choice, dict) else None
        if not isinstance(kind, str):
            raise BadRequest(
                "tool_choice must be auto, none, required, a tool or allowed_tools",
                param="tool_choice",
            )
        if kind == "allowed_tools":
            return self._allowed(choice)
        name = self._name(choice)
        if name is None:
            self.left_out.append(f"tool_choice.{kind}")
            return None
        return {"type": "function", "function": {"name": name}}

    def _allowed(self, choice: dict[str, Any]) -> Any:
        """Only the allowed ones are sent."""
        allowed = {self._name(each) for each in listed(choice.get("tools"), "tool_choice")}
        self._functions = [each for each in self._functions if each["name"] in allowed]
        return choice.get("mode") or "auto"

    def _name(self, choice: dict[str, Any]) -> str | None:
        if choice.get("type") not in FUNCTIONS:
            return None
        return flat(choice.get("namespace"), str(choice.get("name") or SHELL))


def flat(namespace: Any, name: str) -> str:
    """The name of a function; the same for the same tool in every request."""
    if not namespace:
        return name
    joint = "" if str(namespace).endswith("_") else "__"
    return fitted(f"{namespace}{joint}{name}")


def call_of(item: dict[str, Any]) -> dict[str, Any]:
    """An earlier call of any kind as chat's call of a function."""
    name = flat(item.get("namespace"), str(item.get("name") or SHELL))
    match item.get("type"):
        case "custom_tool_call":
            arguments: Any = orjson.dumps({"input": item.get("input") or ""}).decode()
        case "local_shell_call":
            arguments = orjson.dumps(item.get("action") or {}).decode()
        case _:
            arguments = item.get("arguments") or ""
    called = {"name": name, "arguments": arguments}
    return {"id": item.get("call_id") or item.get("id"), "type": "function", "function": called}


def _function(tool: dict[str, Any]) -> dict[str, Any]:
    return copied(tool, "description", "parameters", "strict")


def _custom(tool: dict[str, Any]) -> dict[str, Any]:
    """The grammar that its text must follow is told in words."""
    form = tool.get("format")
    grammar = form.get("definition") if isinstance(form, dict) else None
    said = [tool.get("description"), f"The input follows this grammar:\n{grammar}"]
    words = "\n\n".join(str(each) for each in (said if grammar else said[:1]) if each)
    return {**({"description": words} if words else {}), "parameters": ONE_TEXT}


def _shell(_: dict[str, Any]) -> dict[str, Any]:
    return {"description": "Runs a command on the user's machine.", "parameters": SHELL_ACTION}


def _input(arguments: str) -> str:
    """The one text; what a model wrote that has none is the text itself."""
    found = parsed(arguments.encode(errors="replace"))
    text = found.get("input") if isinstance(found, dict) else None
    return text if isinstance(text, str) else arguments


def _action(arguments: str) -> dict[str, Any]:
    found = parsed(arguments.encode(errors="replace"))
    said = found if isinstance(found, dict) else {"command": [arguments]}
    return {"type": "exec", "command": [], "env": {}, **said}


FUNCTIONS = {"function": _function, "custom": _custom, SHELL: _shell}
PREFIXES = {"function": "fc", "custom": "ctc", SHELL: "lsh"}
