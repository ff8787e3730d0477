"""Streams split anywhere: whole events come out, byte for byte, and nothing is made up."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.upstream import chunk, completion, event, stream_of
from windsock.core.model.requests import RouteRequest
from windsock.errors import ProviderError
from windsock.wire.format import ProviderTraits
from windsock.wire.formats.openai_chat import OpenAIChat
from windsock.wire.formats.openai_chat_stream import ChatStreamScanner
from windsock.wire.formats.openai_ends import error_in, shows
from windsock.wire.registry import formats_of
from windsock.wire.request import Operation, UpstreamRequest
from windsock.wire.sse import MAX_EVENT_BYTES

WORDS = ["Grüezi ", "mitenand 🌬", " [DONE] ", '"finish_reason": "stop"', "\n\ndata: x", "\r\n"]
USAGE = {"prompt_tokens": 1, "completion_tokens": 2}


def fed(parts: list[bytes], choices: int = 1) -> tuple[bytes, ChatStreamScanner]:
    scanner = ChatStreamScanner(choices)
    out = [each for part in parts for each in scanner.feed(part)]
    out += scanner.rest()
    return b"".join(out), scanner


def split(whole: bytes, at: list[int]) -> list[bytes]:
    places = [0, *sorted(place % (len(whole) + 1) for place in at), len(whole)]
    return [whole[i:j] for i, j in pairwise(places)]


@pytest.mark.parametrize("newline", [b"\n", b"\r\n"])
@given(at=st.lists(st.integers(0, 10_000), max_size=40))
def test_bytes_relayed_are_bytes_received_wherever_they_are_split(newline, at) -> None:
    whole = b"".join(stream_of(WORDS, usage=False, done=False)).replace(b"\n\n", newline * 2)
    whole = b": comment" + newline * 2 + b"event: x" + newline + whole
    relayed, scanner = fed(split(whole, at))
    assert relayed == whole
    assert scanner.is_complete
    assert not scanner.is_done
    assert scanner.content_events == len(WORDS)


@given(at=st.lists(st.integers(0, 10_000), max_size=40))
def test_usage_and_the_end_mark_are_kept_back(at) -> None:
    relayed, scanner = fed(split(b"".join(stream_of(WORDS)), at))
    assert relayed == b"".join(stream_of(WORDS, usage=False, done=False))
    assert scanner.usage == {"prompt_tokens": 12, "completion_tokens": 3, "total_tokens": 15}
    assert scanner.is_done


def test_an_answer_that_says_done_is_not_the_end_of_it() -> None:
    said = event(chunk({"content": "[DONE]"}))
    relayed, scanner = fed([said])
    assert relayed == said
    assert not scanner.is_done


def test_every_choice_must_come_to_its_end() -> None:
    both = [event({**chunk({}, "stop"), "choices": [{"index": i, "delta": {}, "finish_reason":
            "stop"}]}) for i in range(2)]  # fmt: skip
    assert not fed(both[:1], choices=2)[1].is_complete
    assert fed(both, choices=2)[1].is_complete


def test_a_later_empty_usage_takes_nothing_back() -> None:
    first, later = (event({**chunk({}), "choices": [], "usage": u}) for u in (USAGE, {}))
    assert fed([first, later])[1].usage == USAGE


def test_a_completion_that_came_whole_is_told_as_a_stream() -> None:
    call = {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    whole = completion("hello", usage=USAGE)
    whole["choices"][0]["message"]["tool_calls"] = [call]
    relayed, scanner = fed([b"\xef\xbb\xbf" + json.dumps(whole).encode()])
    (choice,) = json.loads(relayed.removeprefix(b"data: "))["choices"]
    assert choice["delta"]["content"] == "hello"
    assert choice["delta"]["tool_calls"] == [{"index": 0, **call}]
    assert scanner.is_complete and scanner.usage == USAGE


@pytest.mark.parametrize(
    ("body", "is_error"),
    [
        ({"code": "Throttling.RateQuota", "message": "Requests rate limit exceeded"}, True),
        ({"code": 50000, "msg": "system error", "data": None}, True),
        ({"error_code": 18, "error_msg": "qps request limit reached"}, True),
        ({"choices": None, "base_resp": {"status_code": 1008, "status_msg": "no"}}, True),
        ({"header": {"code": 11200, "message": "no", "sid": "x"}}, True),
        ({"header": {"code": 0, "message": "Success", "sid": "x"}}, False),
        ({"Response": {"Error": {"Code": "LimitExceeded", "Message": "no"}}}, True),
        ({"ret": -1, "err_msg": "down"}, True),
        ({"detail": "Internal Server Error"}, True),
        ({"success": False, "errors": [{"code": 10000, "message": "no"}], "messages": []}, True),
        ({"errors": [], "type": "ping"}, False),
        (completion(base_resp={"status_code": 0, "status_msg": ""}, message="ok"), False),
        (chunk({"content": "x"}, message="ok"), False),
        ({"data": [{"embedding": [0.1]}], "message": "success"}, False),
        ({"choices": [], "prompt_filter_results": [{}]}, False),
        ({"type": "ping"}, False),
    ],
)
def test_what_complains_and_answers_nothing_is_an_error(body: dict, is_error: bool) -> None:
    assert (error_in(body) is not None) == is_error
    assert (fed([event(body)])[1].error is not None) == is_error


REMARKS = [
    b"null", b"{}", b"[]", b"5", b'{"type": "ping"}', b'{"message": "queued", "status": "waiting"}',
]  # fmt: skip


@pytest.mark.parametrize("remark", REMARKS)
@pytest.mark.parametrize("size", [1, 10_000])
def test_what_is_no_chunk_is_not_passed_on(remark: bytes, size: int) -> None:
    words = [event(chunk({"content": word})) for word in "ab"]
    whole = b"".join([words[0], b"data: " + remark + b"\n\n", words[1], event(chunk({}, "stop"))])
    relayed, scanner = fed([whole[i : i + size] for i in range(0, len(whole), size)])
    assert relayed == b"".join([*words, event(chunk({}, "stop"))])
    assert scanner.is_complete and scanner.error is None


OVERFLOW = b'{"code":400,"message":"exceeds the context size","type":"exceed_context_size_error"}'
LIMITED = b'{"error":{"message":"Rate limit reached","code":"rate_limit_exceeded"}}'


@pytest.mark.parametrize(
    ("told", "says"),
    [
        (b"error: " + OVERFLOW + b"\n\n", "exceed_context_size_error"),
        (LIMITED + b"\n\n", "rate_limit_exceeded"),
        (LIMITED + b"\n", "rate_limit_exceeded"),
        (b"event: error\ndata: upstream connect error\n\n", "upstream connect error"),
        (b'event: error\ndata: "stream failed"\n\n', "stream failed"),
        (b'event: error\ndata: it said "no\n\n', "it said"),
        (b"event: error\ndata:\n\n", "error"),
    ],
)
@pytest.mark.parametrize("size", [5, 10_000])
def test_an_error_that_is_no_data_of_a_chunk_is_one(told: bytes, says: str, size: int) -> None:
    whole = event(chunk({"content": "a"})) + told
    relayed, scanner = fed([whole[i : i + size] for i in range(0, len(whole), size)])
    assert relayed == event(chunk({"content": "a"}))
    assert says in (scanner.error or b"").decode()


def test_an_end_that_is_told_twice_is_that_of_one_choice() -> None:
    ends = [event(chunk({}, choices=[{"index": i, "delta": {}, "finish_reason": "stop"}]))
            for i in (0, 0, 1)]  # fmt: skip
    assert not fed(ends[:2], choices=2)[1].is_complete
    assert fed(ends, choices=2)[1].is_complete


@pytest.mark.parametrize("word", ["null", ""])
def test_a_word_for_nothing_is_no_end(word: str) -> None:
    _, scanner = fed([event(chunk({"content": "a"}, word))])
    assert not scanner.is_complete and scanner.finish_reason is None


@pytest.mark.parametrize("newline", [b"\n", b"\r\n", b"\r"])
def test_events_that_end_with_one_line_end_are_told_apart(newline: bytes) -> None:
    events = stream_of(["a", "b"], usage=False)
    relayed, scanner = fed([b"".join(events).replace(b"\n\n", newline)])
    assert relayed == b"".join(events[:-1])
    assert scanner.is_complete and scanner.is_done


@pytest.mark.parametrize("field", ["reasoning_details", "thinking_blocks"])
def test_reasoning_by_any_name_begins_a_stream(field: str) -> None:
    _, scanner = fed([event(chunk({field: [{"type": "thinking", "thinking": "hm"}]}))])
    assert scanner.has_content and not scanner.has_answer


@pytest.mark.parametrize("page", [b"<html><body>data</body></html>", b'{"choices": [{}]}', b"[1]"])
def test_what_is_no_event_is_not_passed_on_as_one(page: bytes) -> None:
    relayed, scanner = fed([page])
    assert relayed == b""
    assert not scanner.has_content


def test_an_event_without_end_is_given_up() -> None:
    scanner = ChatStreamScanner()
    with pytest.raises(ProviderError, match="larger"):
        for _ in range(MAX_EVENT_BYTES // 65536 + 1):
            list(scanner.feed(b"x" * 65536))


@pytest.mark.parametrize(
    "bad", [b'{"choices": [', b'{"a":' * 100_000 + b"NaN", b'{"a" 1}', b'x":1}']
)
def test_an_event_that_is_no_json_breaks_the_stream_and_is_not_passed_on(bad) -> None:
    scanner = ChatStreamScanner()
    out = list(scanner.feed(event(chunk({"content": "a"}))))
    with pytest.raises(ProviderError, match="broken"):
        out += scanner.feed(b"data: " + bad + b"\n\n")
    assert out == [event(chunk({"content": "a"}))]


@given(at=st.lists(st.integers(0, 10_000), max_size=40))
def test_a_broken_event_is_found_among_others_wherever_they_are_split(at) -> None:
    parts = [*stream_of(WORDS, usage=False)[:3], b'data: {"id": "x", "choi\n\n', *stream_of(WORDS)]
    with pytest.raises(ProviderError, match="broken"):
        fed(split(b"".join(parts), at))


ODD = [
    event(chunk({"content": "“a”"})),
    event(chunk({"content": "b\n\"{}\\"})),
    event(chunk({"content": '"content":"x"'})),
    event(chunk({"content": "b"})).replace(b'"b"', b'"\\ud83d"'),
    event(chunk({"content": "b"})).replace(b'"b"', b'"\\x"'),
    event(chunk({"content": "b"})).replace(b'"b"', b'"\x01"'),
    event(chunk({"content": "b"})).replace(b'"b"', b'"b" "b"'),
    event(chunk({"content": ""})),
    event(chunk({"content": '"usage": {"x": 1}'})),
    event(chunk({"content": " [DONE] "})),
    event(chunk({"reasoning_content": "hm"})),
    event(chunk({"tool_calls": [{"index": 0, "function": {"name": "f", "arguments": "{}"}}]})),
    event(chunk({"content": "c"}, "stop")),
    event(chunk({}, "length")),
    event(chunk({"content": "d"}, usage=USAGE)),
    event({**chunk({}), "choices": [], "usage": {"completion_tokens": 9, "cost": 0.5}}),
    event({**chunk({}), "choices": [], "x_groq": {"usage": USAGE}}),
    event(chunk({"content": "e"}, model="another", service_tier="flex")),
    b": ping\n\n",
    b'event: message\ndata: {"id": "2",\ndata: "choices": [{"delta": {"content": "f"}}]}\n\n',
    b'data: {"choices": [{"delta": {"content": "g"}, "x": NaN}]}\n\n',
    b'data: {"error": null, "choices": [{"delta": {"content": "h"}}]}\n\n',
    b'data: {"error": {"message": "overloaded"}}\n\n',
    b'event: error\ndata: {"message": "no"}\n\n',
    b"data: [DONE]\n\n",
    b"data: ping\n\n",
    b'data: {"choices": [\n\n',
]  # fmt: skip
"""Of streams as they come, and as they should not."""


def told(parts: list[bytes]) -> object:
    try:
        relayed, scanner = fed(parts)
    except ProviderError as error:
        return str(error)
    kept = scanner.facts(), scanner.content_events, scanner.is_complete, scanner.is_done
    return relayed.replace(b"\r\n", b"\n"), scanner.error, scanner.ending(None), kept


@given(
    events=st.lists(st.one_of(st.sampled_from(ODD[:3]), st.sampled_from(ODD)), max_size=12),
    at=st.lists(st.integers(0, 10_000), max_size=12),
)
def test_many_events_read_at_once_say_what_each_of_them_says(events, at) -> None:
    """With carriage returns every event is read by itself."""
    one_by_one = [each.replace(b"\n", b"\r\n") for each in events]
    assert told(split(b"".join(events), at)) == told(one_by_one)


PLAIN = UpstreamRequest(raw=b"{}", request=RouteRequest(model="m"), wants_usage=False)
CALL = {"id": "c", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}
PIECES = [
    {"role": "assistant", "content": "", "reasoning_content": "hm"},
    {"reasoning_content": ", so"},
    {"content": "Grüezi "},
    {"role": "assistant", "content": "mitenand"},
    {"tool_calls": [{"index": 0, **CALL, "function": {"name": "f", "arguments": '{"a"'}}]},
    {"tool_calls": [{"index": 0, "function": {"arguments": ": 1}"}}]},
    {"audio": {"id": "a", "transcript": "Grü"}},
    {"audio": {"transcript": "ezi"}},
]


def test_events_that_answer_a_plain_call_are_told_as_the_completion_they_add_up_to() -> None:
    events = [event(chunk(each, service_tier="flex")) for each in PIECES] + stream_of([])[1:]
    answer = OpenAIChat(ProviderTraits()).answer(b": hello\n\n" + b"".join(events), PLAIN)
    assert answer is not None and answer.facts.usage is not None
    assert answer.facts.usage.completion_tokens == 3
    (choice,) = answer.body["choices"]
    assert (answer.body["object"], choice["finish_reason"]) == ("chat.completion", "stop")
    assert answer.body["usage"]["completion_tokens"] == 3
    assert (
        choice["message"]
        == answer.message
        == {
            "role": "assistant",
            "content": "Grüezi mitenand",
            "reasoning_content": "hm, so",
            "tool_calls": [CALL],
            "audio": {"id": "a", "transcript": "Grüezi"},
        }
    )


def call(call_id: str | None, name: str | None, arguments: str, **more: Any) -> dict[str, Any]:
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments},
            **more}  # fmt: skip


HM = {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}
TWO = [call("a", "f", '{"x":1}'), call("b", "g", '{"y":2}')]


@pytest.mark.parametrize(
    ("deltas", "message"),
    [
        ([{"tool_calls": None}, {"tool_calls": [{"index": 0, **TWO[0]}]}], {"tool_calls": TWO[:1]}),
        ([{"function_call": None}, {"function_call": {"name": "f", "arguments": "{}"}}],
         {"function_call": {"name": "f", "arguments": "{}"}}),
        ([{"tool_calls": [{"index": 0, "id": "a", "type": "function", "function": None}]},
          {"tool_calls": [{"index": 0, "id": "", "function": TWO[0]["function"]}]}],
         {"tool_calls": TWO[:1]}),
        ([{"tool_calls": [{**each, "index": 0}]} for each in TWO], {"tool_calls": TWO}),
        ([{"tool_calls": [each]} for each in TWO], {"tool_calls": TWO}),
        ([{"tool_calls": [{**each, "index": None} for each in TWO]}], {"tool_calls": TWO}),
        ([{"tool_calls": [call("a", "f", "", index=0), call("b", "g", '{"y"', index=1)]},
          {"tool_calls": [call("a", "f", '{"x":1}', index=0), call(None, None, ":2}", index=1)]}],
         {"tool_calls": TWO}),
        ([{"content": ""}, {"content": [HM]}, {"content": "H"}, {"content": "i"}],
         {"content": [HM, {"type": "text", "text": "Hi"}]}),
        ([{"content": "H"}, {"content": [HM]}], {"content": [{"type": "text", "text": "H"}, HM]}),
        ([{"content": "a", "tool_calls": []}], {"content": "a"}),
    ],
)  # fmt: skip
def test_what_goes_on_in_a_delta_is_told_whole(deltas: list[Any], message: dict[str, Any]) -> None:
    events = [event(chunk(each)) for each in deltas] + stream_of([])[1:]
    answer = OpenAIChat(ProviderTraits()).answer(b"".join(events), PLAIN)
    assert answer is not None
    assert answer.message == {"role": "assistant", "content": None, **message}


def test_a_whole_message_after_its_deltas_says_what_they_left_out() -> None:
    whole = {"role": "assistant", "content": "Hello", "annotations": [{"type": "x"}]}
    last = {"index": [0], "delta": {}, "message": whole, "finish_reason": "stop"}
    events = [event(chunk({"content": "Hel"})), event(chunk({"content": "lo"}))]
    events.append(event(chunk({}, choices=[last])))
    answer = OpenAIChat(ProviderTraits()).answer(b"".join(events), PLAIN)
    assert answer is not None and answer.message == whole


ODD = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=2)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=2),
        st.dictionaries(st.sampled_from(["id", "index", "function", "name", "type", "text"]), inner,
                        max_size=3),
    ),
    max_leaves=4,
)  # fmt: skip
FIELDS = st.sampled_from(["delta", "message", "index", "logprobs", "text", "finish_reason"])
NAMES = st.sampled_from(["content", "tool_calls", "function_call", "role", "audio"])


@given(st.lists(st.dictionaries(FIELDS, st.one_of(ODD, st.dictionaries(NAMES, ODD)), max_size=4)))
def test_odd_events_are_an_answer_to_a_plain_call_or_none(choices: list[dict[str, Any]]) -> None:
    """Whatever they hold, nothing is raised: another deployment is asked."""
    events = [event(chunk({}, choices=[each])) for each in choices] + stream_of([])[1:]
    answer = OpenAIChat(ProviderTraits()).answer(b"".join(events), PLAIN)
    assert answer is None or answer.error is not None or answer.body["choices"]


def test_a_call_of_tools_however_deep_is_looked_through() -> None:
    deep, empty = "x", ""
    for _ in range(2000):
        deep, empty = [deep], [empty]
    assert shows({"tool_calls": [{"function": deep}]})
    assert not shows({"tool_calls": [{"function": empty}]})


def test_events_too_deep_to_add_up_are_no_answer() -> None:
    deep = b'{"a":' * 990 + b"1" + b"}" * 990
    odd = b'data: {"choices":[{"index":0,"delta":' + deep + b"}]}\n\n"
    assert OpenAIChat(ProviderTraits()).answer(odd + b"".join(stream_of(["a"])), PLAIN) is None


def test_events_that_break_off_or_hold_an_error_are_no_answer_to_a_plain_call() -> None:
    form, whole = OpenAIChat(ProviderTraits()), stream_of(["a", "b"], usage=False, done=False)
    assert form.answer(b"".join(whole[:-1]), PLAIN) is None
    assert form.answer(b"".join(whole)[:-40], PLAIN) is None
    failed = form.answer(b"".join([*whole[:-1] * 9, event({"error": {"message": "no"}})]), PLAIN)
    assert failed is not None and failed.error is not None


@pytest.mark.parametrize("name", ["gemini_content", "anthropic_messages", "openai_responses"])
def test_what_is_no_event_of_another_format_is_no_answer_to_a_plain_call(name: str) -> None:
    form = formats_of(name, ProviderTraits())[Operation.CHAT]
    assert form.answer(b"data: 5\n\n", PLAIN) is None
    assert form.answer(b"<html>", PLAIN) is None
