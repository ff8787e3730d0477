"""What each replica may use of a key's limits a minute."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A table that older versions do not use: they have their even part."""
    op.create_table(
        "limit_share",
        sa.Column("key_id", sa.String(), primary_key=True),
        sa.Column("kind", sa.String(), primary_key=True),
        sa.Column("replica", sa.String(), primary_key=True),
        sa.Column("most", sa.BigInteger(), nullable=False),
        sa.Column("share", sa.BigInteger(), nullable=False),
        sa.Column("wanted", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
    )
