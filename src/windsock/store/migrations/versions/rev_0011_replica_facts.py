"""What a replica says of itself: its version, its configuration, how much it has heard."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Columns that older versions leave empty."""
    op.add_column("replica", sa.Column("version", sa.String(), nullable=True))
    op.add_column("replica", sa.Column("config_at", sa.Float(), nullable=True))
    op.add_column("replica", sa.Column("loads", sa.BigInteger(), nullable=True))
    op.add_column("replica", sa.Column("heard", sa.BigInteger(), nullable=True))
    op.add_column("replica", sa.Column("requests", sa.BigInteger(), nullable=True))
