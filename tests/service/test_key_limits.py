"""What a key may use within a minute, what it may name, and that a key in its place goes on so."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.running import Running, config_of, running
from tests.service.test_who_may_call_what import INFER, ROWS
from tests.upstream import Answer, completion, upstream
from windsock.cli.keys.key_book import KeyBook, MadeKey
from windsock.clock import ManualClock
from windsock.errors import ConfigError, LimitReached, WindsockError
from windsock.service.auth import Principal
from windsock.service.key_limits import KEPT_IDLE, Allowance, KeyLimits
from windsock.service.minutes import Minute

CHAT = {"model": "auto", "messages": [{"role": "user", "content": "hi"}]}
MESSAGE = {**CHAT, "max_tokens": 9}
START = 1_795_900_000.0


class Limited:
    """A service with keys, on a clock that moves when told."""

    def __init__(self, it: Running, clock: ManualClock) -> None:
        self.it = it
        self.clock = clock
        self.book = KeyBook(it.service.settings, clock)

    async def key(self, **limits: Any) -> MadeKey:
        made = self.book.create("test", **limits)
        await self.it.service.housekeeping.read_keys()
        return made

    async def chat(
        self, key: MadeKey, body: dict[str, Any] | None = None, path: str = "/v1/chat/completions"
    ) -> httpx.Response:
        headers = {"authorization": f"Bearer {key.secret}"}
        return await self.it.http.post(path, json=body or CHAT, headers=headers)

    def wait(self, seconds: float) -> None:
        self.clock.advance_to(self.clock.now() + seconds)


@asynccontextmanager
async def limited(tmp_path: Path, more: str = "") -> AsyncIterator[Limited]:
    clock = ManualClock(START)
    async with upstream(lambda _: Answer(completion())) as model:
        config = config_of(("acme", model.url, 1.0), ("bolt", model.url, 2.0)) + more
        async with running(config, tmp_path, clock=clock) as it:
            yield Limited(it, clock)


def told(answer: httpx.Response) -> dict[str, str]:
    """The x-ratelimit- headers without that."""
    prefix = "x-ratelimit-"
    return {
        name.removeprefix(prefix): value
        for name, value in answer.headers.items()
        if name.startswith(prefix)
    }


async def test_requests_a_minute_are_counted_told_and_refused_with_when_to_come_again(
    tmp_path,
) -> None:
    async with limited(tmp_path) as found:
        key, other = await found.key(rpm=3), await found.key(rpm=3)
        left = [told(await found.chat(key))["remaining-requests"] for _ in range(3)]
        assert left == ["2", "1", "0"]
        found.wait(10)
        refused = await found.chat(key)
        assert refused.status_code == 429
        error = refused.json()["error"]
        assert (error["type"], error["code"]) == ("rate_limit_error", "rate_limit_exceeded")
        assert "3 requests a minute" in error["message"]
        assert 50 <= int(refused.headers["retry-after"]) <= 51
        assert told(await found.chat(other))["limit-requests"] == "3"
        found.wait(int(refused.headers["retry-after"]))
        assert (await found.chat(key)).status_code == 200


async def test_every_door_counts_and_refuses_in_its_own_format(tmp_path) -> None:
    """Every call that asks for a model, as the table of all calls has them."""
    doors = [row for row in ROWS if row.scopes == INFER and row.method == "POST"]
    doors = [row for row in doors if "{name}" not in row.template]
    async with limited(tmp_path) as found:
        keys = [found.book.create(row.template, rpm=1) for row in doors]
        await found.it.service.housekeeping.read_keys()
        for row, key in zip(doors, keys, strict=True):
            path = row.path or row.template
            first = await found.chat(key, row.body, path)
            assert told(first)["remaining-requests"] == "0", path
            refused = await found.chat(key, row.body, path)
            assert (first.status_code == 429, refused.status_code) == (False, 429), path
            assert int(refused.headers["retry-after"]) > 0
            assert "this key may use 1 requests a minute" in refused.text, path
            body = refused.json()
            body = body[0] if isinstance(body, list) else body  # a stream of Gemini's
            error = body["error"]
            if path.startswith("/v1/messages"):
                assert (body["type"], error["type"]) == ("error", "rate_limit_error")
            if path.startswith("/v1beta"):
                assert error["status"] == "RESOURCE_EXHAUSTED"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/chat/completions", {**CHAT, "stream": True}),
        ("/api/v1/chat/completions", CHAT),
        ("/openai/deployments/auto/chat/completions", {"messages": CHAT["messages"]}),
        ("/v1/chat/completions", {"model": "auto"}),
        ("/v1/chat/completions", {"nonsense": True}),
    ],
)
async def test_streams_other_paths_and_requests_that_are_none_count_too(
    path, body, tmp_path
) -> None:
    async with limited(tmp_path) as found:
        key = await found.key(rpm=1)
        assert (await found.chat(key, body, path)).status_code != 429
        assert (await found.chat(key, body, path)).status_code == 429


async def test_of_fifty_at_once_as_many_are_served_as_the_key_may(tmp_path) -> None:
    async with limited(tmp_path) as found:
        key = await found.key(rpm=10)
        answers = await asyncio.gather(*(found.chat(key) for _ in range(50)))
        statuses = [answer.status_code for answer in answers]
        assert (statuses.count(200), statuses.count(429)) == (10, 40)


async def test_tokens_are_set_aside_and_what_was_not_used_is_given_back(tmp_path) -> None:
    async with limited(tmp_path) as found:
        key = await found.key(tpm=2000)
        first = await found.chat(key, {**CHAT, "max_tokens": 1500})
        assert first.status_code == 200
        used = first.json()["usage"]["total_tokens"]
        assert int(told(first)["remaining-tokens"]) < 500
        second = await found.chat(key, {**CHAT, "max_tokens": 1500})
        assert second.status_code == 200
        reserved = 2000 - used - int(told(second)["remaining-tokens"])
        assert 1500 < reserved < 1600


async def test_a_call_that_was_refused_for_another_reason_gives_all_tokens_back(tmp_path) -> None:
    async with limited(tmp_path) as found:
        key = await found.key(tpm=2000)
        for _ in range(5):
            unknown = await found.chat(key, {**CHAT, "model": "no-such", "max_tokens": 1500})
            assert unknown.status_code == 404
        assert (await found.chat(key, {**CHAT, "max_tokens": 1500})).status_code == 200


async def test_tokens_that_are_used_up_are_refused_and_a_prompt_too_long_for_good(tmp_path) -> None:
    async with limited(tmp_path) as found:
        key = await found.key(tpm=40)
        assert (await found.chat(key)).status_code == 200
        late = await found.chat(key)
        assert (late.status_code, late.headers.get("x-should-retry")) == (429, None)
        assert "40 tokens a minute" in late.json()["error"]["message"]
        assert int(late.headers["retry-after"]) >= 60
        found.wait(62)
        long = {**CHAT, "messages": [{"role": "user", "content": "word " * 200}]}
        never = await found.chat(key, long)
        assert (never.status_code, never.headers["x-should-retry"]) == (429, "false")
        assert "retry-after" not in never.headers


async def test_a_key_asks_for_what_it_lists_by_name_route_or_glob_and_for_nothing_else(
    tmp_path,
) -> None:
    more = '[routes.side]\ncandidates = ["bolt/m"]\naliases = ["gpt-4o"]\n'
    async with limited(tmp_path, more) as found:
        key = await found.key(models=["side", "acme/*"])
        for name in ("side", "gpt-4o", "acme/m", "side:floor"):
            assert (await found.chat(key, {**CHAT, "model": name})).status_code == 200, name
        for name in ("auto", "bolt/m", "m", "no-such"):
            for path in ("/v1/chat/completions", "/v1/route"):
                refused = await found.chat(key, {**CHAT, "model": name}, path)
                assert refused.status_code == 403, name
                assert refused.json()["error"]["code"] == "model_not_allowed"
                assert "side, acme/*" in refused.json()["error"]["message"]
        mixed = await found.chat(key, {**CHAT, "model": "side", "models": ["auto"]})
        assert mixed.status_code == 403
        told_of = await found.chat(key, {**MESSAGE, "model": "auto"}, "/v1/messages")
        assert told_of.json()["error"]["type"] == "permission_error"
        headers = {"authorization": f"Bearer {key.secret}"}
        listed = await found.it.http.get("/v1/models", headers=headers)
        assert {each["id"] for each in listed.json()["data"]} == {"side", "gpt-4o", "acme/m"}
        hidden = await found.it.http.get("/v1/models/auto", headers=headers)
        assert hidden.status_code == 403


async def test_a_key_in_anothers_place_shares_its_minute_and_its_line_in_the_report(
    tmp_path,
) -> None:
    async with limited(tmp_path) as found:
        old = await found.key(rpm=2, models=["auto"])
        new = found.book.rotate(old.key.id, "1h")
        await found.it.service.housekeeping.read_keys()
        statuses = [(await found.chat(each)).status_code for each in (old, new, old, new)]
        assert statuses == [200, 200, 429, 429]
        found.wait(3599)
        assert (await found.chat(old)).status_code == 200
        found.wait(2)
        gone = await found.chat(old)
        assert (gone.status_code, "expired" in gone.text) == (401, True)
        third = found.book.rotate(new.key.id, "0s")
        await found.it.service.housekeeping.read_keys()
        assert (await found.chat(new)).status_code == 401
        assert (await found.chat(third)).status_code == 200
        await found.it.service.ledger.flushed()
        headers = {"authorization": f"Bearer {third.secret}"}
        report = await found.it.http.get("/v1/report?by=key", headers=headers)
        assert [row["key"] for row in report.json()["data"]] == [old.key.id]


async def test_a_key_in_anothers_place_spends_the_same_budget(tmp_path) -> None:
    async with limited(tmp_path) as found:
        old = await found.key(budget_usd=Decimal("0.00003"), budget_period="day")
        new = found.book.rotate(old.key.id, "1h")
        await found.it.service.housekeeping.read_keys()
        assert (await found.chat(old)).status_code == 200
        while (await found.chat(new)).status_code == 200:
            pass
        for each in (old, new):
            refused = await found.chat(each)
            assert (refused.status_code, refused.json()["error"]["code"]) == (402, "budget_spent")


async def test_a_key_ends_when_it_expires_and_says_so(tmp_path) -> None:
    async with limited(tmp_path) as found:
        key = await found.key(expires="1h")
        assert (await found.chat(key)).status_code == 200
        assert key.key.state(found.clock.now()) == "active"
        found.wait(3600)
        assert (await found.chat(key)).status_code == 401
        assert key.key.state(found.clock.now()) == "expired"
        with pytest.raises(WindsockError, match="is expired"):
            found.book.rotate(key.key.id, "1h")


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"scopes": ["infr"]}, "did you mean 'infer'"),
        ({"scopes": ["read", "*"]}, "'\\*' is none of infer, feedback, read"),
        ({"scopes": ["infer read"]}, "is none of"),
        ({"namespace": "two words"}, "one word"),
        ({"namespace": ""}, "one word"),
        ({"models": ["a b"]}, "one word"),
        ({"name": "n" * 129}, "at most 128"),
        ({"name": "a\x1b[2J"}, "printable"),
        ({"expires": "soon"}, "no duration such as 90d"),
        ({"expires": "2020-01-01"}, "over already"),
        ({"expires": "0s"}, "over already"),
        ({"budget_period": "day"}, "needs --budget-usd"),
        ({"budget_usd": 1, "budget_period": "fortnight"}, "none of day, week, month, total"),
    ],
)
async def test_what_no_key_can_be_is_refused_when_it_is_made(facts, words, tmp_path) -> None:
    async with limited(tmp_path) as found:
        with pytest.raises(ConfigError, match=words):
            found.book.create(**{"name": "test", **facts})
        assert found.book.keys() == []


uses = st.lists(st.tuples(st.floats(0, 20), st.integers(1, 5)), max_size=60)


@given(uses, st.integers(1, 12))
def test_within_any_minute_never_more_is_used_than_the_limit(steps, limit) -> None:
    minute, now, taken = Minute(limit), 1000.0, []
    for pause, amount in steps:
        now += pause
        wait = minute.free_in_s(amount, now)
        assert 0 <= wait <= 61
        if wait == 0:
            minute.add(min(amount, limit), now)
            taken.append((now, min(amount, limit)))
        else:
            assert minute.free_in_s(amount, now + wait) == 0
            now += wait
            minute.add(min(amount, limit), now)
            taken.append((now, min(amount, limit)))
    for at, _ in taken:
        assert sum(each for t, each in taken if at <= t < at + 60) <= limit


def test_keys_that_are_not_used_are_forgotten_and_what_is_under_way_is_not() -> None:
    clock = ManualClock(1000.0)
    limits = KeyLimits(clock.elapsed)
    long = limits.enter(Principal(key_id="long", rpm=9, tpm=100, is_limited=True))
    long.reserve(10, 20)
    long.watch(lambda: 110)
    for number in range(20 * KEPT_IDLE):
        limits.enter(Principal(key_id=f"k{number}", rpm=9, is_limited=True))
        if not number % 10:
            clock.advance_to(clock.now() + 1)
    assert len(list(limits.minutes())) <= 2 * KEPT_IDLE
    long.settle()
    again = limits.enter(Principal(key_id="long", rpm=9, tpm=100, is_limited=True))
    with pytest.raises(LimitReached, match="100 tokens a minute"):
        again.reserve(10, 20)


def test_what_took_longer_than_a_minute_counts_when_it_ends() -> None:
    clock = ManualClock(1000.0)
    minute = Minute(100)
    one = Allowance(requests=None, tokens=minute, clock=clock.elapsed)
    one.reserve(10, 20)
    one.watch(lambda: 90)
    clock.advance_to(1200.0)
    one.settle()
    assert minute.used <= 90
    other = Allowance(requests=None, tokens=minute, clock=clock.elapsed)
    with pytest.raises(LimitReached, match="try again in"):
        other.reserve(10, 50)
    one.settle()
    assert minute.used <= 90
