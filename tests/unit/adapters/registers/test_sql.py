"""The SQL register beyond what every register does."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import planted
import pytest
import sqlalchemy as sa
from pydantic import ValidationError
from register_errands import mandate
from small_register import (
    BLOCKED,
    BY_IDNR,
    BY_NAME,
    BY_PLACE,
    SQL,
    build,
    close_all,
    columns,
    sql,
    statements,
)

from adapters.registers.sql import SqlRegister, SqlSettings
from consent.problems import frozen
from consent.vocabulary import Found, NotFound, Subject
from gateway.errors import (
    ConfigurationFault,
    RegisterProtocol,
    RegisterTimeout,
    RegisterUnavailable,
)

SLOW = """
CREATE VIEW langsam AS SELECT * FROM person WHERE (
  WITH RECURSIVE endlos(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM endlos WHERE n < 1000000000000)
  SELECT count(*) FROM endlos
) > 0;
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with the register's database."""
    build(tmp_path)
    return tmp_path


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    yield
    close_all()


async def _fetched(register: SqlRegister) -> Found | NotFound:
    return await register.fetch(mandate(BY_IDNR, "town"))


async def test_only_permitted_columns_are_asked_for(home: Path) -> None:
    """First who it is, then the fields and who else is in them; every value is bound, none is written into the
    statement."""
    register = sql(home)
    await register.healthy()
    sent = statements(register)
    await register.fetch(mandate(BY_NAME, "town", "mother_name"))
    (who, named), (fields, keyed) = sent
    assert columns(who) == {"id", "idnr", "sperre", "mutter_id", "mutter_idnr", "mutter_sperre"}
    assert columns(fields) == {"id", "ort", "mutter_name", "mutter_id", "mutter_idnr"}
    for statement, parameters in sent:
        assert "straße" not in statement
        assert not any(marker in statement for marker in planted.MARKERS)
        assert statement.partition("WHERE")[2].count("?") == len(parameters)
    assert planted.FAMILY_NAME in named
    assert keyed[0] == 1


async def test_a_second_question_prepares_nothing_anew(home: Path) -> None:
    """One statement for each form, one for the fields of an evidence type, whoever is asked for."""
    register = sql(home)
    await register.fetch(mandate(BY_NAME, "town"))
    await register.fetch(mandate(BLOCKED, "town"))
    selects = register._selects
    assert (selects.who.cache_info().currsize, selects.plan.cache_info().currsize) == (1, 1)
    await register.fetch(mandate(BY_PLACE, "town"))
    await register.fetch(mandate(BY_PLACE, "town", "sex"))
    assert (selects.who.cache_info().currsize, selects.plan.cache_info().currsize) == (2, 2)


async def test_values_are_written_as_evidence_writes_them(home: Path) -> None:
    """Dates ISO 8601, numbers plain, text unchanged."""
    found = await sql(home).fetch(mandate(BY_IDNR, "birth_date", "moved_in", "rooms", "rent", "street"))
    assert isinstance(found, Found)
    assert found.values == {
        "birth_date": planted.BIRTH_DATE,
        "moved_in": "2020-05-01",
        "rooms": "3",
        "rent": "512.50",
        "street": planted.STREET,
    }


async def test_the_register_can_only_be_read(home: Path) -> None:
    """SQLite is opened so that no statement could write."""
    register = sql(home)
    with (
        pytest.raises(sa.exc.OperationalError, match="readonly"),
        register._readers.engine.connect() as connection,
    ):
        connection.execute(sa.text("DELETE FROM person"))


def test_a_missing_file_is_not_created(tmp_path: Path) -> None:
    """Neither by asking nor by checking."""
    register = sql(tmp_path)
    with pytest.raises(RegisterUnavailable):
        asyncio.run(_fetched(register))
    assert [problem.key for problem in register.check()] == ["sql.url"]
    assert list(tmp_path.iterdir()) == []


