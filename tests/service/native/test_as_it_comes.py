"""A request in a format that its deployment speaks arrives as it was sent, and so does the answer;
it is counted, priced, cached and judged all the same."""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random
from typing import Any

import msgspec
import pytest

from tests.running import Running, running
from tests.service.native import generated
from tests.upstream import Answer, completion, event, stream_of, upstream

REQUESTS = 200

Body = dict[str, Any]

# fmt: off
MESSAGE: Body = {
    "id": "msg_01", "type": "message", "role": "assistant", "model": "claude-sonnet-4-5-20250929",
    "content": [{"type": "text", "text": "wet", "citations": None}], "stop_reason": "end_turn",
    "stop_sequence": None, "container": {"id": "c_1"},
    "usage": {"input_tokens": 1000, "cache_creation_input_tokens": 0, "output_tokens": 100,
              "cache_read_input_tokens": 500, "service_tier": "standard"},
}
RESPONSE: Body = {
    "id": "resp_1", "object": "response", "created_at": 1790000000, "status": "completed",
    "model": "gpt-5-2025", "error": None, "incomplete_details": None, "output": [
        {"id": "rs_1", "type": "reasoning", "summary": [], "encrypted_content": "gAAA"},
        {"id": "msg_1", "type": "message", "role": "assistant", "status": "completed",
         "content": [{"type": "output_text", "text": "wet", "annotations": []}]}],
    "usage": {"input_tokens": 1500, "input_tokens_details": {"cached_tokens": 500},
              "output_tokens": 100, "output_tokens_details": {"reasoning_tokens": 60},
              "total_tokens": 1600},
}
PLACES = {
    "messages": ("anthropic", "claude-sonnet-4-5", MESSAGE, generated.message),
    "responses": ("openai", "gpt-5", RESPONSE, generated.response),
}
# fmt: on
COST_USD = 1000e-6 * 1 + 500e-6 * 0.1 + 100e-6 * 4
"""Of both answers, at the prices of `provider`."""


def provider(name: str, url: str, usd: float = 1.0) -> str:
    return (
        f'[providers.{name}]\nbase_url = "{url}"\napi_key = "sk-upstream-secret"\n'
        f"price = {{ input = {usd}, output = {usd * 4}, cache_read = {usd / 10} }}\n"
    )


def route(*deployments: str) -> str:
    names = ", ".join(f'"{each}"' for each in deployments)
    return f"[routes.auto]\ncandidates = [{names}]\n"


def sent(events: list[Body]) -> list[bytes]:
    return [f"event: {e['type']}\ndata: {json.dumps(e)}\n\n".encode() for e in events]


# fmt: off
MESSAGE_EVENTS: list[Body] = [
    {"type": "message_start", "message": {**MESSAGE, "content": [], "stop_reason": None,
                                          "usage": {**MESSAGE["usage"], "output_tokens": 1}}},
    {"type": "content_block_start", "index": 0, "content_block":
     {"type": "thinking", "thinking": "", "signature": ""}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta",
                                                          "thinking": "Hm."}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "signature_delta",
                                                          "signature": "EqQB"}},
    {"type": "content_block_stop", "index": 0},
    {"type": "ping"},
    {"type": "content_block_start", "index": 1, "content_block": {"type": "text", "text": ""}},
    {"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": "wet"}},
    {"type": "content_block_delta", "index": 1, "delta": {"type": "citations_delta", "citation":
     {"type": "char_location", "cited_text": "w", "document_index": 0}}},
    {"type": "content_block_stop", "index": 1},
    {"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": None},
     "usage": {"output_tokens": 100}, "context_management": {"applied_edits": []}},
    {"type": "message_stop"},
]
RESPONSE_EVENTS: list[Body] = [
    {"type": kind, "sequence_number": number, **facts} for number, (kind, facts) in enumerate([
        ("response.created", {"response": {**RESPONSE, "status": "in_progress", "output": [],
                                           "usage": None}}),
        ("response.output_item.added", {"output_index": 0, "item": {
            "id": "rs_1", "type": "reasoning", "summary": []}}),
        ("response.reasoning_summary_text.delta", {"delta": "Hm.", "item_id": "rs_1"}),
        ("response.output_item.done", {"output_index": 0, "item": RESPONSE["output"][0]}),
        ("response.output_text.delta", {"delta": "wet", "item_id": "msg_1", "output_index": 1,
                                        "content_index": 0, "obfuscation": "x9"}),
        ("response.output_item.done", {"output_index": 1, "item": RESPONSE["output"][1]}),
        ("response.completed", {"response": RESPONSE}),
    ])
]
# fmt: on
EVENTS = {"messages": sent(MESSAGE_EVENTS), "responses": sent(RESPONSE_EVENTS)}


