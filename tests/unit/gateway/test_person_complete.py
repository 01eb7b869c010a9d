"""A person's export is complete: every class, every shard, every form, up to its cut-off; or it is not handed out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import town as towns
from small_log import AUDITOR
from sqlalchemy import Connection, text
from town import Town

from consent.vocabulary import Subject
from gateway import person
from gateway.audit import note
from gateway.audit.proof import Proof
from gateway.audit.verify.exported.export import verify_export
from gateway.audit.verify.exported.verdict import Outcome, Verdict
from gateway.cli.demo.people import anna
from gateway.errors import Fault
from gateway.exchange import handle
from gateway.person import Handout
from gateway.ports import Cosignature, Line, StoredLine, Tree
from gateway.stages import Position
from gateway.views.export import disassemble
from gateway.views.render import from_json

WHOM = Subject(idnr=anna().idnr, birth_date=anna().birth_date)


async def asked(town: Town) -> None:
    """Resident parking asks about Anna, and is answered."""
    await handle(
        town.delivery(town.signed(town.parking(anna()), "parkraumbewirtschaftung")), town.opened.house
    )


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    opened = await towns.found(tmp_path / "home")
    await asked(opened)
    opened.clock.passes(minutes=1)
    yield opened
    await opened.opened.close()


async def exported(town: Town, **changed: Any) -> Handout:
    """Out: Anna's export, with some of where her data may be replaced."""
    made = await person.export(WHOM, replace(town.opened.holdings(), **changed), town.clock.now())
    assert made is not None
    return made


def judged(town: Town, made: Handout, *auditors: str) -> tuple[Proof, Verdict]:
    """Out: what a reader finds, whose pages agree with the proof."""
    export = disassemble(made.archive)
    assert person.agreement(export).wrong == ()
    verdict = verify_export(export.proof.document, town.opened.keys.identity_vkey, auditors)
    return Proof.parse(export.proof.document), verdict


async def test_every_class_is_indexed_up_to_the_cut_off(town: Town) -> None:
    """Also the one nothing happened in; and in a month in which nothing happened to anybody."""
    for _ in range(3):
        town.clock.passes(days=20)
        assert judged(town, await exported(town))[1].outcome is Outcome.COMPLETE_IF_HONEST
    made = await exported(town)
    proof, _ = judged(town, made)
    assert (proof.from_, made.to) == ("2026-11-01", town.clock.now())
    classes = [shard.origin.split("/")[1:] for shard in proof.shards]
    months = ["2026-11", "2026-12", "2027-01"]
    assert classes == [["12m", month] for month in months] + [["24m", month] for month in months]


async def test_what_happens_after_the_cut_off_is_told_the_next_time(town: Town) -> None:
    """Two exports in one second are alike in their cut-off, and the second one tells of the first."""
    first, second = await exported(town), await exported(town)
    assert first.to == second.to
    assert [judged(town, made)[1].lines for made in (first, second)] == [2, 3]


async def test_exports_are_complete_while_others_write(town: Town) -> None:
    """Each holds all that was committed before its epoch, and nothing of what came after; also through new keys."""
    exports = [exported(town) for _ in range(3)]
    made = await asyncio.gather(
        *exports, *(asked(town) for _ in range(20)), town.opened.shards.renew("12m", town.clock.now())
    )
    found = [judged(town, one)[1] for one in made if isinstance(one, Handout)]
    assert [verdict.outcome for verdict in found] == [Outcome.COMPLETE_IF_HONEST] * 3
    assert judged(town, await exported(town))[1].lines == 1 + 20 + 4


async def test_new_keys_within_a_month_leave_nothing_out(town: Town) -> None:
    """The lines before and after are in two shards of one month, each proved under its own keys."""
    await town.opened.shards.renew("12m", town.clock.now())
    await asked(town)
    proof, verdict = judged(town, await exported(town))
    assert (verdict.outcome, verdict.lines) == (Outcome.COMPLETE_IF_HONEST, 3)
    assert [shard.origin[-7:] for shard in proof.shards] == ["2026-11", "26-11.2", "2026-11"]


