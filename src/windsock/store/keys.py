"""Virtual keys and named values: the few rows that are changed in place."""

from __future__ import annotations

import contextlib
import glob
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, Row, String, cast, delete, func, insert, select, update
from sqlalchemy.sql.functions import aggregate_strings, coalesce

from windsock.store.engine import reading
from windsock.store.recovery.set_aside import SET_ASIDE, sqlite_path
from windsock.store.replicas.waking import KEYS, wake
from windsock.store.tables import KeyRow, MetaRow

_key = KeyRow.__table__  # type: ignore[attr-defined]
TRACE = ".keyed"
"""Of the file beside a SQLite store that tells that keys were made once."""

UNIT = "\x1f"
"""Between the values of a column in a digest."""

_meta = MetaRow.__table__  # type: ignore[attr-defined]

PERIODS = ("day", "week", "month", "total")
"""In which a key's budget is spent; total: ever."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VirtualKey:
    """A key as kept: the hash of its secret only.

    budget_usd      spent per `budget_period`, of PERIODS
    rpm, tpm        requests, and tokens, within any minute
    models          routes, deployments and models it may name, or globs of such; empty: all
    continues       id of the first of the keys that were rotated into this one: what it spends and
                    says counts as that one's; None: it took nobody's place
    is_private      texts of its requests are held nowhere once they are answered: not for people
                    who label, not for judges, not in the cache
    """

    id: str
    name: str
    sha256: str
    namespace: str
    scopes: tuple[str, ...]
    created_at: float
    expires_at: float | None = None
    revoked_at: float | None = None
    budget_usd: Decimal | None = None
    budget_period: str | None = None
    rpm: int | None = None
    models: tuple[str, ...] = ()
    tpm: int | None = None
    continues: str | None = None
    is_private: bool = False

    def state(self, now: float) -> str:
        """active, expired or revoked."""
        if self.revoked_at is not None:
            return "revoked"
        return "expired" if self.expires_at is not None and now >= self.expires_at else "active"


def keys(engine: Engine) -> list[VirtualKey]:
    """All virtual keys, revoked ones included, oldest first; raises StoreError."""
    with reading(), engine.connect() as connection:
        rows = connection.execute(select(_key).order_by(_key.c.created_at)).all()
    return [_key_of(row) for row in rows]


def stamp_of_keys(engine: Engine) -> tuple[int, int]:
    """(how many keys, digest of all that is kept of them): another one whenever anything of any key
    is, by whatever hand.

    It costs a fifteenth of reading them; raises StoreError.
    """
    is_afar = engine.dialect.name == "postgresql"
    columns = [aggregate_strings(coalesce(cast(each, String), ""), UNIT) for each in _key.c]
    digests = map(func.md5, columns) if is_afar else columns
    query = select(func.count(), *digests).select_from(_key)
    with reading(), engine.connect() as connection:
        count, *found = connection.execute(query).one()
    return count, hash(tuple(found))


def keys_and_trace(engine: Engine) -> tuple[list[VirtualKey], bool]:
    """All virtual keys, and whether there were some that may be gone with a store of before.

    raises  StoreError
    """
    found = keys(engine)
    if found:
        _leave_trace(engine)
    return found, bool(found) or _has_trace(engine)


def add_key(engine: Engine, key: VirtualKey) -> None:
    """Raises StoreError, also if there is one of this id."""
    with reading(), engine.begin() as connection:
        connection.execute(insert(_key).values(_values_of(key)))
        wake(connection, KEYS)
    _leave_trace(engine)


def rotate_key(engine: Engine, old: VirtualKey, new: VirtualKey) -> None:
    """Add a key, and have the one whose place it takes end when `old` says; raises StoreError."""
    ends = update(_key).where(_key.c.id == old.id).values(expires_at=old.expires_at)
    with reading(), engine.begin() as connection:
        connection.execute(insert(_key).values(_values_of(new)))
        connection.execute(ends)
        wake(connection, KEYS)
    _leave_trace(engine)


def _values_of(key: VirtualKey) -> dict[str, Any]:
    return {
        **{name: getattr(key, name) for name in _key.c.keys()},  # noqa: SIM118
        "scopes": " ".join(key.scopes),
        "models": " ".join(key.models),
        "budget_usd": None if key.budget_usd is None else str(key.budget_usd),
    }


def revoke_key(engine: Engine, key_id: str, at: float) -> bool:
    """False if no such key is active."""
    query = update(_key).where(_key.c.id == key_id, _key.c.revoked_at.is_(None))
    with reading(), engine.begin() as connection:
        is_done = connection.execute(query.values(revoked_at=at)).rowcount == 1
        wake(connection, KEYS)
    return is_done


def meta(engine: Engine, name: str) -> str | None:
    """A named value, or None if it was never set."""
    with reading(), engine.connect() as connection:
        return connection.execute(select(_meta.c.value).where(_meta.c.name == name)).scalar()


def set_meta(engine: Engine, name: str, value: str) -> None:
    """In place of what it was; raises StoreError."""
    with reading(), engine.begin() as connection:
        connection.execute(delete(_meta).where(_meta.c.name == name))
        connection.execute(insert(_meta).values(name=name, value=value))


def _trace(engine: Engine) -> Path | None:
    """A file beside a SQLite store that says that keys were made; it outlives the store."""
    path = sqlite_path(engine.url.render_as_string())
    return None if path is None else path.with_name(f"{path.name}{TRACE}")


def _leave_trace(engine: Engine) -> None:
    trace = _trace(engine)
    if trace is not None:
        with contextlib.suppress(OSError):
            trace.touch(mode=0o600)


def _has_trace(engine: Engine) -> bool:
    """Also where a broken store was set aside: it may have held keys that could not be read."""
    trace = _trace(engine)
    if trace is None:
        return False
    name = trace.name.removesuffix(TRACE)
    return trace.exists() or any(trace.parent.glob(f"{glob.escape(name)}{SET_ASIDE}*"))


def _key_of(row: Row[Any]) -> VirtualKey:
    facts = dict(row._mapping)
    facts["scopes"] = tuple(row.scopes.split())
    facts["models"] = tuple(row.models.split())
    facts["is_private"] = bool(row.is_private)
    facts["budget_usd"] = None if row.budget_usd is None else Decimal(row.budget_usd)
    return VirtualKey(**facts)
