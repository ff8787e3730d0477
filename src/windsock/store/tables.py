"""The tables. Every ledger row carries `position`: one growing sequence over all of them.

Columns are for searching; the record itself stands in `body`, exact, as JSON.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, Text, text
from sqlmodel import AutoString, Field, SQLModel

IS_NEW = text("is_summed IS NULL")
BIG = BigInteger().with_variant(Integer, "sqlite")
"""64 bits; in SQLite an INTEGER key is the row's own number and needs no index beside it."""


def _position() -> Column[int]:
    return Column(BIG, primary_key=True, autoincrement=False)


def _big() -> Column[int]:
    return Column(BigInteger, nullable=False)


def _json() -> Column[str]:
    return Column(Text, nullable=False)


def _later(kind: Any, default: str) -> Column[Any]:
    """Added by a later revision: rows of before, and writers of before, have this default."""
    return Column(kind, nullable=False, server_default=default)


class DecisionRow(SQLModel, table=True):
    """A decision and, once its request ended, its outcome, as kept before revision 8; today's
    stand in `request`, where these go as well (`store.compact.conversion`).

    response_id     the answer's own id, by which its reader may name it; None before revision 4
    cost_pico_usd   integer millionths of a millionth of a dollar: a price of whole millionths of
                    a dollar per million tokens costs a whole number of them, so sums are exact
    is_cost_unknown the price of some of its calls is not known; its cost is in no sum. None in rows
                    of before this was kept
    """

    __tablename__ = "decision"
    __table_args__ = (Index("decision_at", "at"),)

    position: int = Field(sa_column=_position())
    id: str = Field(index=True)
    number: int = Field(sa_column=_big())
    at: float
    finished_at: float | None
    namespace: str
    route: str
    task: str
    key_id: str | None
    deployment: str
    propensity: float
    table_version: int = Field(sa_column=_big())
    served: str | None
    ok: bool | None
    attempts: int
    latency_s: float | None
    body: str = Field(sa_column=_json())
    cost_pico_usd: int = Field(sa_column=_later(BigInteger, "0"))
    is_cost_unknown: bool | None
    response_id: str | None = Field(default=None, index=True)


class AttemptRow(SQLModel, table=True):
    """One call of a finished request of before revision 8; `position` is that of its outcome.

    billed_pico_usd     what the provider said it charged; None where it said nothing, and in rows
                        of before this was kept
    counted_pico_usd    what its use comes to at our price, beside a bill
    is_bill_doubted     the bill cannot be, and is in no sum
    cost_pico_usd       what it cost; None where that is not known, and in rows of before this was
                        kept
    """

    __tablename__ = "attempt"
    __table_args__ = ({"sqlite_with_rowid": False},)

    position: int = Field(sa_column=_position())
    number: int = Field(primary_key=True)
    deployment: str
    reason: str
    kind: str
    status: int | None
    latency_s: float
    first_byte_s: float | None
    billed_pico_usd: int | None = Field(default=None, sa_column=Column(BigInteger))
    counted_pico_usd: int | None = Field(default=None, sa_column=Column(BigInteger))
    is_bill_doubted: bool | None = None
    cost_pico_usd: int | None = Field(default=None, sa_column=Column(BigInteger))


class UncalledRow(SQLModel, table=True):
    """Requests of one kind that no provider was asked for, as many as came in about a second.

    kind            refused, or cached: answered from the cache
    deployment      whom the kept answer came from; empty of those refused
    cause           what refused them, such as a cap
    saved_pico_usd  what the answers had cost, where that was known
    is_summed       it is in the kept sums; None in rows of before there were any
    """

    __tablename__ = "uncalled"
    __table_args__ = (
        Index("uncalled_at", "at"),
        Index("uncalled_unsummed", "at", sqlite_where=IS_NEW, postgresql_where=IS_NEW),
    )

    position: int = Field(sa_column=_position())
    at: float
    kind: str
    namespace: str
    route: str
    task: str
    key_id: str | None
    deployment: str
    cause: str
    requests: int = Field(sa_column=_big())
    saved_pico_usd: int = Field(sa_column=_big())
    is_summed: bool | None = None


