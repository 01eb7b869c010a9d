"""The first tables: log, policies, exchanges, records."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make every table."""
    op.create_table(
        "policy",
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("archive", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_policy")),
    )
    op.create_table(
        "record",
        sa.Column("record", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("case_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("record", name=op.f("pk_record")),
    )
    op.create_index("record_case", "record", ["recipient", "case_id"], unique=False)
    op.create_table(
        "shard",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("retention", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("closed", sa.SmallInteger(), nullable=False),
        sa.Column("secrets", sa.LargeBinary(), nullable=True),
        sa.CheckConstraint("closed in (0, 1)", name=op.f("ck_shard_closed")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shard")),
        sa.UniqueConstraint("origin", name=op.f("uq_shard_origin")),
    )
    op.create_index(
        "one_open_shard",
        "shard",
        ["retention"],
        unique=True,
        sqlite_where=sa.text("closed = 0"),
        postgresql_where=sa.text("closed = 0"),
    )
    op.create_table(
        "checkpoint",
        sa.Column("shard", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("size", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["shard"], ["shard.id"], name=op.f("fk_checkpoint_shard")),
        sa.PrimaryKeyConstraint("shard", "size", name=op.f("pk_checkpoint")),
    )
    op.create_table(
        "current_policy",
        sa.Column("one", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.CheckConstraint("one = 1", name=op.f("ck_current_policy_one")),
        sa.ForeignKeyConstraint(["hash"], ["policy.hash"], name=op.f("fk_current_policy_hash")),
        sa.PrimaryKeyConstraint("one", name=op.f("pk_current_policy")),
    )
    op.create_table(
        "exchange",
        sa.Column("exchange", sa.Text(), nullable=False),
        sa.Column("consumer", sa.Text(), nullable=False),
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("secondary", sa.SmallInteger(), nullable=False),
        sa.Column("retention", sa.Text(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("record", sa.Text(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=True),
        sa.Column("terminal_shard", sa.Integer(), nullable=True),
        sa.Column("terminal_idx", sa.BigInteger(), nullable=True),
        sa.Column("reply", sa.LargeBinary(), nullable=True),
        sa.Column("kept", sa.LargeBinary(), nullable=True),
        sa.Column("keep_until", sa.BigInteger(), nullable=True),
        sa.Column("confirmed", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("(kind is null) = (terminal_idx is null)", name=op.f("ck_exchange_terminal")),
        sa.ForeignKeyConstraint(["terminal_shard"], ["shard.id"], name=op.f("fk_exchange_terminal_shard")),
        sa.PrimaryKeyConstraint("exchange", name=op.f("pk_exchange")),
        sa.UniqueConstraint("consumer", "message_id", "digest", name=op.f("uq_exchange_consumer")),
    )
    op.create_index(
        "kept_until",
        "exchange",
        ["keep_until"],
        unique=False,
        sqlite_where=sa.text("reply is not null or kept is not null"),
        postgresql_where=sa.text("reply is not null or kept is not null"),
    )
    op.create_index(
        "one_body",
        "exchange",
        ["consumer", "message_id"],
        unique=True,
        sqlite_where=sa.text("secondary = 0"),
        postgresql_where=sa.text("secondary = 0"),
    )
    op.create_index(
        "unconfirmed_reply",
        "exchange",
        ["terminal_shard", "terminal_idx"],
        unique=False,
        sqlite_where=sa.text("reply is not null and confirmed is null"),
        postgresql_where=sa.text("reply is not null and confirmed is null"),
    )
    op.create_index(
        "under_way",
        "exchange",
        ["exchange"],
        unique=False,
        sqlite_where=sa.text("kind is null"),
        postgresql_where=sa.text("kind is null"),
    )
    op.create_table(
        "line",
        sa.Column("shard", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("idx", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("label", sa.LargeBinary(), nullable=False),
        sa.Column("leaf", sa.LargeBinary(), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=True),
        sa.Column("event", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["shard"], ["shard.id"], name=op.f("fk_line_shard")),
        sa.PrimaryKeyConstraint("shard", "idx", name=op.f("pk_line")),
    )
    op.create_index("line_label", "line", ["shard", "label", "idx"], unique=False)
    op.create_table(
        "record_event",
        sa.Column("record", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("receipt", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["record"], ["record.record"], name=op.f("fk_record_event_record")),
        sa.PrimaryKeyConstraint("record", "revision", name=op.f("pk_record_event")),
    )
    op.create_table(
        "record_subject",
        sa.Column("record", sa.Text(), nullable=False),
        sa.Column("form", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["record"], ["record.record"], name=op.f("fk_record_subject_record")),
        sa.PrimaryKeyConstraint("record", "form", name=op.f("pk_record_subject")),
    )
    op.create_index("record_subject_name", "record_subject", ["name", "form"], unique=False)
    op.create_table(
        "tile",
        sa.Column("shard", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("level", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("n", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("hashes", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["shard"], ["shard.id"], name=op.f("fk_tile_shard")),
        sa.PrimaryKeyConstraint("shard", "level", "n", name=op.f("pk_tile")),
    )
    op.create_table(
        "use",
        sa.Column("record", sa.Text(), nullable=False),
        sa.Column("exchange", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.CheckConstraint("state in ('reserved', 'consumed')", name=op.f("ck_use_state")),
        sa.ForeignKeyConstraint(["exchange"], ["exchange.exchange"], name=op.f("fk_use_exchange")),
        sa.ForeignKeyConstraint(["record"], ["record.record"], name=op.f("fk_use_record")),
        sa.PrimaryKeyConstraint("record", "exchange", name=op.f("pk_use")),
    )
    op.create_index("use_exchange", "use", ["exchange"], unique=False)
