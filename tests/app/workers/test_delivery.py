"""What a process that is led has to store, or to ask, comes to its leader once and whole."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.store.samples import outcome
from windsock.app.workers import delivery
from windsock.app.workers.delivery import Delivery
from windsock.app.workers.messages import Message, read
from windsock.app.workers.passing_on import PassingOn, TellingAll


@asynccontextmanager
async def led(folder: Path) -> AsyncIterator[tuple[Delivery, "asyncio.Queue[Message]"]]:
    """A delivery, and what comes to the process that leads."""
    heard: asyncio.Queue[Message] = asyncio.Queue()
    gone = asyncio.Event()

    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                heard.put_nowait(await read(reader))
        except EOFError:
            writer.close()
            await writer.wait_closed()
            gone.set()

    server = await asyncio.start_unix_server(meet, folder / "x")
    _, writer = await asyncio.open_unix_connection(folder / "x")
    made = Delivery()
    made.join(writer)
    yield made, heard
    writer.close()
    await gone.wait()
    server.close()


async def test_a_batch_is_not_sent_again_to_a_leader_that_is_late(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "PATIENCE_S", 0.05)
    async with led(tmp_path) as (made, heard):
        for _ in range(2):
            with pytest.raises(ConnectionError, match="late"):
                await asyncio.to_thread(made.write, [outcome(1)])
        assert (await heard.get())["again"] is False
        made.confirm({"number": 1})
        await asyncio.to_thread(made.write, [outcome(1)])
        assert made.number == 1
        assert heard.empty()


async def test_a_batch_that_a_leader_took_along_is_sent_again_as_such(tmp_path: Path) -> None:
    async with led(tmp_path) as (made, heard):
        written = asyncio.create_task(asyncio.to_thread(made.write, [outcome(1)]))
        first = await heard.get()
        made.part()
        with pytest.raises(ConnectionError, match="gone"):
            await written
    (tmp_path / "next").mkdir()
    async with led(tmp_path / "next") as (other, heard):
        assert other._loop is not None and other._writer is not None
        made.join(other._writer)
        written = asyncio.create_task(asyncio.to_thread(made.write, [outcome(1)]))
        again = await heard.get()
        made.confirm(again)
        await written
    assert (first["number"], again["number"]) == (1, 1)
    assert (first["again"], again["again"]) == (False, True)


@pytest.mark.parametrize(
    ("method", "path", "status", "is_told"),
    [
        ("POST", "/v1/caps/all/raise", 200, True),
        ("POST", "/v1/caps/all/raise", 401, False),
        ("POST", "/nothing", 404, False),
        ("GET", "/v1/weights", 200, False),
        ("POST", "/v1/chat/completions", 200, False),
        ("POST", "/openai/v1/chat/completions", 200, False),
    ],
)
async def test_others_are_told_of_what_was_changed_by_hand_and_of_nothing_else(
    method: str, path: str, status: int, is_told: bool
) -> None:
    told: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def send(message: Any) -> None:
        pass

    telling = TellingAll(app, frozenset({"/v1/chat/completions"}), lambda: told.append("all"))
    await telling({"type": "http", "method": method, "path": path}, None, send)  # type: ignore[arg-type]
    assert bool(told) == is_told


async def passed_on(folder: Path, answer: bytes, *heard: Any) -> tuple[bytes, list[Any]]:
    """What a leader that says `answer` was sent, and what the caller got."""
    taken = asyncio.get_running_loop().create_future()

    async def lead(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        got = await reader.readuntil(b"\r\n\r\n")
        if not answer:
            got += await reader.read()
        writer.write(answer)
        writer.close()
        taken.set_result(got)

    server, sent = await asyncio.start_unix_server(lead, folder / "leader"), list[Any]()
    told = iter(heard)

    async def receive() -> Any:
        found = next(told, None)
        return found if found is not None else await asyncio.Event().wait()

    async def send(message: Any) -> None:
        sent.append(message)

    app = PassingOn(lead, frozenset(), folder / "leader")  # type: ignore[arg-type]
    scope = {"type": "http", "method": "POST", "path": "/v1/labels", "raw_path": b"/v1/labels",
             "query_string": b"", "headers": [(b"host", b"x")]}  # fmt: skip
    await app(scope, receive, send)
    await app.close()
    server.close()
    return await taken, sent


async def test_an_answer_that_breaks_off_begins_once_and_has_no_end(tmp_path: Path) -> None:
    head = b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc"
    _, sent = await passed_on(tmp_path, head, {"type": "http.request", "body": b"x"})
    starts = [each["status"] for each in sent if each["type"] == "http.response.start"]
    assert starts == [200]
    assert all(each["more_body"] for each in sent if each["type"] == "http.response.body")


async def test_a_body_that_breaks_off_is_not_passed_on_as_a_whole_one(tmp_path: Path) -> None:
    half = {"type": "http.request", "body": b"a,b\n1,", "more_body": True}
    taken, sent = await passed_on(tmp_path, b"", half, {"type": "http.disconnect"})
    assert b"a,b\n1," in taken
    assert not taken.endswith(b"0\r\n\r\n"), "the end of a body in chunks"
    assert sent[0]["status"] == 503
