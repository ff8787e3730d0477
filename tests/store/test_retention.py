"""What is old goes, in small steps; what is promised for ever stays."""

from dataclasses import replace

from sqlalchemy import Engine, text

from tests.builders import CHEAP, START, quote
from tests.store.samples import feedback, keep, ledger_on, outcome, shift
from tests.store.test_queries import table
from windsock.core.model.ticks import HealthReport, HealthState
from windsock.store import queries
from windsock.store.retention import DAY_S, MAX_ROWS, Keep, prune

NOW = START + 1000 * DAY_S


def counts(engine: Engine) -> dict[str, int]:
    names = ("request", "request_name", "feedback", "weight_table", "event", "health", "quote")
    with engine.connect() as connection:
        return {
            name: connection.execute(text(f"SELECT count(*) FROM {name}")).scalar_one()
            for name in names
        }


def history(engine: Engine) -> None:
    """One of each, on each of a thousand days but the last."""
    for day in range(0, 1000, 100):
        at = START + day * DAY_S
        report = HealthReport(subject="p", feed="f", state=HealthState.UP, seen_at=at)
        event = replace(shift(0), at=at)
        keep(engine, [replace(table(day), at=at), event, report, quote(CHEAP, seen_at=at)])
        about = replace_at(day, at)
        keep(engine, [about, feedback(day, at=at)])


def replace_at(number: int, at: float):
    made = outcome(number)
    return replace(made, decision=replace(made.decision, at=at), finished_at=at + 1)


def test_by_default_decisions_and_quotes_stay_and_the_rest_goes_in_time(engine: Engine) -> None:
    history(engine)
    keep(engine, [replace(table(9999), at=NOW - DAY_S), replace(shift(1), at=NOW - 60 * DAY_S)])
    assert prune(engine, NOW) == 30
    assert counts(engine) == {
        "request": 10,
        "request_name": 10,
        "feedback": 10,
        "weight_table": 1,
        "event": 1,
        "health": 0,
        "quote": 10,
    }
    assert prune(engine, NOW) == 0


def test_decisions_go_with_their_attempts_and_feedback_if_that_is_wished(engine: Engine) -> None:
    history(engine)
    prune(engine, NOW, Keep(decisions_s=400 * DAY_S, tables_s=None, events_s=None))
    left = counts(engine)
    assert (left["request"], left["request_name"], left["feedback"]) == (4, 4, 4)
    assert (left["weight_table"], left["event"]) == (10, 10)
    assert queries.decision(engine, "d900") is not None
    assert queries.report(engine, since=0, by=())[0]["requests"] == 10


def test_pruning_and_writing_do_not_hinder_each_other(engine: Engine) -> None:
    keep(engine, [replace(shift(n), at=START) for n in range(3 * MAX_ROWS + 10)])
    with ledger_on(engine) as ledger:
        for number in range(2000):
            ledger.append(outcome(number))
        assert prune(engine, NOW) == 3 * MAX_ROWS + 10
    assert ledger.stats().dropped == 0
    assert counts(engine)["request"] == 2000
    assert queries.events(engine, since=0) == []


def test_each_kind_has_its_own_time(engine: Engine) -> None:
    history(engine)
    keep = Keep(tables_s=None, events_s=None, health_s=None, held_s=None)
    assert prune(engine, NOW, replace(keep, rewards_s=350 * DAY_S)) == 7
    assert prune(engine, NOW, replace(keep, prices_s=350 * DAY_S)) == 6, "the last stays in force"
    assert prune(engine, NOW, replace(keep, sums_s=350 * DAY_S)) == 7 * (3 + 3 + 2), (
        "delays have no minutes"
    )
    assert counts(engine) == {
        **{"request": 10, "request_name": 10, "weight_table": 10, "event": 10, "health": 10},
        **{"feedback": 3, "quote": 4},
    }
    (line,) = queries.report(engine, since=0, by=())
    assert (line["requests"], line["judged"]) == (3, 3)
    assert queries.quote_in_force(engine, CHEAP, START + 650 * DAY_S) is not None


def test_space_is_given_back_to_the_disk(file_engine: Engine) -> None:
    keep(file_engine, [outcome(n) for n in range(5000)])
    with file_engine.connect() as store:
        pages = store.exec_driver_sql("PRAGMA page_count").scalar_one()
    assert prune(file_engine, NOW, Keep(decisions_s=DAY_S)) == 5000
    with file_engine.connect() as store:
        assert store.exec_driver_sql("PRAGMA page_count").scalar_one() < pages / 2
        assert store.exec_driver_sql("PRAGMA freelist_count").scalar_one() == 0