def reply(language: str) -> Callable[[Body], Answer]:
    whole = json.dumps(PLACES[language][2], indent=1)

    def give(body: Body) -> Answer:
        if body.get("stream"):
            return Answer(events=EVENTS[language])
        return Answer(whole, headers={"request-id": "req_up"})

    return give


def fields(raw: bytes) -> dict[str, bytes]:
    decoded = msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
    return {name: bytes(value) for name, value in decoded.items()}


@pytest.mark.parametrize("language", PLACES)
async def test_every_field_arrives_byte_for_byte(tmp_path, language) -> None:
    name, model, answer, made = PLACES[language]
    pick = Random(19)
    async with upstream(reply(language), f"/{language}") as there:
        config = provider(name, there.url) + route(f"{name}/{model}")
        async with running(config, tmp_path) as it:
            for _ in range(REQUESTS):
                raw = generated.written(pick, made(pick))
                got = await it.http.post(
                    f"/v1/{language}", content=raw, headers={"content-type": "application/json"}
                )
                assert got.status_code == 200, got.text
                asked, came = fields(raw), fields(there.raw.pop())
                assert came.pop("model") == f'"{model}"'.encode()
                del asked["model"]
                assert came == asked
                assert got.content == json.dumps(answer, indent=1).encode()
                assert "x-windsock-adapted" not in got.headers
                assert float(got.headers["x-windsock-cost-usd"]) == pytest.approx(COST_USD)


@pytest.mark.parametrize("language", PLACES)
async def test_a_stream_passes_event_for_event_and_is_counted(tmp_path, language) -> None:
    name, model, _, _ = PLACES[language]
    ask = {"model": "auto", "max_tokens": 99, "input": "hi", "stream": True,
           "messages": [{"role": "user", "content": "hi"}]}  # fmt: skip
    async with upstream(reply(language), f"/{language}") as there:
        async with running(provider(name, there.url) + route(f"{name}/{model}"), tmp_path) as it:
            got = await it.http.post(f"/v1/{language}", json=ask)
            assert got.content == b"".join(EVENTS[language])
            assert got.headers["content-type"].startswith("text/event-stream")
            await it.service.ledger.flushed()
            report = (await it.http.get("/v1/report?by=deployment")).json()
    assert float(report["data"][0]["cost_usd"]) == pytest.approx(COST_USD)
    (came,) = there.raw
    assert json.loads(came) == {**ask, "model": model}, "nothing is added to count it"


async def test_versions_and_betas_go_with_it_and_the_ids_of_requests_come_back(tmp_path) -> None:
    ask = {"model": "auto", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}
    own = {"anthropic-version": "2026-10-21", "anthropic-beta": "context-1m-2025-08-07,a-2099"}
    async with upstream(reply("messages"), "/messages") as there:
        config = provider("anthropic", there.url) + route("anthropic/claude-sonnet-4-5")
        async with running(config, tmp_path) as it:
            got = await it.http.post("/v1/messages", json=ask, headers={**own, "x-api-key": "mine"})
            await it.http.post("/v1/messages", json=ask)
    first, second = there.headers
    assert {name: first[name] for name in own} == own
    assert first["x-api-key"] == "sk-upstream-secret"
    assert second["anthropic-version"] == "2023-06-01" and "anthropic-beta" not in second
    assert got.headers["request-id"] == "req_up"
    assert got.headers["x-request-id"] == got.headers["x-windsock-decision-id"]


