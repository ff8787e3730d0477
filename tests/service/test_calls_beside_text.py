"""Rerank, moderation, sound and images: routed, counted, priced, failed over and learnt as text."""

from __future__ import annotations

import asyncio
import io
import struct
from contextlib import asynccontextmanager
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI

from tests.running import running
from tests.upstream import Answer, completion, event, upstream
from windsock.wire.formats.tasks.kinds import TASKS

PATHS = [task.path for task in TASKS.values()]
SOUND = bytes(range(256)) * 300

RANKED = {"id": "r", "results": [{"index": 1, "relevance_score": 0.9}],
          "meta": {"billed_units": {"search_units": 2}}}  # fmt: skip
JUDGED = {"id": "modr-1", "model": "omni", "results": [
    {"flagged": False, "categories": {}, "category_scores": {}, "category_applied_input_types": {}}
]}  # fmt: skip
HEARD = {"text": "hello", "usage": {"type": "duration", "seconds": 7}}
DRAWN = {"created": 1, "data": [{"b64_json": "aGk="}, {"b64_json": "aGk="}]}


def answering(body: dict[str, Any]) -> Answer:
    """As OpenAI, Cohere and a text-to-speech model answer these calls."""
    if "messages" in body:
        return Answer(completion())
    if "documents" in body:
        return Answer(RANKED)
    if "voice" in body:
        if body.get("stream_format") == "sse":
            used = {"input_tokens": 9, "output_tokens": 100, "total_tokens": 109}
            return Answer(
                events=[event({"type": "speech.audio.delta", "audio": "aGk="}),
                        event({"type": "speech.audio.done", "usage": used})]
            )  # fmt: skip
        return Answer(events=[SOUND[:1000], SOUND[1000:]], content_type="audio/mpeg")
    if "file" in body:
        if body.get("response_format") == "srt":
            return Answer("1\n00:00 --> 00:07\nhello\n", content_type="text/plain")
        if body.get("stream") in ("true", "True"):
            used = {"type": "tokens", "input_tokens": 70, "output_tokens": 3, "total_tokens": 73,
                    "input_token_details": {"audio_tokens": 70, "text_tokens": 0}}  # fmt: skip
            return Answer(
                events=[event({"type": "transcript.text.delta", "delta": "hel"}),
                        event({"type": "transcript.text.done", "text": "hello", "usage": used})]
            )  # fmt: skip
        return Answer(HEARD)
    if "prompt" in body:
        return Answer(DRAWN)
    return Answer(JUDGED)


CONFIG = """
[providers.acme]
base_url = "{url}"
api_key = "sk-acme-secret"
[deployments."acme/rerank-3"]
price = {{ request = 2000, mode = "rerank" }}
[deployments."acme/omni-moderation-latest"]
price = {{ input = 0, reason = "free", mode = "moderation" }}
[deployments."acme/whisper-1"]
price = {{ input_second = 100, mode = "audio_transcription" }}
[deployments."acme/tts-1"]
price = {{ input_character = 15, mode = "audio_speech" }}
[deployments."acme/gpt-4o-mini-tts"]
price = {{ input = 0.6, output = 12 , mode = "audio_speech" }}
[deployments."acme/dall-e-3"]
price = {{ image = 40000, mode = "image_generation" }}
[deployments."acme/chat"]
modes = ["chat"]
price = {{ input = 1, output = 1 }}
[routes.all]
candidates = ["acme/chat", "acme/rerank-3", "acme/whisper-1", "acme/tts-1", "acme/dall-e-3"]
"""


@asynccontextmanager
async def serving(tmp_path, more: str = "", reply=answering):
    async with upstream(reply, *PATHS) as model:
        config = CONFIG.format(url=model.url) + more.replace("URL", model.url)
        async with running(config, tmp_path) as it:
            yield it, model


def cost(answer) -> float:
    assert answer.status_code == 200, answer.text
    return float(answer.headers["x-windsock-cost-usd"])


