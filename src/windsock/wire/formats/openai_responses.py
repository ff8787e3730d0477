"""OpenAI's Responses format: POST /v1/responses.

Written from OpenAI's API reference and its published OpenAPI document. Nothing is stored: what
needs a stored conversation (previous_response_id, conversation, background) is refused, and so is
what runs at OpenAI only (files, built-in tools).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from windsock.errors import BadRequest
from windsock.wire.dialect import copied, listed, object_in, schema_format, text_of
from windsock.wire.formats.openai_responses_output import (
    call_item,
    message_item,
    output_text,
    response_of,
)
from windsock.wire.formats.openai_responses_stream import ResponsesStream

SHARED = ("model", "models", "provider", "session_id", "temperature", "top_p", "stream",
          "service_tier", "user", "parallel_tool_calls", "seed", "metadata",
          "prompt_cache_key", "safety_identifier")  # fmt: skip
"""Fields that chat completions have under the same name."""

LEFT_OUT = frozenset(
    {"reasoning", "compaction", "web_search_call", "file_search_call", "code_interpreter_call",
     "image_generation_call", "computer_call", "computer_call_output", "mcp_call",
     "mcp_list_tools", "mcp_approval_request", "mcp_approval_response"}
)  # fmt: skip
"""Items that mean something at OpenAI only."""

STORED = ("previous_response_id", "conversation", "background", "prompt")
"""Fields that speak of something kept at OpenAI."""


class Responses:
    """One request to /v1/responses."""

    end_mark = b""

    def __init__(self) -> None:
        self._asked: dict[str, Any] = {}
        self._stream = ResponsesStream(self._asked)

    def asked(self, body: dict[str, Any]) -> dict[str, Any]:
        """The chat body that asks for the same; raises BadRequest."""
        self._asked = body
        self._stream = ResponsesStream(body)
        _refuse_stored(body)
        messages = _messages(body.get("input"))
        if body.get("instructions"):
            messages.insert(0, {"role": "system", "content": str(body["instructions"])})
        chat = {**copied(body, *SHARED), "messages": messages, **_tools(body), **_form(body)}
        if body.get("max_output_tokens") is not None:
            chat["max_tokens"] = body["max_output_tokens"]
        effort = object_in(body, "reasoning").get("effort")
        if effort:
            chat["reasoning_effort"] = effort
        if body.get("stream"):
            chat["stream_options"] = {"include_usage": True}
        return chat

    def answered(self, body: dict[str, Any]) -> dict[str, Any]:
        """A response from a chat completion; each tool call is an item."""
        choice = body["choices"][0]
        message = choice.get("message") or {}
        name, output = str(body.get("id")), []
        if message.get("content") or message.get("refusal"):
            said = output_text(message.get("content") or "", message.get("refusal"))
            output.append(message_item(f"msg_{name}", [said]))
        for number, call in enumerate(message.get("tool_calls") or ()):
            asked = call["function"]
            output.append(call_item(f"fc_{name}_{number}", call.get("id"), asked["name"],
                                asked.get("arguments") or ""))  # fmt: skip
        return response_of(
            self._asked, body, output, choice.get("finish_reason"), body.get("usage")
        )

    def refused(self, status: int, message: str) -> dict[str, Any]:
        """An error with OpenAI's type for its status."""
        kind = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}
        usual = "invalid_request_error" if status < 500 else "server_error"
        error = {"message": message, "type": kind.get(status, usual), "param": None, "code": None}
        return {"error": error}

    def streamed(self, chunk: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """See `ResponsesStream`."""
        return self._stream.streamed(chunk)

    def ended(self) -> Iterator[dict[str, Any]]:
        """See `ResponsesStream`."""
        return self._stream.ended()

    def broken(self, message: str) -> Iterator[dict[str, Any]]:
        """See `ResponsesStream`."""
        return self._stream.broken(message)


def _refuse_stored(body: dict[str, Any]) -> None:
    for name in STORED:
        if body.get(name):
            raise BadRequest(
                f"{name}: nothing is stored here; send the whole input with every request",
                param=name,
            )


def _tools(body: dict[str, Any]) -> dict[str, Any]:
    """The tools of a request, and which of them is to be used, as chat's fields."""
    fields: dict[str, Any] = {}
    if body.get("tools"):
        fields["tools"] = [_tool(each) for each in listed(body["tools"], "tools")]
    if body.get("tool_choice"):
        fields["tool_choice"] = _choice(body["tool_choice"])
    return fields


def _form(body: dict[str, Any]) -> dict[str, Any]:
    """What form the text must have, as chat's field."""
    form = object_in(object_in(body, "text"), "format")
    if form.get("type") == "json_schema":
        is_strict = bool(form.get("strict", True))
        name = form.get("name") or "answer"
        schema = schema_format(form.get("schema"), name, strict=is_strict)
        return {"response_format": schema}
    if form.get("type") == "json_object":
        return {"response_format": {"type": "json_object"}}
    return {}


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
                call = {"id": item.get("call_id") or item.get("id"), "type": "function",
                        "function": copied(item, "name", "arguments")}  # fmt: skip
                if not messages or messages[-1]["role"] != "assistant":
                    messages.append({"role": "assistant", "content": None})
                messages[-1].setdefault("tool_calls", []).append(call)
            case "function_call_output":
                text = text_of(item.get("output") or "", "input")
                said = {"role": "tool", "tool_call_id": item.get("call_id"), "content": text}
                messages.append(said)
            case str(kind) if kind in LEFT_OUT:
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
