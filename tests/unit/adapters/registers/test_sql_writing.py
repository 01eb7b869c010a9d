"""How the SQL register writes: exactly what changed, in one transaction, whatever breaks in between."""

from __future__ import annotations

import asyncio
import copy
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event
from typing import Any, Final

import killed_register
import planted
import pytest
import sqlalchemy as sa
from killed_register import AFTER_COMMIT, steps
from processes import lived
from pydantic import ValidationError
from register_errands import EXCHANGE, NOW, mandate, submit
from small_register import BY_IDNR, JOURNAL, REGISTER, SQL, build, close_all, content, sql

from adapters.registers.sql import SqlRegister, SqlSettings
from adapters.registers.sql_work import Workers
from consent.problems import frozen
from consent.vocabulary import Conflict, Filed, Found, OnFile, Person
from gateway.errors import ConfigurationFault, RegisterProtocol, RegisterTimeout, RegisterUnavailable

VALUES: Final = {"street": "Neuer Weg", "rooms": "4"}
REPLACES: Final = {"street": planted.STREET, "rooms": "3"}
FILED: Final = Filed((Person(f"idnr:{planted.IDNR}"),), NOW)
STEPS: Final = 9
"""Statements and ends of a submission: BEGIN, the person, the exchange, their fields, UPDATE, their fields, INSERT,
COMMIT, done. What learning the tables sends comes first and only once."""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with the register's database."""
    build(tmp_path)
    return tmp_path


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    yield
    close_all()


def administered(home: Path, statement: str) -> list[Any]:
    """Run a statement as the register's own administrator would. Out: its rows."""
    with closing(sqlite3.connect(home / "melderegister.sqlite3")) as administrator, administrator:
        return administrator.execute(statement).fetchall()


async def test_only_what_changed_is_written_with_source_and_time(home: Path) -> None:
    """Columns that stay as they are stand in no UPDATE; the exchange is kept beside."""
    register, sent = sql(home), list[str]()
    steps(register, sent.append)
    assert await submit(register, BY_IDNR, {**VALUES, "town": planted.TOWN}, REPLACES) == FILED
    (update,) = [text for text in sent if text.startswith("UPDATE")]
    assert update.partition(" WHERE ")[0] == 'UPDATE person SET "straße"=?, zimmer=?, quelle=?, stand=?'
    when = "2026-11-21T12:00:00.000000Z"
    assert administered(
        home, 'SELECT "straße", zimmer, ort, quelle, stand FROM person WHERE quelle <> 0'
    ) == [("Neuer Weg", 4, planted.TOWN, "wohngeldstelle", when)]
    assert administered(home, f"SELECT * FROM {JOURNAL}") == [
        (EXCHANGE, "1", "residence", " rooms street ", "wohngeldstelle", when)
    ]


@pytest.mark.parametrize("column", ["DATETIME", "DATE", "TEXT", "INTEGER"])
async def test_the_time_stands_as_the_column_holds_it(home: Path, column: str) -> None:
    """And is read back as since when; not known where it makes no sense."""
    administered(home, f"ALTER TABLE person ADD COLUMN wann {column}")
    register = sql(home, write={**SQL["write"], "time": "wann"})
    assert await submit(register, BY_IDNR, VALUES, REPLACES) == FILED
    administered(home, f"DELETE FROM {JOURNAL}")
    known = NOW if column != "DATE" else datetime(2026, 11, 21, tzinfo=UTC)
    assert await submit(register, BY_IDNR, VALUES, exchange="2") == OnFile(FILED.persons, known)
    administered(home, "UPDATE person SET wann = 'neulich'")
    assert await submit(register, BY_IDNR, VALUES, exchange="2") == OnFile(FILED.persons, None)


# --- what breaks --------------------------------------------------------------------------------------------
class Break:
    """Breaks the database at one step, once."""

    def __init__(self, at: int | str) -> None:
        self.at, self.seen = at, list[str]()

    def __call__(self, text: str) -> None:
        self.seen.append(text)
        if self.at in (len(self.seen) - 1, text):
            self.at = -1
            raise sa.exc.OperationalError("", {}, sqlite3.OperationalError("disk I/O error"))


async def learned(home: Path) -> SqlRegister:
    """Out: a register that knows its tables and has closed an exchange."""
    register = sql(home)
    assert await register.filed("none") is None
    return register


@pytest.mark.parametrize("at", [*range(STEPS - 2), "COMMIT"])
async def test_what_breaks_before_the_commit_leaves_nothing(home: Path, at: int | str) -> None:
    """At whichever statement: a curable fault, and the next attempt writes."""
    register = await learned(home)
    before = content(home)
    fault = Break(at)
    steps(register, fault)
    with pytest.raises(RegisterUnavailable) as caught:
        await submit(register, BY_IDNR, VALUES, REPLACES)
    assert caught.value.curable
    assert content(home) == before
    assert await submit(register, BY_IDNR, VALUES, REPLACES) == FILED


