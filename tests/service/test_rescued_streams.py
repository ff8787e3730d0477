"""A stream that broke off in its text goes on elsewhere where the route wants it, and says so."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import openai
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.running import config_of, running
from tests.upstream import USAGE, Answer, Upstream, chunk, event, upstream
from windsock.service.execution.stream_rescue import MAX_KEPT_CHARS, MIN_OVERLAP, overlap

ASK: dict[str, Any] = {
    "model": "auto",
    "messages": [{"role": "user", "content": "Count."}],
    "stream": True,
    "provider": {"order": ["bad", "good"]},
}
TEXT = "One two three four five six seven eight nine ten."
HALF = "One two three four"
SPLIT = [*[f"{word} " for word in HALF.split()][:-1], "four"]


def words(texts: list[str], *, role: bool = True, **facts: Any) -> list[bytes]:
    begun = [event(chunk({"role": "assistant", "content": ""}, **facts))] if role else []
    return [*begun, *(event(chunk({"content": text}, **facts)) for text in texts)]


def ended(texts: list[str]) -> Answer:
    last = {**chunk({}), "choices": [], "usage": USAGE}
    events = [*words(texts), event(chunk({}, "stop")), event(last), b"data: [DONE]\n\n"]
    return Answer(events=events)


def torn(texts: list[str] = SPLIT, **facts: Any) -> Answer:
    return Answer(events=words(texts), between_s=0.01, cut=True, **facts)


def pieces(text: str, size: int = 5) -> list[str]:
    return [text[i : i + size] for i in range(0, len(text), size)]


def contents(answer: httpx.Response) -> str:
    bodies = [json.loads(line[6:]) for line in answer.text.splitlines()
              if line.startswith("data: {")]  # fmt: skip
    return "".join(c["delta"].get("content") or "" for b in bodies for c in b.get("choices") or ())


async def rescued(
    bad: Answer,
    good: Answer,
    tmp_path: Any,
    look: Callable[[Upstream, Upstream], None] | None = None,
    *,
    path: str = "/v1/chat/completions",
    route: str = "rescue_streams = true\n",
    **ask: Any,
) -> httpx.Response:
    async with upstream(lambda _: bad) as one, upstream(lambda _: good) as two:
        config = config_of(("bad", one.url, 1.0), ("good", two.url, 1.0)) + route
        async with running(config, tmp_path) as it:
            answer = await it.http.post(path, json={**ASK, **ask})
            if look is not None:
                look(one, two)
            await it.service.ledger.flushed()
            answer.extensions["record"] = (await it.http.get("/v1/decisions")).text
            return answer


REST = TEXT[len(HALF) :]


@pytest.mark.parametrize(
    "more",
    [pieces(REST), pieces(TEXT), [TEXT], pieces(TEXT, 1), pieces(HALF[4:] + REST), [REST]],
    ids=["the rest", "all of it", "all at once", "letter by letter", "the end again", "one piece"],
)
async def test_the_client_gets_the_whole_text_once(more, tmp_path) -> None:
    answer = await rescued(torn(), ended(more), tmp_path)
    assert contents(answer) == TEXT
    assert answer.content.endswith(b"data: [DONE]\n\n")
    assert answer.text.count('"assistant"') == 1, "no second role"
    assert b'"error"' not in answer.content


async def test_it_is_told_in_the_stream_and_both_calls_are_recorded_and_paid(tmp_path) -> None:
    options = {"stream_options": {"include_usage": True}}
    answer = await rescued(torn(), ended(pieces(REST)), tmp_path, **options)
    assert ": good goes on for bad/m, which broke off\n" in answer.text
    told = {"took_over_from": "bad/m", "after_chars": len(HALF)}
    bodies = [json.loads(line[6:]) for line in answer.text.splitlines() if line[:7] == "data: {"]
    assert [body["windsock"] for body in bodies if "windsock" in body] == [told]
    record = json.loads(answer.extensions["record"])
    kinds = {each["deployment"]: each["kind"] for each in record["attempts"]}
    assert kinds == {"bad/m": "broken", "good/m": "answered"}
    second = (12 * 1.0 + 3 * 4.0) / 1e6
    assert bodies[-1]["usage"]["cost"] > second
    assert record["served"] == "good/m"


async def test_feedback_may_name_either_part(tmp_path) -> None:
    bad = Answer(events=words(SPLIT, id="first-1"), between_s=0.01, cut=True)
    async with upstream(lambda _: bad) as one, upstream(lambda _: ended(pieces(REST))) as two:
        config = config_of(("bad", one.url, 1.0), ("good", two.url, 1.0))
        async with running(config + "rescue_streams = true\n", tmp_path) as it:
            await it.http.post("/v1/chat/completions", json=ASK)
            for metric, name in (("a", "first-1"), ("b", "chatcmpl-1")):
                said = {"id": name, "value": 1, "metric": metric}
                credited = await it.http.post("/v1/feedback", json=said)
                assert credited.json()["deployment"] == "good/m"


async def test_the_second_is_asked_for_the_rest_by_a_user(tmp_path) -> None:
    def look(_: Upstream, good: Upstream) -> None:
        (asked,) = good.seen
        assert [each["role"] for each in asked["messages"]] == ["user", "assistant", "user"]
        assert asked["messages"][1]["content"] == HALF
        assert asked["max_tokens"] == 100 - len(SPLIT)

    answer = await rescued(torn(), ended(pieces(REST)), tmp_path, look, max_tokens=100)
    assert contents(answer) == TEXT


@pytest.mark.parametrize(
    "ask",
    [
        {"response_format": {"type": "json_object"}},
        {"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": {}}}},
        {"n": 2},
    ],
)
async def test_what_two_halves_would_not_make_whole_ends_with_an_error(ask, tmp_path) -> None:
    answer = await rescued(torn(), ended(pieces(REST)), tmp_path, **ask)
    assert contents(answer) == HALF
    assert b'"error"' in answer.content
    assert b"[DONE]" not in answer.content


async def test_nor_is_half_a_tool_call_gone_on_with(tmp_path) -> None:
    call = {"tool_calls": [{"index": 0, "id": "c", "function": {"name": "f", "arguments": "{"}}]}
    bad = Answer(events=[*words(["Let me "]), event(chunk(call))], between_s=0.01, cut=True)
    answer = await rescued(bad, ended(["x"]), tmp_path)
    assert contents(answer) == "Let me "
    assert b'"error"' in answer.content


async def test_nobody_goes_on_where_the_route_does_not_say_so(tmp_path) -> None:
    answer = await rescued(torn(), ended(pieces(REST)), tmp_path, route="")
    assert contents(answer) == HALF
    assert b'"error"' in answer.content
    assert b"[DONE]" not in answer.content


async def test_where_the_second_refuses_the_first_failure_is_told(tmp_path) -> None:
    refusal = Answer({"error": {"message": "no assistant turns"}}, status=400)
    answer = await rescued(torn(), refusal, tmp_path)
    assert contents(answer) == HALF
    assert "broke off" in answer.text
    assert "no assistant turns" not in answer.text
    assert b"[DONE]" not in answer.content


async def test_a_stall_is_gone_on_from_as_well(tmp_path) -> None:
    stalled = Answer(events=[*words(SPLIT), *[b": wait\n\n"] * 200], between_s=0.02)
    route = 'rescue_streams = true\nstall_timeout = "300ms"\n'
    answer = await rescued(stalled, ended(pieces(REST)), tmp_path, route=route)
    assert contents(answer) == TEXT


async def test_a_second_break_is_gone_on_from_while_calls_are_left(tmp_path) -> None:
    turns = [torn(), torn(pieces(REST)[:3]), ended(pieces(REST))]
    async with upstream(lambda _: turns.pop(0)) as one:
        names = ("a", "b", "c")
        config = config_of(*((name, one.url, 1.0) for name in names)) + "rescue_streams = true\n"
        async with running(config, tmp_path) as it:
            ask = {**ASK, "provider": {"order": list(names)}}
            answer = await it.http.post("/v1/chat/completions", json=ask)
    assert contents(answer) == TEXT
    assert answer.content.count(b"took_over_from") == 2


async def test_a_text_beyond_all_bounds_is_not_kept(tmp_path) -> None:
    long = ["x" * 1000] * (MAX_KEPT_CHARS // 1000 + 2)
    answer = await rescued(torn(long), ended(["y"]), tmp_path)
    assert b'"error"' in answer.content


@pytest.mark.parametrize(
    ("path", "ask", "end"),
    [
        ("/v1/messages", {"max_tokens": 50}, "message_stop"),
        ("/v1/responses", {"input": "hi"}, "response.completed"),
    ],
)
async def test_in_every_format(path, ask, end, tmp_path) -> None:
    answer = await rescued(torn(), ended(pieces(TEXT)), tmp_path, path=path, **ask)
    deltas = [json.loads(line[6:]) for line in answer.text.splitlines() if line[:6] == "data: "]
    texts = [d["delta"] if isinstance(d["delta"], str) else d["delta"].get("text", "")
             for d in deltas if "delta" in d]  # fmt: skip
    assert "".join(texts) == TEXT
    assert end in answer.text
    assert ": good goes on for bad/m, which broke off\n" in answer.text


async def test_a_client_of_openai_reads_it_as_one_answer(tmp_path) -> None:
    async with upstream(lambda _: torn()) as one, upstream(lambda _: ended(pieces(TEXT))) as two:
        config = config_of(("bad", one.url, 1.0), ("good", two.url, 1.0))
        async with running(config + "rescue_streams = true\n", tmp_path) as it:
            client = openai.AsyncOpenAI(base_url=f"{it.url}/v1", api_key="x", max_retries=0)
            order = {"provider": ASK["provider"]}
            stream = await client.chat.completions.create(
                model="auto", messages=ASK["messages"], stream=True, extra_body=order
            )
            chunks = [each async for each in stream]
            await client.close()
    said = "".join(each.choices[0].delta.content or "" for each in chunks if each.choices)
    assert said == TEXT
    assert chunks[-1].choices[0].finish_reason == "stop"


@given(st.text(min_size=MIN_OVERLAP), st.text(), st.data())
def test_however_much_is_repeated_the_join_is_the_text(shown, rest, data) -> None:
    repeated = data.draw(st.integers(MIN_OVERLAP, len(shown)))
    more = shown[-repeated:] + rest
    cut = overlap(shown, more, is_whole=True)
    assert cut is not None
    assert cut >= repeated
    assert shown.endswith(more[:cut])


@given(st.text(max_size=40), st.text(max_size=40))
def test_nothing_is_cut_that_was_not_shown(shown, more) -> None:
    cut = overlap(shown, more, is_whole=True)
    assert cut is not None
    assert shown.endswith(more[:cut])


def test_a_few_letters_alike_are_chance() -> None:
    assert overlap("they bo", "ok it", is_whole=True) == 0
    assert overlap("he was born in 192", "2", is_whole=True) == 0
    assert overlap("he was born in 192", "2, in May", is_whole=True) == 0


def test_while_more_may_tell_it_is_waited_for() -> None:
    assert overlap("One two three", "One", is_whole=False) is None
    assert overlap("One two three", "One two three", is_whole=False) == 13
    assert overlap("One two three", "One two thro", is_whole=False) == 0
    assert overlap("", "One", is_whole=False) == 0
