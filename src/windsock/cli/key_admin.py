"""Making, listing and ending virtual keys in the store."""

from __future__ import annotations

from windsock.app.state_recovery import prepared_engine
from windsock.clock import SystemClock
from windsock.config.settings import Settings
from windsock.service.auth import new_key
from windsock.store import queries


def create_key(settings: Settings, name: str, namespace: str, scopes: tuple[str, ...]) -> str:
    """The new key, to be shown once."""
    key, public, digest = new_key()
    engine = prepared_engine(settings, SystemClock())
    queries.add_key(
        engine,
        queries.VirtualKey(
            id=public,
            name=name,
            sha256=digest,
            namespace=namespace,
            scopes=scopes,
            created_at=SystemClock().now(),
        ),
    )
    return key


def list_keys(settings: Settings) -> list[queries.VirtualKey]:
    return queries.keys(prepared_engine(settings, SystemClock()))


def revoke_key(settings: Settings, key_id: str) -> bool:
    engine = prepared_engine(settings, SystemClock())
    return queries.revoke_key(engine, key_id, SystemClock().now())
