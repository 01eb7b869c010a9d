"""The tables of the journal's database, as the newest migration leaves them (LOG.md 5, 8, 9).

Times are whole milliseconds since 1970 (UTC). A shard and its lines are tied by a small number, not by the
origin's text: it stands in every line and in two indexes.
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

REVISION: Final = "0004"
"""The migration this code reads and writes."""
RUN_BITS: Final = 14
"""The index of labels is kept by runs of 2^14 lines (`adapters.storage.labelling`)."""

METADATA: Final = sa.MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)

SHARD: Final = sa.Table(
    "shard",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("origin", sa.Text, nullable=False, unique=True),
    sa.Column("retention", sa.Text, nullable=False),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("root", sa.LargeBinary, nullable=False),
    sa.Column("closed", sa.SmallInteger, nullable=False),
    sa.Column("secrets", sa.LargeBinary),  # wrapped; null once destroyed
    sa.CheckConstraint("closed in (0, 1)", name="closed"),
)
sa.Index(  # a class has one open shard
    "one_open_shard",
    SHARD.c.retention,
    unique=True,
    sqlite_where=sa.text("closed = 0"),
    postgresql_where=sa.text("closed = 0"),
)


def run_of(idx: sa.ColumnElement[int]) -> sa.ColumnElement[int]:
    """Out: the number of a line's run, in the words of the index: no other words would be looked up in it."""
    return idx.op(">>", return_type=sa.BigInteger())(sa.literal_column(str(RUN_BITS)))


