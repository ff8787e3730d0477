"""Money caps hold: however many ask at once, by whichever door, over a restart, in any period."""

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.running import Running, running
from tests.upstream import Answer, completion, stream_of, upstream
from windsock.clock import SystemClock
from windsock.config.file import parse
from windsock.errors import ConfigError
from windsock.service.auth import new_key
from windsock.store.keys import VirtualKey, add_key

pytestmark = pytest.mark.anyio

MESSAGES = [{"role": "user", "content": "hello"}]
USED = {"prompt_tokens": 3, "completion_tokens": 1000, "total_tokens": 1003}
"""What an answer here has: at $2 a million tokens received, $0.002."""


def reply(body: dict[str, Any]) -> Answer:
    return Answer(body=completion(usage=USED), wait_s=0.02)


def config(url: str, caps: str, *, more: str = "") -> str:
    return f"""
[providers.a]
base_url = "{url}"
api_key = "sk-upstream-a"
price = {{ input = 0, output = 2 }}
[providers.b]
base_url = "{url}"
api_key = "sk-upstream-b"
price = {{ input = 0, output = 2 }}
[routes.auto]
candidates = ["a/m", "b/m"]
{more}
{caps}
"""


async def ask(here: Running, model: str = "auto", **facts: Any) -> httpx.Response:
    headers = {"authorization": f"Bearer {facts.pop('key')}"} if "key" in facts else {}
    path = facts.pop("path", "/v1/chat/completions")
    body = {"model": model, "messages": MESSAGES, "max_tokens": 1000, **facts}
    return await here.http.post(path, json=body, headers=headers)


async def spent_usd(here: Running) -> Decimal:
    await here.service.ledger.flushed()
    lines = (await here.http.get("/v1/report?by=route")).json()["data"]
    return sum((Decimal(str(line["cost_usd"] or 0)) for line in lines), Decimal(0))


@pytest.mark.parametrize(
    "limit",
    [
        '[caps.r]\nusd = 0.01\nroutes = ["auto"]',
        '[caps.p]\nusd = 0.01\nperiod = "week"\ntimezone = "Asia/Tokyo"\nproviders = ["a", "b"]',
    ],
)
async def test_two_hundred_at_once_pass_no_cap_by_more_than_one_call(
    limit: str, tmp_path: Path
) -> None:
    async with upstream(reply) as there, running(config(there.url, limit), tmp_path) as here:
        answers = await asyncio.gather(*(ask(here) for _ in range(200)))
        statuses = Counter(answer.status_code for answer in answers)
        assert set(statuses) == {200, 402}
        assert 4 <= statuses[200] <= 5
        assert await spent_usd(here) <= Decimal("0.012")
        while (await ask(here)).status_code == 200:
            pass
        assert await spent_usd(here) == Decimal("0.01")
        for door in ("a/m", "b/m", "m", "auto"):
            assert (await ask(here, door)).status_code == 402, door
            assert (await ask(here, door, path="/v1/messages")).status_code == 402, door
            assert (await ask(here, door, stream=True)).status_code == 402, door
            asked = await here.http.post("/v1/responses", json={"model": door, "input": "hi"})
            assert asked.status_code == 402, door
            asked = await here.http.post("/v1/completions", json={"model": door, "prompt": "hi"})
            assert asked.status_code == 402, door
            assert (await ask(here, door, path="/v1/route")).status_code == 402, door
        other = await ask(here, "nobody", models=["auto"])
        assert other.status_code == 402
        assert len(there.seen) == 5


async def test_a_key_spends_its_own_budget_and_no_other(tmp_path: Path) -> None:
    async with upstream(reply) as there, running(config(there.url, ""), tmp_path) as here:
        keys = {name: made(here, name, budget) for name, budget in BUDGETS.items()}
        await here.service.housekeeping.read_keys()
        for name, served in {"poor": 2, "rich": 3, "free": 3}.items():
            statuses = [(await ask(here, key=keys[name])).status_code for _ in range(3)]
            assert statuses.count(200) == served, name
        told = (await ask(here, key=keys["poor"])).json()["error"]
        assert told["code"] == "budget_spent"
        assert "keys." in told["message"]


BUDGETS = {"poor": Decimal("0.004"), "rich": Decimal(1), "free": None}


