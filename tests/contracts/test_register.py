"""What every Register does (gateway.ports)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import planted
import pytest
from small_register import (
    BLOCKED,
    BORN,
    BY_IDNR,
    BY_NAME,
    BY_PLACE,
    MUDDLED,
    NAMESAKE,
    NOBODY,
    build,
    close_all,
    mandate,
    sql,
)

from consent.vocabulary import Found, NotFound, Person, Subject
from gateway.errors import RegisterProtocol, RegisterUnavailable
from gateway.ports import Register


def _sql(home: Path) -> Register:
    build(home)
    return sql(home)


def _sql_gone(home: Path) -> Register:
    return sql(home / "nowhere")


IMPLEMENTATIONS: dict[str, tuple[Callable[[Path], Register], Callable[[Path], Register]]] = {
    "sql": (_sql, _sql_gone)
}


class TestRegister:
    """The same people behind every kind of register."""

    @pytest.fixture(params=IMPLEMENTATIONS)
    def register(self, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Register]:
        """A register with the people of `small_register`."""
        yield IMPLEMENTATIONS[request.param][0](tmp_path)
        close_all()

    @pytest.fixture(params=IMPLEMENTATIONS)
    def gone(self, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Register]:
        """A register that is down."""
        yield IMPLEMENTATIONS[request.param][1](tmp_path)
        close_all()

    @pytest.mark.parametrize("subject", [BY_IDNR, BY_NAME, BY_PLACE], ids=["idnr", "name", "place"])
    async def test_one_person_is_found_by_every_sufficient_form(
        self, register: Register, subject: Subject
    ) -> None:
        """With the fields asked for, as text, codes translated, and nothing else."""
        found = await register.fetch(mandate(subject, "town", "sex", "moved_in"))
        assert found == Found(
            {"town": planted.TOWN, "sex": "female", "moved_in": "2020-05-01"},
            (Person(f"idnr:{planted.IDNR}"),),
        )

    async def test_nobody_and_several_are_not_found(self, register: Register) -> None:
        """No data of anyone when it isn't exactly one."""
        assert await register.fetch(mandate(NOBODY, "town")) == NotFound("unknown")
        assert await register.fetch(mandate(NAMESAKE, "town")) == NotFound("ambiguous")

    async def test_the_whole_form_must_agree(self, register: Register) -> None:
        """The right number with another's date of birth is nobody; so is half a name."""
        other = Subject(idnr=planted.IDNR, birth_date=BORN.replace(year=1962))
        assert await register.fetch(mandate(other, "town")) == NotFound("unknown")
        assert await register.fetch(mandate(Subject(idnr=planted.IDNR), "town")) == NotFound("unknown")
        prefix = Subject(family_name="%", given_name="%", birth_date=BORN)
        assert await register.fetch(mandate(prefix, "town")) == NotFound("unknown")

    async def test_a_wrong_number_is_not_made_good_by_a_name(self, register: Register) -> None:
        """The IDNr decides where there is one."""
        both = Subject(planted.SECOND_IDNR, BORN, planted.FAMILY_NAME, planted.GIVEN_NAME)
        assert await register.fetch(mandate(both, "town")) == NotFound("unknown")

    async def test_a_block_is_told_and_the_key_stands_for_who_has_no_number(self, register: Register) -> None:
        """What may leave of a blocked person is not the register's to decide."""
        found = await register.fetch(mandate(BLOCKED, "sex"))
        assert found == Found({"sex": "diverse"}, (Person("reg:melderegister:4"),), blocked=True)

    async def test_others_count_when_their_data_is_asked_for(self, register: Register) -> None:
        """After the subject, each by number or the register's own key; not when their fields stay."""
        found = await register.fetch(mandate(BY_IDNR, "mother_name", "father_name"))
        assert isinstance(found, Found)
        assert found.persons == (
            Person(f"idnr:{planted.IDNR}"),
            Person(f"idnr:{planted.SECOND_IDNR}", "mother"),
            Person("reg:melderegister:78", "father"),
        )
        alone = await register.fetch(mandate(BY_IDNR, "father_name"))
        assert isinstance(alone, Found)
        assert [person.concerned for person in alone.persons] == ["subject", "father"]

    async def test_a_field_without_a_value_is_left_out(self, register: Register) -> None:
        """Together with whom it would have been about."""
        found = await register.fetch(mandate(BLOCKED, "street", "mother_name", "father_name", "sex"))
        assert isinstance(found, Found)
        assert (dict(found.values), len(found.persons)) == ({"sex": "diverse"}, 1)

    @pytest.mark.parametrize("field", ["sex", "moved_in", "picture"])
    async def test_nonsense_is_the_register_s_fault_and_not_quoted(
        self, register: Register, field: str
    ) -> None:
        """An unknown code, a date that is none, bytes; asking again would not help."""
        with pytest.raises(RegisterProtocol) as caught:
            await register.fetch(mandate(MUDDLED, field))
        assert not caught.value.curable
        assert caught.value.where.startswith("melderegister")
        assert "Quitten" not in str(caught.value)
        assert caught.value.__suppress_context__
        assert caught.value.__cause__ is None

    async def test_a_field_the_register_does_not_have_is_never_guessed(self, register: Register) -> None:
        """Nor an evidence type."""
        with pytest.raises(RegisterProtocol):
            await register.fetch(mandate(BY_IDNR, "shoe_size"))
        with pytest.raises(RegisterProtocol):
            await register.fetch(mandate(BY_IDNR, "town", evidence="birth"))

    async def test_a_person_is_known_under_every_form_of_theirs(self, register: Register) -> None:
        """By number and by key, for their own export; nobody's forms when it isn't exactly one person."""
        forms = [Person(f"idnr:{planted.IDNR}"), Person("reg:melderegister:1")]
        for subject in (BY_IDNR, BY_NAME, BY_PLACE):
            assert list(await register.persons(subject)) == forms
        assert list(await register.persons(BLOCKED)) == [Person("reg:melderegister:4")]
        for subject in (NOBODY, NAMESAKE, Subject()):
            assert list(await register.persons(subject)) == []

    async def test_a_register_that_is_down_can_be_asked_again_later(self, gone: Register) -> None:
        """A curable fault that names the register alone."""
        with pytest.raises(RegisterUnavailable) as caught:
            await gone.fetch(mandate(BY_IDNR, "town"))
        assert caught.value.curable
        assert str(caught.value) == "register-unavailable at melderegister"
        assert not await gone.healthy()

    async def test_a_register_that_answers_is_healthy(self, register: Register) -> None:
        """And has the id it is configured with."""
        assert await register.healthy()
        assert register.id == "melderegister"
