"""A store of every form that an earlier windsock wrote is upgraded, and serves.

One small file a pair of schema and state, each written by the code of then: 24 requests of two
tasks, all judged (1 where acme answered, else 0), a key, a clean end; most decisions were deleted
to keep it small. `stores.json` beside them says what that code showed last.
"""

import gzip
import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from tests.running import Running, config_of, running
from tests.upstream import Answer, completion, upstream
from windsock.clock import ManualClock
from windsock.core.routing.kept.state_upgrades import VERSION
from windsock.store.migrations import HEAD

DATA = Path(__file__).parent / "store" / "data" / "every"
SHOWN: dict[str, dict[str, Any]] = json.loads((DATA / "stores.json").read_text())


def put(name: str, folder: Path) -> Path:
    store = folder / "windsock.db"
    store.write_bytes(gzip.decompress((DATA / f"{name}.db.gz").read_bytes()))
    return store


def revision_in(store: Path) -> str:
    with sqlite3.connect(store) as db:
        (found,) = db.execute("SELECT version_num FROM alembic_version").fetchone()
    db.close()
    return str(found)


async def samples(it: Running) -> dict[str, float]:
    shown = (await it.http.get("/v1/weights?route=auto&task=sql")).json()["data"][0]
    return {each["deployment"]: each["effective_samples"] for each in shown["candidates"]}


@pytest.mark.parametrize("name", SHOWN)
async def test_it_is_upgraded_and_serves(name: str, tmp_path: Path) -> None:
    was = SHOWN[name]
    store = put(name, tmp_path)
    assert revision_in(store) == was["revision"]
    async with upstream(lambda _: Answer(completion())) as model:
        config = config_of(("acme", model.url, 1.0), ("bolt", model.url, 2.0))
        async with running(config, tmp_path, clock=ManualClock(was["at"])) as it:
            assert revision_in(store) == HEAD
            assert (await it.http.get("/v1/report")).status_code == 401
            it.http.headers["authorization"] = f"Bearer {was['key']}"
            assert await samples(it) == pytest.approx(was["samples"], abs=0.02)
            told = await it.http.get(f"/v1/decisions/{was['last']}")
            assert (told.status_code, told.json()["decision_id"]) == (200, was["last"])
            judged = {"decision_id": was["last"], "value": 1.0}
            assert (await it.http.post("/v1/feedback", json=judged)).status_code == 200
            body = {"model": "auto", "messages": [{"role": "user", "content": "hi"}]}
            assert (await it.http.post("/v1/chat/completions", json=body)).status_code == 200
            report = (await it.http.get("/v1/report?since=0&by=task")).json()["data"]
            assert {"sql", "c#"} <= {row["task"] for row in report}


def test_every_revision_and_every_version_before_this_one_has_its_store() -> None:
    """Who adds one adds a store that the code before it has written."""
    assert {int(each["revision"]) for each in SHOWN.values()} >= set(range(1, int(HEAD)))
    assert {each["state"] for each in SHOWN.values()} >= set(range(VERSION))
