"""An honest client's latency, and the service's memory, with 500 hostile connections beside it.

    python -m tests.benchmarks.strangers [--quick]

Each row is one kind of hostility, kept up by a process of its own while an honest client asks
PER_S times a second; just before, the same client asks alone. Writes its table into
docs/reliability.md.
"""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from statistics import quantiles

import httpx
import orjson

from tests.benchmarks.tables import DOCS, markdown, write_between
from tests.process import Process, free_port
from tests.running import config_of
from tests.upstream import Answer, completion, upstream
from windsock.cli.keys.key_book import KeyBook
from windsock.clock import SystemClock
from windsock.config.file import parse

HOSTILE = 500
REQUESTS, QUICK = 500, 150
PER_S = 50
BACK_S = 1.0
"""After which a connection that was ended comes back."""

BODY = orjson.dumps({"model": "auto", "messages": [{"role": "user", "content": "hi"}]})
CHAT = b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\n"
LEARN = b"POST /v1/learn HTTP/1.1\r\nhost: x\r\n"
PROMISED = b"content-length: 419430400\r\n\r\n"
HEAD = ["hostility", "p99 alone", "p99 beside it", "ratio (bar 2)", "memory (bar 64 MB)", "errors"]

Hostility = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def sends(begin: bytes, more: bytes = b"", every_s: float = 0.05) -> Hostility:
    """Begins so, then goes on sending more for as long as it is let."""

    async def hostile(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(begin)
        while not reader.at_eof():
            await asyncio.sleep(every_s)
            writer.write(more)
            await writer.drain()

    return hostile


KINDS: dict[str, Hostility] = {
    "connects and says nothing": sends(b""),
    "half a head, drop by drop": sends(CHAT, b"x"),
    "an endless line": sends(b"GET /", b"a" * 16384),
    "an endless header": sends(CHAT + b"x-long: ", b"a" * 16384),
    "states 400 MB, sends nothing": sends(CHAT + PROMISED),
    "sends 400 MB without a key": sends(CHAT + PROMISED, b"x" * 65536, 0.01),
    "the same elsewhere": sends(LEARN + PROMISED, b"x" * 65536, 0.01),
    "chunks of one byte": sends(CHAT + b"transfer-encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
    "endless trailers": sends(
        CHAT + b"transfer-encoding: chunked\r\n\r\n0\r\n", b"x-n: 1\r\n" * 500
    ),
    "wrong keys": sends(b"", CHAT + b"authorization: Bearer sk-ws-0\r\ncontent-length: 0\r\n\r\n"),
    "no HTTP at all": sends(b"\x16\x03\x01\x02\x00\x01" * 40),
}


async def main(*, is_quick: bool) -> None:
    requests = QUICK if is_quick else REQUESTS
    with tempfile.TemporaryDirectory() as folder:
        async with upstream(lambda _: Answer(completion())) as model:
            path = Path(folder) / "windsock.toml"
            text = config_of(("acme", model.url, 1.0))
            text += f'[store]\nurl = "sqlite:///{folder}/w.db"\n[feeds]\nenabled = []\n'
            text += '[server]\nlog_level = "error"\n'
            path.write_text(text)
            book = KeyBook(parse(text, {}, source=""), SystemClock())
            key = book.create("honest", scopes=["infer"]).secret
            process = Process(path, free_port())
            await process.ready()
            try:
                rows = [await row(process, key, kind, requests) for kind in KINDS]
            finally:
                process.terminate()
    table = markdown(HEAD, rows)
    print(table)
    if not is_quick:
        write_between(DOCS / "reliability.md", "strangers", table)


async def row(process: Process, key: str, kind: str, requests: int) -> list[str]:
    """One kind, measured against the client alone just before it."""
    await asked(process.url, key, requests // 4)
    alone, _ = await asked(process.url, key, requests)
    before = process.rss_mb()
    with hostiles(process.url, kind):
        beside, errors = await asked(process.url, key, requests)
        grown = process.rss_mb() - before
    cells = [kind, f"{alone:.0f} ms", f"{beside:.0f} ms", f"{beside / alone:.2f}"]
    print(cells, round(grown, 1), errors, flush=True)
    return [*cells, f"{grown:+.0f} MB", str(errors)]


async def asked(url: str, key: str, requests: int) -> tuple[float, int]:
    """(p99 in ms, requests without an answer) of an honest client that asks at its own pace."""
    headers = {"authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(base_url=url, headers=headers, trust_env=False, timeout=30) as it:
        begun = time.perf_counter()
        asked = []
        for n in range(requests):
            await asyncio.sleep(max(0.0, begun + n / PER_S - time.perf_counter()))
            asked.append(asyncio.create_task(one(it)))
        took = await asyncio.gather(*asked)
    return quantiles([ms for ms, _ in took], n=100)[98], sum(not ok for _, ok in took)


async def one(http: httpx.AsyncClient) -> tuple[float, bool]:
    """(ms, answered) of one request."""
    begun = time.perf_counter()
    try:
        is_ok = (await http.post("/v1/chat/completions", content=BODY)).status_code == 200
    except httpx.TransportError:
        is_ok = False
    return (time.perf_counter() - begun) * 1000, is_ok


@contextlib.contextmanager
def hostiles(url: str, kind: str) -> Iterator[None]:
    """So many of a kind, in a process of their own."""
    command = [sys.executable, "-m", "tests.benchmarks.strangers", "--hostile", kind, url]
    process = subprocess.Popen(command)
    time.sleep(2.0)
    try:
        yield
    finally:
        process.kill()
        process.wait()
        time.sleep(0.5)


async def be_hostile(kind: str, url: str) -> None:
    """HOSTILE connections, each coming back when it is thrown out."""
    port = int(url.rpartition(":")[2])

    async def again_and_again() -> None:
        while True:
            with contextlib.suppress(OSError):
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                with contextlib.suppress(OSError):
                    await KINDS[kind](reader, writer)
                writer.close()
            await asyncio.sleep(BACK_S)

    await asyncio.gather(*(again_and_again() for _ in range(HOSTILE)))


if __name__ == "__main__":
    if "--hostile" in sys.argv:
        asyncio.run(be_hostile(*sys.argv[-2:]))
    else:
        asyncio.run(main(is_quick="--quick" in sys.argv))
