"""The schema: from nothing, from the first revision with data, and equal to the tables."""

import sqlite3
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, inspect, text
from sqlmodel import SQLModel

from tests.builders import CHEAP, START, quote
from tests.store.old_rows import decision_row
from tests.store.samples import call, decision, feedback, keep, last_position, outcome, shift
from windsock.errors import StoreError
from windsock.store import queries
from windsock.store.codec import encode
from windsock.store.engine import open_engine
from windsock.store.migrations import HEAD, HERE, revision_of, upgrade, upgrade_engine
from windsock.store.rows import StateSnapshot

FIRST = {
    "decision": (
        "INSERT INTO decision VALUES (:position, :id, :number, :at, :finished_at, 'default', "
        "'auto', 'chat', NULL, :deployment, 0.25, 1, :served, :ok, :attempts, :nano, 0.5, :body)"
    ),
    "feedback": (
        "INSERT INTO feedback VALUES (:position, :decision_id, :at, :value, :weight, 'explicit', "
        "'', NULL, :key)"
    ),
    "quote": "INSERT INTO quote VALUES (:position, :deployment, 'sheet', NULL, :at, :body)",
    "event": "INSERT INTO event VALUES (:position, :at, 'price.shifted', :deployment, :body)",
    "snapshot": "INSERT INTO snapshot VALUES (:position, :at, :body)",
    "virtual_key": (
        "INSERT INTO virtual_key VALUES ('k1', 'ci', 'ab', 'default', 'infer read', 1, NULL, NULL)"
    ),
}


def fill_first_revision(engine: Engine) -> None:
    done = outcome(1, cost_usd=Decimal("0.000000038"))
    about = {"deployment": CHEAP, "id": "d1", "number": 1}
    rows = [
        ("decision", {**about, "position": 1, "at": START + 1, "finished_at": START + 1.5,
                      "served": CHEAP, "ok": True, "attempts": 1, "nano": 38,
                      "body": encode(done).encode()}),
        ("decision", {**about, "id": "d2", "number": 2, "position": 2, "at": START + 2,
                      "finished_at": None, "served": None, "ok": None, "attempts": 0, "nano": 0,
                      "body": encode(decision(2)).encode()}),
        ("feedback", {"position": 3, "decision_id": "d1", "at": START, "value": 0.5,
                      "weight": 0.75, "key": "once"}),
        ("feedback", {"position": 4, "decision_id": "d1", "at": START, "value": 0.5,
                      "weight": 0.75, "key": "once"}),
        ("quote", {"position": 5, "deployment": CHEAP, "at": START,
                   "body": encode(quote(CHEAP)).encode()}),
        ("event", {"position": 6, "at": START + 3, "deployment": CHEAP,
                   "body": encode(shift(3)).encode()}),
        ("snapshot", {"position": 7, "at": START, "body": b"state"}),
        ("virtual_key", {}),
    ]  # fmt: skip
    with engine.begin() as connection:
        for table, row in rows:
            connection.execute(text(FIRST[table]), row)


def differences(engine: Engine) -> list[object]:
    """Between the schema and the tables."""
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, SQLModel.metadata))


def test_an_empty_database_gets_the_schema_of_the_tables(url: str) -> None:
    upgrade(url)
    engine = open_engine(url)
    assert differences(engine) == []
    engine.dispose()


def index(facts: Mapping[str, Any]) -> str:
    words = {name: str(word) for name, word in facts.get("dialect_options", {}).items()}
    return str({**facts, "dialect_options": words})


def schema(engine: Engine) -> dict[str, object]:
    """Of every table its columns in their order, its key and what it is found by."""
    seen = inspect(engine)
    found: dict[str, object] = {
        table: (
            [(each["name"], str(each["type"]), each["nullable"], each["default"])
             for each in seen.get_columns(table)],
            seen.get_pk_constraint(table),
            sorted(map(index, seen.get_indexes(table))),
            sorted(map(str, seen.get_unique_constraints(table))),
        )
        for table in seen.get_table_names()
    }  # fmt: skip
    if engine.dialect.name == "sqlite":
        with engine.connect() as connection:
            query = text("SELECT name, wr, strict FROM pragma_table_list ORDER BY name")
            found[""] = [tuple(row) for row in connection.execute(query)]
    return found


