"""Anthropic's Messages format: POST /v1/messages and its token count.

Written from Anthropic's API reference (messages, streaming, errors). What has no counterpart in
chat completions is refused (documents, server tools) or has no effect (top_k, thinking budgets).
Marks of what to cache become one for the whole prompt, which who speaks Messages takes; all others
that cache do so by themselves.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from windsock.errors import BadRequest
from windsock.wire.dialect import copied, listed, object_in, schema_format, text_of
from windsock.wire.formats.anthropic.caching import cache_mark
from windsock.wire.service_tiers import message_tier, told_tier

SHARED = ("model", "models", "provider", "session_id", "max_tokens", "temperature", "top_p",
          "stream")  # fmt: skip
"""Fields that chat completions have under the same name."""

CHOICES = {"auto": "auto", "any": "required", "none": "none"}
"""Chat's word for a tool_choice."""

STOPS = {"length": "max_tokens", "tool_calls": "tool_use", "function_call": "tool_use",
         "content_filter": "refusal"}  # fmt: skip
"""Why a message ended, by the finish_reason of chat completions."""

LEFT_OUT = ("thinking", "redacted_thinking", "server_tool_use", "mcp_tool_use", "container_upload",
            "compaction")  # fmt: skip
"""Blocks that mean something at Anthropic only, as do the results of its own tools."""

KINDS = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    422: "invalid_request_error",
    429: "rate_limit_error",
    503: "overloaded_error",
    504: "timeout_error",
}
"""The type of an error, by its status."""


