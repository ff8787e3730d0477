"""Who takes part, what they have told, and who leads: short transactions, none on a request's way.

All raise StoreError if the database cannot be reached.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from typing import NamedTuple

import orjson
from sqlalchemy import (
    Connection,
    Engine,
    Table,
    case,
    delete,
    exists,
    func,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import insert

from windsock.core.replicas.deltas import Delta
from windsock.store.compact.transactions import STOPPED_S, begin_alone, give_up_if_stopped
from windsock.store.engine import reading
from windsock.store.replicas.tables import DeltaRow, FeedBodyRow, LeaseRow, ReplicaRow, ShareRow
from windsock.store.tables import WriterRow

CHANNEL = "windsock"
"""On which replicas wake each other."""

POLLER = "poller"
"""The lease of who polls feeds, judges changes, and keeps snapshots."""

KEYS = "keys"
"""Why replicas are woken where keys were made, changed or revoked."""

LIMITS = "limits"
"""Why they are woken where one needs more of a limit a minute than its even part."""

KEPT_S = 86_400.0
"""For which replicas that are gone are remembered at least, and as long as what they told is kept
(`store.retention`): without their positions it would be learnt from the ledger once more."""

GRANTS_KEPT_S = 62 * 86_400.0
"""After the begin of a period, the longest of which is a month."""

PAGE = 500
"""Deltas read at a time."""

NOW = text("SELECT extract(epoch FROM clock_timestamp())")

_delta: Table = DeltaRow.__table__  # type: ignore[attr-defined]
_replica: Table = ReplicaRow.__table__  # type: ignore[attr-defined]
_lease: Table = LeaseRow.__table__  # type: ignore[attr-defined]
_body: Table = FeedBodyRow.__table__  # type: ignore[attr-defined]
_share: Table = ShareRow.__table__  # type: ignore[attr-defined]
_writer: Table = WriterRow.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a replica says of itself; None: its version does not tell.

    name        as people see it
    version     of windsock
    config      digest of its configuration; config_at: when it loaded that, unix s of its own clock
    loads       configurations that it has loaded, the first among them
    heard       position of the ledger up to which it has learnt what others told
    requests    that it has finished
    """

    name: str
    version: str | None = None
    config: str = ""
    config_at: float | None = None
    loads: int | None = None
    heard: int | None = None
    requests: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A replica; `is_there` if it has said so lately. Moments in unix s of the database's clock.

    behind  deltas of others that it has not told to have learnt; None: not known
    """

    id: str
    joined_at: float
    seen_at: float
    is_there: bool
    told: Told
    behind: int | None = None


def newest(members: Iterable[Member]) -> Member | None:
    """The one that is there whose configuration was loaded last."""
    there = [each for each in members if each.is_there]
    return max(there, key=lambda each: each.told.config_at or 0.0, default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """holder   who leads; `left_s` seconds from now, unless it says again that it does
    token       of this holder: what is written with an older one is refused
    """

    holder: str
    token: int
    left_s: float


class Held(NamedTuple):
    """A lease as its holder knows it: its token, and for how long it is prolonged each time.

    Whoever keeps its row from others does so for half of that at most: one that is stopped in the
    midst of it would else lead until it goes on.
    """

    token: int
    lasts_s: float


class News(NamedTuple):
    """What others have told, by position; and when the body of each feed was last seen."""

    deltas: list[tuple[int, Delta | None]]
    bodies: dict[str, float]


def now_of(connection: Connection) -> float:
    """The database's clock, unix s."""
    return float(connection.execute(NOW).scalar_one())


def join(engine: Engine, replica: str, told: Told) -> int:
    """Take part from now on; the ledger's position."""
    with reading(), engine.begin() as connection:
        begin_alone(connection)
        position = connection.execute(select(func.max(_writer.c.position))).scalar() or 0
        now = now_of(connection)
        values = {"position": position, "joined_at": now, "seen_at": now}
        row = insert(_replica).values(id=replica, **values, **asdict(told))
        connection.execute(row.on_conflict_do_nothing())
        is_kept = exists().where(_delta.c.replica == _replica.c.id)
        old = _replica.c.seen_at < now - KEPT_S
        connection.execute(delete(_replica).where(old, ~is_kept))
        begins_at = _share.c.begins_at  # 0: of a period that never ends
        over = begins_at.between(1.0, now - GRANTS_KEPT_S)
        connection.execute(delete(_share).where(over))
    return int(position)


def leave(engine: Engine, replica: str) -> None:
    """Take part no more; what it led another may lead at once."""
    with reading(), engine.begin() as connection:
        now = now_of(connection)
        connection.execute(update(_replica).where(_replica.c.id == replica).values(left_at=now))
        connection.execute(update(_lease).where(_lease.c.holder == replica).values(until=now))
        wake(connection)


