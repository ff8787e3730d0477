"""Whatever is looked at, the next request gets what it would have got had nobody looked."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from sqlalchemy import text

from tests.builders import START
from tests.running import config_of
from tests.upstream import Answer, Upstream, completion, upstream
from windsock.app.bootstrap import build
from windsock.app.service import Service
from windsock.clock import ManualClock
from windsock.config.file import parse
from windsock.core.model.ticks import Quote
from windsock.core.model.units import Meter
from windsock.service.execution.completion import hand_out_tables

TASKS = ("sql", "ner", "sql", "chat")
NAMES = ("acme/m", "bolt/m", "crux/m")
QUERIES: tuple[dict[str, Any], ...] = (
    {},
    {"route": "auto"},
    {"route": "auto", "task": "sql", "ladder": 1},
    {"route": "side", "task": "ner", "ladder": 1},
    {"task": "never-seen"},
    {"route": "bolt/m", "task": "sql"},
    {"route": "m"},
    {"at": START + 1, "since": 0, "deployment": "acme/m", "by": "task,deployment"},
)
STREAMS = ("/v1/weights/stream", "/ui/api/stream")
"""They only listen, and never end."""

ROUTES = {
    "plain": "quality_floor = 0.8\n",
    "settling": "quality_floor = 0.8\nmax_share_change_per_min = 0.2\n",
    "paced": 'objective = "budget"\nusd_per_request = 0.00003\n',
    "shared": 'objective = "budget"\nbudget = "day"\n',
    "cascade": 'quality_floor = 0.8\ncascade = { escalate_below = 0.9, to = ["crux/m"] }\n'
    'check = { pattern = "o$" }\n',
    "learning": "quality_floor = 0.8\nsegments = true\nclassify = true\n",
}


def parameters(call: dict[str, Any]) -> set[str]:
    """What a call can be asked for."""
    return {each["name"] for each in call.get("parameters", ()) if each["in"] == "query"}


def queries(taken: set[str] | None) -> list[dict[str, Any]]:
    """Each that differs to a call that takes these, or that is not listed."""
    if taken is None:
        return list(QUERIES)
    cut = ({name: query[name] for name in query if name in taken} for query in QUERIES)
    return list({orjson.dumps(query): query for query in cut}.values())


class Watched:
    """A service on a clock of its own, which stands still between two steps; no task runs."""

    def __init__(self, kind: str, models: list[Upstream], place: Path) -> None:
        asked = [
            (name.partition("/")[0], model.url, usd)
            for name, model, usd in zip(NAMES, models, (0.5, 1.0, 4.0), strict=True)
        ]
        auto = config_of(*asked) + ROUTES[kind]
        side = f"[routes.side]\ncandidates = {list(NAMES)}\n" + ROUTES[kind]
        rest = '[budgets.day]\nusd_per_day = 0.001\n[server]\nkeys = "open"\n[learning]\nseed = 7\n'
        store = f'[store]\nurl = "sqlite:///{place}"\n[feeds]\nenabled = []\n'
        self.clock = ManualClock(START)
        settings = parse(auto + side + rest + store, {}, source="windsock.toml")
        self.service: Service = build(settings, {}, clock=self.clock)
        door = httpx.ASGITransport(app=self.service.app)
        self.http = httpx.AsyncClient(transport=door, base_url="http://windsock", timeout=20)

    async def step(self, number: int) -> tuple[Any, ...]:
        """Time passes, a price moves now and then; one request and what is said of it."""
        self.clock.advance_to(START + 0.7 * number + 20 * (number // 10))
        if number % 9 == 8:
            self.reprice("bolt/m", 1.0 + 0.5 * (number // 9))
        task, route = TASKS[number % 4], "side" if number % 3 == 2 else "auto"
        asked = {"role": "user", "content": f"{task} {'1 + 1? ' * (number % 5)}"}
        body = {"model": route, "metadata": {"task": task}, "messages": [asked]}
        answer = await self.http.post("/v1/chat/completions", json=body)
        if answer.status_code == 402:
            return ("the budget is spent",)
        heads = answer.headers
        if number % 5:
            said = {
                "decision_id": heads["x-windsock-decision-id"],
                "value": float(heads["x-windsock-deployment"] != "acme/m" or number % 2),
            }
            assert (await self.http.post("/v1/feedback", json=said)).status_code == 200
        return tuple(heads[f"x-windsock-{name}"] for name in ("deployment", "propensity"))

    def reprice(self, name: str, usd: float) -> None:
        prices = {Meter.INPUT: Decimal(str(usd)), Meter.OUTPUT: Decimal(str(usd)) * 4}
        now = self.clock.now()
        self.service.ingestion.on_quote(
            Quote(deployment=name, feed="config", feed_model="m", usd_per_mtok=prices, seen_at=now),
            now,
        )

    async def look_at_everything(self) -> None:
        """Every GET, with and without what it can be asked for, and what-if."""
        listed = (await self.http.get("/openapi.json")).json()["paths"]
        paths = [path for path, calls in listed.items() if "get" in calls and path not in STREAMS]
        known = [line["decision_id"] for line in await self.exported()]
        assert "/v1/weights" in paths
        taken = {path: parameters(listed[path]["get"]) for path in paths}
        for path in [*paths, "/", "/metrics", "/readyz", "/ui/api/history", "/v1/report"]:
            for query in queries(taken.get(path)):
                place = path.format(decision_id=known[0] if known else "none", name="acme/m")
                await self.http.get(place, params=query)
        for prices in ({"acme/m": {"input": 9.0}}, {"crux/m": {"input": 0.01, "output": 0.01}}):
            for query in QUERIES[:-1]:
                asked = {name: query[name] for name in ("route", "task") if name in query}
                found = await self.http.post("/v1/whatif", json={"prices": prices, **asked})
                assert found.status_code == 200

    async def tables_kept(self) -> int:
        """Weight tables in the ledger."""
        hand_out_tables(self.service.router, self.service.ledger, self.service.events)
        await self.service.ledger.flushed()
        with self.service.engine.connect() as store:
            return store.execute(text("SELECT count(*) FROM weights")).scalar_one()

    async def exported(self) -> list[dict[str, Any]]:
        await self.service.ledger.flushed()
        lines = (await self.http.get("/v1/decisions", params={"since": 0})).text.splitlines()
        return [orjson.loads(line) for line in lines]

    async def close(self) -> None:
        await self.http.aclose()
        await self.service.stop()


@asynccontextmanager
async def watched(kind: str, folder: Path, count: int) -> AsyncIterator[list[Watched]]:
    """So many services alike, in front of the same models."""
    async with (
        upstream(lambda _: Answer(completion("ok", model="m"))) as acme,
        upstream(lambda _: Answer(completion("no", model="m"))) as bolt,
        upstream(lambda _: Answer(completion("so", model="m"))) as crux,
    ):
        places = [folder / f"{number}.db" for number in range(count)]
        made = [Watched(kind, [acme, bolt, crux], place) for place in places]
        try:
            yield made
        finally:
            for each in made:
                await each.close()


@pytest.mark.parametrize("kind", ROUTES)
async def test_requests_get_what_they_would_have_got_had_nobody_looked(kind, tmp_path) -> None:
    async with watched(kind, tmp_path, 2) as (seen, unseen):
        got: dict[str, list[Any]] = {"seen": [], "unseen": []}
        for number in range(22):
            got["seen"].append(await seen.step(number))
            got["unseen"].append(await unseen.step(number))
            if number == 7:
                await seen.look_at_everything()
        assert got["seen"] == got["unseen"]


@pytest.mark.parametrize("kind", ["plain", "shared"])
async def test_looking_leaves_the_state_and_the_cells_as_they_are(kind, tmp_path) -> None:
    async with watched(kind, tmp_path, 1) as (it,):
        for number in range(12):
            await it.step(number)
        it.clock.advance_to(it.clock.now() + 30)
        router = it.service.router
        state, cells = router.to_state(), router.tables.cells()
        await it.look_at_everything()
        assert router.to_state() == state
        assert router.tables.cells() == cells


async def test_looking_writes_nothing_to_the_ledger(tmp_path) -> None:
    async with watched("plain", tmp_path, 1) as (it,):
        for number in range(4):
            await it.step(number)
        before = await it.tables_kept()
        it.clock.advance_to(it.clock.now() + 30)
        await it.look_at_everything()
        assert await it.tables_kept() == before
