"""In simulations and re-reckoned logs too a call costs what its price was when it began."""

from dataclasses import replace
from decimal import Decimal

import pytest

from tests.builders import CHEAP, START, quote
from tests.evaluation.logs import small
from tests.store.samples import call, decision, keep, outcome
from windsock.cli.evaluate import reconsidered
from windsock.config.file import parse
from windsock.core.model.requests import Cell
from windsock.core.model.units import Usage, cost_usd, to_float
from windsock.evaluation.repricing import repriced
from windsock.simulation.engines.contenders import chosen
from windsock.simulation.engines.exact import ExactEngine
from windsock.simulation.world.prompt_caches import usage_of
from windsock.simulation.world.scenario import Scenario
from windsock.simulation.world.world import World
from windsock.store.engine import open_engine
from windsock.store.migrations import upgrade_engine

SLOW, OTHER = "acme/slow", "bolt/other"
AT_S = 3600.0


def scenario(**facts) -> Scenario:
    """Everything goes to SLOW, and where that fails to OTHER."""
    place = {"input": 1.0, "output": 4.0, "quality": {"sql": 0.9}}
    deployments = {SLOW: place, OTHER: place}
    return small(**{
        "hours": 2,
        "tasks": {"sql": {"share": 1, "prompt_tokens": 700, "output_tokens": 180}},
        "rivals": {"flagship": SLOW, "otherwise": SLOW},
        "deployments": deployments,
        **facts,
    })  # fmt: skip


def one_request(told: Scenario, at_s: float) -> tuple[ExactEngine, float, float]:
    """The engine after one request, its dollars by the ledger, and what it cost at 1 $/M."""
    world = World(told, 3)
    ask = replace(world.asks[0], at=world.starts_at + at_s)
    driver = ExactEngine(world, "flagship", chosen(world, ["flagship"])["flagship"], 3)
    settled = driver.step(ask)
    used = usage_of(told.tasks["sql"], ask.prompt_tokens, ask.output_tokens)
    at_one = to_float(cost_usd(used.counts(), world.prices(SLOW, world.starts_at)))
    return driver, to_float(settled.cost_usd), at_one


def test_a_fallback_is_billed_at_the_price_of_its_own_beginning() -> None:
    """SLOW is down; OTHER is asked 50 ms later, and became twice as dear after 20 ms."""
    rise = {"at_hour": (AT_S + 0.02) / 3600, "deployment": OTHER, "input": 2.0, "output": 8.0}
    outage = {"from_hour": 0, "to_hour": 2, "deployment": SLOW}
    driver, _, at_one = one_request(scenario(outages=[outage], shocks=[rise]), AT_S)
    (step,) = driver.run_.steps
    assert (step.deployment, step.attempts) == (OTHER, 2)
    assert step.usd == pytest.approx(2 * at_one)


@pytest.mark.parametrize("begins_in_the_peak", [False, True])
def test_the_ledger_and_the_bill_of_a_run_agree_where_hours_end_during_a_call(
    begins_in_the_peak,
) -> None:
    """Prices are doubled between 01:00 and 01:10, and an answer takes about twenty seconds."""
    peak = {"input": 2.0, "output": 8.0, "start": "01:00", "end": "01:10"}
    place = {"input": 1.0, "output": 4.0, "quality": {"sql": 0.9}, "latency_s": 20, "peaks": [peak]}
    at_s = AT_S + 599 if begins_in_the_peak else AT_S - 1
    driver, settled, at_one = one_request(scenario(deployments={SLOW: place}), at_s)
    (step,) = driver.run_.steps
    assert step.latency_s > 5
    expected = 2 * at_one if begins_in_the_peak else at_one
    assert (step.usd, settled) == pytest.approx((expected, expected))


def test_a_log_reckoned_again_at_its_own_prices_costs_what_it_cost(tmp_path) -> None:
    """The price doubles during the only call. Logs of old say of a first call only when it was
    decided, which is when it began."""
    used = Usage(input_tokens=500, output_tokens=200)
    asked = decision(1, at=START + 1, cell=Cell("default", "auto", "default"), propensity=1.0)
    done = outcome(
        1,
        decision=asked,
        results=(call(usage=used, latency_s=10.0),),
        latency_s=10.0,
        cost_usd=Decimal("0.0013"),
    )
    engine = open_engine(f"sqlite:///{tmp_path}/log.db")
    upgrade_engine(engine)
    keep(engine, [quote(CHEAP, usd=1.0), quote(CHEAP, usd=2.0, seen_at=START + 5), done])
    text = (
        '[providers.acme]\nbase_url = "http://127.0.0.1:1"\n'
        f'[routes.auto]\ncandidates = ["{CHEAP}"]\nquality_floor = 0.5\n'
    )
    settings = parse(text, {}, source="new")
    found = reconsidered(settings, engine, since=0.0, prices=repriced([f"{CHEAP}=x1"]))
    engine.dispose()
    (row,) = found.rows
    assert (row.cost_usd, row.repriced_usd) == pytest.approx((0.0013, 0.0013))
