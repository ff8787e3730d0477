"""Tables of the short form: requests and weight tables by shape, and what they are found by."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, Text, text
from sqlmodel import Field, SQLModel

BIG = BigInteger().with_variant(Integer, "sqlite")
IS_LONG = text("lasted_s IS NOT NULL")


def _number(*, key: bool = False) -> Column[int]:
    return Column(BIG, primary_key=key, autoincrement=False, nullable=False)


def _bytes() -> Column[bytes]:
    return Column(LargeBinary, nullable=False)


class SeriesRow(SQLModel, table=True):
    """What sums are kept by; empty where it is of none.

    deployment  that gave the answer, else that was drawn; of calls the one that was called
    kind        how calls ended; empty of requests
    """

    __tablename__ = "series"

    id: int = Field(sa_column=_number(key=True))
    digest: bytes = Field(sa_column=Column(LargeBinary, nullable=False, unique=True))
    namespace: str
    route: str
    task: str
    key_id: str
    deployment: str
    kind: str


class ShapeRow(SQLModel, table=True):
    """What many records have in common; see `store.compact.shapes`.

    series      of requests what they are summed by, of weight tables their cell
    kind        outcome, decision or table
    """

    __tablename__ = "shape"

    id: int = Field(sa_column=_number(key=True))
    digest: bytes = Field(sa_column=Column(LargeBinary, nullable=False, unique=True))
    kind: str
    series: int
    body: str = Field(sa_column=Column(Text, nullable=False))


class RequestRow(SQLModel, table=True):
    """A decision or, once its request ended, its outcome: the numbers of its shape.

    lasted_s        whole seconds, of those that took a minute or longer
    success_nano    its success as it is judged so far, in billionths; None if nobody has
    """

    __tablename__ = "request"
    __table_args__ = (
        Index("request_at", "at"),
        Index("request_long", "at", sqlite_where=IS_LONG, postgresql_where=IS_LONG),
    )

    position: int = Field(sa_column=_number(key=True))
    at: float
    shape: int
    lasted_s: int | None = Field(default=None, sa_column=Column(BigInteger))
    success_nano: int | None = Field(default=None, sa_column=Column(BigInteger))
    body: bytes = Field(sa_column=_bytes())


class NameRow(SQLModel, table=True):
    """By what a request is found: its decision's id and its answers', by 64 bits of each."""

    __tablename__ = "request_name"
    __table_args__ = ({"sqlite_with_rowid": False},)

    name: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    position: int = Field(sa_column=_number(key=True))


class TableRow(SQLModel, table=True):
    """A weight table that was drawn from; `cell` is its series."""

    __tablename__ = "weight_table"
    __table_args__ = (Index("weight_table_cell", "cell", "at"),)

    position: int = Field(sa_column=_number(key=True))
    version: int = Field(sa_column=Column(BigInteger, nullable=False, index=True))
    at: float
    cell: int
    shape: int
    body: bytes = Field(sa_column=_bytes())