def beat(engine: Engine, replica: str, told: Told, lease_s: float) -> tuple[Lease, list[Member]]:
    """Say that it is there, lead if nobody does, and see who else is there."""
    with reading(), engine.begin() as connection:
        give_up_if_stopped(connection, lease_s / 2)  # as of Held
        now = now_of(connection)
        mine = update(_replica).where(_replica.c.id == replica)
        connection.execute(mine.values(seen_at=now, left_at=None, **asdict(told)))
        lease = _taken(connection, replica, lease_s, now)
        members = _members(connection, now - 2 * lease_s)
    return lease, members


def _members(connection: Connection, since: float) -> list[Member]:
    is_there = _replica.c.left_at.is_(None) & (_replica.c.seen_at > since)
    unheard = (_delta.c.position > _replica.c.heard) & (_delta.c.replica != _replica.c.id)
    counted = select(func.count()).select_from(_delta).where(unheard).scalar_subquery()
    behind = case((is_there & _replica.c.heard.is_not(None), counted), else_=None)
    query = select(_replica, is_there.label("is_there"), behind.label("behind"))
    rows = connection.execute(query.order_by(_replica.c.joined_at)).all()
    return [
        Member(
            id=row.id,
            joined_at=row.joined_at,
            seen_at=row.seen_at,
            is_there=row.is_there,
            behind=row.behind,
            told=Told(**{each.name: getattr(row, each.name) for each in fields(Told)}),
        )
        for row in rows
    ]


def _taken(connection: Connection, replica: str, lease_s: float, now: float) -> Lease:
    """Prolong the lease, or take it where it has run out: by one statement, so by one alone."""
    new = insert(_lease).values(name=POLLER, holder=replica, token=1, until=now + lease_s)
    is_mine = _lease.c.holder == replica
    grown = _lease.c.token + case((is_mine, 0), else_=1)
    taken = new.on_conflict_do_update(
        index_elements=["name"],
        set_={"holder": replica, "until": now + lease_s, "token": grown},
        where=is_mine | (_lease.c.until < now),
    )
    connection.execute(taken)
    row = connection.execute(select(_lease).where(_lease.c.name == POLLER)).one()
    return Lease(holder=row.holder, token=row.token, left_s=row.until - now)


def deltas_after(engine: Engine, position: int) -> list[tuple[int, Delta | None]]:
    """What was told after a position, in order, PAGE at most; None: it cannot be read."""
    with reading(), engine.connect() as connection:
        return _deltas_after(connection, position)


def news_after(engine: Engine, position: int) -> News:
    """The same, and what feeds have said, by one connection."""
    with reading(), engine.connect() as connection:
        seen = connection.execute(select(_body.c.feed, _body.c.seen_at)).all()
        return News(_deltas_after(connection, position), {row.feed: row.seen_at for row in seen})


def _deltas_after(connection: Connection, position: int) -> list[tuple[int, Delta | None]]:
    query = select(_delta).where(_delta.c.position > position).order_by(_delta.c.position)
    rows = connection.execute(query.limit(PAGE)).all()
    return [(row.position, _read(row.body)) for row in rows]


def _read(body: str) -> Delta | None:
    try:
        return Delta.from_state(orjson.loads(body))
    except (LookupError, TypeError, ValueError):
        return None


def eras(engine: Engine) -> list[tuple[int, int]]:
    """(first, last] positions of the ledger between which what was learnt is in deltas."""
    last = select(_delta.c.replica, func.max(_delta.c.position)).group_by(_delta.c.replica)
    with reading(), engine.connect() as connection:
        ends = {row[0]: row[1] for row in connection.execute(last)}
        begun = connection.execute(select(_replica.c.id, _replica.c.position)).all()
    return [(row.position, ends[row.id]) for row in begun if row.id in ends]


def keeps(connection: Connection, lease: Held) -> bool:
    """Whether its holder still leads, and until this transaction ends nobody else."""
    give_up_if_stopped(connection, min(STOPPED_S, lease.lasts_s / 2))
    held = select(_lease.c.token).where(_lease.c.name == POLLER).with_for_update()
    return bool(connection.execute(held).scalar() == lease.token)


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


def wake(connection: Connection, why: str = "") -> None:
    """Have the others look, once this transaction is done; nobody listens in SQLite."""
    if connection.dialect.name == "postgresql":
        values = {"channel": CHANNEL, "why": why}
        connection.execute(text("SELECT pg_notify(:channel, :why)"), values)
