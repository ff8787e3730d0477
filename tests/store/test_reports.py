"""Sums: exact money, each judged request once, percentiles by nearest rank, to two digits."""

import math
from collections import defaultdict
from dataclasses import replace
from decimal import Decimal
from random import Random

import pytest
from sqlalchemy import Engine

from tests.builders import CHEAP, FLAGSHIP, MID, START
from tests.store.samples import call, decision, feedback, keep, outcome
from windsock.core.model.calls import Attempt, AttemptReason, CallKind, Outcome
from windsock.core.model.requests import Cell
from windsock.store import queries
from windsock.store.compact.totals import requests_by_task
from windsock.store.reports import accounts, health_by_step

DAY_S = 86_400.0
EVER = {"since": 0.0, "namespace": "default"}


def traffic(count: int, seed: int = 3) -> list[Outcome]:
    """Requests of several tasks and keys, some of which fail or fall back."""
    chance = Random(seed)
    made = []
    for number in range(count):
        ok = chance.random() < 0.9
        cell = Cell("default", "auto", chance.choice(["chat", "code"]))
        key = chance.choice([None, "k1", "k2"])
        about = decision(number, cell=cell, key_id=key, deployment=chance.choice([CHEAP, MID]))
        held_s = chance.choice([0.0, 0.0, 60.0])
        results = tuple(call(n) for n in range(chance.choice([1, 1, 1, 2])))
        made.append(
            outcome(
                number,
                decision=about,
                latency_s=chance.expovariate(1.0) + held_s,
                results=(*results[:-1], replace(results[-1], held_s=held_s)),
                ok=ok,
                served=chance.choice([about.deployment, FLAGSHIP]) if ok else None,
                cost_usd=Decimal(chance.randrange(10**9)).scaleb(-12),
            )
        )
    return made


def delay_s(each: Outcome) -> float:
    """Without what was waited for its client."""
    return each.finished_at - each.decision.at - each.results[-1].held_s


def nearest_rank(values: list[float], percent: int) -> float | None:
    if not values:
        return None
    exact = sorted(values)[math.ceil(len(values) * percent / 100) - 1]
    return two_digits(exact)


def two_digits(seconds: float) -> float:
    """Milliseconds of two digits, half up: 1.0449 s are 1 s, 1.05 s are 1.1 s."""
    ms = math.floor(seconds * 1000 + 0.5)
    unit = 10 ** max(0, len(str(ms)) - 2)
    return math.floor(ms / unit + 0.5) * unit / 1000


@pytest.mark.parametrize("by", [("task", "deployment", "key"), ("key",), ("route",), ()])
def test_a_report_is_what_counting_by_hand_gives(engine: Engine, by: tuple[str, ...]) -> None:
    made = traffic(400)
    keep(engine, made)
    groups: dict[tuple[str | None, ...], list[Outcome]] = defaultdict(list)
    for each in made:
        about = each.decision
        facts = {
            "task": about.cell.task,
            "route": about.cell.route,
            "deployment": each.served or about.deployment,
            "key": about.key_id,
        }
        groups[tuple(facts[name] for name in by)].append(each)
    lines = queries.report(engine, by=by, **EVER)
    assert len(lines) == len(groups)
    for line in lines:
        mine = groups[tuple(line[name] for name in by)]
        delays = [delay_s(each) for each in mine if each.ok]
        assert line["requests"] == len(mine)
        assert line["answered"] == sum(each.ok for each in mine)
        assert line["attempts"] == sum(len(each.results) for each in mine)
        assert line["cost_usd"] == sum(each.cost_usd for each in mine)
        assert line["mean_latency_s"] == pytest.approx(sum(delays) / len(delays))


def test_delays_of_a_step_are_those_of_its_hours_by_who_answered(engine: Engine) -> None:
    made = traffic(400)
    keep(engine, made)
    since = START // 3600 * 3600
    ((_, lines),) = health_by_step(engine, since=since, until=since + DAY_S, step_s=DAY_S)
    delays = defaultdict(list)
    for each in made:
        if each.ok:
            delays[each.served].append(delay_s(each))
    assert {
        line["deployment"]: (line["p50_latency_s"], line["p95_latency_s"]) for line in lines
    } == {name: (nearest_rank(mine, 50), nearest_rank(mine, 95)) for name, mine in delays.items()}


def test_an_empty_store_has_no_lines(engine: Engine) -> None:
    assert queries.report(engine, by=("task",), **EVER) == []
    assert queries.report(engine, by=(), **EVER)[0]["cost_usd"] == 0


def test_money_sums_exactly_where_floats_and_billionths_would_not(engine: Engine) -> None:
    """A token of a model at $0.0375 per million costs 37.5 billionths of a dollar."""
    token = Decimal("0.0000000375")
    keep(engine, [outcome(n, cost_usd=token) for n in range(1001)])
    assert queries.report(engine, by=(), **EVER)[0]["cost_usd"] == 1001 * token


def test_a_sum_beyond_sixty_four_bits_of_picodollars_is_exact(engine: Engine) -> None:
    keep(engine, [outcome(n, cost_usd=Decimal("5000000.000000000001")) for n in range(4)])
    line = queries.report(engine, by=(), **EVER)[0]
    assert line["cost_usd"] == Decimal("20000000.000000000004")


