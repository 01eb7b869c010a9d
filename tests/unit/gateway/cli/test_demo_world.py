"""The demo's town: evidently invented, the same every time, and a home the house accepts."""

from __future__ import annotations

import sqlite3
from collections import Counter
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from consent.idnr import is_idnr, never_issued
from gateway import assembly
from gateway.cli.demo import home as demo
from gateway.cli.demo.people import COUNT, NAMESAKES, anna, people
from gateway.cli.homes import write_template
from gateway.config.home import load
from gateway.config.signatures import verify
from gateway.errors import ConfigurationFault

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def test_nobody_could_be_taken_for_a_person_who_exists() -> None:
    """Every number is valid and never issued, none occurs twice; no postcode is one of the post's."""
    numbers = [person.idnr for person in people() if person.idnr]
    assert all(is_idnr(number) and never_issued(number) for number in numbers)
    assert len(numbers) == len(set(numbers))
    assert all(person.postcode.startswith("00") for person in people())


def test_the_town_has_the_cases_that_matter() -> None:
    """500 people; some without number, some blocked; exactly one pair shares name and birth date."""
    assert len(people()) == COUNT == 500
    assert sum(person.idnr is None for person in people()) == 10
    assert sum(person.blocked for person in people()) == 5
    same = Counter((person.family_name, person.given_names, person.birth_date) for person in people())
    assert [count for count in same.values() if count > 1] == [len(NAMESAKES)]
    assert (anna().given_names, anna().family_name) == ("Anna", "Beispiel")
    assert anna().idnr is not None


def test_the_town_is_the_same_every_time() -> None:
    """Building the people anew gives the same people: nothing is left to chance."""
    first = people()
    people.cache_clear()
    assert people() == first
    assert first is not people()


def test_children_name_their_parents() -> None:
    """A child's birth record names the two adults of its household by their own keys."""
    child = people()[2]
    assert [parent.key for parent in child.parents] == [people()[0].birth_key, people()[1].birth_key]
    assert child.birth_date > people()[0].birth_date


@pytest.mark.parametrize("oots", [False, True])
def test_the_demo_home_is_one_the_house_accepts(tmp_path: Path, oots: bool) -> None:
    """Settings, registers, consumers, people, signed grants: loaded without a single problem."""
    demo.write(tmp_path, 2026, assembly.new_key, oots=oots)
    home = load(tmp_path, verify, NOW)
    assert home.settings.authority.name == "musterstadt.example"
    assert set(home.policy.registers) == {"melderegister", "personenstandsregister"}
    assert len(home.policy.consumers) == 4 + oots
    assert len(home.policy.grants) == 4 + oots
    bases = {kind for grant in home.policy.grants.values() for kind in grant.basis}
    assert bases == {"choice", "consent", "statutory"}


def test_both_registers_are_real_databases(tmp_path: Path) -> None:
    """500 residents, 500 births and the person of the EU's sample request; every configured column is there."""
    demo.write(tmp_path, 2026, assembly.new_key)
    home = load(tmp_path, verify, NOW)
    for name, count in (("melderegister", 500), ("personenstandsregister", 501)):
        sql = home.registers[name]["sql"]
        with closing(sqlite3.connect(tmp_path / "registers" / f"{name}.sqlite3")) as database:
            columns = {row[1] for row in database.execute(f"PRAGMA table_info({sql['table']})")}
            assert database.execute(f"SELECT count(*) FROM {sql['table']}").fetchone() == (count,)
        fields = [
            field.column for kind in home.policy.registers[name].evidence for field in kind.fields.values()
        ]
        assert {sql["key"], sql["blocked"], *sql["match"].values(), *fields} <= columns


def test_a_changed_grant_is_no_longer_accepted(tmp_path: Path) -> None:
    """The demo's signatures are real: one more field, and the file is unsigned."""
    demo.write(tmp_path, 2026, assembly.new_key)
    grants = tmp_path / "grants" / "parken.toml"
    grants.write_text(grants.read_text("utf-8").replace('"town"]', '"town", "birth_date"]'), "utf-8")
    with pytest.raises(ConfigurationFault) as wrong:
        load(tmp_path, verify, NOW)
    assert {problem.file for problem in wrong.value.problems} == {"grants/parken.toml"}


def test_secret_keys_are_for_their_owner_alone(tmp_path: Path) -> None:
    """Every key file the demo writes is 0600, in folders 0700."""
    demo.write(tmp_path, 2026, assembly.new_key)
    files = list((tmp_path / "keys").rglob("*"))
    assert len(files) == 2 + 4 + 5
    assert {entry.stat().st_mode & 0o777 for entry in files} == {0o600, 0o700}


def test_an_empty_home_is_one_the_house_accepts(tmp_path: Path) -> None:
    """What `init` writes has no mistake, and grants nothing."""
    write_template("templates/home", tmp_path, lambda _: demo.AUTHORITY)
    home = load(tmp_path, verify, NOW)
    assert not home.policy.grants
    assert home.settings.log.classes == ("24m", "12m")


def test_a_home_is_never_written_over(tmp_path: Path) -> None:
    """One file in the way, and nothing is written at all."""
    (tmp_path / "purposes.toml").write_text("# mine\n", "utf-8")
    with pytest.raises(ConfigurationFault, match=r"purposes\.toml.*already"):
        write_template("templates/home", tmp_path, lambda _: demo.AUTHORITY)
    assert [entry.name for entry in tmp_path.iterdir()] == ["purposes.toml"]
