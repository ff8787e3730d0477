"""Keys whose texts are held nowhere."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A column that older versions leave empty."""
    op.add_column("virtual_key", sa.Column("is_private", sa.Boolean(), nullable=True))
