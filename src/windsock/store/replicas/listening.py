"""Waiting for other replicas' wake-up calls; a connection of its own, in a thread of its own."""

from __future__ import annotations

import contextlib
import time
from typing import Any

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import SQLAlchemyError

from windsock.store.replicas.waking import CHANNEL


class Listener:
    """`wait` returns when another replica calls or the time is up, whatever the database does."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._connection: Connection | None = None

    def wait(self, most_s: float) -> set[str]:
        """Wait for calls, this long at most, without a database for as long; why they came."""
        begun = time.monotonic()
        try:
            if self._connection is None:
                self._connection = self._listening()
            driver: Any = self._connection.connection.dbapi_connection
            return {call.payload for call in driver.notifies(timeout=most_s, stop_after=1)}
        except Exception:  # a driver's failures are many: polling goes on without calls
            self.close()
            time.sleep(max(0.0, most_s - (time.monotonic() - begun)))
            return set()

    def close(self) -> None:
        """Let go of the connection."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(SQLAlchemyError, OSError):
                connection.close()

    def _listening(self) -> Connection:
        connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        connection.detach()
        connection.execute(text(f"LISTEN {CHANNEL}"))
        return connection
