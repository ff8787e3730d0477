"""GET /v1/keys: what each key may do, and what is spent and left of its budget; never a key."""

from decimal import Decimal
from typing import Any

import pytest

from tests.service.test_key_limits import START, limited
from windsock.cli.keys.key_book import MadeKey

DAY = 86_400.0


async def seen(it: Any, key: MadeKey) -> dict[str, dict[str, Any]]:
    headers = {"authorization": f"Bearer {key.secret}"}
    answer = await it.it.http.get("/v1/keys", headers=headers)
    assert key.secret not in answer.text and "sha256" not in answer.text
    return {each["name"]: each for each in answer.json()["data"]}


async def test_a_budget_is_told_with_what_is_spent_left_and_how_fast_it_goes(tmp_path) -> None:
    async with limited(tmp_path) as it:
        key = await it.key(
            budget_usd=Decimal("0.01"), budget_period="day", rpm=600, models=["auto"]
        )
        it.wait(DAY - it.clock.now() % DAY + 3 * 3600)
        for _ in range(2):
            assert (await it.chat(key)).status_code == 200
        mine = (await seen(it, key))["test"]
    budget = mine["budget"]
    assert (mine["state"], mine["rpm"], mine["models"]) == ("active", 600, ["auto"])
    assert budget["spent_usd"] > 0 and budget["usd"] == 0.01
    assert budget["left_usd"] == pytest.approx(0.01 - budget["spent_usd"])
    elapsed = it.clock.now() - budget["begins_at"]
    assert budget["usd_per_day"] == pytest.approx(budget["spent_usd"] * DAY / elapsed)


async def test_within_the_first_hour_of_a_period_no_pace_is_told(tmp_path) -> None:
    async with limited(tmp_path) as it:
        key = await it.key(budget_usd=Decimal(1), budget_period="day")
        it.wait(DAY - it.clock.now() % DAY + 60)
        await it.chat(key)
        assert (await seen(it, key))["test"]["budget"]["usd_per_day"] is None


async def test_a_key_in_anothers_place_shows_the_budget_that_goes_on(tmp_path) -> None:
    async with limited(tmp_path) as it:
        old = await it.key(budget_usd=Decimal(1), budget_period="day")
        await it.chat(old)
        it.wait(60)
        new = it.book.rotate(old.key.id, "1h")
        await it.it.service.housekeeping.read_keys()
        answer = await it.it.http.get("/v1/keys", headers={"x-api-key": new.secret})
    newest, older = answer.json()["data"]
    assert newest["continues"] == older["id"] == old.key.id
    assert newest["budget"]["spent_usd"] == older["budget"]["spent_usd"] > 0
    assert older["expires_at"] == START + 3660


async def test_keys_that_ended_come_last_and_say_how(tmp_path) -> None:
    async with limited(tmp_path) as it:
        mine = await it.key()
        for name, ends in (("brief", "1h"), ("gone", None)):
            made = it.book.create(name, expires=ends)
            if ends is None:
                it.book.revoke(made.key.id)
        it.wait(2 * 3600)
        await it.it.service.housekeeping.read_keys()
        found = await seen(it, mine)
    assert next(iter(found)) == "test"
    assert {found["brief"]["state"], found["gone"]["state"]} == {"expired", "revoked"}
    assert found["brief"]["budget"] is None


async def test_another_namespace_sees_its_own_keys_only(tmp_path) -> None:
    async with limited(tmp_path) as it:
        await it.key()
        theirs = it.book.create("theirs", namespace="others", scopes=["read"])
        await it.it.service.housekeeping.read_keys()
        assert set(await seen(it, theirs)) == {"theirs"}