async def test_a_file_with_odd_characters_in_its_name_is_that_file(tmp_path: Path) -> None:
    """Question marks and per cent signs are no parts of a URL."""
    odd = tmp_path / "a?mode=rwc&b%20c"
    odd.mkdir()
    build(odd)
    assert isinstance(await sql(odd).fetch(mandate(BY_IDNR, "town")), Found)


async def test_a_register_that_is_no_database_is_its_own_fault(home: Path) -> None:
    """Asking again would get the same."""
    (home / "melderegister.sqlite3").write_bytes(b"keine Datenbank" * 1000)
    with pytest.raises(RegisterProtocol):
        await sql(home).fetch(mandate(BY_IDNR, "town"))


async def test_a_slow_register_runs_out_of_time_and_gives_its_thread_back(tmp_path: Path) -> None:
    """With one reader only: it could not answer anything else otherwise."""
    build(tmp_path, SLOW)
    register = sql(tmp_path, table="langsam", timeout_seconds=0.2, readers=1)
    assert await register.healthy()
    with pytest.raises(RegisterTimeout) as caught:
        await register.fetch(mandate(BY_IDNR, "town"))
    assert caught.value.curable
    assert await register.healthy()


async def test_one_slow_reader_does_not_stop_the_loop(tmp_path: Path) -> None:
    """Other things go on while a register is being waited for."""
    build(tmp_path, SLOW)
    register = sql(tmp_path, table="langsam", timeout_seconds=0.2)
    waiting = asyncio.ensure_future(register.fetch(mandate(BY_IDNR, "town")))
    turns = 0
    while not waiting.done():
        turns += 1
        await asyncio.sleep(0)
    assert turns > 10
    assert isinstance(waiting.exception(), RegisterTimeout)


async def test_a_locked_database_can_be_asked_again(home: Path) -> None:
    """Its own administrator is writing."""
    register = sql(home, timeout_seconds=0.4)
    with closing(sqlite3.connect(home / "melderegister.sqlite3", isolation_level=None)) as administrator:
        administrator.execute("BEGIN EXCLUSIVE")
        with pytest.raises((RegisterUnavailable, RegisterTimeout)):
            await register.fetch(mandate(BY_IDNR, "town"))
    assert isinstance(await sql(home).fetch(mandate(BY_IDNR, "town")), Found)


async def test_a_column_that_vanishes_while_running_is_a_fault(home: Path) -> None:
    """Not retried for ever: the statement makes no sense any more."""
    register = sql(home)
    await register.fetch(mandate(BY_IDNR, "rooms"))
    with closing(sqlite3.connect(home / "melderegister.sqlite3")) as administrator:
        administrator.execute("ALTER TABLE person DROP COLUMN zimmer")
    with pytest.raises(RegisterProtocol):
        await register.fetch(mandate(BY_IDNR, "rooms"))


@pytest.mark.parametrize(
    ("value", "blocked"),
    [
        (None, False),
        ("", False),
        ("0", False),
        ("nein", False),
        ("N", False),
        ("j", True),
        ("x", True),
        ("2", True),
    ],
)
async def test_what_does_not_clearly_say_no_is_a_block(home: Path, value: str | None, blocked: bool) -> None:
    """Registers spell it in many ways."""
    with closing(sqlite3.connect(home / "melderegister.sqlite3")) as administrator, administrator:
        administrator.execute("UPDATE person SET sperre = ? WHERE id = 1", (value,))
    found = await sql(home).fetch(mandate(BY_IDNR, "town"))
    assert isinstance(found, Found)
    assert found.blocked is blocked


@pytest.mark.parametrize("number", ["1234", "0123456781x", "٠١٢٣٤٥٦٧٨١٢"])
async def test_a_number_that_is_none_labels_nobody(home: Path, number: str) -> None:
    """A line under it would be lost to the person."""
    with closing(sqlite3.connect(home / "melderegister.sqlite3")) as administrator, administrator:
        administrator.execute("UPDATE person SET idnr = ? WHERE id = 1", (number,))
    with pytest.raises(RegisterProtocol) as caught:
        await sql(home).fetch(mandate(BY_NAME, "town"))
    assert caught.value.where == "melderegister.idnr"


