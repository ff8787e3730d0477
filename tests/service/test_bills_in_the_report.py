"""What providers billed stands beside what was counted, and what cannot be stands apart."""

import asyncio
import json

import pytest
from typer.testing import CliRunner

from tests.running import config_of, running
from tests.upstream import Answer, completion, upstream
from windsock.cli import app

ASK = {"model": "auto", "messages": [{"role": "user", "content": "hi"}]}
COUNTED = (12 * 1 + 3 * 4) / 1e6


def billing(*bills: float | None):
    """A provider that bills so much for one call after the other."""
    left = list(bills)

    def answer(_: dict) -> Answer:
        bill = left.pop(0)
        usage = {"prompt_tokens": 12, "completion_tokens": 3, "total_tokens": 15}
        return Answer(completion(usage=usage if bill is None else {**usage, "cost": bill}))

    return answer


async def asked(it, times: int, **more: object) -> None:
    for _ in range(times):
        answer = await it.http.post("/v1/chat/completions", json={**ASK, **more})
        assert answer.status_code == 200, answer.text
    await it.service.ledger.flushed()


async def reported(it, by: str = "deployment") -> list[dict]:
    return (await it.http.get("/v1/report", params={"by": by})).json()["data"]


async def test_both_sides_of_the_same_calls_and_doubted_bills_apart(tmp_path) -> None:
    bills = (COUNTED * 1.25, COUNTED * 0.75, None, 0.0, 800.0, COUNTED * 10)
    async with upstream(billing(*bills)) as acme:
        async with running(config_of(("acme", acme.url, 1.0)), tmp_path) as it:
            await asked(it, len(bills))
            (line,) = await reported(it)
            decisions = (await it.http.get("/v1/decisions")).text.splitlines()
            metrics = (await it.http.get("/metrics")).text
            (alarm,) = (await it.http.get("/v1/alarms")).json()["doubted"]
            listed = await asyncio.to_thread(
                CliRunner().invoke, app, ["alarms", "list", "--url", it.url]
            )
    assert line["bills"] == 2 and line["bill_ratio"] == pytest.approx(1.0)
    assert line["billed_usd"] == pytest.approx(2 * COUNTED)
    assert line["counted_usd"] == pytest.approx(2 * COUNTED)
    assert line["doubted_bills"] == 2
    assert line["doubted_usd"] == pytest.approx(800 + COUNTED * 10)
    assert line["cost_usd"] == pytest.approx(6 * COUNTED)
    doubted = [json.loads(each)["attempts"][0]["is_bill_doubted"] for each in decisions]
    assert doubted == [False, False, False, False, True, True]
    assert alarm["bills"] == 2 and alarm["bill_factor"] == pytest.approx(10)
    assert "acme/m: bills not believed: 2, the last 10 times what was counted" in listed.output
    assert 'windsock_bills_doubted_total{deployment="acme/m"} 2.0' in metrics


async def test_who_never_bills_has_no_bills_and_no_ratio(tmp_path) -> None:
    async with upstream(lambda _: Answer(completion())) as acme:
        async with running(config_of(("acme", acme.url, 1.0)), tmp_path) as it:
            await asked(it, 2)
            (line,) = await reported(it)
            assert (await it.http.get("/v1/alarms")).json()["doubted"] == []
    assert (line["bills"], line["doubted_bills"]) == (0, 0)
    assert line["billed_usd"] is line["counted_usd"] is line["bill_ratio"] is None
    assert line["doubted_usd"] is None


async def test_a_bill_belongs_to_who_was_called_also_where_another_answered(tmp_path) -> None:
    """The cheap one's answer is not sure enough; the stronger one answers. Both have billed."""
    async with upstream(billing(COUNTED)) as cheap, upstream(billing(COUNTED * 3)) as strong:
        config = config_of(("cheap", cheap.url, 1.0), ("strong", strong.url, 3.0))
        config += '[routes.auto.cascade]\nescalate_below = 0.8\nto = ["strong/m"]\n'
        async with running(config, tmp_path) as it:
            await asked(it, 1, provider={"order": ["cheap"]})
            lines = {each["deployment"]: each for each in await reported(it)}
    assert lines["strong/m"]["requests"] == 1 and lines["strong/m"]["bills"] == 1
    assert lines["cheap/m"]["requests"] == 0 and lines["cheap/m"]["bills"] == 1
    assert lines["cheap/m"]["retry_rate"] is None and lines["cheap/m"]["cost_usd"] is None


async def test_the_command_shows_both_at_80_columns(tmp_path) -> None:
    async with upstream(billing(COUNTED * 2, 800.0)) as acme:
        async with running(config_of(("acme", acme.url, 1.0)), tmp_path) as it:
            await asked(it, 2)
            runner, environ = CliRunner(), {"COLUMNS": "80", "WINDSOCK_API_KEY": None}
            options = ["report", "--url", it.url, "--by", "task,deployment"]
            done = await asyncio.to_thread(runner.invoke, app, options, env=environ)
            as_json = await asyncio.to_thread(runner.invoke, app, [*options, "--json"], env=environ)
            wrong = await asyncio.to_thread(
                runner.invoke, app, [*options, "--since", "5 parsecs"], env=environ
            )
    assert all(len(line) <= 80 for line in done.output.splitlines())
    text = " ".join(done.output.split())
    assert "default / acme/m 2 2 0.000072" in text
    assert "1 bills of $0.000048 for $0.000024 counted (2.000 times)" in text
    assert "1 bills of $800 not believed" in text
    assert json.loads(as_json.output)["data"][0]["doubted_bills"] == 1
    assert "--since" in str(wrong.exception)
