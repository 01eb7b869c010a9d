"""What every Register does (gateway.ports)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import planted
import pytest
from register_errands import NOW, mandate, submit
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
    build,
    close_all,
    content,
    sql,
)

from consent.vocabulary import (
    Action,
    Blocked,
    Conflict,
    Filed,
    Found,
    NotFound,
    OnFile,
    Person,
    Subject,
)
from gateway.errors import RegisterProtocol, RegisterUnavailable
from gateway.ports import Register

SUBJECT = Person(f"idnr:{planted.IDNR}")


@dataclass(frozen=True)
class Implementation:
    """How one kind of register is set up below a folder with the people of `small_register`, and looked into."""

    build: Callable[[Path], None]
    """Once for a folder."""
    open: Callable[[Path], Register]
    """As often as wanted: each is a process of its own as far as the register can tell."""
    content: Callable[[Path], str]
    """Everything it holds, what it keeps for itself included."""


IMPLEMENTATIONS = {"sql": Implementation(build, sql, content)}


@pytest.fixture(params=IMPLEMENTATIONS)
def kind(request: pytest.FixtureRequest) -> Iterator[Implementation]:
    """Every kind of register there is."""
    yield IMPLEMENTATIONS[request.param]
    close_all()


@pytest.fixture
def register(kind: Implementation, tmp_path: Path) -> Register:
    """A register with the people of `small_register`."""
    kind.build(tmp_path)
    return kind.open(tmp_path)


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


class TestWriting:
    """Data put on file once, for all who may ask for it later."""

    async def test_what_is_written_is_what_is_found(self, register: Register) -> None:
        """Text, codes and days as they were submitted; the other fields as they were."""
        values = {"street": "Neuer Weg", "sex": "diverse", "moved_in": "2026-11-01", "rooms": "4"}
        replaces = {"street": planted.STREET, "sex": "female", "moved_in": "2020-05-01", "rooms": "3"}
        assert await submit(register, BY_IDNR, values, replaces) == Filed((SUBJECT,), NOW)
        found = await register.fetch(mandate(BY_IDNR, *values, "town"))
        assert found == Found({**values, "town": planted.TOWN}, (SUBJECT,))

    async def test_an_empty_field_is_filled_without_naming_anything(self, register: Register) -> None:
        """Nothing is overwritten."""
        assert await submit(register, CHILD, {"sex": "diverse"}) == Filed(
            (Person("reg:melderegister:7"),), NOW
        )

    async def test_the_same_exchange_writes_once_and_says_the_same_again(
        self, register: Register, kind: Implementation, tmp_path: Path
    ) -> None:
        """However often it is tried, by whichever process, and though the person is found no more by what they
        were called before."""
        values, replaces = (
            {"town": "Andersdorf", "postcode": "11111"},
            {"town": planted.TOWN, "postcode": "99999"},
        )
        first = await submit(register, BY_PLACE, values, replaces)
        assert isinstance(first, Filed)
        before = kind.content(tmp_path)
        later = NOW + timedelta(minutes=5)
        for again in (register, kind.open(tmp_path)):
            assert await submit(again, BY_PLACE, values, replaces, at=later) == first
            assert await again.filed(mandate(BY_PLACE).case.exchange) == first
        assert kind.content(tmp_path) == before
        other = "99999999-2222-4333-8444-666666666666"
        assert await submit(register, BY_PLACE, values, replaces, exchange=other) == NotFound("unknown")
        assert await register.filed(other) is None

    async def test_an_exchange_that_ended_without_a_write_never_writes(
        self, register: Register, kind: Implementation, tmp_path: Path
    ) -> None:
        """Whoever asked was told that nothing was written, and it stays so: a process that was held up on its way
        comes too late. Other exchanges are not touched by it."""
        values, replaces = {"sex": "diverse"}, {"sex": "female"}
        assert await register.filed(mandate(BY_IDNR).case.exchange) is None
        before = kind.content(tmp_path)
        for late in (register, kind.open(tmp_path)):
            with pytest.raises(RegisterProtocol) as caught:
                await submit(late, BY_IDNR, values, replaces)
            assert not caught.value.curable
            assert await late.filed(mandate(BY_IDNR).case.exchange) is None
        assert kind.content(tmp_path) == before
        other = "99999999-2222-4333-8444-777777777777"
        assert await submit(register, BY_IDNR, values, replaces, exchange=other) == Filed((SUBJECT,), NOW)
        again, later = "99999999-2222-4333-8444-888888888888", NOW + timedelta(days=1)
        told = await submit(register, BY_IDNR, values, exchange=again, at=later)
        assert told == OnFile((SUBJECT,), NOW)

    async def test_the_same_facts_again_are_on_file_since_then(
        self, register: Register, kind: Implementation, tmp_path: Path
    ) -> None:
        """From another consumer, in another exchange; nothing is written."""
        await submit(register, CHILD, {"sex": "diverse"}, exchange="1")
        await submit(register, CHILD, {"rooms": "2"}, exchange="2", at=NOW + timedelta(days=1))
        before, child = kind.content(tmp_path), (Person("reg:melderegister:7"),)
        again: dict[str, Any] = {"exchange": "3", "consumer": "kita", "at": NOW + timedelta(days=2)}
        assert await submit(register, CHILD, {"sex": "diverse"}, **again) == OnFile(child, NOW)
        both = {"sex": "diverse", "rooms": "2"}
        assert await submit(register, CHILD, both, **again) == OnFile(child, NOW + timedelta(days=1))
        assert await submit(register, CHILD, {"town": planted.TOWN}, **again) == OnFile(
            child, NOW + timedelta(days=1)
        ), "never submitted: since the row says so"
        assert await submit(register, BY_IDNR, {"town": planted.TOWN}, **again) == OnFile((SUBJECT,), None)
        assert kind.content(tmp_path) == before
        assert await register.filed("3") is None

    @pytest.mark.parametrize(
        ("values", "replaces", "fields"),
        [
            ({"street": "Neuer Weg"}, {}, {"street"}),
            ({"street": "Neuer Weg"}, {"street": "Alter Weg"}, {"street"}),
            ({"street": "Neuer Weg", "town": "Andersdorf"}, {"street": planted.STREET}, {"town"}),
            (
                {"street": "Neuer Weg", "town": planted.TOWN},
                {"street": planted.STREET, "town": "x"},
                {"town"},
            ),
            ({"sex": "diverse"}, {"sex": "w"}, {"sex"}),
            ({"sex": "unheard-of"}, {"sex": "female"}, {"sex"}),
            ({"moved_in": "neulich"}, {"moved_in": "2020-05-01"}, {"moved_in"}),
            ({"moved_in": "20261101"}, {"moved_in": "2020-05-01"}, {"moved_in"}),
            ({"rooms": "vier"}, {"rooms": "3"}, {"rooms"}),
            ({"rooms": "9" * 40}, {"rooms": "3"}, {"rooms"}),
            ({"rooms": "04"}, {"rooms": "3"}, {"rooms"}),
            ({"street": ""}, {"street": planted.STREET}, {"street"}),
            (
                {"street": "\ud800", "town": "Andersdorf"},
                {"street": planted.STREET, "town": planted.TOWN},
                {"street"},
            ),
            ({"postcode": "unerlaubt"}, {"postcode": "99999"}, {"postcode"}),
        ],
        ids=[
            "nothing named",
            "another value named",
            "only one of two named",
            "another value named where nothing changes",
            "the register's code named, not evidence's",
            "a code that is none",
            "a day that is none",
            "a day written otherwise",
            "a number that is none",
            "a number without measure",
            "a number written otherwise",
            "no value",
            "half a character",
            "what the register itself forbids",
        ],
    )
    async def test_a_conflict_changes_nothing_and_names_the_fields(
        self,
        register: Register,
        kind: Implementation,
        tmp_path: Path,
        values: dict[str, str],
        replaces: dict[str, str],
        fields: set[str],
    ) -> None:
        """Nothing is overwritten that the sender did not name, and nothing is kept otherwise than it was sent."""
        before = kind.content(tmp_path)
        assert await submit(register, BY_IDNR, values, replaces) == Conflict((SUBJECT,), frozenset(fields))
        assert kind.content(tmp_path) == before

    async def test_nobody_several_and_the_blocked_are_not_written(
        self, register: Register, kind: Implementation, tmp_path: Path
    ) -> None:
        """Nor is a word said of what a blocked person's row holds; who may have it may also add to it."""
        before = kind.content(tmp_path)
        assert await submit(register, NOBODY, {"sex": "male"}) == NotFound("unknown")
        assert await submit(register, NAMESAKE, {"sex": "male"}) == NotFound("ambiguous")
        assert await submit(register, Subject(idnr=planted.IDNR), {"sex": "male"}) == NotFound("unknown")
        blocked = (Person("reg:melderegister:4"),)
        for value in ("male", "diverse"):
            assert await submit(register, BLOCKED, {"sex": value}) == Blocked(blocked)
        assert kind.content(tmp_path) == before
        told = await submit(register, BLOCKED, {"rooms": "2"}, blocked="deliver-with-notice")
        assert told == Filed(blocked, NOW)

    async def test_others_whose_data_is_written_count(self, register: Register) -> None:
        """As in what is read; also when it is told again."""
        values, replaces = {"mother_name": "Neunamig"}, {"mother_name": planted.SECOND_FAMILY_NAME}
        filed = await submit(register, BY_IDNR, values, replaces)
        assert filed == Filed((SUBJECT, Person(f"idnr:{planted.SECOND_IDNR}", "mother")), NOW)
        assert await register.filed(mandate(BY_IDNR).case.exchange) == filed

    async def test_only_what_is_permitted_and_writable_is_written(
        self, register: Register, kind: Implementation, tmp_path: Path
    ) -> None:
        """Whatever is asked of the port: a mandate to read, a field beyond it, one that is only read, a field of
        a group, something replaced by nothing, nothing at all."""
        before = kind.content(tmp_path)
        write = Action.WRITE
        for wrong, values, replaces in (
            (mandate(CHILD, "sex"), {"sex": "male"}, {}),
            (mandate(CHILD, "rooms", action=write), {"sex": "male"}, {}),
            (mandate(CHILD, "religion", action=write), {"religion": "--"}, {}),
            (mandate(CHILD, "shoe_size", action=write), {"shoe_size": "41"}, {}),
            (mandate(CHILD, "member_sex", action=write, evidence="household"), {"member_sex": "male"}, {}),
            (mandate(CHILD, "sex", "rooms", action=write), {"sex": "male"}, {"rooms": "2"}),
            (mandate(CHILD, "sex", action=write), {}, {}),
            (mandate(CHILD, "sex", action=write, evidence="birth"), {"sex": "male"}, {}),
        ):
            with pytest.raises(RegisterProtocol):
                await register.write(wrong, values, replaces)
        assert kind.content(tmp_path) == before

    async def test_two_at_once_are_one_after_the_other(
        self, register: Register, kind: Implementation, tmp_path: Path
    ) -> None:
        """From two processes: each replaces what it knew to be there, so exactly one of them does."""
        doors = (register, kind.open(tmp_path))
        for turn in range(10):
            known = {
                "street": planted.STREET if turn == 0 else f"Weg {turn - 1}",
                "rooms": await _rooms(register),
            }
            done = await asyncio.gather(
                *(
                    submit(
                        door,
                        BY_IDNR,
                        {"street": f"Weg {turn}", "rooms": f"{10 * turn + nth + 10}"},
                        known,
                        exchange=f"{turn}-{nth}",
                    )
                    for nth, door in enumerate(doors)
                )
            )
            kinds = sorted(type(one).__name__ for one in done)
            assert kinds == ["Conflict", "Filed"]
            won = next(nth for nth, one in enumerate(done) if isinstance(one, Filed))
            assert await _rooms(register) == f"{10 * turn + won + 10}"

    async def test_the_same_exchange_at_once_in_two_processes_writes_once(
        self, register: Register, kind: Implementation, tmp_path: Path
    ) -> None:
        """Both get the same answer."""
        doors = (register, kind.open(tmp_path))
        both = await asyncio.gather(*(submit(door, CHILD, {"sex": "diverse"}) for door in doors))
        assert list(both) == [Filed((Person("reg:melderegister:7"),), NOW)] * 2

    async def test_moments_are_told_in_utc_whatever_they_were_said_in(self, register: Register) -> None:
        """To the microsecond."""
        zone = datetime.fromisoformat("2026-11-21T13:00:00.000001+01:00")
        filed = await submit(register, CHILD, {"sex": "diverse"}, at=zone)
        assert isinstance(filed, Filed)
        assert filed.at == zone
        assert filed.at.tzinfo == UTC


async def _rooms(register: Register) -> str:
    found = await register.fetch(mandate(BY_IDNR, "rooms"))
    assert isinstance(found, Found)
    rooms = found.values["rooms"]
    assert isinstance(rooms, str)
    return rooms
