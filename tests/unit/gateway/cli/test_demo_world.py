"""The demo's town: evidently invented, the same every time, and a home the house accepts."""

from __future__ import annotations

import sqlite3
import tomllib
from collections import Counter
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from adapters.registers.sql import SqlRegister, SqlSettings
from consent.idnr import is_idnr, never_issued
from consent.vocabulary import Problem
from gateway import assembly
from gateway.cli.demo import home as demo
from gateway.cli.demo import registers
from gateway.cli.demo.lives import attendance, trade, vehicles
from gateway.cli.demo.people import COUNT, NAMESAKES, Person, anna, people
from gateway.cli.homes import STORAGE, write_template
from gateway.config.home import Home, load
from gateway.config.signatures import verify
from gateway.errors import ConfigurationFault

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
REGISTERS = {
    "melderegister": {"person": 500, "einmal_einreichung": 0},
    "personenstandsregister": {"geburt": 501},  # with the person of the EU's sample request
    "gewerberegister": {"gewerbe": 37},
    "fahrzeugregister": {"halter": 236, "fahrzeug": 340},
    "schulverzeichnis": {"schulbesuch": 113},
}
"""Registers, their tables and how many rows they have."""


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


def test_families_make_sense() -> None:
    """A child's birth record names the two adults of its kin by their own keys, both old enough; it lives with one."""
    everyone = {person.birth_key: person for person in people()}
    children = [person for person in people() if person.role == "child"]
    assert len(children) > 100
    for child in children:
        parents = [everyone[parent.key] for parent in child.parents]
        assert all(parent.birth_date.year + 18 <= child.birth_date.year for parent in parents)
        assert _address(child) in map(_address, parents)


def test_every_household_has_one_head() -> None:
    """Who lives at one address is a household, and one of it is its head; but Anna and her son, not yet at home."""
    homes: dict[tuple[str, ...], list[str]] = {}
    for person in people():
        homes.setdefault(_address(person), []).append(person.role)
    assert homes.pop(_address(anna())) == ["partner", "child"]
    assert all(roles.count("head") == 1 for roles in homes.values())
    assert {len(roles) for roles in homes.values()} == {1, 2, 3, 4}


def test_lives_fit_the_people() -> None:
    """Trades and vehicles are adults', schools children's of school age; no plate is given twice."""
    plates = [vehicle.plate for person in people() for vehicle in vehicles(person)]
    assert len(plates) == len(set(plates)) > 300
    for person in people():
        works, learns = trade(person) is not None or vehicles(person), attendance(person)
        assert not (works and person.role == "child")
        assert learns is None or (person.role == "child" and 6 <= 2026 - person.birth_date.year <= 19)
    assert trade(anna()) is not None
    assert len(vehicles(anna())) == 1


def _problems(home: Home) -> list[Problem]:
    """Out: whatever the registers' files name and their databases lack."""
    found: list[Problem] = []
    for name, register in home.policy.registers.items():
        settings = SqlSettings.model_validate(home.registers[name]["sql"])
        opened = SqlRegister(register, settings, home.root, timeout_seconds=5)
        found += opened.check()
        opened.close()
    return found


def _address(person: Person) -> tuple[str, ...]:
    return person.street, person.house_number, person.postcode


@pytest.mark.parametrize("oots", [False, True])
def test_the_demo_home_is_one_the_house_accepts(tmp_path: Path, oots: bool) -> None:
    """Settings, registers, consumers, people, signed grants: loaded without a single problem."""
    demo.write(tmp_path, 2026, assembly.new_key, oots=oots)
    home = load(tmp_path, verify, NOW)
    assert home.settings.authority.name == "musterstadt.example"
    assert set(home.policy.registers) == REGISTERS.keys()
    assert len(home.policy.consumers) == 8 + oots
    assert len(home.policy.grants) == 12 + oots
    assert _problems(home) == []