class Messages:
    """One request to /v1/messages."""

    end_mark = b""

    def __init__(self) -> None:
        self._index = -1
        self._open: str | int | None = None
        self._stop: str | None = None
        self._usage: dict[str, Any] = {}
        self._is_begun = False

    def asked(self, body: dict[str, Any]) -> dict[str, Any]:
        """The chat body that asks for the same; raises BadRequest."""
        messages = [each for part in _turns(body) for each in _messages(part)]
        if body.get("system"):
            messages.insert(0, {"role": "system", "content": text_of(body["system"], "system")})
        chat = {**copied(body, *SHARED), "messages": messages}
        if body.get("stop_sequences"):
            chat["stop"] = body["stop_sequences"]
        if body.get("tools"):
            chat["tools"] = [_tool(each) for each in listed(body["tools"], "tools")]
        if body.get("tool_choice"):
            chat |= _choice(object_in(body, "tool_choice"))
        config = object_in(body, "output_config")
        form = object_in(config, "format") or object_in(body, "output_format")
        if form.get("type") == "json_schema":
            chat["response_format"] = schema_format(form.get("schema"))
        chat |= _who(body.get("metadata")) | cache_mark(body) | message_tier(body)
        if body.get("stream"):
            chat["stream_options"] = {"include_usage": True}
        return chat

    def answered(self, body: dict[str, Any]) -> dict[str, Any]:
        """A message from a chat completion; tool calls become blocks of it."""
        choice = body["choices"][0]
        message = choice.get("message") or {}
        text = message.get("content") or message.get("refusal")
        content: list[dict[str, Any]] = [{"type": "text", "text": text}] if text else []
        for call in message.get("tool_calls") or ():
            asked = call["function"]
            content.append(_tool_use(call.get("id"), asked["name"], _arguments(asked)))
        stop = STOPS.get(choice.get("finish_reason"), "end_turn")
        return _message(body, content, stop, _usage(body.get("usage")) | told_tier(body))

    def refused(self, status: int, message: str) -> dict[str, Any]:
        """An error with Anthropic's word for its status."""
        kind = KINDS.get(status, "invalid_request_error" if status < 500 else "api_error")
        return {"type": "error", "error": {"type": kind, "message": message}}

    def streamed(self, chunk: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """Events of a message; blocks open and close as text and calls come."""
        if not self._is_begun:
            self._is_begun = True
            yield {"type": "message_start", "message": _message(chunk, [], None, _usage(None))}
        if chunk.get("usage"):
            self._usage = _usage(chunk["usage"]) | told_tier(chunk)
        for choice in (chunk.get("choices") or ())[:1]:
            delta = choice.get("delta") or {}
            if delta.get("content") or delta.get("refusal"):
                yield from self._text(delta.get("content") or delta["refusal"])
            for call in delta.get("tool_calls") or ():
                yield from self._call(call)
            if choice.get("finish_reason"):
                self._stop = STOPS.get(choice["finish_reason"], "end_turn")

    def ended(self) -> Iterator[dict[str, Any]]:
        """Closes the last block, then tells why it stopped and what was used."""
        yield from self._close()
        delta = {"stop_reason": self._stop, "stop_sequence": None}
        yield {"type": "message_delta", "delta": delta, "usage": self._usage or _usage(None)}
        yield {"type": "message_stop"}

    def broken(self, message: str) -> Iterator[dict[str, Any]]:
        """An error event; nothing follows it."""
        yield {"type": "error", "error": {"type": "api_error", "message": message}}

    def _text(self, text: str) -> Iterator[dict[str, Any]]:
        if self._open != "text":
            yield from self._start("text", {"type": "text", "text": ""})
        yield self._delta({"type": "text_delta", "text": text})

    def _call(self, call: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """A part of a tool call; calls are told apart by their index, which some leave out."""
        number, asked = call.get("index", 0), call.get("function") or {}
        if self._open != number:
            yield from self._start(number, _tool_use(call.get("id"), asked.get("name", ""), {}))
        if asked.get("arguments"):
            yield self._delta({"type": "input_json_delta", "partial_json": asked["arguments"]})

    def _start(self, what: str | int, block: dict[str, Any]) -> Iterator[dict[str, Any]]:
        yield from self._close()
        self._open, self._index = what, self._index + 1
        yield {"type": "content_block_start", "index": self._index, "content_block": block}

    def _delta(self, delta: dict[str, Any]) -> dict[str, Any]:
        return {"type": "content_block_delta", "index": self._index, "delta": delta}

    def _close(self) -> Iterator[dict[str, Any]]:
        if self._open is not None:
            self._open = None
            yield {"type": "content_block_stop", "index": self._index}


class TokenCount(Messages):
    """One request to /v1/messages/count_tokens."""

    def answered(self, body: dict[str, Any]) -> dict[str, Any]:
        """The count is told as it is."""
        return body


def _turns(body: dict[str, Any]) -> list[dict[str, Any]]:
    turns = listed(body.get("messages"), "messages")
    for turn in turns:
        if turn.get("role") not in ("user", "assistant", "system"):
            raise BadRequest(
                f"messages: the role {turn.get('role')!r} is unknown", param="messages"
            )
    return turns


def _messages(turn: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A turn as chat messages: results of tools are messages of their own, before the rest."""
    role, content = turn["role"], turn.get("content")
    if isinstance(content, str):
        yield {"role": role, "content": content}
        return
    parts, calls = [], []
    for block in listed(content, "messages"):
        match block.get("type"):
            case "tool_result":
                yield _result(block)
            case "tool_use":
                calls.append(_tool_call(block))
            case "text" | "image":
                parts.append(_part(block))
            case str(kind) if kind in LEFT_OUT or kind.endswith("_tool_result"):
                continue
            case kind:
                raise BadRequest(f"messages: content of type {kind!r} cannot be routed; send text, "
                                 "images, tool_use or tool_result", param="messages")  # fmt: skip
    if calls:
        text = "".join(part.get("text", "") for part in parts)
        yield {"role": role, "content": text or None, "tool_calls": calls}
    elif parts:
        is_text = all(part["type"] == "text" for part in parts)
        joined = "\n".join(part["text"] for part in parts) if is_text else ""
        yield {"role": role, "content": joined if is_text else parts}


def _part(block: dict[str, Any]) -> dict[str, Any]:
    if block["type"] == "text":
        return {"type": "text", "text": str(block.get("text", ""))}
    source = object_in(block, "source")
    if source.get("type") == "base64":
        url = f"data:{source.get('media_type')};base64,{source.get('data')}"
    elif source.get("type") == "url":
        url = str(source.get("url"))
    else:
        raise BadRequest("messages: an image must come as base64 or url", param="messages")
    return {"type": "image_url", "image_url": {"url": url}}


def _result(block: dict[str, Any]) -> dict[str, Any]:
    text = text_of(block.get("content") or "", "tool_result")
    if block.get("is_error"):
        text = f"error: {text}"
    return {"role": "tool", "tool_call_id": block.get("tool_use_id"), "content": text}


def _tool_call(block: dict[str, Any]) -> dict[str, Any]:
    arguments = orjson.dumps(block.get("input") or {}).decode()
    function = {"name": block.get("name"), "arguments": arguments}
    return {"id": block.get("id"), "type": "function", "function": function}


def _tool(tool: dict[str, Any]) -> dict[str, Any]:
    if "input_schema" not in tool:
        raise BadRequest(
            f"tools: {tool.get('type') or tool.get('name')!r} runs at Anthropic only; "
            "send tools with an input_schema",
            param="tools",
        )
    function = {**copied(tool, "name", "description"), "parameters": tool["input_schema"]}
    return {"type": "function", "function": function | copied(tool, "strict")}


def _choice(choice: dict[str, Any]) -> dict[str, Any]:
    kind = choice.get("type")
    if kind == "tool":
        chosen: Any = {"type": "function", "function": {"name": choice.get("name")}}
    elif kind in CHOICES:
        chosen = CHOICES[kind]
    else:
        raise BadRequest(f"tool_choice: {kind!r} is unknown", param="tool_choice")
    is_single = choice.get("disable_parallel_tool_use")
    return {"tool_choice": chosen} | ({"parallel_tool_calls": False} if is_single else {})


def _who(metadata: Any) -> dict[str, Any]:
    """Anthropic's metadata names a user; a task for routing may stand beside it."""
    said = metadata if isinstance(metadata, dict) else {}
    found = {"user": said["user_id"]} if said.get("user_id") else {}
    return found | ({"metadata": {"task": said["task"]}} if said.get("task") else {})


def _tool_use(name_of_call: Any, name: str, arguments: Any) -> dict[str, Any]:
    return {"type": "tool_use", "id": name_of_call, "name": name, "input": arguments}


def _arguments(function: dict[str, Any]) -> Any:
    """Parsed; a model may write arguments that are no JSON, which the caller must see."""
    try:
        return orjson.loads(function.get("arguments") or "{}")
    except orjson.JSONDecodeError:
        return {"arguments": function["arguments"]}


def _message(
    body: dict[str, Any], content: list[dict[str, Any]], stop: str | None, usage: dict[str, Any]
) -> dict[str, Any]:
    return {
        "id": body.get("id"),
        "type": "message",
        "role": "assistant",
        "model": body.get("model"),
        "content": content,
        "stop_reason": stop,
        "stop_sequence": None,
        "usage": usage,
        **copied(body, "provider"),
    }


def _usage(counted: dict[str, Any] | None) -> dict[str, Any]:
    """Anthropic counts what was read from a cache beside the input, not in it."""
    said = counted or {}
    given = said.get("prompt_tokens_details") or {}
    cached = said.get("prompt_cache_hit_tokens") or given.get("cached_tokens") or 0
    written = given.get("cache_write_tokens") or 0
    return {
        "input_tokens": max(0, (said.get("prompt_tokens") or 0) - cached - written),
        "cache_creation_input_tokens": written,
        "cache_read_input_tokens": cached,
        "output_tokens": said.get("completion_tokens") or 0,
        **copied(said, "cost"),
    }
