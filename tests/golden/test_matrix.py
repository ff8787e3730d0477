"""Every format in front of every kind of provider, in every case, as files one can read.

A file tells what the provider was sent and what the client was told, plain and streamed; one of a
format in front of itself holds both as they came. `make golden` writes them anew: read the
difference before keeping it.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from tests.golden.behinds import BEHINDS
from tests.golden.cases import CASES, Case
from tests.golden.fronts import FRONTS
from tests.running import Running, running

HERE = Path(__file__).parent / "matrix"
OFF = {"stream", "stream_options"}
"""Fields that differ between the two ways of being asked."""

MADE_UP = re.compile(r"converse-[0-9a-f]{32}")
"""The id of an answer of Converse, which has none."""

NOTED = "x-windsock-adapted"


class Provider:
    """Answers the case that is on; remembers what it was sent."""

    def __init__(self, behind: str) -> None:
        self.deployment, self._plain, self._events, self._error = BEHINDS[behind]
        self.is_binary = behind == "converse"
        self.case = CASES["plain"]
        self.seen: list[dict[str, Any]] = []

    async def answer(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        self.seen.append(body)
        if self.case.error:
            return web.json_response(self._error(self.case), status=400)
        if not (body.get("stream") or "tream" in request.path):
            return web.json_response(self._plain(self.case))
        kind = "application/vnd.amazon.eventstream" if self.is_binary else "text/event-stream"
        answer = web.StreamResponse(headers={"content-type": kind})
        await answer.prepare(request)
        for event in self._events(self.case):
            await answer.write(event)
        return answer


@asynccontextmanager
async def served(behind: str, tmp_path: Path) -> AsyncIterator[tuple[Running, Provider]]:
    provider, app = Provider(behind), web.Application()
    app.router.add_post("/v1/{call:.+}", provider.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    name = provider.deployment.partition("/")[0]
    config = (
        f'[providers.{name}]\nbase_url = "{url}"\napi_key = "k"\n'
        "price = { input = 1, output = 4, cache_read = 0.1 }\n"
        f'[routes.auto]\ncandidates = ["{provider.deployment}"]\n'
    )
    try:
        async with running(config, tmp_path) as it:
            yield it, provider
    finally:
        await runner.cleanup()


async def told(it: Running, provider: Provider, front: str, case: Case) -> str:
    """A file of the matrix."""
    provider.case, provider.seen = case, []
    path, body = FRONTS[front](case, stream=False)
    plain = await it.http.post(path, json=body)
    asked = list(provider.seen)
    path, body = FRONTS[front](case, stream=True)
    stream = await it.http.post(path, json=body)
    notes = [f"{NOTED}: {plain.headers[NOTED]}"] if NOTED in plain.headers else []
    sent = [_written(each) for each in asked] or ["(nothing)"]
    streamed = _without_stream(provider.seen[len(asked) :]) == _without_stream(asked)
    assert streamed, "a stream is asked for as a plain answer is"
    events = stream.text.strip() if stream.status_code == 200 else _written(stream.json())
    parts = [
        "==> sent to the provider", *sent,
        f"==> told to the client: {plain.status_code}", *notes, _written(plain.json()),
        f"==> streamed to the client: {stream.status_code}", events,
    ]  # fmt: skip
    return MADE_UP.sub("converse-ID", "\n".join(parts)) + "\n"


def _without_stream(bodies: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{k: v for k, v in each.items() if k not in OFF} for each in bodies]


def _written(body: Any) -> str:
    return json.dumps(body, indent=1, ensure_ascii=False)


@pytest.mark.parametrize("behind", BEHINDS)
@pytest.mark.parametrize("front", FRONTS)
async def test_each_case_is_told_as_its_file_has_it(front, behind, tmp_path) -> None:
    wrong = []
    async with served(behind, tmp_path) as (it, provider):
        for name, case in CASES.items():
            made = await told(it, provider, front, case)
            file = HERE / front / behind / f"{name}.txt"
            if os.environ.get("GOLDEN") == "write":
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(made, encoding="utf-8")
            if made != file.read_text(encoding="utf-8"):
                wrong.append(str(file))
    assert not wrong


def test_no_file_is_left_of_what_is_gone() -> None:
    expected = {f"{f}/{b}/{c}.txt" for f in FRONTS for b in BEHINDS for c in CASES}
    assert {file.relative_to(HERE).as_posix() for file in HERE.rglob("*.txt")} == expected