@pytest.mark.parametrize("at", [*range(2), "COMMIT"])
async def test_what_breaks_while_it_is_asked_closes_nothing(home: Path, at: int | str) -> None:
    """It is not known then; the next one to ask is told, and the exchange may still write until then."""
    register = await learned(home)
    before = content(home)
    steps(register, Break(at))
    with pytest.raises(RegisterUnavailable):
        await register.filed(EXCHANGE)
    assert content(home) == before
    assert await submit(register, BY_IDNR, VALUES, REPLACES) == FILED
    assert await register.filed(EXCHANGE) == FILED


async def test_what_breaks_after_the_commit_was_written_and_is_not_written_again(home: Path) -> None:
    """The connection dies before it can say so: the next attempt is told what happened, and so is who asks."""
    register = await learned(home)
    steps(register, Break(AFTER_COMMIT))
    with pytest.raises(RegisterUnavailable):
        await submit(register, BY_IDNR, VALUES, REPLACES)
    written = content(home)
    assert await register.filed(EXCHANGE) == FILED
    later = NOW + timedelta(hours=1)
    assert await submit(register, BY_IDNR, VALUES, REPLACES, at=later) == FILED
    assert content(home) == written


def test_a_process_that_is_killed_leaves_all_or_nothing(home: Path) -> None:
    """By SIGKILL at every step; the next process ends what was begun, once."""
    asyncio.run(sql(home).filed(""))  # as each process does, to learn the tables
    before, outcomes = content(home), []
    for fatal in range(100):
        [code] = lived(killed_register.run, str(home), VALUES, REPLACES, fatal)
        outcomes.append(content(home) != before)
        if code == 0 or outcomes[-1]:
            break
        assert code == -signal.SIGKILL
    assert len(outcomes) >= STEPS
    assert outcomes == [False] * (len(outcomes) - 1) + [True]
    written = content(home)
    assert asyncio.run(submit(sql(home), BY_IDNR, VALUES, REPLACES)) == FILED
    assert content(home) == written


async def test_a_register_that_somebody_else_writes_can_be_asked_again(home: Path) -> None:
    """Locked for longer than we wait; reading goes on."""
    before, register = content(home), sql(home, timeout_seconds=0.4)
    with closing(sqlite3.connect(home / "melderegister.sqlite3", isolation_level=None)) as administrator:
        administrator.execute("BEGIN IMMEDIATE")
        with pytest.raises((RegisterUnavailable, RegisterTimeout)):
            await submit(register, BY_IDNR, VALUES, REPLACES)
        assert isinstance(await sql(home).fetch(mandate(BY_IDNR, "town")), Found)
        register.close()
        assert content(home) == before
    assert await submit(sql(home), BY_IDNR, VALUES, REPLACES) == FILED


async def test_what_ran_out_of_time_before_it_began_is_never_done(home: Path) -> None:
    """Another submission took all of it."""
    workers, gate, done = Workers("melderegister", sql(home)._readers.engine, 1, 0.05), Event(), list[int]()
    waits = [workers.run(lambda _: gate.wait(60)), workers.run(lambda _: done.append(1))]
    ended = await asyncio.gather(*waits, return_exceptions=True)
    assert [type(one) for one in ended] == [RegisterTimeout] * 2
    gate.set()
    workers._threads.shutdown(wait=True)
    assert done == []


async def test_what_ran_out_of_time_while_it_was_connected_is_never_done(home: Path) -> None:
    """The database let it wait too long at the door."""
    engine, gate, done = sql(home)._readers.engine, Event(), list[int]()
    sa.event.listen(engine, "checkout", lambda *_: gate.wait(60))
    workers = Workers("melderegister", engine, 1, 0.05)
    with pytest.raises(RegisterTimeout):
        await workers.run(lambda _: done.append(1))
    gate.set()
    workers._threads.shutdown(wait=True)
    assert done == []


# --- what a database does of its own ------------------------------------------------------------------------
async def test_what_the_database_makes_of_a_value_is_not_what_was_submitted(home: Path) -> None:
    """A rule of its own that changes values: the submission is a conflict and undone, not quietly another one."""
    administered(
        home,
        """CREATE TRIGGER gross AFTER UPDATE OF "straße" ON person
           BEGIN UPDATE person SET "straße" = upper(NEW."straße") WHERE id = NEW.id; END""",
    )
    before = content(home)
    assert await submit(sql(home), BY_IDNR, VALUES, REPLACES) == Conflict(
        FILED.persons, frozenset({"street"})
    )
    assert content(home) == before


