"""What came with 200 and is no answer: never a success, whoever asks in whatever format."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import pytest
import pytest_asyncio

from tests.running import Running, config_of, running
from tests.upstream import Answer, chunk, completion, event, stream_of, upstream
from windsock.clock import ManualClock

ASK = {"model": "bad/m", "models": ["good/m"], "messages": [{"role": "user", "content": "hi"}]}
USAGE = {"prompt_tokens": 65_000, "completion_tokens": 0, "total_tokens": 65_000}
DONE = b"data: [DONE]\n\n"
CALL = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}


def said(message: dict[str, Any], finish: str | None = "stop", **facts: Any) -> dict[str, Any]:
    """A completion with this message."""
    body = completion(**facts)
    body["choices"][0] |= {"message": {"role": "assistant", **message}, "finish_reason": finish}
    return body


def streamed(*deltas: dict[str, Any], finish: str | None = "stop", done: bool = True) -> Answer:
    """A stream of these deltas."""
    events = [event(chunk({"role": "assistant", "content": ""}))]
    events += [event(chunk(delta)) for delta in deltas]
    events += [event(chunk({}, finish))] if finish else []
    return Answer(events=events + [DONE] * done)


def fine(body: dict[str, Any]) -> Answer:
    return Answer(events=stream_of(["Hel", "lo"])) if body.get("stream") else Answer(completion())


NO_ANSWERS = {
    "finish_reason error": said({"content": "Hel"}, "error"),
    "finish_reason of DeepSeek": said({"content": "Hel"}, "insufficient_system_resource"),
    "finish_reason of Gemini": said(
        {"content": ""}, "function_call_filter: MALFORMED_FUNCTION_CALL"
    ),
    "finish_reason of SGLang": said({"content": "Hel"}, "abort"),
    "error object": {"error": {"message": "overloaded", "code": 503}},
    "error string": {"error": "upstream connect error"},
    "error list": {"error": [{"message": "overloaded"}]},
    "error of Google in a list": [{"error": {"code": 503, "status": "UNAVAILABLE"}}],
    "error of vLLM": {"object": "error", "message": "engine dead", "code": 500},
    "error of Anthropic": {"type": "error", "error": {"type": "overloaded_error"}},
    "error in an event": 'data: {"error": {"message": "overloaded", "code": 503}}\n\n',
    "error beside empty choices": {**completion(), "choices": [], "error": {"message": "no"}},
    "error beside null choices": {**completion(), "choices": None, "error": {"message": "no"}},
    "error beside an answer": completion(error={"message": "cut", "code": 502}),
    "error in a choice": {
        **completion(),
        "choices": [{"index": 0, "message": {"content": "Hel"}, "error": {"code": 502}}],
    },
    "choices empty": completion(choices=[]),
    "choices null": completion(choices=None),
    "choices of null": completion(choices=[None]),
    "message null": completion(choices=[{"index": 0, "message": None, "finish_reason": "stop"}]),
    "content null": said({"content": None}),
    "content missing": said({}),
    "empty": said({"content": ""}),
    "blanks": said({"content": " \n\t"}),
    "zero width": said({"content": "\u200b\ufeff"}),
    "no parts": said({"content": []}),
    "empty part": said({"content": [{"type": "text", "text": ""}]}),
    "tool calls of nothing": said({"content": None, "tool_calls": []}, "tool_calls"),
    "reasoning only": said({"content": "", "reasoning_content": "Let me think"}),
    "reasoning of OpenRouter only": said({"content": None, "reasoning": "Let me think"}),
    "thinking part only": said({"content": [{"type": "thinking", "thinking": "Let me"}]}),
    "thoughts between tags only": said({"content": "<think>Let me see.</think>\n"}),
    "65,000 tokens in, 0 out": said({"content": ""}, usage=USAGE),
    "at a limit nobody set": said({"content": ""}, "length"),
}

ANSWERS = {
    "refusal": said({"content": None, "refusal": "I cannot"}),
    "tool call": said({"content": None, "tool_calls": [CALL]}, "tool_calls"),
    "function call": said({"content": None, "function_call": {"name": "f", "arguments": "{}"}}),
    "sound": said({"content": None, "audio": {"id": "a", "data": "AAAA"}}),
    "image": said({"content": "", "images": [{"image_url": {"url": "data:,"}}]}),
    "part that is an image": said({"content": [{"type": "image_url", "image_url": {"url": "x"}}]}),
    "content filter": said({"content": ""}, "content_filter"),
    "content filter of Gemini": said({"content": None}, "content_filter: PROHIBITED_CONTENT"),
    "zero": said({"content": "0"}),
    "text after thoughts": said({"content": "<think>Let me see.</think>0"}),
    "cut at a limit": said({"content": "Hel"}, "length"),
    "no error": completion(error=None),
    "empty error": completion(error={"message": None, "code": None}),
}

NO_STREAMS = {
    "finish_reason error": streamed(finish="error"),
    "error string": Answer(events=[event({"error": "overloaded"})]),
    "error list": Answer(events=[event({"error": [{"message": "overloaded"}]})]),
    "error beside choices": Answer(events=[event({**chunk({}, "error"), "error": {"code": 502}})]),
    "error in a choice": Answer(
        events=[event(chunk({}, choices=[{"index": 0, "delta": {}, "error": {"code": 502}}]))]
    ),
    "error by its event's name": Answer(events=[b'event: error\ndata: {"message": "no"}\n\n']),
    "error as a JSON body": Answer(events=[b'{"error": {"message": "overloaded"}}']),
    "empty": streamed(),
    "blanks": streamed({"content": " "}, {"content": "\n"}),
    "null": streamed({"content": None}),
    "tool calls of nothing": streamed({"tool_calls": []}, finish="tool_calls"),
    "65,000 tokens in, 0 out": Answer(events=stream_of([], usage=USAGE)),
    "choices empty": Answer(events=[event(chunk({}, choices=[])), DONE]),
    "done only": Answer(events=[DONE]),
    "no end": streamed({"content": " "}, finish=None, done=False),
    "broken event": Answer(events=[b'data: {"choices": [{"delta": {"content": "Hel\n\n', DONE]),
    "remark, then nothing": Answer(events=[b"data: ping\n\n", DONE]),
}

TORN = {
    "no end": streamed({"content": "Hel"}, finish=None, done=False),
    "finish_reason error": streamed({"content": "Hel"}, finish="error"),
    "error event": Answer(
        events=[event(chunk({"content": "Hel"})), event({"error": {"message": "overloaded"}})],
        between_s=0.05,
    ),
    "error string": Answer(
        events=[event(chunk({"content": "Hel"})), event({"error": "overloaded"})], between_s=0.05
    ),
    "broken event": Answer(
        events=[event(chunk({"content": "Hel"})), b'data: {"choi\n\n', *stream_of(["lo"])],
        between_s=0.05,
    ),
}
"""Streams that go wrong after their first word."""


ACCOUNTS = 100
"""At least as many as there are tests: each takes one that nobody has asked."""

START = 1_790_000_000.0

Served = Callable[[Answer, dict[str, Any]], Awaitable[httpx.Response]]

shared = pytest.mark.asyncio(loop_scope="module")
"""Of a test that needs `served`."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def served(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Served]:
    """Asked of a deployment that answers so, and then of one that is well: one service for all."""
    clock, names = ManualClock(START), iter([f"bad{n}" for n in range(ACCOUNTS)])
    async with upstream(fine) as bad, upstream(fine) as good:
        accounts = [(f"bad{n}", bad.url, 0.1) for n in range(ACCOUNTS)]
        config = config_of(*accounts, ("good", good.url, 1.0))
        async with running(config, tmp_path_factory.mktemp("ends"), clock=clock) as it:

            async def asked(answer: Answer, ask: dict[str, Any]) -> httpx.Response:
                clock.advance_to(clock.now() + 60.0)
                bad.reply, name = lambda _: answer, f"{next(names)}/m"
                told = await it.http.post(
                    "/v1/chat/completions", json={**ASK, "model": name, **ask}
                )
                await it.service.ledger.flushed()
                told.extensions["failures"] = await failures(it, name)
                told.extensions["asked"] = name
                return told

            yield asked


