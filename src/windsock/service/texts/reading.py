"""Who said what in a chat, as text. Read from the bytes only when asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from windsock.core.model.requests import RouteRequest
from windsock.errors import ProviderError
from windsock.service.texts.answered import AnsweredTexts
from windsock.wire.format import Format, ProviderTraits
from windsock.wire.formats.openai_ends import choices_in
from windsock.wire.json_codec import parsed
from windsock.wire.registry import SPOKEN_BY, formats_of
from windsock.wire.request import Operation, UpstreamRequest
from windsock.wire.sse import BOUNDARY, data_of

MOST_CHARS = 40_000
"""Of one message that people are shown."""

FORMAT_OF = {language: name for name, spoken in SPOKEN_BY.items() for language in spoken}
"""The wire format that translates a language of clients."""


UNREADABLE = (ProviderError, TypeError, ValueError, KeyError, AttributeError)
"""What reading an answer raises that is none."""


class Said(NamedTuple):
    """One message: system, user, assistant, tool, ... and its text."""

    role: str
    text: str


def prompt_of(texts: AnsweredTexts) -> list[Said]:
    """The messages of the request, oldest first."""
    body = parsed(texts.asked)
    messages = body.get("messages") if isinstance(body, dict) else None
    every = messages if isinstance(messages, list) else []
    return [
        Said(str(each.get("role") or ""), text_of(each)) for each in every if isinstance(each, dict)
    ]


def answer_of(texts: AnsweredTexts) -> str | None:
    """The answer's text, several choices one after the other; None if it cannot be read."""
    try:
        found = [text for text in map(text_of, messages_of(texts)) if text]
    except UNREADABLE:
        return None
    return "\n\n".join(found) if found else None


def message_in(answer: Mapping[str, Any]) -> dict[str, Any]:
    """Of the first choice of a chat completion; empty where there is none."""
    stated = next((each.get("message") for each in choices_in(answer)), None)
    return stated if isinstance(stated, dict) else {}


def shortened(text: str) -> str:
    """As much of a message as people are shown."""
    left = len(text) - MOST_CHARS
    return text if left <= 0 else f"{text[:MOST_CHARS]}\n… {left:,} characters more"


def messages_of(texts: AnsweredTexts) -> list[dict[str, Any]]:
    """The assistant's messages as chat completions hold them, one a choice; raises UNREADABLE."""
    return _streamed(texts) if texts.is_stream else _whole(texts)


def text_of(message: Mapping[str, Any]) -> str:
    """What a message shows: text, refusal, the names of other parts, and the tools it calls."""
    parts = message.get("content")
    texts = [parts] if isinstance(parts, str) else map(_part, _dicts(parts))
    calls = map(_call, _dicts(message.get("tool_calls")))
    refusal = message.get("refusal")
    said = [*texts, refusal if isinstance(refusal, str) else "", *calls]
    return "\n".join(filter(None, said))


def _whole(texts: AnsweredTexts) -> list[dict[str, Any]]:
    if texts.language:
        form, request = _format(texts)
        answer = form.answer(texts.answer, request)
        return [dict(answer.message)] if answer and answer.message else []
    body = parsed(texts.answer)
    choices = choices_in(body) if isinstance(body, dict) else []
    return [each["message"] for each in choices if isinstance(each.get("message"), dict)]


def _streamed(texts: AnsweredTexts) -> list[dict[str, Any]]:
    """The messages that the deltas of a stream add up to, by the index of their choice."""
    messages: dict[int, dict[str, Any]] = {}
    for choice in _chunks(texts):
        delta = choice.get("delta")
        if isinstance(delta, dict):
            _add(messages.setdefault(int(choice.get("index") or 0), {}), delta)
    for message in messages.values():
        message["tool_calls"] = [*message.get("tool_calls", {}).values()]
    return [messages[index] for index in sorted(messages)]


def _chunks(texts: AnsweredTexts) -> Iterator[dict[str, Any]]:
    events = texts.answer
    if texts.language:
        form, request = _format(texts)
        scanner = form.scanner(request)
        events = b"".join([*scanner.feed(events), *scanner.rest(), scanner.ending(None)])
    for event in BOUNDARY.split(events):
        body = parsed(data_of(event))
        yield from choices_in(body) if isinstance(body, dict) else ()


def _add(message: dict[str, Any], delta: Mapping[str, Any]) -> None:
    for name in ("content", "refusal"):
        if isinstance(text := delta.get(name), str):
            message[name] = message.get(name, "") + text
    calls = message.setdefault("tool_calls", {})
    for each in _dicts(delta.get("tool_calls")):
        call = calls.setdefault(each.get("index"), {"function": {"name": "", "arguments": ""}})
        for name, text in (each.get("function") or {}).items():
            if name in call["function"] and isinstance(text, str):
                call["function"][name] += text


def _format(texts: AnsweredTexts) -> tuple[Format, UpstreamRequest]:
    """What reads the client's own format, and the request as it wants it."""
    form = formats_of(FORMAT_OF[texts.language], ProviderTraits())[Operation.CHAT]
    asked = RouteRequest(model="", is_stream=texts.is_stream)
    return form, UpstreamRequest(raw=texts.asked, request=asked, wants_usage=False)


def _part(part: Mapping[str, Any]) -> str:
    text = part.get("text")
    return text if isinstance(text, str) else f"[{part.get('type') or 'part'}]"


def _call(call: Mapping[str, Any]) -> str:
    stated = call.get("function")
    asked = stated if isinstance(stated, dict) else {}
    return f"{asked.get('name')}({asked.get('arguments')})"


def _dicts(value: object) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
