"""A chat body as Anthropic's Messages ask for the same.

Written from Anthropic's API reference. What has no counterpart (seed, penalties, ...) is left out,
as Anthropic's own compatible endpoint does, and named; what would change the meaning (several
answers, logprobs) is ruled out before, by what `parameters.toml` says of the provider.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import orjson

from windsock.wire.dialect import copied
from windsock.wire.service_tiers import asked_of_anthropic

SHARED = ("temperature", "top_p", "top_k", "stream", "thinking", "cache_control", "speed",
          "output_config", "context_management", "container", "mcp_servers")  # fmt: skip
"""Fields that are the same in both, or are Anthropic's own and pass through."""

CARRIED = frozenset(
    {*SHARED, "model", "messages", "max_tokens", "max_completion_tokens", "tools", "tool_choice",
     "parallel_tool_calls", "stop", "user", "service_tier", "response_format", "stream_options"}
)  # fmt: skip
"""Fields of chat completions that have a counterpart."""

MAX_TOKENS = 8192
"""Of an answer whose client sets no limit, which Messages demand: what every living model takes."""

CHOICES = {"auto": "auto", "required": "any", "none": "none"}
"""Anthropic's word for a tool_choice."""

DATA_URL = re.compile(r"data:(?P<kind>[^;,]+);base64,(?P<data>.*)", re.DOTALL)

Block = dict[str, Any]


def messages_body(chat: Mapping[str, Any], model: str) -> dict[str, Any]:
    """The body of a call; `chat` is one of chat completions, parsed."""
    body = {"model": model, **copied(dict(chat), *SHARED), "max_tokens": _max_tokens(chat)}
    turns = list(_turns(chat.get("messages") or ()))
    system = [block for role, blocks in turns if role == "system" for block in blocks]
    others = _merged((role, blocks) for role, blocks in turns if role != "system")
    said = [{"role": role, "content": blocks} for role, blocks in others]
    if system and said:
        body["system"] = system
    body["messages"] = said or ([{"role": "user", "content": system}] if system else [])
    if chat.get("tools"):
        body |= _tools(chat)
    if stops := _stops(chat.get("stop")):
        body["stop_sequences"] = stops
    if chat.get("user"):
        body["metadata"] = {"user_id": str(chat["user"])}
    return body | asked_of_anthropic(chat.get("service_tier")) | _schema(chat)


def _max_tokens(chat: Mapping[str, Any]) -> int:
    """As asked for; what is thought counts too."""
    stated = chat.get("max_completion_tokens") or chat.get("max_tokens")
    thinking = chat.get("thinking")
    budget = thinking.get("budget_tokens") if isinstance(thinking, dict) else None
    return stated or MAX_TOKENS + (budget if isinstance(budget, int) else 0)


def _turns(messages: Iterable[Any]) -> Iterator[tuple[str, list[Block]]]:
    """(role, blocks) of each message; results of tools are the user's."""
    for each in messages:
        role = each.get("role") if isinstance(each, dict) else None
        if role in ("system", "developer"):
            yield "system", list(_blocks(each.get("content")))
        elif role == "tool":
            yield "user", [_result(each)]
        elif role == "assistant":
            yield "assistant", list(_said(each))
        elif role is not None:
            yield "user", list(_blocks(each.get("content")))


def _merged(turns: Iterable[tuple[str, list[Block]]]) -> Iterator[tuple[str, list[Block]]]:
    """Turns of one role in a row are one; those that say nothing are none."""
    before: tuple[str, list[Block]] | None = None
    for role, blocks in turns:
        if before is not None and before[0] == role:
            before[1].extend(blocks)
        elif blocks:
            if before is not None:
                yield before
            before = role, blocks
    if before is not None:
        yield before


def _said(message: Mapping[str, Any]) -> Iterator[Block]:
    """What the model thought, said and called; a signature is only good with its thoughts."""
    thoughts = message.get("thinking_blocks")
    yield from (each for each in thoughts or () if isinstance(each, dict))
    yield from _blocks(message.get("content") or message.get("refusal"))
    for call in message.get("tool_calls") or ():
        asked = call.get("function") or {}
        yield {
            "type": "tool_use",
            "id": call.get("id"),
            "name": asked.get("name"),
            "input": _arguments(asked.get("arguments")),
        }


def _arguments(text: Any) -> Any:
    """An object; what a model wrote that is none is kept under a name of its own."""
    try:
        found = orjson.loads(text or "{}")
    except (orjson.JSONDecodeError, TypeError):
        return {"arguments": text}
    return found if isinstance(found, dict) else {"arguments": found}


