"""A store that commands look into: it is there, of this version, and looking makes none."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Engine

from windsock.config.settings import Settings
from windsock.errors import ConfigError, StoreError
from windsock.store.engine import open_engine, reading, sqlite_path
from windsock.store.migrations import HEAD, revision_of


@contextmanager
def existing_store(settings: Settings) -> Iterator[Engine]:
    """The store of these settings.

    raises  ConfigError or StoreError if there is none, or one of another version
    """
    path = sqlite_path(settings.store.url)
    if path is not None and not Path(path).is_file():
        raise ConfigError(f"store.url: there is no store at {path}; name the service's --config")
    engine = open_engine(settings.store.url)
    try:
        with reading(), engine.connect() as connection:
            found = revision_of(connection)
        if found != HEAD:
            raise StoreError(f"the store has schema {found}, not {HEAD}; run 'windsock db upgrade'")
        yield engine
    finally:
        engine.dispose()
