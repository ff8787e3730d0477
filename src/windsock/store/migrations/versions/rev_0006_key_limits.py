"""Keys with tokens a minute, and keys that took the place of others."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("virtual_key", sa.Column("tpm", sa.Integer(), nullable=True))
    op.add_column("virtual_key", sa.Column("continues", sa.String(), nullable=True))
