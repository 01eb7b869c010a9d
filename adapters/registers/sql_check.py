"""Whether a register's file and its database agree, and whether what is to be written can be: before anything runs.

Nothing is created and nothing changed: whether it may write is tried on no row, in a transaction that is undone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

import sqlalchemy as sa
from sqlalchemy.exc import NoSuchTableError, SQLAlchemyError

from adapters.registers.sql_journal import COLUMNS, journal_statement, journal_table
from adapters.registers.sql_layout import members_of, places, table_of
from consent.parties import EvidenceType, Register
from consent.problems import KeyPath, did_you_mean, dotted
from consent.vocabulary import Problem
from gateway.config.connections import SqlSettings, SqlWrite


class Check:
    """One register's file, held against its database."""

    def __init__(
        self, register: Register, settings: SqlSettings, locate: Callable[[KeyPath], int | None]
    ) -> None:
        self._register, self._settings, self._locate = register, settings, locate

    def problem(self, path: KeyPath, wrong: str, mend: str) -> Problem:
        """Out: a mistake at that key of the register's file."""
        return Problem(f"registers/{self._register.id}.toml", self._locate(path), dotted(path), wrong, mend)

    def problems(self, reading: sa.Engine, writing: sa.Engine | None) -> tuple[Problem, ...]:
        """Out: everything that is wrong, as far as it can be seen."""
        found = [*self._file()]
        names = self._names(reading)
        if names is None:
            return (*found, self._silent(("sql", "url")))
        found += self._missing(names)
        if writing is not None and self._settings.write is not None:
            found += self._write(writing, self._settings.write, names.get(self._settings.table, frozenset()))
        return tuple(found)

    # --- the file alone ------------------------------------------------------------------------------------
    def _file(self) -> Iterator[Problem]:
        for at, evidence in enumerate(self._register.evidence):
            here: KeyPath = ("evidence", at)
            yield from self._writable(here, evidence)
            group = evidence.group
            members = members_of(group, self._settings) if group is not None else None
            if isinstance(self._settings.blocked, str) and members is not None and members.blocked is None:
                wrong = "does not say which of the members are blocked"
                mend = "Name the column; where the table has none, use a view that has it."
                yield self.problem((*here, "group", "person"), wrong, mend)

    def _writable(self, here: KeyPath, evidence: EvidenceType) -> Iterator[Problem]:
        path, write = (*here, "writable"), self._settings.write
        if evidence.writable and write is None:
            wrong, mend = (
                "names fields to be written, in a register that is only read",
                "Add [sql.write] with source, time and journal, or remove writable.",
            )
            yield self.problem(path, wrong, mend)
        grouped = evidence.group.fields.keys() if evidence.group is not None else frozenset()
        for name in sorted(evidence.writable & grouped):
            wrong = f"field {name!r} belongs to a group, and groups are only ever read"
            yield self.problem(path, wrong, "Leave it out.")
        sources = {name: evidence.fields[name] for name in evidence.writable & evidence.fields.keys()}
        shared = Counter(source.column for source in sources.values())
        kept = self._kept()
        for name, source in sorted(sources.items()):
            if source.column in kept:
                wrong = f"field {name!r} is the column {source.column!r}, which says {kept[source.column]}"
                yield self.problem(path, wrong, "Leave it out: nobody may submit that.")
            if shared[source.column] > 1:
                wrong = f"field {name!r} is a column that another writable field is too"
                yield self.problem(path, wrong, "Keep one of them.")
            if len(set(source.codes.values())) < len(source.codes):
                wrong = "has two values for one code, so that a submitted code could mean either"
                mend = f"Give each its own code, or leave {name!r} out of writable."
                yield self.problem((*here, "fields", name, "codes"), wrong, mend)

    def _kept(self) -> dict[str, str]:
        """Out: columns that no submission may touch, and why."""
        settings, write = self._settings, self._settings.write
        kept: dict[str, str] = {}
        for evidence in self._register.evidence:
            kept |= dict.fromkeys(_others(evidence), "who else is in it")
            kept |= dict.fromkeys(_ties(evidence), "who belongs together")
        own = (settings.key, settings.match.idnr, settings.match.birth_date)
        kept |= {column: "who the row is about" for column in own if column is not None}
        if isinstance(settings.blocked, str):
            kept[settings.blocked] = "who is blocked"
        if write is not None:
            kept |= {write.source: "who submitted it", write.time: "when it was submitted"}
        return kept

    # --- against the database ------------------------------------------------------------------------------
    def _names(self, engine: sa.Engine) -> dict[str, frozenset[str]] | None:
        """Out: the columns of each table that is there; None when the database doesn't answer."""
        groups = [evidence.group for evidence in self._register.evidence if evidence.group is not None]
        tables = {self._settings.table, *(table_of(group, self._settings) for group in groups)}
        try:
            with engine.connect() as connection:
                found = {name: _columns(connection, name) for name in sorted(tables)}
        except (SQLAlchemyError, OSError):
            return None
        return {name: columns for name, columns in found.items() if columns is not None}

    def _missing(self, names: dict[str, frozenset[str]]) -> Iterator[Problem]:
        mend = "Write the table's or view's name as the database spells it."
        if self._settings.table not in names:
            yield self.problem(("sql", "table"), "is not in the database", mend)
        for at, evidence in enumerate(self._register.evidence):
            group = evidence.group
            if group is not None and group.table is not None and group.table not in names:
                yield self.problem(("evidence", at, "group", "table"), "is not in the database", mend)
        for place in places(self._register, self._settings):
            if place.table in names and place.column not in names[place.table]:
                wrong = f"names the column {place.column!r}, which the table lacks"
                mend = did_you_mean(place.column, names[place.table], "column")
                yield self.problem(place.path, wrong, mend)

    def _write(self, engine: sa.Engine, write: SqlWrite, names: frozenset[str]) -> Iterator[Problem]:
        path: KeyPath = ("sql", "write")
        named = {write.source, write.time} <= names
        try:
            with engine.connect() as connection:
                there = _columns(connection, write.journal)
                statement = journal_statement(write.journal, engine.dialect)
                if there is None:
                    yield self.problem(
                        (*path, "journal"), "is not in the database", f"Create it: {statement}"
                    )
                elif lacks := [name for name in COLUMNS if name not in there]:
                    wrong = f"is a table without the column {lacks[0]!r}"
                    yield self.problem((*path, "journal"), wrong, f"Create it anew: {statement}")
                elif named and not self._may_write(connection, write):
                    wrong = "does not let the gateway write"
                    mend = (
                        f"Let its user SELECT and UPDATE {self._settings.table!r}, "
                        f"and SELECT and INSERT in {write.journal!r}."
                    )
                    yield self.problem((*path, "url"), wrong, mend)
        except (SQLAlchemyError, OSError):
            yield self._silent((*path, "url"))

    def _may_write(self, connection: sa.Connection, write: SqlWrite) -> bool:
        own = sa.table(self._settings.table, sa.column(write.source), sa.column(write.time))
        journal = journal_table(write.journal)
        nothing = sa.select(journal).where(sa.false())
        try:
            connection.execute(sa.update(own).where(sa.false()).values({c: c for c in own.c}))
            connection.execute(sa.insert(journal).from_select([*COLUMNS], nothing))
        except SQLAlchemyError:
            return False
        finally:
            connection.rollback()
        return True

    def _silent(self, path: KeyPath) -> Problem:
        wrong = "leads to a database that does not answer"
        return self.problem(path, wrong, "Start it, or mend the URL or its rights.")


def _others(evidence: EvidenceType) -> Iterator[str]:
    """Out: the columns of the person's row that say who else is in the evidence and may be told of."""
    for other in evidence.person:
        yield from filter(None, (other.key, other.idnr, other.blocked))


def _ties(evidence: EvidenceType) -> Iterator[str]:
    """Out: the columns of the person's row that say which rows of a group are theirs, or whose row it is in one."""
    group = evidence.group
    if group is not None:
        yield group.of
    if group is not None and group.table is None:
        yield group.by


def _columns(connection: sa.Connection, table: str) -> frozenset[str] | None:
    try:
        return frozenset(column["name"] for column in sa.inspect(connection).get_columns(table))
    except NoSuchTableError:
        return None
