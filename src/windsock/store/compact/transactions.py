"""Transactions that read as of one moment, or that no other writer's overlaps."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import SQLAlchemyError

from windsock.errors import StoreError

REFUSALS = ("authentication failed", "does not exist", "permission denied", "no pg_hba")
"""What PostgreSQL says where it is there and refuses us; its driver gives no code for them."""


STOPPED_S = 2.0
"""Between two statements of a transaction that others wait for: while one is stopped in its midst
replicas tell each other nothing. One that was only slow begins again."""


@contextlib.contextmanager
def reading() -> Iterator[None]:
    """Failures of the database become StoreError, in one sentence."""
    try:
        yield
    except (SQLAlchemyError, OSError) as error:
        cause = str(getattr(error, "orig", None) or error).splitlines()[0]
        is_refusal = any(word in str(error) for word in REFUSALS)
        raise StoreError(f"the store cannot be used: {cause}", is_refusal=is_refusal) from error


def begin_alone(connection: Connection) -> None:
    """Open a transaction that no other writer's overlaps."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:
        give_up_if_stopped(connection, STOPPED_S)
        connection.execute(text("LOCK TABLE writer IN EXCLUSIVE MODE"))


def give_up_if_stopped(connection: Connection, after_s: float) -> None:
    """Have the server end this transaction where its process does not go on with it: one that is
    stopped in its midst would keep all others from writing."""
    timeout = f"SET LOCAL idle_in_transaction_session_timeout = {round(after_s * 1000)}"
    connection.exec_driver_sql(timeout)


@contextlib.contextmanager
def one_moment(engine: Engine) -> Iterator[Connection]:
    """A connection to which the store is as at one moment; failures become StoreError."""
    with reading(), engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN")
        else:
            connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        yield connection
        connection.rollback()
