"""What makes the log complete, witnessed and erasable (LOG.md 6, 8, 10): epochs, cosignatures, holds. Labels are found
run by run, so that an append costs the same however long the shard is."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables; what was there stays."""
    op.create_table(
        "epoch",
        sa.Column("shard", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("leaf", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["shard"], ["shard.id"], name=op.f("fk_epoch_shard")),
        sa.PrimaryKeyConstraint("shard", "number", name=op.f("pk_epoch")),
    )
    op.create_table(
        "cosignature",
        sa.Column("shard", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("log", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("vkey", sa.Text(), nullable=False),
        sa.Column("line", sa.Text(), nullable=False),
        sa.CheckConstraint("log in ('log', 'index')", name=op.f("ck_cosignature_log")),
        sa.ForeignKeyConstraint(["shard"], ["shard.id"], name=op.f("fk_cosignature_shard")),
        sa.PrimaryKeyConstraint("shard", "log", "size", "vkey", name=op.f("pk_cosignature")),
    )
    op.create_table(
        "hold",
        sa.Column("hold", sa.Text(), nullable=False),
        sa.Column("placed", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.Column("lifted", sa.BigInteger()),
        sa.Column("sealed", sa.LargeBinary()),
        sa.PrimaryKeyConstraint("hold", name=op.f("pk_hold")),
    )
    op.create_table(
        "held",
        sa.Column("hold", sa.Text(), nullable=False),
        sa.Column("shard", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["hold"], ["hold.hold"], name=op.f("fk_held_hold")),
        sa.ForeignKeyConstraint(["shard"], ["shard.id"], name=op.f("fk_held_shard")),
        sa.PrimaryKeyConstraint("hold", "shard", name=op.f("pk_held")),
    )
    op.add_column("line", sa.Column("withheld", sa.Text()))
    op.drop_index("line_label", "line")
    op.create_index("line_label", "line", ["shard", sa.text("(idx >> 14)"), "label", "idx"])
