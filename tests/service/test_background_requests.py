"""What windsock asks by itself: paid apart, capped hard, left out when too much, felt by nobody."""

import asyncio
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import pytest

from tests.running import Running, config_of, running
from tests.upstream import Answer, completion, upstream
from windsock.app.background.cap_keeping import cap_beside
from windsock.core.model.requests import Cell, background_key, is_background
from windsock.observability.telemetry import current
from windsock.service.background_questions import Question
from windsock.service.background_requests import AT_ONCE, MAX_WAITING
from windsock.service.texts.answered import AnsweredTexts

pytestmark = pytest.mark.anyio

ASK = {"model": "auto", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 50}
USED = {"prompt_tokens": 10, "completion_tokens": 40, "total_tokens": 50}
BESIDE = {"messages": [{"role": "user", "content": "beside"}], "max_tokens": 50}


def question(model: str = "judge/m") -> Question:
    return Question(
        purpose="judge",
        cell=Cell("default", "auto", "sql"),
        served="one/m",
        model=model,
        body=dict(BESIDE),
    )


def answered(_: dict[str, Any]) -> Answer:
    return Answer(body=completion(usage=USED))


@asynccontextmanager
async def service(tmp_path, reply=answered, *, usd=1.0, share: str | None = "0.5"):
    """A route, and a model beside it that answers as `reply` says."""
    async with upstream(answered) as served, upstream(reply) as beside:
        config = config_of(("one", served.url, 1.0), ("judge", beside.url, usd))
        config = config.replace(', "judge/m"]', "]")
        config += '[deployments."judge/m"]\n'
        async with running(config, tmp_path) as it:
            cap = cap_beside(
                "auto",
                "judge",
                usd_per_day=None if share else Decimal(100),
                spend_share=None if share is None else Decimal(share),
            )
            it.service.router.caps.adopt([cap])
            yield it, beside


async def ask(it: Running, times: int = 1) -> None:
    for _ in range(times):
        assert (await it.http.post("/v1/chat/completions", json=ASK)).status_code == 200


async def spent(it: Running) -> dict[str, float]:
    await it.service.ledger.flushed()
    lines = (await it.http.get("/v1/report?by=task")).json()["data"]
    return {line["task"]: line["cost_usd"] for line in lines}


def test_a_key_of_its_own_tells_windsocks_own_requests_from_those_of_callers() -> None:
    assert is_background(background_key("judge", "auto"))
    assert not is_background(None) and not is_background("3f2a9c")


async def test_what_windsock_asks_stands_in_the_ledger_under_its_own_task_and_key(tmp_path) -> None:
    async with service(tmp_path, share=None) as (it, beside):
        answer = await it.service.background.ask(question())
        assert answer is not None and answer["choices"][0]["message"]["content"] == "hello"
        assert beside.seen[0]["messages"] == BESIDE["messages"]
        assert (await spent(it))["windsock-judge"] > 0
        by_key = (await it.http.get("/v1/report?by=key")).json()["data"]
        assert [line["key"] for line in by_key] == [background_key("judge", "auto")]


async def test_it_never_spends_more_than_its_share_of_what_the_route_has_spent(tmp_path) -> None:
    async with service(tmp_path, share="0.5") as (it, beside):
        background = it.service.background
        work = [asyncio.create_task(background.ask(question())) for _ in range(6)]
        await asyncio.sleep(0.05)
        assert not beside.seen
        await ask(it, 3)
        await asyncio.sleep(0.8)
        costs = await spent(it)
        assert 0 < costs["windsock-judge"] <= 0.5 * costs["default"]
        for each in work:
            each.cancel()
        caps = {each["cap"]: each for each in (await it.http.get("/v1/caps")).json()["data"]}
        assert caps["routes.auto.judge"]["spent_usd"] == pytest.approx(costs["windsock-judge"])
        assert caps["routes.auto.judge"]["usd"] == pytest.approx(0.5 * costs["default"])


async def test_what_was_spent_and_earned_is_known_after_a_restart(tmp_path) -> None:
    async with service(tmp_path) as (it, _):
        await ask(it, 4)
        assert await it.service.background.ask(question()) is not None
        before = it.service.router.caps.all_accounts(it.service.clock.now())[0]
        await it.service.ledger.flushed()
    async with service(tmp_path) as (it, _):
        it.service.reloaded.caps.restore()
        after = it.service.router.caps.all_accounts(it.service.clock.now())[0]
        assert (after.spent_usd, after.beside_usd) == (before.spent_usd, before.beside_usd)
        assert after.spent_usd > 0 and after.beside_usd > 0


async def test_a_model_without_a_price_or_of_no_name_is_not_asked(tmp_path) -> None:
    async with service(tmp_path, share=None) as (it, beside):
        assert await it.service.background.ask(question("nobody/m")) is None
        assert not beside.seen
        assert it.service.background.tally("judge", "auto").failed == 1


