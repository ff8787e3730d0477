"""CPU of a request that passes as it came, beside the same told as a chat and back.

    python -m tests.benchmarks.perf_native [--rounds N]

The whole service in this process, asked over ASGI; the provider answers at once. What is measured
is the CPU of this process a request, in alternating rounds; the bar is that passing costs less.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
import time
from collections.abc import Mapping
from statistics import median
from typing import Any

from tests.benchmarks.tables import markdown
from windsock.app.bootstrap import build
from windsock.app.service import Service
from windsock.config.file import parse

REQUESTS = 150

Body = dict[str, Any]

CONFIG = """
[store]
url = "sqlite:///{folder}/windsock.db"
[feeds]
enabled = []
[server]
max_body_mb = 40
[providers.anthropic]
base_url = "http://127.0.0.1:9/v1"
api_key = "k"
price = {{ input = 1, output = 4 }}
[providers.acme]
base_url = "http://127.0.0.1:9/v1"
price = {{ input = 1, output = 4 }}
[routes.anthropic]
candidates = ["anthropic/claude-sonnet-4-5"]
[routes.acme]
candidates = ["acme/m"]
"""

TOOLS = [{"name": f"tool_{n}", "description": "It looks something up. " * 20,
          "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}}}
         for n in range(20)]  # fmt: skip
ANSWERS: dict[str, Body] = {
    "/v1/messages": {
        "id": "msg_1", "type": "message", "role": "assistant", "model": "m", "stop_reason":
        "end_turn", "stop_sequence": None, "content": [{"type": "text", "text": "word " * 400}],
        "usage": {"input_tokens": 9000, "output_tokens": 500}},
    "/v1/chat/completions": {
        "id": "c-1", "object": "chat.completion", "created": 1, "model": "m", "choices": [
            {"index": 0, "message": {"role": "assistant", "content": "word " * 400},
             "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 9000, "completion_tokens": 500, "total_tokens": 9500}},
}  # fmt: skip


class Reply:
    status = 200
    headers: Mapping[str, str] = {"content-type": "application/json"}

    def __init__(self, body: bytes) -> None:
        self._parts = [body]

    async def take(self) -> bytes:
        return self._parts.pop() if self._parts else b""

    async def body(self) -> bytes:
        return self._parts.pop()

    async def close(self) -> None:
        """Nothing is open."""


class Caller:
    """Answers at once in the language of the path; a stream word by word."""

    async def post(self, endpoint: Any, path: str, body: bytes, *_: Any) -> Reply:
        return Reply(STREAM if b'"stream":true' in body else BODIES["/v1" + path])

    async def close(self) -> None:
        """Nothing is open."""


def events() -> list[Body]:
    message = ANSWERS["/v1/messages"]
    begun: Body = {"type": "message_start", "message": {**message, "content": [],
                                                        "stop_reason": None}}  # fmt: skip
    word = {"type": "content_block_delta", "index": 0,
            "delta": {"type": "text_delta", "text": "word "}}  # fmt: skip
    block = {"type": "content_block_start", "index": 0,
             "content_block": {"type": "text", "text": ""}}  # fmt: skip
    ended: Body = {"type": "message_delta", "delta": {"stop_reason": "end_turn"},
                   "usage": {"output_tokens": 500}}  # fmt: skip
    stop = {"type": "content_block_stop", "index": 0}
    return [begun, block, *[word] * 400, stop, ended, {"type": "message_stop"}]


BODIES = {path: json.dumps(body).encode() for path, body in ANSWERS.items()}
STREAM = b"".join(f"event: {e['type']}\ndata: {json.dumps(e)}\n\n".encode() for e in events())


def asks() -> dict[str, tuple[str, bytes]]:
    """(path, body) by what is measured; unsigned thoughts keep a request from passing."""
    turns: list[Body] = []
    for number in range(20):
        use = {"type": "tool_use", "id": f"toolu_{number}", "name": "tool_1", "input": {"a": 1}}
        found = {"type": "tool_result", "tool_use_id": f"toolu_{number}", "content": "text " * 200}
        turns += [{"role": "user", "content": "go on"}, {"role": "assistant", "content": [use]},
                  {"role": "user", "content": [found]}]  # fmt: skip
    thought = {"type": "thinking", "thinking": "hm", "signature": ""}
    foreign = [*turns, {"role": "assistant", "content": [thought]}, *turns[:1]]
    ask: Body = {"model": "anthropic", "max_tokens": 900, "tools": TOOLS, "messages": turns}
    chat = {"model": "acme", "messages": [{"role": "user", "content": "text " * 6000}]}
    made = {
        "chat, as it comes": ("/v1/chat/completions", chat),
        "Messages, as they come": ("/v1/messages", ask),
        "Messages, told and told back": ("/v1/messages", {**ask, "messages": foreign}),
        "stream of Messages, as it comes": ("/v1/messages", {**ask, "stream": True}),
        "stream of Messages, told and told back": (
            "/v1/messages", {**ask, "messages": foreign, "stream": True}),
    }  # fmt: skip
    return {
        name: (path, json.dumps(body, separators=(",", ":")).encode())
        for name, (path, body) in made.items()
    }


async def asked(service: Service, path: str, body: bytes) -> None:
    """One request; raises AssertionError if it is not answered."""
    scope = {"type": "http", "method": "POST", "path": path, "query_string": b"",
             "headers": [(b"host", b"x"), (b"content-length", b"%d" % len(body))],
             "client": ("127.0.0.1", 1), "extensions": {}}  # fmt: skip
    messages = [{"type": "http.request", "body": body, "more_body": False}]
    told: list[Body] = []

    async def receive() -> Body:
        return messages.pop() if messages else await asyncio.Event().wait()  # type: ignore[return-value]

    async def send(message: Body) -> None:
        told.append(message)

    await service.app(scope, receive, send)
    assert told[0]["status"] == 200, told


async def main(rounds: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        text = CONFIG.format(folder=folder)
        service = build(parse(text, {}, source="windsock.toml"), {})
        service.executor.calls._caller = Caller()
        await service.start()
        seconds: dict[str, list[float]] = {name: [] for name in asks()}
        for turn in range(rounds + 1):
            for name, (path, body) in asks().items():
                begun = time.process_time()
                for _ in range(REQUESTS):
                    await asked(service, path, body)
                if turn:
                    seconds[name].append((time.process_time() - begun) / REQUESTS)
        rows = [(name, f"{median(each) * 1e6:,.0f}") for name, each in seconds.items()]
        print(markdown(("what", "CPU us a request"), rows))
        await service.stop()


if __name__ == "__main__":
    from windsock.observability.log import configure

    configure(level="warning")
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    asyncio.run(main(parser.parse_args().rounds))