def made(here: Running, name: str, budget: Decimal | None, of: str = "default") -> str:
    """A key of this budget by the day."""
    key, public, digest = new_key()
    record = VirtualKey(
        id=public, name=name, sha256=digest, namespace=of, created_at=0.0,
        scopes=("infer", "read", "admin"), budget_usd=budget,
        budget_period="day" if budget else None,
    )  # fmt: skip
    add_key(here.service.engine, record)
    return key


async def test_each_key_has_the_whole_cap_and_calls_without_one_another(tmp_path: Path) -> None:
    cap = '[caps.each]\nusd = 0.004\neach = "key"\nkeys = ["team-*"]\n'
    async with upstream(reply) as there, running(config(there.url, cap), tmp_path) as here:
        keys = {name: made(here, name, None) for name in ("team-a", "team-b", "other")}
        await here.service.housekeeping.read_keys()
        served = {
            name: [(await ask(here, key=key)).status_code for _ in range(4)].count(200)
            for name, key in keys.items()
        }
        assert served == {"team-a": 2, "team-b": 2, "other": 4}


async def test_what_was_spent_is_known_after_a_restart_to_caps_new_in_the_file_too(
    tmp_path: Path,
) -> None:
    async with upstream(reply) as there:
        async with running(config(there.url, ""), tmp_path) as here:
            for model in ("auto", "a/m", "m"):
                assert (await ask(here, model)).status_code == 200
        caps = '[caps.all]\nusd = 0.008\n[caps.r]\nusd = 1\nroutes = ["auto"]\n'
        caps += '[caps.p]\nusd = 1\neach = "provider"\n'
        for spent in (0.006, 0.008):
            async with running(config(there.url, caps), tmp_path) as here:
                shown = {(c["cap"], c["of"]): c for c in await caps_of(here)}
                assert shown["all", None]["spent_usd"] == pytest.approx(spent)
                assert shown["r", None]["spent_usd"] == pytest.approx(spent)
                by_provider = [c["spent_usd"] for (cap, _), c in shown.items() if cap == "p"]
                assert sum(by_provider) == pytest.approx(spent)
                assert (await ask(here)).status_code == (200 if spent < 0.008 else 402)


async def caps_of(here: Running) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await here.http.get("/v1/caps")).json()["data"]
    return found


@dataclass
class Shifted:
    """The machine's clock, which can be set forward."""

    ahead_s: float = 0.0
    clock: SystemClock = field(default_factory=SystemClock)

    def now(self) -> float:
        return self.clock.now() + self.ahead_s

    def elapsed(self) -> float:
        return self.clock.elapsed()


async def test_a_raise_holds_for_a_while_and_over_a_restart(tmp_path: Path) -> None:
    clock = Shifted()
    cap = '[caps.all]\nusd = 0.002\nperiod = "week"\n'
    async with upstream(reply) as there:
        async with running(config(there.url, cap), tmp_path, clock=clock) as here:
            assert [(await ask(here)).status_code for _ in range(2)] == [200, 402]
            wrong = await here.http.post("/v1/caps/nope/raise", json={"usd": 1})
            assert wrong.status_code == 404
            for body in ({"usd": 0}, {"usd": 1, "lasts": "60d"}, {"usd": 1, "lasts": "soon"}, {}):
                assert (await here.http.post("/v1/caps/all/raise", json=body)).status_code == 400
            more = await here.http.post("/v1/caps/all/raise", json={"usd": 0.004, "lasts": "2h"})
            assert more.json()["data"][0]["raised_usd"] == pytest.approx(0.004)
            assert (await ask(here)).status_code == 200
        async with running(config(there.url, cap), tmp_path, clock=clock) as here:
            assert [(await ask(here)).status_code for _ in range(2)] == [200, 402]
            clock.ahead_s += 7201.0
            assert (await caps_of(here))[0]["raised_usd"] == 0.0
            clock.ahead_s += 7 * 86_400.0
            assert (await ask(here)).status_code == 200


