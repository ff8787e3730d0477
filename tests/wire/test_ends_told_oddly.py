"""How answers and their streams end in the words of gateways, and which of that is an answer."""

from __future__ import annotations

import json
from typing import Any

import pytest

from windsock.core.evidence.answer_ends import AnswerEnd
from windsock.core.model.calls import CallKind
from windsock.core.model.requests import RouteRequest
from windsock.wire.format import AnswerFacts, ProviderTraits, StreamScanner
from windsock.wire.formats.messages.stream import MessageStream
from windsock.wire.registry import LANGUAGES, formats_of
from windsock.wire.request import Operation, UpstreamRequest

ASKED = UpstreamRequest(raw=b"{}", request=RouteRequest(model="m"), wants_usage=True)
USED = {"prompt_tokens": 22, "completion_tokens": 5, "total_tokens": 27}


def kind_of(facts: AnswerFacts) -> CallKind:
    end = AnswerEnd(finish_reason=facts.finish_reason, is_empty=facts.is_empty)
    return end.kind(takes_content_elsewhere=True)


def scanned(form: str, *events: dict[str, Any] | bytes) -> tuple[bytes, StreamScanner]:
    scanner = formats_of(form, ProviderTraits())[Operation.CHAT].scanner(ASKED)
    raw = b"".join(
        each if isinstance(each, bytes) else b"data: " + json.dumps(each).encode() + b"\n\n"
        for each in events
    )
    return b"".join([*scanner.feed(raw), *scanner.rest()]), scanner


def chunk(delta: dict[str, Any], **said: Any) -> dict[str, Any]:
    return {"id": "c", "model": "m", "choices": [{"index": 0, "delta": delta, **said}]}


def answered(text: str, **said: Any) -> Any:
    message = {"role": "assistant", "content": text, **said.pop("message", {})}
    body = {"id": "c", "choices": [{"index": 0, "message": message, **said}], "usage": USED}
    return formats_of("openai_chat", ProviderTraits())[Operation.CHAT].answer(
        json.dumps(body).encode(), ASKED
    )


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ({"finish_reason": "stop", "native_finish_reason": "refusal"}, CallKind.CONTENT_REFUSED),
        ({"finish_reason": "stop", "native_finish_reason": "MALFORMED_FUNCTION_CALL"},
         CallKind.SERVER_ERROR),
        ({"finish_reason": "stop", "native_finish_reason": "pause_turn"}, CallKind.EMPTY_ANSWER),
        ({"finish_reason": "stop", "provider_specific_fields": {"native_finish_reason": "error"}},
         CallKind.SERVER_ERROR),
        ({"finishReason": "error"}, CallKind.SERVER_ERROR),
        ({"finish_reason": None, "finishReason": "content_filter"}, CallKind.CONTENT_REFUSED),
    ],
)  # fmt: skip
def test_how_a_gateways_own_provider_ended_goes_before_its_usual_word(said, kind) -> None:
    assert kind_of(answered("", **said).facts) is kind


def test_an_error_that_a_gateway_put_beside_the_message_is_one() -> None:
    beside = {"provider_specific_fields": {"error": {"code": 503, "message": "no"}}}
    answer = answered("", finish_reason="stop", message=beside)
    assert answer.error is not None and b"503" in answer.error


def test_an_end_in_camel_case_is_one() -> None:
    _, scanner = scanned(
        "openai_chat",
        chunk({"content": "carp"}, finish_reason=None),
        chunk({"content": "s"}, finish_reason=None, finishReason="stop"),
    )
    assert scanner.is_complete and scanner.facts().finish_reason == "stop"


NO_FIELD = chunk({"content": "4"}), {"choices": [], "usage": USED}
NULL_FIELD = chunk({"content": "4"}, finish_reason=None), {"choices": [], "usage": USED}


@pytest.mark.parametrize(
    ("events", "is_complete"),
    [
        ((*NO_FIELD, b"data: [DONE]\n\n"), True),
        (NO_FIELD, False),
        ((NO_FIELD[0], b"data: [DONE]\n\n"), False),
        ((*NULL_FIELD, b"data: [DONE]\n\n"), False),
    ],
)
def test_a_stream_whose_chunks_have_no_field_for_an_end_ends_by_its_mark(
    events, is_complete: bool
) -> None:
    _, scanner = scanned("openai_chat", *events)
    assert scanner.is_complete is is_complete
    assert scanner.facts().finish_reason is None


