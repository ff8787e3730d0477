"""The tier that is asked for is expected, the one that answered is billed: in each dialect."""

from dataclasses import replace
from decimal import Decimal

import pytest

from tests.running import config_of, running
from tests.upstream import Answer, completion, upstream

TURN = {"role": "user", "content": "hi"}
CHAT = ("/v1/chat/completions", {"messages": [TURN]})
MESSAGES = ("/v1/messages", {"messages": [TURN], "max_tokens": 99})
RESPONSES = ("/v1/responses", {"input": "hi"})
PLAIN_USD = (12 * 1 + 3 * 4) / 1e6
"""What the completion costs in the usual tier."""
TIERS = {"flex": Decimal("0.5"), "priority": Decimal(2), "batch": Decimal("0.5")}


def state_tiers(it) -> None:
    """acme/m is stated to have prices of service tiers."""
    now = it.service.clock.now()
    known = it.service.router.book.believed("acme/m", now)
    tiers = {
        name: {meter: usd * times for meter, usd in known.usd_per_mtok.items()}
        for name, times in TIERS.items()
    }
    it.service.ingestion.on_quote(replace(known, service_tiers=tiers, seen_at=now), now)


@pytest.mark.parametrize(
    ("call", "asked", "sent", "times"),
    [
        (CHAT, {"service_tier": "flex"}, "flex", 0.5),
        (CHAT, {"service_tier": "priority"}, "priority", 2),
        (CHAT, {"service_tier": "fast"}, "fast", 2),
        (CHAT, {"service_tier": "default"}, "default", 1),
        (RESPONSES, {"service_tier": "flex"}, "flex", 0.5),
        (MESSAGES, {"speed": "fast"}, "fast", 2),
        (MESSAGES, {"service_tier": "standard_only"}, "default", 1),
        (MESSAGES, {"service_tier": "auto"}, "auto", 1),
    ],
)
async def test_the_tier_asked_for_goes_upstream_and_the_one_that_answered_is_billed(
    tmp_path, call, asked, sent, times
) -> None:
    path, body = call
    answer = completion(service_tier="default" if sent == "priority" else sent)
    config = config_of(("acme", "URL", 1.0))
    async with (
        upstream(lambda _: Answer(answer)) as acme,
        running(config.replace("URL", acme.url), tmp_path) as it,
    ):
        state_tiers(it)
        response = await it.http.post(path, json={"model": "auto", **body, **asked})
        assert response.status_code == 200, response.text
        await it.service.ledger.flushed()
        name = response.headers["x-windsock-decision-id"]
        kept = (await it.http.get(f"/v1/decisions/{name}")).json()
        answered = 1 if sent == "priority" else times
        assert kept["cost_usd"] == pytest.approx(PLAIN_USD * answered), "a downgrade costs as usual"
        assert acme.seen[0]["service_tier"] == sent


async def test_the_tier_asked_for_is_expected(tmp_path) -> None:
    async with running(config_of(("acme", "http://127.0.0.1:9/v1", 1.0)), tmp_path) as it:
        state_tiers(it)
        _, body = CHAT
        usd = {}
        for tier in (None, "default", "flex", "fast", "priority", "unheard"):
            ask = {"model": "auto", **body, **({"service_tier": tier} if tier else {})}
            (told,) = (await it.http.post("/v1/route", json=ask)).json()["candidates"]
            usd[tier] = told["expected_usd"]
        times = {tier: told / usd[None] for tier, told in usd.items()}
        usual = {None: 1, "default": 1, "unheard": 1}
        assert times == pytest.approx({**usual, "flex": 0.5, "fast": 2, "priority": 2})


async def test_an_unknown_speed_is_told_in_anthropics_format(tmp_path) -> None:
    async with running(config_of(("acme", "http://127.0.0.1:9/v1", 1.0)), tmp_path) as it:
        path, body = MESSAGES
        told = await it.http.post(path, json={"model": "auto", **body, "speed": "ludicrous"})
        assert told.status_code == 400
        assert told.json()["error"]["type"] == "invalid_request_error"
        assert "speed" in told.json()["error"]["message"]
