"""Claims of limits a minute among replicas: all shares together no more than a limit, by one lock.

All raise StoreError if the database cannot be reached.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, Engine, Row, Table, delete, func, select, text, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import SQLAlchemyError

from windsock.core.replicas.rates import GONE_S, OVER_S, Claim, Place, Share, share_of
from windsock.errors import StoreError
from windsock.store.compact.transactions import STOPPED_S, give_up_if_stopped
from windsock.store.engine import reading
from windsock.store.replicas.group import now_of
from windsock.store.replicas.tables import LimitShareRow
from windsock.store.replicas.waking import LIMITS, wake

LOCK = int.from_bytes(b"ws-limit")
"""Name of the advisory lock of who grants just now."""


class MaybeClaimed(StoreError):
    """The database went away in the midst of it."""


_limit: Table = LimitShareRow.__table__  # type: ignore[attr-defined]


def claimed(engine: Engine) -> dict[Place, int]:
    """Places of which any replica has a share, and what all may use there."""
    query = select(_limit.c.key_id, _limit.c.kind, func.max(_limit.c.most))
    with reading(), engine.connect() as connection:
        rows = connection.execute(query.group_by(_limit.c.key_id, _limit.c.kind)).all()
    return {(key_id, kind): most for key_id, kind, most in rows}


def claim(
    engine: Engine,
    replica: str,
    claims: Mapping[Place, Claim],
    *,
    there: Collection[str],
) -> dict[Place, Share | None]:
    """What this replica may use of each place from now on; None: its even part.

    there   replicas that are, this one among them
    raises  MaybeClaimed if nobody knows whether the database has heard of it
    """
    with reading(), engine.connect() as connection:
        give_up_if_stopped(connection, STOPPED_S)
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK})
        now = now_of(connection)
        connection.execute(delete(_limit).where(_limit.c.at < now - OVER_S))
        gone = _limit.c.replica.not_in(there) & (_limit.c.at < now - GONE_S)
        connection.execute(delete(_limit).where(gone))
        held = _held(connection, claims)
        found = {
            place: _share_of(claim, [row for row in held[place] if row.replica != replica], there)
            for place, claim in claims.items()
        }
        _keep(connection, replica, claims, found, now)
        if any(all(row.replica != replica for row in held[place]) for place in claims):
            wake(connection, LIMITS)
        try:
            connection.commit()
        except (SQLAlchemyError, OSError) as error:
            raise MaybeClaimed("the database went away while it was told") from error
    return found


def _held(connection: Connection, places: Iterable[Place]) -> defaultdict[Place, list[Row[Any]]]:
    held: defaultdict[Place, list[Row[Any]]] = defaultdict(list)
    query = select(_limit).where(tuple_(_limit.c.key_id, _limit.c.kind).in_(sorted(places)))
    for row in connection.execute(query):
        held[row.key_id, row.kind].append(row)
    return held


def _share_of(claim: Claim, others: list[Row[Any]], there: Collection[str]) -> Share | None:
    present = [row for row in others if row.replica in there]
    gone = sum(row.share for row in others if row.replica not in there)
    return share_of(
        claim,
        [Claim(most=row.most, share=row.share, wanted=row.wanted) for row in present],
        silent=len(there) - 1 - len(present),
        gone=gone,
        replicas=len(there),
    )


def _keep(
    connection: Connection,
    replica: str,
    claims: Mapping[Place, Claim],
    found: Mapping[Place, Share | None],
    now: float,
) -> None:
    """Where nobody needs more than an even part, nothing."""
    over = sorted(place for place, share in found.items() if share is None)
    if over:
        here = tuple_(_limit.c.key_id, _limit.c.kind).in_(over)
        connection.execute(delete(_limit).where(here))
    rows = [
        {
            "key_id": place[0],
            "kind": place[1],
            "replica": replica,
            "most": claims[place].most,
            "share": share.share,
            "wanted": claims[place].wanted,
            "at": now,
        }
        for place, share in found.items()
        if share is not None
    ]
    if rows:
        new = insert(_limit)
        latest = {name: new.excluded[name] for name in ("most", "share", "wanted", "at")}
        keys = ["key_id", "kind", "replica"]
        connection.execute(new.on_conflict_do_update(index_elements=keys, set_=latest), rows)
