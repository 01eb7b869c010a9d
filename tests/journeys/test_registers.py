"""Registers that are down, slow, nonsensical or too generous: one outcome, said clearly, nothing too much."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from datetime import UTC
from pathlib import Path
from typing import Any, Final

import planted
import pytest
from journal_lines import ended, is_of, lines, owner, since
from letters import asking
from odd_register import Behave, guarded
from peopled import BLOCKED, NOBODY, ORDINARY, TWINS
from town import IDS, Town

from adapters.registers.sql import SqlRegister, SqlSettings
from consent.vocabulary import Found, NotFound, Person
from gateway.client import verified
from gateway.errors import RegisterProtocol, RegisterTimeout, RegisterUnavailable
from gateway.exchange import handle
from gateway.house import House
from gateway.ports import Outbound, Register
from gateway.stages import Mandate, Outgoing, Postponed, Reply

PERSON: Final = (Person(f"idnr:{planted.IDNR}"),)


async def question(town: Town, language: str = "json/1.0", **changed: Any) -> Outbound:
    """Out: a question the ordinary person has decided for."""
    asked = town.asks(ORDINARY, **({"case": f"WG-{IDS.new()}"} | changed))
    await town.chooses(ORDINARY, asked["case"])
    return asking(town, asked, language)


async def until_settled(town: Town, request: Outbound, house: House) -> tuple[Outgoing, int]:
    """Bring the delivery back as often as the house wants. Out: the reply, and how often it was put off."""
    postponed = 0
    while True:
        result = await handle(town.delivery(request), house)
        if isinstance(result, Reply):
            return result.message, postponed
        assert isinstance(result, Postponed)
        assert result.not_before > town.clock.now()
        town.clock.moment = result.not_before
        postponed += 1


async def gone(_mandate: Mandate, _real: Register) -> Found | NotFound:
    raise RegisterUnavailable("melderegister")


async def slow(_mandate: Mandate, _real: Register) -> Found | NotFound:
    raise RegisterTimeout("melderegister")


@pytest.mark.parametrize(
    ("behave", "code"), [(gone, "register-unavailable"), (slow, "register-timeout")], ids=["down", "slow"]
)
async def test_a_register_that_stays_away_is_asked_again_and_given_up(
    town: Town, behave: Behave, code: str, exceptions_watched: object
) -> None:
    """Each attempt has its own `asked`, each but the last is postponed, the last one is dead and says why;
    the use of the decision is free again."""
    request = await question(town)
    house, doors = guarded(town.opened.house, town.opened.store, behave)
    before = await lines(town.opened.store)
    attempts = house.patience.attempts

    message, postponed = await until_settled(town, request, house)

    told = await since(before, town.opened.store)
    assert [line.kind for line in told] == [*["asked", "postponed"] * (attempts - 1), "asked", "dead"]
    assert [line.event["attempt"] for line in told] == [n for n in range(1, attempts + 1) for _ in "ab"]
    assert postponed == attempts - 1
    assert len(doors["melderegister"].touched) == attempts
    assert told[-1].event["reasons"] == [code]
    assert ended(told, told[0].exchange or "") == "dead"
    assert verified(message, request, town.consumer("wohngeldstelle"), town.gateway).promise is not None
    assert message.type == "evidence.failure"
    assert json.loads(message.body)["code"] == code
    again = await handle(town.delivery(request), house)
    assert isinstance(again, Reply)
    assert again.message == message
    assert await since(before, town.opened.store) == told


async def test_a_register_that_comes_back_answers(town: Town, exceptions_watched: object) -> None:
    """A fault that was cured leaves `postponed` lines and one answer."""
    request, calls = await question(town), 0

    async def at_the_third_time(mandate: Mandate, real: Register) -> Found | NotFound:
        nonlocal calls
        calls += 1
        return await (real.fetch(mandate) if calls == 3 else gone(mandate, real))

    house, _ = guarded(town.opened.house, town.opened.store, at_the_third_time)
    before = await lines(town.opened.store)
    message, _ = await until_settled(town, request, house)
    kinds = [line.kind for line in await since(before, town.opened.store)]
    assert kinds == [*["asked", "postponed"] * 2, "asked", "answered"]
    assert json.loads(message.body)["values"]["family_name"] == planted.FAMILY_NAME


async def test_a_database_that_is_gone_is_a_register_that_is_down(
    town: Town, exceptions_watched: object
) -> None:
    """The real register without its file: put off, not failed."""
    (town.root / "registers/melderegister.sqlite3").unlink()
    house, _ = guarded(town.opened.house, town.opened.store)
    assert isinstance(await handle(town.delivery(await question(town)), house), Postponed)


async def test_a_database_that_never_ends_is_a_register_that_is_slow(
    town: Town, exceptions_watched: object
) -> None:
    """The real register over a view without end: given up in time, the exchange is put off."""
    with closing(sqlite3.connect(town.root / "registers/melderegister.sqlite3")) as database, database:
        database.executescript("""
            ALTER TABLE person RENAME TO people;
            CREATE VIEW person AS WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n)
            SELECT people.* FROM people WHERE 0 = (SELECT count(*) FROM n);
        """)
    home = town.opened.home
    settings = SqlSettings.model_validate(home.registers["melderegister"]["sql"])
    endless = SqlRegister(home.policy.registers["melderegister"], settings, home.root, 0.05)
    house = replace(town.opened.house, registers={"melderegister": endless})
    request = await question(town)
    before = await lines(town.opened.store)
    assert isinstance(await handle(town.delivery(request), house), Postponed)
    told = await since(before, town.opened.store)
    assert told[-1].event["reasons"] == ["register-timeout"]
    endless.close()


def found(**values: Any) -> Found:
    return Found({"family_name": planted.FAMILY_NAME} | values, PERSON)


def answers(make: Any) -> Behave:
    async def behave(_mandate: Mandate, _real: Register) -> Found | NotFound:
        result: Found | NotFound = make()
        return result

    return behave


def breaks(error: Exception) -> Behave:
    async def behave(_mandate: Mandate, _real: Register) -> Found | NotFound:
        raise error

    return behave


NONSENSE: Final[Mapping[str, tuple[Behave, str]]] = {
    "says so": (breaks(RegisterProtocol("melderegister")), "register-protocol"),
    "breaks with the row in its words": (breaks(ValueError(f"row {planted.FAMILY_NAME}")), "internal"),
    "breaks by running out of stack": (breaks(RecursionError()), "internal"),
    "nothing": (answers(lambda: None), "internal"),
    "a number for a text": (answers(lambda: found(street=7)), "internal"),
    "no text": (answers(lambda: found(street=None)), "internal"),
    "half a character": (answers(lambda: found(street="\ud800")), "answer-invalid|internal"),
    "a field that is no name": (answers(lambda: found(**{f"{planted.FAMILY_NAME}\n": "x"})), "internal"),
    "about nobody": (answers(lambda: Found({"street": "Musterweg"}, ())), "internal"),
    "nobody, blocked": (answers(lambda: Found({"street": "Musterweg"}, (), True)), "internal"),
    "about no person of the log": (
        answers(lambda: Found({"street": "Musterweg"}, (Person(planted.FAMILY_NAME),))),
        "internal",
    ),
    "about a person nobody can find": (
        answers(lambda: Found({"street": "Musterweg"}, (Person("idnr:123"),))),
        "internal",
    ),
}


@pytest.mark.parametrize("language", ["xeinmal/1.0", "json/1.0"])
@pytest.mark.parametrize(("behave", "code"), NONSENSE.values(), ids=NONSENSE)
async def test_nonsense_fails_once_and_is_not_repeated(
    town: Town, behave: Behave, code: str, language: str, exceptions_watched: object
) -> None:
    """What can't be understood is nobody's evidence: `failed`, at once, without a word of it."""
    request = await question(town, language)
    house, _ = guarded(town.opened.house, town.opened.store, behave)
    before = await lines(town.opened.store)
    result = await handle(town.delivery(request), house)
    told = await since(before, town.opened.store)
    assert [line.kind for line in told] == ["asked", "failed"]
    assert told[-1].event["reasons"][0] in code.split("|")
    assert await is_of(told[-1], f"idnr:{planted.IDNR}", town)
    assert isinstance(result, Reply)
    assert result.message.type == "evidence.failure"
    assert told[-1].event["reasons"][0].encode() in result.message.body
    assert not any(marker.encode() in result.message.body for marker in planted.MARKERS)


async def test_a_column_that_is_gone_is_nonsense(town: Town, exceptions_watched: object) -> None:
    """The real register over a table that lost what its file names."""
    with closing(sqlite3.connect(town.root / "registers/melderegister.sqlite3")) as database, database:
        database.execute("ALTER TABLE person RENAME COLUMN strasse TO anders")
    request = await question(town)
    before = await lines(town.opened.store)
    await handle(town.delivery(request), town.opened.house)
    told = await since(before, town.opened.store)
    assert [line.kind for line in told] == ["asked", "failed"]
    assert told[-1].event["reasons"] == ["register-protocol"]


async def test_what_the_register_says_too_much_stays_inside(town: Town, exceptions_watched: object) -> None:
    """Fields beyond the grant, beyond the decision and beyond the question are cut, and told by name."""

    async def generous(mandate: Mandate, real: Register) -> Found | NotFound:
        answer = await real.fetch(mandate)
        assert isinstance(answer, Found)
        more = {"religion": "Quittenglaube", "moved_in": "2020-01-01", "postcode": "00123"}
        return replace(answer, values={**answer.values, **more})

    request = await question(town, fields=["family_name", "street", "town"])
    house, _ = guarded(town.opened.house, town.opened.store, generous)
    before = await lines(town.opened.store)
    result = await handle(town.delivery(request), house)
    assert isinstance(result, Reply)
    said = json.loads(result.message.body)
    assert said["values"] == {
        "family_name": planted.FAMILY_NAME,
        "street": planted.STREET,
        "town": planted.TOWN,
    }
    cut = [
        {"field": "moved_in", "rule": "record"},
        {"field": "postcode", "rule": "not-asked"},
        {"field": "religion", "rule": "grant"},
    ]
    assert said["removed"] == cut
    told = await since(before, town.opened.store)
    assert told[-1].event["removed"] == cut
    assert told[-1].event["released"] == ["family_name", "street", "town"]
    assert b"Quittenglaube" not in result.message.body


async def test_an_idnr_the_grant_does_not_allow_is_cut_from_the_values(
    town: Town, exceptions_watched: object
) -> None:
    """Parking's grant knows no IDNr: a register that writes one into a street hands on no street."""

    async def chatty(mandate: Mandate, real: Register) -> Found | NotFound:
        answer = await real.fetch(mandate)
        assert isinstance(answer, Found)
        return replace(answer, values={**answer.values, "street": f"Musterweg ({planted.IDNR})"})

    request = asking(town, town.parking(ORDINARY), "json/1.0", consumer="parkraumbewirtschaftung")
    house, _ = guarded(town.opened.house, town.opened.store, chatty)
    result = await handle(town.delivery(request), house)
    assert isinstance(result, Reply)
    assert json.loads(result.message.body)["removed"] == [{"field": "street", "rule": "idnr"}]
    assert planted.IDNR.encode() not in result.message.body


