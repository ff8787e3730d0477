"""Schema migrations; `windsock db upgrade` and the service's start run them."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, Engine, inspect, text

from windsock.store.engine import make_private, open_engine, reading

HERE = Path(__file__).parent
HEAD = "0009"
"""The newest revision; a database that has it needs nothing, and alembic is not even imported."""


def upgrade(url: str, revision: str = "head") -> None:
    """Bring the database behind a URL to a revision; raises ConfigError or StoreError."""
    engine = open_engine(url)
    try:
        upgrade_engine(engine, revision)
    finally:
        engine.dispose()


def upgrade_engine(engine: Engine, revision: str = "head") -> None:
    """The same for an open engine; the whole way is one transaction."""
    make_private(engine)
    with reading():
        with engine.connect() as connection:
            if revision == "head" and revision_of(connection) == HEAD:
                return
        with engine.connect() as connection:
            if engine.dialect.name == "sqlite":
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            _run(connection, revision)
            connection.commit()


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
