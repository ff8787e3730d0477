"""Reading: decisions, quotes and weights at any past moment."""

from dataclasses import replace

import pytest
from sqlalchemy import Engine, text

from tests.builders import CHEAP, FLAGSHIP, START, quote, router
from tests.store.samples import call, decision, feedback, keep, outcome, shift
from windsock.core.model.calls import Outcome
from windsock.core.model.decisions import WeightTable
from windsock.core.model.requests import Cell
from windsock.core.pricing.book import PriceBook
from windsock.core.pricing.validation import Held
from windsock.store import queries
from windsock.store.compact import history

HOUR = 3600.0
ODD = {"odd": b"\x80"}
"""A body of no numbers."""


def table(version: int, *, task: str = "chat") -> WeightTable:
    found = router().table("default", "auto", "chat", START)
    cell = Cell("default", "auto", task)
    return replace(found, version=version, at=START + version, cell=cell)


def test_an_outcome_speaks_for_its_decision(engine: Engine) -> None:
    keep(engine, [decision(1), decision(2), outcome(1)])
    assert queries.decision(engine, "d1") == outcome(1)
    assert queries.decision(engine, "d2") == decision(2)
    assert queries.decision(engine, "d3") is None


def test_decisions_come_in_order_of_time_across_pages_with_their_propensity(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "PAGE", 10)
    late_first = [outcome(n, decision=decision(n, at=START - n // 4)) for n in range(100)]
    keep(engine, late_first)
    found = list(queries.decisions(engine, since=START - 20, until=START - 3))
    expected = sorted(range(16, 84), key=lambda n: (-(n // 4), n))
    assert [each.decision.number for each in found] == expected
    assert {each.decision.propensity for each in found} == {0.25}
    limited = list(queries.decisions(engine, since=START - 20, until=START - 3, limit=25))
    assert limited == found[:25]


def test_decisions_of_one_namespace_are_limited_among_themselves(engine: Engine) -> None:
    mine = Cell("mine", "auto", "chat")
    keep(engine, [outcome(n, decision=decision(n)) for n in range(50)])
    keep(engine, [outcome(n, decision=decision(n, cell=mine)) for n in range(50, 60)])
    found = queries.decisions(engine, since=0, until=START * 2, limit=5, namespace="mine")
    assert [each.decision.number for each in found] == [50, 51, 52, 53, 54]


def test_rows_that_cannot_be_read_use_up_no_limit(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor does a page of nothing but such rows end an export."""
    monkeypatch.setattr(history, "PAGE", 5)
    keep(engine, [outcome(n) for n in range(30)])
    with engine.begin() as connection:
        connection.execute(text("UPDATE request SET body = :odd WHERE position <= 12"), ODD)
    found = queries.decisions(engine, since=0, until=START * 2, limit=10)
    assert [each.decision.number for each in found] == list(range(12, 22))


def test_an_export_can_be_left_half_way_while_the_ledger_goes_on(engine: Engine) -> None:
    keep(engine, [outcome(n) for n in range(2000)])
    export = queries.decisions(engine, since=0, until=START * 2)
    first = next(export)
    keep(engine, [outcome(n) for n in range(2000, 2010)])
    assert first == outcome(0)
    assert sum(1 for _ in export) == 2009


def test_feedback_comes_in_the_order_it_was_said(engine: Engine) -> None:
    said = [feedback(1, 0.25, at=START + 5), feedback(2), feedback(1, 1.0, at=START + 3)]
    keep(engine, said)
    assert queries.feedback_of(engine, "d1") == [said[0], said[2]]
    assert queries.feedback_of(engine, "d9") == []


def test_the_quote_in_force_at_any_past_moment_is_what_the_book_said_then(engine: Engine) -> None:
    accepted = [
        quote(CHEAP, usd=1.0, seen_at=START),
        quote(CHEAP, usd=2.0, seen_at=START + HOUR, valid_from=START + 5 * HOUR),
        quote(CHEAP, usd=3.0, seen_at=START + 2 * HOUR, valid_until=START + 4 * HOUR),
        quote(FLAGSHIP, usd=9.0, seen_at=START + 2 * HOUR),
    ]
    keep(engine, accepted)
    for hours in (-1, 0, 0.5, 1, 2, 3.9, 4, 4.5, 5, 6):
        at = START + hours * HOUR
        book = PriceBook()
        book.restore([each for each in accepted if each.seen_at <= at])
        assert queries.quote_in_force(engine, CHEAP, at) == book.in_force(CHEAP, at)
    assert queries.quote_in_force(engine, CHEAP, START + 6 * HOUR) == accepted[1]


def test_quotes_are_found_by_when_they_were_seen(engine: Engine) -> None:
    accepted = [quote(CHEAP, usd=1 + n, seen_at=START + n) for n in range(5)]
    keep(engine, [*accepted, quote(FLAGSHIP, usd=7.0)])
    assert queries.quotes(engine, CHEAP, since=START + 1, until=START + 3) == accepted[1:3]
    assert queries.all_quotes(engine) == [*accepted, quote(FLAGSHIP, usd=7.0)]
    assert queries.last_quotes(engine) == [accepted[-1], quote(FLAGSHIP, usd=7.0)]


def test_held_quotes_keep_their_reason(engine: Engine) -> None:
    held = [
        Held(quote=quote(CHEAP, seen_at=START + n), reason="jump x40", since=START, polls=n)
        for n in range(3)
    ]
    other = Held(quote=quote(FLAGSHIP), reason="sentinel", since=START, is_final=True)
    keep(engine, [*held, other])
    assert queries.held_quotes(engine, since=START + 1, until=START + 9) == held[1:]
    assert queries.held_quotes(engine, since=0, until=START * 2, deployment=FLAGSHIP) == [other]


def test_weights_of_a_past_moment_are_the_last_table_before_it(engine: Engine) -> None:
    kept = [table(1), table(3), table(5), table(4, task="code")]
    keep(engine, kept)
    assert queries.table(engine, 3) == kept[1]
    assert queries.table(engine, 9) is None
    assert queries.tables(engine, {3, 5, 9}) == {3: kept[1], 5: kept[2]}
    at = queries.table_at(engine, "default", "auto", "chat", START + 4.9)
    assert at == kept[1]
    assert queries.table_at(engine, "default", "auto", "chat", START + 0.5) is None
    assert queries.tables_at(engine, "default", "auto", START + 9) == [kept[2], kept[3]]
    assert queries.tables_at(engine, "default", "auto", START + 2) == [kept[0]]


def test_events_with_a_limit_are_the_newest(engine: Engine) -> None:
    told = [shift(n, factor=n) for n in range(5)]
    keep(engine, told)
    assert queries.events(engine, since=START + 1) == told[1:]
    assert queries.events(engine, since=0, limit=2) == told[3:]


def test_the_tail_begins_after_a_position_and_holds_only_what_makes_state(engine: Engine) -> None:
    entries = [outcome(1), shift(1), feedback(1), table(1), quote(CHEAP), outcome(2), feedback(2)]
    keep(engine, entries)
    assert list(queries.tail(engine, 3)) == [quote(CHEAP), outcome(2), feedback(2)]
    assert list(queries.tail(engine, 7)) == []


def test_a_row_that_cannot_be_read_does_not_hide_the_others(engine: Engine) -> None:
    keep(engine, [outcome(1), outcome(2), outcome(3)])
    with engine.begin() as connection:
        connection.execute(text("UPDATE request SET body = :odd WHERE position = 2"), ODD)
    assert list(queries.tail(engine, 0)) == [outcome(1), outcome(3)]
    assert queries.decision(engine, "d2") is None


def test_what_records_share_is_json_that_other_tools_can_read(engine: Engine) -> None:
    keep(engine, [outcome(1)])
    path = {
        "sqlite": "SELECT body ->> '$.decision.cell[2]' FROM shape",
        "postgresql": "SELECT body::json -> 'decision' -> 'cell' ->> 2 FROM shape",
    }[engine.dialect.name]
    with engine.connect() as connection:
        assert connection.execute(text(path)).scalar() == "chat"


def test_an_id_that_two_answers_had_names_the_last_of_the_namespace(engine: Engine) -> None:
    answer = (call(response_id="r"),)
    others = decision(3, cell=Cell("others", "auto", "chat"))
    keep(
        engine,
        [
            outcome(1, results=answer),
            outcome(2, results=answer),
            outcome(3, decision=others, results=answer),
        ],
    )
    found = queries.decision_of_response(engine, "r", "default")
    assert isinstance(found, Outcome)
    assert found.decision.id == "d2"