def test_every_judged_request_counts_once_by_its_last_words(engine: Engine) -> None:
    keep(engine, [outcome(n) for n in range(4)])
    keep(engine, [feedback(1, 0.0), feedback(1, 1.0), feedback(2, 1.0), feedback(2, 0.5)])
    keep(engine, [feedback(3, 1.0, key_id="k"), feedback(3, 0.0, key_id="k", metric="tone")])
    line = queries.report(engine, by=(), **EVER)[0]
    assert (line["judged"], line["successes"]) == (3, 1.0 + 0.5 + 0.5)


def test_a_report_knows_its_span_and_its_namespace(engine: Engine) -> None:
    foreign = decision(50, cell=Cell("other", "auto", "chat"))
    keep(engine, [outcome(n) for n in range(10)])
    keep(engine, [outcome(50, decision=foreign), decision(60)])
    spans = {"since": START + 3, "until": START + 7}
    assert queries.report(engine, by=(), namespace="default", **spans)[0]["requests"] == 4
    assert queries.report(engine, by=(), **EVER)[0]["requests"] == 10
    everyone = queries.report(engine, by=("namespace",), since=0.0)
    assert {line["namespace"]: line["requests"] for line in everyone} == {"default": 10, "other": 1}


def test_requests_alone_are_counted_as_a_report_counts_them(engine: Engine) -> None:
    foreign = decision(500, cell=Cell("other", "auto", "chat"))
    keep(engine, [*traffic(400), outcome(500, decision=foreign)])
    for since in (0.0, START // 60 * 60, START // 60 * 60 + 240):
        asked = {"since": since, "namespace": "default"}
        lines = queries.report(engine, by=("route", "task"), **asked)
        found = requests_by_task(engine, **asked)
        assert found == {(each["route"], each["task"]): each["requests"] for each in lines}
    assert requests_by_task(engine, since=0.0, namespace="other") == {("auto", "chat"): 1}


def test_bills_beside_a_report_are_those_of_all_calls(engine: Engine) -> None:
    keep(engine, [*traffic(50), billed(101, "0.00003", "0.00002"), billed(102, None, "0.1")])
    keep(engine, [billed(103, "800", "0.0008", doubted=True, name=MID)])
    by = ("task", "deployment")
    found = accounts(engine, by=by, **EVER)
    assert found.bills == queries.bills_report(engine, by=by, **EVER)
    assert len(found.bills) == 2
    assert found.rows == queries.report(engine, by=by, **EVER)


def test_a_group_that_does_not_exist_is_refused(engine: Engine) -> None:
    with pytest.raises(KeyError):
        queries.report(engine, by=("colour",), **EVER)


def test_attempts_are_counted_by_deployment_and_end(engine: Engine) -> None:
    failed = call(0, kind=CallKind.SERVER_ERROR, latency_s=2.0, status=503)
    keep(engine, [outcome(1, results=(failed, call(1))), outcome(2)])
    lines = queries.attempts_report(engine, since=0.0)
    assert [(each["kind"], each["calls"]) for each in lines] == [
        ("answered", 2),
        ("server_error", 1),
    ]
    assert lines[1]["mean_latency_s"] == 2.0


def billed(
    number: int, usd: str | None, counted: str | None, *, doubted: bool = False, name: str = CHEAP
) -> Outcome:
    result = replace(
        call(),
        attempt=Attempt(number=0, deployment=name, reason=AttemptReason.FIRST),
        billed_usd=None if usd is None else Decimal(usd),
        counted_usd=None if counted is None else Decimal(counted),
        is_bill_doubted=doubted,
    )
    return outcome(number, results=(result,))


def test_bills_are_held_against_what_was_counted_and_doubted_ones_are_apart(engine) -> None:
    keep(engine, [
        billed(1, "0.000031", "0.000024"),
        billed(2, "0.000029", "0.000026"),
        billed(3, "800", "0.0008", doubted=True),
        billed(4, None, None),
        billed(5, "0", "0.1"),
        billed(6, "0.5", None),
        billed(7, "0.001", "0.0005", name=MID),
    ])  # fmt: skip
    cheap, mid = queries.bills_report(engine, since=0, by=("deployment",))
    assert cheap["deployment"] == CHEAP and mid["deployment"] == MID
    assert (cheap["bills"], cheap["doubted_bills"]) == (2, 1)
    assert cheap["billed_usd"] == Decimal("0.00006")
    assert cheap["counted_usd"] == Decimal("0.00005")
    assert cheap["doubted_usd"] == 800
    assert (mid["bills"], mid["doubted_bills"], mid["doubted_usd"]) == (1, 0, 0)
    (all_of_them,) = queries.bills_report(engine, since=0, by=())
    assert all_of_them["billed_usd"] == Decimal("0.00106")
    assert queries.bills_report(engine, since=START + 1e6) == []
    assert queries.bills_report(engine, since=0, namespace="theirs") == []


def test_sums_of_absurd_bills_leave_no_64_bits(engine) -> None:
    keep(engine, [billed(n, "5000000", "0.001", doubted=True) for n in range(1, 9)])
    (line,) = queries.bills_report(engine, since=0)
    assert line["doubted_usd"] == 40_000_000
