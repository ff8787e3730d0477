"""A request whose cost is not known is marked, instead of counted as free."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("decision", sa.Column("is_cost_unknown", sa.Boolean(), nullable=True))