async def failures(it: Running, name: str = "bad/m") -> int:
    rows = (await it.http.get("/v1/deployments")).json()["data"]
    return int(next(row["failures"] for row in rows if row["deployment"] == name))


def contents(answer: httpx.Response) -> str:
    """The text of a stream, which must be JSON event by event."""
    bodies = [json.loads(line[6:]) for line in answer.text.splitlines()
              if line.startswith("data: ") and line != "data: [DONE]"]  # fmt: skip
    deltas = [each["delta"] for body in bodies for each in body.get("choices") or ()]
    return "".join(delta.get("content") or "" for delta in deltas)


@shared
@pytest.mark.parametrize("name", NO_ANSWERS)
async def test_what_is_no_answer_goes_to_another_and_counts_as_failure(name, served) -> None:
    answer = await served(Answer(NO_ANSWERS[name]), {})
    assert answer.status_code == 200
    assert answer.headers["x-windsock-deployment"] == "good/m"
    assert answer.extensions["failures"] == 1


@shared
@pytest.mark.parametrize("name", ANSWERS)
async def test_what_shows_anything_is_an_answer(name, served) -> None:
    answer = await served(Answer(ANSWERS[name]), {})
    assert answer.status_code == 200
    assert answer.headers["x-windsock-deployment"] == answer.extensions["asked"]
    assert answer.extensions["failures"] == 0


