"""How a submission is put on file: one transaction that writes everything or nothing, once for each exchange.

1 the person's row, kept from others until the end · 2 was this exchange written before · 3 may anything be told of
them · 4 what is on file · 5 is every difference named as replaced · 6 the changed columns, with source and time ·
7 does it read as it was submitted · 8 the exchange in the adapter's own table, with the same commit.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias

import sqlalchemy as sa
from sqlalchemy.exc import DataError, IntegrityError

from adapters.registers.sql_fetch import Selects, find
from adapters.registers.sql_journal import Closed, Entry, WriteJournal
from adapters.registers.sql_layout import Tables
from adapters.registers.sql_people import keyed, once
from adapters.registers.sql_rows import KEY, Asked
from adapters.registers.sql_text import moment, stamp, text, writer
from consent.vocabulary import Blocked, Conflict, Filed, NotFound, OnFile, Person
from gateway.config.connections import SqlSettings, SqlWrite
from gateway.errors import RegisterProtocol
from gateway.stages import Mandate

Done: TypeAlias = Filed | OnFile | Conflict | Blocked | NotFound

_UNFIT: Final = (ValueError, LookupError, ArithmeticError)


class Desk:
    """Takes what is submitted to one register. Every call brings the connection."""

    def __init__(
        self, register: str, settings: SqlSettings, write: SqlWrite, tables: Tables, selects: Selects
    ) -> None:
        self._register, self._settings, self._write = register, settings, write
        self._tables, self._selects = tables, selects
        self._journal = WriteJournal(write.journal)

    def write(
        self,
        connection: sa.Connection,
        mandate: Mandate,
        whom: Asked,
        values: Mapping[str, str],
        replaces: Mapping[str, str],
    ) -> Done:
        """Raises: RegisterProtocol; nothing is written then, as with every outcome but `Filed`."""
        with connection.begin() as transaction:
            self._tables.learn(connection)
            done = self._done(connection, mandate, whom, values, replaces)
            if not isinstance(done, Filed):
                transaction.rollback()
            return done

    def filed(self, connection: sa.Connection, exchange: str) -> Filed | None:
        """Out: what was written for that exchange. None: nothing, and from now on nothing can be: a writer that was
        held up on its way finds the exchange closed."""
        try:
            with connection.begin():
                return self._filed(connection, exchange, close=True)
        except IntegrityError:  # one that was under way has come first
            with connection.begin():
                return self._filed(connection, exchange, close=False)

    def _filed(self, connection: sa.Connection, exchange: str, *, close: bool) -> Filed | None:
        self._tables.learn(connection)
        kept = self._journal.of(connection, exchange)
        if isinstance(kept, Entry):
            return self._as_filed(connection, kept)
        if kept is None and close:
            self._journal.close(connection, exchange)
        return None

    def _done(
        self,
        connection: sa.Connection,
        mandate: Mandate,
        whom: Asked,
        values: Mapping[str, str],
        replaces: Mapping[str, str],
    ) -> Done:
        permit, evidence = mandate.permit, mandate.permit.request.evidence
        who = self._selects.who(whom.form)
        rows = find(connection, who, whom, lock=True)
        # Looked up under the lock: another attempt at the same exchange has ended by now.
        again = self._journal.of(connection, mandate.case.exchange)
        if isinstance(again, Closed):
            raise RegisterProtocol(f"{self._register}.closed")
        if again is not None:
            return self._as_filed(connection, again)
        if len(rows) != 1:
            return NotFound("ambiguous" if rows else "unknown")
        if who.blocked(rows[0]) and permit.blocked != "deliver-with-notice":
            return Blocked((Person(who.identity.quietly(rows[0])),))
        key = rows[0][who.key]
        fields = self._selects.fields(evidence, frozenset(values))
        row = fields.row(connection, key)
        on_file = fields.values(row)
        persons = once((who.subject(rows[0]), *fields.others(row, on_file.keys())))
        changed = {name: value for name, value in values.items() if on_file.get(name) != value}
        if not changed:
            return OnFile(persons, self._since(connection, key, evidence, values.keys()))
        unnamed = {name for name in changed if on_file.get(name, "") != replaces.get(name, "")}
        mistaken = {name for name, value in replaces.items() if on_file.get(name, "") != value}
        if unnamed or mistaken:
            return Conflict(persons, frozenset(unnamed | mistaken))
        unfit = self._update(connection, mandate, key, changed)
        if not unfit:
            after = fields.values(fields.row(connection, key))
            unfit = frozenset(name for name, value in values.items() if after.get(name) != value)
        if unfit:
            return Conflict(persons, unfit)
        entry = Entry(
            mandate.case.exchange,
            self._own(key),
            evidence,
            frozenset(changed),
            permit.request.consumer,
            mandate.at.astimezone(UTC),
        )
        self._journal.append(connection, entry)
        return self._as_filed(connection, entry)

    def _update(
        self, connection: sa.Connection, mandate: Mandate, key: object, changed: Mapping[str, str]
    ) -> frozenset[str]:
        """Out: the fields whose value the register can't hold: a code it has no word for, a day that is none, what
        its own rules forbid; then nothing was written."""
        known = self._selects.evidence(mandate.permit.request.evidence).fields
        table, key_column = self._tables[self._settings.table], self._column(self._settings.key)
        time = self._column(self._write.time)
        new: dict[sa.Column[Any], object] = {}
        unfit = set()
        for name, value in changed.items():
            column = self._column(known[name].column)
            try:
                new[column] = writer(column, known[name].codes)(value)
            except _UNFIT:
                unfit.add(name)
        if unfit:
            return frozenset(unfit)
        new[self._column(self._write.source)] = mandate.permit.request.consumer
        new[time] = stamp(mandate.at, time)
        try:
            connection.execute(sa.update(table).where(key_column == key).values(new))
        except (IntegrityError, DataError, *_UNFIT):
            return frozenset(changed)
        return frozenset()

    def _since(
        self, connection: sa.Connection, key: object, evidence: str, names: Collection[str]
    ) -> datetime | None:
        since = self._journal.since(connection, self._own(key), evidence, names)
        if since is not None:
            return since
        time, own = self._column(self._write.time), self._column(self._settings.key)
        try:
            return moment(connection.execute(sa.select(time).where(own == key)).scalar_one())
        except ValueError:  # a time that is none: not known
            return None

    def _as_filed(self, connection: sa.Connection, entry: Entry) -> Filed:
        """Out: what is said of an entry, whether it was written now or before."""
        persons = [Person(keyed(self._register, entry.person))]
        who = self._selects.who(KEY)
        rows = find(connection, who, Asked(KEY, (entry.person,)))
        if len(rows) == 1:  # else gone since: what was written was theirs all the same
            known = self._selects.evidence(entry.evidence).fields
            fields = self._selects.fields(entry.evidence, entry.fields.intersection(known))
            others = fields.others(fields.row(connection, rows[0][who.key]), entry.fields)
            persons = [Person(who.identity.quietly(rows[0])), *others]
        return Filed(once(persons), entry.time)

    def _own(self, key: object) -> str:
        own = text(key)
        if not own:
            raise RegisterProtocol(f"{self._register}.key")
        return own

    def _column(self, name: str) -> sa.Column[Any]:
        columns = self._tables[self._settings.table].c
        if name not in columns:
            raise RegisterProtocol(f"{self._register}.{name}")
        return columns[name]
