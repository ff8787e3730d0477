"""What checks must know of a request, read from its body."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from windsock.core.evidence.checks.declared import Asked
from windsock.wire.json_codec import parsed


def asked_of(raw: bytes, finish_reason: str | None = None) -> Asked:
    """Of a chat body, and of how its answer ended."""
    body = parsed(raw)
    if not isinstance(body, dict):
        return Asked(finish_reason=finish_reason)
    tools = body.get("tools")
    return Asked(
        tools=tools if isinstance(tools, list) else (),
        schema=_schema(body.get("response_format")),
        prompt=last_words(body),
        finish_reason=finish_reason,
    )


def last_words(body: Mapping[str, Any]) -> str:
    """The text that the user said last; empty where there is none."""
    messages = body.get("messages")
    for message in reversed(messages if isinstance(messages, list) else []):
        if isinstance(message, dict) and message.get("role") == "user":
            return plain_text(message.get("content"))
    return ""


def plain_text(content: Any) -> str:
    """The text of a message's content, of its parts one after the other."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    texts = (each.get("text") for each in parts if isinstance(each, dict))
    return "\n".join(text for text in texts if isinstance(text, str))


def _schema(form: Any) -> Any:
    stated = form.get("json_schema") if isinstance(form, dict) else None
    return stated.get("schema") if isinstance(stated, dict) else None
