"""Grants of caps among replicas: all together never more than the cap, by one lock."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, Row, Table, select, text, tuple_, update
from sqlalchemy.dialects.postgresql import insert

from windsock.core.routing.caps.account import NOTHING, UNASKED
from windsock.store.compact.transactions import STOPPED_S, give_up_if_stopped
from windsock.store.engine import reading
from windsock.store.replicas.tables import ShareRow
from windsock.store.rollups.money import pico_usd, usd

Place = tuple[str, str, float]
"""(cap, account, unix s at which the period began)."""

LOCK = int.from_bytes(b"ws-share")
"""Name of the advisory lock of who grants just now."""

BEFORE = ""
"""In place of a replica: what was spent before any took part."""

_share: Table = ShareRow.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """Of a cap's account in its period.

    limit_usd       of all replicas together
    told_usd        spent here
    granted_usd     may be spent here, in all; asked for: would be liked
    elsewhere_usd   spent by others and before
    """

    limit_usd: Decimal
    told_usd: Decimal
    granted_usd: Decimal
    elsewhere_usd: Decimal


def sync(
    engine: Engine, replica: str, wanted: Mapping[Place, Share], replicas: int
) -> dict[Place, Share]:
    """Tell what was spent here and take what may be; raises StoreError."""
    with reading(), engine.begin() as connection:
        give_up_if_stopped(connection, STOPPED_S)
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK})
        held = _held(connection, wanted)
        found = {
            place: _granted(held[place], replica, share, replicas)
            for place, share in wanted.items()
        }
        _keep(connection, replica, found, held)
    return found


def accounts_of(engine: Engine, periods: Set[tuple[str, float]]) -> list[tuple[str, str]]:
    """(cap, account) of which any replica spends in these (cap, begin of the period).

    raises  StoreError
    """
    query = select(_share.c.cap, _share.c.account).where(_in(periods)).distinct()
    with reading(), engine.connect() as connection:
        return [(row.cap, row.account) for row in connection.execute(query)]


def give_back(engine: Engine, replica: str) -> None:
    """This replica spends nothing more; raises StoreError."""
    mine = update(_share).where(_share.c.replica == replica)
    with reading(), engine.begin() as connection:
        connection.execute(mine.values(granted_pico_usd=_share.c.spent_pico_usd))


def _held(connection: Connection, places: Iterable[Place]) -> Mapping[Place, list[Row[Any]]]:
    held: defaultdict[Place, list[Row[Any]]] = defaultdict(list)
    query = select(_share).where(_in({(cap, begins_at) for cap, _, begins_at in places}))
    for row in connection.execute(query):
        held[row.cap, row.account, row.begins_at].append(row)
    return held


def _in(periods: Set[tuple[str, float]]) -> ColumnElement[bool]:
    return tuple_(_share.c.cap, _share.c.begins_at).in_(sorted(periods))


def _granted(rows: list[Row[Any]], replica: str, share: Share, replicas: int) -> Share:
    """An even part of what is left, at most what is wanted; what was granted before stays so.

    A part is left for those that have not asked yet.
    """
    others = [row for row in rows if row.replica != replica]
    mine = next((row for row in rows if row.replica == replica), None)
    if not any(row.replica == BEFORE for row in rows):
        others_usd, granted_usd = share.elsewhere_usd, share.elsewhere_usd
    else:
        others_usd = usd(sum(row.spent_pico_usd for row in others))
        granted_usd = usd(sum(max(r.granted_pico_usd, r.spent_pico_usd) for r in others))
    asked = sum(row.replica != BEFORE for row in others) + 1
    unasked = share.limit_usd * UNASKED * max(0, replicas - asked)
    left = max(NOTHING, share.limit_usd - granted_usd - unasked - share.told_usd)
    had = usd(mine.granted_pico_usd) if mine else NOTHING
    more = max(left / replicas, had - share.told_usd)
    more = min(max(NOTHING, share.granted_usd - share.told_usd), more)
    return Share(
        limit_usd=share.limit_usd,
        told_usd=share.told_usd,
        granted_usd=share.told_usd + more,
        elsewhere_usd=others_usd,
    )


def _keep(
    connection: Connection,
    replica: str,
    found: Mapping[Place, Share],
    held: Mapping[Place, list[Row[Any]]],
) -> None:
    rows = []
    for place, share in found.items():
        if not any(row.replica == BEFORE for row in held[place]):
            rows.append(_row(place, BEFORE, share.elsewhere_usd, share.elsewhere_usd))
        rows.append(_row(place, replica, share.granted_usd, share.told_usd))
    new = insert(_share)
    latest = {name: new.excluded[name] for name in ("granted_pico_usd", "spent_pico_usd")}
    keys = ["cap", "account", "begins_at", "replica"]
    connection.execute(new.on_conflict_do_update(index_elements=keys, set_=latest), rows)


def _row(place: Place, replica: str, granted: Decimal, spent: Decimal) -> dict[str, Any]:
    cap, account, begins_at = place
    return {
        "cap": cap,
        "account": account,
        "begins_at": begins_at,
        "replica": replica,
        "granted_pico_usd": pico_usd(granted),
        "spent_pico_usd": pico_usd(spent),
    }
