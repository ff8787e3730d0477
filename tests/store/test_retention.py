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
    names = ("decision", "attempt", "feedback", "weights", "event", "health", "quote")
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
        "decision": 10,
        "attempt": 10,
        "feedback": 10,
        "weights": 1,
        "event": 1,
        "health": 0,
        "quote": 10,
    }
    assert prune(engine, NOW) == 0


def test_decisions_go_with_their_attempts_and_feedback_if_that_is_wished(engine: Engine) -> None:
    history(engine)
    prune(engine, NOW, Keep(decisions_s=400 * DAY_S, tables_s=None, events_s=None))
    left = counts(engine)
    assert (left["decision"], left["attempt"], left["feedback"]) == (4, 4, 4)
    assert (left["weights"], left["event"]) == (10, 10)


def test_pruning_and_writing_do_not_hinder_each_other(engine: Engine) -> None:
    keep(engine, [replace(shift(n), at=START) for n in range(3 * MAX_ROWS + 10)])
    with ledger_on(engine) as ledger:
        for number in range(2000):
            ledger.append(outcome(number))
        assert prune(engine, NOW) == 3 * MAX_ROWS + 10
    assert ledger.stats().dropped == 0
    assert counts(engine)["decision"] == 2000
    assert queries.events(engine, since=0) == []