async def test_a_number_kept_as_a_whole_number_has_its_zeros(tmp_path: Path) -> None:
    """Asked for and labelled with eleven digits."""
    build(tmp_path, "CREATE VIEW zahlen AS SELECT *, CAST(idnr AS INTEGER) AS nummer FROM person;")
    register = sql(tmp_path, table="zahlen", match={**SQL["match"], "idnr": "nummer"})
    found = await register.fetch(mandate(BY_IDNR, "town"))
    assert isinstance(found, Found)
    assert found.persons[0].subject == f"idnr:{planted.IDNR}"


async def test_a_form_the_register_can_t_compare_is_not_tried(home: Path) -> None:
    """The next one is; without any, nobody is known."""
    no_number = {part: column for part, column in SQL["match"].items() if part != "idnr"}
    register = sql(home, match=no_number)
    both = Subject(planted.IDNR, BY_NAME.birth_date, planted.FAMILY_NAME, planted.GIVEN_NAME)
    found = await register.fetch(mandate(both, "town"))
    assert isinstance(found, Found)
    assert found.persons[0].subject == "reg:melderegister:1"
    assert await register.fetch(mandate(BY_IDNR, "town")) == NotFound("unknown")
    assert await register.persons(BY_IDNR) == ()


# --- the [sql] table ---------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "change",
    [
        {"url": "postgresql+psycopg://leser:geheim@db.example/melde"},
        {"url": "keine URL"},
        {"url": ""},
        {"match": {"birth_date": "geburtsdatum", "family_name": "familienname"}},
        {"match": {"idnr": "idnr"}},
        {"match": {**SQL["match"], "shoe_size": "schuh"}},
        {"query": "SELECT 1"},
        {"blocked": True},
        {"blocked": " "},
        {"table": ["person"]},
    ],
)
def test_the_settings_are_strict(change: dict[str, Any]) -> None:
    """No password in a file, no unknown key, enough to identify a person; mistakes don't quote the URL."""
    with pytest.raises(ValidationError) as caught:
        SqlSettings.model_validate(frozen({**SQL, **change}))
    assert "geheim" not in str(caught.value)


def test_whether_there_are_blocks_is_said(home: Path) -> None:
    """A forgotten column would hand out blocked persons: that a register keeps no blocks is written down."""
    with pytest.raises(ValidationError):
        SqlSettings.model_validate(frozen({key: value for key, value in SQL.items() if key != "blocked"}))
    assert sql(home, blocked=False).check() == ()


async def test_a_url_can_be_kept_elsewhere(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In an environment variable or a file of the home."""
    monkeypatch.setenv("EINMAL_TEST_REGISTER", "sqlite:///melderegister.sqlite3")
    assert await sql(home, url="env:EINMAL_TEST_REGISTER").healthy()
    (home / "url").write_text("sqlite:///melderegister.sqlite3\n")
    assert await sql(home, url="file:url").healthy()


@pytest.mark.parametrize(
    ("url", "wrong"),
    [
        ("env:EINMAL_TEST_UNSET", "environment variable"),
        ("file:nirgends", "file"),
        ("file:geheim", "no database URL"),
        ("sqlite://", "no SQLite file"),
        ("sqlite:///:memory:", "no SQLite file"),
        ("sqlite:///file:x?mode=rwc&uri=true", "no SQLite file"),
        ("unbekannt://db.example/x", "driver"),
    ],
)
def test_a_url_that_leads_nowhere_is_a_problem_of_the_home(home: Path, url: str, wrong: str) -> None:
    """Placed, mended, and without what it says."""
    (home / "geheim").write_text("kein-url geheim")
    with pytest.raises(ConfigurationFault) as caught:
        sql(home, url=url)
    (problem,) = caught.value.problems
    assert (problem.key, problem.file) == ("sql.url", "registers/melderegister.toml")
    assert wrong in problem.wrong
    assert "geheim" not in str(problem)


async def test_a_closed_register_is_not_healthy(home: Path) -> None:
    """And says so without raising."""
    register = sql(home)
    assert await register.healthy()
    register.close()
    assert not await register.healthy()
