"""Names of functions as every provider takes them, and back.

Gemini takes dots and colons in a name, Anthropic twice the length that OpenAI takes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from windsock.wire.adaptation.conversation import alnum_hash

MAX_NAME = 64
"""Characters of a name that every provider takes."""

NO_NAME = re.compile(r"[^a-zA-Z0-9_-]")

Named = dict[str, Any]


class ToolNames:
    """The names of one request."""

    def __init__(self) -> None:
        self._own: dict[str, str] = {}

    def fit(self, chat: dict[str, Any]) -> None:
        """Change names in a chat body where some provider would not take them."""
        choice = chat.get("tool_choice")
        stated = [*_functions(chat.get("tools")), *_functions([choice])]
        for message in chat.get("messages") or ():
            stated += _functions(message.get("tool_calls"))
        for function in stated:
            own = function["name"]
            function["name"] = made = fitted(own)
            if made != own:
                self._own[made] = own

    def restore(self, answer: dict[str, Any]) -> None:
        """Change them back in a completion or a chunk of one."""
        if not self._own:
            return
        for choice in answer.get("choices") or ():
            said = choice.get("message") or choice.get("delta") or {}
            for function in _functions(said.get("tool_calls")):
                function["name"] = self._own.get(function["name"], function["name"])


def fitted(name: str) -> str:
    """The same for the same name in every request."""
    kept = NO_NAME.sub("_", name)
    if kept == name and len(name) <= MAX_NAME:
        return name
    return f"{kept[: MAX_NAME - 9]}_{alnum_hash(name, 8)}"


def _functions(tools: Any) -> Iterator[Named]:
    """Those with a name; what has another shape is left as it is."""
    for tool in tools if isinstance(tools, list) else ():
        function = tool.get("function") if isinstance(tool, dict) else None
        if isinstance(function, dict) and isinstance(function.get("name"), str):
            yield function
