"""What the control plane cannot read is told in a sentence: what, where, how to mend it."""

from __future__ import annotations

import asyncio
import json

from tests.running import config_of, running
from tests.upstream import Answer, completion, upstream

ASKED = (
    ("GET", "/v1/decisions?limit=abc", "limit", "limit: input should be a valid integer"),
    ("GET", "/v1/decisions?limit=0", "limit", "limit: input should be greater than or equal to 1"),
    ("GET", "/v1/decisions?format=xml", "format", "format: input should be 'ndjson', not 'xml'"),
    ("GET", "/v1/prices/history", "deployment", "deployment is missing; add it"),
    ("POST", "/v1/whatif", None, "the body must be a JSON object, sent with content-type"),
    ("POST", "/v1/whatif", "model", "unknown key 'model'; remove it"),
    ("POST", "/v1/whatif", "prices", "prices: input should be a valid dictionary, not 5"),
    ("POST", "/v1/whatif", "", "the body is not valid JSON: "),
    ("POST", "/v1/feedback", None, "the body is empty; send a JSON object"),
)
NO_REQUESTS = (
    (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, "no request of HTTP/1.1"),
    (b"GET /?%b HTTP/1.1\r\nhost: x\r\n\r\n" % (b"a" * 100_000), 414, "the address exceeds"),
    (b"GET / HTTP/1.1\r\n%b\r\n" % (b"a: b\r\n" * 101), 431, "more than 100 headers"),
)
"""What is sent, and what is told of it."""
JSON = {"content-type": "application/json"}
BODIES = {None: b"[]", "": b"{no", "model": b'{"model": "auto"}', "prices": b'{"prices": 5}'}


async def said_to(port: int, request: bytes) -> bytes:
    """What a server answers to bytes until it closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    heard = await reader.read()
    writer.close()
    return heard


async def test_what_cannot_be_read_is_told_and_a_stream_is_of_what_was_asked_for(tmp_path) -> None:
    async with upstream(lambda _: Answer(completion())) as model:
        async with running(config_of(("acme", model.url, 1.0)), tmp_path) as it:
            for method, path, param, words in ASKED:
                body = b"" if "feedback" in path else BODIES.get(param, b"")
                asked = {"content": body, "headers": JSON} if method == "POST" else {}
                answer = await it.http.request(method, path, **asked)
                assert answer.status_code == 400, path
                told = answer.json()["error"]
                assert told["param"] == (param or None)
                assert told["message"].startswith(words), told["message"]

            unknown = await it.http.get("/v1/weights/stream", params={"route": "nope"})
            assert unknown.status_code == 404
            assert "'nope'" in unknown.json()["error"]["message"]

            for path in ("/healthz", "/readyz", "/v1/models", "/"):
                whole, head = await it.http.get(path), await it.http.head(path)
                assert (head.status_code, head.content) == (200, b""), path
                assert head.headers["content-length"] == whole.headers["content-length"]
            assert (await it.http.head("/v1/chat/completions")).status_code == 405
            assert (await it.http.head("/v1/weights/stream")).status_code == 405

            port = it.http.base_url.port
            heard = await said_to(port, b"GET /healthz HTTP/1.0\r\n\r\n")
            assert heard.startswith(b"HTTP/1.1 200 OK\r\n")
            for line, status, words in NO_REQUESTS:
                told = await said_to(port, line)
                assert told.startswith(b"HTTP/1.1 %d " % status), line[:40]
                error = json.loads(told.partition(b"\r\n\r\n")[2])
                assert words in error["error"]["message"]

            named = {"route": "auto", "task": "sql"}
            async with it.http.stream("GET", "/v1/weights/stream", params=named) as answer:
                lines = answer.aiter_lines()
                assert await anext(lines) == ": connected"
                for task in ("chat", "sql"):
                    said = {"model": "auto", "messages": [{"role": "user", "content": "hi"}]}
                    said["metadata"] = {"task": task}
                    assert (await it.http.post("/v1/chat/completions", json=said)).is_success
                while not (await anext(lines)).startswith("event: weights"):
                    pass
                assert json.loads((await anext(lines))[5:])["task"] == "sql"
