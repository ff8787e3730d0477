"""The same word at the same time counts once, and what is kept at hand stays within its bound."""

import asyncio
from collections import Counter
from contextlib import asynccontextmanager

import pytest

from tests.builders import CHEAP, START, router
from tests.running import Running, config_of, running
from tests.store.samples import decision
from tests.upstream import Answer, completion, upstream
from windsock.clock import ManualClock
from windsock.core.model.requests import DEFAULT_NAMESPACE
from windsock.core.model.rewards import OpenDecision, Reward
from windsock.service.feedback_inbox import MAX_OPEN, FeedbackInbox

ASK = {"model": "auto", "messages": [{"role": "user", "content": "hi"}]}
ONE = {"idempotency-key": "one"}


class Late:
    """Feedback on decisions that are in the store only, which takes a moment to be read."""

    def __init__(self) -> None:
        self.looked_up: Counter[str] = Counter()
        self.kept: list[object] = []
        self.router = router()
        self.inbox = FeedbackInbox(
            router=self.router, clock=ManualClock(START), keep=self.kept.append, find=self._find
        )

    async def _find(self, name: str, _: str = DEFAULT_NAMESPACE) -> OpenDecision:
        self.looked_up[name] += 1
        await asyncio.sleep(0.01)
        return OpenDecision(decision(int(name[1:])), CHEAP)

    async def say(self, number: int, value: float, key: str | None = None) -> bool:
        """Whether it had been said before."""
        said = Reward(value=value)
        _, is_duplicate = await self.inbox.take(f"d{number}", said, DEFAULT_NAMESPACE, key)
        return is_duplicate

    def rewards(self) -> float:
        """How much of what was said is believed."""
        belief = self.router.beliefs.summary(decision(1).cell, CHEAP, START)
        return belief.effective_samples


@pytest.mark.parametrize("key", ["one", None])
async def test_the_same_word_five_times_at_once_is_one_word(key) -> None:
    late = Late()
    said = await asyncio.gather(*(late.say(1, 1.0, key) for _ in range(5)))
    assert sorted(said) == [False, True, True, True, True]
    assert len(late.kept) == 1
    assert late.rewards() == pytest.approx(1.0)


async def test_of_five_different_words_at_once_the_last_one_counts() -> None:
    late = Late()
    await asyncio.gather(*(late.say(1, value, f"k{value}") for value in (1.0, 0.9, 0.4, 0.2, 0.0)))
    assert late.rewards() == pytest.approx(1.0)


async def test_words_on_different_decisions_at_once_all_count() -> None:
    late = Late()
    said = await asyncio.gather(*(late.say(number, 1.0, "one") for number in range(1, 4)))
    assert not any(said)
    assert late.rewards() == pytest.approx(3.0)


async def test_of_many_late_words_no_more_than_the_bound_are_kept_at_hand() -> None:
    """After half as many again as are kept, the first is looked up anew and the last is not."""
    late = Late()
    most = MAX_OPEN * 3 // 2
    for begin in range(0, most, 1000):
        numbers = range(begin, min(begin + 1000, most))
        await asyncio.gather(*(late.say(number, 1.0) for number in numbers))
    for number in (0, most - 1):
        await late.say(number, 1.0)
    assert late.looked_up["d0"] == 2
    assert late.looked_up[f"d{most - 1}"] == 1


@asynccontextmanager
async def restarted(tmp_path):
    """A service that knows one decision from its store, and the name of that."""
    async with upstream(lambda _: Answer(completion())) as model:
        config = config_of(("acme", model.url, 1.0))
        async with running(config, tmp_path) as it:
            answer = await it.http.post("/v1/chat/completions", json=ASK)
            name = answer.headers["x-windsock-decision-id"]
        async with running(config, tmp_path) as it:
            yield it, name


async def samples(it: Running) -> float:
    (found,) = (await it.http.get("/v1/weights?route=auto&task=default")).json()["data"]
    return found["candidates"][0]["effective_samples"]


async def test_a_client_that_repeats_itself_after_a_restart_is_heard_once(tmp_path) -> None:
    async with restarted(tmp_path) as (it, name):
        before = await samples(it)
        said = {"decision_id": name, "value": True}
        answers = await asyncio.gather(
            *(it.http.post("/v1/feedback", json=said, headers=ONE) for _ in range(5))
        )
        assert sorted(answer.json()["is_duplicate"] for answer in answers) == [False, *[True] * 4]
        assert await samples(it) - before == pytest.approx(1.0, abs=0.05)