@pytest.mark.parametrize("language", PLACES)
async def test_kept_answers_come_as_they_came(tmp_path, language) -> None:
    """Two requests that differ in what only this format says are two."""
    name, model, answer, _ = PLACES[language]
    ask = {"model": "auto", "max_tokens": 99, "input": "hi", "temperature": 0,
           "messages": [{"role": "user", "content": "hi"}]}  # fmt: skip
    config = route(f"{name}/{model}") + "[cache]\nenabled = true\n"
    async with upstream(reply(language), f"/{language}") as there:
        async with running(provider(name, there.url) + config, tmp_path) as it:
            path, bodies = (
                f"/v1/{language}",
                (ask, ask, {**ask, "top_k": 3}, {**ask, "stream": True}),
            )
            kept = [await it.http.post(path, json=body) for body in bodies]
            again = await it.http.post(path, json={**ask, "stream": True})
    assert [each.headers["x-windsock-cache"] for each in kept] == ["miss", "hit", "miss", "miss"]
    assert kept[1].json() == answer
    assert again.content == b"".join(EVENTS[language]) and len(there.seen) == 3


async def test_tools_that_run_at_one_provider_go_there_though_others_are_cheaper(tmp_path) -> None:
    ask = {"model": "auto", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}
    tool = {"type": "web_search_20250305", "name": "web_search"}
    async with (
        upstream(reply("messages"), "/messages") as there,
        upstream(lambda _: Answer(completion("dry"))) as cheap,
    ):
        config = provider("anthropic", there.url, 9.0) + provider("acme", cheap.url, 0.01)
        config += route("anthropic/claude-sonnet-4-5", "acme/m")
        async with running(config, tmp_path) as it:
            for _ in range(6):
                got = await it.http.post("/v1/messages", json={**ask, "tools": [tool]})
                assert got.json()["content"][0]["text"] == "wet"
                assert "x-windsock-adapted" not in got.headers
            there.reply = lambda _: Answer({"type": "error", "error": {
                "type": "overloaded_error", "message": "Overloaded"}}, status=529)  # fmt: skip
            got = await it.http.post("/v1/messages", json={**ask, "tools": [tool]})
    assert got.json()["content"][0]["text"] == "dry", "elsewhere it is left out, with a note"
    assert got.headers["x-windsock-adapted"] == "tools.web_search_20250305"


# fmt: off
ONLY_HERE = [
    ("messages", {"messages": [{"role": "user", "content": [{"type": "hologram"}]}]},
     "'hologram' cannot be routed"),
    ("messages", {"messages": [{"role": "user", "content": [
        {"type": "container_upload", "file_id": "f"}]}]}, "'container_upload' cannot be routed"),
    ("messages", {"messages": [{"role": "user", "content": [
        {"type": "image", "source": {"type": "file", "file_id": "file_1"}}]}]}, "base64 or url"),
    ("responses", {"previous_response_id": "resp_1"}, "previous_response_id: nothing is stored"),
    ("responses", {"prompt": {"id": "pmpt_1"}}, "prompt: nothing is stored"),
    ("responses", {"background": True}, "background: nothing is stored"),
    ("responses", {"conversation": "conv_1"}, "conversation: nothing is stored"),
    ("responses", {"input": [{"role": "user", "content": [
        {"type": "input_image", "file_id": "file-1"}]}]}, "'input_image' cannot be routed"),
]
# fmt: on


@pytest.mark.parametrize(("language", "body", "words"), ONLY_HERE)
async def test_what_only_one_format_can_say_rules_all_others_out(
    tmp_path, language, body, words
) -> None:
    name, model, _, _ = PLACES[language]
    usual: Body = {"messages": [{"role": "user", "content": "hi"}], "max_tokens": 9}
    ask = {"model": "auto", **(usual if language == "messages" else {}), **body}
    async with (
        upstream(reply(language), f"/{language}") as there,
        upstream(lambda _: Answer(completion("dry"))) as cheap,
    ):
        config = provider(name, there.url, 9.0) + provider("acme", cheap.url, 0.01)
        config += route(f"{name}/{model}", "acme/m") + '[routes.acme]\ncandidates = ["acme/m"]\n'
        async with running(config, tmp_path) as it:
            got = [await it.http.post(f"/v1/{language}", json=ask) for _ in range(3)]
            alone = await it.http.post(f"/v1/{language}", json={**ask, "model": "acme"})
    assert [each.status_code for each in got] == [200] * 3, got[0].text
    assert {each.headers["x-windsock-deployment"] for each in got} == {f"{name}/{model}"}
    assert alone.status_code == 400 and words in alone.text
    assert not cheap.seen


