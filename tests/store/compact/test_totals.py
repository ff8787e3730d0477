"""A report is what adding up every request would give: any window, any order, any form."""

import math
from collections import Counter, defaultdict
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from sqlalchemy import Engine, text

from tests.builders import CHEAP, FLAGSHIP, MID
from tests.store.old_rows import keep_old
from tests.store.samples import call, decision, feedback, keep, outcome
from windsock.core.model.calls import Attempt, AttemptReason, CallKind, CallResult, Outcome
from windsock.core.model.requests import Cell
from windsock.core.model.rewards import Feedback, matter_of
from windsock.core.model.units import Usage
from windsock.store import queries
from windsock.store.compact.conversion import Conversion
from windsock.store.reports import accounts
from windsock.store.rows import Uncalled, UncalledKind

MIDNIGHT = 1_767_225_600.0
DAY_S = 86_400.0
BY = ("task", "deployment", "key")


def requests(chance: Random, count: int, first: int = 0) -> list[Outcome]:
    """Over three days; some are dear, some of unknown cost, some fail."""
    return [request(chance, number) for number in range(first, first + count)]


def request(chance: Random, number: int) -> Outcome:
    at = MIDNIGHT + chance.choice([chance.uniform(0, 3 * DAY_S), chance.randrange(72) * 3600.0])
    cell = Cell(chance.choice(["default", "other"]), "auto", chance.choice(["chat", "c#"]))
    drawn = chance.choice([CHEAP, MID])
    about = decision(number, at=at, cell=cell, key_id=chance.choice([None, "k1"]), deployment=drawn)
    results = tuple(attempt(chance, place) for place in range(chance.choice([1, 1, 2])))
    costs = [each.cost_usd for each in results]
    ok = chance.random() < 0.9
    return outcome(
        number,
        decision=about,
        results=results,
        finished_at=at + chance.expovariate(1.0),
        ok=ok,
        served=results[-1].attempt.deployment if ok else None,
        cost_usd=None if None in costs else sum(costs, Decimal(0)),
    )


def attempt(chance: Random, number: int) -> CallResult:
    usd = chance.choice([None, Decimal(chance.randrange(10**18)).scaleb(-12), Decimal(2**21)])
    return call(
        attempt=Attempt(
            number=number,
            deployment=chance.choice([CHEAP, MID, FLAGSHIP]),
            reason=AttemptReason.FIRST,
        ),
        kind=chance.choice([CallKind.ANSWERED, CallKind.SERVER_ERROR]),
        usage=Usage(input_tokens=chance.randrange(9999), output_tokens=chance.randrange(999)),
        cost_usd=usd,
        billed_usd=chance.choice([None, usd]),
        counted_usd=usd,
        is_bill_doubted=chance.random() < 0.2,
    )


def words(chance: Random, made: list[Outcome], count: int) -> list[Feedback]:
    return [
        feedback(
            chance.choice(made).decision.number,
            chance.choice([0.0, 1.0, 0.3, chance.random()]),
            metric=chance.choice(["", "tone"]),
            key_id=chance.choice([None, "k1"]),
        )
        for _ in range(count)
    ]


def by_hand(
    made: list[Outcome], said: list[Feedback], since: float, until: float
) -> dict[tuple[Any, ...], Counter[str]]:
    last: dict[str, dict[Any, float]] = defaultdict(dict)
    for each in said:
        last[each.decision_id][matter_of(each.reward)] = each.reward.value
    lines: dict[tuple[Any, ...], Counter[str]] = defaultdict(Counter)
    for each in made:
        about = each.decision
        if about.cell.namespace != "default" or not since <= about.at < until:
            continue
        line = lines[about.cell.task, each.served or about.deployment, about.key_id]
        line["requests"] += 1
        line["answered"] += each.ok
        line["attempts"] += len(each.results)
        line["unknown_cost"] += each.cost_usd is None
        line["cost_usd"] += each.cost_usd or 0
        if matters := last[about.id]:
            line["judged"] += 1
            line["successes"] += sum(matters.values()) / len(matters)
    return lines


def is_as_by_hand(
    engine: Engine, made: list[Outcome], said: list[Feedback], since: float, until: float
) -> None:
    lines = by_hand(made, said, since, until)
    found = queries.report(engine, since=since, until=until, by=BY, namespace="default")
    assert {tuple(line[name] for name in BY) for line in found} == set(lines)
    for line in found:
        expected = lines[tuple(line[name] for name in BY)]
        for name in ("requests", "answered", "attempts", "unknown_cost", "judged"):
            assert line[name] == expected[name], name
        assert (line["cost_usd"] or 0) == expected["cost_usd"]
        assert line["successes"] == pytest.approx(expected["successes"], abs=1e-6)


