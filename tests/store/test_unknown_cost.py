"""An unknown cost is kept as such, and sums say how much of it they leave out."""

from decimal import Decimal

from sqlalchemy import Engine

from tests.builders import CHEAP, START
from tests.store.samples import decision, keep, outcome
from windsock.core.model.calls import Outcome
from windsock.store.queries import decision as kept
from windsock.store.queries import report

KNOWN = Decimal("0.000375")


def of_unknown_cost(number: int, **facts) -> Outcome:
    return outcome(number, cost_usd=None, **facts)


def test_it_comes_back_as_it_was_written(engine: Engine) -> None:
    entry = of_unknown_cost(1)
    keep(engine, [entry])
    assert kept(engine, "d1") == entry


def test_a_sum_leaves_it_out_and_counts_it(engine: Engine) -> None:
    keep(engine, [outcome(1), of_unknown_cost(2), outcome(3), of_unknown_cost(4)])
    (line,) = report(engine, since=START, by=("deployment",))
    (unknown,) = [value for name, value in line.items() if "unknown" in name]
    assert (line["requests"], unknown, line["cost_usd"]) == (4, 2, 2 * KNOWN)


def test_a_sum_of_nothing_known_is_unknown(engine: Engine) -> None:
    other = decision(2, deployment="other/m")
    keep(engine, [outcome(1), of_unknown_cost(2, decision=other)])
    lines = {line["deployment"]: line for line in report(engine, since=START, by=("deployment",))}
    assert lines[CHEAP]["cost_usd"] == KNOWN
    assert lines["other/m"]["cost_usd"] is None