async def test_events_tell_of_half_of_four_fifths_and_of_all(tmp_path: Path) -> None:
    cap = "[caps.all]\nusd = 0.01\n"
    clock = Shifted()
    clock.ahead_s = (3600 - clock.now()) % 86_400.0
    async with (
        upstream(reply) as there,
        running(config(there.url, cap), tmp_path, clock=clock) as here,
    ):
        for _ in range(6):
            await ask(here)
        await here.service.ledger.flushed()
        told = (await here.http.get("/v1/events?kind=cap")).json()["data"]
        seen = [(each["event"], each.get("share")) for each in told]
        assert seen == [
            ("cap.outpaced", None), ("cap.neared", 0.5), ("cap.neared", 0.8), ("cap.spent", 1.0),
        ]  # fmt: skip
        assert told[0]["spent_at"] == pytest.approx(clock.now() + 4 * 3600, abs=600)
        assert {each["namespace"] for each in told} == {"default"}
        text = (await here.http.get("/metrics")).text
        assert 'windsock_cap_spent_usd{cap="all",of=""} 0.01' in text
        assert 'windsock_cap_refused_total{cause="all"} 1.0' in text
        assert 'windsock_events_total{event="cap.spent"} 1.0' in text


async def test_refusals_and_kept_answers_stand_in_the_report(tmp_path: Path) -> None:
    caps = "[cache]\nenabled = true\n[caps.all]\nusd = 0.002\n"
    async with upstream(reply) as there, running(config(there.url, caps), tmp_path) as here:
        assert (await ask(here, temperature=0)).status_code == 200
        kept = await ask(here, temperature=0)
        assert kept.headers["x-windsock-saved-usd"] == "0.002"
        refused = await ask(here)
        assert refused.status_code == 402
        assert int(refused.headers["retry-after"]) <= 86_400
        assert refused.headers["x-should-retry"] == "false"
        here.service.uncalled.flush()
        await here.service.ledger.flushed()
        (line,) = (await here.http.get("/v1/report?by=route")).json()["data"]
        assert (line["requests"], line["refused"], line["cache_hits"]) == (1, 1, 1)
        assert line["saved_usd"] == pytest.approx(0.002)
        lines = (await here.http.get("/v1/report?by=deployment")).json()["data"]
        assert [each["refused"] for each in lines if each["deployment"] is None] == [1]
        assert "windsock_cache_saved_usd_total 0.002" in (await here.http.get("/metrics")).text


async def test_a_cut_stream_costs_what_had_come_of_it(tmp_path: Path) -> None:
    words = ["word " * 400] * 5

    def drip(body: dict[str, Any]) -> Answer:
        return Answer(events=stream_of(words, usage=False, done=False)[:4], cut=True)

    cap = "[caps.all]\nusd = 1\n"
    async with upstream(drip) as there, running(config(there.url, cap), tmp_path) as here:
        asked = await ask(here, "a/m", stream=True, max_tokens=5000)
        assert asked.status_code == 200
        (account,) = await caps_of(here)
        assert account["reserved_usd"] == 0.0
        assert 0.0012 < account["spent_usd"] < 0.01
        assert float(await spent_usd(here)) == pytest.approx(account["spent_usd"])


async def test_what_nobody_answers_costs_nothing_and_holds_nothing(tmp_path: Path) -> None:
    def down(body: dict[str, Any]) -> Answer:
        return Answer(body={"error": {"message": "down"}}, status=503)

    cap = "[caps.all]\nusd = 0.01\n"
    async with upstream(down) as there, running(config(there.url, cap), tmp_path) as here:
        assert {(await ask(here)).status_code for _ in range(3)} <= {502, 503}
        (account,) = await caps_of(here)
        assert (account["spent_usd"], account["reserved_usd"]) == (0.0, 0.0)


async def test_a_spent_provider_leaves_the_others_to_be_asked(tmp_path: Path) -> None:
    cap = '[caps.a]\nusd = 0.002\nproviders = ["a"]\n'
    async with upstream(reply) as there, running(config(there.url, cap), tmp_path) as here:
        answers = [await ask(here) for _ in range(8)]
        assert {answer.status_code for answer in answers} == {200}
        served = Counter(answer.headers["x-windsock-deployment"] for answer in answers)
        assert served["a/m"] <= 1
        assert (await ask(here, "a/m")).status_code == (200 if not served["a/m"] else 402)
        refused = await ask(here, "a/m")
        assert refused.status_code == 402
        assert refused.json()["error"]["code"] == "budget_spent"


