"""The tables of replicas. Moments are the database's own clock, unix s."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, LargeBinary, Text
from sqlmodel import Field, SQLModel

from windsock.store.tables import BIG


def _big() -> Column[int]:
    return Column(BigInteger, nullable=False)


class DeltaRow(SQLModel, table=True):
    """What a replica has learnt, with the ledger's rows that taught it in the same transaction."""

    __tablename__ = "replica_delta"
    __table_args__ = (Index("replica_delta_number", "replica", "number", unique=True),)

    position: int = Field(sa_column=Column(BIG, primary_key=True, autoincrement=False))
    replica: str
    number: int = Field(sa_column=_big())
    at: float
    body: str = Field(sa_column=Column(Text, nullable=False))


class ReplicaRow(SQLModel, table=True):
    """A process that takes part, or did.

    position    of the ledger when it joined
    seen_at     when it last said that it is there
    left_at     None: not yet, or it was killed
    config      digest of its configuration
    config_at   when it loaded that, by its own clock
    loads       configurations that it has loaded, the first among them
    heard       position up to which it has learnt what others told
    requests    that it has finished
    version     of windsock; of all of these None: a version that does not tell
    """

    __tablename__ = "replica"

    id: str = Field(primary_key=True)
    name: str
    position: int = Field(sa_column=_big())
    joined_at: float
    seen_at: float
    left_at: float | None = None
    config: str
    version: str | None = None
    config_at: float | None = None
    loads: int | None = Field(default=None, sa_column=Column(BigInteger, nullable=True))
    heard: int | None = Field(default=None, sa_column=Column(BigInteger, nullable=True))
    requests: int | None = Field(default=None, sa_column=Column(BigInteger, nullable=True))


class LeaseRow(SQLModel, table=True):
    """Who does what one alone may do, until when; `token` grows with every new holder."""

    __tablename__ = "lease"

    name: str = Field(primary_key=True)
    holder: str
    token: int = Field(sa_column=_big())
    until: float


class FeedBodyRow(SQLModel, table=True):
    """The last body of a feed that the leader has fetched; `number` grows when it changes."""

    __tablename__ = "feed_body"

    feed: str = Field(primary_key=True)
    number: int = Field(sa_column=_big())
    token: int = Field(sa_column=_big())
    seen_at: float
    body: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class ShareRow(SQLModel, table=True):
    """What a replica may spend of a cap's account in a period, and has.

    replica     empty: what was spent before any of them took part
    """

    __tablename__ = "cap_share"

    cap: str = Field(primary_key=True)
    account: str = Field(primary_key=True)
    begins_at: float = Field(primary_key=True)
    replica: str = Field(primary_key=True)
    granted_pico_usd: int = Field(sa_column=_big())
    spent_pico_usd: int = Field(sa_column=_big())


class LimitShareRow(SQLModel, table=True):
    """What a replica may use of a key's limit a minute; of most keys there are none.

    kind    requests, tokens
    most    that all may use
    wanted  would be liked
    at      when it was claimed
    """

    __tablename__ = "limit_share"

    key_id: str = Field(primary_key=True)
    kind: str = Field(primary_key=True)
    replica: str = Field(primary_key=True)
    most: int = Field(sa_column=_big())
    share: int = Field(sa_column=_big())
    wanted: int = Field(sa_column=_big())
    at: float
