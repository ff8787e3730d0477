"""Where something may stand in a body is told without looking path by path, and never missed."""

from itertools import combinations
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from windsock.wire.json_codec import at, beginnings, may_hold

PATHS = ("cost", "usage.cost", "usage.cost_details.upstream", "usage.speed", "meta.usage.cost")
NAMES = ("cost", "usage", "cost_details", "upstream", "speed", "meta", "else")

values = st.recursive(
    st.sampled_from([None, 0, "x", []]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(NAMES), inner),
    max_leaves=12,
)


@given(body=st.dictionaries(st.sampled_from(NAMES), values))
def test_what_stands_at_a_path_is_never_missed(body: dict[str, Any]) -> None:
    for count in (1, 2, len(PATHS)):
        for paths in combinations(PATHS, count):
            if any(at(body, path) is not None for path in paths):
                assert may_hold(body, beginnings(paths)), paths


def test_a_body_with_nothing_near_holds_nothing() -> None:
    begins = beginnings(PATHS)
    assert not may_hold({}, begins)
    assert not may_hold({"usage": {"prompt_tokens": 3}, "model": "m"}, begins)
    assert not may_hold({"usage": None, "cost": None}, begins)
    assert may_hold({"usage": {"speed": "fast"}}, begins)
    assert may_hold({"cost": 0}, begins)