@pytest.mark.parametrize("is_stream", [False, True])
async def test_who_has_no_such_call_is_asked_by_chat_completions(tmp_path, is_stream) -> None:
    """A server at OpenAI's name that knows chat only; found out once, blamed for nothing."""

    def chat(body: Body) -> Answer:
        return Answer(events=stream_of(["dry"])) if body.get("stream") else Answer(completion())

    async with upstream(chat) as there:
        async with running(provider("openai", there.url) + route("openai/gpt-5"), tmp_path) as it:
            ask = {"model": "auto", "input": "hi", "stream": is_stream}
            got = [await it.http.post("/v1/responses", json=ask) for _ in range(2)]
            health = (await it.http.get("/v1/deployments")).json()
    assert [each.status_code for each in got] == [200, 200]
    assert [each.headers["x-windsock-attempts"] for each in got] == ["2", "1"]
    assert '"object":"response"' in got[0].text
    assert health["data"][0]["why_out"] is None


async def test_a_field_that_is_refused_is_left_out_and_named(tmp_path) -> None:
    ask = {"model": "auto", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}],
           "context_management": {"edits": []}, "top_k": 4}  # fmt: skip

    def strict(body: Body) -> Answer:
        if "context_management" not in body:
            return Answer(MESSAGE)
        words = "context_management: Extra inputs are not permitted"
        error = {"type": "invalid_request_error", "message": words}
        return Answer({"type": "error", "error": error}, status=400)

    async with upstream(strict, "/messages") as there:
        config = provider("anthropic", there.url) + route("anthropic/claude-sonnet-4-5")
        async with running(config, tmp_path) as it:
            got = [await it.http.post("/v1/messages", json=ask) for _ in range(2)]
    assert [each.status_code for each in got] == [200, 200]
    assert got[1].headers["x-windsock-adapted"] == "context_management"
    assert [*there.seen[-1]] == ["model", "max_tokens", "messages", "top_k"]


async def test_a_conversation_that_began_elsewhere_is_told_anew(tmp_path) -> None:
    """Thoughts that nobody signed and strange ids of calls: Anthropic would refuse them."""
    turns = [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": [
            {"type": "thinking", "thinking": "hm", "signature": ""},
            {"type": "tool_use", "id": "functions.look:0", "name": "look", "input": {}}]},
        {"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": "functions.look:0", "content": "wet"}]},
    ]  # fmt: skip
    async with upstream(reply("messages"), "/messages") as there:
        config = provider("anthropic", there.url) + route("anthropic/claude-sonnet-4-5")
        async with running(config, tmp_path) as it:
            ask = {"model": "auto", "max_tokens": 9, "messages": turns}
            got = await it.http.post("/v1/messages", json=ask)
    assert got.status_code == 200 and got.json()["content"][0]["text"] == "wet"
    (use,) = there.seen[0]["messages"][1]["content"]
    assert use["type"] == "tool_use" and use["id"].isalnum()
    assert "messages.tool_call_id" in got.headers["x-windsock-adapted"]


# fmt: off
BROKEN: list[tuple[str, list[bytes], str]] = [
    ("messages", EVENTS["messages"][:8], "broke off"),
    ("messages", [*EVENTS["messages"][:8], *sent([{"type": "error", "error": {
        "type": "overloaded_error", "message": "Overloaded"}}])], "overloaded_error"),
    ("messages", [*EVENTS["messages"][:8], event({"error": {"message": "boom", "code": 502}})],
     "boom"),
    ("messages", [*EVENTS["messages"][:8], event({"type": "error", "error": {"message": "boom"}})],
     "event: error"),
    ("responses", [*EVENTS["responses"][:5], event({"error": {"message": "boom"}})], "boom"),
    ("responses", EVENTS["responses"][:5], "broke off"),
    ("responses", [*EVENTS["responses"][:5], *sent([{
        "type": "response.failed", "sequence_number": 5, "response": {
            **RESPONSE, "status": "failed", "output": [],
            "error": {"code": "server_error", "message": "boom"}}}])], "response.failed"),
    ("responses", [*EVENTS["responses"][:5], *sent([{
        "type": "error", "sequence_number": 5, "code": "server_error", "message": "boom",
        "param": None}])], "boom"),
]
# fmt: on


