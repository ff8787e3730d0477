"""Whatever path, coding or protocol a client begins with, it is served, or told why."""

import asyncio
import gzip
import json
import zlib
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.running import Running, config_of, running
from tests.upstream import Answer, completion, upstream

ASK = {"model": "auto", "messages": [{"role": "user", "content": "hi"}]}
BODY = json.dumps(ASK).encode()


@pytest.fixture
async def it(tmp_path: Path) -> AsyncIterator[Running]:
    async with (
        upstream(lambda _: Answer(completion())) as model,
        running(config_of(("acme", model.url, 1.0)), tmp_path) as service,
    ):
        yield service


@pytest.mark.parametrize(
    "path",
    ["/v1/chat/completions", "/v1/chat/completions/", "/chat/completions",
     "/api/v1/chat/completions", "/openai/v1/chat/completions", "/v1/v1/chat/completions",
     "/v1beta/openai/chat/completions", "/v1//chat/completions",
     "/openai/deployments/auto/chat/completions?api-version=2024-10-21"],
)  # fmt: skip
async def test_chat_is_found_under_every_base_path(it: Running, path: str) -> None:
    assert (await it.http.post(path, json=ASK)).status_code == 200


@pytest.mark.parametrize("path", ["/v1/models", "/v1/models/", "/api/v1/models"])
async def test_other_calls_too(it: Running, path: str) -> None:
    assert (await it.http.get(path)).json()["data"]


async def test_azures_path_names_the_model(it: Running) -> None:
    asked = {"messages": ASK["messages"]}
    path = "/openai/deployments/acme%2Fm/chat/completions?api-version=2024-10-21"
    answer = await it.http.post(path, json=asked)
    assert answer.headers["x-windsock-deployment"] == "acme/m"
    unknown = await it.http.post(path.replace("acme%2Fm", "none"), json=asked)
    assert unknown.status_code == 404
    assert "none" in unknown.json()["error"]["message"]


async def test_the_key_may_stand_where_each_sdk_sends_it(tmp_path: Path) -> None:
    config = '\n[server]\nkeys = "required"\nadmin_token = "let-me-in-please"\n'
    async with (
        upstream(lambda _: Answer(completion())) as model,
        running(config_of(("acme", model.url, 1.0)) + config, tmp_path) as it,
    ):
        for name in ("x-api-key", "api-key", "x-goog-api-key"):
            headers = {name: "let-me-in-please"}
            answer = await it.http.post("/v1/chat/completions", json=ASK, headers=headers)
            assert answer.status_code == 200
            assert (await it.http.get("/v1/weights", headers=headers)).status_code == 200
        assert (await it.http.get("/v1/weights")).status_code == 401


UNKNOWN = [
    ("POST", "/v1/fine_tuning/jobs", 404),
    ("GET", "/nowhere", 404),
    ("GET", "/v1/chat/completions", 405),
    ("DELETE", "/v1/weights", 405),
]


@pytest.mark.parametrize(("method", "path", "status"), UNKNOWN)
async def test_what_there_is_not_is_told_in_openais_format(
    it: Running, method: str, path: str, status: int
) -> None:
    answer = await it.http.request(method, path)
    assert answer.status_code == status
    error = answer.json()["error"]
    assert error["code"] == "unsupported_endpoint"
    assert path in error["message"]


async def test_and_in_anthropics_and_googles(it: Running) -> None:
    headers = {"anthropic-version": "2023-06-01"}
    told = (await it.http.post("/v1/messages/batches", json={}, headers=headers)).json()
    assert (told["type"], told["error"]["type"]) == ("error", "not_found_error")
    told = (await it.http.post("/v1beta/models/m:generateVideos", json={})).json()
    assert told["error"]["status"] == "NOT_FOUND"
    told = (
        await it.http.get("/v1/files", headers={"x-goog-api-client": "google-genai-sdk"})
    ).json()
    assert told["error"]["status"] == "NOT_FOUND"


CODED = {
    "gzip": gzip.compress(BODY),
    "x-gzip": gzip.compress(BODY),
    "deflate": zlib.compress(BODY),
    "identity": BODY,
}


@pytest.mark.parametrize("coding", CODED)
async def test_a_body_may_come_compressed(it: Running, coding: str) -> None:
    headers = {"content-encoding": coding}
    answer = await it.http.post("/v1/chat/completions", content=CODED[coding], headers=headers)
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("coding", "body", "status"),
    [
        ("br", BODY, 415),
        ("gzip", BODY, 415),
        ("gzip", gzip.compress(BODY)[:-9], 415),
        ("gzip", None, 413),
    ],
    ids=["unknown", "not so", "cut short", "a bomb"],
)
async def test_what_cannot_be_decoded_or_is_too_much_is_told(
    it: Running, coding: str, body: bytes | None, status: int
) -> None:
    body = gzip.compress(b" " * 200_000_000) if body is None else body
    headers = {"content-encoding": coding}
    answer = await it.http.post("/v1/chat/completions", content=body, headers=headers)
    assert answer.status_code == status
    assert answer.json()["error"]["message"]


HEADS = {
    "Java's offer of HTTP/2": (
        "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
        "HTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA"
    ),
    "in lower case": "connection: upgrade\r\nupgrade: h2c",
    "curl's": "Expect: 100-continue",
    "nothing": "X-Title: app",
}


@pytest.mark.parametrize("kind", HEADS)
async def test_an_offer_beside_a_body_loses_no_body(it: Running, kind: str) -> None:
    parts = urlsplit(it.url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    for _ in range(2):
        head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\n{HEADS[kind]}\r\n"
        writer.write(f"{head}Content-Length: {len(BODY)}\r\n\r\n".encode())
        if kind == "curl's":
            assert await reader.readline() == b"HTTP/1.1 100 Continue\r\n"
            await reader.readline()
        writer.write(BODY)
        answer = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
        assert answer.startswith(b"HTTP/1.1 200 OK")
        length = int(answer.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        assert json.loads(await reader.readexactly(length))["choices"]
    writer.close()


async def test_a_line_of_the_body_is_no_header(it: Running) -> None:
    parts = urlsplit(it.url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    body = json.dumps(ASK, indent=1).replace("\n", "\r\n").encode() + b"\r\nupgrade: x\r\n"
    writer.write(b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\n")
    writer.write(b"content-length: %d\r\n\r\n%b" % (len(body), body))
    assert b" 400 " in await asyncio.wait_for(reader.readline(), 5)
    writer.close()


async def test_head_of_the_root_says_that_somebody_is_there(it: Running) -> None:
    assert (await it.http.head("/")).status_code == 200


async def test_pages_of_allowed_origins_may_call(tmp_path: Path) -> None:
    more = '\n[server]\ncors_origins = ["https://app.example"]\n'
    async with (
        upstream(lambda _: Answer(completion())) as model,
        running(config_of(("acme", model.url, 1.0)) + more, tmp_path) as it,
    ):
        asked = {
            "origin": "https://app.example",
            "access-control-request-method": "POST",
            "access-control-request-headers": "authorization, content-type",
        }
        allowed = await it.http.options("/v1/chat/completions", headers=asked)
        assert allowed.headers["access-control-allow-origin"] == "https://app.example"
        answer = await it.http.post("/v1/chat/completions", json=ASK, headers=asked)
        assert answer.headers["access-control-allow-origin"] == "https://app.example"
        asked["origin"] = "https://other.example"
        refused = await it.http.options("/v1/chat/completions", headers=asked)
        assert "access-control-allow-origin" not in refused.headers