@shared
@pytest.mark.parametrize("name", NO_STREAMS)
async def test_a_stream_of_nothing_goes_to_another_before_the_client_sees_any_of_it(
    name, served
) -> None:
    answer = await served(NO_STREAMS[name], {"stream": True})
    assert answer.headers["x-windsock-deployment"] == "good/m"
    assert answer.content == b"".join(stream_of(["Hel", "lo"], usage=False))
    assert answer.extensions["failures"] == 1


@shared
@pytest.mark.parametrize("is_stream", [False, True], ids=["plain", "stream"])
async def test_reasoning_may_eat_what_the_caller_allowed(is_stream, served) -> None:
    plain = Answer(said({"content": "", "reasoning_content": "Hm"}, "length"))
    thought = streamed({"reasoning_content": "Hm"}, finish="length")
    ask = {"max_tokens": 5, "stream": is_stream}
    answer = await served(thought if is_stream else plain, ask)
    assert answer.headers["x-windsock-deployment"] == answer.extensions["asked"]
    assert answer.extensions["failures"] == 0
    assert b"Hm" in answer.content
    assert answer.content.endswith(DONE) == is_stream


@shared
async def test_a_prompt_that_left_no_room_is_no_limit_of_the_callers(served) -> None:
    full = Answer(said({"content": ""}, "length", usage=USAGE))
    answer = await served(full, {"max_tokens": 5})
    assert answer.headers["x-windsock-deployment"] == "good/m"


@shared
async def test_reasoning_streams_as_it_comes_and_another_answers_where_nothing_follows(
    served,
) -> None:
    bad = streamed({"reasoning_content": "Let me"}, {"reasoning_content": " think"})
    bad.between_s = 0.03
    answer = await served(bad, {"stream": True})
    assert "Let me" in answer.text
    assert contents(answer) == "Hello"
    assert f'"took_over_from":"{answer.extensions["asked"]}"' in answer.text
    assert (
        answer.text.count('"finish_reason": "stop"') + answer.text.count('"finish_reason":"stop"')
        == 1
    )
    assert answer.content.endswith(DONE)
    assert answer.extensions["failures"] == 1


@shared
async def test_another_answers_after_thoughts_between_tags_that_nothing_follows(served) -> None:
    bad = streamed({"content": "<think>"}, {"content": "Let me"}, {"content": "</think>"})
    bad.between_s = 0.03
    answer = await served(bad, {"stream": True})
    assert contents(answer) == "<think>Let me</think>Hello"
    assert answer.content.endswith(DONE)
    assert answer.extensions["failures"] == 1


@shared
async def test_a_stream_of_lines_of_json_is_an_answer(served) -> None:
    events = [each.removeprefix(b"data: ")[:-1] for each in stream_of(["Hel", "lo"], done=False)]
    lines = Answer(events=events, between_s=0.01)
    answer = await served(lines, {"stream": True})
    assert answer.headers["x-windsock-deployment"] == answer.extensions["asked"]
    assert answer.content == b"".join(stream_of(["Hel", "lo"], usage=False))


@pytest.mark.parametrize("is_stream", [False, True], ids=["plain", "stream"])
async def test_a_route_may_take_empty_answers_for_answers(is_stream, tmp_path) -> None:
    async with upstream(
        lambda _: streamed() if is_stream else Answer(said({"content": ""}))
    ) as one:
        config = config_of(("bad", one.url, 0.1)) + "allow_empty = true\n"
        async with running(config, tmp_path) as it:
            ask = {"model": "auto", "messages": ASK["messages"], "stream": is_stream}
            answer = await it.http.post("/v1/chat/completions", json=ask)
            assert answer.status_code == 200
            assert await failures(it) == 0
            if is_stream:
                assert answer.content == b"".join(streamed().events or ())


@pytest.mark.parametrize("is_stream", [False, True], ids=["plain", "stream"])
@pytest.mark.parametrize(("setting", "name"), [("refuse", "bad/m"), ("elsewhere", "good/m")])
async def test_what_a_filter_left_nothing_of_goes_where_the_route_says(
    setting, name, is_stream, tmp_path
) -> None:
    plain = Answer(said({"content": ""}, "content_filter"))
    bad = streamed(finish="content_filter") if is_stream else plain
    async with upstream(lambda _: bad) as one, upstream(fine) as good:
        config = config_of(("bad", one.url, 0.1), ("good", good.url, 1.0))
        config += f'content_filter = "{setting}"\n'
        async with running(config, tmp_path) as it:
            order = {"order": ["bad", "good"]}
            ask = {**ASK, "model": "auto", "models": [], "provider": order, "stream": is_stream}
            answer = await it.http.post("/v1/chat/completions", json=ask)
            assert answer.headers["x-windsock-deployment"] == name
            assert await failures(it) == 0


