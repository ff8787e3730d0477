"""Gemini's answers as gateways wrap them, and calls whose arguments come in parts."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import orjson
import pytest

from windsock.core.model.units import Usage
from windsock.wire.format import ProviderTraits
from windsock.wire.formats.chat.reading import read_chat
from windsock.wire.formats.gemini.content import GeminiContent
from windsock.wire.formats.gemini.native import NativeContent
from windsock.wire.request import UpstreamRequest

SPOKEN, NATIVE = GeminiContent(ProviderTraits()), NativeContent(ProviderTraits())
COUNTED = {"promptTokenCount": 10, "candidatesTokenCount": 4, "totalTokenCount": 14}


def asked(*, is_stream: bool = True) -> UpstreamRequest:
    body = {"model": "auto", "messages": [{"role": "user", "content": "hi"}], "stream": is_stream}
    return read_chat(orjson.dumps(body), namespace="n")


def part(*parts: dict[str, Any], finish: str | None = None, **facts: Any) -> dict[str, Any]:
    candidate: dict[str, Any] = {"content": {"role": "model", "parts": list(parts)}, "index": 0}
    candidate |= {"finishReason": finish} if finish else {}
    return {"candidates": [candidate], "responseId": "r", "modelVersion": "gemini", **facts}


def call(**facts: Any) -> dict[str, Any]:
    return {"functionCall": facts}


def at(path: str, goes_on: bool = False, **value: Any) -> dict[str, Any]:
    return {"jsonPath": path, **value, **({"willContinue": True} if goes_on else {})}


def events(parts: list[dict[str, Any]]) -> bytes:
    return b"".join(b"data: " + orjson.dumps(each) + b"\r\n\r\n" for each in parts)


def streamed(parts: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], Any]:
    """The chunks that a chat client is told, and the scanner."""
    scanner = SPOKEN.scanner(asked())
    told = b"".join([*scanner.feed(events(parts)), *scanner.rest()])
    return [json.loads(each[6:]) for each in told.split(b"\n\n") if each], scanner


def calls_in(chunks: list[dict[str, Any]]) -> list[tuple[int, str, Any]]:
    deltas = [choice["delta"] for chunk in chunks for choice in chunk["choices"]]
    calls = [each for delta in deltas for each in delta.get("tool_calls") or ()]
    return [
        (each["index"], each["function"]["name"], json.loads(each["function"]["arguments"]))
        for each in calls
    ]


IN_PARTS = [
    part(call(name="book", willContinue=True)),
    part(call(partialArgs=[at("$.city", True, stringValue="New ")], willContinue=True)),
    part(call(partialArgs=[at("$.city", stringValue="Delhi")], willContinue=True)),
    part(
        call(
            partialArgs=[
                at("$.seats[0].row", numberValue=3),
                at("$.seats[1]['row']", numberValue=4),
                at("$.is_paid", boolValue=True),
                at("$.note", nullValue="NULL_VALUE"),
            ],
            willContinue=True,
        )
    ),
    part(call()),
    part(call(name="done", args={"a": 1})),
    part(finish="STOP", usageMetadata=COUNTED),
]
BOOKED = {
    "city": "New Delhi",
    "seats": [{"row": 3}, {"row": 4}],
    "is_paid": True,
    "note": None,
}


def test_arguments_in_parts_are_one_call() -> None:
    chunks, scanner = streamed(IN_PARTS)
    assert calls_in(chunks) == [(0, "book", BOOKED), (1, "done", {"a": 1})]
    assert scanner.is_complete
    assert scanner.facts().finish_reason == "tool_calls"
    assert not scanner.facts().is_empty


def test_arguments_in_parts_that_the_end_closes_are_one_call() -> None:
    chunks, _ = streamed([*IN_PARTS[:3], IN_PARTS[-1]])
    assert calls_in(chunks) == [(0, "book", {"city": "New Delhi"})]


@pytest.mark.parametrize("path", ["", "city", "$", "$.a[99999]", "$.city.deeper", "$[0]"])
def test_a_place_that_there_is_not_takes_nothing_else(path: str) -> None:
    odd = part(call(partialArgs=[at(path, stringValue="x")], willContinue=True))
    chunks, _ = streamed([*IN_PARTS[:3], odd, IN_PARTS[-1]])
    assert calls_in(chunks)[0][2]["city"] == "New Delhi"


def test_arguments_in_parts_are_one_call_where_a_whole_answer_was_asked_for() -> None:
    answer = NATIVE.answer(events(IN_PARTS), asked(is_stream=False))
    assert answer is not None
    parts = json.loads(answer.raw)["candidates"][0]["content"]["parts"]
    assert [each["functionCall"] for each in parts] == [
        {"name": "book", "args": BOOKED},
        {"name": "done", "args": {"a": 1}},
    ]


PLAIN = [part({"text": "Hel"}), part({"text": "lo"}, finish="STOP", usageMetadata=COUNTED)]
WRAPPED = [{"response": each, "traceId": "t"} for each in PLAIN]


def test_an_answer_within_an_object_is_told_as_one_that_is_not() -> None:
    bare, scanner = streamed(WRAPPED)
    assert bare == streamed(PLAIN)[0]
    assert scanner.facts().usage == Usage(input_tokens=10, output_tokens=4)
    assert scanner.is_complete


@pytest.mark.parametrize("size", [7, 50, 10_000])
def test_clients_of_gemini_get_it_without_the_object(size: int) -> None:
    whole, told = events(WRAPPED), []
    scanner = NATIVE.scanner(asked())
    for begin, end in pairwise([*range(0, len(whole), size), len(whole)]):
        told += scanner.feed(whole[begin:end])
    told += scanner.rest()
    assert b"".join(told) + scanner.ending(None) == events(PLAIN)
    assert scanner.facts().usage == Usage(input_tokens=10, output_tokens=4)
    assert scanner.is_complete


@pytest.mark.parametrize("spoken", [SPOKEN, NATIVE], ids=["chat", "native"])
def test_a_whole_answer_within_an_object(spoken: GeminiContent | NativeContent) -> None:
    body = part({"text": "Hello"}, finish="STOP", usageMetadata=COUNTED)
    request = asked(is_stream=False)
    answer = spoken.answer(orjson.dumps({"response": body, "traceId": "t"}), request)
    assert answer is not None
    assert not answer.facts.is_empty
    assert answer.facts.usage == Usage(input_tokens=10, output_tokens=4)
    assert json.loads(answer.raw or b"null") in (body, None)


def test_an_error_within_a_wrapped_stream_is_one() -> None:
    error = {"error": {"code": 503, "message": "overloaded", "status": "UNAVAILABLE"}}
    _, scanner = streamed([WRAPPED[0], error])
    assert scanner.error is not None
