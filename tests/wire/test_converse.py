"""Chat completions told to Bedrock's Converse and back."""

import json
from typing import Any
from zlib import crc32

import orjson
import pytest

from tests.providers import fake_converse
from windsock.core.model.units import Usage
from windsock.errors import ProviderError
from windsock.wire.format import ProviderTraits
from windsock.wire.formats.chat.reading import read_chat
from windsock.wire.formats.converse.content import Converse

SPOKEN = Converse(ProviderTraits())
USER = {"role": "user", "content": "hi"}
TOOL = {"type": "function", "function": {"name": "f", "description": "d",
                                         "parameters": {"type": "object"}}}  # fmt: skip
CALL = {"id": "t1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}
USED = Usage(input_tokens=86, cache_read_tokens=1920, output_tokens=300)


def asked(**chat: Any) -> Any:
    return read_chat(orjson.dumps({"model": "auto", "messages": [USER], **chat}), namespace="n")


def told(**chat: Any) -> dict[str, Any]:
    return json.loads(SPOKEN.body(asked(**chat), "m"))


@pytest.mark.parametrize(
    ("chat", "fields"),
    [
        ({}, {}),
        ({"max_tokens": 5, "temperature": 0.5, "top_p": 0.9, "stop": "x", "seed": 1},
         {"inferenceConfig": {"maxTokens": 5, "temperature": 0.5, "topP": 0.9,
                              "stopSequences": ["x"]}}),
        ({"tools": [TOOL], "tool_choice": "required"},
         {"toolConfig": {"tools": [{"toolSpec": {"name": "f", "description": "d",
                                                 "inputSchema": {"json": {"type": "object"}}}}],
                         "toolChoice": {"any": {}}}}),
        ({"tools": [TOOL], "tool_choice": {"type": "function", "function": {"name": "f"}}},
         {"toolConfig": {"tools": [{"toolSpec": {"name": "f", "description": "d",
                                                 "inputSchema": {"json": {"type": "object"}}}}],
                         "toolChoice": {"tool": {"name": "f"}}}}),
        ({"additionalModelRequestFields": {"thinking": {}}, "user": "u", "session_id": "s"},
         {"additionalModelRequestFields": {"thinking": {}}}),
    ],
)  # fmt: skip
def test_what_is_asked_for(chat, fields) -> None:
    made = told(**chat)
    assert made.pop("messages") == [{"role": "user", "content": [{"text": "hi"}]}]
    assert made == fields


@pytest.mark.parametrize(
    ("part", "block"),
    [
        ({"type": "input_audio", "input_audio": {"data": "UklG", "format": "wav"}},
         {"audio": {"format": "wav", "source": {"bytes": "UklG"}}}),
        ({"type": "video_url", "video_url": {"url": "data:video/quicktime;base64,AAAA"}},
         {"video": {"format": "mov", "source": {"bytes": "AAAA"}}}),
        ({"type": "video_url", "video_url": {"url": "s3://films/a.mp4"}},
         {"video": {"format": "mp4", "source": {"s3Location": {"uri": "s3://films/a.mp4"}}}}),
    ],
)  # fmt: skip
def test_sounds_and_videos_are_told(part, block) -> None:
    made = told(messages=[{"role": "user", "content": [{"type": "text", "text": "look"}, part]}])
    assert made["messages"] == [{"role": "user", "content": [{"text": "look"}, block]}]


CALLED = [USER, {"role": "assistant", "content": None, "tool_calls": [CALL]},
          {"role": "tool", "tool_call_id": "t1", "content": "42"}]  # fmt: skip


def test_turns_alternate_also_where_the_systems_stood_between_them() -> None:
    late = {"role": "developer", "content": "late"}
    made = told(messages=[USER, late, USER])
    assert made["messages"] == [{"role": "user", "content": [{"text": "hi"}, {"text": "hi"}]}]
    assert made["system"] == [{"text": "late"}]


@pytest.mark.parametrize("chat", [{}, {"tools": [TOOL], "tool_choice": "none"}])
def test_without_tools_calls_and_their_results_are_told_in_words(chat) -> None:
    made = told(messages=CALLED, **chat)
    assert "toolConfig" not in made
    assert [each["content"] for each in made["messages"]] == [
        [{"text": "hi"}], [{"text": 'I called f with {"a":1}'}],
        [{"text": "The call gave:"}, {"text": "42"}]]  # fmt: skip
    assert fake_converse.complaint(made) is None


@pytest.mark.parametrize(
    ("filename", "kind", "name", "form"),
    [
        ("report.pdf", "application/pdf", "report pdf", "pdf"),
        ("/home/u/My_report  v1.2.pdf", "application/pdf", "My report v1 2 pdf", "pdf"),
        ("C:\\docs\\notes.txt", "text/plain", "notes txt", "txt"),
        ("報告", "text/markdown", "document", "md"),
        ("x" * 300, "text/csv", "x" * 190, "csv"),
    ],
)
def test_a_document_has_a_name_and_a_format_that_converse_takes(filename, kind, name, form) -> None:
    file = {"filename": filename, "file_data": f"data:{kind};base64,QQ=="}
    parts = [{"type": "file", "file": file}, {"type": "file", "file": file}]
    made = told(messages=[{"role": "user", "content": parts}])
    first, second = (each["document"] for each in made["messages"][0]["content"])
    assert (first["name"], first["format"], second["name"]) == (name, form, f"{name} (2)")
    assert fake_converse.complaint(made) is None


def test_turns_with_calls_results_pictures_and_marks_of_the_cache() -> None:
    mark = {"cache_control": {"type": "ephemeral"}}
    made = told(
        messages=[
            {"role": "system", "content": [{"type": "text", "text": "s", **mark}]},
            {"role": "user", "content": [
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA"}}]},
            {"role": "assistant", "content": "", "tool_calls": [CALL]},
            {"role": "tool", "tool_call_id": "t1", "content": "42"},
        ],
        tools=[TOOL],
    )  # fmt: skip
    assert made["system"] == [{"text": "s"}, {"cachePoint": {"type": "default"}}]
    assert [each["content"] for each in made["messages"]] == [
        [{"image": {"format": "png", "source": {"bytes": "AA"}}}],
        [{"toolUse": {"toolUseId": "t1", "name": "f", "input": {"a": 1}}}],
        [{"toolResult": {"toolUseId": "t1", "content": [{"text": "42"}]}}],
    ]


def scanned(frames: bytes, size: int) -> tuple[Any, list[dict[str, Any]]]:
    scanner = SPOKEN.scanner(asked(stream=True))
    parts = [frames[i : i + size] for i in range(0, len(frames), size)]
    out = b"".join(event for part in parts for event in scanner.feed(part))
    out += b"".join(scanner.rest())
    return scanner, [json.loads(each[6:]) for each in out.decode().split("\n\n") if each]


@pytest.mark.parametrize("size", [1, 7, 10_000])
@pytest.mark.parametrize("body", [{}, {"toolConfig": {}, "x": 1}, {"toolConfig": {"tools": [1]}}])
def test_a_stream_says_what_the_whole_answer_says(size, body) -> None:
    frames = b"".join(fake_converse.frame(*each) for each in fake_converse.events(body))
    scanner, chunks = scanned(frames, size)
    deltas = [choice["delta"] for chunk in chunks for choice in chunk["choices"]]
    whole = SPOKEN.answer(bytes(fake_converse.plain(body).body), asked())
    assert whole is not None and whole.message is not None
    said = "".join(delta.get("content") or "" for delta in deltas)
    assert said == (whole.message["content"] or "")
    calls = [call for delta in deltas for call in delta.get("tool_calls", ())]
    arguments = "".join(call["function"].get("arguments", "") for call in calls)
    expected = [call["function"]["arguments"] for call in whole.message.get("tool_calls", ())]
    assert [json.loads(each) for each in ([arguments] if calls else [])] == [
        json.loads(each) for each in expected
    ]
    facts = scanner.facts()
    assert facts.usage == whole.facts.usage == USED
    assert facts.finish_reason == whole.facts.finish_reason
    assert facts.served_model is None and whole.facts.served_model is None, "it is not said"
    assert scanner.is_complete and scanner.is_done and scanner.has_answer
    assert whole.body["id"] and chunks[0]["id"], "an answer has a name"


@pytest.mark.parametrize("size", [1, 10_000])
@pytest.mark.parametrize("body", [{}, {"toolConfig": {"tools": [1]}}])
def test_an_answer_that_came_whole_is_told_as_a_stream(size, body) -> None:
    raw = bytes(fake_converse.plain(body).body)
    scanner, chunks = scanned(raw, size)
    frames = b"".join(fake_converse.frame(*each) for each in fake_converse.events(body))
    streamed, _ = scanned(frames, 10_000)
    whole = SPOKEN.answer(raw, asked())
    assert whole is not None and whole.message is not None
    deltas = [choice["delta"] for chunk in chunks for choice in chunk["choices"]]
    assert "".join(d.get("content") or "" for d in deltas) == (whole.message["content"] or "")
    calls = [call["function"] for delta in deltas for call in delta.get("tool_calls", ())]
    expected = [call["function"] for call in whole.message.get("tool_calls", ())]
    arguments = [json.loads("".join(each["arguments"] for each in calls))] if calls else []
    assert arguments == [json.loads(each["arguments"]) for each in expected]
    assert scanner.is_complete and scanner.is_done and chunks[0]["id"]
    assert (scanner.facts().usage, scanner.facts().finish_reason) == (
        streamed.facts().usage,
        streamed.facts().finish_reason,
    )


@pytest.mark.parametrize("raw", [b'{"message": "Too many requests"}', b'{"x": 1}', b"<html>"])
def test_what_came_whole_and_is_no_answer_is_none(raw) -> None:
    scanner, chunks = scanned(raw, 9)
    assert not scanner.is_complete and not chunks
    assert (scanner.error is not None) == (b"Too many" in raw)


def test_an_exception_in_a_stream_is_an_error() -> None:
    frames = fake_converse.frame("messageStart", {"role": "assistant"})
    frames += fake_converse.frame("throttlingException", {"message": "Too many requests"})
    scanner, _ = scanned(frames, 30)
    assert scanner.error is not None and b"throttlingException" in scanner.error
    assert not scanner.is_complete


@pytest.mark.parametrize("place", [3, 9, 40, -1])
def test_a_frame_with_a_broken_byte_is_none(place) -> None:
    broken = bytearray(fake_converse.frame("messageStart", {"role": "assistant"}))
    broken[place] ^= 0xFF
    with pytest.raises(ProviderError, match="broken"):
        scanned(bytes(broken) + fake_converse.frame("messageStart", {}), 10_000)


@pytest.mark.parametrize("length", [0, 1, 15])
def test_a_frame_shorter_than_what_frames_it_is_none(length: int) -> None:
    """By its own word and with a checksum that holds: it would be read again and again."""
    lengths = length.to_bytes(4) + bytes(4)
    with pytest.raises(ProviderError, match="no frame"):
        scanned(lengths + crc32(lengths).to_bytes(4) + bytes(8), 5)


@pytest.mark.parametrize(
    ("reason", "finish"),
    [("end_turn", "stop"), ("max_tokens", "length"), ("guardrail_intervened", "content_filter"),
     ("content_filtered", "content_filter")],
)  # fmt: skip
def test_why_it_ended(reason, finish) -> None:
    body = json.loads(bytes(fake_converse.plain({}).body)) | {"stopReason": reason}
    answer = SPOKEN.answer(orjson.dumps(body), asked())
    assert answer is not None and answer.facts.finish_reason == finish


def test_what_was_written_to_a_cache_is_of_the_life_that_it_has() -> None:
    said = [
        {"inputTokens": 500, "ttl": "1h"},
        {"inputTokens": 200, "ttl": "5m"},
        {"inputTokens": 100, "ttl": "1h"},
        {"inputTokens": "many", "ttl": "5m"},
        {"ttl": "forever"},
        None,
    ]
    body = json.loads(bytes(fake_converse.plain({}).body))
    body["usage"] |= {"cacheWriteInputTokens": 800, "cacheDetails": said}
    answer = SPOKEN.answer(orjson.dumps(body), asked())
    assert answer is not None and answer.facts.usage is not None
    written = answer.facts.usage.cache_write_tokens, answer.facts.usage.cache_write_1h_tokens
    assert written == (200, 600)


def message_of(content: list[dict[str, Any]]) -> dict[str, Any]:
    body = {"output": {"message": {"role": "assistant", "content": content}},
            "stopReason": "end_turn", "usage": {"inputTokens": 3, "outputTokens": 4}}  # fmt: skip
    answer = SPOKEN.answer(json.dumps(body).encode(), asked())
    assert answer is not None and answer.message is not None
    return dict(answer.message)


def test_a_text_with_its_sources_is_a_text() -> None:
    cited = {"citationsContent": {"content": [{"text": "It is "}, {"text": "wet."}],
                                  "citations": [{"title": "T", "location": {}}]}}  # fmt: skip
    assert message_of([{"text": "So: "}, cited])["content"] == "So: It is wet."


def test_what_ran_at_amazon_is_no_call_of_the_client() -> None:
    ran = {"toolUse": {"toolUseId": "t", "name": "nova_grounding", "input": {"query": "x"},
                       "type": "server_tool_use"}}  # fmt: skip
    own = {"toolUse": {"toolUseId": "u", "name": "f", "input": {}}}
    calls = message_of([ran, {"text": "x"}, own])["tool_calls"]
    assert [call["function"]["name"] for call in calls] == ["f"]
