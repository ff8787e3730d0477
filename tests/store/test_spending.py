"""What was spent since a moment, to the last picodollar; requests that nobody was asked for."""

from dataclasses import replace
from decimal import Decimal

from sqlalchemy import Engine

from tests.builders import CHEAP, FLAGSHIP, MID, START
from tests.store.samples import call, decision, keep, outcome
from windsock.core.model.calls import Attempt, AttemptReason, CallResult, Outcome
from windsock.store.reports import accounts
from windsock.store.rows import Uncalled, UncalledKind
from windsock.store.spending import Spent, spent_since

TINY = Decimal(1).scaleb(-12)


def asked(deployment: str, usd: Decimal | None, number: int = 0) -> CallResult:
    attempt = Attempt(number=number, deployment=deployment, reason=AttemptReason.FIRST)
    return call(attempt=attempt, cost_usd=usd)


def finished(
    number: int, *calls: CallResult, key_id: str | None = None, **facts: object
) -> Outcome:
    known = [each.cost_usd for each in calls if each.cost_usd is not None]
    cost = sum(known, Decimal(0)) if len(known) == len(calls) else None
    about = decision(number, key_id=key_id)
    return outcome(number, decision=about, results=calls, cost_usd=cost, **facts)


def test_each_call_is_counted_where_it_was_made(engine: Engine) -> None:
    began = decision(5, at=START - 4000, key_id="k1")
    ended_before = finished(4, asked(CHEAP, Decimal(4)), finished_at=START - 1)
    ended_before = replace(ended_before, decision=decision(4, at=START - 2))
    begun_before = replace(finished(5, asked(MID, Decimal(8)), finished_at=START), decision=began)
    keep(
        engine,
        [
            finished(1, asked(CHEAP, Decimal("0.5")), asked(FLAGSHIP, TINY, 1), key_id="k1"),
            finished(2, asked(CHEAP, Decimal(1))),
            finished(3, asked(MID, None), asked(CHEAP, Decimal(2), 1), key_id="k1"),
            ended_before,
            begun_before,
        ],
    )
    assert sorted(spent_since(engine, START), key=str) == sorted(
        [
            Spent("k1", "auto", CHEAP, Decimal("2.5")),
            Spent("k1", "auto", FLAGSHIP, TINY),
            Spent("k1", "auto", MID, Decimal(8)),
            Spent(None, "auto", CHEAP, Decimal(1)),
        ],
        key=str,
    )
    assert spent_since(engine, START + 100) == []


def test_requests_of_before_calls_had_costs_count_where_they_were_answered(engine: Engine) -> None:
    old = replace(finished(1, asked(CHEAP, None), served=MID), cost_usd=Decimal("0.25"))
    keep(engine, [old, finished(2)])
    assert spent_since(engine, START) == [Spent(None, "auto", MID, Decimal("0.25"))]


def test_nine_million_dollars_are_no_bound(engine: Engine) -> None:
    usd = Decimal(9_000_000)
    keep(engine, [finished(n, asked(CHEAP, usd)) for n in range(3)])
    assert spent_since(engine, START) == [Spent(None, "auto", CHEAP, 3 * usd)]


def test_what_asked_nobody_is_counted_by_group(engine: Engine) -> None:
    plain = {"namespace": "default", "route": "auto", "task": "chat", "key_id": "k1"}
    refused, cached = UncalledKind.REFUSED, UncalledKind.CACHED
    keep(
        engine,
        [
            Uncalled(at=START, kind=refused, cause="all", requests=3, **plain),
            Uncalled(at=START + 1, kind=refused, cause="team", requests=2, **plain),
            Uncalled(at=START, kind=cached, deployment=CHEAP, requests=7, saved_usd=TINY, **plain),
            Uncalled(at=START - 9, kind=refused, **plain),
            Uncalled(at=START, kind=refused, **{**plain, "namespace": "other"}),
        ],
    )
    one = {"refused": 5, "cache_hits": 7, "saved_usd": TINY}
    asked_for = {"since": START, "namespace": "default"}
    assert accounts(engine, by=("key",), **asked_for).uncalled == [{"key": "k1", **one}]
    assert accounts(engine, by=(), **asked_for).uncalled == [one]
    by_place = accounts(engine, by=("deployment",), **asked_for).uncalled
    assert {row["deployment"]: row["refused"] for row in by_place} == {None: 5, CHEAP: 0}
    assert accounts(engine, by=(), since=START + 99).uncalled == []
