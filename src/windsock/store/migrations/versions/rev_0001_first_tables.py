"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    _create_requests()
    _create_words_from_outside()
    _create_states()


def downgrade() -> None:
    _drop_states()
    _drop_words_from_outside()
    _drop_requests()


def _create_requests() -> None:
    """What was decided, what happened meanwhile, and what was said of the answers."""
    _create_decision()
    op.create_table(
        "event",
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("deployment", sa.String(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("position"),
    )
    with op.batch_alter_table("event", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_event_at"), ["at"], unique=False)

    op.create_table(
        "feedback",
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("decision_id", sa.String(), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("value", sa.Float(), nullable=False),
        sa.Column("weight", sa.Float(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("metric", sa.String(), nullable=False),
        sa.Column("key_id", sa.String(), nullable=True),
        sa.Column("idempotency_key", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("position"),
    )
    with op.batch_alter_table("feedback", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_feedback_decision_id"), ["decision_id"], unique=False)


def _create_decision() -> None:
    op.create_table(
        "decision",
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("finished_at", sa.Float(), nullable=True),
        sa.Column("namespace", sa.String(), nullable=False),
        sa.Column("route", sa.String(), nullable=False),
        sa.Column("task", sa.String(), nullable=False),
        sa.Column("key_id", sa.String(), nullable=True),
        sa.Column("deployment", sa.String(), nullable=False),
        sa.Column("propensity", sa.Float(), nullable=False),
        sa.Column("table_version", sa.BigInteger(), nullable=False),
        sa.Column("served", sa.String(), nullable=True),
        sa.Column("ok", sa.Boolean(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("cost_nano_usd", sa.BigInteger(), nullable=False),
        sa.Column("latency_s", sa.Float(), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("position"),
    )
    with op.batch_alter_table("decision", schema=None) as batch_op:
        batch_op.create_index("decision_at", ["at"], unique=False)
        batch_op.create_index("decision_cell", ["route", "task", "at"], unique=False)
        batch_op.create_index(batch_op.f("ix_decision_id"), ["id"], unique=False)


def _drop_requests() -> None:
    with op.batch_alter_table("feedback", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_feedback_decision_id"))

    op.drop_table("feedback")
    with op.batch_alter_table("event", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_event_at"))

    op.drop_table("event")
    with op.batch_alter_table("decision", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_decision_id"))
        batch_op.drop_index("decision_cell")
        batch_op.drop_index("decision_at")

    op.drop_table("decision")


def _create_words_from_outside() -> None:
    """What feeds said of health and of prices."""
    op.create_table(
        "health",
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("quoted_at", sa.Float(), nullable=True),
        sa.Column("seen_at", sa.Float(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("position"),
    )
    with op.batch_alter_table("health", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_health_subject"), ["subject"], unique=False)

    op.create_table(
        "quote",
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("deployment", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("quoted_at", sa.Float(), nullable=True),
        sa.Column("seen_at", sa.Float(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("position"),
    )
    with op.batch_alter_table("quote", schema=None) as batch_op:
        batch_op.create_index("quote_deployment", ["deployment", "seen_at"], unique=False)


def _drop_words_from_outside() -> None:
    with op.batch_alter_table("quote", schema=None) as batch_op:
        batch_op.drop_index("quote_deployment")

    op.drop_table("quote")
    with op.batch_alter_table("health", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_health_subject"))

    op.drop_table("health")


def _create_states() -> None:
    """What a router believed, the keys, and the weights that were in force."""
    op.create_table(
        "snapshot",
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("position"),
    )
    op.create_table(
        "virtual_key",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("namespace", sa.String(), nullable=False),
        sa.Column("scopes", sa.String(), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("expires_at", sa.Float(), nullable=True),
        sa.Column("revoked_at", sa.Float(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "weights",
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("namespace", sa.String(), nullable=False),
        sa.Column("route", sa.String(), nullable=False),
        sa.Column("task", sa.String(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("position"),
    )
    with op.batch_alter_table("weights", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_weights_version"), ["version"], unique=False)
        batch_op.create_index("weights_cell", ["namespace", "route", "task", "at"], unique=False)


def _drop_states() -> None:
    with op.batch_alter_table("weights", schema=None) as batch_op:
        batch_op.drop_index("weights_cell")
        batch_op.drop_index(batch_op.f("ix_weights_version"))

    op.drop_table("weights")
    op.drop_table("virtual_key")
    op.drop_table("snapshot")
