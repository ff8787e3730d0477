"""Schema migrations; `windsock db upgrade` and the service's start run them."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, Engine, inspect, text

from windsock.errors import ConfigError
from windsock.store.engine import make_private, open_engine, reading

HERE = Path(__file__).parent
HEAD = "0012"
"""The newest revision; a database that has it needs nothing, and alembic is not even imported.

Revisions of the same thousand only add: what wrote to the schema before goes on beside what writes
to this one. A revision that takes away begins the next thousand.
"""

UPGRADING = int.from_bytes(b"upgrade")
"""Name of the lock among PostgreSQL's advisory locks."""

LOCK_TIMEOUT = "5s"
"""For which a change waits for a table in use: whoever asks for the table waits behind it."""


def upgrade(url: str, revision: str = "head") -> None:
    """Bring the database behind a URL to a revision; raises ConfigError or StoreError."""
    engine = open_engine(url)
    try:
        upgrade_engine(engine, revision)
    finally:
        engine.dispose()


def upgrade_engine(engine: Engine, revision: str = "head") -> None:
    """The same for an open engine; the whole way is one transaction, and one process goes it.

    raises  ConfigError if a later windsock took away what this one needs
    """
    make_private(engine)
    with reading():
        with engine.connect() as connection:
            if _is_there(connection, revision):
                return
        with engine.connect() as connection:
            _wait_for_others(connection)
            if not _is_there(connection, revision):
                _run(connection, revision)
            connection.commit()


def _is_there(connection: Connection, revision: str) -> bool:
    """Whether the schema has a revision, or one to which later versions have only added."""
    known = revision_of(connection)
    if revision != "head" or known is None or known < HEAD:
        return False
    if known[0] > HEAD[0]:
        raise ConfigError(
            f"the store has the schema {known} of a later windsock, and this one knows {HEAD}: "
            "install the version that wrote it, or name another store.url"
        )
    return True


def _wait_for_others(connection: Connection) -> None:
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        return
    connection.execute(text("SELECT pg_advisory_xact_lock(:name)"), {"name": UPGRADING})
    connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")


def revision_of(connection: Connection) -> str | None:
    """None if no migration was ever run."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def _run(connection: Connection, revision: str) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(HERE).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, revision)
