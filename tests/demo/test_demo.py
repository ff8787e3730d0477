"""`windsock demo`: the production service with paper providers; prices move and weights follow."""

import asyncio
import os
import random
import signal
import subprocess
import sys

import httpx

from tests.process import free_port
from windsock.clock import ManualClock
from windsock.demo.paper_provider import answer_to
from windsock.demo.price_history import PriceHistory
from windsock.demo.traffic import question

ASK = "Is this review positive or negative? I love it"


async def test_a_newcomer_sees_weights_follow_prices_within_a_minute(tmp_path) -> None:
    port = free_port()
    log = (tmp_path / "log").open("wb")
    process = subprocess.Popen(
        [sys.executable, "-m", "windsock", "demo", "--port", str(port)],
        stderr=log,
        cwd=tmp_path,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )
    try:
        async with httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{port}", timeout=10, trust_env=False
        ) as http:
            moved = await follow(http)
            body = {
                "model": "auto",
                "metadata": {"task": "sentiment"},
                "messages": [{"role": "user", "content": ASK}],
            }
            answer = await http.post("/v1/chat/completions", json=body)
            assert answer.json()["choices"][0]["message"]["content"] in ("positive", "negative")
            known = (await http.get("/v1/deployments")).json()["data"]
            assert [each["why_out"] for each in known] == [None] * len(known)
            body = {"model": "text-embedding-3-small", "input": ["a", "b"]}
            answer = await http.post("/v1/embeddings", json=body)
            assert len(answer.json()["data"]) == 2
            page = await http.get("/")
            assert "windsock" in page.text
        assert moved > 0.5
    finally:
        process.send_signal(signal.SIGINT)
        code = await asyncio.to_thread(process.wait, 20)
        log.close()
    assert code == 0


async def follow(http: httpx.AsyncClient) -> float:
    """The largest fall of DeepSeek's weight at sentiment within a minute."""
    seen = []
    for _ in range(600):
        try:
            answer = await http.get("/v1/weights?route=auto&task=sentiment")
            (cell,) = answer.json()["data"]
            seen.append(cell["weights"].get("deepseek/deepseek-chat", 0.0))
        except httpx.TransportError:
            pass
        if seen and max(seen) - seen[-1] > 0.5:
            break
        await asyncio.sleep(0.1)
    return max(seen) - seen[-1]


def test_the_story_tells_dated_prices_and_begins_anew() -> None:
    clock = ManualClock(0.0)
    history = PriceHistory(clock, 0.0)

    def price() -> dict[str, float]:
        return history.body()["deepseek"]["models"]["deepseek-chat"]["cost"]

    assert price() == {"input": 0.14, "output": 0.28}
    clock.advance_to(0.6 * 39)
    assert price() == {"input": 0.27, "output": 1.1}
    clock.advance_to(0.6 * 249)
    assert price() == {"input": 0.56, "output": 1.68}
    clock.advance_to(0.6 * 366)
    assert price() == {"input": 0.14, "output": 0.28}


def test_the_generated_questions_have_answers_that_a_client_can_check() -> None:
    dice = random.Random(1)
    for _ in range(200):
        task, prompt = question(dice)
        right = answer_to(prompt, {"default": 1.0}, 0.0)
        wrong = answer_to(prompt, {"default": 0.0}, 0.5)
        assert right != wrong, (task, prompt)
