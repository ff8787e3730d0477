"""A case as a client of each format asks it: (path, body), as its reference has them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from tests.golden.cases import SCHEMA, Call, Case, Document, Image, Part, Result, Text, Thought

Body = dict[str, Any]
Asked = tuple[str, Body]

ABOUT = "Looks up a city."


def url(kind: str, data: str) -> str:
    return f"data:{kind};base64,{data}"


def of_kind(parts: tuple[Part, ...], *kinds: type) -> list[Any]:
    return [each for each in parts if isinstance(each, kinds)]


def chat(case: Case, *, stream: bool) -> Asked:
    turns = [{"role": "system", "content": case.system}]
    turns += [turn for role, parts in case.turns for turn in _chat_turns(role, parts)]
    body: Body = {"model": "auto", "messages": turns, "max_tokens": 500, "stream": stream}
    if stream:
        body["stream_options"] = {"include_usage": True}
    if case.tools:
        functions = [{"name": e, "description": ABOUT, "parameters": SCHEMA} for e in case.tools]
        body["tools"] = [{"type": "function", "function": each} for each in functions]
    if case.thinks:
        body["reasoning_effort"] = "low"
    if case.has_schema:
        named = {"name": "city", "schema": SCHEMA, "strict": True}
        body["response_format"] = {"type": "json_schema", "json_schema": named}
    return "/v1/chat/completions", body


def _chat_turns(role: str, parts: tuple[Part, ...]) -> Iterator[Body]:
    for result in of_kind(parts, Result):
        shown = [_chat_part(each) for each in result.parts]
        texts = all(isinstance(each, Text) for each in result.parts)
        content = "".join(each.text for each in result.parts) if texts else shown
        yield {"role": "tool", "tool_call_id": result.call.id, "content": content}
    said = [_chat_part(each) for each in of_kind(parts, Text, Image, Document)]
    turn: Body = {"role": role, "content": said or None}
    if calls := of_kind(parts, Call):
        turn["tool_calls"] = [_chat_call(each) for each in calls]
    if thoughts := of_kind(parts, Thought):
        turn["reasoning_content"] = "".join(each.text for each in thoughts)
        turn["thinking_blocks"] = [_block(each) for each in thoughts if each.signature]
    if said or role == "assistant":
        yield turn


def _chat_call(call: Call) -> Body:
    function = {"name": call.name, "arguments": json.dumps(call.arguments)}
    return {"id": call.id, "type": "function", "function": function}


def _chat_part(part: Any) -> Body:
    match part:
        case Text(text):
            return {"type": "text", "text": text}
        case Image(data):
            return {"type": "image_url", "image_url": {"url": url("image/png", data)}}
        case _:
            file = {"filename": "a.pdf", "file_data": url("application/pdf", part.data)}
            return {"type": "file", "file": file}


def messages(case: Case, *, stream: bool) -> Asked:
    mark = {"cache_control": {"type": "ephemeral"}}
    body: Body = {
        "model": "auto", "max_tokens": 500, "stream": stream,
        "system": [{"type": "text", "text": case.system, **mark}],
        "messages": [{"role": role, "content": [_block(each) for each in parts]}
                     for role, parts in case.turns],
    }  # fmt: skip
    if case.tools:
        body["tools"] = [
            {"name": each, "description": ABOUT, "input_schema": SCHEMA} for each in case.tools
        ]
    if case.thinks:
        body["thinking"] = {"type": "enabled", "budget_tokens": 1024}
    if case.has_schema:
        body["output_config"] = {"format": {"type": "json_schema", "schema": SCHEMA}}
    return "/v1/messages", body


def _block(part: Any) -> Body:
    match part:
        case Text(text):
            return {"type": "text", "text": text}
        case Image(data):
            return {"type": "image", "source": _source("image/png", data)}
        case Document(data):
            return {"type": "document", "title": "a.pdf",
                    "source": _source("application/pdf", data)}  # fmt: skip
        case Thought(text, signature):
            return {"type": "thinking", "thinking": text, "signature": signature or ""}
        case Call(name, tool, arguments):
            return {"type": "tool_use", "id": name, "name": tool, "input": arguments}
        case _:
            content = [_block(each) for each in part.parts]
            return {"type": "tool_result", "tool_use_id": part.call.id, "content": content}


def _source(kind: str, data: str) -> Body:
    return {"type": "base64", "media_type": kind, "data": data}


def responses(case: Case, *, stream: bool) -> Asked:
    items = [item for role, parts in case.turns for item in _items(role, parts)]
    body: Body = {"model": "auto", "instructions": case.system, "input": items,
                  "max_output_tokens": 500, "store": False, "stream": stream}  # fmt: skip
    if case.tools:
        body["tools"] = [
            {"type": "function", "name": each, "description": ABOUT, "parameters": SCHEMA,
             "strict": True} for each in case.tools
        ]  # fmt: skip
    if case.thinks:
        body["reasoning"] = {"effort": "low", "summary": "auto"}
        body["include"] = ["reasoning.encrypted_content"]
    if case.has_schema:
        form = {"type": "json_schema", "name": "city", "schema": SCHEMA, "strict": True}
        body["text"] = {"format": form}
    return "/v1/responses", body


def _items(role: str, parts: tuple[Part, ...]) -> Iterator[Body]:
    for part in of_kind(parts, Thought):
        summary = [{"type": "summary_text", "text": part.text}]
        yield {"type": "reasoning", "id": "rs_1", "summary": summary,
               "encrypted_content": part.signature}  # fmt: skip
    for part in of_kind(parts, Result):
        yield {"type": "function_call_output", "call_id": part.call.id,
               "output": [_input(each) for each in part.parts]}  # fmt: skip
    if said := of_kind(parts, Text, Image, Document):
        yield {"type": "message", "role": role, "content": [_input(each) for each in said]}
    for part in of_kind(parts, Call):
        yield {"type": "function_call", "call_id": part.id, "name": part.name,
               "arguments": json.dumps(part.arguments)}  # fmt: skip


def _input(part: Any) -> Body:
    match part:
        case Text(text):
            return {"type": "input_text", "text": text}
        case Image(data):
            return {"type": "input_image", "image_url": url("image/png", data), "detail": "auto"}
        case _:
            return {"type": "input_file", "filename": "a.pdf",
                    "file_data": url("application/pdf", part.data)}  # fmt: skip


def generate_content(case: Case, *, stream: bool) -> Asked:
    body: Body = {
        "systemInstruction": {"parts": [{"text": case.system}]},
        "contents": [{"role": "model" if role == "assistant" else role,
                      "parts": [made for each in parts for made in _google_parts(each)]}
                     for role, parts in case.turns],
        "generationConfig": {"maxOutputTokens": 500},
    }  # fmt: skip
    if case.tools:
        declared = [{"name": each, "description": ABOUT, "parametersJsonSchema": SCHEMA}
                    for each in case.tools]  # fmt: skip
        body["tools"] = [{"functionDeclarations": declared}]
    if case.thinks:
        body["generationConfig"]["thinkingConfig"] = {"includeThoughts": True}
    if case.has_schema:
        form = {"responseMimeType": "application/json", "responseJsonSchema": SCHEMA}
        body["generationConfig"] |= form
    call = "streamGenerateContent?alt=sse" if stream else "generateContent"
    return f"/v1beta/models/auto:{call}", body


def _google_parts(part: Any) -> Iterator[Body]:
    match part:
        case Text(text):
            yield {"text": text}
        case Image(data):
            yield {"inlineData": {"mimeType": "image/png", "data": data}}
        case Document(data):
            yield {"inlineData": {"mimeType": "application/pdf", "data": data}}
        case Thought(text, signature):
            sealed = {"thoughtSignature": signature} if signature else {}
            yield {"text": text, "thought": True, **sealed}
        case Call(name, tool, arguments):
            yield {"functionCall": {"id": name, "name": tool, "args": arguments}}
        case _:
            said = "".join(each.text for each in part.parts if isinstance(each, Text))
            yield {"functionResponse": {"id": part.call.id, "name": part.call.name,
                                        "response": {"output": said}}}  # fmt: skip
            for each in part.parts:
                if isinstance(each, Image):
                    yield from _google_parts(each)


FRONTS: dict[str, Callable[..., Asked]] = {
    "chat": chat,
    "messages": messages,
    "responses": responses,
    "generate_content": generate_content,
}
