"""No stranger takes the service down: what comes is bounded, and the key comes first."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.attacks.form import attack, row
from tests.running import Running, config_of, running
from tests.upstream import Answer, completion, upstream
from windsock.service.auth import new_key
from windsock.service.connections import bounded_protocol, limits
from windsock.store.keys import VirtualKey, add_key

BODY = json.dumps({"model": "auto", "messages": [{"role": "user", "content": "hi"}]}).encode()
CHAT = b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\n"
MEGABYTE = 1024 * 1024


@asynccontextmanager
async def served(tmp_path: Path, more: str = "", *, keyed: bool = True) -> AsyncIterator[Running]:
    """A service that needs a key, in its `http` client's headers."""
    async with (
        upstream(lambda _: Answer(completion())) as model,
        running(config_of(("acme", model.url, 1.0)) + more, tmp_path) as it,
    ):
        if keyed:
            key, public, digest = new_key()
            record = VirtualKey(
                id=public, name="n", sha256=digest, namespace="default", scopes=("infer",),
                created_at=1.0,
            )  # fmt: skip
            add_key(it.service.engine, record)
            await it.service.housekeeping.read_keys()
            it.http.headers["authorization"] = f"Bearer {key}"
        yield it


class Socket:
    """A client that sends what it likes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def send(self, data: bytes) -> bool:
        """False once the server has closed."""
        try:
            self.writer.write(data)
            await self.writer.drain()
        except ConnectionError:
            return False
        return True

    async def heard(self, seconds: float = 5.0) -> bytes:
        """All until the server closes, b"" if it closed without a word."""
        try:
            return await asyncio.wait_for(self.reader.read(), seconds)
        except ConnectionError:
            return b""


@asynccontextmanager
async def socket(it: Running) -> AsyncIterator[Socket]:
    parts = urlsplit(it.url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    try:
        yield Socket(reader, writer)
    finally:
        writer.close()


async def ask(it: Running) -> int:
    return (await it.http.post("/v1/chat/completions", content=BODY)).status_code


def status_of(said: bytes) -> int | None:
    return int(said.split()[1]) if said else None


@attack("40 bodies of 20 MB, only promised", "hold no memory; others are served")
async def test_bodies_that_are_only_promised_hold_nothing(tmp_path: Path) -> None:
    async with served(tmp_path, keyed=False) as it:
        promised = CHAT + b"content-length: 20971520\r\n\r\n{"
        sockets = [socket(it) for _ in range(40)]
        for each in sockets:
            await (await each.__aenter__()).send(promised)
        await asyncio.sleep(0.05)
        assert [await ask(it) for _ in range(5)] == [200] * 5
        for each in sockets:
            await each.__aexit__(None, None, None)


@attack("80 clients at once with chunks of 60 bytes", "all are served")
async def test_many_honest_clients_with_small_chunks_are_all_served(tmp_path: Path) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for at in range(0, len(BODY), 60):
            yield BODY[at : at + 60]
            await asyncio.sleep(0.05)

    async with served(tmp_path) as it:
        asked = [it.http.post("/v1/chat/completions", content=chunks()) for _ in range(80)]
        assert {answer.status_code for answer in await asyncio.gather(*asked)} == {200}


@pytest.mark.parametrize(
    "path",
    [
        row(f"400 MB without a key to {path}", "refused, the body unread", path)
        for path in (
            "/v1/chat/completions",
            "/v1/messages",
            "/v1/learn",
            "/v1/prices",
            "/nowhere",
            "/docs",
        )
    ],
)
async def test_the_key_comes_before_the_body(tmp_path: Path, path: str) -> None:
    """Who may send nothing is told so while 400 MB of the body are still to come."""
    async with served(tmp_path) as it, socket(it) as stranger:
        head = f"POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: {400 * MEGABYTE}\r\n\r\n"
        await stranger.send(head.encode() + b"x" * 4096)
        line = await asyncio.wait_for(stranger.reader.readline(), 5)
        assert status_of(line) in {401, 404, 405}
        assert it.service.app._memory._bytes == 0


@attack("a wrong key, in another format", "401 in the format of the caller")
async def test_the_refusal_is_in_the_callers_format(tmp_path: Path) -> None:
    async with served(tmp_path) as it:
        answer = await it.http.post(
            "/v1/messages", content=BODY, headers={"authorization": "Bearer sk-ws-no"}
        )
        assert answer.status_code == 401
        assert answer.json()["type"] == "error"


@attack("a body beyond the bound, whole or in chunks, on any path", "413")
async def test_a_body_beyond_the_bound_is_refused_outside_the_data_plane_too(
    tmp_path: Path,
) -> None:
    async with served(tmp_path, "\n[server]\nmax_body_mb = 0.01\n") as it:
        for path in ("/v1/chat/completions", "/v1/learn", "/v1/whatif"):
            assert (await it.http.post(path, content=b"x" * 20_000)).status_code == 413

            async def chunked() -> AsyncIterator[bytes]:
                for _ in range(20):
                    yield b"x" * 1000

            assert (await it.http.post(path, content=chunked())).status_code == 413
        assert it.service.app._memory._bytes == 0


ENDLESS = {
    "line": (b"GET /", b"a" * 8192),
    "query": (b"GET /?q=", b"a" * 8192),
    "one header": (b"GET / HTTP/1.1\r\nhost: x\r\nx-long: ", b"a" * 8192),
    "a header's name": (b"GET / HTTP/1.1\r\nhost: x\r\n", b"a" * 8192),
    "many headers": (b"GET / HTTP/1.1\r\nhost: x\r\n", b"x-n: 1\r\n" * 1000),
    "one trailer": (CHAT + b"transfer-encoding: chunked\r\n\r\n0\r\nx-long: ", b"a" * 8192),
    "many trailers": (CHAT + b"transfer-encoding: chunked\r\n\r\n0\r\n", b"x-n: 1\r\n" * 1000),
    "a chunk's extension": (CHAT + b"transfer-encoding: chunked\r\n\r\n5;a=", b"a" * 8192),
}


@pytest.mark.parametrize(
    "kind", [row(f"without end: {kind}", "431, or the connection ends", kind) for kind in ENDLESS]
)
async def test_what_has_no_end_is_cut_after_some_kilobytes(tmp_path: Path, kind: str) -> None:
    begin, more = ENDLESS[kind]
    async with served(tmp_path, keyed=False) as it, socket(it) as stranger:
        await stranger.send(begin)
        sent = 0
        while sent < 4 * MEGABYTE and await stranger.send(more):
            sent += len(more)
            await asyncio.sleep(0)
            if stranger.reader.at_eof():
                break
        said = await stranger.heard()
        assert sent < 4 * MEGABYTE
        assert status_of(said) in {431, 400, None}
        assert await ask(it) == 200


HALVES = {
    "nothing": b"",
    "half a line": b"POST /v1/chat",
    "half a head": CHAT,
    "half a body": CHAT + b"content-length: 500\r\n\r\n{",
    "half a body elsewhere": b"POST /v1/learn HTTP/1.1\r\nhost: x\r\ncontent-length: 500\r\n\r\n{",
    "half of the chunks": CHAT + b"transfer-encoding: chunked\r\n\r\n1\r\n{\r\n",
}


@pytest.mark.parametrize(
    "half",
    [row(f"{name}, then silence", "408 if anything came, and the connection ends", half)
     for name, half in HALVES.items()],
)  # fmt: skip
async def test_halves_are_not_held_for_ever(
    tmp_path: Path, half: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounded_protocol, "HEAD_S", 0.3)
    monkeypatch.setattr(bounded_protocol, "BODY_S", 0.3)
    async with served(tmp_path, keyed=False) as it, socket(it) as stranger:
        await stranger.send(half)
        said = await stranger.heard()
        assert status_of(said) == (408 if half else None)
        assert await ask(it) == 200


@attack("a body drop by drop", "408 when its time is over")
async def test_drops_of_a_body_do_not_keep_it_alive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounded_protocol, "BODY_S", 0.2)
    monkeypatch.setattr(bounded_protocol, "HEAD_S", 0.2)
    async with served(tmp_path, keyed=False) as it, socket(it) as stranger:
        await stranger.send(CHAT + b"content-length: 5000\r\n\r\n")
        sent = 0
        while sent < 100 and await stranger.send(b"x") and not stranger.reader.at_eof():
            sent += 1
            await asyncio.sleep(0.05)
        assert sent < 60
        assert status_of(await stranger.heard()) in {408, None}


@pytest.mark.no_attack
async def test_a_large_body_that_comes_steadily_has_longer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounded_protocol, "BODY_S", 0.2)
    monkeypatch.setattr(bounded_protocol, "HEAD_S", 0.2)
    said = json.dumps(
        {"model": "auto", "messages": [{"role": "user", "content": "x" * 200_000}]}
    ).encode()
    async with served(tmp_path, keyed=False) as it, socket(it) as client:
        await client.send(CHAT + b"content-length: %d\r\n\r\n" % len(said))
        for at in range(0, len(said), 20_000):
            await client.send(said[at : at + 20_000])
            await asyncio.sleep(0.25)
        assert status_of(await asyncio.wait_for(client.reader.readline(), 5)) == 200


@attack("more idle connections than a peer may have", "the idle ones make room for requests")
async def test_connections_that_ask_nothing_make_room_for_those_that_do(tmp_path: Path) -> None:
    more = "\n[server]\nmax_connections_per_peer = 8\n"
    async with served(tmp_path, more, keyed=False) as it:
        assert await ask(it) == 200
        held = [socket(it) for _ in range(30)]
        for each in held:
            await (await each.__aenter__()).send(b"POST /v1")
        await asyncio.sleep(0.1)
        assert await ask(it) == 200
        for each in held:
            await each.__aexit__(None, None, None)


class Held:
    """A connection whose part here is to be there."""

    def __init__(self, peer: str, *, is_serving: bool = False, has_asked: bool = False) -> None:
        self.peer, self.is_serving, self.has_asked = peer, is_serving, has_asked
        self.is_closed = False

    def close(self) -> None:
        self.is_closed = True

    def check(self, now: float) -> None:
        raise AssertionError("not asked for")


@pytest.mark.no_attack
def test_who_makes_room() -> None:
    bounds = limits.Connections(most=4, most_of_a_peer=3)
    busy, idle, silent = Held("a", is_serving=True), Held("a", has_asked=True), Held("a")
    assert all(map(bounds.admit, (busy, idle, silent)))
    assert bounds.admit(Held("a", is_serving=True))
    assert (busy.is_closed, idle.is_closed, silent.is_closed) == (False, False, True)
    assert bounds.admit(Held("b", is_serving=True))
    assert bounds.admit(Held("b", is_serving=True))
    assert idle.is_closed
    assert not bounds.admit(Held("a"))
    assert not bounds.admit(Held("c"))
    assert (len(bounds), bounds.refused) == (4, 2)


@attack("answers that are never read", "the connection ends after a minute")
async def test_an_answer_that_nobody_reads_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounded_protocol, "WRITE_S", 0.3)
    async with served(tmp_path, keyed=False) as it, socket(it) as stranger:
        ended = asyncio.Event()
        for _ in range(400):
            if not await asyncio.wait_for(
                stranger.send(b"GET /openapi.json HTTP/1.1\r\nhost: x\r\n\r\n"), 8
            ):
                ended.set()
                break
            await asyncio.sleep(0.02)
        assert ended.is_set()
        assert await ask(it) == 200


@attack("60 guesses of a key at once", "401; from the 21st on each waits a second, and nobody else")
async def test_guessing_keys_is_slow_and_slows_nobody_else(tmp_path: Path) -> None:
    async with served(tmp_path) as it:
        wrong = {"authorization": "Bearer sk-ws-no"}
        loop = asyncio.get_running_loop()
        begun = loop.time()
        guesses = [
            asyncio.create_task(it.http.post("/v1/chat/completions", content=BODY, headers=wrong))
            for _ in range(60)
        ]
        await asyncio.sleep(0.2)
        assert await ask(it) == 200
        assert not all(guess.done() for guess in guesses)
        assert {(await guess).status_code for guess in guesses} == {401}
        assert loop.time() - begun >= limits.TARPIT_S


@pytest.mark.no_attack
def test_refusals_are_forgotten_and_bounded() -> None:
    refusals = limits.Refusals()
    waits = [refusals.wait_s("a", 5.0) for _ in range(30)]
    assert waits[:20] == [0.0] * 20
    assert waits[20:] == [limits.TARPIT_S] * 10
    assert refusals.wait_s("b", 5.0) == 0.0
    assert refusals.wait_s("a", 8.0) == 0.0
    for n in range(limits.MAX_PEERS + 10):
        refusals.wait_s(str(n), 9.0)
    assert len(refusals._level) == limits.MAX_PEERS


@attack("2,000 requests sent ahead of their answers", "the connection ends after a few")
async def test_requests_sent_far_ahead_of_their_answers_end_the_connection(
    tmp_path: Path,
) -> None:
    async with served(tmp_path, keyed=False) as it, socket(it) as stranger:
        await stranger.send(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n" * 2000)
        said = await stranger.heard()
        assert said.count(b"HTTP/1.1 ") < 100
        assert await ask(it) == 200
