"""The schema: migrations from nothing and from every revision lead to the tables as declared."""

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, inspect
from sqlmodel import SQLModel

from tests.store.samples import feedback, keep, outcome, shift
from windsock.core.records import Feedback
from windsock.store import queries
from windsock.store.engine import open_engine
from windsock.store.ledger import StateSnapshot
from windsock.store.migrations import HEAD, revision_of, upgrade, upgrade_engine


def differences(engine: Engine) -> list[object]:
    """Between the tables as declared and as migrated."""
    with engine.connect() as connection:
        return list(compare_metadata(MigrationContext.configure(connection), SQLModel.metadata))


def test_the_migrated_schema_is_the_declared_one(engine: Engine) -> None:
    assert differences(engine) == []
    with engine.connect() as connection:
        assert revision_of(connection) == HEAD


def test_every_column_allows_nothing_just_where_the_tables_say_so(engine: Engine) -> None:
    seen = inspect(engine)
    for table in SQLModel.metadata.sorted_tables:
        found = {each["name"]: each["nullable"] for each in seen.get_columns(table.name)}
        assert found == {column.name: column.nullable for column in table.columns}, table.name


def test_upgrading_again_changes_nothing_and_keeps_every_row(engine: Engine) -> None:
    kept = [outcome(1), feedback(1, 0.5)]
    keep(engine, [*kept, shift(1), StateSnapshot(1.0, b"state")])
    upgrade_engine(engine)
    upgrade(engine.url.render_as_string(hide_password=False))
    assert list(queries.tail(engine, 0)) == kept
    assert queries.latest_snapshot(engine) == (4, StateSnapshot(1.0, b"state"))


@pytest.mark.parametrize("name", ["0001", HEAD])
def test_a_store_of_an_older_revision_comes_up_to_date(url: str, name: str) -> None:
    upgrade(url, name)
    engine = open_engine(url)
    upgrade_engine(engine)
    assert differences(engine) == []
    keep(engine, [outcome(1)])
    assert list(queries.tail(engine, 0)) == [outcome(1)]
    engine.dispose()


def test_rows_of_the_first_revision_are_carried_over(url: str) -> None:
    upgrade(url, "0001")
    engine = open_engine(url)
    columns = "position, decision_id, at, value, weight, source, metric"
    with engine.begin() as connection:
        connection.exec_driver_sql(
            f"INSERT INTO feedback ({columns}) VALUES (7, 'd1', 2.5, 0.5, 0.75, 'check', '')"
        )
    upgrade_engine(engine)
    old = feedback(1, 0.5, at=2.5, source="check", weight=0.75)
    assert queries.feedback_of(engine, "d1") == [old]
    keep(engine, [feedback(1, 1.0, at=3.0)])
    after = [each for each in queries.tail(engine, 7) if isinstance(each, Feedback)]
    assert after == [feedback(1, 1.0, at=3.0)]
    engine.dispose()