@pytest.mark.parametrize(("language", "events", "words"), BROKEN)
async def test_a_stream_that_breaks_ends_with_an_error_of_its_format(
    tmp_path, language, events, words
) -> None:
    name, model, _, _ = PLACES[language]
    async with upstream(lambda _: Answer(events=events), f"/{language}") as there:
        async with running(provider(name, there.url) + route(f"{name}/{model}"), tmp_path) as it:
            ask = {"model": "auto", "input": "hi", "stream": True, "max_tokens": 9,
                   "messages": [{"role": "user", "content": "hi"}]}  # fmt: skip
            got = await it.http.post(f"/v1/{language}", json=ask)
    whole, last = b"".join(EVENTS[language][:5]), got.text.strip().split("\n\n")[-1]
    assert got.content.startswith(whole)
    assert words in last and last.startswith("event: ")
    assert json.loads(last.partition("data: ")[2])["type"] in ("error", "response.failed")
    assert "message_stop" not in got.text and "response.completed" not in got.text


async def test_the_error_that_ends_a_stream_as_it_came_repeats_no_key(tmp_path) -> None:
    def said(body: Body) -> Answer:
        words = f"no such key: {there.headers[-1]['x-api-key']}"
        error = {"type": "error", "error": {"type": "authentication_error", "message": words}}
        return Answer(events=[*EVENTS["messages"][:8], *sent([error])])

    async with upstream(said, "/messages") as there:
        config = provider("anthropic", there.url) + route("anthropic/claude-sonnet-4-5")
        async with running(config, tmp_path) as it:
            ask = {"model": "auto", "stream": True, "max_tokens": 9,
                   "messages": [{"role": "user", "content": "hi"}]}  # fmt: skip
            got = await it.http.post("/v1/messages", json=ask)
    assert "no such key: [key]" in got.text
    assert there.headers[-1]["x-api-key"] not in got.text


async def test_an_answer_of_nothing_is_asked_elsewhere(tmp_path) -> None:
    empty = sent([{**MESSAGE_EVENTS[0]}, *MESSAGE_EVENTS[-2:]])

    def silent(body: Body) -> Answer:
        return Answer(events=empty) if body.get("stream") else Answer({**MESSAGE, "content": []})

    async with upstream(silent, "/messages") as none, upstream(reply("messages"), "/messages") as b:
        config = provider("anthropic", none.url, 0.01) + provider("bolt", b.url, 9)
        config = config.replace("[providers.bolt]", '[providers.bolt]\npreset = "anthropic"')
        config += route("anthropic/claude-a", "bolt/claude-b")
        async with running(config, tmp_path) as it:
            for is_stream in (False, True):
                ask = {"model": "auto", "max_tokens": 9, "stream": is_stream,
                       "messages": [{"role": "user", "content": "hi"}]}  # fmt: skip
                got = await it.http.post("/v1/messages", json=ask)
                assert "wet" in got.text


async def test_an_owner_says_what_a_server_of_their_own_speaks(tmp_path) -> None:
    async with upstream(reply("responses"), "/responses") as there:
        config = provider("mine", there.url) + route("mine/m")
        config = config.replace("[providers.mine]", '[providers.mine]\nspeaks = ["responses"]')
        async with running(config, tmp_path) as it:
            got = await it.http.post("/v1/responses", json={"model": "auto", "input": "hi"})
    assert got.json() == RESPONSE and there.seen == [{"model": "m", "input": "hi"}]


