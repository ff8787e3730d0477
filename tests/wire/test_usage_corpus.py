"""What providers really send is counted to the cent; nonsense is never a number."""

import json
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.upstream import completion
from tests.usage_rows import REPORTED, ROWS, placed, prices_of
from windsock.core.evidence.usage_check import checked_usage
from windsock.core.model.catalog import Capabilities
from windsock.core.model.units import Family, Usage, cost_usd
from windsock.core.pricing.call_costs import is_plausible_bill
from windsock.providers.presets import Preset, known_providers, traits_of
from windsock.wire.formats.openai_chat_stream import ChatStreamScanner
from windsock.wire.formats.openai_usage import facts_of, usage_of
from windsock.wire.formats.usage.fields import MOST, merged

EXACT = [row for row in ROWS if row["cost_usd"] is not None]
OWN = Usage(input_tokens=50, output_tokens=30)


def cost_of(row: dict) -> Decimal:
    """What the rules make of one row, without a service."""
    usage = row["usage"]
    for earlier in reversed(row.get("before", [])):
        usage = merged(earlier, usage)
    preset = known_providers().get(row.get("provider", ""), Preset(id="acme"))
    said = facts_of(placed(row, completion(), usage), traits_of(preset))
    prices = prices_of(row.get("tiers", {}).get(said.service_tier, row["usd_per_mtok"]))
    checked = checked_usage(said.usage, said.unsaid, OWN, Capabilities())
    assert not checked.is_estimated
    reckoned = cost_usd(checked.usage.counts(), prices)
    billed = said.billed_usd
    is_believed = billed and is_plausible_bill(billed, checked.usage, prices, reckoned)
    return billed if is_believed else reckoned


@pytest.mark.parametrize("row", EXACT, ids=[row["id"] for row in EXACT])
def test_each_row_costs_what_it_cost(row: dict) -> None:
    assert cost_of(row) == Decimal(str(row["cost_usd"]))


def test_each_row_has_a_source() -> None:
    assert len(REPORTED) >= 30
    assert all(row["source"].startswith("https://") for row in REPORTED)
    assert len({row["id"] for row in ROWS}) == len(ROWS)


def test_what_is_not_said_is_told_apart_from_nothing() -> None:
    (row,) = [row for row in ROWS if row["id"] == "negative-completion"]
    said = facts_of({"usage": row["usage"]}, traits_of(Preset(id="acme")))
    assert said.unsaid == {Family.ANSWER}
    assert said.usage.prompt_tokens == row["usage"]["prompt_tokens"]


@pytest.mark.parametrize(
    "junk", ["twelve", -5, 0.5, True, None, [], [1], {}, {"tokens": 3}, float("nan"), 2**70]
)
@pytest.mark.parametrize(
    "place", ["cached_tokens", "prompt_tokens_details", "completion_tokens_details", "total_tokens"]
)
def test_a_nonsense_field_empties_no_other(place: str, junk: object) -> None:
    stated = {"prompt_tokens": 100, "completion_tokens": 30, "total_tokens": 130, place: junk}
    assert usage_of({"usage": stated}) == Usage(input_tokens=100, output_tokens=30)


@pytest.mark.parametrize("junk", ["twelve", -5, 0.5, True, None, [], {}])
def test_what_a_total_tells_needs_no_other_word(junk: object) -> None:
    without_answer = {"prompt_tokens": 100, "completion_tokens": junk, "total_tokens": 130}
    without_prompt = {"prompt_tokens": junk, "completion_tokens": 30, "total_tokens": 130}
    whole = Usage(input_tokens=100, output_tokens=30)
    assert usage_of({"usage": without_answer}) == whole
    assert usage_of({"usage": without_prompt}) == whole


@pytest.mark.parametrize("stated", [{}, {"prompt_tokens": 0, "completion_tokens": 0}, {"a": "b"}])
def test_an_object_of_nothing_is_no_count(stated: dict) -> None:
    assert usage_of({"usage": stated}) is None


KEYS = st.sampled_from(
    sorted({key for row in ROWS for key in row["usage"]} | {"audio_tokens", "cached_tokens"})
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=6),
    max_leaves=20,
)
LIMITS = st.builds(
    Capabilities,
    context_tokens=st.none() | st.integers(1, 10**6),
    max_output_tokens=st.none() | st.integers(1, 10**6),
)


@given(usage=st.dictionaries(KEYS, JSON, max_size=12), has=LIMITS)
@settings(max_examples=400, deadline=None)
def test_any_json_gives_counts_that_can_be(usage: dict, has: Capabilities) -> None:
    said = facts_of({"usage": usage}, traits_of(known_providers()["perplexity"]))
    for count in said.usage.mix() if said.usage else ():
        assert 0 <= count < 8 * MOST
    used = checked_usage(said.usage, said.unsaid, OWN, has).usage
    assert all(0 <= count <= 10**6 * 1.03 + 10**5 for count in used.mix())
    assert said.billed_usd is None or said.billed_usd >= 0


@given(body=st.dictionaries(st.sampled_from(["usage", "x_groq", "choices", "response"]), JSON))
@settings(max_examples=200, deadline=None)
def test_any_body_is_read(body: dict) -> None:
    facts_of(body, traits_of(Preset(id="acme")))


@given(usages=st.lists(st.dictionaries(KEYS, JSON, max_size=6), max_size=3))
@settings(max_examples=200, deadline=None)
def test_any_stream_is_read(usages: list[dict]) -> None:
    scanner = ChatStreamScanner()
    for usage in usages:
        line = json.dumps({"choices": [], "usage": usage})
        list(scanner.feed(b"data: " + line.encode() + b"\n\n"))
    scanner.facts()