LINE: Final = sa.Table(
    "line",
    METADATA,
    sa.Column("shard", sa.Integer, sa.ForeignKey("shard.id"), primary_key=True, autoincrement=False),
    sa.Column("idx", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column(
        "label", sa.LargeBinary, nullable=False
    ),  # the leaf's bytes 1 to 32, to find a person's lines by
    sa.Column("leaf", sa.LargeBinary, nullable=False),
    sa.Column("salt", sa.LargeBinary),  # null once erased
    sa.Column("event", sa.LargeBinary),  # null once erased
    sa.Column("withheld", sa.Text),  # by which norm it was erased; else null
)
sa.Index("line_label", LINE.c.shard, sa.text(f"(idx >> {RUN_BITS})"), LINE.c.label, LINE.c.idx)

TILE: Final = sa.Table(
    "tile",
    METADATA,
    sa.Column("shard", sa.Integer, sa.ForeignKey("shard.id"), primary_key=True, autoincrement=False),
    sa.Column("level", sa.SmallInteger, primary_key=True, autoincrement=False),
    sa.Column("n", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("hashes", sa.LargeBinary, nullable=False),
)

CHECKPOINT: Final = sa.Table(
    "checkpoint",
    METADATA,
    sa.Column("shard", sa.Integer, sa.ForeignKey("shard.id"), primary_key=True, autoincrement=False),
    sa.Column("size", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("note", sa.Text, nullable=False),
)

POLICY: Final = sa.Table(
    "policy",
    METADATA,
    sa.Column("hash", sa.Text, primary_key=True),
    sa.Column("archive", sa.LargeBinary, nullable=False),
)

CURRENT_POLICY: Final = sa.Table(
    "current_policy",
    METADATA,
    sa.Column("one", sa.SmallInteger, primary_key=True, autoincrement=False),
    sa.Column("hash", sa.Text, sa.ForeignKey("policy.hash"), nullable=False),
    sa.CheckConstraint("one = 1", name="one"),
)

EXCHANGE: Final = sa.Table(
    "exchange",
    METADATA,
    sa.Column("exchange", sa.Text, primary_key=True),
    sa.Column("consumer", sa.Text, nullable=False),  # empty for what is not authentic
    sa.Column("message_id", sa.Text, nullable=False),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("secondary", sa.SmallInteger, nullable=False),
    sa.Column("retention", sa.Text, nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("record", sa.Text),  # the record of choice or consent it stands on, if any
    sa.Column("kind", sa.Text),  # the terminal line's kind; null while under way
    sa.Column("terminal_shard", sa.Integer, sa.ForeignKey("shard.id")),
    sa.Column("terminal_idx", sa.BigInteger),
    sa.Column("reply", sa.LargeBinary),  # wrapped; null when there is none or it is no longer kept
    sa.Column("kept", sa.LargeBinary),  # a quarantined or dead delivery, wrapped, for as long
    sa.Column("keep_until", sa.BigInteger),
    sa.Column("confirmed", sa.BigInteger),  # when the bus confirmed the reply
    sa.UniqueConstraint("consumer", "message_id", "digest"),
    sa.CheckConstraint("(kind is null) = (terminal_idx is null)", name="terminal"),
)
sa.Index(  # a message id belongs to one body; further bodies under it are secondary and only told so
    "one_body",
    EXCHANGE.c.consumer,
    EXCHANGE.c.message_id,
    unique=True,
    sqlite_where=sa.text("secondary = 0"),
    postgresql_where=sa.text("secondary = 0"),
)
sa.Index(  # the outbox
    "unconfirmed_reply",
    EXCHANGE.c.terminal_shard,
    EXCHANGE.c.terminal_idx,
    sqlite_where=sa.text("reply is not null and confirmed is null"),
    postgresql_where=sa.text("reply is not null and confirmed is null"),
)
sa.Index(  # what housekeeping looks for
    "kept_until",
    EXCHANGE.c.keep_until,
    sqlite_where=sa.text("reply is not null or kept is not null"),
    postgresql_where=sa.text("reply is not null or kept is not null"),
)
sa.Index(
    "under_way",
    EXCHANGE.c.exchange,
    sqlite_where=sa.text("kind is null"),
    postgresql_where=sa.text("kind is null"),
)

RECORD: Final = sa.Table(  # how a record stands and how it is found; derived from its events
    "record",
    METADATA,
    sa.Column("record", sa.Text, primary_key=True),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("recipient", sa.Text, nullable=False),
    sa.Column("case_id", sa.Text, nullable=False),
)
sa.Index("record_case", RECORD.c.recipient, RECORD.c.case_id)

RECORD_EVENT: Final = sa.Table(
    "record_event",
    METADATA,
    sa.Column("record", sa.Text, sa.ForeignKey("record.record"), primary_key=True),
    sa.Column("revision", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
    sa.Column("receipt", sa.Text, nullable=False),
)

RECORD_SUBJECT: Final = (
    sa.Table(  # every sufficient way the record's subject is named (consent.vocabulary.Subject)
        "record_subject",
        METADATA,
        sa.Column("record", sa.Text, sa.ForeignKey("record.record"), primary_key=True),
        sa.Column("form", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
    )
)
sa.Index("record_subject_name", RECORD_SUBJECT.c.name, RECORD_SUBJECT.c.form)

USE: Final = sa.Table(
    "use",
    METADATA,
    sa.Column("record", sa.Text, sa.ForeignKey("record.record"), primary_key=True),
    sa.Column("exchange", sa.Text, sa.ForeignKey("exchange.exchange"), primary_key=True),
    sa.Column("state", sa.Text, nullable=False),
    sa.CheckConstraint("state in ('reserved', 'consumed')", name="state"),
)
sa.Index("use_exchange", USE.c.exchange)

RELEASE: Final = sa.Table(  # what exempt exchanges tell their persons one day; gone once told
    "release",
    METADATA,
    sa.Column("exchange", sa.Text, sa.ForeignKey("exchange.exchange"), primary_key=True),
    sa.Column("due", sa.BigInteger, nullable=False),
    sa.Column("retention", sa.Text, nullable=False),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
)
sa.Index("release_due", RELEASE.c.due, RELEASE.c.exchange)

EPOCH: Final = sa.Table(  # the output log of a shard's index: its leaves in order (LOG.md 6)
    "epoch",
    METADATA,
    sa.Column("shard", sa.Integer, sa.ForeignKey("shard.id"), primary_key=True, autoincrement=False),
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("size", sa.BigInteger, nullable=False),  # of the log it indexes
    sa.Column("leaf", sa.LargeBinary, nullable=False),
)

COSIGNATURE: Final = sa.Table(  # what witnesses and auditors signed, a signature line each (LOG.md 2, 10)
    "cosignature",
    METADATA,
    sa.Column("shard", sa.Integer, sa.ForeignKey("shard.id"), primary_key=True, autoincrement=False),
    sa.Column("log", sa.Text, primary_key=True),
    sa.Column("size", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("vkey", sa.Text, primary_key=True),
    sa.Column("line", sa.Text, nullable=False),
    sa.CheckConstraint("log in ('log', 'index')", name="log"),
)

HOLD: Final = sa.Table(  # why lines are kept beyond their time (LOG.md 8); times are milliseconds
    "hold",
    METADATA,
    sa.Column("hold", sa.Text, primary_key=True),
    sa.Column("placed", sa.BigInteger, nullable=False),
    sa.Column("until", sa.BigInteger, nullable=False),
    sa.Column("lifted", sa.BigInteger),
    sa.Column("sealed", sa.LargeBinary),  # for whom, why, by whom, wrapped; null once over
)

HELD: Final = sa.Table(  # what a hold keeps of a shard, wrapped: openings and proofs
    "held",
    METADATA,
    sa.Column("hold", sa.Text, sa.ForeignKey("hold.hold"), primary_key=True),
    sa.Column("shard", sa.Integer, sa.ForeignKey("shard.id"), primary_key=True, autoincrement=False),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
)
