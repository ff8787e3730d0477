"""A price is stored as JSON under names that stay, and read back exactly."""

from __future__ import annotations

import json
import math
from decimal import Decimal

import pytest

from tests.builders import START, quote
from windsock.core.model.ticks import Quote, Tier, Window
from windsock.core.model.units import Meter
from windsock.core.pricing.consensus.timeline import PriceTimeline
from windsock.core.pricing.rules import DEFAULT_RULES
from windsock.core.pricing.state import (
    quote_of_state,
    quote_state,
    timeline_of_state,
    timeline_state,
)
from windsock.core.pricing.validation import Held

FULL = Quote(
    deployment="acme/small",
    feed="sheet",
    feed_model="small-1",
    usd_per_mtok={Meter.INPUT: Decimal("0.10"), Meter.OUTPUT: Decimal("1e-9")},
    tiers=(
        Tier(min_prompt_tokens=200_000, is_strict=False, usd_per_mtok={Meter.INPUT: Decimal(2)}),
        Tier(min_prompt_tokens=400_000, is_strict=True, usd_per_mtok={Meter.INPUT: Decimal(3)}),
    ),
    windows=(
        Window(
            days=frozenset({7, 6}),
            start_minute=60,
            end_minute=1380,
            timezone="Europe/Berlin",
            usd_per_mtok={Meter.OUTPUT: Decimal("0.5")},
            min_prompt_tokens=1000,
        ),
    ),
    service_tiers={"flex": {Meter.INPUT: Decimal("0.05")}},
    quoted_at=START - 60.0,
    seen_at=START,
    valid_from=START + 60.0,
    valid_until=START + 3600.0,
    currency="EUR",
    zero_reason="promo",
    trust=0.75,
    is_indirect=True,
)
STORED = {
    "deployment": "acme/small",
    "feed": "sheet",
    "feed_model": "small-1",
    "usd_per_mtok": {"input": "0.10", "output": "1E-9"},
    "tiers": [[200_000, False, {"input": "2"}], [400_000, True, {"input": "3"}]],
    "windows": [[[6, 7], 60, 1380, "Europe/Berlin", {"output": "0.5"}, 1000]],
    "service_tiers": {"flex": {"input": "0.05"}},
    "quoted_at": START - 60.0,
    "seen_at": START,
    "valid_from": START + 60.0,
    "valid_until": START + 3600.0,
    "currency": "EUR",
    "zero_reason": "promo",
    "trust": 0.75,
    "is_indirect": True,
}


def test_a_quote_is_stored_under_names_that_stay_and_read_back_exactly() -> None:
    assert quote_state(FULL) == STORED
    assert quote_of_state(json.loads(json.dumps(STORED))) == FULL
    assert str(quote_of_state(STORED).usd_per_mtok[Meter.INPUT]) == "0.10"


def test_a_window_from_before_prompts_had_a_bound_holds_for_all() -> None:
    days, start, end, timezone, prices, _ = STORED["windows"][0]  # type: ignore[index]
    (window,) = quote_of_state(
        {**STORED, "windows": [[days, start, end, timezone, prices]]}
    ).windows
    assert window.min_prompt_tokens == 0
    assert (window.start_minute, window.timezone) == (60, "Europe/Berlin")


def timeline() -> PriceTimeline:
    waiting = quote(usd=3.0, feed="list")
    return PriceTimeline(
        rules=DEFAULT_RULES,
        accepted=[quote(usd=1.0), quote(usd=2.0, seen_at=START + 60.0)],
        statements={"sheet": quote(usd=2.0), "list": waiting},
        held={
            ("list", START + 90.0): Held(
                quote=waiting, reason="rises", since=START, polls=2, needs=3, is_final=False
            ),
            ("sheet", None): Held(quote=FULL, reason="no price", since=START + 1.0, is_final=True),
        },
        refused={"list": quote(usd=9.0, feed="list")},
        vanished={"sheet": START + 30.0},
        confirmed_at=START + 20.0,
        anchor=quote(usd=0.5),
        anchored_at=START + 10.0,
    )


def test_all_that_is_known_of_a_price_is_stored_and_read_back_under_the_rules_of_today() -> None:
    known = timeline()
    known_held = {key: held for key, held in known.held.items() if key[0] == held.quote.feed}
    assert known_held == known.held
    state = json.loads(json.dumps(timeline_state(known)))
    assert timeline_of_state(state, DEFAULT_RULES) == known
    assert timeline_of_state(state, DEFAULT_RULES).rules is DEFAULT_RULES


def test_a_price_is_stored_under_names_that_stay() -> None:
    state = timeline_state(timeline())
    assert list(state) == [
        "accepted",
        "said",
        "held",
        "refused",
        "vanished",
        "confirmed_at",
        "anchor",
        "anchored_at",
    ]
    waiting, final = state["held"]
    assert {name: waiting[name] for name in waiting if name != "quote"} == {
        "valid_from": START + 90.0,
        "reason": "rises",
        "since": START,
        "polls": 2,
        "needs": 3,
        "is_final": False,
    }
    assert final["quote"] == STORED
    assert final["valid_from"] is None


@pytest.mark.parametrize("name", ["confirmed_at", "anchored_at"])
def test_what_never_happened_is_stored_as_nothing(name: str) -> None:
    state = timeline_state(PriceTimeline(rules=DEFAULT_RULES))
    assert state[name] is None
    assert state["anchor"] is None
    again = timeline_of_state(json.loads(json.dumps(state)), DEFAULT_RULES)
    assert getattr(again, name) == -math.inf
    assert again.anchor is None
