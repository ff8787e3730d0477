"""The id of the answer beside each decision, so that feedback may name it after a restart."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("decision", sa.Column("response_id", sa.String(), nullable=True))
    op.create_index("ix_decision_response_id", "decision", ["response_id"])