@pytest.mark.parametrize("language", ["xeinmal/1.0", "json/1.0"])
async def test_blocked_unknown_and_ambiguous_are_one_answer(
    town: Town, language: str, exceptions_watched: object
) -> None:
    """Same words, same size, nothing but ids, times and signatures differ; only the blocked person's own line
    says that someone asked."""
    bodies, sizes, owners = set(), set(), []
    for person in (BLOCKED, NOBODY, TWINS[0]):
        request = asking(town, town.parking(person), language, consumer="parkraumbewirtschaftung")
        before = await lines(town.opened.store)
        result = await handle(town.delivery(request), town.opened.house)
        assert isinstance(result, Reply)
        told = await since(before, town.opened.store)
        owners.append(await owner(told[-1], town))
        message, exchange = result.message, told[-1].exchange or ""
        body = message.body.decode()
        for own in (request.message_id, message.message_id, exchange):
            assert own in body
            body = body.replace(own, "-")
        bodies.add(body)
        sizes.add((len(message.body), *(len(header) for header in message.headers.values())))
    assert len(bodies) == 1
    assert len(sizes) == 1
    assert owners == ["person", "sealed", "sealed"]


async def test_the_planted_person_is_in_the_answer_and_their_line_is_theirs(
    town: Town, exceptions_watched: object
) -> None:
    """So there is something for the watch to find: the same words in a log line would end this run."""
    request = await question(town, "xeinmal/1.0")
    before = await lines(town.opened.store)
    result = await handle(town.delivery(request), town.opened.house)
    assert isinstance(result, Reply)
    for marker in (planted.FAMILY_NAME, planted.STREET, planted.TOWN):
        assert marker.encode() in result.message.body
    told = await since(before, town.opened.store)
    assert [line.kind for line in told] == ["asked", "answered"]
    assert await is_of(told[-1], f"idnr:{planted.IDNR}", town)
    assert told[-1].event["time"] == town.clock.now().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    raw = json.dumps([line.event for line in told])
    assert not any(marker in raw for marker in planted.MARKERS)


async def test_nothing_of_it_lies_readable_in_the_house_s_own_files(town: Town, tmp_path: Path) -> None:
    """The journal's database and its files hold neither evidence nor the person's number; replies are sealed."""
    await handle(town.delivery(await question(town)), town.opened.house)
    await town.opened.close()
    files = [file for file in (town.root / "data").rglob("*") if file.is_file()]
    assert any(file.name == "einmal.sqlite3" for file in files)
    for file in files:
        content = file.read_bytes()
        for marker in (planted.FAMILY_NAME, planted.STREET, planted.TOWN):
            assert marker.encode() not in content, file.name
