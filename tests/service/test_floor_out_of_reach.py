"""A floor that nobody reaches: an event, an alarm, a note with what more success would cost."""

import asyncio
from typing import Any

from tests.running import Running, config_of, running
from tests.upstream import Answer, completion, upstream
from windsock.cli.tables import show_alarms
from windsock.cli.weights import decision_lines
from windsock.core.model.requests import Cell

CELL = Cell("default", "auto", "sql")
ASK = {"model": "auto", "metadata": {"task": "sql"}, "messages": [{"role": "user", "content": "x"}]}
FLOOR = 'objective = "quality_floor"\nquality_floor = 0.95\n'


def teach(it: Running, deployment: str, right: float, wrong: float) -> None:
    now, n = it.service.clock.now(), right + wrong
    it.service.router.learn_sums(CELL, deployment, n, right, right, now)


async def events(it: Running) -> list[dict[str, Any]]:
    return (await it.http.get("/v1/events?kind=floor")).json()["data"]


async def told(it: Running, count: int) -> list[dict[str, Any]]:
    """So many events of floors; requests go on meanwhile, for a table is solved for them."""
    for _ in range(100):
        found = await events(it)
        if len(found) >= count:
            return found
        await it.http.post("/v1/chat/completions", json=ASK)
        await asyncio.sleep(0.1)
    raise AssertionError(f"{count} events were not told: {found}")


class Asked:
    """The answers of a service, for what prints them."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def ask(self, path: str, *, method: str = "GET", **asked: Any) -> Any:
        return self.answer


async def test_it_is_told_once_and_once_that_it_is_over(tmp_path, capsys) -> None:
    async with upstream(lambda _: Answer(completion())) as model:
        config = config_of(("acme", model.url, 1.0), ("bolt", model.url, 9.0)) + FLOOR
        async with running(config, tmp_path) as it:
            first = await it.http.post("/v1/chat/completions", json=ASK)
            await asyncio.sleep(1.5)
            assert await events(it) == []
            assert (await it.http.get("/v1/alarms")).json()["floors"] == []
            teach(it, "acme/m", 140, 60)
            teach(it, "bolt/m", 160, 40)
            (out,) = await told(it, 1)
            assert (out["event"], out["task"], out["best"]) == (
                "floor.out_of_reach",
                "sql",
                "bolt/m",
            )
            assert 0.75 < out["reachable"] < 0.85
            assert out["further"][-1]["usd_per_1000_per_point"] > 0
            counted = 'windsock_alarms{event="floor.out_of_reach"} '
            assert f"{counted}1" in (await it.http.get("/metrics")).text
            alarms = (await it.http.get("/v1/alarms")).json()
            assert [each["floor"] for each in alarms["floors"]] == [0.95]
            show_alarms(Asked(alarms))
            said = " ".join(capsys.readouterr().out.split())
            assert "quality floor 0.95 is out of reach; the best, bolt/m" in said
            assert "each further point costs, per 1,000 requests, $" in said
            last = await it.http.post("/v1/chat/completions", json=ASK)
            name = last.headers["x-windsock-decision-id"]
            await it.service.ledger.flushed()
            explained = (await it.http.get(f"/v1/decisions/{name}")).json()
            text = " ".join("\n".join(decision_lines(explained, width=80)).split())
            assert "0.95 is out of reach" in text
            assert "each further point costs" in text
            teach(it, "bolt/m", 300, 0)
            _, ended = await told(it, 2)
            assert (ended["event"], ended["floor"]) == ("floor.within_reach", 0.95)
            assert f"{counted}0" in (await it.http.get("/metrics")).text
        assert first.status_code == 200