def _blocks(content: Any) -> Iterator[Block]:
    """Parts of a message; a text without a character is refused, so it is left out."""
    for part in [{"type": "text", "text": content}] if isinstance(content, str) else content or ():
        if not isinstance(part, dict):
            continue
        if part.get("type") in ("text", "input_text", "refusal"):
            text = part.get("text") or part.get("refusal")
            if isinstance(text, str) and text.strip():
                yield {"type": "text", "text": text, **copied(part, "cache_control")}
        else:
            yield _other(part)


def _other(part: dict[str, Any]) -> Block:
    """An image or a file; what is Anthropic's own already, or nobody's, goes as it came."""
    image, file = part.get("image_url"), part.get("file")
    if image:
        url = image.get("url") if isinstance(image, dict) else image
        return {"type": "image", "source": _source(str(url)), **copied(part, "cache_control")}
    if isinstance(file, dict) and isinstance(file.get("file_data"), str):
        block = {"type": "document", "source": _source(file["file_data"])}
        return block | ({"title": file["filename"]} if file.get("filename") else {})
    return part


def _source(url: str) -> dict[str, Any]:
    inline = DATA_URL.fullmatch(url)
    if inline is None:
        return {"type": "url", "url": url}
    return {"type": "base64", "media_type": inline["kind"], "data": inline["data"]}


def _result(message: Mapping[str, Any]) -> Block:
    blocks = list(_blocks(message.get("content")))
    made = {"type": "tool_result", "tool_use_id": message.get("tool_call_id")}
    return made | ({"content": blocks} if blocks else {})


def _tools(chat: Mapping[str, Any]) -> dict[str, Any]:
    """Functions as tools, and which may be called; tools of Anthropic's own go as they came."""
    stated, wished = allowed_tools(chat)
    if not stated:
        return {}
    choice = _choice(wished)
    if chat.get("parallel_tool_calls") is False and choice.get("type") != "none":
        choice = {"type": "auto", **choice, "disable_parallel_tool_use": True}
    tools = [_tool(each) for each in stated]
    return {"tools": tools} | ({"tool_choice": choice} if choice else {})


def allowed_tools(chat: Mapping[str, Any]) -> tuple[list[dict[str, Any]], Any]:
    """The tools and the tool_choice; of tools of which some are allowed, those alone."""
    tools, choice = [t for t in chat["tools"] if isinstance(t, dict)], chat.get("tool_choice")
    allowed = choice.get("allowed_tools") if isinstance(choice, dict) else None
    if not isinstance(allowed, dict):
        return tools, choice
    stated = allowed.get("tools")
    names = [*map(_name_of, stated)] if isinstance(stated, list) else []
    kept = [each for each in tools if (name := _name_of(each)) is not None and name in names]
    return kept, allowed.get("mode")


def _name_of(tool: Any) -> Any:
    """Of a tool, in a function or beside its type; None of what is none."""
    if not isinstance(tool, dict):
        return None
    function = tool.get("function")
    return (function if isinstance(function, dict) else tool).get("name")


def _tool(tool: dict[str, Any]) -> dict[str, Any]:
    asked = tool.get("function")
    if not isinstance(asked, dict):
        return tool
    schema = asked.get("parameters") or {"type": "object", "properties": {}}
    return {
        **copied(asked, "name", "description", "strict"),
        "input_schema": schema,
        **copied(tool, "cache_control"),
    }


def _choice(stated: Any) -> dict[str, Any]:
    if isinstance(stated, dict):
        return {"type": "tool", "name": (stated.get("function") or {}).get("name")}
    return {"type": CHOICES[stated]} if stated in CHOICES else {}


def _stops(stated: Any) -> list[str]:
    """Sequences that end an answer; blank ones are refused."""
    stops = [stated] if isinstance(stated, str) else stated or ()
    return [each for each in stops if isinstance(each, str) and each.strip()]


def _schema(chat: Mapping[str, Any]) -> dict[str, Any]:
    """A JSON schema that the answer keeps to."""
    form = chat.get("response_format")
    stated = form.get("json_schema") if isinstance(form, dict) else None
    if not isinstance(stated, dict):
        return {}
    wished = {"format": {"type": "json_schema", "schema": stated.get("schema")}}
    return {"output_config": {**(chat.get("output_config") or {}), **wished}}
