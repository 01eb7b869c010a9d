"""What exempt exchanges tell their persons one day (DOMAIN.md 5, `exempt` and `released`)."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table; what was there stays."""
    op.create_table(
        "release",
        sa.Column("exchange", sa.Text(), nullable=False),
        sa.Column("due", sa.BigInteger(), nullable=False),
        sa.Column("retention", sa.Text(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["exchange"], ["exchange.exchange"], name=op.f("fk_release_exchange")),
        sa.PrimaryKeyConstraint("exchange", name=op.f("pk_release")),
    )
    op.create_index("release_due", "release", ["due", "exchange"], unique=False)
