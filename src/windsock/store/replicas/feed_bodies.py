"""What each feed said last, told by who leads to all others.

All raise StoreError if the database cannot be reached.
"""

from __future__ import annotations

import zlib

from sqlalchemy import Connection, Engine, Table, select, update
from sqlalchemy.dialects.postgresql import insert

from windsock.store.engine import reading
from windsock.store.replicas.lease import Held, keeps
from windsock.store.replicas.tables import FeedBodyRow
from windsock.store.replicas.waking import wake

_body: Table = FeedBodyRow.__table__  # type: ignore[attr-defined]


def put_body(engine: Engine, feed: str, lease: Held, body: bytes | None, seen_at: float) -> bool:
    """Keep what a feed says, None: the same as before; False if another leads by now."""
    token = lease.token
    with reading(), engine.begin() as connection:
        if not keeps(connection, lease):
            return False
        if body is None:
            mine = update(_body).where(_body.c.feed == feed)
            connection.execute(mine.values(seen_at=seen_at, token=token))
        else:
            _put(connection, feed, token, body, seen_at)
        wake(connection)
    return True


def _put(connection: Connection, feed: str, token: int, body: bytes, seen_at: float) -> None:
    values = {"token": token, "seen_at": seen_at, "body": zlib.compress(body, 1)}
    row = insert(_body).values(feed=feed, number=1, **values)
    again = {**values, "number": _body.c.number + 1}
    connection.execute(row.on_conflict_do_update(index_elements=["feed"], set_=again))


def body_of(engine: Engine, feed: str, known: str | None) -> tuple[str, bytes | None] | None:
    """(number, body) of a feed, no body if `known` is its number; None if none was kept yet."""
    with reading(), engine.connect() as connection:
        here = _body.c.feed == feed
        number = connection.execute(select(_body.c.number).where(here)).scalar()
        if number is None:
            return None
        if str(number) == known:
            return known, None
        row = connection.execute(select(_body.c.number, _body.c.body).where(here)).one()
    return str(row.number), zlib.decompress(row.body)
