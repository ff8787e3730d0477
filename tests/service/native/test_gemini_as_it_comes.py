"""The same for Gemini's API: what its client sends arrives, and what it answers comes back."""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from tests.running import running
from tests.service.native import generated
from tests.service.native.test_as_it_comes import Body, fields, provider, route
from tests.upstream import Answer, completion, upstream
from windsock.wire.formats.generate_content.signatures import seal

REQUESTS = 200
MODEL = "gemini-3-pro"
PATHS = ("/models/{call}",)
ASK: Body = {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}

# fmt: off
ANSWER: Body = {
    "candidates": [{
        "content": {"role": "model", "parts": [
            {"text": "Hm.", "thought": True}, {"text": "wet", "thoughtSignature": "EqQBCqEB"}]},
        "finishReason": "STOP", "index": 0, "avgLogprobs": -0.25,
        "groundingMetadata": {"webSearchQueries": ["rain"]}}],
    "usageMetadata": {"promptTokenCount": 1500, "cachedContentTokenCount": 500,
                      "candidatesTokenCount": 40, "thoughtsTokenCount": 60,
                      "totalTokenCount": 1600},
    "modelVersion": "gemini-3-pro-001", "responseId": "r-1",
}
COST_USD = 1000e-6 * 1 + 500e-6 * 0.1 + 100e-6 * 4


def event(body: Body) -> bytes:
    return b"data: " + json.dumps(body, indent=1).replace("\n", "").encode() + b"\r\n\r\n"


def part(parts: list[Body], **more: Any) -> Body:
    return {"candidates": [{"content": {"role": "model", "parts": parts}, "index": 0, **more}],
            "usageMetadata": {"promptTokenCount": 1500, "cachedContentTokenCount": 500},
            "modelVersion": "gemini-3-pro-001", "responseId": "r-1"}


THOUGHT = event(part([{"text": "Hm.", "thought": True}]))
SAID = event(part([{"text": "wet"}]))
LAST = event({**part([{"text": "", "thoughtSignature": "EqQB"}], finishReason="STOP"),
              "usageMetadata": ANSWER["usageMetadata"]})
# fmt: on


def reply(events: list[bytes]) -> Callable[[Body], Answer]:
    """Whole, or as these events to who asks for a stream by `safetySettings`."""

    def give(body: Body) -> Answer:
        if "safetySettings" in body:
            return Answer(events=events)
        return Answer(json.dumps(ANSWER, indent=1))

    return give


def native(url: str, usd: float = 1.0, model: str = MODEL) -> str:
    return provider("google-native", url, usd) + route(f"google-native/{model}")


def call(verb: str, model: str = "auto") -> str:
    return f"/v1beta/models/{model}:{verb}"


async def test_every_field_arrives_byte_for_byte(tmp_path) -> None:
    pick = Random(19)
    async with upstream(lambda _: Answer(json.dumps(ANSWER, indent=1)), *PATHS) as there:
        async with running(native(there.url), tmp_path) as it:
            for _ in range(REQUESTS):
                raw = generated.written(pick, generated.content(pick))
                got = await it.http.post(call("generateContent"), content=raw)
                assert got.status_code == 200, got.text
                assert fields(there.raw.pop()) == fields(raw)
                assert got.content == json.dumps(ANSWER, indent=1).encode()
                assert "x-windsock-adapted" not in got.headers
                assert float(got.headers["x-windsock-cost-usd"]) == pytest.approx(COST_USD)
    assert {*there.targets} == {f"/v1/models/{MODEL}:generateContent"}
    assert there.headers[-1]["x-goog-api-key"] == "sk-upstream-secret"


@pytest.mark.parametrize(
    "events",
    [[THOUGHT, SAID, LAST], [event(ANSWER)], [SAID, event({**ANSWER, "candidates": [
        {**ANSWER["candidates"][0], "content": {}}]})]],
)  # fmt: skip
async def test_a_stream_passes_event_for_event_and_is_counted(tmp_path, events) -> None:
    ask = {**ASK, "safetySettings": []}
    async with upstream(reply(events), *PATHS) as there:
        async with running(native(there.url), tmp_path) as it:
            got = await it.http.post(call("streamGenerateContent?alt=sse"), json=ask)
            array = await it.http.post(call("streamGenerateContent"), json=ask)
            await it.service.ledger.flushed()
            report = (await it.http.get("/v1/report?by=deployment")).json()
    assert got.content == b"".join(events)
    assert array.json() == [json.loads(each[6:]) for each in events]
    assert float(report["data"][0]["cost_usd"]) == pytest.approx(2 * COST_USD)
    assert {*there.targets} == {f"/v1/models/{MODEL}:streamGenerateContent?alt=sse"}
    assert json.loads(there.raw[0]) == ask


