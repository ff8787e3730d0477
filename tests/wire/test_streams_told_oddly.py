"""Streams of other formats than chat: errors of no shape, and what was told in one piece."""

from __future__ import annotations

import json
from typing import Any

import pytest

from windsock.core.model.requests import RouteRequest
from windsock.wire.format import ProviderTraits, StreamScanner
from windsock.wire.formats.openai_ends import choices_in
from windsock.wire.json_codec import parsed
from windsock.wire.registry import LANGUAGES, formats_of
from windsock.wire.request import Operation, UpstreamRequest
from windsock.wire.sse import BOUNDARY, data_of

PLAIN = UpstreamRequest(raw=b"{}", request=RouteRequest(model="m"), wants_usage=False)
FORMATS = {"anthropic_messages": "messages", "openai_responses": "responses",
           "gemini_content": "generate_content"}  # fmt: skip
"""By wire format its language."""


def event(body: dict[str, Any]) -> bytes:
    name = f"event: {body['type']}\n" if "type" in body else ""
    return f"{name}data: {json.dumps(body)}\n\n".encode()


MESSAGE = event({"type": "message_start", "message": {"id": "msg_1", "model": "m", "usage": {}}})
ENDED = [event({"type": "content_block_stop", "index": 0}),
         event({"type": "message_delta", "delta": {"stop_reason": "end_turn"},
                "usage": {"output_tokens": 7}}), event({"type": "message_stop"})]  # fmt: skip
BEGUN = {
    "anthropic_messages": MESSAGE,
    "openai_responses": event({"type": "response.created", "response": {"status": "in_progress"}}),
    "gemini_content": event({"candidates": [{"content": {"parts": [{"text": "a"}]}}]}),
}


def scanned(form: str, whole: bytes, *, is_native: bool = False) -> tuple[bytes, StreamScanner]:
    traits = ProviderTraits()
    made = LANGUAGES[FORMATS[form]] if is_native else None
    format_ = made(traits) if made else formats_of(form, traits)[Operation.CHAT]
    scanner = format_.scanner(PLAIN)
    return b"".join([*scanner.feed(whole), *scanner.rest()]), scanner


def deltas(told: bytes) -> list[dict[str, Any]]:
    chunks = [parsed(data_of(each)) for each in BOUNDARY.split(told)]
    found = [choices_in(each) for each in chunks if isinstance(each, dict)]
    return [choice["delta"] for choices in found for choice in choices]


@pytest.mark.parametrize("is_native", [False, True])
@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize(
    ("told", "says"),
    [
        (event({"error": {"code": "1302", "message": "Rate limit reached"}}), "1302"),
        (event({"code": 500, "msg": "404 NOT_FOUND", "success": False}), "NOT_FOUND"),
        (event({"detail": "Too many requests"}), "Too many requests"),
        (b'{"error": {"code": "overloaded", "message": "no"}}\n\n', "overloaded"),
        (b'{"error": {"code": "overloaded", "message": "no"}}', "overloaded"),
        (b"event: error\ndata: upstream timeout\n\n", "upstream timeout"),
        (event({"type": "error", "message": "Internal server error"}), ""),
        (event({"header": {"code": 11200, "message": "no rights", "sid": "x"}}), "no rights"),
        (event({"Response": {"Error": {"Code": "LimitExceeded", "Message": "no"}}}), "LimitExc"),
        (event({"errcode": 45009, "errmsg": "too many"}), "too many"),
        (event({"fault": {"faultstring": "quota violation"}}), "quota violation"),
        (b'event: throttlingException\ndata: {"message": "slow"}\n\n', "slow"),
    ],
)
def test_an_error_of_no_events_shape_is_one(form, is_native, told: bytes, says: str) -> None:
    _, scanner = scanned(form, BEGUN[form] + told, is_native=is_native)
    assert says in (scanner.error or b"-").decode() and scanner.error
    assert not scanner.is_complete


@pytest.mark.parametrize(
    ("block", "delta"),
    [
        ({"type": "thinking", "thinking": "hm"}, {"reasoning_content": "hm"}),
        ({"type": "tool_use", "id": "t", "name": "f", "input": {"x": 1}},
         {"tool_calls": [{"index": 0, "function": {"arguments": '{"x":1}'}}]}),
        ({"type": "tool_use", "id": "t", "name": "f", "input": {}},
         {"tool_calls": [{"index": 0, "function": {"arguments": "{}"}}]}),
    ],
)  # fmt: skip
def test_a_block_of_a_message_may_begin_with_all_of_it(block, delta) -> None:
    begun = event({"type": "content_block_start", "index": 0, "content_block": block})
    told, _ = scanned("anthropic_messages", b"".join([MESSAGE, begun, *ENDED]))
    assert delta in deltas(told)


def test_a_response_that_was_told_at_its_end_alone_is_shown() -> None:
    output = [
        {"type": "message", "content": [{"type": "output_text", "text": "hi"}]},
        {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
    ]
    ended = {"type": "response.completed", "response": {"status": "completed", "output": output}}
    told, scanner = scanned("openai_responses", BEGUN["openai_responses"] + event(ended))
    (shown,) = [each for each in deltas(told) if each.get("content")]
    assert shown["content"] == "hi" and shown["tool_calls"][0]["function"]["name"] == "f"
    assert scanner.is_complete and scanner.has_answer


def test_thoughts_that_only_geminis_total_tells_were_answered() -> None:
    counted = {"promptTokenCount": 5, "candidatesTokenCount": 2, "totalTokenCount": 107}
    last = {"candidates": [{"finishReason": "STOP"}], "usageMetadata": counted}
    _, scanner = scanned("gemini_content", BEGUN["gemini_content"] + event(last))
    usage = scanner.facts().usage
    assert usage is not None
    assert (usage.prompt_tokens, usage.completion_tokens, usage.reasoning_tokens) == (5, 102, 100)