async def test_a_code_that_could_mean_two_things_is_not_written(home: Path) -> None:
    """`einmal check` says so beforehand; whoever didn't ask is refused."""
    register = copy.deepcopy(REGISTER)
    register["evidence"][0]["fields"]["sex"]["codes"]["x"] = "diverse"
    before = content(home)
    outcome = await submit(sql(home, register=register), BY_IDNR, {"sex": "diverse"}, {"sex": "female"})
    assert outcome == Conflict(FILED.persons, frozenset({"sex"}))
    assert content(home) == before


async def test_since_when_is_about_these_fields(home: Path) -> None:
    """Not about one whose name begins or ends alike."""
    register = copy.deepcopy(REGISTER)
    residence = register["evidence"][0]
    residence["fields"]["mother_street"] = "mutter_vornamen"
    residence["writable"].append("mother_street")
    door = sql(home, register=register)
    await submit(door, BY_IDNR, {"mother_street": "Gasse"}, {"mother_street": "Ahne"})
    administered(home, "UPDATE person SET stand = NULL")
    again = await submit(door, BY_IDNR, {"street": planted.STREET}, exchange="2")
    assert again == OnFile(FILED.persons, None)


async def test_a_key_that_two_rows_have_is_none(home: Path) -> None:
    """Neither of them is written, or read."""
    administered(home, "ALTER TABLE person ADD COLUMN nummer TEXT DEFAULT '1'")
    before, register = content(home), sql(home, key="nummer")
    with pytest.raises(RegisterProtocol):
        await submit(register, BY_IDNR, VALUES, REPLACES)
    with pytest.raises(RegisterProtocol):
        await register.fetch(mandate(BY_IDNR, "town"))
    assert content(home) == before


async def test_what_was_written_is_told_though_the_person_is_gone(home: Path) -> None:
    """By key: a register deletes people, and what was submitted about them was."""
    register = sql(home)
    await submit(register, BY_IDNR, VALUES, REPLACES)
    administered(home, "DELETE FROM person WHERE id = 1")
    assert await register.filed(EXCHANGE) == Filed((Person("reg:melderegister:1"),), NOW)


# --- the [sql.write] table ----------------------------------------------------------------------------------
async def test_a_register_that_is_only_read_writes_nothing_and_can_t_say_what_it_wrote(home: Path) -> None:
    """Rather than say that nothing was."""
    before, register = content(home), sql(home, write=None)
    with pytest.raises(RegisterProtocol):
        await submit(register, BY_IDNR, VALUES, REPLACES)
    with pytest.raises(RegisterProtocol):
        await register.filed(EXCHANGE)
    assert content(home) == before


async def test_what_reads_can_t_write(home: Path) -> None:
    """Also where the register is written: those are other connections."""
    register = sql(home)
    await submit(register, BY_IDNR, VALUES, REPLACES)
    with (
        register._readers.engine.connect() as connection,
        pytest.raises(sa.exc.OperationalError, match="readonly"),
    ):
        connection.execute(sa.text("DELETE FROM person"))


async def test_writing_can_have_a_url_of_its_own(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A user of the database who may: kept elsewhere, like the other."""
    monkeypatch.setenv("EINMAL_TEST_WRITES", "sqlite:///melderegister.sqlite3")
    register = sql(home, write={**SQL["write"], "url": "env:EINMAL_TEST_WRITES"})
    assert await submit(register, BY_IDNR, VALUES, REPLACES) == FILED


def test_a_missing_file_is_not_created_by_writing(tmp_path: Path) -> None:
    """Neither by asking what was written."""
    register = sql(tmp_path)
    with pytest.raises(RegisterUnavailable):
        asyncio.run(submit(register, BY_IDNR, VALUES, REPLACES))
    with pytest.raises(RegisterUnavailable):
        asyncio.run(register.filed(EXCHANGE))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("url", "wrong"), [("env:EINMAL_TEST_UNSET", "environment variable"), ("sqlite://", "no SQLite file")]
)
def test_a_url_to_write_that_leads_nowhere_is_a_problem_of_the_home(home: Path, url: str, wrong: str) -> None:
    """At its own key."""
    with pytest.raises(ConfigurationFault) as caught:
        sql(home, write={**SQL["write"], "url": url})
    (problem,) = caught.value.problems
    assert (problem.key, wrong in problem.wrong) == ("sql.write.url", True)


@pytest.mark.parametrize(
    "change",
    [
        {"url": "postgresql+psycopg://schreiber:geheim@db.example/melde"},
        {"source": ""},
        {"time": " "},
        {"journal": None},
        {"stamp": "stand"},
        {"time": "quelle"},
    ],
)
def test_how_writing_is_set_up_is_strict(change: dict[str, Any]) -> None:
    """No password in a file, no unknown key, every column said, two columns for two things."""
    with pytest.raises(ValidationError) as caught:
        SqlSettings.model_validate(frozen({**SQL, "write": {**SQL["write"], **change}}))
    assert "geheim" not in str(caught.value)
