"""What every Register does with what is submitted to it (gateway.ports)."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import planted
import pytest
from register_errands import NOW, mandate, submit
from register_kinds import Implementation
from small_register import BLOCKED, BY_IDNR, BY_PLACE, CHILD, NAMESAKE, NOBODY

from consent.vocabulary import Action, Blocked, Conflict, Filed, Found, NotFound, OnFile, Person, Subject
from gateway.errors import RegisterProtocol
from gateway.ports import Register

SUBJECT = Person(f"idnr:{planted.IDNR}")


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
