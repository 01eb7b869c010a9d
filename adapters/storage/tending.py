"""What a PostgreSQL server is asked beside the house's own questions: is it fit, in which form are the tables, is
nothing erased left, is anything damaged."""

from __future__ import annotations

from typing import Any, Final, LiteralString

import psycopg
import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

APPLICATION: Final = "einmal"
"""What a connection of the house is called at the server."""
_FIT: Final = {
    "server_encoding": (
        "UTF8",
        "is not in UTF-8",
        "Make one that is: CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0.",
    ),
    "fsync": ("on", "loses what was promised when the machine stops", "Set fsync = on in postgresql.conf."),
}
"""What a server has to say of its settings; what is wrong otherwise, and the mend."""
_THERE: Final = sa.text(
    "SELECT 1 FROM pg_class WHERE relnamespace = current_schema()::regnamespace "
    "AND relkind IN ('r', 'p', 'v', 'm', 'f') LIMIT 1"
)
_COLUMNS: Final = sa.text(
    """
    SELECT relname, attname, atttypid = 'text'::regtype AND attcollation <> '"C"'::regcollation AS by_language,
           COALESCE(attstattarget, -1) <> 0 AND (relname, attname) <> ('line', 'label') AS sampled
    FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
    WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r' AND attnum > 0 AND NOT attisdropped
          AND atttypid IN ('text'::regtype, 'bytea'::regtype)
    ORDER BY relname, attnum
    """
)
"""Texts and bytes; a line's label says nothing by itself, and lines are looked up by it."""
_TABLES: Final = (
    "SELECT relname FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r'"
)
_TRIES: Final = 5
_PAUSE_SECONDS: Final = 0.4
"""Between two looks whether somebody still reads what was erased."""
_PROBE: Final = "current_policy"
"""A table of one row, by which is seen how far the server may forget."""
_OF_PROBE: Final = (
    "SELECT age(relfrozenxid) <= age(%s::xid) FROM pg_class WHERE oid = 'current_policy'::regclass"
)
_OF_ALL: Final = """
    SELECT bool_and(age(part.relfrozenxid) <= age(%s::xid))
    FROM pg_class AS whole JOIN pg_class AS part ON part.oid IN (whole.oid, whole.reltoastrelid)
    WHERE whole.relnamespace = current_schema()::regnamespace AND whole.relkind = 'r'
"""
_OTHERS: Final = sa.text(
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = :application "
    "AND pid <> pg_backend_pid()"
)
_AMCHECK: Final = sa.text(
    "SELECT count(DISTINCT proname) FROM pg_proc WHERE proname IN ('verify_heapam', 'bt_index_check') "
    "AND has_function_privilege(oid, 'EXECUTE')"
)
_RELATIONS: Final = sa.text(
    "SELECT oid::regclass::text, relkind::text FROM pg_class "
    "WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'i') ORDER BY 1"
)
_LOOKS: Final = {
    "r": sa.text(
        "SELECT 'page ' || blkno || ', ' || msg FROM verify_heapam(CAST(:relation AS regclass)) LIMIT 1"
    ),
    "i": sa.text("SELECT NULLIF(bt_index_check(CAST(:relation AS regclass), true)::text, '')"),
}


def unfit(connection: Connection, *, new: bool) -> tuple[str, str] | None:
    """In: whether the database is to have no tables yet. Out: what is wrong with it or its server, and the mend."""
    for setting, (wanted, *told) in _FIT.items():
        if connection.exec_driver_sql(f"SHOW {setting}").scalar_one() != wanted:
            return told[0], told[1]
    if new and connection.execute(_THERE).scalar() is not None:
        return "holds tables already", "Use it, or name an empty database."
    return None


def used_by_others(connection: Connection) -> bool:
    """Out: whether the server has other connections of the house to this database, from whichever machine."""
    return bool(connection.execute(_OTHERS, {"application": APPLICATION}).scalar())


def shape(connection: Connection) -> None:
    """Let texts be compared by their bytes, so that no update of the server's language files makes an index wrong; and
    let no values be sampled for the planner: what was erased would stay among the samples (pg_statistic)."""
    changes: dict[str, list[str]] = {}
    for table, column, by_language, sampled in connection.execute(_COLUMNS):
        found = changes.setdefault(table, [])
        found += [f'ALTER COLUMN "{column}" TYPE text COLLATE "C"'] if by_language else []
        found += [f'ALTER COLUMN "{column}" SET STATISTICS 0'] if sampled else []
    for table, found in changes.items():
        if found:
            connection.exec_driver_sql(f'ALTER TABLE "{table}" {", ".join(found)}')


def settle(connection: psycopg.Connection[Any], vacuum: bool) -> bool:
    """Remove every row version that was erased, and what indexes hold of it; with `vacuum` write the tables anew: else
    bytes lie in the free room of a page until something is written there. The server's write-ahead log is the
    server's: what it holds of them goes as it is written over (docs/decisions/0031).

    Out: False: somebody reads who may still see what was there before.
    """
    erased = connection.execute("SELECT pg_current_xact_id()::xid::text").fetchone()
    tables = ", ".join(f'"{name}"' for (name,) in connection.execute(_TABLES))
    for _ in range(_TRIES):
        connection.execute(f"VACUUM (FREEZE) {_PROBE}")
        if _forgotten(connection, erased, _OF_PROBE):
            # FREEZE: no page is passed over because somebody looks at it just now.
            connection.execute(f"VACUUM ({'FULL' if vacuum else 'FREEZE, INDEX_CLEANUP ON'}) {tables}")
            # A crash here leaves each table as it was, or anew.
            if _forgotten(connection, erased, _OF_ALL):
                return True
        connection.execute("SELECT pg_sleep(%s)", (_PAUSE_SECONDS,))
    return False


def _forgotten(connection: psycopg.Connection[Any], erased: Any, query: LiteralString) -> bool:
    """Out: whether those tables are frozen up to there: no transaction is left, in this database or by what another
    one's long transactions make it keep, that sees older rows."""
    return connection.execute(query, (erased[0],)).fetchone() == (True,)


def damage(connection: Connection) -> list[str]:
    """Out: what amcheck finds wrong, in tables and in indexes that are not those of their tables. Where that extension
    isn't installed, or not this user's to call, nothing is looked at: nothing is found."""
    if connection.execute(_AMCHECK).scalar() != len(_LOOKS):
        return []
    found: list[str] = []
    for relation, kind in connection.execute(_RELATIONS).all():
        try:
            with connection.begin_nested():
                told = connection.execute(_LOOKS[kind], {"relation": relation}).scalar()
        except DBAPIError as error:
            told = getattr(error.orig, "sqlstate", None) or type(error.orig).__name__
        if told:
            found.append(f"{relation}: {told}")
    return found
