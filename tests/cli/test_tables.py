"""Commands that ask a running service print what a person wants to know."""

import asyncio
import io

import pytest
from rich.console import Console

from tests.running import config_of, running
from tests.upstream import Answer, completion, upstream
from windsock.cli import weights
from windsock.cli.layout import money
from windsock.cli.service_client import ServiceClient


@pytest.mark.parametrize(
    ("dollars", "text"),
    [(12345.678, "12345.68"), (100, "100"), (800.5, "800.50"), (0.00005, "0.00005"),
     (3.14159, "3.142"), (None, ""), (0, "0")],
)  # fmt: skip
def test_dollars_are_told_as_people_write_them(dollars, text) -> None:
    assert money(dollars) == text


ASK = {"model": "auto", "messages": [{"role": "user", "content": "hi"}]}


async def test_explain_tells_the_weights_the_draw_and_the_cost(tmp_path, monkeypatch) -> None:
    out = io.StringIO()
    monkeypatch.setattr(weights, "terminal", lambda: Console(file=out, width=200))
    async with upstream(lambda _: Answer(completion())) as model:
        async with running(config_of(("acme", model.url, 1.0)), tmp_path) as it:
            answer = await it.http.post("/v1/chat/completions", json=ASK)
            name = answer.headers["x-windsock-decision-id"]
            await it.http.post("/v1/feedback", json={"decision_id": name, "value": True})
            await asyncio.sleep(0.6)
            await asyncio.to_thread(
                weights.show_decision, ServiceClient(it.url), name, as_json=False
            )
    text = out.getvalue()
    assert "acme/m for 'auto', task 'default'" in text
    assert "gives acme/m" in text
    assert "100.0%" in text
    assert "cost $0.00002400, served by acme/m" in text
    assert "judged 1 by" in text


async def test_explain_tells_what_a_conversation_costs_where(tmp_path, monkeypatch) -> None:
    out = io.StringIO()
    monkeypatch.setattr(weights, "terminal", lambda: Console(file=out, width=200))
    async with upstream(lambda _: Answer(completion())) as model:
        async with running(config_of(("acme", model.url, 1.0)), tmp_path) as it:
            for _ in range(2):
                answer = await it.http.post(
                    "/v1/chat/completions", json={**ASK, "session_id": "mine"}
                )
            await it.service.ledger.flushed()
            name = answer.headers["x-windsock-decision-id"]
            await asyncio.to_thread(
                weights.show_decision, ServiceClient(it.url), name, as_json=False
            )
    text = out.getvalue()
    assert "turn 2 of conversation" in text and "named by session_id" in text
    assert "last answered by acme/m" in text and "what the cache saves" in text
    assert "mine" not in text
