"""What is kept of one decision stays small, whatever its caller invents."""

from pathlib import Path
from typing import Any

import pytest

from tests.builders import CHEAP, START
from tests.running import config_of, running
from tests.store.samples import decision
from windsock.core.model.rewards import (
    MAX_KEYS_OF_A_DECISION,
    MAX_MATTERS_OF_A_DECISION,
    Feedback,
    OpenDecision,
    Reward,
)
from windsock.errors import BadRequest
from windsock.service.auth import Principal
from windsock.service.gateway.feedback_endpoint import MAX_NAME_CHARS, reward_of

CLOSED = "http://127.0.0.1:9"


def said(number: int, value: float = 1.0) -> Feedback:
    """The judgement of one invented metric under one invented key."""
    reward = Reward(value=value, metric=f"m{number}")
    return Feedback(decision_id="d1", reward=reward, at=START, idempotency_key=f"k{number}")


def test_of_invented_metrics_and_keys_the_oldest_go() -> None:
    known = OpenDecision(decision(1), CHEAP)
    for number in range(1000):
        known.hear(said(number))
    assert [metric for metric, *_ in known.said] == [
        f"m{number}" for number in range(1000 - MAX_MATTERS_OF_A_DECISION, 1000)
    ]
    assert list(known.keys) == [f"k{n}" for n in range(1000 - MAX_KEYS_OF_A_DECISION, 1000)]


def test_what_is_corrected_is_no_longer_the_oldest() -> None:
    known = OpenDecision(decision(1), CHEAP)
    for number in range(MAX_MATTERS_OF_A_DECISION):
        known.hear(said(number))
    known.hear(said(0, value=0.0))
    known.hear(said(-1))
    metrics = [metric for metric, *_ in known.said]
    assert "m0" in metrics and "m1" not in metrics
    assert len(metrics) == MAX_MATTERS_OF_A_DECISION


def test_of_a_decision_that_nobody_judged_nothing_is_kept() -> None:
    one, other = (OpenDecision(decision(number), CHEAP) for number in (1, 2))
    assert one.said is other.said


@pytest.mark.parametrize(
    ("fields", "headers", "param"),
    [
        ({"metric": "m" * (MAX_NAME_CHARS + 1)}, {}, "metric"),
        ({"source": "s" * (MAX_NAME_CHARS + 1)}, {}, "source"),
        ({}, {"idempotency-key": "k" * (MAX_NAME_CHARS + 1)}, "idempotency-key"),
    ],
)
async def test_a_name_of_any_length_is_not_taken(
    fields: dict[str, Any], headers: dict[str, str], param: str, tmp_path: Path
) -> None:
    async with running(config_of(("acme", CLOSED, 1.0)), tmp_path) as it:
        body = {"decision_id": "d1", "value": True, **fields}
        answer = await it.http.post("/v1/feedback", json=body, headers=headers)
        assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        ({"value": None, "score": 0.25}, (0.25, "explicit", "")),
        ({"value": 0, "score": 1}, (0.0, "explicit", "")),
        ({"value": True, "metric": None, "metric_name": " tone "}, (1.0, "explicit", "tone")),
        ({"value": True, "source": " "}, (1.0, "explicit", "")),
        ({"value": False, "source": "👩\u200d"}, (0.0, "👩\u200d", "")),
        ({"thumb": "up"}, (1.0, "use:thumbs", "")),
        ({"value": True, "metric": {"a": 1}}, "metric"),
        ({"value": True, "source": ["judge"]}, "source"),
        ({"value": True, "source": "explicit\x00"}, "source"),
        ({"value": "true"}, "value"),
        ({"value": "0.5"}, "value"),
        ({"value": float("nan")}, "value"),
        ({"value": -1e-9}, "value"),
        ({"value": None, "thumb": "sideways"}, "value"),
        ({}, "value"),
    ],
)
def test_what_is_said_of_an_answer(fields: dict[str, Any], found: object) -> None:
    caller = Principal(key_id="k1")
    if isinstance(found, str):
        with pytest.raises(BadRequest) as refused:
            reward_of(fields, caller)
        assert refused.value.param == found
    else:
        reward = reward_of(fields, caller)
        assert (reward.value, reward.source, reward.metric) == found