async def test_an_erased_line_is_told_with_its_norm(town: Town) -> None:
    """Its place stays proved, and counts; the page lists it as not shown. Before its time, the file is not called
    complete."""

    def erase(connection: Connection) -> None:
        answered = "cast(event as text) like '%answered%'"
        erasing = (
            f"update line set event = null, salt = null, withheld = 'erased: IDNrG § 9' where {answered}"
        )
        connection.execute(text(erasing))

    await town.opened.store.change(erase)
    made = await exported(town)
    _, verdict = judged(town, made)
    assert (verdict.outcome, verdict.lines, verdict.erased) == (Outcome.TRUE_NOT_COMPLETE, 1, 1)
    told = from_json(disassemble(made.archive).readable["auskunft.json"])
    assert [closed.norm for closed in told.closed] == ["erased: IDNrG § 9"]


# --- what an auditor has checked ---------------------------------------------------------------------------------
async def checked(town: Town) -> Handout:
    holdings = replace(town.opened.holdings(), auditors=[AUDITOR.cosigner])
    made = await person.export(WHOM, holdings, town.clock.now(), checked=True)
    assert made is not None
    return made


async def cosigned(town: Town) -> None:
    """The auditor checks and cosigns the index of every shard as it is now."""
    for indexed in await town.opened.epochs.make(town.clock.now()):
        line = note.cosign(indexed.output, AUDITOR, 1_795_292_868).splitlines(keepends=True)[-1]
        found = Cosignature(
            indexed.shard.origin, Tree.INDEX, indexed.epoch.number + 1, AUDITOR.cosigner.vkey, line
        )
        await town.opened.cosignatures.keep_cosignatures([found])


async def test_what_an_auditor_has_checked_ends_where_they_checked(town: Town) -> None:
    """Nothing later is in it; and before anybody checked, or in a month nobody checked, nothing is handed out."""
    with pytest.raises(Fault, match="auditor of"):
        await checked(town)
    await cosigned(town)
    then = town.clock.now()
    town.clock.passes(hours=1)
    made = await checked(town)
    _, verdict = judged(town, made, AUDITOR.cosigner.vkey)
    assert (made.to, verdict.outcome, verdict.auditors) == (
        then,
        Outcome.COMPLETE_CHECKED,
        (AUDITOR.name,),
    )
    assert verdict.lines == 2, "that this export was made is later"
    town.clock.passes(days=20)
    await town.opened.shards.roll(town.clock.now())
    with pytest.raises(Fault, match=r"auditor of .*2026-12"):
        await checked(town)


# --- what does not prove itself ------------------------------------------------------------------------------------
class Lying:
    """Port `JournalStore`: tells a person's lines otherwise than they are."""

    def __init__(self, true: Any, lie: Any) -> None:
        self._true, self._lie = true, lie

    def __getattr__(self, name: str) -> Any:
        return getattr(self._true, name)

    async def line(self, position: Position) -> StoredLine | None:
        return await self._true.line(position) if self._lie is not destroyed else None

    async def labelled(self, origin: str, label: bytes) -> Sequence[StoredLine]:
        return [told for line in await self._true.labelled(origin, label) if (told := self._lie(line))]


def left_out(line: StoredLine) -> StoredLine | None:
    return None if line.line.event is not None and b"answered" in line.line.event else line


def other_words(line: StoredLine) -> StoredLine:
    said = (line.line.event or b"").replace(b"street", b"stress")
    return replace(line, line=Line(line.line.leaf, line.line.salt, said))


def in_silence(line: StoredLine) -> StoredLine:
    return replace(line, line=Line(line.line.leaf, None, None))


def destroyed(line: StoredLine) -> StoredLine:
    """Nothing of the shard is left."""
    return line


async def test_a_shard_that_goes_while_it_is_told_stops_the_export(town: Town) -> None:
    """Its time was over between its index and its lines: the next export is without it."""
    with pytest.raises(Fault, match=r"proof of musterstadt\.example/12m/2026-11: it was destroyed meanwhile"):
        await exported(town, store=Lying(town.opened.store, destroyed))


@pytest.mark.parametrize("lie", [left_out, other_words, in_silence], ids=lambda lie: lie.__name__)
async def test_an_export_that_does_not_prove_itself_is_never_handed_out(town: Town, lie: Any) -> None:
    """Whatever the store says: the house checks what it made as its reader would, and names the step and the place."""
    with pytest.raises(Fault, match=r"proof step 5, musterstadt\.example/12m/2026-11, form "):
        await exported(town, store=Lying(town.opened.store, lie))
