"""Replicas wake each other where one has done what the others wait for."""

from __future__ import annotations

from sqlalchemy import Connection, text

CHANNEL = "windsock"
"""On which replicas wake each other."""

KEYS = "keys"
"""Why replicas are woken where keys were made, changed or revoked."""

LIMITS = "limits"
"""Why they are woken where one needs more of a limit a minute than its even part."""


def wake(connection: Connection, why: str = "") -> None:
    """Have the others look, once this transaction is done; nobody listens in SQLite."""
    if connection.dialect.name == "postgresql":
        values = {"channel": CHANNEL, "why": why}
        connection.execute(text("SELECT pg_notify(:channel, :why)"), values)