def test_a_field_name_that_a_proxy_doubled_is_told_once() -> None:
    raw = b"".join(
        b"data: data: " + json.dumps(each).encode() + b"\n\n"
        for each in (chunk({"content": "a"}), chunk({}, finish_reason="stop"))
    )
    told, scanner = scanned("openai_chat", raw, b"data: data: [DONE]\n\n")
    assert scanner.is_complete and b"data: data:" not in told and b'"a"' in told


def started(index: int, **block: Any) -> dict[str, Any]:
    return {"type": "content_block_start", "index": index, "content_block": block}


def args(index: int, part: str) -> dict[str, Any]:
    delta = {"type": "input_json_delta", "partial_json": part}
    return {"type": "content_block_delta", "index": index, "delta": delta}


STOPPED = [
    {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 7}},
    {"type": "message_stop"},
]


def calls_in(told: bytes) -> dict[int, str]:
    found: dict[int, str] = {}
    for event in told.split(b"\n\n"):
        body = json.loads(event[6:]) if event.startswith(b"data: {") else {}
        for choice in body.get("choices", ()):
            for call in choice["delta"].get("tool_calls", ()):
                found[call["index"]] = found.get(call["index"], "") + call["function"]["arguments"]
    return found


def test_what_a_provider_ran_itself_is_no_call_of_the_client() -> None:
    told, _ = scanned(
        "anthropic_messages",
        {"type": "message_start", "message": {"id": "m", "model": "m", "usage": {}}},
        started(0, type="server_tool_use", id="s", name="web_search", input={}),
        args(0, '{"query":"x"}'),
        started(1, type="tool_use", id="t", name="f", input={}),
        args(1, '{"a":1}'),
        started(2, type="mcp_tool_use", id="u", name="g", input={}),
        args(2, '{"b":2}'),
        *STOPPED,
    )
    assert calls_in(told) == {0: '{"a":1}'}


def test_calls_that_a_proxy_told_mixed_keep_their_own_arguments() -> None:
    told, _ = scanned(
        "anthropic_messages",
        {"type": "message_start", "message": {"id": "m", "model": "m", "usage": {}}},
        started(0, type="tool_use", id="t", name="f", input={}),
        started(1, type="tool_use", id="u", name="g", input={}),
        args(0, '{"a":'), args(1, '{"b":2}'), args(0, "1}"),
        *STOPPED,
    )  # fmt: skip
    assert calls_in(told) == {0: '{"a":1}', 1: '{"b":2}'}


def test_a_call_of_geminis_before_its_end_ends_the_answer_for_it() -> None:
    scanner = LANGUAGES["generate_content"](ProviderTraits()).scanner(ASKED)
    call = {"functionCall": {"name": "f", "args": {}}}
    ended = {"content": {"parts": [{"text": ""}]}, "finishReason": "STOP"}
    for candidate in ({"content": {"parts": [call]}}, ended):
        event = json.dumps({"candidates": [candidate]}).encode()
        list(scanner.feed(b"data: " + event + b"\n\n"))
    assert scanner.facts().finish_reason == "tool_calls"


@pytest.mark.parametrize("response", [{"status": "failed", "error": None}, {}, None])
def test_a_response_that_failed_without_a_word_is_an_error(response: Any) -> None:
    scanner = LANGUAGES["responses"](ProviderTraits()).scanner(ASKED)
    event = {"type": "response.failed", "response": response}
    list(scanner.feed(b"data: " + json.dumps(event).encode() + b"\n\n"))
    assert scanner.error


@pytest.mark.parametrize(
    ("kind", "response", "finish"),
    [
        ("response.incomplete", {"incomplete_details": {"reason": "max_output_tokens"}}, "length"),
        ("response.done", {"status": "completed"}, "stop"),
    ],
)
def test_a_response_ends_also_without_its_status_and_by_an_older_name(kind, response, finish):
    part = {"type": "response.output_text.delta", "output_index": 0, "delta": "x"}
    _, scanner = scanned("openai_responses", part, {"type": kind, "response": response})
    assert scanner.is_complete and scanner.facts().finish_reason == finish


def chunks_in(told: bytes) -> list[dict[str, Any]]:
    return [json.loads(each[6:]) for each in told.split(b"\n\n") if each.startswith(b"data: {")]


PLAIN = chunk({"content": "a"}, finish_reason=None)
ENDED = chunk({}, finish_reason="stop")


def test_a_filter_that_speaks_in_choices_without_a_delta_breaks_no_client() -> None:
    noted = {"index": 0, "finish_reason": None, "content_filter_offsets": {"check_offset": 44}}
    told, scanner = scanned("openai_chat", PLAIN, {"id": "", "choices": [noted]}, ENDED)
    choices = [each["choices"][0] for each in chunks_in(told)]
    assert [each["delta"] for each in choices] == [{"content": "a"}, {}, {}]
    assert choices[1]["content_filter_offsets"] == {"check_offset": 44} and scanner.is_complete


