"""What of a request a judge is shown, and what it says of who may see it."""

from __future__ import annotations

from typing import Any

from windsock.core.evidence.judging.prompts import Turn
from windsock.service.texts.answered import AnsweredTexts
from windsock.service.texts.reading import prompt_of
from windsock.wire.json_codec import dumps, parsed

MOST_BYTES = 256 * 1024
"""Of a request, and of its answer, that wait for a judge; what is larger is not judged."""

MOST_STREAM_BYTES = 1024 * 1024
"""Of an answer that streamed: its events take some three hundred bytes for each token."""

WISHES = ("zdr", "data_collection", "only", "ignore")
"""Fields of the caller's `provider` that say who may see its words: they hold for a judge too."""


def is_small(texts: AnsweredTexts) -> bool:
    """Whether it may be held until a judge has time."""
    most = MOST_STREAM_BYTES if texts.is_stream else MOST_BYTES
    return len(texts.asked) <= MOST_BYTES and len(texts.answer) <= most


def is_text(texts: AnsweredTexts) -> bool:
    """Whether all that was asked is text: of a picture no judge of texts can tell."""
    messages = _body(texts).get("messages")
    for message in messages if isinstance(messages, list) else []:
        parts = message.get("content") if isinstance(message, dict) else None
        for part in parts if isinstance(parts, list) else []:
            if not isinstance(part, dict) or not isinstance(part.get("text"), str):
                return False
    return True


def conversation_of(texts: AnsweredTexts) -> list[Turn]:
    """Its turns, the tools that could be called before the last of them."""
    turns = [(said.role, said.text) for said in prompt_of(texts)]
    tools = _body(texts).get("tools")
    if tools:
        turns.insert(max(0, len(turns) - 1), ("tools", dumps(tools).decode()))
    return turns


def wishes_of(texts: AnsweredTexts) -> dict[str, Any]:
    """Who may see its words, as the caller's `provider` says."""
    stated = _body(texts).get("provider")
    return {name: stated[name] for name in WISHES if name in stated} if stated else {}


def _body(texts: AnsweredTexts) -> dict[str, Any]:
    body = parsed(texts.asked)
    return body if isinstance(body, dict) else {}