def windows(chance: Random) -> list[tuple[float, float]]:
    whole = [(MIDNIGHT, MIDNIGHT + DAY_S), (0.0, math.inf), (MIDNIGHT + 3600, MIDNIGHT + 7200)]
    ends = [sorted(MIDNIGHT + chance.uniform(-3600, 3.1 * DAY_S) for _ in "ab") for _ in range(6)]
    return [*whole, *((begin, end) for begin, end in ends)]


@pytest.mark.parametrize("seed", range(3))
def test_any_window_is_what_counting_by_hand_gives(engine: Engine, seed: int) -> None:
    """Words come before their request, in its batch, days later, and again."""
    chance = Random(seed)
    made = requests(chance, 300)
    early, late = words(chance, made, 60), words(chance, made, 200)
    keep(engine, early[:30])
    entries = [*made, *early[30:]]
    chance.shuffle(entries)
    said = [*early[:30], *(each for each in entries if isinstance(each, Feedback)), *late]
    keep(engine, entries)
    keep(engine, late)
    for since, until in windows(chance):
        is_as_by_hand(engine, made, said, since, until)


def test_while_an_older_store_is_converted_every_report_is_right(engine: Engine) -> None:
    chance = Random(7)
    old, new = requests(chance, 600), requests(chance, 100, first=600)
    early, late = words(chance, old, 100), words(chance, [*old, *new], 100)
    keep_old(engine, old)
    keep(engine, early)
    keep(engine, new)
    conversion = Conversion(engine)
    span = (MIDNIGHT + 1000, MIDNIGHT + 2 * DAY_S + 77)
    is_as_by_hand(engine, [*old, *new], early, *span)
    assert conversion.step()
    is_as_by_hand(engine, [*old, *new], early, *span)
    keep(engine, late)
    is_as_by_hand(engine, [*old, *new], [*early, *late], *span)
    while conversion.step():
        pass
    for since, until in windows(chance):
        is_as_by_hand(engine, [*old, *new], [*early, *late], since, until)
    with engine.connect() as store:
        assert store.execute(text("SELECT count(*) FROM decision")).scalar() == 0
        assert store.execute(text("SELECT count(*) FROM attempt")).scalar() == 0
    assert list(queries.tail(engine, 0))[:600] == old


def test_calls_and_bills_of_any_window_are_those_that_began_in_it(engine: Engine) -> None:
    chance = Random(3)
    made = requests(chance, 300)
    keep(engine, made)
    for since, until in windows(chance):
        calls = [
            result for each in made if since <= each.decision.at < until for result in each.results
        ]
        found = queries.attempts_report(engine, since=since, until=until)
        counts = Counter((each.attempt.deployment, each.kind.value) for each in calls)
        assert {(row["deployment"], row["kind"]): row["calls"] for row in found} == counts
        bills = queries.bills_report(engine, since=since, until=until, by=("deployment",))
        believed = [each for each in calls if each.billed_usd and not each.is_bill_doubted]
        doubted = [each for each in calls if each.billed_usd and each.is_bill_doubted]
        assert sum(row["billed_usd"] for row in bills) == sum(each.billed_usd for each in believed)
        assert sum(row["doubted_usd"] for row in bills) == sum(each.billed_usd for each in doubted)


def test_what_asked_nobody_is_in_the_sums_once_also_from_an_older_store(engine: Engine) -> None:
    plain = {"namespace": "default", "route": "auto", "task": "chat", "key_id": None}
    refused = [
        Uncalled(at=MIDNIGHT + 1800.5 * n, kind=UncalledKind.REFUSED, requests=n, **plain)
        for n in range(1, 40)
    ]
    keep(engine, refused)
    with engine.begin() as store:
        store.execute(text("UPDATE uncalled SET is_summed = NULL WHERE requests > 20"))
        for table in ("request_sums", "call_sums", "delay_sums"):
            store.execute(text(f"DELETE FROM {table}"))
        store.execute(text("UPDATE uncalled SET is_summed = NULL"))
    conversion = Conversion(engine)
    for _ in range(2):
        for since, until in ((MIDNIGHT + 1.5, MIDNIGHT + 20_001.5), (0.0, math.inf)):
            (line,) = accounts(engine, since=since, until=until, by=()).uncalled
            expected = sum(each.requests for each in refused if since <= each.at < until)
            assert line["refused"] == expected
        while conversion.step():
            pass