async def test_kept_answers_come_as_they_came(tmp_path) -> None:
    asks = [{**ASK, "generationConfig": {"temperature": 0, **more}}
            for more in ({}, {}, {"mediaResolution": "MEDIA_RESOLUTION_LOW"})]  # fmt: skip
    async with upstream(reply([]), *PATHS) as there:
        config = native(there.url) + "[cache]\nenabled = true\n"
        async with running(config, tmp_path) as it:
            kept = [await it.http.post(call("generateContent"), json=ask) for ask in asks]
            both = []
            for verb in ("generateContent", "streamGenerateContent?alt=sse") * 2:
                events = [SAID, LAST] if "alt" in verb else None
                there.reply = lambda _, events=events: Answer(ANSWER, events=events)
                both.append(await it.http.post(call(verb), json={**asks[0], "seed": 1}))
    assert [each.headers["x-windsock-cache"] for each in kept] == ["miss", "hit", "miss"]
    assert {each.text for each in kept} == {json.dumps(ANSWER, indent=1)}
    assert both[0].content != both[1].content, "whole and streamed the same body asks for two"
    assert [each.content for each in both[:2]] == [each.content for each in both[2:]]
    assert [each.headers["x-windsock-cache"] for each in both[2:]] == ["hit", "hit"]


# fmt: off
PREFERRED: list[Body] = [
    {"tools": [{"googleSearch": {}}]}, {"tools": [{"codeExecution": {}}]},
    {"generationConfig": {"mediaResolution": "MEDIA_RESOLUTION_LOW"}},
    {"contents": [{"parts": [{"hologram": {}}, {"text": "hi"}]}]},
]
BOUND: list[tuple[Body, str]] = [
    ({"cachedContent": "cachedContents/a"}, "cachedContent"),
    ({"contents": [{"parts": [{"fileData": {"fileUri": "gs://a/b"}}]}]}, "contents.fileData"),
    ({"generationConfig": {"responseModalities": ["AUDIO"]}}, "responseModalities"),
    ({"generationConfig": {"responseMimeType": "text/x.enum"}}, "responseMimeType"),
]
# fmt: on


@pytest.mark.parametrize("more", PREFERRED)
async def test_what_runs_at_google_goes_there_though_others_are_cheaper(tmp_path, more) -> None:
    async with (
        upstream(reply([]), *PATHS) as there,
        upstream(lambda _: Answer(completion("dry"))) as cheap,
    ):
        config = provider("google-native", there.url, 9.0) + provider("acme", cheap.url, 0.01)
        config += route(f"google-native/{MODEL}", "acme/m")
        async with running(config, tmp_path) as it:
            for _ in range(3):
                got = await it.http.post(call("generateContent"), json={**ASK, **more})
                assert got.json() == ANSWER and "x-windsock-adapted" not in got.headers
            there.reply = lambda _: Answer(
                {"error": {"code": 503, "message": "Overloaded", "status": "UNAVAILABLE"}}, 503
            )
            got = await it.http.post(call("generateContent"), json={**ASK, **more})
    assert got.json()["candidates"][0]["content"]["parts"] == [{"text": "dry"}]
    assert got.headers["x-windsock-adapted"]


@pytest.mark.parametrize(("more", "name"), BOUND)
async def test_what_only_gemini_takes_rules_all_others_out(tmp_path, more, name) -> None:
    async with (
        upstream(reply([]), *PATHS) as there,
        upstream(lambda _: Answer(completion("dry"))) as cheap,
    ):
        config = provider("google-native", there.url, 9.0) + provider("acme", cheap.url, 0.01)
        config += route(f"google-native/{MODEL}", "acme/m")
        async with running(config, tmp_path) as it:
            got = [await it.http.post(call("generateContent"), json={**ASK, **more})
                   for _ in range(3)]  # fmt: skip
            alone = await it.http.post(call("generateContent", "acme/m"), json={**ASK, **more})
    assert [each.json() for each in got] == [ANSWER] * 3
    assert alone.status_code == 400 and name in alone.json()["error"]["message"]
    assert not cheap.seen


