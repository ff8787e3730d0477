"""JSON as text, exact spend, attempts, held quotes, writers, limits of keys.

A decision's spend was rounded to billionths of a dollar in its column; the exact amount in its
body is not read again, so sums over decisions before this revision keep that rounding.
"""

import json
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

LEDGER = ("decision", "event", "feedback", "health", "quote", "snapshot", "weights")
BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
REWARD = ("value", "source", "metric", "key_id")
FEEDBACK = (
    "position",
    "decision_id",
    "at",
    "value",
    "weight",
    "source",
    "metric",
    "key_id",
    "idempotency_key",
)
IN_JSON = ("decision", "event", "health", "quote", "weights")


def upgrade() -> None:
    _feedback_body()
    for table in LEDGER:
        _own_number_as_key(table)
    for table in IN_JSON:
        _body_to_text(table)
    _exact_spend()
    _new_tables()
    with op.batch_alter_table("virtual_key") as key:
        key.add_column(sa.Column("budget_usd", sa.String(), nullable=True))
        key.add_column(sa.Column("budget_period", sa.String(), nullable=True))
        key.add_column(sa.Column("rpm", sa.Integer(), nullable=True))
        key.add_column(sa.Column("models", sa.String(), nullable=False, server_default=""))
    ends = " UNION ALL ".join(f"SELECT max(position) AS position FROM {each}" for each in LEDGER)  # noqa: S608
    op.execute(
        "INSERT INTO writer (id, batch, position) "  # noqa: S608
        f"SELECT '0001', 0, coalesce(max(position), 0) FROM ({ends}) AS ends"
    )


def _feedback_body() -> None:
    """The whole record as JSON; what was said twice under one idempotency key goes."""
    with op.batch_alter_table("feedback") as feedback:
        feedback.add_column(sa.Column("body", sa.Text(), nullable=False, server_default=""))
        feedback.add_column(sa.Column("once", sa.String(), nullable=True))
    _fill_feedback()
    with op.batch_alter_table("feedback") as feedback:
        feedback.drop_column("weight")
        feedback.drop_column("idempotency_key")
        feedback.drop_index("ix_feedback_decision_id")
        feedback.create_index("feedback_once", ["decision_id", "once"], unique=True)


def _fill_feedback() -> None:
    kept = sa.table("feedback", *(sa.column(name) for name in (*FEEDBACK, "body", "once")))
    connection = op.get_bind()
    seen = set()
    for row in connection.execute(sa.select(kept).order_by(kept.c.position)).all():
        body, once = _in_json(row)
        if once is not None and (row.decision_id, once) in seen:
            connection.execute(sa.delete(kept).where(kept.c.position == row.position))
            continue
        seen.add((row.decision_id, once))
        change = sa.update(kept).where(kept.c.position == row.position)
        connection.execute(change.values(body=body, once=once))


def _in_json(row: Any) -> tuple[str, str | None]:
    facts = {name: getattr(row, name) for name in FEEDBACK if name not in ("position", *REWARD)}
    facts["reward"] = {name: getattr(row, name) for name in REWARD}
    if row.idempotency_key is None:
        return json.dumps(facts), None
    parts = (row.key_id or "", row.source, row.metric, row.idempotency_key)
    return json.dumps(facts), "\x1f".join(parts)


def _own_number_as_key(table: str) -> None:
    if op.get_bind().dialect.name == "sqlite":
        with op.batch_alter_table(table) as batch:
            batch.alter_column("position", existing_type=sa.BigInteger(), type_=sa.Integer())


def _body_to_text(table: str) -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            f"ALTER TABLE {table} ALTER COLUMN body TYPE TEXT USING convert_from(body, 'UTF8')"
        )
        return
    op.execute(f"UPDATE {table} SET body = CAST(body AS TEXT)")  # noqa: S608
    with op.batch_alter_table(table) as batch:
        batch.alter_column("body", existing_type=sa.LargeBinary(), type_=sa.Text())


def _exact_spend() -> None:
    with op.batch_alter_table("decision") as decision:
        decision.drop_index("decision_cell")
        decision.add_column(
            sa.Column("cost_pico_usd", sa.BigInteger(), nullable=False, server_default="0")
        )
    op.execute("UPDATE decision SET cost_pico_usd = cost_nano_usd * 1000")
    with op.batch_alter_table("decision") as decision:
        decision.drop_column("cost_nano_usd")


def _new_tables() -> None:
    op.create_table(
        "attempt",
        _position(),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("deployment", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("latency_s", sa.Float(), nullable=False),
        sa.Column("first_byte_s", sa.Float(), nullable=True),
        sa.PrimaryKeyConstraint("position", "number"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "held",
        _position(),
        sa.Column("deployment", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("seen_at", sa.Float(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("position"),
    )
    op.create_index("held_deployment", "held", ["deployment", "seen_at"])
    op.create_table(
        "writer",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("batch", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "meta",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )


def _position() -> sa.Column[Any]:
    return sa.Column("position", BIG, autoincrement=False, nullable=False)
