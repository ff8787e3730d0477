"""A request whose cost is not known is marked, instead of counted as free."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _with_once()
    op.add_column("decision", sa.Column("is_cost_unknown", sa.Boolean(), nullable=True))


def _with_once() -> None:
    """A day's stores of revision 0002 have the idempotency key itself, not what is said once."""
    connection = op.get_bind()
    if "once" in {column["name"] for column in sa.inspect(connection).get_columns("feedback")}:
        return
    op.drop_index("feedback_once", "feedback")
    op.drop_index("ix_feedback_decision_id", "feedback")
    op.add_column("feedback", sa.Column("once", sa.String(), nullable=True))
    words = sa.text(
        "UPDATE feedback SET once = coalesce(key_id, '') || :s || source || :s || metric || :s "
        "|| idempotency_key WHERE idempotency_key IS NOT NULL"
    )
    connection.execute(words, {"s": "\x1f"})
    with op.batch_alter_table("feedback") as feedback:
        feedback.drop_column("idempotency_key")
    op.create_index("feedback_once", "feedback", ["decision_id", "once"], unique=True)
