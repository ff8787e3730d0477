"""A store that an earlier windsock wrote starts under this one: beliefs, decisions, feedback.

The file was written by the code at 0b13dfe: 1,500 requests on three routes, among them learnt
segments, tasks called `c#` and `c#sharp`, a cascade, a budget and a lesson; old rows were deleted
to keep it small. What that code showed after a start from it stands in the JSON beside it.
"""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from tests.running import Running, running
from windsock.clock import ManualClock

DATA = Path(__file__).parent / "store" / "data"
SHOWN: dict[str, Any] = json.loads((DATA / "store_0_1.json").read_text())
CONFIG = """
[providers.acme]
base_url = "http://127.0.0.1:9"
price = { input = 1, output = 2 }
[providers.bolt]
base_url = "http://127.0.0.1:9"
price = { input = 2, output = 4 }
[providers.core]
base_url = "http://127.0.0.1:9"
price = { input = 10, output = 30 }
[routes.auto]
candidates = ["acme/m", "bolt/m", "core/m"]
segments = true
quality_floor = 0.8
max_share_change_per_min = 0.5
[routes.cascade]
candidates = ["acme/m", "bolt/m"]
[routes.cascade.cascade]
escalate_below = 0.85
to = ["core/m"]
[routes.cascade.check]
non_empty = true
[routes.spend]
candidates = ["acme/m", "core/m"]
budget = "default"
[budgets.default]
usd_per_day = 5
"""


@pytest.fixture
async def started(tmp_path: Path):
    """A service over the old store, at the moment it was left."""
    (tmp_path / "windsock.db").write_bytes(gzip.decompress((DATA / "store_0_1.db.gz").read_bytes()))
    async with running(CONFIG, tmp_path, clock=ManualClock(SHOWN["at"])) as it:
        yield it


async def weights(it: Running, cell: str) -> dict[str, dict[str, Any]]:
    route, task = cell.split("/")
    found = await it.http.get("/v1/weights", params={"route": route, "task": task})
    return {each["deployment"]: each for each in found.json()["data"][0]["candidates"]}


@pytest.mark.parametrize("cell", SHOWN["weights"])
async def test_beliefs_are_those_that_were_left(started: Running, cell: str) -> None:
    found = await weights(started, cell)
    assert found.keys() == SHOWN["weights"][cell].keys()
    for name, (weight, success, samples, usd) in SHOWN["weights"][cell].items():
        assert found[name]["weight"] == pytest.approx(weight, abs=1e-6)
        assert found[name]["success_mean"] == pytest.approx(success, abs=1e-9)
        assert found[name]["effective_samples"] == pytest.approx(samples, abs=1e-6)
        assert found[name]["expected_usd"] == pytest.approx(usd, rel=1e-9)


@pytest.mark.parametrize("cell", SHOWN["last"])
async def test_decisions_are_explained_and_still_judged(started: Running, cell: str) -> None:
    decision = SHOWN["last"][cell]
    told = await started.http.get(f"/v1/decisions/{decision}")
    assert told.status_code == 200
    assert told.json()["decision_id"] == decision
    said = await started.http.post("/v1/feedback", json={"decision_id": decision, "value": 1.0})
    assert said.status_code == 200


async def test_a_task_with_a_hash_in_its_name_stays_what_it_is(started: Running) -> None:
    report = await started.http.get("/v1/report?by=task")
    assert {"c##1.0", "c##1.1"} <= {row["task"] for row in report.json()["data"]}
    plain = await started.http.get("/v1/weights?route=auto&task=c%23sharp")
    assert [row["task"] for row in plain.json()["data"]] == ["c#sharp"]