def wav(seconds: int) -> bytes:
    """Silence of 16 kHz, 16 bits."""
    size = 32000 * seconds
    head = struct.pack("<4sI4s4sIHHIIHH4sI", b"RIFF", 36 + size, b"WAVE", b"fmt ", 16, 1, 1,
                       16000, 32000, 2, 16, b"data", size)  # fmt: skip
    return head + bytes(size)


@asynccontextmanager
async def clients(tmp_path):
    """(straight, routed, seen): the SDK at the model itself, and through the router."""
    async with serving(tmp_path) as (it, model):
        straight = AsyncOpenAI(base_url=model.url, api_key="k")
        routed = AsyncOpenAI(base_url=it.url + "/v1", api_key="k")
        yield straight, routed, model
        await straight.close()
        await routed.close()


def same(model, one: Any, other: Any) -> None:
    """Both were told the same, and the model was asked the same."""
    for made in (one, other):
        made.pop("provider", None)
        if made.get("usage"):
            made["usage"].pop("cost", None)
    assert one == other
    assert model.seen[-1] == model.seen[-2]
    assert model.targets[-1] == model.targets[-2]


@pytest.mark.filterwarnings("ignore:deprecated:DeprecationWarning")
async def test_openais_sdk_is_told_the_same_as_directly(tmp_path) -> None:
    async with clients(tmp_path) as (straight, routed, model):
        sound = ("a.wav", wav(2), "audio/wav")
        picture = ("a.png", b"\x89PNG\r\n--x\r\n", "image/png")
        asks = [
            lambda c: c.moderations.create(input="bad", model="omni-moderation-latest"),
            lambda c: c.audio.transcriptions.create(model="whisper-1", file=sound, language="de"),
            lambda c: c.audio.translations.create(model="whisper-1", file=sound),
            lambda c: c.images.generate(model="dall-e-3", prompt="a cat", n=2, size="1024x1024"),
            lambda c: c.images.edit(model="dall-e-3", prompt="a hat", image=picture),
        ]
        for ask in asks:
            one, other = [(await ask(client)).model_dump() for client in (straight, routed)]
            same(model, one, other)


async def test_openais_sdk_hears_speech_as_it_comes(tmp_path) -> None:
    async with clients(tmp_path) as (straight, routed, model):
        for client in (straight, routed):
            got = await client.audio.speech.create(model="tts-1", voice="alloy", input="hello")
            assert got.content == SOUND
            assert got.response.headers["content-type"] == "audio/mpeg"
            async with client.audio.speech.with_streaming_response.create(
                model="tts-1", voice="alloy", input="hello"
            ) as streamed:
                assert b"".join([part async for part in streamed.iter_bytes()]) == SOUND
        assert model.seen[-1] == model.seen[0]


async def test_openais_sdk_streams_a_transcript(tmp_path) -> None:
    async with clients(tmp_path) as (straight, routed, _):
        told = []
        for client in (straight, routed):
            stream = await client.audio.transcriptions.create(
                model="whisper-1", file=("a.wav", wav(1)), stream=True
            )
            told.append([each.model_dump() async for each in stream])
        assert told[0] == told[1]
        assert [each["type"] for each in told[1]] == [
            "transcript.text.delta", "transcript.text.done",
        ]  # fmt: skip


async def test_openais_sdk_reads_text_and_errors(tmp_path) -> None:
    async with clients(tmp_path) as (straight, routed, _):
        texts = [
            await client.audio.transcriptions.create(
                model="whisper-1", file=("a.wav", wav(1)), response_format="srt"
            )
            for client in (straight, routed)
        ]
        assert texts[0] == texts[1]
        with pytest.raises(openai.NotFoundError, match="did you mean 'whisper-1'"):
            await routed.audio.transcriptions.create(model="whisper-9", file=("a.wav", b"x"))
        with pytest.raises(openai.UnprocessableEntityError, match="no model that transcribes"):
            await routed.audio.transcriptions.create(model="chat", file=("a.wav", b"x"))


