"""The same word at the same time counts once, and what is kept at hand stays within its bound."""

import asyncio
from collections import Counter

import pytest

from tests.builders import CHEAP, START, router
from tests.store.samples import decision
from windsock.clock import ManualClock
from windsock.core.model.requests import DEFAULT_NAMESPACE
from windsock.core.model.rewards import OpenDecision, Reward
from windsock.service.feedback_inbox import MAX_OPEN, FeedbackInbox


class Late:
    """Feedback on decisions that are in the store only, which takes a moment to be read."""

    def __init__(self) -> None:
        self.looked_up: Counter[str] = Counter()
        self.kept: list[object] = []
        self.router = router()
        self.inbox = FeedbackInbox(
            router=self.router, clock=ManualClock(START), append=self.kept.append, find=self._find
        )

    async def _find(self, name: str, _: str = DEFAULT_NAMESPACE) -> OpenDecision:
        self.looked_up[name] += 1
        await asyncio.sleep(0.01)
        return OpenDecision(decision(int(name[1:])), CHEAP)

    async def say(self, number: int, value: float, key: str | None = None) -> bool:
        """Whether it had been said before."""
        said = Reward(value=value)
        _, is_duplicate = await self.inbox.observe(f"d{number}", said, DEFAULT_NAMESPACE, key)
        return is_duplicate

    def rewards(self) -> float:
        """How much of what was said is believed."""
        belief = self.router.beliefs.summary(decision(1).cell, CHEAP)
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