class Account:
    """One that keeps its responses, and knows no others."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._number = 0

    def __call__(self, body: Body) -> Answer:
        previous = body["previous_response_id"] or self._name
        if not previous.startswith(self._name):
            words = f"Previous response with id '{previous}' not found."
            return Answer({"error": {"message": words, "type": "invalid_request_error", "param":
                           "previous_response_id", "code": "previous_response_not_found"}},
                          status=400)  # fmt: skip
        self._number += 1
        return Answer({**RESPONSE, "id": f"{self._name}_{self._number}"})


async def asked(it: Running, previous: str | None) -> str:
    """The id of the answer to a request that goes on from another's, asked of one provider."""
    body: Body = {"model": "auto", "input": "hi", "previous_response_id": previous}
    got = await it.http.post("/v1/responses", json=body)
    assert got.status_code == 200, got.text
    assert got.headers["x-windsock-attempts"] == "1"
    return str(got.json()["id"])


async def test_a_request_goes_on_where_the_answer_is_kept_and_nowhere_else(tmp_path) -> None:
    """Also after a restart, and where nothing in memory tells who gave it."""
    first, second = Account("a"), Account("b")
    async with upstream(first, "/responses") as a, upstream(second, "/responses") as b:
        config = provider("openai", a.url) + provider("bolt", b.url)
        config = config.replace("[providers.bolt]", '[providers.bolt]\npreset = "openai"')
        config += route("openai/gpt-5", "bolt/gpt-5")
        async with running(config, tmp_path) as it:
            for _ in range(6):
                begun = last = await asked(it, None)
                for _ in range(3):
                    last = await asked(it, last)
                    assert last[0] == begun[0]
        async with running(config, tmp_path) as it:
            assert {(await asked(it, last))[0] for _ in range(4)} == {last[0]}
            for _ in range(6):
                it.service.router.conversations.from_state({})
                assert (await asked(it, last))[0] == last[0]
            home = a if last[0] == "a" else b
            home.reply = lambda _: Answer({"error": {"message": "down"}}, status=503)
            body = {"model": "auto", "input": "hi", "previous_response_id": last}
            got = await it.http.post("/v1/responses", json=body)
    assert got.status_code in (502, 503), "not what others would say of an id that is not theirs"


@pytest.mark.parametrize(
    ("path", "name", "told"),
    [("/messages/count_tokens", "anthropic", {"input_tokens": 2095}),
     ("/responses/input_tokens", "openai",
      {"object": "response.input_tokens", "input_tokens": 2095})],
)  # fmt: skip
async def test_tokens_are_counted_where_the_format_is_spoken(tmp_path, path, name, told) -> None:
    async with upstream(lambda _: Answer(told), path) as there:
        config = provider(name, there.url, 9.0) + provider("acme", there.url, 0.1)
        config += route(f"{name}/m", "acme/m") + '[routes.acme]\ncandidates = ["acme/m"]\n'
        async with running(config, tmp_path) as it:
            ask = {"model": "auto", "input": "hi", "messages": [{"role": "user", "content": "hi"}]}
            counted = await it.http.post(f"/v1{path}", json=ask)
            alone = await it.http.post(f"/v1{path}", json={**ask, "model": "acme"})
            there.reply = lambda _: Answer({"error": {"message": "no"}}, status=500)
            failed = await it.http.post(f"/v1{path}", json=ask)
    assert counted.json() == told
    assert there.seen[0] == {**ask, "model": "m"} and len(there.seen) == 2
    assert alone.json().keys() == failed.json().keys() == told.keys()
    assert 0 < alone.json()["input_tokens"] < 100


# fmt: off
ELSEWHERE = [
    ("messages", {"messages": [{"role": "user", "content": "hi"}], "max_tokens": 9, "top_k": 4,
                  "context_management": {"edits": []}, "container": "c_1", "inference_geo": None,
                  "output_config": {"effort": "low", "format": {"type": "json_schema",
                                                               "schema": {"type": "object"}}}},
     {"top_k": 4, "reasoning_effort": "low"}, "context_management, container"),
    ("messages", {"messages": [{"role": "user", "content": "hi"}], "max_tokens": 9,
                  "thinking": {"type": "disabled"}, "output_config": {"effort": "high"}},
     {"max_tokens": 9}, "output_config"),
    ("responses", {"input": "hi", "truncation": "auto", "max_tool_calls": 2, "store": False,
                   "include": ["reasoning.encrypted_content"], "text": {"verbosity": "low"}},
     {"verbosity": "low"}, "truncation, max_tool_calls"),
]
# fmt: on


