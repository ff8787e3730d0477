"""Imagining prices, and asking for weights or the ladder, leaves what the next request gets."""

from collections.abc import Callable

import pytest

from tests.builders import CHEAP, FLAGSHIP, MID, START, answered, quote, request, router
from windsock.core.model.requests import Cell
from windsock.core.model.rewards import Reward
from windsock.core.policies.budgets.pacing import RequestPacer
from windsock.core.policies.budgets.pool import BudgetPool
from windsock.core.policies.objectives import Objective
from windsock.core.policies.price_aware import PriceAware
from windsock.core.routing.outlook.prospects import prospects_of, seen_of
from windsock.core.routing.router import Router
from windsock.core.routing.routes import Route
from windsock.core.routing.what_if import Aims, what_if

CELL = Cell("default", "auto", "default")


def prospects_at(wind: Router, task: str | None, now: float) -> object:
    return list(prospects_of(seen_of(wind, "default", "auto", task, now)))


Look = Callable[[Router, float], object]
LOOKS: dict[str, Look] = {
    "imagine": lambda wind, now: what_if(
        wind, "default", "auto", "default", {CHEAP: {"input": 40.0, "output": 90.0}}, now
    ),
    "imagine of another task": lambda wind, now: what_if(
        wind, "default", "auto", "never-seen", {FLAGSHIP: {"input": 0.01, "output": 0.01}}, now
    ),
    "imagine a floor": lambda wind, now: what_if(
        wind, "default", "auto", "default", {}, now, Aims(quality_floor=0.99)
    ),
    "imagine a budget": lambda wind, now: what_if(
        wind, "default", "auto", "default", {}, now, Aims(usd_per_request=3.0)
    ),
    "weights": lambda wind, now: wind.table("default", "auto", "default", now),
    "weights of another task": lambda wind, now: wind.table("default", "auto", "never-seen", now),
    "ladder": lambda wind, now: wind.ladder(CELL, now),
    "prospects": lambda wind, now: prospects_at(wind, None, now),
    "prospects of another task": lambda wind, now: prospects_at(wind, "never-seen", now),
    "ladder of another task": lambda wind, now: wind.ladder(CELL._replace(task="other"), now),
    "share of answers judged": lambda wind, now: wind.feedback_rate(CELL, MID),
}


def settling() -> Router:
    """Weights that may move by a fifth a minute."""
    aim = Objective(kind="cost_per_success", quality_floor=0.8, max_share_change_per_min=0.2)
    return router(prices={CHEAP: 1.0, MID: 1.1, FLAGSHIP: 1.2}, objective=aim)


def sharing() -> Router:
    """Two routes on one budget, which the dearest would take in no time."""
    wind = router()
    purse = BudgetPool(RequestPacer(2e-4))
    aim = Objective(kind="budget", usd_per_request=2e-4)
    names = wind.routes["auto"].candidates
    wind.adopt(
        wind.catalog.deployments.values(),
        {
            name: Route(
                name=name, candidates=names, policy=PriceAware(wind.beliefs, aim, purse=purse)
            )
            for name in ("auto", "side")
        },
    )
    return wind


def ask(wind: Router, now: float, **facts) -> tuple[tuple[float, ...], str]:
    """One request, answered and judged: its weights, and who was drawn."""
    exchange = wind.open(request(**facts), now)
    exchange.report(answered(exchange.next_attempt(now)), now)
    decision, outcome = exchange.decision, exchange.outcome(now)
    wind.learn(decision, outcome.served, Reward(value=float(outcome.served != CHEAP)), now)
    return exchange.table.weights, decision.deployment


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("make", [settling, sharing])
def test_the_next_request_gets_what_it_would_have_got(make, look) -> None:
    seen, unseen = make(), make()
    for number in range(12):
        now = START + 1.7 * number
        task = {"task": "sql"} if number % 3 == 2 else {}
        route = {"model": "side"} if make is sharing and number % 4 == 3 else {}
        if number == 6:
            for wind in (seen, unseen):
                wind.absorb(quote(CHEAP, usd=2.0, seen_at=now), now)
        assert ask(seen, now, **task, **route) == ask(unseen, now, **task, **route)
        LOOKS[look](seen, now + 1.2)
    assert seen.to_state() == unseen.to_state()
    assert seen.tables.cells() == unseen.tables.cells()


def test_imagined_prices_do_not_move_weights_whose_pace_is_limited() -> None:
    """The next weights are those before; today's prices have not changed."""
    wind = settling()
    before = wind.open(request(), START).table.weights
    imagined = {CHEAP: {"input": 40.0, "output": 160.0}}
    found = what_if(wind, "default", "auto", "default", imagined, START + 30)
    assert tuple(found.weights_now.values()) == pytest.approx(before)
    wind.tables.forget()
    assert wind.open(request(), START + 31).table.weights == pytest.approx(before, abs=1e-12)
