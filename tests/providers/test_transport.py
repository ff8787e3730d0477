"""The seam to providers, held by each of its callers alike."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.callers.aiohttp_transport import AiohttpCaller
from tests.callers.httpx_transport import HttpxCaller
from tests.chaos import faults
from tests.chaos.provider import Fault, provider
from tests.chaos.proxy import Toxics, proxy
from tests.process import free_port
from windsock.providers.http1_transport import DirectCaller
from windsock.providers.transport import Caller, Endpoint, Interrupted, TooLarge, Unreachable

ASK = b'{"messages": [{"content": "hi"}], "stream": %s}'
PLAIN, STREAM = ASK % b"false", ASK % b"true"
PATH = "/chat/completions"


@pytest.fixture(params=[AiohttpCaller, DirectCaller, HttpxCaller])
async def caller(request: pytest.FixtureRequest) -> AsyncIterator[Caller]:
    made: Caller = request.param()
    yield made
    await made.close()


async def body_of(caller: Caller, url: str, ask: bytes = PLAIN) -> bytes:
    reply = await caller.post(Endpoint(base_url=url), PATH, ask)
    try:
        return await reply.body()
    finally:
        await reply.close()


async def test_connections_are_kept_and_stale_ones_replaced_once(caller: Caller) -> None:
    async with provider() as model:
        for _ in range(5):
            assert b"hi" in await body_of(caller, model.url)
        assert model.connections == 1
        model.fault = faults.stale
        for _ in range(6):
            assert b"hi" in await body_of(caller, model.url)


async def test_a_fresh_connection_that_stays_silent_is_not_tried_again(caller: Caller) -> None:
    async with provider(faults.no_bytes) as model:
        with pytest.raises(Unreachable):
            await body_of(caller, model.url)
        assert len(model.calls) == 1


@pytest.mark.parametrize("host", ["127.0.0.1", "nowhere.invalid"])
async def test_nobody_there(caller: Caller, host: str) -> None:
    with pytest.raises(Unreachable):
        await body_of(caller, f"http://{host}:{free_port()}")


@pytest.mark.parametrize(
    ("fault", "ask"),
    [(faults.garbage, PLAIN), (faults.reset, PLAIN), (faults.cut_chunk, STREAM)],
    ids=["garbage", "reset", "cut chunk"],
)
async def test_what_breaks_is_told(caller: Caller, fault: Fault, ask: bytes) -> None:
    async with provider(fault) as model:
        with pytest.raises(Interrupted):
            await body_of(caller, model.url, ask)


@pytest.mark.parametrize("fault", [faults.stated_huge, faults.endless_body])
async def test_a_huge_answer_is_not_read(caller: Caller, fault: Fault) -> None:
    async with provider(fault) as model:
        with pytest.raises(TooLarge):
            await body_of(caller, model.url)


async def test_slices_of_three_bytes_are_the_same_bytes(caller: Caller) -> None:
    async with provider() as model, proxy(model.url, Toxics(slice_bytes=3)) as sliced:
        assert await body_of(caller, sliced.url, STREAM) == await body_of(caller, model.url, STREAM)


def test_an_error_that_quotes_our_key_is_passed_on_without_it() -> None:
    endpoint = Endpoint(base_url="", headers={"authorization": "Bearer sk-secret-0123456789"})
    said = endpoint.without_secrets(b"wrong key: sk-secret-0123456789!")
    assert said == b"wrong key: [key]!"