RERANK = {"query": "a", "documents": ["b", "c"]}


async def reported(http, requests: int) -> dict[str, float]:
    """Dollars by task, once so many requests are in the report."""
    rows: list[dict[str, Any]] = []
    while sum(row["requests"] for row in rows) < requests:
        await asyncio.sleep(0.05)
        rows = (await http.get("/v1/report?by=task")).json()["data"]
    return {row["task"]: row["cost_usd"] for row in rows}


async def test_each_is_billed_by_what_it_is_priced_by(tmp_path) -> None:
    async with serving(tmp_path) as (it, _):
        http = it.http
        ranked = await http.post("/v1/rerank", json={"model": "rerank-3", **RERANK})
        assert cost(ranked) == pytest.approx(2 * 0.002)
        assert ranked.json()["results"] == RANKED["results"]
        judged = await http.post("/v1/moderations", json={"input": "bad"})
        assert cost(judged) == 0
        form = {"model": "whisper-1"}
        files = {"file": ("a.wav", wav(30))}
        heard = await http.post("/v1/audio/transcriptions", data=form, files=files)
        assert cost(heard) == pytest.approx(7 * 0.0001)
        text = {**form, "response_format": "srt"}
        heard = await http.post("/v1/audio/transcriptions", data=text, files=files)
        assert cost(heard) == pytest.approx(31 * 0.0001, rel=0.05)
        assert heard.headers["content-type"].startswith("text/plain")
        drawn = await http.post("/v1/images/generations", json={"model": "dall-e-3", "prompt": "x",
                                                                "n": 2})  # fmt: skip
        assert cost(drawn) == pytest.approx(2 * 0.04)
        said = {"model": "tts-1", "voice": "alloy", "input": "x" * 1000}
        await http.post("/v1/audio/speech", json=said)
        sse = {**said, "model": "gpt-4o-mini-tts", "stream_format": "sse"}
        assert "speech.audio.done" in (await http.post("/v1/audio/speech", json=sse)).text
        spent = await reported(http, 7)
        assert spent["speech"] == pytest.approx(1000 * 15e-6 + (9 * 0.6 + 100 * 12) / 1e6)
        assert spent.keys() >= {"rerank", "moderation", "transcription", "image", "speech"}


async def test_models_are_listed_with_what_they_take_and_give(tmp_path) -> None:
    async with serving(tmp_path) as (it, _):
        for name, takes, gives in (
            ("acme/whisper-1", ["text", "audio"], ["text"]),
            ("acme/tts-1", ["text"], ["audio"]),
            ("acme/dall-e-3", ["text"], ["image"]),
            ("acme/rerank-3", ["text"], ["rerank"]),
            ("all", ["text", "audio"], ["text", "image", "audio", "rerank"]),
        ):
            told = (await it.http.get(f"/v1/models/{name}")).json()["architecture"]
            assert told == {"input_modalities": takes, "output_modalities": gives}


async def test_a_mixed_route_asks_the_model_that_can(tmp_path) -> None:
    async with serving(tmp_path) as (it, _):
        turn = [{"role": "user", "content": "hi"}]
        calls = {
            "acme/rerank-3": ("/v1/rerank", RERANK),
            "acme/tts-1": ("/v1/audio/speech", {"voice": "a", "input": "hi"}),
            "acme/dall-e-3": ("/v1/images/generations", {"prompt": "hi"}),
        }
        for name, (path, fields) in calls.items():
            answer = await it.http.post(path, json={"model": "all", **fields})
            assert answer.headers["x-windsock-deployment"] == name
        for _ in range(5):
            ask = {"model": "all", "messages": turn}
            answer = await it.http.post("/v1/chat/completions", json=ask)
            assert answer.headers["x-windsock-deployment"] == "acme/chat"
        alone = await it.http.post(
            "/v1/chat/completions", json={"model": "rerank-3", "messages": turn}
        )
        assert alone.status_code == 422
        assert "reranks: no model that chats" in alone.json()["error"]["message"]


