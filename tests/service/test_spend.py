"""GET /v1/spend: what was spent, by whom and when, and what it would have cost at a baseline."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.running import Running, config_of, running
from tests.upstream import Answer, completion, upstream
from windsock.clock import ManualClock
from windsock.errors import BadRequest
from windsock.service.control.overviews.savings import LEAST_SEEN, baseline_of, compared
from windsock.service.control.overviews.time_steps import MOST_POINTS, steps

HOUR = 3600.0
START = 1_795_900_000.0 // HOUR * HOUR
USED = {"prompt_tokens": 1000, "completion_tokens": 500, "total_tokens": 1500}
CHEAP_USD, DEAR_USD = 0.003, 0.006
"""Of one such answer at $1 and $4 a million, and at twice that."""


@asynccontextmanager
async def served(tmp_path: Path, more: str = "") -> AsyncIterator[tuple[Running, ManualClock]]:
    clock = ManualClock(START)
    async with upstream(lambda _: Answer(completion(usage=USED))) as model:
        config = config_of(("acme", model.url, 1.0), ("bolt", model.url, 2.0)) + more
        async with running(config, tmp_path, clock=clock) as it:
            yield it, clock


async def ask(it: Running, model: str, task: str, times: int = 1) -> str:
    """By the route `auto`, from one of its candidates where one is named."""
    body = {"model": "auto", "messages": [{"role": "user", "content": "hi"}]}
    if model != "auto":
        body["provider"] = {"only": [model.partition("/")[0]]}
    for _ in range(times):
        answer = await it.http.post(
            "/v1/chat/completions", json={**body, "metadata": {"task": task}}
        )
    return answer.headers["x-windsock-decision-id"]


async def spend(it: Running, **asked: Any) -> dict[str, Any]:
    await it.service.ledger.flushed()
    answer = await it.http.get("/v1/spend", params=asked)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_what_was_spent_is_told_by_group_and_hour(tmp_path) -> None:
    async with served(tmp_path) as (it, clock):
        await ask(it, "acme/m", "sql", 3)
        clock.advance_to(START + 2 * HOUR)
        await ask(it, "bolt/m", "ner")
        clock.advance_to(START + 2 * HOUR + 60)
        found = await spend(it, since=START, step="1h")
        by_deployment = await spend(it, since=START, step="1h", by="deployment")
    assert [(line["group"], line["requests"]) for line in found["data"]] == [("sql", 3), ("ner", 1)]
    assert found["total"]["cost_usd"] == pytest.approx(3 * CHEAP_USD + DEAR_USD)
    assert found["at"] == [START, START + HOUR, START + 2 * HOUR]
    assert found["series"]["sql"][:2] == pytest.approx([3 * CHEAP_USD, 0.0])
    assert sum(found["series"]["ner"]) == pytest.approx(DEAR_USD)
    assert {line["group"] for line in by_deployment["data"]} == {"acme/m", "bolt/m"}
    assert found["baseline"] is None and found["total"]["saved_usd"] is None


async def test_against_a_deployment_that_answered_often_its_own_mean_counts(tmp_path) -> None:
    async with served(tmp_path) as (it, clock):
        await ask(it, "bolt/m", "sql", LEAST_SEEN)
        await ask(it, "acme/m", "sql", 10)
        clock.advance_to(START + 60)
        found = await spend(it, since=START, baseline="bolt/m", by="deployment")
    total, lines = found["total"], {line["group"]: line for line in found["data"]}
    assert total["saved_usd"] == pytest.approx(10 * (DEAR_USD - CHEAP_USD))
    assert total["seen_share"] == 1.0
    assert lines["bolt/m"]["saved_usd"] == pytest.approx(0.0)
    assert lines["acme/m"]["baseline_usd"] == pytest.approx(10 * DEAR_USD)


async def test_against_one_that_hardly_answered_it_is_what_one_would_be_expected_to_cost(
    tmp_path,
) -> None:
    async with served(tmp_path) as (it, clock):
        await ask(it, "acme/m", "sql", 12)
        clock.advance_to(START + 60)
        total = (await spend(it, since=START, baseline="bolt/m"))["total"]
    assert total["seen_share"] == 0.0 and total["compared_requests"] == 12
    assert total["baseline_usd"] == pytest.approx(2 * total["compared_usd"], rel=0.2)


async def test_the_incumbent_is_that_of_each_route(tmp_path) -> None:
    incumbent = 'incumbent = "bolt/m"\n'
    async with served(tmp_path, incumbent) as (it, clock):
        await ask(it, "auto", "sql", 4)
        clock.advance_to(START + 60)
        named = await spend(it, since=START, baseline="incumbent")
        same = await spend(it, since=START, baseline="bolt/m")
    assert named["total"]["compared_requests"] == 4
    assert named["total"]["baseline_usd"] == same["total"]["baseline_usd"]


async def test_success_is_told_beside_that_of_the_baseline(tmp_path) -> None:
    async with served(tmp_path) as (it, clock):
        for model, value in (("bolt/m", 1), ("acme/m", 0)):
            name = await ask(it, model, "sql")
            await it.http.post("/v1/feedback", json={"decision_id": name, "value": value})
        clock.advance_to(START + 60)
        found = await spend(it, since=START, baseline="bolt/m", by="deployment")
    lines = {line["group"]: line for line in found["data"]}
    acme = lines["acme/m"]
    assert (acme["success_rate"], acme["baseline_success_rate"]) == (0.0, 1.0)
    assert acme["baseline_judged"] == 1


async def test_where_nothing_was_spent_nothing_is_told_as_saved(tmp_path) -> None:
    async with served(tmp_path) as (it, _):
        found = await spend(it, baseline="acme/m")
    total = found["total"]
    assert (total["requests"], total["cost_usd"], total["saved_usd"]) == (0, None, None)
    assert found["data"] == [] and found["series"] == {}


async def test_a_cost_that_is_not_known_is_compared_with_nothing(tmp_path) -> None:
    unpriced = '[providers.crux]\nbase_url = "URL"\n[routes.odd]\ncandidates = ["crux/m"]\n'
    async with upstream(lambda _: Answer(completion(usage=USED))) as model:
        more = unpriced.replace("URL", model.url)
        async with served(tmp_path, more) as (it, clock):
            answer = await it.http.post(
                "/v1/chat/completions",
                json={"model": "crux/m", "messages": [{"role": "user", "content": "hi"}]},
            )
            await ask(it, "acme/m", "sql")
            clock.advance_to(START + 60)
            total = (await spend(it, since=START, baseline="acme/m"))["total"]
    unknown = int(answer.status_code == 200)
    assert total["unknown_cost"] == unknown
    assert total["compared_requests"] == total["requests"] - unknown == 1


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("baseline=acme/n", "acme/m"),
        ("baseline=incumbent", "name a deployment"),
        ("since=30d&step=1m", "108m or more"),
        ("step=90s", "whole minutes"),
        ("step=soon", "is not a duration"),
        ("since=1h&until=2h", "since lies after until"),
        ("by=mood", "by"),
    ],
)
async def test_a_bad_question_gets_one_sentence_with_the_mend(query, words, tmp_path) -> None:
    async with served(tmp_path) as (it, _):
        paths = ["/v1/spend", "/v1/deployments/history"][: 1 if "by" in query else 2]
        if "until" in query:
            prices = "/v1/prices/history?deployment=acme/m&"
            paths += ["/v1/report", "/v1/decisions", "/v1/requests", "/v1/events", prices]
        for path in paths:
            answer = await it.http.get(f"{path}{'' if '?' in path else '?'}{query}")
            if path == "/v1/spend" or "baseline" not in query:
                assert answer.status_code in (400, 404), query
                assert words in answer.json()["error"]["message"]


@given(
    since=st.floats(0, 2e9),
    length=st.floats(0, 3e9),
    step=st.sampled_from([None, "1m", "1h", "1d"]),
)
def test_steps_cover_what_was_asked_and_stay_few(since, length, step) -> None:
    try:
        found = steps(since, since + length, step)
    except BadRequest:
        assert step is not None
        return
    assert found.since <= since and since + length <= found.until
    assert len(found.at) == found.count <= MOST_POINTS + 2
    assert found.since % found.step_s == 0
    assert [end for _, end in found][:-1] == found.at[1:]


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["a", "b"]), st.sampled_from(["x", "y", "z"]),
            st.integers(1, 90), st.integers(0, 10**9),
        ),
        min_size=1,
    )
)  # fmt: skip
def test_always_asking_the_baseline_would_have_saved_nothing_where_it_was_always_asked(
    rows,
) -> None:
    lines = [
        {"route": "r", "task": task, "deployment": "x", "key": key, "requests": n,
         "unknown_cost": 0, "cost_nano_usd": nano, "judged": 0, "successes": 0.0}
        for key, task, n, nano in {row[1]: row for row in rows}.values()
    ]  # fmt: skip
    baseline = baseline_of(lines, lambda route: "x", lambda kind, name: None)
    for each in compared(lines, "key", baseline).values():
        assert each.saved_usd is None or each.saved_usd == pytest.approx(0.0, abs=1e-9)
        assert each.requests == each.seen


async def test_the_steps_add_up_to_the_whole(tmp_path) -> None:
    async with served(tmp_path) as (it, clock):
        for hour, task in enumerate(("sql", "ner", "sql")):
            clock.advance_to(START + hour * HOUR + 61)
            await ask(it, "auto", task, hour + 1)
        clock.advance_to(START + 3 * HOUR)
        for step, count in (("1m", 181), ("1h", 3), ("1d", 1)):
            found = await spend(it, since=START, until=START + 3 * HOUR, step=step)
            told = sum(usd for values in found["series"].values() for usd in values)
            assert told == pytest.approx(found["total"]["cost_usd"]), step
            assert len(found["at"]) in (count, count - 1, count + 1)


async def test_what_was_saved_is_reckoned_only_where_it_is_asked_for(tmp_path) -> None:
    async with served(tmp_path) as (it, clock):
        await ask(it, "auto", "sql", 3)
        await it.service.ledger.flushed()
        clock.advance_to(START + 60)
        whole = (await it.http.get("/v1/report?by=task&baseline=acme/m")).json()
        without = (await it.http.get("/v1/report?by=task&baseline=acme/m&sample=0")).json()
    assert [(each["route"], each["requests"]) for each in whole["savings"]] == [("auto", 3)]
    assert without["savings"] == [] and without["data"] == whole["data"]


async def test_spend_is_told_as_lines_of_a_spreadsheet_too(tmp_path) -> None:
    async with served(tmp_path) as (it, clock):
        await ask(it, "acme/m", "sql", 2)
        clock.advance_to(START + 2 * HOUR)
        await ask(it, "bolt/m", "=1+1")
        clock.advance_to(START + 2 * HOUR + 60)
        await it.service.ledger.flushed()
        answer = await it.http.get(
            "/v1/spend", params={"since": START, "step": "1h", "format": "csv"}
        )
    assert answer.headers["content-type"].startswith("text/csv")
    first, second = (datetime.fromtimestamp(at, UTC) for at in (START, START + 2 * HOUR))
    assert answer.text.splitlines() == [
        "at,task,cost_usd",
        f"{first:%Y-%m-%dT%H:%M:%SZ},sql,{2 * CHEAP_USD:.9f}",
        f"{second:%Y-%m-%dT%H:%M:%SZ},'=1+1,{DEAR_USD:.9f}",
    ]
