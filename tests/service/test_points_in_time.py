"""Queries name a point in time as people do: how long ago, a date, or unix seconds."""

from __future__ import annotations

import json

import httpx
import pytest

from tests.running import config_of, running
from tests.upstream import Answer, completion, upstream
from windsock.resources.declared import point

NOW = 1_795_900_000.0

GOOD = {
    "1h": NOW - 3600,
    "7d": NOW - 7 * 86400,
    "90 s": NOW - 90,
    "0s": NOW,
    "1795900000": NOW,
    "1795900000.5": NOW + 0.5,
    "-5": -5.0,
    "1970-01-02": 86400.0,
    "1970-01-01T01:00:00Z": 3600.0,
    "1970-01-01T01:00:00+01:00": 0.0,
    "1970-01-01T01:00:00 01:00": 0.0,
}
BAD = ("yesterday", "1", "nan", "inf", "1e400", "5 parsecs", "2026-13-01", "9" * 400, "", "1h ago")


@pytest.mark.parametrize(("text", "at"), GOOD.items())
def test_a_point_in_time(text, at) -> None:
    assert point(text, NOW) == at


@pytest.mark.parametrize("text", [each for each in BAD if each != "1"])
def test_what_is_none(text) -> None:
    with pytest.raises(ValueError, match=r"is no point in time|is not a duration"):
        point(text, NOW)


CALLS = {
    "/v1/decisions": ("since", "until"),
    "/v1/events": ("since",),
    "/v1/report": ("since", "until"),
    "/v1/spend": ("since",),
    "/v1/deployments/history": ("since",),
    "/v1/prices/history?deployment=acme/m": ("since", "until"),
    "/v1/weights": ("at",),
}


async def test_every_call_that_takes_one_takes_it_in_every_form(tmp_path) -> None:
    async with upstream(lambda _: Answer(completion())) as model:
        async with running(config_of(("acme", model.url, 1.0)), tmp_path) as it:
            for path, names in CALLS.items():
                for name in names:
                    for text in GOOD:
                        answer = await asked(it.http, path, name, text)
                        status = 400 if text.startswith("-") else 200
                        assert answer.status_code == status, (path, name, text)
                    for text in ("yesterday", "nan", "9" * 40):
                        refused = await asked(it.http, path, name, text)
                        error = refused.json()["error"]
                        assert (refused.status_code, error["param"]) == (400, name), (path, text)
                        assert "such as 1h or 7d" in error["message"]


async def test_an_hour_back_holds_what_was_asked_just_now(tmp_path) -> None:
    async with upstream(lambda _: Answer(completion())) as model:
        async with running(config_of(("acme", model.url, 1.0)), tmp_path) as it:
            ask = {"model": "auto", "messages": [{"role": "user", "content": "hi"}]}
            await it.http.post("/v1/chat/completions", json=ask)
            await it.service.ledger.flushed()
            held = await it.http.get("/v1/decisions", params={"since": "1h"})
            before = await it.http.get("/v1/decisions", params={"since": "2d", "until": "1d"})
            assert len(held.text.splitlines()) == 1
            assert json.loads(held.text)["requested_model"] == "auto"
            assert before.text == ""


async def asked(http: httpx.AsyncClient, path: str, name: str, text: str) -> httpx.Response:
    place, _, query = path.partition("?")
    return await http.get(place, params={**dict(httpx.QueryParams(query)), name: text})
