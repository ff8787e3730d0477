"""A wire format is one class and one line: a made-up one is served, plain and streamed."""

import json
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from decimal import Decimal

import orjson
import pytest
from aiohttp import web

from tests.running import config_of, running
from tests.upstream import Answer as Told
from tests.upstream import upstream
from windsock.core.model.calls import VERDICTS, CallKind
from windsock.core.model.units import Usage
from windsock.providers.presets import Preset, presets
from windsock.wire.format import Answer, AnswerFacts, Formats, ProviderTraits
from windsock.wire.formats.openai_chat_stream import ChatStreamScanner
from windsock.wire.registry import FORMATS
from windsock.wire.request import Operation, UpstreamRequest
from windsock.wire.upstream_errors.refusal import Refusal

ASKED = {"model": "auto", "messages": [{"role": "user", "content": "how are you"}]}


class Telegram:
    """One text in, words out; a stream is a word a line, and two numbers at its end."""

    headers: Mapping[str, str] = {"x-telegram": "1"}
    answer_headers: tuple[str, ...] = ()
    count_path = ""
    carries = None

    def path(self, request: UpstreamRequest, model: str) -> str:
        return f"/wire/{model}" + ("/words" if request.request.is_stream else "")

    def body(self, request: UpstreamRequest, model: str) -> bytes:
        asked = orjson.loads(request.raw)
        return orjson.dumps({"text": asked["messages"][-1]["content"]})

    def answer(self, raw: bytes, request: UpstreamRequest) -> Answer | None:
        body = orjson.loads(raw)
        if "words" not in body:
            return None
        said = {"role": "assistant", "content": " ".join(body["words"])}
        choice = {"index": 0, "message": said, "finish_reason": "stop"}
        facts = AnswerFacts(usage=Usage(input_tokens=body["in"], output_tokens=body["out"]),
                            finish_reason="stop", response_id=body["no"])  # fmt: skip
        return Answer(body={"id": body["no"], "choices": [choice]}, facts=facts, message=said)

    def told(
        self, answer: Answer, request: UpstreamRequest, *, provider: str, cost_usd: float | None
    ) -> bytes:
        return orjson.dumps({**answer.body, "provider": provider, "usage": {"cost": cost_usd}})

    def refusal(
        self, status: int | None, raw: bytes, headers: Mapping[str, str], now: float
    ) -> Refusal:
        """Its errors are always the caller's, but for those within a stream."""
        if status is None:
            return Refusal(verdict=VERDICTS[CallKind.RATE_LIMITED], body=raw)
        error = {"error": {"message": orjson.loads(raw)["oops"]}}
        return Refusal(verdict=VERDICTS[CallKind.CALLER_ERROR], body=orjson.dumps(error))

    def scanner(self, request: UpstreamRequest) -> "Words":
        return Words(request.wants_usage)


class Words:
    """Lines to chunks of a chat stream."""

    def __init__(self, wants_usage: bool) -> None:
        self.content_events = 0
        self.error: bytes | None = None
        self.is_done = False
        self._wants_usage = wants_usage
        self._held = b""
        self._usage: Usage | None = None

    @property
    def has_answer(self) -> bool:
        return self.content_events > 0

    @property
    def has_content(self) -> bool:
        return self.has_answer

    @property
    def is_complete(self) -> bool:
        return self._usage is not None

    def feed(self, data: bytes) -> Iterator[bytes]:
        *lines, self._held = (self._held + data).split(b"\n")
        for line in lines:
            if line.startswith(b"!"):
                self.error = line
            elif line.startswith(b"="):
                given, got = line[1:].split()
                self._usage = Usage(input_tokens=int(given), output_tokens=int(got))
            else:
                self.content_events += 1
                yield chunk({"choices": [{"index": 0, "delta": {"content": line.decode()}}]})

    def rest(self) -> Iterator[bytes]:
        return iter(())

    def facts(self) -> AnswerFacts:
        return AnswerFacts(usage=self._usage, finish_reason="stop")

    def ending(self, cost_usd: Decimal | None) -> bytes:
        usage = chunk({"choices": [], "usage": {"cost": cost_usd and float(cost_usd)}})
        return (usage if self._wants_usage else b"") + b"data: [DONE]\n\n"

    def broken(self, message: str) -> bytes:
        return chunk({"error": {"message": message, "code": "cut"}})


def chunk(body: dict) -> bytes:
    return b"data: " + orjson.dumps(body) + b"\n\n"


def telegrams(traits: ProviderTraits) -> Formats:
    return {Operation.CHAT: Telegram()}


@pytest.fixture(autouse=True)
def telegraph(monkeypatch: pytest.MonkeyPatch) -> None:
    """The two lines that a new format takes: its name, and a provider that speaks it."""
    monkeypatch.setitem(FORMATS, "telegram", telegrams)
    preset = Preset(id="office", base_url="http://127.0.0.1:1", format="telegram")
    monkeypatch.setitem(presets(), "office", preset)


@asynccontextmanager
async def office(*lines: bytes, status: int = 200) -> AsyncIterator[tuple[str, list]]:
    """A server that speaks telegram, and what it was sent; a stream ends after these lines."""
    seen: list = []

    async def whole(request: web.Request) -> web.Response:
        seen.append((request.path, request.headers["x-telegram"], await request.json()))
        said = {"no": "t-1", "words": ["fine", "thanks"], "in": 3, "out": 2, "oops": "no such man"}
        return web.json_response(said, status=status)

    async def words(request: web.Request) -> web.StreamResponse:
        seen.append((request.path, request.headers["x-telegram"], await request.json()))
        response = web.StreamResponse()
        await response.prepare(request)
        for line in lines:
            await response.write(line)
        return response

    app = web.Application()
    app.router.add_post("/wire/m", whole)
    app.router.add_post("/wire/m/words", words)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}", seen
    finally:
        await runner.cleanup()