@shared
async def test_an_empty_answer_is_paid_for_by_who_asked(served) -> None:
    usage = {"prompt_tokens": 1000, "completion_tokens": 0, "total_tokens": 1000}
    answer = await served(Answer(said({"content": ""}, usage=usage)), {})
    assert answer.json()["usage"]["cost"] == pytest.approx((1000 * 0.1 + 12 + 3 * 4) / 1e6)


@shared
@pytest.mark.parametrize("name", TORN)
async def test_a_stream_that_goes_wrong_midway_ends_with_an_error_and_no_end_mark(
    name, served
) -> None:
    answer = await served(TORN[name], {"stream": True})
    assert contents(answer) == "Hel"
    assert b"[DONE]" not in answer.content
    assert b'"error"' in answer.content.splitlines()[-2]
    assert b'"finish_reason": "error"' not in answer.content
    assert answer.extensions["failures"] == 1


@pytest.mark.parametrize("name", TORN)
@pytest.mark.parametrize(
    ("path", "ask", "mark", "end"),
    [
        ("/v1/messages", {"max_tokens": 50}, b"event: error\n", b"message_stop"),
        ("/v1/responses", {"input": "hi"}, b"event: error\n", b"response.completed"),
    ],
)
async def test_each_format_has_its_own_error(path, ask, mark, end, name, tmp_path) -> None:
    async with upstream(lambda _: TORN[name]) as one:
        async with running(config_of(("bad", one.url, 0.1)), tmp_path) as it:
            body = {**ASK, "models": [], "stream": True, **ask}
            answer = await it.http.post(path, json=body)
            assert mark in answer.content
            assert end not in answer.content
            assert b"Hel" in answer.content


@shared
async def test_remarks_and_comments_are_passed_by(served) -> None:
    words = [b": keep-alive\n\n", event(chunk({"content": "Hel"})), b"data: ping\n\n", b"data:\n\n",
             event(chunk({"content": "lo"})), event(chunk({}, "stop"))]  # fmt: skip
    answer = await served(Answer(events=words), {"stream": True})
    assert answer.headers["x-windsock-deployment"] == answer.extensions["asked"]
    assert contents(answer) == "Hello"
    assert b"ping" not in answer.content
    assert answer.content.endswith(DONE)


@shared
async def test_numbers_that_json_has_not_are_told_as_none(served) -> None:
    odd = b'data: {"choices": [{"index": 0, "delta": {"content": "Hello"}, "logprob": NaN}]}\n\n'
    answer = await served(Answer(events=[odd, event(chunk({}, "stop"))]), {"stream": True})
    assert answer.headers["x-windsock-deployment"] == answer.extensions["asked"]
    assert b'"logprob":null' in answer.content
    assert contents(answer) == "Hello"


async def test_when_all_answer_nothing_the_client_is_told_so(tmp_path) -> None:
    async with upstream(lambda _: Answer(said({"content": ""}))) as one:
        config = config_of(("one", one.url, 0.1), ("two", one.url, 1.0))
        async with running(config, tmp_path) as it:
            ask = {"model": "auto", "messages": ASK["messages"]}
            answer = await it.http.post("/v1/chat/completions", json=ask)
            assert answer.status_code == 502
            assert answer.json()["error"]["code"] == "provider_empty_answer"
            assert answer.headers["x-should-retry"] == "false"


@pytest.mark.parametrize("is_stream", [False, True], ids=["plain", "stream"])
@pytest.mark.parametrize("every", [1, 2], ids=["always", "every other time"])
async def test_a_cheap_one_that_answers_nothing_loses_its_traffic(
    every, is_stream, tmp_path
) -> None:
    asked: list[int] = []

    def empty(body: dict[str, Any]) -> Answer:
        asked.append(1)
        if len(asked) % every:
            return fine(body)
        return streamed() if body.get("stream") else Answer(said({"content": ""}))

    async with upstream(empty) as one, upstream(fine) as good:
        config = config_of(("bad", one.url, 0.1), ("good", good.url, 1.0))
        async with running(config, tmp_path) as it:
            ask = {"model": "auto", "messages": ASK["messages"], "stream": is_stream}
            for n in range(300):
                answer = await it.http.post("/v1/chat/completions", json=ask)
                assert answer.status_code == 200
                if n == 149:
                    half = len(asked)
    assert len(asked) - half < 0.2 * 150