SECOND = """
[providers.bolt]
base_url = "URL"
[deployments."bolt/whisper-1"]
price = { input_second = 200, mode = "audio_transcription" }
[deployments."bolt/tts-1"]
price = { input_character = 30, mode = "audio_speech" }
[routes.heard]
candidates = ["acme/whisper-1", "bolt/whisper-1"]
[routes.said]
candidates = ["acme/tts-1", "bolt/tts-1"]
"""


async def test_a_failure_goes_to_another_with_the_whole_form(tmp_path) -> None:
    failed: list[int] = []

    def once(body):
        if len(failed) % 2 == 0:
            failed.append(1)
            return Answer({"error": {"message": "down"}}, status=503)
        failed.append(1)
        return answering(body)

    async with serving(tmp_path, SECOND, once) as (it, model):
        sound = wav(2)
        answer = await it.http.post(
            "/v1/audio/transcriptions",
            data={"model": "heard", "prompt": "Grüezi"},
            files={"file": ("ä.wav", sound, "audio/wav")},
        )
        assert (answer.status_code, answer.headers["x-windsock-attempts"]) == (200, "2")
        one, other = model.seen
        assert one == other
        assert other["file"] == ("ä.wav", "audio/wav", sound)
        assert (other["model"], other["prompt"]) == ("whisper-1", "Grüezi")
        said = {"model": "said", "voice": "a", "input": "hi"}
        answer = await it.http.post("/v1/audio/speech", json=said)
        assert answer.content == SOUND
        assert answer.headers["x-windsock-attempts"] == "2"


async def test_sound_that_breaks_off_is_no_whole_answer(tmp_path) -> None:
    def cut(_):
        return Answer(events=[SOUND], content_type="audio/mpeg", cut=True, between_s=0.05)

    async with serving(tmp_path, reply=cut) as (it, _):
        said = {"model": "tts-1", "voice": "a", "input": "hi"}
        with pytest.raises(Exception, match=r"(?i)incomplete|peer closed"):
            await it.http.post("/v1/audio/speech", json=said)
        view = (await it.http.get("/v1/deployments")).json()
        assert any(each["failures"] for each in view["data"] if each["deployment"] == "acme/tts-1")


async def test_a_call_that_a_place_does_not_have_is_learnt_not_repeated(tmp_path) -> None:
    def without(body):
        if body["model"] == "whisper-1":
            return Answer("404 page not found", status=404, content_type="text/plain")
        return answering(body)

    two = SECOND.replace("bolt/whisper-1", "bolt/other").replace(
        "price = { input_second", 'modes = ["audio_transcription"]\nprice = { input_second'
    )
    async with serving(tmp_path, two, without) as (it, model):
        for _ in range(6):
            answer = await it.http.post(
                "/v1/audio/transcriptions", data={"model": "heard"}, files={"file": ("a", b"x")}
            )
            assert answer.status_code == 200
        assert [each["model"] for each in model.seen].count("whisper-1") <= 1
        alone = await it.http.post(
            "/v1/audio/transcriptions", data={"model": "whisper-1"}, files={"file": ("a", b"x")}
        )
        if alone.status_code == 422:
            assert "does not take calls to transcribe" in alone.json()["error"]["message"]


