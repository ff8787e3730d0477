"""Who takes part, and what they say of themselves: short transactions, none on a request's way.

All raise StoreError if the database cannot be reached.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields

from sqlalchemy import Connection, Engine, Table, case, delete, exists, func, select, text, update
from sqlalchemy.dialects.postgresql import insert

from windsock.store.compact.transactions import begin_alone, give_up_if_stopped
from windsock.store.engine import reading
from windsock.store.replicas.lease import Lease, taken
from windsock.store.replicas.tables import DeltaRow, LeaseRow, ReplicaRow, ShareRow
from windsock.store.replicas.waking import wake
from windsock.store.tables import WriterRow

KEPT_S = 86_400.0
"""For which replicas that are gone are remembered at least, and as long as what they told is kept
(`store.retention`): without their positions it would be learnt from the ledger once more."""

GRANTS_KEPT_S = 62 * 86_400.0
"""After the begin of a period, the longest of which is a month."""

NOW = text("SELECT extract(epoch FROM clock_timestamp())")

_delta: Table = DeltaRow.__table__  # type: ignore[attr-defined]
_replica: Table = ReplicaRow.__table__  # type: ignore[attr-defined]
_lease: Table = LeaseRow.__table__  # type: ignore[attr-defined]
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
        lease = taken(connection, replica, lease_s, now)
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