async def test_thoughts_of_another_provider_are_told_anew(tmp_path) -> None:
    block = {"type": "thinking", "thinking": "hm", "signature": "s"}
    turn = {"role": "model", "parts": [{"functionCall": {"name": "f", "args": {}},
                                        "thoughtSignature": seal([block])}]}  # fmt: skip
    result = {"functionResponse": {"name": "f", "response": {"result": "1"}}}
    ask = {"contents": [*ASK["contents"], turn, {"role": "user", "parts": [result]}]}
    async with upstream(reply([]), *PATHS) as there:
        async with running(native(there.url), tmp_path) as it:
            got = await it.http.post(call("generateContent"), json=ask)
    assert got.status_code == 200
    assert "d2luZHNvY2s6" not in json.dumps(there.seen), "Gemini would refuse the seal"


async def test_errors_come_as_google_told_them(tmp_path) -> None:
    error = {"code": 400, "message": "Unable to process input image.", "status": "INVALID_ARGUMENT",
             "details": [{"@type": "type.googleapis.com/google.rpc.BadRequest",
                          "fieldViolations": [{"field": "contents"}]}]}  # fmt: skip
    async with upstream(lambda _: Answer({"error": error}, 400), *PATHS) as there:
        async with running(native(there.url), tmp_path) as it:
            got = await it.http.post(call("generateContent"), json=ASK)
    assert (got.status_code, got.json()) == (400, {"error": error})


@pytest.mark.parametrize(
    ("events", "words"),
    [
        ([THOUGHT, SAID], "broke off"),
        ([SAID, event({"error": {"code": 503, "message": "Overloaded", "status": "UNAVAILABLE"}})],
         "Overloaded"),
        ([SAID, event(part([], finishReason="MALFORMED_FUNCTION_CALL"))], "error"),
    ],
)  # fmt: skip
async def test_a_stream_that_breaks_ends_with_an_error(tmp_path, events, words) -> None:
    async with upstream(reply(events), *PATHS) as there:
        async with running(native(there.url), tmp_path) as it:
            ask = {**ASK, "safetySettings": []}
            got = await it.http.post(call("streamGenerateContent?alt=sse"), json=ask)
            array = (await it.http.post(call("streamGenerateContent"), json=ask)).json()
    last = got.text.strip().split("\r\n\r\n")[-1]
    assert words in last and "error" in json.loads(last[6:])
    assert "error" in array[-1] and array[0] == json.loads(SAID[6:] if SAID in events[:1] else
                                                           THOUGHT[6:])  # fmt: skip


@pytest.mark.parametrize("is_stream", [False, True])
@pytest.mark.parametrize(
    "nothing",
    [part([], finishReason="STOP"), part([{"text": " "}], finishReason="STOP"),
     part([{"text": "Hm.", "thought": True}], finishReason="STOP"),
     part([], finishReason="MALFORMED_FUNCTION_CALL")],
)  # fmt: skip
async def test_an_answer_of_nothing_is_asked_elsewhere(tmp_path, nothing, is_stream) -> None:
    def silent(_: Body) -> Answer:
        return Answer(events=[event(nothing)]) if is_stream else Answer(nothing)

    async with (
        upstream(silent, *PATHS) as none,
        upstream(lambda _: Answer(events=[SAID, LAST]) if is_stream else Answer(ANSWER),
                 *PATHS) as other,
    ):  # fmt: skip
        config = provider("google-native", none.url, 0.01) + provider("bolt", other.url, 9)
        config = config.replace("[providers.bolt]", '[providers.bolt]\npreset = "google-native"')
        config += route("google-native/a", "bolt/b")
        async with running(config, tmp_path) as it:
            verb = "streamGenerateContent?alt=sse" if is_stream else "generateContent"
            got = await it.http.post(call(verb), json=ASK)
    assert "wet" in got.text and got.headers["x-windsock-deployment"] == "bolt/b"


async def test_a_blocked_prompt_is_an_answer(tmp_path) -> None:
    blocked = {"promptFeedback": {"blockReason": "SAFETY", "safetyRatings": []},
               "usageMetadata": {"promptTokenCount": 5}}  # fmt: skip
    async with upstream(lambda _: Answer(blocked), *PATHS) as there:
        async with running(native(there.url), tmp_path) as it:
            got = await it.http.post(call("generateContent"), json=ASK)
            there.reply = lambda _: Answer(events=[event(blocked)])
            events = await it.http.post(call("streamGenerateContent?alt=sse"), json=ASK)
            filtered = part([], finishReason="PROHIBITED_CONTENT")
            there.reply = lambda _: Answer(events=[event(filtered)])
            alone = await it.http.post(call("streamGenerateContent?alt=sse"), json=ASK)
    assert got.json() == blocked and events.content == event(blocked)
    assert alone.content == event(filtered)
    assert there.seen == [ASK, ASK, ASK]