BAD = [
    ("/v1/rerank", {"json": {"model": "rerank-3", "documents": ["a"]}}, "query"),
    ("/v1/rerank", {"json": {"model": "rerank-3", "query": "a", "documents": "b"}}, "documents"),
    ("/v1/rerank", {"json": {"model": "rerank-3", "query": "a", "documents": []}}, "documents"),
    ("/v1/audio/speech", {"json": {"model": "tts-1", "voice": "a"}}, "input"),
    ("/v1/images/generations", {"json": {"model": "dall-e-3"}}, "prompt"),
    ("/v1/images/generations", {"json": {"model": "dall-e-3", "prompt": "a", "n": 0}}, "n"),
    ("/v1/images/generations", {"json": {"prompt": "a"}}, "model"),
    ("/v1/images/generations", {"content": b"[1]"}, None),
    ("/v1/audio/transcriptions", {"json": {"model": "whisper-1"}}, None),
    ("/v1/audio/transcriptions", {"data": {"model": "whisper-1"}, "files": {"fil": b"x"}}, "file"),
    ("/v1/audio/transcriptions", {"data": {}, "files": {"file": b"x"}}, "model"),
    ("/v1/audio/transcriptions",
     {"data": {"model": "whisper-1", "provider": "x"}, "files": {"file": b"x"}}, "provider"),
    ("/v1/audio/transcriptions",
     {"data": {"model": "whisper-1", "provider[only]": "x"}, "files": {"file": b"x"}}, "provider"),
    ("/v1/audio/transcriptions",
     {"data": {"model": "whisper-1", "temperature": "hot"}, "files": {"file": b"x"}},
     "temperature"),
    ("/v1/images/edits", {"data": {"model": "dall-e-3"}, "files": {"image": b"x"}}, "prompt"),
]  # fmt: skip


async def test_what_cannot_be_read_is_told_with_the_field(tmp_path) -> None:
    async with serving(tmp_path) as (it, model):
        for path, sent, param in BAD:
            answer = await it.http.post(path, **sent)
            assert answer.status_code == 400, (path, sent, answer.text)
            assert answer.json()["error"]["param"] == param, (path, sent)
        kind = {"content-type": "multipart/form-data; boundary=xx"}
        whole = b'--xx\r\nContent-Disposition: form-data; name="model"\r\n\r\nwhisper-1\r\n'
        for raw in (b"", whole, whole + b"--xx\r\n", b"--xx\r\nA: b\r\n\r\nc\r\n--xx--", b"--xx--",
                    b"--xx\r\n" * 500):  # fmt: skip
            answer = await it.http.post("/v1/audio/transcriptions", content=raw, headers=kind)
            assert answer.status_code == 400, raw
            assert answer.json()["error"]["message"]
        assert model.seen == []


async def test_wishes_hold_for_a_form_and_stay_here(tmp_path) -> None:
    async with serving(tmp_path, SECOND) as (it, model):
        form = {"model": "heard", "provider": '{"only": ["bolt"]}', "models[]": "whisper-1"}
        files = {"file": ("a.mp3", io.BytesIO(b"x" * 4000))}
        answer = await it.http.post("/v1/audio/transcriptions", data=form, files=files)
        assert answer.headers["x-windsock-deployment"] == "bolt/whisper-1"
        assert model.seen[-1].keys() == {"model", "file"}


async def test_azures_path_names_the_model_of_a_form_too(tmp_path) -> None:
    async with serving(tmp_path) as (it, _):
        path = "/openai/deployments/whisper-1/audio/transcriptions?api-version=2024-10-21"
        answer = await it.http.post(path, files={"file": ("a.wav", wav(1))})
        assert answer.status_code == 200, answer.text


CLOSED = """
[server]
keys = "required"
admin_token = "let-me-in-please"
max_upload_mb = 0.004
"""


async def test_a_key_comes_before_the_file(tmp_path) -> None:
    async with serving(tmp_path, CLOSED) as (it, model):
        big = {"file": ("a.wav", bytes(8_000))}
        for path in PATHS:
            assert (await it.http.post(f"/v1{path}", json={})).status_code == 401
        form = {"model": "whisper-1"}
        headers = {"authorization": "Bearer let-me-in-please"}
        refused = await it.http.post("/v1/audio/transcriptions", data=form, files=big)
        assert refused.status_code == 401
        large = await it.http.post(
            "/v1/audio/transcriptions", data=form, files=big, headers=headers
        )
        assert large.status_code == 413
        assert model.seen == []