@pytest.mark.parametrize(("language", "body", "kept", "named"), ELSEWHERE)
async def test_fields_that_nobody_else_knows_are_named(
    tmp_path, language, body, kept, named
) -> None:
    async with upstream(lambda _: Answer(completion())) as acme:
        async with running(provider("acme", acme.url) + route("acme/m"), tmp_path) as it:
            got = await it.http.post(f"/v1/{language}", json={"model": "auto", **body})
    assert got.status_code == 200, got.text
    assert {*got.headers["x-windsock-adapted"].split(", ")} == {*named.split(", ")}
    assert acme.seen[0].items() >= kept.items()
    assert not {*named.split(", ")} & acme.seen[0].keys()


async def test_betas_and_marks_go_to_the_second_place_as_to_the_first(tmp_path) -> None:
    """Portkey-AI/gateway#1592: a field that only a beta knows, after a fallback."""
    mark = {"cache_control": {"type": "ephemeral", "scope": "global", "ttl": "1h"}}
    ask = {"model": "auto", "max_tokens": 9, "system": [{"type": "text", "text": "s", **mark}],
           "messages": [{"role": "user", "content": "hi"}]}  # fmt: skip
    beta = {"anthropic-beta": "prompt-caching-scope-2026-01-05"}
    down = Answer({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}},
                  status=529)  # fmt: skip
    async with upstream(lambda _: down, "/messages") as first:
        async with upstream(reply("messages"), "/messages") as second:
            config = provider("anthropic", first.url, 0.01) + provider("bolt", second.url, 9)
            config = config.replace("[providers.bolt]", '[providers.bolt]\npreset = "anthropic"')
            config += route("anthropic/a") + '[routes.spare]\ncandidates = ["bolt/b"]\n'
            async with running(config, tmp_path) as it:
                body = {**ask, "models": ["spare"]}
                got = await it.http.post("/v1/messages", json=body, headers=beta)
    assert got.status_code == 200 and got.json() == MESSAGE
    assert [each.headers[-1]["anthropic-beta"] for each in (first, second)] == [*beta.values()] * 2
    assert [each.seen[-1]["system"] for each in (first, second)] == [ask["system"]] * 2


async def test_what_speaks_to_the_router_goes_no_further(tmp_path) -> None:
    ask = {"model": "auto", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}
    ours = {"models": ["auto"], "provider": {"sort": "price"}, "session_id": "s",
            "metadata": {"user_id": "u", "task": "sql"}}  # fmt: skip
    async with upstream(reply("messages"), "/messages") as there:
        config = provider("anthropic", there.url) + route("anthropic/a")
        async with running(config, tmp_path) as it:
            got = await it.http.post("/v1/messages", json={**ask, **ours})
            await it.service.ledger.flushed()
            decision = got.headers["x-windsock-decision-id"]
            told = (await it.http.get(f"/v1/decisions/{decision}")).json()
    assert there.seen == [{**ask, "model": "a", "metadata": {"user_id": "u"}}]
    assert told["task"] == "sql"


@pytest.mark.parametrize("begun", [{"input_tokens": 0, "output_tokens": 0},
                                   {"input_tokens": 7, "output_tokens": 1}, None])  # fmt: skip