def test_the_demo_home_shows_every_kind_of_grant(tmp_path: Path) -> None:
    """Choice, consent, statute; to submit; for a child; in another's name; blocked addresses with notice."""
    demo.write(tmp_path, 2026, assembly.new_key)
    policy = load(tmp_path, verify, NOW).policy
    grants = policy.grants.values()
    assert {kind for grant in grants for kind in grant.basis} == {"choice", "consent", "statutory"}
    assert {grant.register for grant in grants} == REGISTERS.keys()
    assert {grant.consumer for grant in grants} == policy.consumers.keys()
    assert [grant.id for grant in grants if grant.write] == ["ummeldung-submit"]
    assert [grant.on_behalf_of for grant in grants if grant.on_behalf_of] == ["wohngeldstelle"]
    assert [grant.id for grant in grants if grant.blocked != "hide"] == ["vollstreckung-residence"]
    assert {kind for grant in grants for kind in grant.representation} == {"parental-responsibility"}


def test_every_file_of_grants_is_signed_by_its_registers_owner(tmp_path: Path) -> None:
    """And by the data-protection officer, who owns no register."""
    demo.write(tmp_path, 2026, assembly.new_key, oots=True)
    policy = load(tmp_path, verify, NOW).policy
    files = {file.stem for file in (tmp_path / "grants").glob("*.toml")}
    assert files == demo.OWNERS.keys()
    owners = {register: one.id for one in policy.people.values() for register in one.registers}
    for file in files:
        for grant in tomllib.loads((tmp_path / "grants" / f"{file}.toml").read_text("utf-8"))["grant"]:
            assert owners[grant["register"]] == demo.OWNERS[file]


def test_the_registers_are_real_databases(tmp_path: Path) -> None:
    """Five of them with everybody who belongs there; every configured table and column is in them."""
    demo.write(tmp_path, 2026, assembly.new_key)
    home = load(tmp_path, verify, NOW)
    for name, counts in REGISTERS.items():
        with closing(sqlite3.connect(tmp_path / "registers" / f"{name}.sqlite3")) as database:
            for table, count in counts.items():
                assert database.execute(f"SELECT count(*) FROM {table}").fetchone() == (count,)
    assert _problems(home) == []


def test_the_registers_are_the_same_every_time(tmp_path: Path) -> None:
    """Two towns have the same five databases, row for row."""
    dumps = []
    for town in ("one", "two"):
        (tmp_path / town).mkdir()
        registers.create(tmp_path / town)
        with ExitStack() as open_ones:
            opened = [
                open_ones.enter_context(closing(sqlite3.connect(file)))
                for file in sorted((tmp_path / town).iterdir())
            ]
            dumps.append([list(database.iterdump()) for database in opened])
    assert dumps[0] == dumps[1]
    assert len(dumps[0]) == 5


def test_a_household_is_counted_anew_when_somebody_moves(tmp_path: Path) -> None:
    """The register's own rule: both addresses know how many live there, whoever wrote the move."""
    registers.create(tmp_path)
    _, ben, mia, tom = people()[:4]
    with closing(sqlite3.connect(tmp_path / "melderegister.sqlite3")) as database:

        def sizes() -> list[int]:
            keys = [person.resident_key for person in (anna(), tom, ben, mia)]
            asked = "SELECT haushaltsgroesse FROM person WHERE id = ?"
            return [database.execute(asked, (key,)).fetchone()[0] for key in keys]

        moved = "UPDATE person SET strasse = ?, hausnummer = ?, plz = ? WHERE id = ?"
        assert sizes() == [2, 2, 2, 2]
        database.execute(moved, (*_address(ben), anna().resident_key))
        assert sizes() == [3, 1, 3, 3]


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
    assert len(files) == 2 + 8 + 8
    assert {entry.stat().st_mode & 0o777 for entry in files} == {0o600, 0o700}


def test_an_empty_home_is_one_the_house_accepts(tmp_path: Path) -> None:
    """What `init` writes has no mistake, and grants nothing."""
    write_template("templates/home", tmp_path, lambda _: {**STORAGE, **demo.AUTHORITY})
    home = load(tmp_path, verify, NOW)
    assert not home.policy.grants
    assert home.settings.log.classes == ("24m", "12m")


def test_a_home_is_never_written_over(tmp_path: Path) -> None:
    """One file in the way, and nothing is written at all."""
    (tmp_path / "purposes.toml").write_text("# mine\n", "utf-8")
    with pytest.raises(ConfigurationFault, match=r"purposes\.toml.*already"):
        write_template("templates/home", tmp_path, lambda _: demo.AUTHORITY)
    assert [entry.name for entry in tmp_path.iterdir()] == ["purposes.toml"]
