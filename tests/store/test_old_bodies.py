"""Bodies that were stored before segments were fields and reasons had codes."""

import json

import pytest

from tests.builders import MID, START, request, router
from windsock.core.model.decisions import Decision, WeightTable
from windsock.core.model.exclusions import Exclusion, ExclusionCode, exclusion_of
from windsock.core.model.requests import Cell
from windsock.store.codec import decode, encode

NAMES = {
    "sql": ("sql", ""),
    "sql#1.0": ("sql", "1.0"),
    "c#": ("c#", ""),
    "c#sharp": ("c#sharp", ""),
    "c##12.3": ("c#", "12.3"),
    "#1.2.3": ("#1.2.3", ""),
    "issue#5": ("issue#5", ""),
}


@pytest.mark.parametrize("name", NAMES)
def test_a_segment_is_read_from_the_end_of_a_name_and_a_hash_stays(name: str) -> None:
    decision = router().open(request(), START).decision
    body = json.loads(encode(decision))
    body["cell"] = ["default", "auto", name]
    found = decode(Decision, json.dumps(body)).cell
    assert found == Cell("default", "auto", *NAMES[name])
    assert found.name == name
    assert decode(Decision, encode(decode(Decision, json.dumps(body)))).cell == found


def test_sentences_of_old_tables_get_their_codes() -> None:
    table = router().table("default", "auto", "sql", START)
    body = json.loads(encode(table))
    del body["codes"]
    body["ruled_out"] = {MID: "does not call tools", "x/y": "cooling down for 5 s after timed out"}
    found = decode(WeightTable, json.dumps(body))
    assert found.ruled_out[MID] == Exclusion(ExclusionCode.NO_TOOLS, "does not call tools")
    assert found.ruled_out["x/y"].code is ExclusionCode.UNHEALTHY
    assert decode(WeightTable, encode(found)) == found


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("input costs $9 per million, above the caller's $1", ExclusionCode.ABOVE_CEILING),
        ("no feed quotes a price", ExclusionCode.UNPRICED),
        ("left out by a rule of the route", ExclusionCode.RULE),
        ("p95 to first content is 900 ms, ceiling 500 ms", ExclusionCode.TOO_SLOW),
    ],
)
def test_a_sentence_tells_its_kind(text: str, code: ExclusionCode) -> None:
    assert exclusion_of(text) == Exclusion(code, text)
