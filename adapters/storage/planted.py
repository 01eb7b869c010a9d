"""Whether the database's tables are those that the migrations make, and nothing beside them.

Who can write the file can also plant: a trigger that changes a row as it is written, a view in a table's place; or take
away an index that lets a message be there once. Neither row nor leaf tells of that.
"""

from __future__ import annotations

from functools import cache
from typing import Final, TypeAlias

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from adapters.storage.schema import METADATA

_VERSION: Final = sa.Table(  # Alembic's own
    "alembic_version",
    sa.MetaData(),
    sa.Column("version_num", sa.String(32), nullable=False),
    sa.Column("since", sa.Text, nullable=False, server_default="0004"),
    sa.PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
)
_OBJECTS: Final = sa.text("SELECT type, name, tbl_name, sql FROM sqlite_master")
_COUNTED: Final = "sqlite_stat"
"""So begin the tables in which SQLite counts rows when somebody tells it to: they change no answer."""
_TABLE: Final = "CREATE TABLE"
_Objects: TypeAlias = dict[tuple[str, str], tuple[str, ...]]


def planted(connection: Connection) -> list[str]:
    """Out: which table or index is missing or another one, and what there is that nobody of this program made."""
    found, expected = _objects(connection), _expected()
    return [
        *(f"{kind} {name!a} is missing" for kind, name in expected.keys() - found.keys()),
        *(f"{kind} {name!a} is not the program's" for kind, name in found.keys() - expected.keys()),
        *(
            f"{kind} {name!a} is another one than the program's"
            for kind, name in found.keys() & expected.keys()
            if found[kind, name] != expected[kind, name]
        ),
    ]


def _objects(connection: Connection) -> _Objects:
    return {
        (str(kind), str(name)): (str(table), *_parts(str(words)))
        for kind, name, table, words in connection.execute(_OBJECTS)
        if not (kind == "table" and str(name).startswith(_COUNTED))
    }


def _parts(words: str) -> list[str]:
    """Out: what a table or index is made by, in an order of its own: migrations name constraints in another one."""
    head, _, body = " ".join(words.split()).partition("(")
    body, _, tail = body.rpartition(")")
    return (
        [head, tail, *sorted(part.strip() for part in body.split(","))]
        if head.startswith(_TABLE)
        else [words]
    )


@cache
def _expected() -> _Objects:
    """Out: what the newest migration leaves, made in memory."""
    engine = sa.create_engine("sqlite://")
    try:
        with engine.begin() as fresh:
            METADATA.create_all(fresh)
            _VERSION.create(fresh)
            return _objects(fresh)
    finally:
        engine.dispose()
