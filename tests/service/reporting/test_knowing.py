"""What knowing success costs, by deployment and task, and what it bought."""

import asyncio
import threading
from decimal import Decimal
from math import fsum, isfinite, log2
from typing import Any

import pytest

from tests.cli.test_service_commands import run
from tests.running import Running, config_of, running
from tests.service.test_evidence_seen import ask, judge
from tests.upstream import Answer, completion, upstream
from windsock.clock import ManualClock
from windsock.core.model.requests import About, Cell, background_key, background_of, owner_key
from windsock.core.routing.caps.cap import Charge
from windsock.errors import StoreError
from windsock.service.control.access_check import shown_table
from windsock.service.control.reporting.spending import (
    KEPT_S,
    WEEK_S,
    RecentSpending,
    Spending,
)

JUDGED = '{"score": 0.8}'
JUDGE = '[routes.auto.judge]\nmodel = "judge/m"\nusd_per_day = 5\n'
SHADOW = '[routes.auto.shadow]\ncompare = "judge"\nshare = 1.0\nusd_per_day = 5\n'


def reply(_: dict[str, Any]) -> Answer:
    used = {"prompt_tokens": 70, "completion_tokens": 3, "total_tokens": 73}
    return Answer(completion(JUDGED, usage=used))


async def told(it: Running) -> dict[str, Any]:
    """The report of what the store holds now."""
    await it.service.ledger.flushed()
    found: dict[str, Any] = (await it.http.get("/v1/report?by=task,deployment")).json()
    return found


async def judged(it: Running, least: int) -> None:
    """Once all that was drawn is done: each answer of a shadow is judged as well."""
    for _ in range(1000):
        judge, shadow = (it.service.background.tally(by, "auto") for by in ("judge", "shadow"))
        ends = [each.answered + each.failed + each.unpaid for each in (judge, shadow)]
        if judge.answered >= least and ends == [judge.taken + shadow.answered, shadow.taken]:
            return
        await asyncio.sleep(0.02)
    raise AssertionError("the judge never came")


