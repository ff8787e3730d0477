"""The id of the answer beside each decision, so that feedback may name it after a restart."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Some stores call this revision 0003, and lack that one."""
    columns = sa.inspect(op.get_bind()).get_columns("decision")
    if "response_id" in {column["name"] for column in columns}:
        op.add_column("decision", sa.Column("is_cost_unknown", sa.Boolean(), nullable=True))
        return
    op.add_column("decision", sa.Column("response_id", sa.String(), nullable=True))
    op.create_index("ix_decision_response_id", "decision", ["response_id"])
