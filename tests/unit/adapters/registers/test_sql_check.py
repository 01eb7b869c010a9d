"""What `einmal check` says of a register's file and its database, before anything runs."""

from __future__ import annotations

import copy
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from register_errands import mandate, submit
from small_register import BY_PLACE, JOURNAL, REGISTER, SQL, build, close_all, content, sql

from adapters.registers.sql_engine import Unusable, reading
from consent.vocabulary import Filed
from gateway.errors import RegisterProtocol


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with the register's database."""
    build(tmp_path)
    return tmp_path


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    yield
    close_all()


def administered(home: Path, statement: str) -> None:
    """Run a statement as the register's own administrator would."""
    with closing(sqlite3.connect(home / "melderegister.sqlite3")) as administrator, administrator:
        administrator.execute(statement)


def changed(change: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    """Out: the register's file with something else in it."""
    other = copy.deepcopy(REGISTER)
    change(other)
    return other


def writes(**changes: Any) -> dict[str, Any]:
    """Out: [sql.write] with other keys."""
    return {"write": {**SQL["write"], **changes}}


@pytest.mark.parametrize(
    ("change", "keys", "mend"),
    [
        ({"table": "persn"}, ["sql.table"], "Write the table's"),
        ({"key": "ids"}, ["sql.key"], "Did you mean 'id'?"),
        ({"blocked": "auskunftssperre"}, ["sql.blocked"], ""),
        ({"match": {**SQL["match"], "postcode": "PLZ"}}, ["sql.match.postcode"], "Did you mean 'plz'?"),
        ({"key": "id; DROP TABLE person", "blocked": "x"}, ["sql.key", "sql.blocked"], ""),
    ],
)
async def test_names_that_the_database_lacks_are_listed_at_start(
    home: Path, change: dict[str, Any], keys: list[str], mend: str
) -> None:
    """All at once, each with its place and its mend; asked nonetheless, it is a fault."""
    register = sql(home, **change)
    problems = register.check()
    assert [problem.key for problem in problems] == keys
    assert problems[0].file == "registers/melderegister.toml"
    assert problems[0].mend.startswith(mend)
    with pytest.raises(RegisterProtocol):
        await register.fetch(mandate(BY_PLACE, "town"))


def test_a_register_as_it_should_be_has_no_problems(home: Path) -> None:
    """Neither has a view in place of a table that is only read; and looking leaves no trace."""
    before = content(home)
    assert sql(home).check() == ()
    assert content(home) == before
    administered(home, "CREATE VIEW sicht AS SELECT * FROM person")
    read_only = changed(lambda register: register["evidence"][0].pop("writable"))
    assert sql(home, table="sicht", register=read_only, write=None).check() == ()


@pytest.mark.parametrize(
    ("change", "key", "wrong"),
    [
        (
            lambda e: e[2]["group"].update(table="haushalt"),
            "evidence[2].group.table",
            "is not in the database",
        ),
        (lambda e: e[1]["group"].update(by="haushalte"), "evidence[1].group.by", "'haushalte'"),
        (lambda e: e[2]["group"].update(of="ids"), "evidence[2].group.of", "'ids'"),
        (
            lambda e: e[2]["group"]["fields"].update(plate="Kennzeichen"),
            "evidence[2].group.fields.plate",
            "'Kennzeichen'",
        ),
        (lambda e: e[1]["group"]["person"].update(key="ids"), "evidence[1].group.person.key", "'ids'"),
        (lambda e: e[1]["group"]["person"].update(idnr="nr"), "evidence[1].group.person.idnr", "'nr'"),
        (lambda e: e[1]["group"]["person"].update(blocked="b"), "evidence[1].group.person.blocked", "'b'"),
        (
            lambda e: e[0]["person"][0]["match"].update(given_name="mutter"),
            "evidence[0].person[0].match.given_name",
            "'mutter'",
        ),
        (
            lambda e: e[2]["group"].update(person={"role": "co-keeper", "key": "halter"}),
            "evidence[2].group.person",
            "does not say which of the members are blocked",
        ),
    ],
)
def test_groups_and_others_are_looked_up_too(
    home: Path, change: Callable[[Any], object], key: str, wrong: str
) -> None:
    """In whichever table they are."""
    (problem,) = sql(home, register=changed(lambda register: change(register["evidence"]))).check()
    assert problem.key == key
    assert wrong in problem.wrong
    assert problem.mend


@pytest.mark.parametrize(
    ("change", "key", "wrong"),
    [
        (writes(source="quele"), "sql.write.source", "'quele'"),
        (writes(time="stnd"), "sql.write.time", "'stnd'"),
        (writes(journal="nirgends"), "sql.write.journal", "is not in the database"),
        (writes(journal="fahrzeug"), "sql.write.journal", "without the column 'exchange'"),
        (writes(url="sqlite:///nirgends.sqlite3"), "sql.write.url", "does not answer"),
        ({"write": None}, "evidence[0].writable", "only read"),
    ],
)
def test_what_writing_needs_is_there_or_named(
    home: Path, change: dict[str, Any], key: str, wrong: str
) -> None:
    """Nothing is created by looking for it."""
    before = content(home)
    (problem,) = sql(home, **change).check()
    assert problem.key == key
    assert wrong in problem.wrong
    assert content(home) == before
    assert not (home / "nirgends.sqlite3").exists()


@pytest.mark.parametrize("where", [{"table": "sicht"}, {}], ids=["a view", "a rule of the database"])
def test_a_database_that_does_not_let_us_write_says_so_beforehand(home: Path, where: dict[str, Any]) -> None:
    """Tried on no row: a view that can't be changed; a user who may not, here a file without the right."""
    administered(home, "CREATE VIEW sicht AS SELECT * FROM person")
    file = home / "melderegister.sqlite3"
    register = sql(home, **where)
    if not where:
        administered(home, "DROP VIEW sicht")
        administered(home, f"ALTER TABLE {JOURNAL} RENAME TO eigen")
        administered(home, f"CREATE VIEW {JOURNAL} AS SELECT * FROM eigen")
    (problem,) = register.check()
    assert problem.key == "sql.write.url"
    assert "does not let the gateway write" in problem.wrong
    assert file.exists()


async def test_the_statement_it_advises_is_the_one_that_is_needed(home: Path) -> None:
    """Run as it stands, the register can be written."""
    administered(home, f"DROP TABLE {JOURNAL}")
    register = sql(home)
    with pytest.raises(RegisterProtocol):
        await submit(register, BY_PLACE, {"rooms": "4"}, {"rooms": "3"})
    (problem,) = register.check()
    administered(home, problem.mend.removeprefix("Create it: "))
    assert register.check() == ()
    assert isinstance(await submit(register, BY_PLACE, {"rooms": "4"}, {"rooms": "3"}), Filed)


@pytest.mark.parametrize(
    ("change", "key", "wrong"),
    [
        (lambda e: e[1].update(writable=["member_sex"]), "evidence[1].writable", "groups are only ever read"),
        (
            lambda e: e[0]["fields"]["sex"]["codes"].update(x="diverse"),
            "evidence[0].fields.sex.codes",
            "could mean either",
        ),
        (lambda e: e[0]["fields"].update(rooms="id"), "evidence[0].writable", "who the row is about"),
        (lambda e: e[0]["fields"].update(rooms="idnr"), "evidence[0].writable", "who the row is about"),
        (
            lambda e: e[0]["fields"].update(rooms="geburtsdatum"),
            "evidence[0].writable",
            "who the row is about",
        ),
        (lambda e: e[0]["fields"].update(rooms="mutter_idnr"), "evidence[0].writable", "who else is in it"),
        (lambda e: e[0]["fields"].update(rooms="mutter_sperre"), "evidence[0].writable", "who else is in it"),
        (lambda e: e[0]["fields"].update(rooms="haushalt"), "evidence[0].writable", "who belongs together"),
        (lambda e: e[0]["fields"].update(rooms="sperre"), "evidence[0].writable", "who is blocked"),
        (lambda e: e[0]["fields"].update(rooms="quelle"), "evidence[0].writable", "who submitted it"),
        (lambda e: e[0]["fields"].update(rooms="stand"), "evidence[0].writable", "when it was submitted"),
    ],
)
def test_what_nobody_may_submit_is_named(
    home: Path, change: Callable[[Any], object], key: str, wrong: str
) -> None:
    """A group's fields, a code that could mean two things, who the row is about, what the adapter writes itself."""
    problems = sql(home, register=changed(lambda register: change(register["evidence"]))).check()
    assert (key, True) in [(problem.key, wrong in problem.wrong) for problem in problems]


def test_two_fields_can_t_be_one_column_to_write(home: Path) -> None:
    """What the one says the other would have to say too."""
    register = changed(
        lambda register: register["evidence"][0]["fields"].update(rooms="miete", street="miete")
    )
    found = [problem.wrong for problem in sql(home, register=register).check()]
    assert len(found) == 2
    assert all("another writable field" in wrong for wrong in found)


def test_a_url_that_is_none_is_not_quoted(tmp_path: Path) -> None:
    """A password with signs that a URL has to escape ends where a port would be."""
    (tmp_path / "url").write_text("postgresql://einmal:pass@w:planted-word@db.example/melderegister")
    with pytest.raises(Unusable) as raised:
        reading("file:url", tmp_path, 1.0, 1)
    assert raised.value.wrong == "is no database URL"
    assert "planted-word" not in f"{raised.value} {raised.value.__context__}"
