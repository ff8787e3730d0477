"""A store that commands look into: it is there, of this version, and looking makes none."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine

from windsock.config.settings import Settings
from windsock.errors import ConfigError, StoreError
from windsock.store.engine import open_engine, reading, sqlite_path
from windsock.store.migrations import HEAD, revision_of


@contextmanager
def existing_store(settings: Settings) -> Iterator[Engine]:
    """The store of these settings, let go of at the end; raises what `opened` does."""
    engine = opened(settings)
    try:
        yield engine
    finally:
        engine.dispose()


def opened(settings: Settings) -> Engine:
    """The store of these settings.

    raises  ConfigError or StoreError if there is none, or one of another version
    """
    path = sqlite_path(settings.store.url)
    if path is not None and not path.is_file():
        raise ConfigError(f"store.url: there is no store at {path}; name the service's --config")
    engine = open_engine(settings.store.url)
    with reading(), engine.connect() as connection:
        found = revision_of(connection)
    if found != HEAD:
        engine.dispose()
        raise StoreError(
            f"the store has {f'schema {found}' if found else 'no schema'}, not {HEAD}; run "
            "'windsock db upgrade'"
        )
    return engine
