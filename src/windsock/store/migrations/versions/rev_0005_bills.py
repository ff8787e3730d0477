"""What each call was billed, beside what was counted, so that a report can hold them together."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("attempt", sa.Column("billed_pico_usd", sa.BigInteger(), nullable=True))
    op.add_column("attempt", sa.Column("counted_pico_usd", sa.BigInteger(), nullable=True))
    op.add_column("attempt", sa.Column("is_bill_doubted", sa.Boolean(), nullable=True))
