"""From which version of the program on these tables can be used: what lets old and new processes work side by side.

A migration after this one that only adds (tables, columns that may be empty or have a default, indexes) leaves the row
as it is. One that older programs could not work with says so: UPDATE alembic_version SET since = '<its own number>'.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add it to the row that says which version the tables are of."""
    op.add_column("alembic_version", sa.Column("since", sa.Text(), nullable=False, server_default="0004"))
