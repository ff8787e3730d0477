"""Generated traffic for the demonstration."""

from __future__ import annotations

import asyncio
import contextlib
import random

import httpx

from windsock.demo.paper_provider import answer_to

REQUESTS_PER_S = 12.0

JUDGED = 0.8
"""Share of answers that the generated clients judge."""

QUALITY = {
    "deepseek/deepseek-chat": (0.95, 0.90, 0.91),
    "mistral/mistral-small-latest": (0.93, 0.80, 0.60),
    "google/gemini-2.5-flash": (0.95, 0.93, 0.88),
    "openai/gpt-4o-mini": (0.94, 0.89, 0.74),
    "mistral/mistral-large-latest": (0.95, 0.93, 0.87),
    "openai/gpt-4o": (0.97, 0.95, 0.95),
}
"""True success at sentiment, extraction and sql: made up, in the spirit of public leaderboards."""

TASKS = ("sentiment", "extraction", "sql")


async def traffic(url: str) -> None:
    """Clients that ask, check the answer themselves, and report."""
    dice = random.Random(7)  # noqa: S311 (not a secret)
    async with httpx.AsyncClient(base_url=url, timeout=30, trust_env=False) as http:
        under_way: set[asyncio.Task[None]] = set()
        while True:
            task = asyncio.create_task(_ask(http, *question(dice), judged=dice.random() < JUDGED))
            under_way.add(task)
            task.add_done_callback(under_way.discard)
            await asyncio.sleep(dice.expovariate(REQUESTS_PER_S))


async def _ask(http: httpx.AsyncClient, task: str, prompt: str, *, judged: bool) -> None:
    body = {
        "model": "auto",
        "messages": [{"role": "user", "content": prompt}],
        "metadata": {"task": task},
    }
    with contextlib.suppress(httpx.HTTPError):
        answer = await http.post("/v1/chat/completions", json=body)
        if answer.status_code != 200 or not judged:
            return
        text = answer.json()["choices"][0]["message"]["content"]
        is_right = text == answer_to(prompt, {"default": 1.0}, 0.0)
        said = {"decision_id": answer.headers["x-windsock-decision-id"], "value": is_right}
        await http.post("/v1/feedback", json=said)


def question(dice: random.Random) -> tuple[str, str]:
    """(task, prompt) of a question whose right answer a client can check."""
    task = dice.choices(TASKS, weights=(5, 3, 2))[0]
    if task == "sentiment":
        word = dice.choice(("love", "great", "perfect", "awful", "broken", "late", "delighted"))
        about = " ".join(dice.choice(("the", "phone", "it", "arrived", "box")) for _ in range(80))
        return task, f"Is this review positive or negative? {about}, {word}."
    if task == "extraction":
        amount = f"{dice.randrange(10, 5000)}.{dice.randrange(100):02}"
        lines = " ".join(f"item-{dice.randrange(1000)}" for _ in range(120))
        return task, f"Which amount is due? {lines} total {amount} EUR"
    table, value = dice.choice(("orders", "users", "invoices")), dice.choice(("paid", "open"))
    schema = "CREATE TABLE ... " * 60
    return task, f"{schema} Count the rows of {table} where status is '{value}'"
