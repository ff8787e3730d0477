"""The texts of a request, and the features of them."""

from __future__ import annotations

from collections.abc import Mapping

from windsock.core.context.features import features


def features_of(body: Mapping[str, object]) -> tuple[float, ...]:
    """The features of an OpenAI-shaped chat body; unknown shapes count as empty."""
    messages = body.get("messages")
    items = messages if isinstance(messages, list) else []
    tools = body.get("tools")
    return features(
        texts_of(body),
        turns=len(items),
        has_system=any(isinstance(item, dict) and item.get("role") == "system" for item in items),
        has_schema=body.get("response_format") is not None,
        tools=len(tools) if isinstance(tools, list) else 0,
    )


def texts_of(body: Mapping[str, object]) -> list[str]:
    """Message contents of an OpenAI-shaped chat body, oldest first."""
    messages = body.get("messages")
    items = messages if isinstance(messages, list) else []
    return [text for item in items for text in _texts(item)]


def _texts(message: object) -> list[str]:
    content = message.get("content") if isinstance(message, dict) else None
    if isinstance(content, str):
        return [content]
    parts = content if isinstance(content, list) else []
    return [
        part["text"]
        for part in parts
        if isinstance(part, dict) and isinstance(part.get("text"), str)
    ]