def test_a_new_store_has_the_schema_to_which_all_revisions_lead(
    url: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    other = f"sqlite:///{tmp_path}/other.db"
    if not url.startswith("sqlite"):
        other = request.getfixturevalue("postgres").new_database()
    upgrade(url)
    upgrade(other, HEAD)
    made, led = open_engine(url), open_engine(other)
    assert schema(made) == schema(led)
    assert len(schema(made)) > 20
    made.dispose()
    led.dispose()


def test_upgrading_twice_changes_nothing(engine: Engine) -> None:
    keep(engine, [outcome(1)])
    upgrade_engine(engine)
    assert queries.decision(engine, "d1") == outcome(1)


def test_the_named_head_is_the_newest_revision(engine: Engine) -> None:
    assert ScriptDirectory(str(HERE)).get_current_head() == HEAD
    with engine.connect() as connection:
        assert revision_of(connection) == HEAD


def test_a_store_of_the_first_revision_keeps_everything(url: str) -> None:
    upgrade(url, "0001")
    engine = open_engine(url)
    fill_first_revision(engine)
    upgrade(url)
    assert differences(engine) == []
    assert queries.decision(engine, "d1") == outcome(1, cost_usd=Decimal("0.000000038"))
    assert queries.decision(engine, "d2") == decision(2)
    assert queries.feedback_of(engine, "d1") == [
        feedback(1, 0.5, weight=0.75, idempotency_key="once")
    ]
    assert queries.all_quotes(engine) == [quote(CHEAP)]
    assert queries.events(engine, since=0) == [shift(3)]
    assert queries.latest_snapshot(engine) == (7, StateSnapshot(START, b"state"))
    assert queries.keys(engine)[0].scopes == ("infer", "read")
    line = queries.report(engine, since=0, by=(), namespace="default")[0]
    assert line["cost_usd"] == Decimal("0.000000038")
    assert last_position(engine) == 7
    keep(engine, [outcome(9)])
    assert last_position(engine) == 8
    engine.dispose()


def test_a_store_of_the_second_revision_keeps_its_decisions_and_takes_ids_of_answers(
    url: str,
) -> None:
    upgrade(url, "0002")
    engine = open_engine(url)
    row = decision_row(outcome(1), 1)
    names = [name for name in row if name not in ("response_id", "is_cost_unknown")]
    known, values = ", ".join(names), ", ".join(f":{name}" for name in names)
    with engine.begin() as connection:
        connection.execute(text(f"INSERT INTO decision ({known}) VALUES ({values})"), row)
        connection.execute(text("INSERT INTO writer VALUES ('w', 0, 1)"))
    upgrade_engine(engine)
    assert differences(engine) == []
    assert queries.decision(engine, "d1") == outcome(1)
    later = outcome(2, results=(call(response_id="r2"),))
    keep(engine, [later])
    assert queries.decision_of_response(engine, "r2", "default") == later
    assert queries.decision_of_response(engine, "r2", "others") is None
    engine.dispose()


def test_a_migration_that_fails_leaves_the_store_as_it_was(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/store.db"
    upgrade(url, "0001")
    with sqlite3.connect(tmp_path / "store.db") as store:
        store.execute("CREATE TABLE writer (odd INTEGER)")
    store.close()
    engine = open_engine(url)
    fill_first_revision(engine)
    with pytest.raises(StoreError, match="writer"):
        upgrade_engine(engine)
    with engine.connect() as connection:
        assert revision_of(connection) == "0001"
        assert connection.execute(text("SELECT count(*) FROM feedback")).scalar() == 2
    engine.dispose()