@pytest.mark.parametrize("is_whole", [False, True])
async def test_tokens_are_counted_where_gemini_is_spoken(tmp_path, is_whole) -> None:
    told = {"totalTokens": 31, "cachedContentTokenCount": 0, "promptTokensDetails": []}
    body = {**ASK, "systemInstruction": {"parts": [{"text": "a"}]}, "tools": [{"googleSearch": {}}]}
    if is_whole:
        body = {"generateContentRequest": {"model": "models/auto", **body}}
    async with upstream(lambda _: Answer(told), *PATHS) as there:
        config = native(there.url) + provider("acme", there.url) + (
            '[routes.acme]\ncandidates = ["acme/m"]\n')  # fmt: skip
        async with running(config, tmp_path) as it:
            got = await it.http.post(call("countTokens"), json=body)
            there.reply = lambda _: Answer({"error": {"message": "no"}}, 500)
            failed = await it.http.post(call("countTokens"), json=body)
            alone = await it.http.post(call("countTokens", "acme"), json=body)
    assert got.json() == told
    assert failed.json() == alone.json() and 0 < alone.json()["totalTokens"] < 100
    assert there.targets[0] == f"/v1/models/{MODEL}:countTokens" and len(there.seen) == 2
    whole = {**body.get("generateContentRequest", {}), "model": f"models/{MODEL}"}
    assert there.seen[0] == ({"generateContentRequest": whole} if is_whole else body)


VECTOR = {"values": [0.25, -1.5]}


@pytest.mark.parametrize("is_batch", [False, True])
async def test_embeddings_pass_where_gemini_is_spoken(tmp_path, is_batch) -> None:
    told = {"embeddings": [VECTOR]} if is_batch else {"embedding": VECTOR}
    each = {"model": "models/auto", "content": {"parts": [{"text": "a"}, {"inlineData": {}}]},
            "taskType": "RETRIEVAL_QUERY", "field_of_tomorrow": 1.50}  # fmt: skip
    body = {"requests": [each, {**each, "outputDimensionality": 3}]} if is_batch else each
    verb = "batchEmbedContents" if is_batch else "embedContent"
    async with upstream(lambda _: Answer(told), *PATHS) as there:
        config = native(there.url) + provider("acme", there.url)
        async with running(config + '[routes.acme]\ncandidates = ["acme/m"]\n', tmp_path) as it:
            got = await it.http.post(call(verb), json=body)
            alone = await it.http.post(call(verb, "acme"), json=body)
    assert got.json() == told and "x-windsock-adapted" not in got.headers
    assert float(got.headers["x-windsock-cost-usd"]) > 0
    assert json.dumps(there.seen[0]) == json.dumps(body).replace("/auto", f"/{MODEL}")
    assert there.targets == [f"/v1/models/{MODEL}:{verb}"]
    assert alone.status_code == 400 and alone.json()["error"]["status"] == "INVALID_ARGUMENT"


@pytest.mark.parametrize("form", [None, "float", "base64"])
async def test_openais_embeddings_are_asked_of_gemini(tmp_path, form) -> None:
    ask = {"model": "auto", "input": ["a", "b"], "dimensions": 2, "encoding_format": form}
    told = {"embeddings": [VECTOR, VECTOR]}
    async with upstream(lambda _: Answer(told), *PATHS) as there:
        config = native(there.url, model="gemini-embedding-001")
        async with running(config, tmp_path) as it:
            got = (await it.http.post("/v1/embeddings", json=ask)).json()
            tokens = await it.http.post("/v1/embeddings", json={**ask, "input": [[1, 2]]})
            googles = await it.http.post(
                call("embedContent"), json={"content": {"parts": [{"text": "a"}]}}
            )
    values = "AACAPgAAwL8=" if form == "base64" else [0.25, -1.5]
    assert [(each["index"], each["embedding"]) for each in got["data"]] == [
        (0, values), (1, values)]  # fmt: skip
    assert got["usage"]["prompt_tokens"] > 0 and got["object"] == "list"
    assert there.seen[0]["requests"][1] == {
        "model": "models/gemini-embedding-001", "outputDimensionality": 2,
        "content": {"parts": [{"text": "b"}]}}  # fmt: skip
    assert tokens.status_code == 422 and "texts given as tokens" in tokens.text
    assert googles.status_code == 200 and len(there.seen) == 2
