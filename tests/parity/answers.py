"""Answers for `drivers/validate.py`: each with the schema that OpenAI's document has for it.

`python -m tests.parity.answers FILE` asks every case, plain and streamed, whatever stands behind.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import structlog

from tests.parity.__main__ import BEHIND, windsock
from tests.parity.provider.said import KEY, SAID, UNKNOWN
from tests.parity.provider.server import provider
from tests.parity.rows import MODELS

SHARED = json.loads((Path(__file__).parent / "cases.json").read_text(encoding="utf-8"))
MODEL, LIMITED = MODELS["openai"]
ERROR = "ErrorResponse"
Told = tuple[str, str, Any]
"""Where it came from, the schema, the answer."""

TOOLS = {
    "chat/completions": [{"type": "function", "function": SHARED["tool"]}],
    "responses": [{"type": "function", "strict": True, **SHARED["tool"]}],
}
SCHEMAS = {
    "chat/completions": ("CreateChatCompletionResponse", "CreateChatCompletionStreamResponse"),
    "responses": ("Response", "ResponseStreamEvent"),
    "completions": ("CreateCompletionResponse", "CreateCompletionResponse"),
}


def body_of(path: str, case: str, **more: Any) -> dict[str, Any]:
    """A request of a case."""
    text = f"[[{case}]] {SHARED['question']}"
    said = {"messages": [{"role": "user", "content": text}]}
    asked = {
        "chat/completions": said,
        "responses": {"input": text},
        "completions": {"prompt": text},
    }
    tools = {"tools": TOOLS[path]} if "tools" in case and path in TOOLS else {}
    return {"model": MODEL, **asked[path], **tools, **more}


async def answers_of(http: httpx.AsyncClient, path: str) -> AsyncIterator[tuple[str, Any]]:
    """(schema, answer) of every case, plain and streamed."""
    whole, event = SCHEMAS[path]
    for case in SAID:
        yield whole, (await http.post(f"/v1/{path}", json=body_of(path, case))).json()
        text = (await http.post(f"/v1/{path}", json=body_of(path, case, stream=True))).text
        for line in text.splitlines():
            if line.startswith("data: {"):
                yield event, json.loads(line.removeprefix("data: "))


async def faults_of(http: httpx.AsyncClient, path: str) -> AsyncIterator[tuple[str, Any]]:
    for fault in ({"model": UNKNOWN}, {"model": LIMITED}, {"temperature": 9}):
        yield ERROR, (await http.post(f"/v1/{path}", json=body_of(path, "text", **fault))).json()
    yield ERROR, (await http.post(f"/v1/{path}", json=body_of(path, "too_long"))).json()
    wrong = {"authorization": "Bearer sk-wrong"}
    yield ERROR, (await http.post(f"/v1/{path}", json={}, headers=wrong)).json()
    yield ERROR, (await http.post(f"/v1/{path}", content=b"{")).json()


async def others_of(http: httpx.AsyncClient) -> AsyncIterator[tuple[str, Any]]:
    body = {"model": "text-embedding-3-small", "input": ["a", "b"]}
    yield "CreateEmbeddingResponse", (await http.post("/v1/embeddings", json=body)).json()
    yield "ListModelsResponse", (await http.get("/v1/models")).json()
    yield "Model", (await http.get(f"/v1/models/{MODEL}")).json()
    yield ERROR, (await http.get(f"/v1/models/{UNKNOWN}")).json()
    yield ERROR, (await http.post("/v1/nothing", json={})).json()


async def collected(name: str, url: str, key: str) -> list[Told]:
    """directly: only what the provider answers well, for the document may be at odds with that."""
    headers = {"authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(
        base_url=url, headers=headers, timeout=60, trust_env=False
    ) as http:
        if name == "directly":
            kinds = [answers_of(http, path) for path in TOOLS]
        else:
            kinds = [others_of(http)]
            for path in SCHEMAS:
                kinds += [answers_of(http, path), faults_of(http, path)]
        return [(name, *each) for kind in kinds async for each in kind]


async def main(place: Path) -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    told: list[Told] = []
    async with provider() as model:
        told += await collected("directly", model.url, KEY)
        for behind in BEHIND:
            async with windsock(model.url, behind) as (url, key):
                told += await collected(behind, url, key)
    place.write_text(json.dumps(told), encoding="utf-8")


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
