"""Requests whose head is not as it should be."""

import asyncio

import pytest

from tests.chaos.trial import KEY
from tests.running import config_of, running
from tests.upstream import Answer, upstream

ASK = b'{"model": "auto", "messages": [{"role": "user", "content": "hi"}]}'


async def status_of(url: str, *lines: str) -> int:
    host, _, port = url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    head = "\r\n".join(["POST /v1/chat/completions HTTP/1.1", *lines, "connection: close"])
    writer.write(f"{head}\r\ncontent-length: {len(ASK)}\r\n\r\n".encode() + ASK)
    line = await asyncio.wait_for(reader.readline(), 10)
    writer.close()
    return int(line.split()[1])


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        (["host: a", "host: b"], 400),
        (["host: a", f"x-big: {'x' * 33_000}"], 431),
        (["host: a", *(f"x-{n}: 1" for n in range(100))], 431),
        (["host: a"], 502),
    ],
    ids=["two hosts", "large", "many", "right"],
)
async def test_one_host_and_a_bounded_head(lines: list[str], status: int, tmp_path) -> None:
    async with upstream(lambda _: Answer({"error": {}}, status=500)) as acme:
        async with running(config_of(("acme", acme.url, 1.0)), tmp_path) as it:
            assert await status_of(it.url, *lines) == status


async def test_no_key_is_told_to_anybody(tmp_path, capfd) -> None:
    """A provider that quotes our key in its errors, in every way it can."""
    canary = KEY.format(name="acme")
    turns = iter((400, 401, 500, 400))

    def quoting(_: dict) -> Answer:
        return Answer({"error": {"message": f"bad key {canary}"}}, status=next(turns, 500))

    async with upstream(quoting) as acme:
        config = config_of(("acme", acme.url, 1.0)).replace("sk-upstream-acme-secret", canary)
        async with running(config, tmp_path) as it:
            heard = ""
            for _ in range(4):
                answer = await it.http.post("/v1/chat/completions", content=ASK)
                heard += answer.text + str(answer.headers)
            await it.service.ledger.flushed()
            for path in ("/metrics", "/v1/decisions", "/v1/deployments", "/v1/weights", "/readyz"):
                heard += (await it.http.get(path)).text
        heard += "".join(capfd.readouterr())
    stored = b"".join(each.read_bytes() for each in tmp_path.glob("windsock.db*"))
    assert acme.headers[0]["authorization"] == f"Bearer {canary}"
    assert "[key]" in heard
    assert canary not in heard
    assert canary.encode() not in stored
