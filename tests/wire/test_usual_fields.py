"""A body with usual fields alone is read the short way, which tells the same as the long one."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from windsock.errors import BadRequest
from windsock.wire.formats.chat.fields import USUAL
from windsock.wire.formats.chat.reading import read_chat
from windsock.wire.request import UpstreamRequest

ROLES = st.sampled_from(["system", "user", "assistant", "tool", "developer", ""])
CONTENT = st.one_of(
    st.text(max_size=20),
    st.just("word " * 1200),
    st.none(),
    st.just([{"type": "text", "text": "a"}]),
    st.just([{"type": "image_url", "image_url": {"url": "data:,"}}]),
)
TURN = st.fixed_dictionaries(
    {"role": ROLES},
    optional={"content": CONTENT, "name": st.just("a"), "tool_call_id": st.just("b")},
)
VALUE = st.one_of(
    st.none(), st.booleans(), st.integers(-1, 9), st.floats(0, 2), st.just("auto"), st.just({}),
    st.just({"include_usage": True}), st.just({"include": True}), st.just(["a"]),
)  # fmt: skip
BESIDE = st.dictionaries(st.sampled_from(sorted(USUAL - {"model", "messages"})), VALUE, max_size=4)


def read(body: dict[str, Any]) -> tuple[Any, ...] | str:
    """What was read of it, less the bytes themselves; or why not."""
    try:
        asked = read_chat(json.dumps(body).encode(), namespace="n", key_id="k")
    except BadRequest as error:
        return str(error)
    return tuple(
        getattr(asked, name)
        for name in UpstreamRequest.__dataclass_fields__
        if name not in {"raw", "kept_fields"}
    )


@given(st.lists(TURN, max_size=4), BESIDE)
@settings(max_examples=150, deadline=None)
def test_the_short_way_tells_the_same_as_the_long_one(
    turns: list[dict[str, Any]], beside: dict[str, Any]
) -> None:
    body = {"model": "auto", "messages": turns, **beside}
    assert body.keys() <= USUAL
    assert read(body) == read({**body, "metadata": None})


LOOKED_AT = ["tools", "user", "session_id", "metadata", "provider", "plugins", "n", "logprobs",
             "web_search_options", "response_format"]  # fmt: skip


@pytest.mark.parametrize("field", LOOKED_AT)
def test_what_has_to_be_looked_at_is_not_usual(field: str) -> None:
    assert field not in USUAL
