"""OpenAI's Responses format: POST /v1/responses.

Written from OpenAI's API reference and its published OpenAPI document. Nothing is stored: what
needs a stored conversation (previous_response_id, conversation, background) is refused, and so is
what runs at OpenAI only (files, built-in tools).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from windsock.errors import BadRequest
from windsock.wire.dialect import copied, listed, schema_format, text_of

SHARED = ("model", "models", "provider", "session_id", "temperature", "top_p", "stream",
          "service_tier", "user", "parallel_tool_calls", "seed", "metadata",
          "prompt_cache_key", "safety_identifier")  # fmt: skip
ECHOED = ("instructions", "max_output_tokens", "temperature", "top_p", "tools", "tool_choice",
          "parallel_tool_calls", "metadata", "text", "reasoning", "user", "truncation")  # fmt: skip
STORED = ("previous_response_id", "conversation", "background", "prompt")
DEFAULTS: dict[str, Any] = {
    "instructions": None,
    "max_output_tokens": None,
    "temperature": None,
    "top_p": None,
    "tools": [],
    "tool_choice": "auto",
    "parallel_tool_calls": True,
    "metadata": {},
    "text": {"format": {"type": "text"}},
    "reasoning": {"effort": None, "summary": None},
    "truncation": "disabled",
}


@dataclass(slots=True)
class Item:
    """An item of the output while it streams."""

    index: int
    body: dict[str, Any]
    parts: list[str] = field(default_factory=list)

    @property
    def is_call(self) -> bool:
        return bool(self.body["type"] == "function_call")


class Responses:
    """One request to /v1/responses."""

    def __init__(self) -> None:
        self._asked: dict[str, Any] = {}
        self._number = -1
        self._first: dict[str, Any] = {}
        self._finish: str | None = None
        self._usage: dict[str, Any] | None = None
        self._done: list[dict[str, Any]] = []
        self._item: Item | None = None
        self._key: object = None

    def asked(self, body: dict[str, Any]) -> dict[str, Any]:
        self._asked = body
        for name in STORED:
            if body.get(name):
                raise BadRequest(
                    f"{name}: nothing is stored here; send the whole input with every request",
                    param=name,
                )
        messages = _messages(body.get("input"))
        if body.get("instructions"):
            messages.insert(0, {"role": "system", "content": str(body["instructions"])})
        chat = {**copied(body, *SHARED), "messages": messages}
        if body.get("max_output_tokens") is not None:
            chat["max_tokens"] = body["max_output_tokens"]
        if body.get("tools"):
            chat["tools"] = [_tool(each) for each in listed(body["tools"], "tools")]
        if body.get("tool_choice"):
            chat["tool_choice"] = _choice(body["tool_choice"])
        form = (body.get("text") or {}).get("format") or {}
        if form.get("type") == "json_schema":
            is_strict = bool(form.get("strict", True))
            name = form.get("name") or "answer"
            chat["response_format"] = schema_format(form.get("schema"), name, strict=is_strict)
        elif form.get("type") == "json_object":
            chat["response_format"] = {"type": "json_object"}
        if (body.get("reasoning") or {}).get("effort"):
            chat["reasoning_effort"] = body["reasoning"]["effort"]
        if body.get("stream"):
            chat["stream_options"] = {"include_usage": True}
        return chat

    def answered(self, body: dict[str, Any]) -> dict[str, Any]:
        choice = body["choices"][0]
        message = choice.get("message") or {}
        name, output = str(body.get("id")), []
        if message.get("content") or message.get("refusal"):
            said = _said(message.get("content") or "", message.get("refusal"))
            output.append(_message(f"msg_{name}", [said]))
        for number, call in enumerate(message.get("tool_calls") or ()):
            asked = call["function"]
            output.append(_call(f"fc_{name}_{number}", call.get("id"), asked["name"],
                                asked.get("arguments") or ""))  # fmt: skip
        return self._response(body, output, choice.get("finish_reason"), body.get("usage"))

    def refused(self, status: int, message: str) -> dict[str, Any]:
        kind = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}
        usual = "invalid_request_error" if status < 500 else "server_error"
        error = {"message": message, "type": kind.get(status, usual), "param": None, "code": None}
        return {"error": error}

    def streamed(self, chunk: dict[str, Any]) -> Iterator[dict[str, Any]]:
        if not self._first:
            self._first = chunk
            for kind in ("response.created", "response.in_progress"):
                begun = self._response(chunk, [], None, None) | {"status": "in_progress"}
                yield self._event(kind, response=begun)
        if chunk.get("usage"):
            self._usage = chunk["usage"]
        for choice in (chunk.get("choices") or ())[:1]:
            delta = choice.get("delta") or {}
            if delta.get("content"):
                yield from self._text(delta["content"])
            if delta.get("refusal"):
                yield from self._text(delta["refusal"])
            for call in delta.get("tool_calls") or ():
                yield from self._part_of_call(call)
            self._finish = choice.get("finish_reason") or self._finish

    def ended(self) -> Iterator[dict[str, Any]]:
        yield from self._close()
        whole = self._response(self._first, self._done, self._finish, self._usage)
        yield self._event(f"response.{whole['status']}", response=whole)

    def broken(self, message: str) -> Iterator[dict[str, Any]]:
        error = {"message": message, "type": "server_error", "param": None, "code": "stream_broken"}
        yield self._event("error", code="stream_broken", message=message, param=None, error=error)

    def _event(self, kind: str, **facts: Any) -> dict[str, Any]:
        self._number += 1
        return {"type": kind, "sequence_number": self._number, **facts}

    def _text(self, text: str) -> Iterator[dict[str, Any]]:
        if self._key != "text":
            body = _message(f"msg_{self._first.get('id')}", []) | {"status": "in_progress"}
            yield from self._begin("text", body)
            yield self._event("response.content_part.added", part=_said(""), **self._at_text())
        self._current.parts.append(text)
        yield self._event("response.output_text.delta", delta=text, logprobs=[], **self._at_text())

    def _part_of_call(self, call: dict[str, Any]) -> Iterator[dict[str, Any]]:
        number, asked = call.get("index", 0), call.get("function") or {}
        if self._key != number:
            name = f"fc_{self._first.get('id')}_{number}"
            body = _call(name, call.get("id"), asked.get("name", ""), "")
            yield from self._begin(number, body | {"status": "in_progress"})
        if asked.get("arguments"):
            self._current.parts.append(asked["arguments"])
            yield self._event("response.function_call_arguments.delta",
                              delta=asked["arguments"], **self._at())  # fmt: skip

    def _begin(self, key: object, body: dict[str, Any]) -> Iterator[dict[str, Any]]:
        yield from self._close()
        self._key, self._item = key, Item(len(self._done), body)
        yield self._event("response.output_item.added", output_index=self._item.index, item=body)

    def _close(self) -> Iterator[dict[str, Any]]:
        if self._item is None:
            return
        item, text = self._item, "".join(self._item.parts)
        if item.is_call:
            whole = item.body | {"arguments": text, "status": "completed"}
            yield self._event("response.function_call_arguments.done", arguments=text,
                              name=whole["name"], **self._at())  # fmt: skip
        else:
            said = _said(text)
            whole = item.body | {"content": [said], "status": "completed"}
            at = self._at_text()
            yield self._event("response.output_text.done", text=text, logprobs=[], **at)
            yield self._event("response.content_part.done", part=said, **at)
        yield self._event("response.output_item.done", output_index=item.index, item=whole)
        self._done.append(whole)
        self._item, self._key = None, None

    @property
    def _current(self) -> Item:
        assert self._item is not None
        return self._item

    def _at(self) -> dict[str, Any]:
        return {"item_id": self._current.body["id"], "output_index": self._current.index}

    def _at_text(self) -> dict[str, Any]:
        return {**self._at(), "content_index": 0}

    def _response(
        self,
        body: dict[str, Any],
        output: list[dict[str, Any]],
        finish: str | None,
        usage: dict[str, Any] | None,
    ) -> dict[str, Any]:
        reason = {"length": "max_output_tokens", "content_filter": "content_filter"}.get(
            finish or ""
        )
        return {
            "id": body.get("id"),
            "object": "response",
            "created_at": body.get("created") or 0,
            "status": "completed" if reason is None else "incomplete",
            "error": None,
            "incomplete_details": None if reason is None else {"reason": reason},
            "model": body.get("model"),
            "output": output,
            "usage": _usage(usage),
            "store": False,
            "previous_response_id": None,
            **DEFAULTS,
            **copied(self._asked, *ECHOED),
            **copied(body, "provider", "service_tier"),
        }


def _messages(asked: Any) -> list[dict[str, Any]]:
    """Input items as chat messages; calls of one turn are one message."""
    if isinstance(asked, str):
        return [{"role": "user", "content": asked}]
    messages: list[dict[str, Any]] = []
    for item in listed(asked, "input"):
        match item.get("type", "message"):
            case "message":
                messages.append(_turn(item))
            case "function_call":
                call = {"id": item.get("call_id"), "type": "function",
                        "function": copied(item, "name", "arguments")}  # fmt: skip
                if not messages or messages[-1]["role"] != "assistant":
                    messages.append({"role": "assistant", "content": None})
                messages[-1].setdefault("tool_calls", []).append(call)
            case "function_call_output":
                text = text_of(item.get("output") or "", "input")
                said = {"role": "tool", "tool_call_id": item.get("call_id"), "content": text}
                messages.append(said)
            case "reasoning":
                continue
            case kind:
                raise BadRequest(f"input: an item of type {kind!r} cannot be routed", param="input")
    return messages


def _turn(item: dict[str, Any]) -> dict[str, Any]:
    role = {"developer": "system"}.get(item.get("role", ""), item.get("role"))
    content = item.get("content")
    if isinstance(content, str):
        return {"role": role, "content": content}
    parts = [_part(each) for each in listed(content, "input")]
    if all(part["type"] == "text" for part in parts):
        return {"role": role, "content": "\n".join(part["text"] for part in parts)}
    return {"role": role, "content": parts}


def _part(part: dict[str, Any]) -> dict[str, Any]:
    match part.get("type"):
        case "input_text" | "output_text":
            return {"type": "text", "text": str(part.get("text", ""))}
        case "refusal":
            return {"type": "text", "text": str(part.get("refusal", ""))}
        case "input_image" if part.get("image_url"):
            image = {"url": part["image_url"], **copied(part, "detail")}
            return {"type": "image_url", "image_url": image}
        case kind:
            raise BadRequest(f"input: content of type {kind!r} cannot be routed; send input_text "
                             "or input_image with an image_url", param="input")  # fmt: skip


def _tool(tool: dict[str, Any]) -> dict[str, Any]:
    if tool.get("type") != "function":
        raise BadRequest(
            f"tools: {tool.get('type')!r} runs at OpenAI only; send functions", param="tools"
        )
    return {"type": "function", "function": copied(tool, "name", "description", "parameters",
                                                   "strict")}  # fmt: skip


def _choice(choice: Any) -> Any:
    if isinstance(choice, str):
        return choice
    if isinstance(choice, dict) and choice.get("type") == "function":
        return {"type": "function", "function": {"name": choice.get("name")}}
    raise BadRequest("tool_choice must be auto, none, required or a function", param="tool_choice")


def _said(text: str, refusal: str | None = None) -> dict[str, Any]:
    if refusal:
        return {"type": "refusal", "refusal": refusal}
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def _message(name: str, content: list[dict[str, Any]]) -> dict[str, Any]:
    return {"id": name, "type": "message", "role": "assistant", "status": "completed",
            "content": content}  # fmt: skip


def _call(name: str, call_id: Any, function: str, arguments: str) -> dict[str, Any]:
    return {"id": name, "type": "function_call", "call_id": call_id, "name": function,
            "arguments": arguments, "status": "completed"}  # fmt: skip


def _usage(counted: dict[str, Any] | None) -> dict[str, Any] | None:
    if counted is None:
        return None
    given = counted.get("prompt_tokens_details") or {}
    got = counted.get("completion_tokens_details") or {}
    asked, answered = counted.get("prompt_tokens") or 0, counted.get("completion_tokens") or 0
    cached = counted.get("prompt_cache_hit_tokens") or given.get("cached_tokens") or 0
    written = given.get("cache_write_tokens") or 0
    return {
        "input_tokens": asked,
        "input_tokens_details": {"cached_tokens": cached, "cache_write_tokens": written},
        "output_tokens": answered,
        "output_tokens_details": {"reasoning_tokens": got.get("reasoning_tokens") or 0},
        "total_tokens": counted.get("total_tokens") or asked + answered,
        **copied(counted, "cost"),
    }
