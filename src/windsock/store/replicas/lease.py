"""Who leads: one of them at a time, for as long as it says again that it does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import Connection, Table, case, select
from sqlalchemy.dialects.postgresql import insert

from windsock.store.compact.transactions import STOPPED_S, give_up_if_stopped
from windsock.store.replicas.tables import LeaseRow

_lease: Table = LeaseRow.__table__  # type: ignore[attr-defined]

POLLER = "poller"
"""The lease of who polls feeds, judges changes, and keeps snapshots."""


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


def taken(connection: Connection, replica: str, lease_s: float, now: float) -> Lease:
    """Prolong the lease, or take it where it has run out: by one statement, so by one alone."""
    new = insert(_lease).values(name=POLLER, holder=replica, token=1, until=now + lease_s)
    is_mine = _lease.c.holder == replica
    grown = _lease.c.token + case((is_mine, 0), else_=1)
    grant = new.on_conflict_do_update(
        index_elements=["name"],
        set_={"holder": replica, "until": now + lease_s, "token": grown},
        where=is_mine | (_lease.c.until < now),
    )
    connection.execute(grant)
    row = connection.execute(select(_lease).where(_lease.c.name == POLLER)).one()
    return Lease(holder=row.holder, token=row.token, left_s=row.until - now)


def keeps(connection: Connection, lease: Held) -> bool:
    """Whether its holder still leads, and until this transaction ends nobody else."""
    give_up_if_stopped(connection, min(STOPPED_S, lease.lasts_s / 2))
    held = select(_lease.c.token).where(_lease.c.name == POLLER).with_for_update()
    return bool(connection.execute(held).scalar() == lease.token)