async def test_money_that_calls_under_way_hold_is_to_be_asked_for_again(tmp_path: Path) -> None:
    def slow(body: dict[str, Any]) -> Answer:
        return Answer(body=completion(usage=USED), wait_s=0.3)

    cap = "[caps.all]\nusd = 0.003\n"
    async with upstream(slow) as there, running(config(there.url, cap), tmp_path) as here:
        first = asyncio.ensure_future(ask(here))
        await asyncio.sleep(0.1)
        second = await ask(here)
        assert second.status_code == 402
        assert second.json()["error"]["code"] == "budget_reserved"
        assert second.headers["retry-after"] == "1"
        assert second.headers["x-should-retry"] == "true"
        assert (await first).status_code == 200
        assert (await ask(here)).status_code == 200
        assert (await ask(here)).json()["error"]["code"] == "budget_spent"


async def test_a_second_call_beside_a_late_one_is_reserved_for_too(tmp_path: Path) -> None:
    """Each reserves; where there is room for one only, there is no second."""
    cap = "[caps.all]\nusd = 0.003\n"
    more = "hedge = 0.2"
    async with (
        upstream(reply) as there,
        running(config(there.url, cap, more=more), tmp_path) as here,
    ):
        answers = await asyncio.gather(*(ask(here) for _ in range(20)))
        assert Counter(answer.status_code for answer in answers)[200] == 1
        assert await spent_usd(here) == Decimal("0.002")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("usd = 0", "greater than 0"),
        ("usd = nan", "finite"),
        ('usd = 1\nperiod = "year"', "'day', 'week', 'month' or 'total'"),
        ('usd = 1\ntimezone = "Mars/Base"', "Europe/Berlin"),
        ('usd = 1\neach = "team"', "'key', 'route', 'provider' or 'model'"),
        ("usd = 1\nlimit = 2", "unknown key"),
    ],
)
def test_a_wrong_cap_is_told_in_one_sentence(line: str, said: str) -> None:
    with pytest.raises(ConfigError, match=r"caps\.x") as caught:
        parse(f"[caps.x]\n{line}\n", {}, source="windsock.toml")
    assert said in str(caught.value)


async def test_a_cap_written_while_it_runs_knows_what_was_spent(tmp_path: Path) -> None:
    async with upstream(reply) as there, running(config(there.url, ""), tmp_path) as here:
        for _ in range(2):
            assert (await ask(here)).status_code == 200
        await here.service.ledger.flushed()
        caps = '[caps.new]\nusd = 0.004\nroutes = ["auto"]\n'
        keeper = here.service.housekeeping.caps
        keeper.adopt(parse(config(there.url, caps), {}, source="windsock.toml"))
        await here.service.housekeeping.read_keys()
        assert [each["spent_usd"] for each in await caps_of(here)] == [pytest.approx(0.004)]
        assert (await ask(here, "a/m")).status_code == 402
        keeper.adopt(parse(config(there.url, ""), {}, source="windsock.toml"))
        assert (await ask(here)).status_code == 200


async def test_a_namespace_sees_and_raises_what_its_own_keys_have(tmp_path: Path) -> None:
    caps = '[caps.all]\nusd = 1\n[caps.each]\nusd = 1\neach = "key"\n'
    async with upstream(reply) as there, running(config(there.url, caps), tmp_path) as here:
        ours, theirs = (made(here, name, Decimal(1), of=name) for name in ("default", "other"))
        await here.service.housekeeping.read_keys()
        for key in (ours, theirs):
            assert (await ask(here, key=key)).status_code == 200
        seen = {}
        for name, key in (("default", ours), ("other", theirs)):
            headers = {"authorization": f"Bearer {key}"}
            listed = (await here.http.get("/v1/caps", headers=headers)).json()["data"]
            seen[name] = [each["cap"].partition(".")[0] for each in listed]
            for cap, status in (("all", 200 if name == "default" else 404),
                                (f"keys.{theirs.split('-')[2]}", 200)):  # fmt: skip
                path = f"/v1/caps/{cap}/raise"
                more = await here.http.post(path, json={"usd": 1}, headers=headers)
                assert more.status_code == status, (name, cap)
        assert sorted(seen["default"]) == ["all", "each", "each", "keys", "keys"]
        assert sorted(seen["other"]) == ["each", "keys"]
