"""Chat completions told to Gemini's generateContent and back."""

import json
from typing import Any

import orjson
import pytest

from tests.providers import fake_gemini
from windsock.core.model.units import Usage
from windsock.errors import ProviderError
from windsock.wire.format import ProviderTraits
from windsock.wire.formats.chat.reading import read_chat
from windsock.wire.formats.gemini.content import GeminiContent

SPOKEN = GeminiContent(ProviderTraits())
USER = {"role": "user", "content": "hi"}
TOOL = {"type": "function", "function": {"name": "f", "description": "d",
                                         "parameters": {"type": "object"}}}  # fmt: skip
SIGNED = {"google": {"thought_signature": "c2ln"}}
CALL = {"id": "call_0_f", "type": "function", "extra_content": SIGNED,
        "function": {"name": "f", "arguments": '{"a": 1}'}}  # fmt: skip


def asked(**chat: Any) -> Any:
    return read_chat(orjson.dumps({"model": "auto", "messages": [USER], **chat}), namespace="n")


def told(**chat: Any) -> dict[str, Any]:
    return json.loads(SPOKEN.body(asked(**chat), "gemini"))


@pytest.mark.parametrize(
    ("chat", "fields"),
    [
        ({}, {}),
        ({"max_tokens": 5, "temperature": 0.5, "top_p": 1, "n": 2, "seed": 7},
         {"generationConfig": {"maxOutputTokens": 5, "temperature": 0.5, "topP": 1,
                               "candidateCount": 2, "seed": 7}}),
        ({"stop": "x"}, {"generationConfig": {"stopSequences": ["x"]}}),
        ({"reasoning_effort": "medium"}, {"generationConfig": {"thinkingConfig": {
            "thinkingBudget": 8192, "includeThoughts": True}}}),
        ({"reasoning_effort": "none"},
         {"generationConfig": {"thinkingConfig": {"thinkingBudget": 0}}}),
        ({"reasoning_effort": "extreme"}, {}),
        ({"thinking": {"type": "enabled", "budget_tokens": 2000}}, {"generationConfig": {
            "thinkingConfig": {"thinkingBudget": 2000, "includeThoughts": True}}}),
        ({"reasoning_effort": "low", "thinking_config": {"thinkingLevel": "high"}},
         {"generationConfig": {"thinkingConfig": {"thinkingLevel": "high"}}}),
        ({"response_format": {"type": "json_object"}},
         {"generationConfig": {"responseMimeType": "application/json"}}),
        ({"response_format": {"type": "json_schema", "json_schema": {"schema": {"a": 1}}}},
         {"generationConfig": {"responseMimeType": "application/json",
                               "responseJsonSchema": {"a": 1}}}),
        ({"tools": [TOOL], "tool_choice": "required"},
         {"tools": [{"functionDeclarations": [
             {"name": "f", "description": "d", "parametersJsonSchema": {"type": "object"}}]}],
          "toolConfig": {"functionCallingConfig": {"mode": "ANY"}}}),
        ({"tools": [TOOL, {"googleSearch": {}}],
          "tool_choice": {"type": "function", "function": {"name": "f"}}},
         {"tools": [{"functionDeclarations": [
             {"name": "f", "description": "d", "parametersJsonSchema": {"type": "object"}}]},
             {"googleSearch": {}}],
          "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["f"]}}}),
        ({"safety_settings": [1], "user": "u", "store": True, "session_id": "s"},
         {"safetySettings": [1]}),
    ],
)  # fmt: skip
def test_what_is_asked_for(chat, fields) -> None:
    made = told(**chat)
    assert made.pop("contents") == [{"role": "user", "parts": [{"text": "hi"}]}]
    assert made == fields


def test_turns_take_geminis_roles_and_results_name_the_function() -> None:
    made = told(
        messages=[
            {"role": "system", "content": "s"},
            {"role": "user", "content": [
                {"type": "text", "text": "look"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA"}},
                {"type": "image_url", "image_url": {"url": "https://x/y.png"}},
                {"type": "input_audio", "input_audio": {"data": "BB", "format": "mp3"}}]},
            {"role": "assistant", "content": None, "tool_calls": [CALL]},
            {"role": "tool", "tool_call_id": "call_0_f", "content": "42"},
            USER,
        ]
    )  # fmt: skip
    assert made["systemInstruction"] == {"parts": [{"text": "s"}]}
    assert made["contents"] == [
        {"role": "user", "parts": [
            {"text": "look"},
            {"inlineData": {"mimeType": "image/png", "data": "AA"}},
            {"fileData": {"mimeType": "image/png", "fileUri": "https://x/y.png"}},
            {"inlineData": {"mimeType": "audio/mp3", "data": "BB"}}]},
        {"role": "model", "parts": [
            {"functionCall": {"name": "f", "args": {"a": 1}}, "thoughtSignature": "c2ln"}]},
        {"role": "user", "parts": [
            {"functionResponse": {"name": "f", "response": {"result": "42"}}}, {"text": "hi"}]},
    ]  # fmt: skip


def test_the_path_names_the_model_and_the_stream() -> None:
    assert SPOKEN.path(asked(), "a/b") == "/models/a%2Fb:generateContent"
    streamed = SPOKEN.path(asked(stream=True), "m")
    assert streamed == "/models/m:streamGenerateContent?alt=sse"


USED = Usage(input_tokens=86, cache_read_tokens=1920, output_tokens=200, reasoning_tokens=100)


@pytest.mark.parametrize("size", [1, 7, 10_000])
@pytest.mark.parametrize(
    "body", [{}, {"tools": [TOOL]}, {"generationConfig": {"thinkingConfig": {}}}]
)
def test_a_stream_says_what_the_whole_answer_says(size, body) -> None:
    events = b"".join(map(fake_gemini.sent, fake_gemini.events(body)))
    scanner = SPOKEN.scanner(asked(stream=True))
    parts = [events[i : i + size] for i in range(0, len(events), size)]
    out = b"".join(event for part in parts for event in scanner.feed(part))
    out += b"".join(scanner.rest())
    chunks = [json.loads(each[6:]) for each in out.decode().split("\n\n") if each]
    deltas = [choice["delta"] for chunk in chunks for choice in chunk["choices"]]
    whole = SPOKEN.answer(bytes(fake_gemini.plain(body).body), asked())
    assert whole is not None and whole.message is not None
    said = "".join(delta.get("content") or "" for delta in deltas)
    assert said == (whole.message["content"] or "")
    thought = "".join(delta.get("reasoning_content") or "" for delta in deltas)
    assert thought == whole.message.get("reasoning_content", "")
    calls = [call for delta in deltas for call in delta.get("tool_calls", ())]
    assert [{k: v for k, v in call.items() if k != "index"} for call in calls] == (
        whole.message.get("tool_calls", [])
    )
    facts = scanner.facts()
    assert facts.usage == whole.facts.usage == USED
    assert facts.finish_reason == whole.facts.finish_reason
    assert facts.finish_reason == ("tool_calls" if "tools" in body else "stop")
    assert scanner.is_complete and scanner.has_answer


def test_calls_in_several_events_are_counted_through() -> None:
    call = {"functionCall": {"name": "f", "args": {}}}
    events = [fake_gemini.answer([call], None, {}), fake_gemini.answer([call], "STOP", {})]
    scanner = SPOKEN.scanner(asked(stream=True))
    out = b"".join(x for each in events for x in scanner.feed(fake_gemini.sent(each)))
    chunks = [json.loads(each[6:]) for each in out.decode().split("\n\n") if each]
    calls = [c for x in chunks for y in x["choices"] for c in y["delta"].get("tool_calls", ())]
    assert [(call["index"], call["id"]) for call in calls] == [(0, "call_0_f"), (1, "call_1_f")]


@pytest.mark.parametrize(
    ("body", "finish"),
    [
        ({"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": {}}, "content_filter"),
        (fake_gemini.answer([], "PROHIBITED_CONTENT", {}), "content_filter"),
        (fake_gemini.answer([{"text": "x"}], "MAX_TOKENS", {}), "length"),
        (fake_gemini.answer([], "MALFORMED_FUNCTION_CALL", {}), "malformed_function_call"),
    ],
)
def test_why_it_ended(body, finish) -> None:
    answer = SPOKEN.answer(orjson.dumps(body), asked())
    assert answer is not None and answer.facts.finish_reason == finish


def test_nothing_said_is_an_empty_answer() -> None:
    answer = SPOKEN.answer(orjson.dumps(fake_gemini.answer([], "STOP", {})), asked())
    assert answer is not None and answer.facts.is_empty


def test_an_error_in_a_stream_is_no_end_and_a_broken_event_is_none() -> None:
    scanner = SPOKEN.scanner(asked(stream=True))
    list(scanner.feed(fake_gemini.sent(fake_gemini.answer([{"text": "x"}], None, {}))))
    assert not scanner.is_complete
    error = {"error": {"code": 503, "message": "overloaded", "status": "UNAVAILABLE"}}
    list(scanner.feed(fake_gemini.sent(error)))
    assert scanner.error is not None and b"UNAVAILABLE" in scanner.error
    with pytest.raises(ProviderError, match="broken"):
        list(SPOKEN.scanner(asked(stream=True)).feed(b'data: {"candidates": [\n\n'))


@pytest.mark.parametrize(("call_id", "sent"), [("toolu_1", {"id": "toolu_1"}), ("call_0_f", {})])
def test_ids_of_calls_go_with_them_unless_they_were_made_here(call_id, sent) -> None:
    turns = [USER, {"role": "assistant", "tool_calls": [{**CALL, "id": call_id}]},
             {"role": "tool", "tool_call_id": call_id, "content": "42"}]  # fmt: skip
    _, called, answered = told(messages=turns)["contents"]
    result = {**sent, "name": "f", "response": {"result": "42"}}
    assert called["parts"][0]["functionCall"] == {**sent, "name": "f", "args": {"a": 1}}
    assert answered["parts"] == [{"functionResponse": result}]


def test_a_film_goes_by_its_data_or_its_address() -> None:
    films = [{"type": "video_url", "video_url": {"url": url}}
             for url in ("data:video/mp4;base64,aGk=", "https://a.example/a.mp4")]  # fmt: skip
    (turn,) = told(messages=[{"role": "user", "content": films}])["contents"]
    assert turn["parts"] == [
        {"inlineData": {"mimeType": "video/mp4", "data": "aGk="}},
        {"fileData": {"mimeType": "video/mp4", "fileUri": "https://a.example/a.mp4"}}]  # fmt: skip
