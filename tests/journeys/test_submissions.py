"""Data put on file: written once, told as it happened, and told to nobody who may not know."""

from __future__ import annotations

import io
import json
import sqlite3
from collections import Counter
from contextlib import closing
from datetime import timedelta
from typing import Any, Final
from zipfile import ZipFile

import planted
import pytest
from journal_lines import ended, is_of, lines, owner, since
from law_changes import edit, takes_over
from peopled import BLOCKED, MUDDLED, NOBODY, ORDINARY, TWINS
from submitting import (
    FIELDS,
    LANGUAGES,
    PORTAL,
    READ_GRANT,
    by_name,
    content,
    decides,
    entries,
    forbid_reading,
    moved_in,
    named,
    on_file,
    resident,
    said,
    settle,
    stamp,
    submits,
    told_alike,
)
from town import NOW, Town

from consent.vocabulary import Subject
from gateway import assembly
from gateway import person as citizen
from gateway.audit.record import TERMINAL
from gateway.views.render import from_json

DAY: Final = "2026-11-20"


# --- written -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_move_is_written_with_its_source_journalled_and_receipted(
    town: Town, language: str, exceptions_watched: object
) -> None:
    """New values with where they come from and when; a line before and a line after, the latter the person's, with
    the fields' names and no value; a receipt that says what was done."""
    before, old = await lines(town.opened.store), on_file(town, ORDINARY)
    request = await submits(town, ORDINARY, language, values=moved_in(DAY), replaces=old)
    reply = await settle(town, request)
    told = said(reply)
    assert reply.type == "submit.receipt"
    assert (told["outcome"], told["recorded"], told.get("since")) == ("recorded", stamp(NOW), None)
    assert (told["register"], told["evidence"], told["in_reply_to"]) == (
        "melderegister",
        "residence",
        request.message_id,
    )

    row = resident(town.root, ORDINARY)
    assert on_file(town, ORDINARY) == moved_in(DAY)
    assert (row["quelle"], row["stand"][:19]) == (PORTAL, stamp(NOW)[:19])
    assert row["familienname"] == ORDINARY.family_name

    first, last = [line for line in await since(before, town.opened.store) if line.exchange]
    assert (first.kind, last.kind) == ("asked", "submitted")
    assert first.exchange == last.exchange == told["exchange_id"]
    for line in (first, last):
        assert await is_of(line, f"idnr:{planted.IDNR}", town)
        assert line.event["requested"] == sorted(FIELDS)
        assert "released" not in line.event, "nothing has left a register"
        raw = json.dumps(line.event, ensure_ascii=False)
        assert not any(value in raw for value in (*planted.MARKERS, *moved_in(DAY).values()) if value != "7b")
    assert last.event["concerned"] == "subject"
    assert last.event["grant"] == "ummeldung-submit"
    assert last.event["facts"]["answer"] == "passed"
    assert "reasons" not in last.event


@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_person_sees_it_in_their_export(town: Town, language: str) -> None:
    """As an entry of its own: entered, by whom, which data by name."""
    request = await submits(town, ORDINARY, language, replaces={"house_number": ORDINARY.house_number})
    exchange = said(await settle(town, request))["exchange_id"]
    whom = Subject(idnr=ORDINARY.idnr, birth_date=ORDINARY.birth_date)
    made = await citizen.export(whom, town.opened.holdings(), town.clock.now())
    assert made is not None
    with ZipFile(io.BytesIO(made.archive)) as packed:
        report = from_json(packed.read("auskunft.json"))
    [entry] = [entry for entry in report.entries if entry.exchange == exchange]
    assert (entry.outcome, entry.tone, entry.filing) == ("submitted", "filed", True)
    assert entry.consumer is not None
    assert entry.consumer.code == PORTAL
    assert {data.code for data in entry.handed_over} == {"street", "house_number"}


@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_same_facts_again_are_on_file_since_then(town: Town, language: str) -> None:
    """Another message, another exchange: nothing is written, and who may ask for the fields is told since when."""
    request = await submits(town, ORDINARY, language, values=moved_in(DAY), replaces=on_file(town, ORDINARY))
    await settle(town, request)
    before, written = await lines(town.opened.store), content(town.root)
    town.clock.passes(hours=30)
    again = await submits(town, ORDINARY, language, values=moved_in(DAY), replaces={})
    told = said(await settle(town, again))
    assert (told["outcome"], told["since"]) == ("already-on-file", stamp(NOW))
    assert told["recorded"] == stamp(NOW + timedelta(hours=30))
    assert content(town.root) == written
    last = (await since(before, town.opened.store))[-1]
    assert (last.kind, last.event["reasons"]) == ("submitted", ["already-on-file"])
    assert await is_of(last, f"idnr:{planted.IDNR}", town)


@pytest.mark.parametrize("language", LANGUAGES)
async def test_who_may_not_ask_is_not_told_that_it_was_there(town: Town, language: str) -> None:
    """The receipt is the one of a new fact: the same bytes but ids and times."""
    await forbid_reading(town)
    old = on_file(town, ORDINARY)
    new = await submits(
        town, ORDINARY, language, case="UM-1", values=moved_in(DAY), replaces=old, chosen=False
    )
    again = await submits(town, ORDINARY, language, case="UM-2", values=moved_in(DAY), chosen=False)
    for case in ("UM-1", "UM-2"):
        await decides(town, ORDINARY, case)
    bodies = []
    for request, case in ((new, "UM-1"), (again, "UM-2")):
        reply = await settle(town, request)
        assert said(reply)["outcome"] == "recorded"
        bodies.append(
            (told_alike(reply, case), len(reply.body), {k: len(v) for k, v in reply.headers.items()})
        )
        town.clock.passes(minutes=5)
    assert bodies[0] == bodies[1]


