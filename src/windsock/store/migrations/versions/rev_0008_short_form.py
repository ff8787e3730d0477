"""Requests and weight tables in the short form, and sums by minute, hour and day."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
IS_LONG = sa.text("lasted_s IS NOT NULL")
IS_NEW = sa.text("is_summed IS NULL")
SUM_KEY = ("span_s", "at", "series")
REQUEST_SUMS = (
    "requests", "answered", "attempts", "unknown_cost", "cost_high", "cost_low", "judged",
    "success_nano", "latency_us", "prompt_tokens", "cached_tokens", "completion_tokens", "refused",
    "cache_hits", "saved_high", "saved_low",
)  # fmt: skip
CALL_SUMS = (
    "calls", "latency_us", "cost_high", "cost_low", "prompt_tokens", "cached_tokens",
    "completion_tokens", "bills", "billed_high", "billed_low", "counted_high", "counted_low",
    "doubted_bills", "doubted_high", "doubted_low",
)  # fmt: skip


def upgrade() -> None:
    op.add_column("uncalled", sa.Column("is_summed", sa.Boolean(), nullable=True))
    op.create_index(
        "uncalled_unsummed", "uncalled", ["at"], sqlite_where=IS_NEW, postgresql_where=IS_NEW
    )
    _dictionaries()
    _requests()
    _weight_tables()
    _sums("request_sums", SUM_KEY, REQUEST_SUMS)
    _sums("call_sums", SUM_KEY, CALL_SUMS)
    _sums("delay_sums", (*SUM_KEY, "ms"), ("requests",))


def _dictionaries() -> None:
    names = ("namespace", "route", "task", "key_id", "deployment", "kind")
    op.create_table(
        "series",
        _number("id", primary_key=True),
        _digest(),
        *(sa.Column(name, sa.String(), nullable=False) for name in names),
    )
    op.create_table(
        "shape",
        _number("id", primary_key=True),
        _digest(),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("series", sa.Integer(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
    )


def _requests() -> None:
    op.create_table(
        "request",
        _number("position", primary_key=True),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("shape", sa.Integer(), nullable=False),
        sa.Column("lasted_s", sa.BigInteger(), nullable=True),
        sa.Column("success_nano", sa.BigInteger(), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=False),
    )
    op.create_index("request_at", "request", ["at"])
    op.create_index(
        "request_long", "request", ["at"], sqlite_where=IS_LONG, postgresql_where=IS_LONG
    )
    op.create_table(
        "request_name",
        sa.Column("name", sa.BigInteger(), primary_key=True, autoincrement=False),
        _number("position", primary_key=True),
        sqlite_with_rowid=False,
    )


def _weight_tables() -> None:
    op.create_table(
        "weight_table",
        _number("position", primary_key=True),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("cell", sa.Integer(), nullable=False),
        sa.Column("shape", sa.Integer(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
    )
    op.create_index("ix_weight_table_version", "weight_table", ["version"])
    op.create_index("weight_table_cell", "weight_table", ["cell", "at"])


def _sums(table: str, keys: tuple[str, ...], sums: tuple[str, ...]) -> None:
    op.create_table(
        table,
        *(sa.Column(key, sa.BigInteger(), primary_key=True, autoincrement=False) for key in keys),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in sums),
        sqlite_with_rowid=False,
    )


def _number(name: str, *, primary_key: bool) -> sa.Column[Any]:
    return sa.Column(name, BIG, primary_key=primary_key, autoincrement=False, nullable=False)


def _digest() -> sa.Column[Any]:
    return sa.Column("digest", sa.LargeBinary(), nullable=False, unique=True)
