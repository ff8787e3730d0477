"""GET /v1/deployments/history: calls, how they ended and how long answers took, over time."""

from pathlib import Path

import pytest

from tests.running import config_of, running
from tests.upstream import Answer, completion, upstream
from windsock.clock import ManualClock

HOUR = 3600.0
START = 1_795_900_000.0 // HOUR * HOUR
CHAT = {"messages": [{"role": "user", "content": "hi"}]}


async def test_calls_are_told_by_how_they_ended_and_when(tmp_path: Path) -> None:
    clock = ManualClock(START)
    async with (
        upstream(lambda _: Answer(completion())) as good,
        upstream(lambda _: Answer({"error": {}}, status=500)) as bad,
    ):
        config = config_of(("acme", good.url, 1.0), ("crux", bad.url, 2.0))
        async with running(config, tmp_path, clock=clock) as it:
            for model, times in (("acme/m", 3), ("crux/m", 1)):
                for _ in range(times):
                    await it.http.post("/v1/chat/completions", json={**CHAT, "model": model})
            clock.advance_to(START + HOUR + 60)
            await it.http.post("/v1/chat/completions", json={**CHAT, "model": "acme/m"})
            await it.service.ledger.flushed()
            answer = await it.http.get(f"/v1/deployments/history?since={START}&step=1h")
            one = await it.http.get(
                f"/v1/deployments/history?since={START}&step=1h&deployment=acme/m"
            )
    found = answer.json()
    by_name = {each["deployment"]: each for each in found["data"]}
    acme, crux = by_name["acme/m"], by_name["crux/m"]
    assert found["at"] == [START, START + HOUR]
    assert acme["calls"] == acme["kinds"]["answered"] == [3, 1]
    assert crux["failed"] == crux["kinds"]["server_error"] and acme["failed"] == [0, 0]
    assert crux["kinds"]["server_error"][0] >= 1 and crux["calls"][1] == 0
    assert crux["mean_latency_s"] == crux["p95_latency_s"] == [None, None]
    assert all(each is not None for each in acme["mean_latency_s"] + acme["p50_latency_s"])
    assert [each["deployment"] for each in one.json()["data"]] == ["acme/m"]


@pytest.mark.parametrize("query", ["deployment=acme/n", "step=2s", "since=1h&until=1d"])
async def test_a_bad_question_gets_one_sentence(query: str, tmp_path: Path) -> None:
    config = config_of(("acme", "http://127.0.0.1:9/v1", 1.0))
    async with running(config, tmp_path) as it:
        answer = await it.http.get(f"/v1/deployments/history?{query}")
        assert answer.status_code in (400, 404) or query == "since=1h&until=1d"
        assert answer.status_code == 200 or answer.json()["error"]["message"]
        empty = (await it.http.get("/v1/deployments/history?since=1h")).json()
    assert empty["data"] == [] and len(empty["at"]) in (60, 61)


async def test_what_has_no_price_is_not_told_as_in_use(tmp_path: Path) -> None:
    async with upstream(lambda _: Answer(completion())) as model:
        config = config_of(("acme", model.url, 1.0))
        config += f'[providers.bolt]\nbase_url = "{model.url}"\n'
        config += '[routes.other]\ncandidates = ["bolt/m"]\n'
        async with running(config, tmp_path) as it:
            found = (await it.http.get("/v1/deployments")).json()["data"]
    why = {each["deployment"]: each["why_out"] for each in found}
    assert why == {"acme/m": None, "bolt/m": "it has no price in force"}
