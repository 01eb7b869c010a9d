"""What every Register tells of its people (gateway.ports)."""

from __future__ import annotations

from pathlib import Path

import planted
import pytest
from register_errands import mandate
from register_kinds import Implementation
from small_register import (
    BLOCKED,
    BORN,
    BY_IDNR,
    BY_NAME,
    BY_PLACE,
    CHILD,
    GRANDMOTHER,
    MOTHER,
    MUDDLED,
    NAMESAKE,
    NEIGHBOUR,
    NOBODY,
)

from consent.vocabulary import Action, Found, NotFound, Person, Subject
from gateway.errors import RegisterProtocol, RegisterUnavailable
from gateway.ports import Register

SUBJECT = Person(f"idnr:{planted.IDNR}")


class TestRegister:
    """The same people behind every kind of register."""

    @pytest.fixture
    def gone(self, kind: Implementation, tmp_path: Path) -> Register:
        """A register that is down."""
        return kind.open(tmp_path / "nowhere")

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

    async def test_of_a_blocked_person_nothing_is_told_but_that_they_are(self, register: Register) -> None:
        """The key stands for who has no number."""
        found = await register.fetch(mandate(BLOCKED, "sex"))
        assert found == Found({}, (Person("reg:melderegister:4"),), blocked=True)

    async def test_who_may_have_it_all_the_same_gets_the_block_as_a_notice(self, register: Register) -> None:
        """Some authorities may (BMG § 51)."""
        found = await register.fetch(mandate(BLOCKED, "sex", blocked="deliver-with-notice"))
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

    async def test_somebody_the_register_names_and_can_t_tell_apart_counts_too(
        self, register: Register
    ) -> None:
        """Their line is sealed: it could be anybody's of that name."""
        found = await register.fetch(mandate(CHILD, "mother_name"))
        assert isinstance(found, Found)
        assert found.persons == (Person("reg:melderegister:7"), Person(None, "mother"))

    async def test_a_field_without_a_value_is_left_out(self, register: Register) -> None:
        """Together with whom it would have been about."""
        found = await register.fetch(
            mandate(BLOCKED, "street", "mother_name", "father_name", "sex", blocked="deliver-with-notice")
        )
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

    async def test_who_stands_only_in_another_s_row_is_known_by_what_that_row_says(
        self, register: Register
    ) -> None:
        """By number, or by name and date of birth; what comes with it is the rest of their forms."""
        mother = {Person(f"idnr:{planted.SECOND_IDNR}"), Person("reg:melderegister:77")}
        by_number = Subject(idnr=planted.SECOND_IDNR, birth_date=MOTHER.birth_date)
        for subject in (MOTHER, by_number):
            assert set(await register.persons(subject)) == mother
        assert list(await register.persons(GRANDMOTHER)) == [Person("reg:melderegister:80")]

    async def test_a_mandate_to_write_reads_nothing(self, register: Register) -> None:
        """A grant to submit is never one to read."""
        with pytest.raises(RegisterProtocol):
            await register.fetch(mandate(BY_IDNR, "town", action=Action.WRITE))

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


class TestGroups:
    """Several rows that belong to one person's evidence."""

    async def test_each_entry_has_one_text_in_each_field(self, register: Register) -> None:
        """In the order of the members' keys; empty where the register has none. The person asked about comes
        first and once, the others with their role."""
        asked = ("town", "member_given_names", "member_birth_date", "member_sex")
        found = await register.fetch(mandate(BY_IDNR, *asked, evidence="household"))
        assert found == Found(
            {
                "town": planted.TOWN,
                "member_given_names": (planted.GIVEN_NAME, "Mitbewohnt", "Jüngst"),
                "member_birth_date": (planted.BIRTH_DATE, "1990-04-05", "2015-06-07"),
                "member_sex": ("female", "male", ""),
            },
            (
                SUBJECT,
                Person("reg:melderegister:6", "household-member"),
                Person("reg:melderegister:7", "household-member"),
            ),
        )

    async def test_nobody_counts_whose_data_was_not_asked_for(self, register: Register) -> None:
        """Without a field of the group there is no group."""
        found = await register.fetch(mandate(BY_IDNR, "town", evidence="household"))
        assert found == Found({"town": planted.TOWN}, (SUBJECT,))

    async def test_entries_that_are_no_people_add_nobody(self, register: Register) -> None:
        """A keeper's vehicles, in a table of their own; a field that none has is left out."""
        asked = ("plate", "registered", "colour")
        found = await register.fetch(mandate(BY_IDNR, *asked, evidence="vehicle-keeper"))
        assert found == Found({"plate": ("MU-A 1", "MU-B 2"), "registered": ("", "2021-01-01")}, (SUBJECT,))

    async def test_no_entries_leave_no_fields(self, register: Register) -> None:
        """Rather than empty lists."""
        found = await register.fetch(mandate(CHILD, "family_name", "plate", evidence="vehicle-keeper"))
        assert found == Found({"family_name": planted.FAMILY_NAME}, (Person("reg:melderegister:7"),))

    async def test_one_blocked_member_hides_the_whole(self, register: Register) -> None:
        """The household would tell where the blocked one lives; they see that someone asked."""
        asked = ("town", "member_given_names", "member_sex")
        found = await register.fetch(mandate(NEIGHBOUR, *asked, evidence="household"))
        blocked = Person("reg:melderegister:4", "household-member")
        assert found == Found({}, (Person("reg:melderegister:8"), blocked), blocked=True)
        told = await register.fetch(
            mandate(NEIGHBOUR, *asked, evidence="household", blocked="deliver-with-notice")
        )
        assert isinstance(told, Found)
        assert told.blocked
        assert told.values["member_sex"] == ("diverse", "female")
