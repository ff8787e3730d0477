"""A chat body as Gemini's generateContent asks for the same.

Written from Google's API reference. What has no counterpart is left out.
"""

from __future__ import annotations

import mimetypes
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import orjson

from windsock.wire.formats.anthropic.request import DATA_URL, allowed_tools
from windsock.wire.formats.gemini.call_ids import own_id
from windsock.wire.formats.gemini.thinking import thinking_of
from windsock.wire.formats.pieces import signature_in
from windsock.wire.service_tiers import asked_of_gemini

SETTINGS = {
    "temperature": "temperature",
    "top_p": "topP",
    "top_k": "topK",
    "n": "candidateCount",
    "seed": "seed",
    "presence_penalty": "presencePenalty",
    "frequency_penalty": "frequencyPenalty",
    "max_tokens": "maxOutputTokens",
    "max_completion_tokens": "maxOutputTokens",
    "logprobs": "responseLogprobs",
    "top_logprobs": "logprobs",
    "thinking_config": "thinkingConfig",
}
"""Fields of `generationConfig`, by their names in chat completions."""

OWN = {"safety_settings": "safetySettings", "cached_content": "cachedContent"}
"""Fields that are Gemini's own."""

CARRIED = frozenset(
    {*SETTINGS, *OWN, "reasoning_effort", "thinking", "model", "messages", "tools", "tool_choice",
     "stop", "response_format", "service_tier", "stream", "stream_options", "cache_control"}
)  # fmt: skip
"""Fields of chat completions that have a counterpart, or ask for what is done anyhow."""

MODES = {"auto": "AUTO", "required": "ANY", "none": "NONE"}

Part = dict[str, Any]


def content_body(chat: Mapping[str, Any]) -> dict[str, Any]:
    """The body of a call; `chat` is one of chat completions, parsed."""
    turns = list(_merged(_turns(chat.get("messages") or ())))
    system = [part for role, parts in turns if role == "system" for part in parts]
    said = [{"role": r, "parts": parts} for r, parts in turns if r != "system"]
    body: dict[str, Any] = {"contents": said}
    if system and said:
        body["systemInstruction"] = {"parts": system}
    elif system:
        body["contents"] = [{"role": "user", "parts": system}]
    if settings := _settings(chat):
        body["generationConfig"] = settings
    if chat.get("tools"):
        body |= _tools(chat)
    body |= asked_of_gemini(chat.get("service_tier"))
    return body | {own: chat[name] for name, own in OWN.items() if chat.get(name) is not None}


def _settings(chat: Mapping[str, Any]) -> dict[str, Any]:
    stated = {own: chat[name] for name, own in SETTINGS.items() if chat.get(name) is not None}
    found = thinking_of(chat) | stated
    stops = chat.get("stop")
    if stops:
        found["stopSequences"] = [stops] if isinstance(stops, str) else stops
    form = chat.get("response_format")
    kind = form.get("type") if isinstance(form, dict) else None
    if kind in ("json_object", "json_schema"):
        found["responseMimeType"] = "application/json"
    if kind == "json_schema":
        found["responseJsonSchema"] = (form or {}).get("json_schema", {}).get("schema")
    return found


def _turns(messages: Iterable[Any]) -> Iterator[tuple[str, list[Part]]]:
    """(role, parts) of each message; results of tools name the function that was called."""
    names: dict[Any, Any] = {}
    for each in messages:
        role = each.get("role") if isinstance(each, dict) else None
        if role in ("system", "developer"):
            yield "system", list(_parts(each.get("content")))
        elif role == "tool":
            yield "user", [_result(each, names), *_shown(each.get("content"))]
        elif role == "assistant":
            calls = each.get("tool_calls") or ()
            names |= {call.get("id"): (call.get("function") or {}).get("name") for call in calls}
            said = each.get("content") or each.get("refusal")
            yield "model", [*_parts(said), *map(_call, calls)]
        elif role is not None:
            yield "user", list(_parts(each.get("content")))


def _shown(content: Any) -> list[Part]:
    """What a tool's result holds beside texts, which stands after it."""
    parts = content if isinstance(content, list) else ()
    return list(_parts([each for each in parts if isinstance(each, dict) and "text" not in each]))


