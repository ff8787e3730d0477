"""What each call cost, and requests that no provider was asked for: refused, or from the cache."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("attempt", sa.Column("cost_pico_usd", sa.BigInteger(), nullable=True))
    op.create_table(
        "uncalled",
        sa.Column(
            "position",
            sa.BigInteger().with_variant(sa.Integer, "sqlite"),
            primary_key=True,
            autoincrement=False,
        ),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("namespace", sa.String(), nullable=False),
        sa.Column("route", sa.String(), nullable=False),
        sa.Column("task", sa.String(), nullable=False),
        sa.Column("key_id", sa.String(), nullable=True),
        sa.Column("deployment", sa.String(), nullable=False),
        sa.Column("cause", sa.String(), nullable=False),
        sa.Column("requests", sa.BigInteger(), nullable=False),
        sa.Column("saved_pico_usd", sa.BigInteger(), nullable=False),
    )
    op.create_index("uncalled_at", "uncalled", ["at"])