async def test_its_failures_cost_nobody_a_deployment(tmp_path) -> None:
    broken = [Answer(status=500, body={"error": {"message": "no"}}), Answer(body="<html>")]
    async with service(tmp_path, lambda _: broken[0], share=None) as (it, beside):
        for _ in range(4):
            assert await it.service.background.ask(question()) is None
        broken.pop(0)
        for _ in range(4):
            assert await it.service.background.ask(question()) is None
        assert len(beside.seen) == 8
        health = it.service.router.health
        assert not health.failing(it.service.clock.now())
        assert health.tallies("judge/m") == (0, 0)
        assert it.service.background.tally("judge", "auto").failed == 8
        begun = asyncio.get_running_loop().time()
        assert await it.service.background.ask(question()) is None
        assert asyncio.get_running_loop().time() - begun >= 1  # it waits, where all had failed


async def test_too_much_work_is_left_out_and_counted_and_nobody_waits_for_what_hangs(tmp_path):
    hanging = asyncio.Event()

    async def work() -> None:
        await hanging.wait()

    async with service(tmp_path) as (it, _):
        background = it.service.background
        offered = [background.offer("judge", "auto", work) for _ in range(3 * MAX_WAITING)]
        assert not offered[-1] and offered.count(True) == MAX_WAITING
        await asyncio.sleep(0)
        assert [background.offer("judge", "auto", work) for _ in range(AT_ONCE + 1)][-1] is False
        assert background.tally("judge", "auto").left_out > MAX_WAITING
        await ask(it)
        assert background.offer("shadow", "auto", work)


async def test_what_comes_as_the_last_one_ends_is_done_as_well(tmp_path) -> None:
    """In the very turn of the loop in which its worker is done, and not yet known to be."""
    done: list[int] = []
    loop = asyncio.get_running_loop()

    async with service(tmp_path) as (it, _):
        background = it.service.background

        async def last() -> None:
            done.append(1)

        async def first() -> None:
            loop.call_soon(lambda: background.offer("judge", "auto", last))

        for _ in range(AT_ONCE):
            background.offer("judge", "auto", first)
        for _ in range(20):
            await asyncio.sleep(0)
        assert len(done) == AT_ONCE and not background.waiting("judge", "auto")


async def test_what_comes_after_the_end_is_not_begun(tmp_path) -> None:
    async def work() -> None:
        raise AssertionError

    async with service(tmp_path) as (it, _):
        await it.service.background.stop()
        assert not it.service.background.offer("judge", "auto", work)
        assert it.service.background.waiting("judge", "auto") == 0


async def test_what_windsock_asks_is_in_nobodys_trace(tmp_path) -> None:
    traces: list[Any] = []

    async def work() -> None:
        traces.append(current.get())

    async with service(tmp_path) as (it, _):
        token = current.set(object())  # type: ignore[arg-type]
        it.service.background.offer("judge", "auto", work)
        await asyncio.sleep(0.01)
        current.reset(token)
    assert traces == [None]


async def test_work_that_fails_says_so_without_its_words_and_the_next_is_done(
    tmp_path, capsys
) -> None:
    done = asyncio.Event()

    async def fails() -> None:
        raise ValueError("the words of a caller")

    async def works() -> None:
        done.set()

    async with service(tmp_path) as (it, _):
        it.service.background.offer("judge", "auto", fails)
        it.service.background.offer("judge", "auto", works)
        await asyncio.wait_for(done.wait(), 5)
    out = "".join(capsys.readouterr())
    assert "task.failed" in out and "the words of a caller" not in out


class Ear:
    """Reads the answers."""

    is_reading = True

    def __init__(self) -> None:
        self.heard: list[AnsweredTexts] = []

    def read(self, texts: AnsweredTexts) -> None:
        self.heard.append(texts)


class Broken(Ear):
    def read(self, texts: AnsweredTexts) -> None:
        raise ValueError("no")


async def test_who_fails_to_read_an_answer_fails_no_request_and_nobody_reads_our_own(
    tmp_path,
) -> None:
    ear = Ear()
    async with service(tmp_path, share=None) as (it, _):
        it.service.executor.readers.all += [Broken(), ear]
        await ask(it)
        assert await it.service.background.ask(question()) is not None
        await ask(it)
    assert [each.outcome.decision.cell.route for each in ear.heard] == ["auto", "auto"]


async def test_a_deployment_that_callers_find_ailing_or_full_is_left_to_them(tmp_path) -> None:
    async with service(tmp_path, share=None) as (it, beside):
        background, health = it.service.background, it.service.router.health
        now = it.service.clock.now()
        health.of("judge/m").cooldown_until = now + 0.7
        asked = asyncio.create_task(background.ask(question()))
        await asyncio.sleep(0.3)
        assert not beside.seen
        assert await asyncio.wait_for(asked, 5) is not None
        health.of("judge/m").is_half_open = True
        probed = asyncio.create_task(background.ask(question()))
        await asyncio.sleep(0.1)
        assert len(beside.seen) == 1 and not health.of("judge/m").probe_until
        probed.cancel()