async def test_a_whole_answer_is_asked_for_and_told_by_its_format(tmp_path) -> None:
    async with office() as (url, seen):
        async with running(config_of(("office", url, 1.0)), tmp_path) as service:
            answer = await service.http.post("/v1/chat/completions", json=ASKED)
            judged = await service.http.post("/v1/feedback", json={"id": "t-1", "value": 1})
    assert seen == [("/wire/m", "1", {"text": "how are you"})]
    body = answer.json()
    assert body["choices"][0]["message"]["content"] == "fine thanks"
    assert body["provider"] == "office"
    assert body["usage"]["cost"] == pytest.approx((3 * 1.0 + 2 * 4.0) / 1e6)
    assert judged.status_code == 200


async def test_a_stream_is_read_and_ended_by_its_format(tmp_path) -> None:
    asked = {**ASKED, "stream": True, "stream_options": {"include_usage": True}}
    async with office(b"fi", b"ne\ntha", b"nks\n= 3 2\n") as (url, seen):
        async with running(config_of(("office", url, 1.0)), tmp_path) as service:
            answer = await service.http.post("/v1/chat/completions", json=asked)
    assert seen[0][0] == "/wire/m/words"
    *events, done = answer.text.strip().split("\n\n")
    assert done == "data: [DONE]"
    read = [json.loads(event.removeprefix("data: ")) for event in events]
    assert [each["choices"][0]["delta"]["content"] for each in read[:-1]] == ["fine", "thanks"]
    assert read[-1]["usage"]["cost"] == pytest.approx((3 * 1.0 + 2 * 4.0) / 1e6)


async def test_a_stream_that_breaks_off_ends_in_the_words_of_its_format(tmp_path) -> None:
    async with office(b"fine\n") as (url, _):
        async with running(config_of(("office", url, 1.0)), tmp_path) as service:
            answer = await service.http.post("/v1/chat/completions", json={**ASKED, "stream": True})
    *_, last = answer.text.strip().split("\n\n")
    assert json.loads(last.removeprefix("data: "))["error"]["code"] == "cut"


@pytest.mark.parametrize("lines", [(b"= many few\n",), (b"fine\n", b"= many few\n")])
async def test_an_event_without_its_shape_is_a_failure_of_the_deployment(tmp_path, lines) -> None:
    async with office(*lines) as (url, _):
        async with running(config_of(("office", url, 1.0)), tmp_path) as service:
            answer = await service.http.post("/v1/chat/completions", json={**ASKED, "stream": True})
            (row,) = (await service.http.get("/v1/deployments")).json()["data"]
    assert row["failures"] == 1
    assert answer.status_code == 502 or '"code":"cut"' in answer.text


async def test_an_error_in_a_stream_means_what_its_format_says(tmp_path) -> None:
    async with office(b"! too many\n") as (url, _):
        async with running(config_of(("office", url, 1.0)), tmp_path) as service:
            answer = await service.http.post("/v1/chat/completions", json={**ASKED, "stream": True})
    assert answer.status_code == 429
    assert answer.json()["error"]["code"] == "rate_limited"


async def test_a_refusal_means_what_its_format_says(tmp_path) -> None:
    async with office(status=418) as (url, seen):
        async with running(config_of(("office", url, 1.0)), tmp_path) as service:
            answer = await service.http.post("/v1/chat/completions", json=ASKED)
    assert len(seen) == 1, "an error of the caller is not asked again"
    assert answer.status_code == 400, "one that clients know"
    assert answer.json() == {"error": {"message": "no such man"}}


async def test_a_call_that_a_format_does_not_offer_goes_to_who_offers_it(tmp_path) -> None:
    vectors = {"data": [{"embedding": [1.0]}], "usage": {"prompt_tokens": 3}}
    async with office() as (url, seen), upstream(lambda _: Told(body=vectors)) as other:
        config = config_of(("office", url, 0.001), ("openai", other.url, 9.0))
        async with running(config, tmp_path) as service:
            answers = [
                await service.http.post("/v1/embeddings", json={"model": "auto", "input": "x"})
                for _ in range(5)
            ]
    assert [each.status_code for each in answers] == [200] * 5
    assert {each.json()["provider"] for each in answers} == {"openai"}
    assert not seen


@pytest.mark.parametrize("is_stream", [False, True])
async def test_a_fallback_may_speak_another_format(tmp_path, is_stream) -> None:
    down = Told({"error": {"message": "down"}}, status=503)
    async with office(b"fine\n= 3 2\n") as (url, _), upstream(lambda _: down) as other:
        config = config_of(("openai", other.url, 1.0), ("office", url, 1.0))
        async with running(config, tmp_path) as service:
            asked = {**ASKED, "model": "openai/m", "models": ["office/m"], "stream": is_stream}
            answer = await service.http.post("/v1/chat/completions", json=asked)
    assert answer.headers["x-windsock-deployment"] == "office/m"
    assert answer.headers["x-windsock-attempts"] == "2"
    assert "fine" in answer.text


def test_the_chat_scanner_says_what_the_protocol_asks() -> None:
    scanner = ChatStreamScanner()
    assert scanner.facts() == AnswerFacts(is_empty=True)
    assert scanner.ending(Decimal(0)) == b"data: [DONE]\n\n"
