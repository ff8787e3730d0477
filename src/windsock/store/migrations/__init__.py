"""Schema migrations; `windsock db upgrade` and the service's start run them."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import (
    Column,
    Connection,
    Engine,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    inspect,
    text,
)
from sqlmodel import SQLModel

from windsock.errors import ConfigError
from windsock.store import tables as of_the_ledger
from windsock.store.compact import tables as of_requests
from windsock.store.engine import make_private, open_engine, reading
from windsock.store.replicas import tables as of_replicas
from windsock.store.rollups import tables as of_sums

HERE = Path(__file__).parent
HEAD = "0012"
"""The newest revision; a database that has it needs nothing, and alembic is not even imported.

Revisions of the same thousand only add: what wrote to the schema before goes on beside what writes
to this one. A revision that takes away begins the next thousand.
"""

ROWS = [
    each
    for module in (of_the_ledger, of_requests, of_sums, of_replicas)
    for each in vars(module).values()
    if isinstance(each, type) and issubclass(each, SQLModel) and each is not SQLModel
]

REVISION = Table(
    "alembic_version",
    MetaData(),
    Column("version_num", String(32), nullable=False),
    PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
)
"""As alembic makes it."""

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
            if revision == "head" and not inspect(connection).get_table_names():
                _make(connection)
            elif not _is_there(connection, revision):
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


def _make(connection: Connection) -> None:
    """Today's schema where there is none: alembic takes 10 MB and a second to come to the same."""
    for row in ROWS:
        row.metadata.tables[str(row.__tablename__)].create(connection, checkfirst=True)
    REVISION.create(connection)
    connection.execute(REVISION.insert().values(version_num=HEAD))


def _run(connection: Connection, revision: str) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(HERE).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, revision)
