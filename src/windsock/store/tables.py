"""The tables. Every ledger row carries `position`: one growing sequence over all of them."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, LargeBinary
from sqlmodel import Field, SQLModel


def _position() -> Column[int]:
    return Column(BigInteger, primary_key=True, autoincrement=False)


def _big() -> Column[int]:
    return Column(BigInteger, nullable=False)


class DecisionRow(SQLModel, table=True):
    """A decision and, once its request ended, its outcome.

    cost_nano_usd   integer billionths of a dollar, rounded half even, for sums; the exact
                    amount stands in `body`
    body            the records, JSON
    """

    __tablename__ = "decision"
    __table_args__ = (Index("decision_at", "at"), Index("decision_cell", "route", "task", "at"))

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
    cost_nano_usd: int = Field(sa_column=_big())
    latency_s: float | None
    body: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class FeedbackRow(SQLModel, table=True):
    """A reward as reported."""

    __tablename__ = "feedback"

    position: int = Field(sa_column=_position())
    decision_id: str = Field(index=True)
    at: float
    value: float
    weight: float
    source: str
    metric: str
    key_id: str | None
    idempotency_key: str | None


class QuoteRow(SQLModel, table=True):
    """An accepted quote."""

    __tablename__ = "quote"
    __table_args__ = (Index("quote_deployment", "deployment", "seen_at"),)

    position: int = Field(sa_column=_position())
    deployment: str
    source: str
    quoted_at: float | None
    seen_at: float
    body: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class HealthRow(SQLModel, table=True):
    """A change in what a status feed says."""

    __tablename__ = "health"

    position: int = Field(sa_column=_position())
    subject: str = Field(index=True)
    source: str
    state: str
    quoted_at: float | None
    seen_at: float
    body: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class WeightsRow(SQLModel, table=True):
    """A weight table that was drawn from."""

    __tablename__ = "weights"
    __table_args__ = (Index("weights_cell", "namespace", "route", "task", "at"),)

    position: int = Field(sa_column=_position())
    version: int = Field(sa_column=Column(BigInteger, nullable=False, index=True))
    at: float
    namespace: str
    route: str
    task: str
    body: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class EventRow(SQLModel, table=True):
    """Something that changed where traffic goes."""

    __tablename__ = "event"

    position: int = Field(sa_column=_position())
    at: float = Field(index=True)
    kind: str
    deployment: str
    body: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class SnapshotRow(SQLModel, table=True):
    """The router's state after everything up to `position`."""

    __tablename__ = "snapshot"

    position: int = Field(sa_column=_position())
    at: float
    body: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class KeyRow(SQLModel, table=True):
    """A virtual key; of the secret only its SHA-256 is kept."""

    __tablename__ = "virtual_key"

    id: str = Field(primary_key=True)
    name: str
    sha256: str
    namespace: str
    scopes: str
    created_at: float
    expires_at: float | None
    revoked_at: float | None
