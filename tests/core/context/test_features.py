"""Cheap features: pure, bounded, and telling."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from windsock.core.context.features import NAMES, features
from windsock.wire.prompt_features import features_of


def named(*texts: str, **facts: object) -> dict[str, float]:
    return dict(zip(NAMES, features(texts, **facts), strict=True))  # type: ignore[arg-type]


@given(st.lists(st.text(max_size=300), max_size=4), st.integers(0, 50), st.integers(0, 20))
def test_features_are_pure_bounded_and_of_one_length(
    texts: list[str], turns: int, tools: int
) -> None:
    found = features(texts, turns=turns, tools=tools)
    assert found == features(texts, turns=turns, tools=tools)
    assert len(found) == len(NAMES)
    assert all(abs(number) <= 6.0 for number in found)


def test_code_arithmetic_and_length_show() -> None:
    plain = named("What is the capital of France?")
    code = named("```python\ndef f(x):\n    return x\n```\nimport os")
    sums = named("What is 12 * 7 + 3, and how many are left?")
    assert code["code"] > plain["code"]
    assert sums["arithmetic"] > plain["arithmetic"]
    assert sums["digits"] > plain["digits"]
    assert named("word " * 2000)["length"] > plain["length"]


def test_a_chat_body_is_read_whatever_its_shape() -> None:
    body = {
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": [{"type": "text", "text": "Hi"}, {"type": "image_url"}]},
        ],
        "response_format": {"type": "json_schema"},
        "tools": [{}, {}],
    }
    found = dict(zip(NAMES, features_of(body), strict=True))
    assert (found["system"], found["json_schema"], found["tools"]) == (1.0, 1.0, 0.5)
    assert len(features_of({"messages": "nonsense", "tools": 3})) == len(NAMES)


def test_the_middle_of_a_long_text_is_not_looked_at() -> None:
    assert features(["a" * 1000 + "?" * 50_000 + "b" * 1000])[4] == 0.0