class FeedbackRow(SQLModel, table=True):
    """A reward as reported.

    once    key, source, metric and idempotency key in one text, if there is an idempotency key:
            the same word is kept once
    """

    __tablename__ = "feedback"
    __table_args__ = (Index("feedback_once", "decision_id", "once", unique=True),)

    position: int = Field(sa_column=_position())
    decision_id: str
    at: float
    value: float
    source: str
    metric: str
    key_id: str | None
    body: str = Field(sa_column=_later(Text, ""))
    once: str | None


class QuoteRow(SQLModel, table=True):
    """An accepted quote; `source` is its feed."""

    __tablename__ = "quote"
    __table_args__ = (Index("quote_deployment", "deployment", "seen_at"),)

    position: int = Field(sa_column=_position())
    deployment: str
    source: str
    quoted_at: float | None
    seen_at: float
    body: str = Field(sa_column=_json())


class HeldRow(SQLModel, table=True):
    """A quote that was not believed."""

    __tablename__ = "held"
    __table_args__ = (Index("held_deployment", "deployment", "seen_at"),)

    position: int = Field(sa_column=_position())
    deployment: str
    source: str
    reason: str
    seen_at: float
    body: str = Field(sa_column=_json())


class HealthRow(SQLModel, table=True):
    """A change in what a status feed says."""

    __tablename__ = "health"

    position: int = Field(sa_column=_position())
    subject: str = Field(index=True)
    source: str
    state: str
    quoted_at: float | None
    seen_at: float
    body: str = Field(sa_column=_json())


class WeightsRow(SQLModel, table=True):
    """A weight table that was drawn from, as kept before revision 8."""

    __tablename__ = "weights"
    __table_args__ = (Index("weights_cell", "namespace", "route", "task", "at"),)

    position: int = Field(sa_column=_position())
    version: int = Field(sa_column=Column(BigInteger, nullable=False, index=True))
    at: float
    namespace: str
    route: str
    task: str
    body: str = Field(sa_column=_json())


class EventRow(SQLModel, table=True):
    """Something that changed where traffic goes."""

    __tablename__ = "event"

    position: int = Field(sa_column=_position())
    at: float = Field(index=True)
    kind: str
    deployment: str
    body: str = Field(sa_column=_json())


class SnapshotRow(SQLModel, table=True):
    """The router's state after everything up to `position`."""

    __tablename__ = "snapshot"

    position: int = Field(sa_column=_position())
    at: float
    body: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class WriterRow(SQLModel, table=True):
    """A process that writes: its last batch, and the position where that ended."""

    __tablename__ = "writer"

    id: str = Field(primary_key=True)
    batch: int = Field(sa_column=_big())
    position: int = Field(sa_column=_big())


class KeyRow(SQLModel, table=True):
    """A virtual key; of the secret only its SHA-256 is kept.

    scopes, models      separated by blanks; no models: all
    budget_usd          Decimal as text, spent per `budget_period` (see store.keys.PERIODS)
    rpm, tpm            requests, and tokens, a minute
    continues           the key whose place it took, by rotation; None: nobody's
    is_private          texts of its requests are held nowhere; None in rows of before: they may be
    """

    __tablename__ = "virtual_key"

    id: str = Field(primary_key=True)
    name: str
    sha256: str
    namespace: str
    scopes: str
    created_at: float
    expires_at: float | None
    revoked_at: float | None
    budget_usd: str | None = None
    budget_period: str | None = None
    rpm: int | None = None
    models: str = Field(default="", sa_column=_later(AutoString, ""))
    tpm: int | None = None
    continues: str | None = None
    is_private: bool | None = None


class MetaRow(SQLModel, table=True):
    """Named values of the operator's: configuration version, chosen seed."""

    __tablename__ = "meta"

    name: str = Field(primary_key=True)
    value: str = Field(sa_column=_json())