def _merged(turns: Iterable[tuple[str, list[Part]]]) -> Iterator[tuple[str, list[Part]]]:
    """Turns of one role in a row are one; those that say nothing are none."""
    before: tuple[str, list[Part]] | None = None
    for role, parts in turns:
        if before is not None and before[0] == role:
            before[1].extend(parts)
        elif parts:
            if before is not None:
                yield before
            before = role, parts
    if before is not None:
        yield before


def _parts(content: Any) -> Iterator[Part]:
    for part in [{"type": "text", "text": content}] if isinstance(content, str) else content or ():
        if not isinstance(part, dict):
            continue
        text = part.get("text", part.get("refusal"))
        if isinstance(text, str):
            if text:
                yield {"text": text}
        else:
            yield _media(part)


def _media(part: dict[str, Any]) -> Part:
    """An image, a film, a sound or a file; what is Gemini's own already goes as it came."""
    image, sound = part.get("image_url") or part.get("video_url"), part.get("input_audio")
    file = part.get("file")
    if image:
        return _located(str(image.get("url") if isinstance(image, dict) else image))
    if isinstance(sound, dict):
        kind = f"audio/{sound.get('format') or 'wav'}"
        return {"inlineData": {"mimeType": kind, "data": sound.get("data")}}
    if isinstance(file, dict) and isinstance(file.get("file_data"), str):
        return _located(file["file_data"])
    return {name: value for name, value in part.items() if name != "type"}


def _located(url: str) -> Part:
    inline = DATA_URL.fullmatch(url)
    if inline is not None:
        return {"inlineData": {"mimeType": inline["kind"], "data": inline["data"]}}
    kind = mimetypes.guess_type(url)[0] or "image/jpeg"
    return {"fileData": {"mimeType": kind, "fileUri": url}}


def _call(call: Mapping[str, Any]) -> Part:
    """A call with the signature of the thoughts that led to it."""
    asked = call.get("function") or {}
    name = asked.get("name")
    named = own_id(call.get("id"), name)
    part: Part = {"functionCall": {**named, "name": name, "args": _args(asked)}}
    signature = signature_in(dict(call))
    return part | ({"thoughtSignature": signature} if signature else {})


def _args(asked: Mapping[str, Any]) -> dict[str, Any]:
    try:
        found = orjson.loads(asked.get("arguments") or "{}")
    except (orjson.JSONDecodeError, TypeError):
        return {"arguments": asked.get("arguments")}
    return found if isinstance(found, dict) else {"arguments": found}


def _result(message: Mapping[str, Any], names: Mapping[Any, Any]) -> Part:
    content = message.get("content")
    text = (
        content
        if isinstance(content, str)
        else "".join(part["text"] for part in _parts(content) if "text" in part)
    )
    name = message.get("name") or names.get(message.get("tool_call_id"))
    named = own_id(message.get("tool_call_id"), name)
    return {"functionResponse": {**named, "name": name, "response": {"result": text}}}


def _tools(chat: Mapping[str, Any]) -> dict[str, Any]:
    """Functions that may be called, and which; tools of Gemini's own go as they came."""
    stated, choice = allowed_tools(chat)
    if not stated:
        return {}
    asked = [each["function"] for each in stated if isinstance(each.get("function"), dict)]
    own = [each for each in stated if not isinstance(each.get("function"), dict)]
    declared = [{"functionDeclarations": [_declared(each) for each in asked]}] if asked else []
    mode = _mode(choice)
    wished = {"toolConfig": {"functionCallingConfig": mode}} if mode else {}
    return {"tools": [*declared, *own], **wished}


def _declared(asked: dict[str, Any]) -> dict[str, Any]:
    made = {name: asked[name] for name in ("name", "description") if asked.get(name)}
    schema = asked.get("parameters")
    return made | ({"parametersJsonSchema": schema} if schema else {})


def _mode(stated: Any) -> dict[str, Any]:
    if isinstance(stated, dict):
        name = (stated.get("function") or {}).get("name")
        return {"mode": "ANY", "allowedFunctionNames": [name]}
    return {"mode": MODES[stated]} if stated in MODES else {}
