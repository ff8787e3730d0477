"""Answers that are judged: any of them, or those first that the router wants to know of."""

from typing import Any

import pytest
from pydantic import ValidationError

from windsock.core.model.requests import Cell
from windsock.simulation.engines.contenders import contenders
from windsock.simulation.engines.exact import ExactEngine
from windsock.simulation.world.scenario import Scenario
from windsock.simulation.world.world import World

QUALITY = {"p/small": 0.87, "p/large": 0.93, "q/new": 0.9}
PRICE = {"p/small": 0.1, "p/large": 1.6, "q/new": 0.05}


def scenario(**facts: Any) -> Scenario:
    return Scenario.model_validate(
        {
            "title": "a newcomer and few labels",
            "hours": 2,
            "requests_per_hour": 500,
            "evaluated": 200,
            "feedback_share": 0.05,
            "route": {"quality_floor": 0.84},
            "rivals": {"flagship": "p/large", "otherwise": "p/large"},
            "tasks": {"chat": {"share": 1}},
            "deployments": {
                name: {
                    "input": PRICE[name],
                    "output": PRICE[name],
                    "quality": {"chat": rate},
                    "from_hour": float(name == "q/new"),
                }
                for name, rate in QUALITY.items()
            },
            **facts,
        }
    )


def rewards(order: str) -> tuple[float, float]:
    """Of the newcomer, and of all that came during the run."""
    world = World(scenario(feedback_order=order), 1)
    engine = ExactEngine(world, "windsock", contenders(world)["windsock"], 1)
    engine.run()
    cell = Cell("default", "auto", "chat")
    count = {name: engine.router.beliefs.evidence(cell, name) for name in QUALITY}
    return count["q/new"], sum(count.values()) - 2 * 200


def test_the_labels_of_a_newcomer_come_first_and_are_no_more() -> None:
    (few, some), (first, wanted) = rewards("any"), rewards("wanted")
    assert first > 1.5 * few > 0
    assert wanted == pytest.approx(50, abs=4)
    assert some == pytest.approx(50, abs=20)


def test_windows_of_many_requests_cannot_choose_whose_answers_are_judged() -> None:
    with pytest.raises(ValidationError, match="needs the exact engine"):
        scenario(feedback_order="wanted", engine="batch")