def by_place(line: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    return {(cell["task"], cell["deployment"]): cell for cell in line["cells"]}


async def test_what_a_judge_and_a_shadow_cost_adds_up_from_cells_and_outlives_a_restart(
    tmp_path,
) -> None:
    async with upstream(lambda _: Answer(completion("four"))) as model, upstream(reply) as other:
        config = config_of(
            ("acme", model.url, 1.0), ("bolt", model.url, 1.3), ("judge", other.url, 0.7)
        ).replace(', "judge/m"]', "]")
        config += '[deployments."judge/m"]\n' + JUDGE + "own_family = true\n" + SHADOW
        async with running(config, tmp_path) as it:
            for task in ("sql", "ner", "sql"):
                for _ in range(4):
                    await ask(it, task)
            await judged(it, 20)
            await judge(it, await ask(it, "sql"), 1.0)
            await judged(it, 21)
            found = await told(it)
            words = await asyncio.to_thread(run, ["report"], "--url", it.url)
            key = (await it.http.get("/v1/report?by=key&sample=0")).json()["data"]
        async with running(config, tmp_path) as it:
            again = await told(it)
            weights = (await it.http.get("/v1/weights?route=auto&task=sql")).json()["data"][0]
            evidence = (await it.http.get("/v1/evidence?task=sql")).json()
    lines = {each["by"]: each for each in found["knowing"]}
    assert {"judge", "shadow", "exploring"} == set(lines)
    costs = {each["key"]: each for each in key}
    for by in ("judge", "shadow"):
        line = lines[by]
        assert {task for task, _ in by_place(line)} == {"sql", "ner"}
        assert None not in {name for _, name in by_place(line)}
        parts = [cell["cost_usd"] for cell in line["cells"]]
        assert line["cost_usd"] == pytest.approx(fsum(parts), rel=1e-12) and line["cost_usd"] > 0
        of_key = costs[background_key(by, "auto")]
        assert line["cost_usd"] == pytest.approx(of_key["cost_usd"], abs=1e-9)
        assert line["requests"] == of_key["requests"] == sum(c["requests"] for c in line["cells"])
    spent = {each["by"]: each["cost_usd"] for each in again["knowing"]}
    assert all(spent[by] == lines[by]["cost_usd"] for by in ("judge", "shadow"))
    for cell in lines["judge"]["cells"]:
        assert cell["says"] > 0 and cell["usd_per_halving"] > 0
        assert cell["usd_per_reward"] == pytest.approx(cell["cost_usd"] / cell["says"])
    one = weights["candidates"][0]
    views = {each["deployment"]: each["knowing"] for each in evidence["data"]}
    assert views[one["deployment"]] == one["knowing"]
    text = " ".join(words.output.split())
    assert "knowing auto by judge:" in text and "a halved interval" in text
    assert "auto / sql, " in text


def test_what_windsock_asks_by_itself_is_known_by_its_key() -> None:
    for purpose, route in (("judge", "auto"), ("shadow", "a:b/c"), ("judge", "")):
        assert background_of(background_key(purpose, route)) == (purpose, route, None)
        about = About("bolt/m@eu", "a\ttask: of#1.2")
        key = background_key(purpose, route, about)
        assert background_of(key) == (purpose, route, about)
        assert owner_key(key) == background_key(purpose, route)
    strange = About("bolt/m\tx", "a\ttask")
    for route in ("au\tto", "50%09", "a\nb"):
        key = background_key("shadow", route, strange)
        assert background_of(key) == ("shadow", route, strange)
        assert owner_key(key) == background_key("shadow", route)
    assert background_of(None) is None and background_of("k1") is None
    assert owner_key("k\t1") == "k\t1"


def line(key: str | None, usd: str | None, requests: int = 3, **facts: Any) -> dict[str, Any]:
    unknown = requests if usd is None else 0
    place = {"route": "auto", "task": "sql", "deployment": "acme/m", **facts}
    cost = None if usd is None else Decimal(usd)
    return {**place, "key_id": key, "requests": requests, "cost_usd": cost, "unknown_cost": unknown}


def test_what_is_not_known_is_none_and_what_was_kept_before_is_told_apart() -> None:
    about = About("acme/m", "sql")
    old, new = background_key("judge", "auto"), background_key("judge", "auto", about)
    found = Spending.of([line(old, "0.25"), line(new, "0.1"), line(new, "0.2"), line("k1", "9")])
    assert found.beside["auto", "judge"][None].known_usd == 0.25
    assert dict(found.about("auto", about))["judge"].usd == Decimal("0.3")
    assert found.usd_of("auto", "judge") == 0.55
    assert found.served == {("auto", "sql", "acme/m"): 3}
    unknown = Spending.of([line(new, None)])
    assert unknown.usd_of("auto", "judge") is None and unknown.usd_of("auto", "shadow") is None


async def test_half_an_interval_is_four_times_the_rewards_and_exploring_is_what_is_lost(
    tmp_path,
) -> None:
    async with upstream(lambda _: Answer(completion("four"))) as model:
        config = config_of(("acme", model.url, 1.0), ("bolt", model.url, 50.0))
        async with running(config, tmp_path) as it:
            for number in range(24):
                await judge(it, await ask(it, "sql"), float(number % 4 > 0))
            router, cell, table = it.service.router, Cell("default", "auto", "sql"), None
            while table is not (now := shown_table(router, cell, it.service.clock.now())):
                table = now  # which the last judgement may still move
                found = {each["by"]: each for each in (await told(it))["knowing"]}
            pairs = {
                arm.deployment: router.beliefs.posterior(table.cell, arm.deployment)
                for arm in table.arms
            }
    assert set(found) == {"exploring"}
    cells = by_place(found["exploring"])
    value, price = (table.value_usd, 1.0) if isfinite(table.value_usd) else (1.0, 0.0)
    best = max(table.arms, key=lambda arm: arm.success_mean * value - arm.expected_usd * price)
    arms = {("sql", arm.deployment): arm for arm in table.arms}
    for place, cell in cells.items():
        beyond = max(0.0, arms[place].expected_usd - best.expected_usd)
        lost = max(0.0, best.success_mean - arms[place].success_mean)
        assert cell["lost_successes"] == pytest.approx(cell["requests"] * lost)
        assert cell["cost_usd"] == pytest.approx(cell["requests"] * beyond)
        if cell["cost_usd"] and cell["says"]:
            total = sum(pairs[cell["deployment"]]) + 1
            halvings = 0.5 * log2(total / (total - cell["says"]))
            assert cell["usd_per_halving"] == pytest.approx(cell["cost_usd"] / halvings)
    assert sum(cell["says"] for cell in found["exploring"]["cells"]) == pytest.approx(24, rel=0.01)


async def test_a_judge_about_another_cell_counts_against_the_same_cap(tmp_path) -> None:
    async with upstream(reply) as model:
        config = config_of(("acme", model.url, 1.0), ("judge", model.url, 1.0))
        async with running(config + JUDGE, tmp_path) as it:
            caps = it.service.router.caps
            bare = Charge(background_key("judge", "auto"), "auto", "judge", "m")
            keyed = bare._replace(key_id=background_key("judge", "auto", About("acme/m", "sql")))
            assert [each.cap.name for each in caps.accounts(keyed)] == ["routes.auto.judge"]
            assert caps.accounts(keyed) == caps.accounts(bare)


async def test_who_asks_at_once_waits_for_one_reading_and_a_slow_store_is_not_asked_again() -> None:
    now = 1_800_000_029.5
    clock, asked, may_tell = ManualClock(now), list[dict[str, Any]](), threading.Event()

    def slow(**span: Any) -> list[dict[str, Any]]:
        asked.append(span)
        may_tell.wait()
        return [line("k1", "1", requests=len(asked))]

    recent = RecentSpending(slow, clock)
    waiting = [asyncio.create_task(recent.of("default")) for _ in range(3)]
    await asyncio.sleep(0)
    may_tell.set()
    found = [each for each in await asyncio.gather(*waiting) if each is not None]
    place = ("auto", "sql", "acme/m")
    assert [each.served[place] for each in found] == [1, 1, 1] and len(asked) == 1
    assert asked[0]["since"] == (now - WEEK_S) // 60 * 60 and asked[0]["namespace"] == "default"
    assert await recent.of("default") is found[0]
    clock.advance_to(clock.now() + KEPT_S)
    assert (again := await recent.of("default")) is not None and again.served[place] == 2

    def broken(**_: Any) -> list[dict[str, Any]]:
        raise StoreError("away")

    recent.report = broken
    clock.advance_to(clock.now() + KEPT_S)
    assert await recent.of("default") is None
