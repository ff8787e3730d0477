"""What a route is after, said by one wish alone."""

import pytest
from pydantic import ValidationError

from windsock.app.route_parts import objective_of
from windsock.config.route_settings import RouteSettings
from windsock.config.settings import Settings
from windsock.simulation.world.conditions import RouteGoal


def route(**facts: object) -> RouteSettings:
    return RouteSettings.model_validate({"candidates": ("p/a", "p/b"), **facts})


def test_a_floor_over_the_route_alone_is_an_objective_without_one_per_task() -> None:
    aim = objective_of(route(route_quality_floor=0.9), Settings())
    assert (aim.kind, aim.quality_floor, aim.route_quality_floor) == ("quality_floor", None, 0.9)


@pytest.mark.parametrize(
    ("facts", "kind"),
    [
        ({"quality": "balanced"}, "quality"),
        ({"objective": "value", "usd_per_success": 0.02}, "value"),
        ({"objective": "quality_floor", "quality_floor": 0.8}, "quality_floor"),
    ],
)
def test_beside_another_wish_it_is_held_as_well(facts: dict[str, object], kind: str) -> None:
    aim = objective_of(route(route_quality_floor=0.9, **facts), Settings())
    assert (aim.kind, aim.route_quality_floor) == (kind, 0.9)
    assert aim.quality_floor == facts.get("quality_floor")


def test_a_floor_that_no_success_can_be_is_refused() -> None:
    with pytest.raises(ValidationError, match="route_quality_floor"):
        route(route_quality_floor=1.2)
    with pytest.raises(ValidationError, match="quality_floor or route_quality_floor"):
        route(objective="quality_floor")


def test_a_scenario_takes_it_in_place_of_the_floor_per_task() -> None:
    assert RouteGoal.model_validate({"route_quality_floor": 0.9}).quality_floor is None
    both = RouteGoal.model_validate({"route_quality_floor": 0.9, "quality_floor": 0.8})
    assert (both.quality_floor, both.objective) == (0.8, "cost_per_success")
