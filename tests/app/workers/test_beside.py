"""Several replicas at one port: each is one of the group, and the port is one windsock."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tests.app.workers.test_together import Together, served, until
from tests.store.conftest import Postgres, postgres
from windsock.app.workers.whole import merged

__all__ = ["postgres"]

WORKERS = 2


class Beside(Together):
    """Of which each is a replica."""

    async def is_whole(self) -> bool:
        names = {each["name"] for each in await self.replicas()}
        return names == {"here-0", "here-1"} and await self.metric("windsock_workers{") == WORKERS

    async def replicas(self) -> list[dict[str, object]]:
        found = (await self.call("GET", "/v1/replicas")).json()  # 503: the first is replaced
        return [each for each in found.get("data", ()) if each["is_there"]]


@pytest.mark.xdist_group("workers")
async def test_each_is_a_replica_and_the_port_answers_for_all(
    postgres: Postgres, tmp_path: Path
) -> None:
    more = f'[store]\nurl = "{postgres.new_database()}"\n'
    more += '[replicas]\nenabled = true\nname = "here"\nlease = "1s"\n'
    async with served(tmp_path, more, Beside, WORKERS) as it:
        await _they_are_one(it)
        for which in (-1, 0):
            victim = it.pids[which]
            os.kill(victim, signal.SIGKILL)
            await until(lambda gone=victim: gone not in it.pids and len(it.pids) == WORKERS)
            await until(it.is_whole)
        await _they_are_one(it)


async def _they_are_one(it: Beside) -> None:
    it.answered.clear()
    before = await it.metric("windsock_requests_total")
    for _ in range(16):
        await it.chat()
        judged = {"decision_id": [*it.answered][-1], "value": 1.0}
        assert (await it.call("POST", "/v1/feedback", json=judged)).status_code == 200
    assert it.failed == []
    lines = (await it.call("GET", "/metrics")).text.splitlines()
    told = [line for line in lines if line.startswith("windsock_requests_total")]
    assert len({line.rpartition("worker=")[2][:3] for line in told}) == WORKERS
    assert await it.metric("windsock_requests_total") == before + 16
    assert len({line for line in lines if line.startswith("# TYPE windsock_requests_total")}) == 1


def test_metrics_of_several_stand_in_one_text_each_under_its_name() -> None:
    one = '# HELP a_total Of a.\n# TYPE a_total counter\na_total{of="x"} 1.0\n'
    other = '# HELP a_total Of a.\n# TYPE a_total counter\na_total{of="x"} 2.0\n'
    alone = "# HELP b Of b.\n# TYPE b gauge\nb 3.0\n"
    assert merged({"0": one, "1": other + alone}).decode() == (
        '# HELP a_total Of a.\n# TYPE a_total counter\na_total{of="x",worker="0"} 1.0\n'
        'a_total{of="x",worker="1"} 2.0\n# HELP b Of b.\n# TYPE b gauge\nb{worker="1"} 3.0\n'
    )