async def test_a_read_grant_without_its_basis_tells_nothing(town: Town) -> None:
    """To be able to ask, one needs both: here the decision covers the submission alone."""
    edit(town, READ_GRANT, 'recorded_by = ["buergerportal"]', 'recorded_by = ["wohngeldstelle"]')
    await takes_over(town)
    same = {"street": ORDINARY.street}
    told = said(await settle(town, await submits(town, ORDINARY, values=same, replaces={})))
    assert (told["outcome"], "since" in told) == ("recorded", False)


async def test_each_message_writes_once(town: Town) -> None:
    """Sent again, it gets the same bytes; under the same id, other values are refused."""
    request = await submits(town, ORDINARY, case="UM-1")
    first = await settle(town, request)
    written = content(town.root)
    assert (await settle(town, request)) == first
    other = await submits(
        town, ORDINARY, chosen=False, case="UM-1", message_id=request.message_id, values={"town": "Probeberg"},
        replaces={},
    )  # fmt: skip
    reply = await settle(town, other)
    assert (reply.type, said(reply)["code"]) == ("submit.refusal", "message-id-reused")
    assert content(town.root) == written
    assert len(entries(town.root)) == 1


# --- conflicts ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    "replaces", [{}, {"house_number": "1000"}], ids=["nothing named", "another value named"]
)
@pytest.mark.parametrize("reads", [True, False], ids=["may ask", "may not"])
async def test_a_conflict_changes_nothing(
    town: Town, language: str, replaces: dict[str, str], reads: bool, exceptions_watched: object
) -> None:
    """It is said that there is one; in which fields, only to who could ask for them."""
    if not reads:
        await forbid_reading(town)
    before, written = await lines(town.opened.store), content(town.root)
    request = await submits(town, ORDINARY, language, replaces=replaces)
    reply = await settle(town, request)
    told = said(reply)
    assert (reply.type, told["code"]) == ("submit.refusal", "conflict")
    assert told.get("fields") == (["house_number"] if reads else None)
    assert ORDINARY.house_number not in told.values()
    assert content(town.root) == written
    last = (await since(before, town.opened.store))[-1]
    assert (last.kind, last.event["reasons"]) == ("refused", ["conflict"])
    assert await is_of(last, f"idnr:{planted.IDNR}", town)
    named = await submits(town, ORDINARY, language, replaces={"house_number": ORDINARY.house_number})
    assert said(await settle(town, named))["outcome"] == "recorded"
    assert resident(town.root, ORDINARY)["hausnummer"] == "99z"


# --- people of whom nothing is told ------------------------------------------------------------------------------
@pytest.mark.parametrize("language", LANGUAGES)
async def test_blocked_unknown_and_ambiguous_are_one_refusal(
    town: Town, language: str, exceptions_watched: object
) -> None:
    """Same words, same size, the same time to leave; nothing is written."""
    written, heard, owners = content(town.root), [], []
    for number, person in enumerate((BLOCKED, NOBODY, TWINS[0])):
        words = by_name(person)
        case = f"UM-{number}"
        await decides(town, person, case, subject=named(words))
        request = await submits(town, person, language, chosen=False, case=case, subject=words)
        before = await lines(town.opened.store)
        reply = await settle(town, request)
        told = await since(before, town.opened.store)
        assert ended(told, said(reply)["exchange_id"]) == "no-data"
        owners.append(await owner(told[-1], town))
        sizes = tuple(len(header) for header in reply.headers.values())
        heard.append((reply.type, told_alike(reply, case), len(reply.body), sizes, reply.not_before))
    assert heard[0] == heard[1] == heard[2]
    assert heard[0][0] == "submit.refusal"
    assert owners == ["person", "sealed", "sealed"]
    assert content(town.root) == written


async def test_a_row_that_makes_no_sense_elsewhere_can_be_corrected_where_it_does(town: Town) -> None:
    """Only the fields submitted are read and written."""
    await decides(town, MUDDLED, "UM-1", subject=named(by_name(MUDDLED)))
    request = await submits(town, MUDDLED, chosen=False, case="UM-1", subject=by_name(MUDDLED))
    assert said(await settle(town, request))["outcome"] == "recorded"


# --- the books ---------------------------------------------------------------------------------------------------
async def test_the_log_accepts_every_way_a_submission_can_end(town: Town) -> None:
    """Written, there already, in conflict, refused, about nobody: lines, exchanges and uses agree."""
    await decides(town, ORDINARY, "UM-1", max_uses=3)
    ways: list[dict[str, Any]] = [{}, {"replaces": {}}, {"values": {"town": "Probeberg"}, "replaces": {}}]
    for changed in ways:
        await settle(town, await submits(town, ORDINARY, chosen=False, case="UM-1", **changed))
    await settle(town, await submits(town, ORDINARY, chosen=False))
    await decides(town, NOBODY, "UM-2", subject=named(by_name(NOBODY)))
    await settle(town, await submits(town, NOBODY, chosen=False, case="UM-2", subject=by_name(NOBODY)))
    kinds = [line.kind for line in await lines(town.opened.store) if line.kind in TERMINAL]
    assert Counter(kinds) == {"submitted": 2, "refused": 2, "no-data": 1}
    assert all(report.holds for report in assembly.verify_log(town.root))
    with closing(sqlite3.connect(town.root / "data/einmal.sqlite3")) as database:
        uses = database.execute("SELECT count(*) FROM use").fetchone()[0]
    assert uses == 2, "one for each that had its effect"
