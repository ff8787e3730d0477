"""A chat body as OpenAI's Responses ask for the same.

Written from OpenAI's API reference. What has no counterpart there (stop, seed, penalties, ...) is
left out, and named.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from windsock.wire.dialect import copied
from windsock.wire.formats.openai_usage import part_of

SHARED = ("temperature", "top_p", "top_logprobs", "stream", "service_tier", "user", "metadata",
          "parallel_tool_calls", "prompt_cache_key", "prompt_cache_retention",
          "safety_identifier")  # fmt: skip
"""Fields that are the same in both."""

CARRIED = frozenset(
    {*SHARED, "model", "messages", "max_tokens", "max_completion_tokens", "tools", "tool_choice",
     "response_format", "reasoning_effort", "verbosity", "logprobs", "store", "stream_options",
     "web_search_options", "cache_control"}
)  # fmt: skip
"""Fields of chat completions that have a counterpart, or ask for what is done anyhow."""

LOGPROBS = "message.output_text.logprobs"
THOUGHTS = "reasoning.encrypted_content"
"""What is put out only where it is asked for; thoughts go with the next turn, nothing is stored."""

Item = dict[str, Any]


def responses_body(chat: Mapping[str, Any], model: str) -> dict[str, Any]:
    """The body of a call; `chat` is one of chat completions, parsed."""
    items = [item for each in chat.get("messages") or () for item in _items(each)]
    body = {
        "model": model,
        "input": items,
        **copied(dict(chat), *SHARED),
        "store": bool(chat.get("store")),
    }
    limit = chat.get("max_completion_tokens") or chat.get("max_tokens")
    if limit:
        body["max_output_tokens"] = limit
    if tools := list(_tools(chat)):
        body["tools"] = tools
    if chat.get("tool_choice"):
        body["tool_choice"] = _choice(chat["tool_choice"])
    return body | _text(chat) | _thinking(chat)


def _items(turn: Any) -> Iterator[Item]:
    """A turn, and the calls in it, as items of their own."""
    role = turn.get("role") if isinstance(turn, dict) else None
    if role == "tool":
        yield {
            "type": "function_call_output",
            "call_id": turn.get("tool_call_id"),
            "output": _output(turn.get("content")),
        }
    elif role == "assistant":
        yield from (each for each in turn.get("reasoning_items") or () if isinstance(each, dict))
        said = [*_parts(turn.get("content"), "output_text"), *_refusal(turn)]
        if said:
            yield {"type": "message", "role": "assistant", "content": said}
        yield from map(_call, turn.get("tool_calls") or ())
    elif role is not None:
        parts = list(_parts(turn.get("content"), "input_text"))
        yield {"type": "message", "role": role, "content": parts}


def _call(call: Mapping[str, Any]) -> Item:
    asked = part_of(call, "function")
    return {
        "type": "function_call",
        "call_id": call.get("id"),
        "name": asked.get("name"),
        "arguments": asked.get("arguments") or "{}",
    }


def _output(content: Any) -> Any:
    return content if isinstance(content, str) else list(_parts(content, "input_text"))


def _refusal(turn: Mapping[str, Any]) -> list[Item]:
    refusal = turn.get("refusal")
    return [{"type": "refusal", "refusal": refusal}] if refusal else []


def _parts(content: Any, kind: str) -> Iterator[Item]:
    """Parts of a turn; texts are of this kind."""
    for part in [{"type": "text", "text": content}] if isinstance(content, str) else content or ():
        match part:
            case {"type": "text", "text": str(text)}:
                yield {"type": kind, "text": text}
            case {"type": "image_url", "image_url": image}:
                yield _image(image)
            case {"type": "file", "file": dict(file)}:
                yield {"type": "input_file", **_file(file)}
            case {"type": _}:
                yield part


def _image(image: Any) -> Item:
    stated = image if isinstance(image, dict) else {"url": image}
    return {
        "type": "input_image",
        "image_url": stated.get("url"),
        "detail": stated.get("detail") or "auto",
    }


def _file(file: dict[str, Any]) -> Item:
    """By its data, its id, or the address it is fetched from, which takes no name."""
    data = str(file.get("file_data") or "")
    if data.startswith(("http://", "https://")):
        return {"file_url": data}
    return copied(file, "file_data", "file_id", "filename")


def _tools(chat: Mapping[str, Any]) -> Iterator[Item]:
    """Functions, whose schemas are kept to strictly only where the client says so."""
    for tool in chat.get("tools") or ():
        asked = tool.get("function") if isinstance(tool, dict) else None
        if isinstance(asked, dict):
            function = copied(asked, "name", "description", "parameters")
            yield {"type": "function", **function, "strict": bool(asked.get("strict"))}
        elif isinstance(tool, dict):
            yield tool
    if isinstance(search := chat.get("web_search_options"), dict):
        wished = copied(search, "search_context_size")
        place = part_of(search, "user_location").get("approximate")
        located = {"user_location": {"type": "approximate", **place}} if place else {}
        yield {"type": "web_search", **wished, **located}


def _choice(stated: Any) -> Any:
    if not isinstance(stated, dict):
        return stated
    if isinstance(allowed := stated.get("allowed_tools"), dict):
        return {"type": "allowed_tools", **allowed, "tools": list(_tools(allowed))}
    return {"type": "function", "name": part_of(stated, "function").get("name")}


def _text(chat: Mapping[str, Any]) -> dict[str, Any]:
    """What form the text must have, and how long it should be."""
    form = part_of(chat, "response_format")
    schema = form.get("json_schema")
    wished = {"format": dict(form)} if form else {}
    if isinstance(schema, dict):
        kept = {"name": "answer", **copied(schema, "name", "description", "schema", "strict")}
        wished = {"format": {"type": "json_schema", **kept}}
    wished |= copied(dict(chat), "verbosity")
    return {"text": wished} if wished else {}


def _thinking(chat: Mapping[str, Any]) -> dict[str, Any]:
    effort, include = chat.get("reasoning_effort"), [LOGPROBS] if chat.get("logprobs") else []
    if not effort:
        return {"include": include} if include else {}
    return {"reasoning": {"effort": effort, "summary": "auto"}, "include": [*include, THOUGHTS]}
