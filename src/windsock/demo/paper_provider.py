"""Paper providers: real servers with made-up models, for the demo and for trials without a key.

They speak the OpenAI wire format. Each model has a true quality per task, a latency and token
counts; it answers rightly with the probability of its quality, so that a client's own check of
the answer is honest feedback.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from windsock.core.routing.sampling import uniform

App = Callable[[Any, Any, Any], Any]

TASKS: Mapping[str, re.Pattern[str]] = {
    "sentiment": re.compile(r"Is this review positive or negative\? (?P<text>.*)"),
    "extraction": re.compile(r"Which amount is due\? .*?(?P<answer>\d+\.\d\d)"),
    "sql": re.compile(
        r"Count the rows of (?P<table>\w+) where (?P<column>\w+) is '(?P<value>\w+)'"
    ),
}
GOOD = ("love", "great", "perfect", "delighted")


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperModel:
    """A made-up model.

    quality     true probability of a right answer by task; `default` for other tasks
    latency_s   mean time of an answer; half of it passes before the first word
    verbosity   completion tokens per answer
    """

    quality: Mapping[str, float]
    latency_s: float = 0.15
    verbosity: int = 40


@dataclass(slots=True)
class PaperProviders:
    """One ASGI application: /{provider}/v1/chat/completions, embeddings and models.

    models      by provider, then by model name
    down        providers that answer 503 until they are taken out of this set
    """

    models: Mapping[str, Mapping[str, PaperModel]]
    seed: int = 0
    down: set[str] = field(default_factory=set)
    _calls: int = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
            return
        parts = scope["path"].strip("/").split("/")
        known = self.models.get(parts[0], {})
        if parts[1:] == ["v1", "models"]:
            listed = [{"id": name, "object": "model", "owned_by": parts[0]} for name in known]
            await _json(send, 200, {"object": "list", "data": listed})
        elif parts[1:] == ["v1", "embeddings"]:
            await _json(send, 200, _vectors(await _body(receive)))
        elif parts[1:] == ["v1", "chat", "completions"]:
            await self._chat(parts[0], known, await _body(receive), send)
        else:
            await _json(send, 404, _error(f"no such path: {scope['path']}"))

    async def _chat(
        self, provider: str, known: Mapping[str, PaperModel], body: Any, send: Any
    ) -> None:
        if provider in self.down:
            await _json(send, 503, _error(f"{provider} is down"))
            return
        model = known.get(body.get("model", ""))
        if model is None:
            await _json(send, 404, _error(f"no such model: {body.get('model')}"))
            return
        self._calls += 1
        salt = int.from_bytes(hashlib.sha256(f"{provider}/{body['model']}".encode()).digest()[:4])
        luck = uniform(self.seed + salt, self._calls, 0)
        pace = 0.5 + uniform(self.seed + salt, self._calls, 1)
        prompt = str(body["messages"][-1].get("content", ""))
        text = answer_to(prompt, model.quality, luck)
        reply = _Reply(body["model"], f"paper-{self._calls}", text, prompt, model.verbosity)
        await asyncio.sleep(model.latency_s * pace / 2)
        if body.get("stream"):
            wants_usage = (body.get("stream_options") or {}).get("include_usage")
            await _stream(send, reply, model.latency_s * pace / 2, bool(wants_usage))
            return
        await asyncio.sleep(model.latency_s * pace / 2)
        await _json(send, 200, reply.whole())


def answer_to(prompt: str, quality: Mapping[str, float], luck: float) -> str:
    """The right answer if `luck` in 0..1 lies below the quality at this task, else a wrong one."""
    for task, pattern in TASKS.items():
        match = pattern.search(prompt)
        if match is not None:
            right = _right(task, match)
            return right if luck < quality.get(task, quality.get("default", 0.9)) else _wrong(right)
    return "I have nothing to say to that."


def _right(task: str, match: re.Match[str]) -> str:
    if task == "sentiment":
        is_good = any(word in match["text"] for word in GOOD)
        return "positive" if is_good else "negative"
    if task == "extraction":
        return match["answer"]
    table, column, value = match["table"], match["column"], match["value"]
    return " ".join(["SELECT count(*) FROM", table, "WHERE", column, "=", f"'{value}'"])


def _wrong(right: str) -> str:
    swapped = {"positive": "negative", "negative": "positive"}
    if right in swapped:
        return swapped[right]
    if right[0].isdigit():
        return f"{float(right) + 1:.2f}"
    return right.replace("count(*)", "*")


@dataclass(frozen=True, slots=True)
class _Reply:
    model: str
    id: str
    text: str
    prompt: str
    verbosity: int

    def usage(self) -> dict[str, int]:
        prompt_tokens = 20 + len(self.prompt) // 4
        return {
            "prompt_tokens": prompt_tokens,
            "completion_tokens": self.verbosity,
            "total_tokens": prompt_tokens + self.verbosity,
        }

    def whole(self) -> dict[str, Any]:
        message = {"role": "assistant", "content": self.text}
        return {
            **self._head("chat.completion"),
            "choices": [
                {"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}
            ],
            "usage": self.usage(),
        }

    def chunks(self, wants_usage: bool) -> list[dict[str, Any]]:
        words = re.findall(r"\S+\s*", self.text)
        deltas: list[tuple[dict[str, str], str | None]] = [({"role": "assistant"}, None)]
        deltas += [({"content": word}, None) for word in words]
        deltas.append(({}, "stop"))
        head = self._head("chat.completion.chunk")
        chunks: list[dict[str, Any]] = [
            {**head, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}
            for delta, finish in deltas
        ]
        return chunks + [{**head, "choices": [], "usage": self.usage()}] * wants_usage

    def _head(self, kind: str) -> dict[str, Any]:
        return {"id": self.id, "object": kind, "created": 1_790_000_000, "model": self.model}


def _vectors(asked: Any) -> dict[str, Any]:
    """Eight numbers a text, made of its bytes: the same for the same."""
    given = asked.get("input", "")
    texts = given if isinstance(given, list) else [given]
    tokens = sum(1 + len(str(text)) // 4 for text in texts)
    data = [
        {
            "object": "embedding",
            "index": index,
            "embedding": [
                byte / 128 - 1 for byte in hashlib.sha256(str(text).encode()).digest()[:8]
            ],
        }
        for index, text in enumerate(texts)
    ]
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    return {"object": "list", "model": asked.get("model"), "data": data, "usage": usage}


def _error(message: str) -> dict[str, Any]:
    return {"error": {"message": message, "type": "server_error", "param": None, "code": None}}


async def _stream(send: Any, reply: _Reply, seconds: float, wants_usage: bool) -> None:
    headers = [(b"content-type", b"text/event-stream")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    chunks = reply.chunks(wants_usage)
    for chunk in chunks:
        body = b"data: " + json.dumps(chunk).encode() + b"\n\n"
        await send({"type": "http.response.body", "body": body, "more_body": True})
        await asyncio.sleep(seconds / len(chunks))
    await send({"type": "http.response.body", "body": b"data: [DONE]\n\n", "more_body": False})


async def _json(send: Any, status: int, body: Any) -> None:
    raw = json.dumps(body).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(raw)).encode()),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": raw, "more_body": False})


async def _body(receive: Any) -> Any:
    raw = b"".join([part async for part in _parts(receive)])
    return json.loads(raw)


async def _parts(receive: Any) -> AsyncIterator[bytes]:
    more = True
    while more:
        message = await receive()
        more = message.get("more_body", False)
        yield message.get("body", b"")


async def _lifespan(receive: Any, send: Any) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