@pytest.mark.parametrize(("before", "deltas"), [((PLAIN,), [{"content": "a"}, {}]), ((), ["all"])])
def test_a_message_that_ends_a_stream_is_told_once(before, deltas) -> None:
    message = {"role": "assistant", "content": "a"}
    last = {"id": "c", "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}
    told, scanner = scanned("openai_chat", *before, last)
    found = [each["choices"][0]["delta"] for each in chunks_in(told)]
    assert found == [message if each == "all" else each for each in deltas]
    assert scanner.is_complete and scanner.has_answer


@pytest.mark.parametrize("index", [{}, {"index": None}, {"index": "0"}])
def test_calls_without_a_number_get_theirs(index: dict[str, Any]) -> None:
    def part(**said: str) -> dict[str, Any]:
        return {**index, "function": said}

    told, _ = scanned(
        "openai_chat",
        chunk({"tool_calls": [part(name="f", arguments="{")]}, finish_reason=None),
        chunk({"tool_calls": [part(arguments="}")]}, finish_reason=None),
        chunk({"tool_calls": [part(name="g", arguments="{}")]}, finish_reason=None),
        chunk({}, finish_reason="tool_calls"),
    )
    assert calls_in(told) == {0: "{}", 1: "{}"}


@pytest.mark.parametrize(
    ("finish", "word"),
    [
        ({"type": "stop", "matched": 2}, "stop"),
        ({"type": "length", "length": 16}, "length"),
        ({"type": "abort", "message": "Abort"}, "abort"),
    ],
)
def test_an_end_that_is_an_object_has_its_type_for_a_word(finish, word: str) -> None:
    assert answered("x", finish_reason=finish).facts.finish_reason == word
    _, scanner = scanned("openai_chat", PLAIN, chunk({"content": "b"}, finish_reason=finish))
    assert scanner.is_complete and scanner.facts().finish_reason == word


@pytest.mark.parametrize(
    "told",
    [
        chunk({"error": {"message": "upstream died", "code": 502}}, finish_reason=None),
        {"id": "x", "choices": None, "error_type": "BadRequestError", "error_message": "too long"},
        {"detail": [{"loc": ["body"], "msg": "bad", "type": "value_error"}]},
        {"success": False, "message": "quota"},
    ],
)
def test_an_error_in_a_delta_or_of_another_shape_is_one(told: dict[str, Any]) -> None:
    _, scanner = scanned("openai_chat", PLAIN, told)
    assert scanner.error is not None


@pytest.mark.parametrize("told", [{"success": True, "message": "ok"}, {"detail": []}])
def test_a_remark_is_no_error(told: dict[str, Any]) -> None:
    _, scanner = scanned("openai_chat", PLAIN, told, ENDED)
    assert scanner.error is None and scanner.is_complete


@pytest.mark.parametrize("name", ["data", "result", "response"])
def test_a_completion_within_a_gateways_own_object_is_told_as_one(name: str) -> None:
    message = {"role": "assistant", "content": "x"}
    whole = {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}], "usage": USED}
    format_ = formats_of("openai_chat", ProviderTraits())[Operation.CHAT]
    body = {"code": 0, "success": True, "errors": [], name: whole}
    answer = format_.answer(json.dumps(body).encode(), ASKED)
    assert answer is not None and answer.facts.usage is not None and not answer.facts.is_empty
    told = json.loads(format_.told(answer, ASKED, provider="p", cost_usd=0.1))
    assert told["choices"][0]["message"]["content"] == "x" and told["usage"]["cost"] == 0.1


@pytest.mark.parametrize(
    ("said", "stop"),
    [
        ({"finish_reason": "MAX_TOKENS"}, "max_tokens"),
        ({"finish_reason": {"type": "length", "length": 3}}, "max_tokens"),
        ({"finish_reason": None, "finishReason": "length"}, "max_tokens"),
        ({"finish_reason": "sensitive"}, "refusal"),
        ({"finish_reason": "eos_token"}, "end_turn"),
        ({"finish_reason": "aliens"}, "end_turn"),
    ],
)
def test_clients_of_messages_hear_of_an_end_whatever_it_is_called(said, stop: str) -> None:
    stream = MessageStream()
    list(stream.streamed(PLAIN))
    list(stream.streamed(chunk({}, **said)))
    told = [each for each in stream.ended() if each["type"] == "message_delta"]
    assert [each["delta"]["stop_reason"] for each in told] == [stop]
