"""A case as each kind of provider answers it, plain or streamed, as its reference has it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tests.golden.cases import Call, Case, Part, Refusal, Text, Thought
from tests.golden.fronts import of_kind
from tests.providers.fake_converse import frame

Body = dict[str, Any]

ID, MODEL = "answer_1", "served-model"


def data(body: Body) -> bytes:
    return b"data: " + json.dumps(body).encode() + b"\n\n"


def named(body: Body) -> bytes:
    return b"event: " + body["type"].encode() + b"\n" + data(body)


def refused(case: Case) -> bool:
    return bool(of_kind(case.answer, Refusal))


def texts(case: Case) -> str:
    return "".join(each.text for each in of_kind(case.answer, Text))


# chat completions


def chat_error(case: Case) -> Body:
    return {"error": {"message": case.error, "type": "invalid_request_error",
                      "param": "temperature", "code": "invalid_value"}}  # fmt: skip


def _chat_finish(case: Case) -> str:
    return "tool_calls" if of_kind(case.answer, Call) else "stop"


CHAT_USAGE = {"prompt_tokens": 30, "completion_tokens": 20, "total_tokens": 50,
              "prompt_tokens_details": {"cached_tokens": 10}}  # fmt: skip


def chat(case: Case) -> Body:
    message: Body = {"role": "assistant", "content": texts(case) or None}
    for thought in of_kind(case.answer, Thought):
        message["reasoning_content"] = thought.text
        if thought.signature:
            message["thinking_blocks"] = [
                {"type": "thinking", "thinking": thought.text, "signature": thought.signature}
            ]
    for refusal in of_kind(case.answer, Refusal):
        message["refusal"] = refusal.text
    if calls := of_kind(case.answer, Call):
        message["tool_calls"] = [_chat_call(each) for each in calls]
    choice = {"index": 0, "message": message, "finish_reason": _chat_finish(case)}
    return {"id": ID, "object": "chat.completion", "created": 1, "model": MODEL,
            "choices": [choice], "usage": CHAT_USAGE}  # fmt: skip


def _chat_call(call: Call) -> Body:
    function = {"name": call.name, "arguments": json.dumps(call.arguments)}
    return {"id": call.id, "type": "function", "function": function}


def chat_events(case: Case) -> list[bytes]:
    deltas: list[Body] = [{"role": "assistant", "content": ""}]
    for part in case.answer:
        deltas += _chat_deltas(part, of_kind(case.answer, Call))
    chunks = [_chunk([{"index": 0, "delta": each, "finish_reason": None}]) for each in deltas]
    chunks.append(_chunk([{"index": 0, "delta": {}, "finish_reason": _chat_finish(case)}]))
    chunks.append(_chunk([]) | {"usage": CHAT_USAGE})
    return [*map(data, chunks), b"data: [DONE]\n\n"]


def _chat_deltas(part: Part, calls: list[Call]) -> list[Body]:
    match part:
        case Thought(text, signature):
            block = {"type": "thinking", "thinking": text, "signature": signature}
            return [{"reasoning_content": text}] + (
                [{"thinking_blocks": [block]}] * bool(signature)
            )
        case Refusal(text):
            return [{"refusal": text}]
        case Call():
            index, whole = calls.index(part), _chat_call(part)
            arguments = whole["function"].pop("arguments")
            begun = {**whole, "function": {**whole["function"], "arguments": ""}}
            parts = [begun, *({"function": {"arguments": each}} for each in _halves(arguments))]
            return [{"tool_calls": [{"index": index, **each}]} for each in parts]
        case _:
            return [{"content": part.text}]  # type: ignore[union-attr]


def _halves(text: str) -> tuple[str, str]:
    return text[:5], text[5:]


def _chunk(choices: list[Body]) -> Body:
    return {"id": ID, "object": "chat.completion.chunk", "created": 1, "model": MODEL,
            "choices": choices}  # fmt: skip


# Anthropic's Messages


def message_error(case: Case) -> Body:
    return {"type": "error", "error": {"type": "invalid_request_error", "message": case.error},
            "request_id": "req_1"}  # fmt: skip


MESSAGE_USAGE = {"input_tokens": 20, "cache_read_input_tokens": 10,
                 "cache_creation_input_tokens": 0, "output_tokens": 20}  # fmt: skip


def message(case: Case) -> Body:
    return {"id": ID, "type": "message", "role": "assistant", "model": MODEL,
            "content": [_block(each) for each in _joined(case)], "stop_sequence": None,
            "stop_reason": _stop_reason(case), "usage": MESSAGE_USAGE}  # fmt: skip


def _joined(case: Case) -> list[Part]:
    """Texts in a row are one."""
    others = of_kind(case.answer, Thought)
    said = texts(case) or "".join(each.text for each in of_kind(case.answer, Refusal))
    return [*others, *([Text(said)] if said else []), *of_kind(case.answer, Call)]


def _stop_reason(case: Case) -> str:
    if refused(case):
        return "refusal"
    return "tool_use" if of_kind(case.answer, Call) else "end_turn"


def _block(part: Part) -> Body:
    match part:
        case Thought(text, signature):
            return {"type": "thinking", "thinking": text, "signature": signature or ""}
        case Call(name, tool, arguments):
            return {"type": "tool_use", "id": name, "name": tool, "input": arguments}
        case _:
            return {"type": "text", "text": part.text}  # type: ignore[union-attr]


def message_events(case: Case) -> list[bytes]:
    begun = {**message(case), "content": [], "stop_reason": None,
             "usage": {**MESSAGE_USAGE, "output_tokens": 1}}  # fmt: skip
    events: list[Body] = [{"type": "message_start", "message": begun}, {"type": "ping"}]
    for index, part in enumerate(_joined(case)):
        empty, deltas = _block_deltas(part)
        events.append({"type": "content_block_start", "index": index, "content_block": empty})
        events += [{"type": "content_block_delta", "index": index, "delta": e} for e in deltas]
        events.append({"type": "content_block_stop", "index": index})
    delta = {"stop_reason": _stop_reason(case), "stop_sequence": None}
    events.append({"type": "message_delta", "delta": delta, "usage": {"output_tokens": 20}})
    return [*map(named, events), named({"type": "message_stop"})]


def _block_deltas(part: Part) -> tuple[Body, list[Body]]:
    match part:
        case Thought(text, signature):
            sealed = [{"type": "signature_delta", "signature": signature}] * bool(signature)
            said = [{"type": "thinking_delta", "thinking": text}, *sealed]
            return {"type": "thinking", "thinking": "", "signature": ""}, said
        case Call(_, _, arguments):
            parts = _halves(json.dumps(arguments))
            said = [{"type": "input_json_delta", "partial_json": each} for each in parts]
            return {**_block(part), "input": {}}, said
        case _:
            said = [{"type": "text_delta", "text": part.text}]  # type: ignore[union-attr]
            return {"type": "text", "text": ""}, said


# OpenAI's Responses


RESPONSE_USAGE = {"input_tokens": 30,
                  "input_tokens_details": {"cached_tokens": 10, "cache_write_tokens": 0},
                  "output_tokens": 20, "output_tokens_details": {"reasoning_tokens": 0},
                  "total_tokens": 50}  # fmt: skip


def response(case: Case, status: str = "completed") -> Body:
    is_done = status == "completed"
    items = [_item(number, each) for number, each in enumerate(_joined(case))]
    return {
        "id": ID, "object": "response", "created_at": 1, "status": status, "error": None,
        "incomplete_details": None, "instructions": "Be brief.", "max_output_tokens": 500,
        "metadata": {}, "model": MODEL, "output": items if is_done else [],
        "parallel_tool_calls": True, "previous_response_id": None, "store": False,
        "temperature": 1.0, "text": {"format": {"type": "text"}}, "tool_choice": "auto",
        "tools": [], "top_p": 1.0, "truncation": "disabled",
        "reasoning": {"effort": None, "summary": None}, "presence_penalty": 0.0,
        "frequency_penalty": 0.0, "top_logprobs": 0, "max_tool_calls": None, "background": False,
        "service_tier": "default", "safety_identifier": None, "prompt_cache_key": None,
        "completed_at": 2 if is_done else None,
        "usage": RESPONSE_USAGE if is_done else None,
    }  # fmt: skip


def _item(number: int, part: Part) -> Body:
    match part:
        case Thought(text, signature):
            summary = [{"type": "summary_text", "text": text}]
            item = {"id": f"rs_{number}", "type": "reasoning", "summary": summary}
            return item | ({"encrypted_content": signature} if signature else {})
        case Call(name, tool, arguments):
            return {"id": f"fc_{number}", "type": "function_call", "call_id": name, "name": tool,
                    "arguments": json.dumps(arguments), "status": "completed"}  # fmt: skip
        case _:
            said = _said(part.text)  # type: ignore[union-attr]
            return {"id": f"msg_{number}", "type": "message", "role": "assistant",
                    "status": "completed", "content": [said]}  # fmt: skip


def _said(text: str) -> Body:
    if text.startswith("I will not"):
        return {"type": "refusal", "refusal": text}
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def response_events(case: Case) -> list[bytes]:
    begun = response(case, "in_progress")
    events: list[Body] = [{"type": "response.created", "response": begun},
                          {"type": "response.in_progress", "response": begun}]  # fmt: skip
    for index, item in enumerate(response(case)["output"]):
        events += _item_events({"output_index": index, "item_id": item["id"]}, item)
    events.append({"type": "response.completed", "response": response(case)})
    return [named({**each, "sequence_number": number}) for number, each in enumerate(events)]


def _item_events(at: Body, item: Body) -> list[Body]:
    index = {"output_index": at["output_index"]}
    empty = {**item, "status": "in_progress"}
    match item["type"]:
        case "function_call":
            empty["arguments"], kind = "", "response.function_call_arguments"
            inner = [{"type": f"{kind}.delta", "delta": each, **at}
                     for each in _halves(item["arguments"])]  # fmt: skip
            inner.append({"type": f"{kind}.done", "arguments": item["arguments"],
                          "name": item["name"], **at})  # fmt: skip
        case "reasoning":
            empty = {**item, "summary": []}
            text, kind = item["summary"][0]["text"], "response.reasoning_summary_text"
            inner = [{"type": f"{kind}.delta", "delta": text, "summary_index": 0, **at},
                     {"type": f"{kind}.done", "text": text, "summary_index": 0, **at}]  # fmt: skip
        case _:
            empty["content"], inner = [], _text_events({**at, "content_index": 0}, item)
    return [{"type": "response.output_item.added", "item": empty, **index}, *inner,
            {"type": "response.output_item.done", "item": item, **index}]  # fmt: skip


def _text_events(at: Body, item: Body) -> list[Body]:
    (part,) = item["content"]
    name, kind = ("refusal", "response.refusal") if part["type"] == "refusal" else (
        "text", "response.output_text")  # fmt: skip
    probs = {} if name == "refusal" else {"logprobs": []}
    return [
        {"type": "response.content_part.added", "part": {**part, name: ""}, **at},
        {"type": f"{kind}.delta", "delta": part[name], **probs, **at},
        {"type": f"{kind}.done", name: part[name], **probs, **at},
        {"type": "response.content_part.done", "part": part, **at},
    ]


# Gemini's generateContent


def content_error(case: Case) -> Body:
    return {"error": {"code": 400, "message": case.error, "status": "INVALID_ARGUMENT"}}


def content(case: Case, parts: list[Body] | None = None, *, is_last: bool = True) -> Body:
    said = [_google_part(each) for each in _joined(case)] if parts is None else parts
    candidate: Body = {"content": {"role": "model", "parts": said}, "index": 0}
    if is_last:
        candidate["finishReason"] = "SAFETY" if refused(case) else "STOP"
    usage = {"promptTokenCount": 30, "cachedContentTokenCount": 10, "candidatesTokenCount": 20,
             "totalTokenCount": 50}  # fmt: skip
    return {"candidates": [candidate], "usageMetadata": usage, "modelVersion": MODEL,
            "responseId": ID}  # fmt: skip


def _google_part(part: Part) -> Body:
    match part:
        case Thought(text, signature):
            return {"text": text, "thought": True} | (
                {"thoughtSignature": signature} if signature else {})  # fmt: skip
        case Call(name, tool, arguments):
            return {"functionCall": {"id": name, "name": tool, "args": arguments},
                    "thoughtSignature": "c2lnbmVk"}  # fmt: skip
        case _:
            return {"text": part.text}  # type: ignore[union-attr]


def content_events(case: Case) -> list[bytes]:
    parts = [_google_part(each) for each in _joined(case)]
    begun = [content(case, [each], is_last=False) for each in parts]
    return [data(each) for each in (*begun, content(case, [{"text": ""}]))]


# Bedrock's Converse


def converse_error(case: Case) -> Body:
    return {"message": case.error}


CONVERSE_USAGE = {"inputTokens": 20, "cacheReadInputTokens": 10, "outputTokens": 20,
                  "totalTokens": 50}  # fmt: skip


def _bedrock_stop(case: Case) -> str:
    return "content_filtered" if refused(case) else _stop_reason(case)


def converse(case: Case) -> Body:
    said = [_bedrock_block(each) for each in _joined(case)]
    return {"output": {"message": {"role": "assistant", "content": said}},
            "stopReason": _bedrock_stop(case), "usage": CONVERSE_USAGE,
            "metrics": {"latencyMs": 1}}  # fmt: skip


def _bedrock_block(part: Part) -> Body:
    match part:
        case Thought(text, signature):
            sealed = {"signature": signature} if signature else {}
            return {"reasoningContent": {"reasoningText": {"text": text, **sealed}}}
        case Call(name, tool, arguments):
            return {"toolUse": {"toolUseId": name, "name": tool, "input": arguments}}
        case _:
            return {"text": part.text}  # type: ignore[union-attr]


def converse_events(case: Case) -> list[bytes]:
    made: list[tuple[str, Body]] = [("messageStart", {"role": "assistant"})]
    for index, part in enumerate(_joined(case)):
        at = {"contentBlockIndex": index}
        begun, deltas = _bedrock_deltas(part)
        made += [("contentBlockStart", {"start": each, **at}) for each in begun]
        made += [("contentBlockDelta", {"delta": each, **at}) for each in deltas]
        made.append(("contentBlockStop", at))
    made.append(("messageStop", {"stopReason": _bedrock_stop(case)}))
    made.append(("metadata", {"usage": CONVERSE_USAGE, "metrics": {"latencyMs": 1}}))
    return [frame(*each) for each in made]


def _bedrock_deltas(part: Part) -> tuple[list[Body], list[Body]]:
    match part:
        case Thought(text, signature):
            sealed = [{"reasoningContent": {"signature": signature}}] * bool(signature)
            return [], [{"reasoningContent": {"text": text}}, *sealed]
        case Call(name, tool, arguments):
            parts = _halves(json.dumps(arguments))
            said = [{"toolUse": {"input": each}} for each in parts]
            return [{"toolUse": {"toolUseId": name, "name": tool}}], said
        case _:
            return [], [{"text": part.text}]  # type: ignore[union-attr]


Behind = tuple[str, Callable[[Case], Body], Callable[[Case], list[bytes]], Callable[[Case], Body]]
"""(deployment, a plain answer, a streamed one, an error)"""

BEHINDS: dict[str, Behind] = {
    "chat": ("acme/m", chat, chat_events, chat_error),
    "messages": ("anthropic/claude-sonnet-4-5", message, message_events, message_error),
    "responses": ("openai-responses/gpt-5", response, response_events, chat_error),
    "generate_content": ("google-native/gemini-x", content, content_events, content_error),
    "converse": ("bedrock/claude-x", converse, converse_events, converse_error),
}