async def test_the_last_counts_of_a_stream_stand(tmp_path, begun) -> None:
    """laravel/ai#996, sglang#33419: servers' own tools add to the input while it goes on."""
    message = {**MESSAGE_EVENTS[0]["message"], "usage": begun}
    usage = {"input_tokens": 1000, "cache_read_input_tokens": 500, "output_tokens": 100}
    last = {**MESSAGE_EVENTS[-2], "usage": usage}
    events = sent([{**MESSAGE_EVENTS[0], "message": message}, *MESSAGE_EVENTS[1:-2], last,
                   MESSAGE_EVENTS[-1]])  # fmt: skip
    async with upstream(lambda _: Answer(events=events), "/messages") as there:
        config = provider("anthropic", there.url) + route("anthropic/a")
        async with running(config, tmp_path) as it:
            ask = {"model": "auto", "max_tokens": 9, "stream": True,
                   "messages": [{"role": "user", "content": "hi"}]}  # fmt: skip
            got = await it.http.post("/v1/messages", json=ask)
            await it.service.ledger.flushed()
            (row,) = (await it.http.get("/v1/report?by=deployment")).json()["data"]
    assert got.content == b"".join(events)
    assert float(row["cost_usd"]) == pytest.approx(COST_USD)


async def test_a_turn_that_pauses_in_a_search_is_an_answer(tmp_path) -> None:
    """strands-agents/harness-sdk#3568: nothing is said yet, and nobody else is to be asked."""
    use = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {}}
    paused = {**MESSAGE, "content": [use], "stop_reason": "pause_turn"}
    ended = {**MESSAGE_EVENTS[-2], "delta": {"stop_reason": "pause_turn", "stop_sequence": None}}
    block = {"type": "content_block_start", "index": 0, "content_block": use}
    events = sent([MESSAGE_EVENTS[0], block, {"type": "content_block_stop", "index": 0}, ended,
                   MESSAGE_EVENTS[-1]])  # fmt: skip

    def pausing(body: Body) -> Answer:
        return Answer(events=events) if body.get("stream") else Answer(paused)

    async with upstream(pausing, "/messages") as there:
        config = provider("anthropic", there.url) + route("anthropic/a")
        async with running(config, tmp_path) as it:
            ask = {"model": "auto", "max_tokens": 9,
                   "messages": [{"role": "user", "content": "hi"}]}  # fmt: skip
            plain = await it.http.post("/v1/messages", json=ask)
            stream = await it.http.post("/v1/messages", json={**ask, "stream": True})
    assert plain.json() == paused and stream.content == b"".join(events)
    assert len(there.seen) == 2


@pytest.mark.parametrize("is_stream", [False, True])
async def test_sealed_reasoning_goes_back_to_the_account_that_sealed_it(
    tmp_path, is_stream
) -> None:
    """higress-group/higress#4688: two accounts serve one model, and read no other's seals."""

    def account(name: str) -> Callable[[Body], Answer]:
        def give(body: Body) -> Answer:
            seals = [each["encrypted_content"] for each in body["input"] if "id" in each]
            if any(not seal.startswith(name) for seal in seals):
                words = "The encrypted content could not be verified."
                error = {"message": words, "code": "invalid_encrypted_content"}
                return Answer({"error": error}, status=400)
            item = {"id": f"rs_{name}{len(seals)}{is_stream}", "type": "reasoning", "summary": [],
                    "encrypted_content": f"{name}AAA"}  # fmt: skip
            whole = {**RESPONSE, "output": [item, RESPONSE["output"][1]]}
            events = [*RESPONSE_EVENTS[:-1], {**RESPONSE_EVENTS[-1], "response": whole}]
            return Answer(events=sent(events)) if body.get("stream") else Answer(whole)

        return give

    async with upstream(account("a"), "/responses") as a, upstream(account("b"), "/responses") as b:
        config = provider("openai", a.url) + provider("bolt", b.url)
        config = config.replace("[providers.bolt]", '[providers.bolt]\npreset = "openai"')
        config += route("openai/gpt-5", "bolt/gpt-5") + "[learning]\nseed = 7\n"
        async with running(config, tmp_path) as it:
            for number in range(60):
                if number >= 8 and a.seen and b.seen:
                    break
                items: list[Body] = [{"role": "user", "content": f"hi {number}"}]
                for _ in range(3):
                    ask = {"model": "auto", "input": items, "store": False, "stream": is_stream}
                    got = await it.http.post("/v1/responses", json=ask)
                    assert got.status_code == 200, got.text
                    last = got.text.strip().split("data: ")[-1]
                    whole = json.loads(last)["response"] if is_stream else got.json()
                    items = [*items, whole["output"][0], items[0]]
    assert a.seen and b.seen
