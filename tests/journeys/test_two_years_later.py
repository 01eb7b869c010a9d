"""Two years later: what is past its time is gone from the files, and everything that was proved still is (LOG.md 8)."""

from __future__ import annotations

import asyncio
import json
import shutil
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import processes
import pytest
import town as towns
import two_years
from killable import STEPS
from town import StillClock, Town
from two_years import HELD, LATER, Before

from consent.vocabulary import Subject
from gateway import assembly, person
from gateway.audit import tree
from gateway.audit.note import parse_checkpoint, parse_vkey, split
from gateway.audit.proof import Proof
from gateway.audit.record import Event, Kind
from gateway.audit.verify.exported.export import verify_export
from gateway.audit.verify.exported.held import verify_held
from gateway.audit.verify.exported.verdict import Outcome
from gateway.cli.demo.people import anna
from gateway.views.export import disassemble

MOST_STEPS = 200
OVER = {
    "12m/2026-10", "12m/2026-11", "12m/2026-12", "24m/2026-10", "24m/2026-11"
}  # fmt: skip
YOUNG = {"24m/2026-12", "24m/2028-12", "12m/2028-12"}
WHOM = Subject(idnr=anna().idnr, birth_date=anna().birth_date)


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Out: a closed home, two years old. Copy it."""
    root = tmp_path_factory.mktemp("lived") / "home"
    asyncio.run(two_years.live(root))
    return root


@pytest.fixture
async def town(lived: Path, tmp_path: Path) -> AsyncIterator[Town]:
    shutil.copytree(lived, tmp_path / "home")
    opened = await towns.opened(tmp_path / "home", StillClock(LATER))
    yield opened
    await opened.opened.close()


def short(origin: str) -> str:
    return origin.split("/", 1)[1]


async def appending(town: Town, stop: asyncio.Event) -> int:
    """Others write all the time. Out: how many lines."""
    count = 0
    while not stop.is_set():
        told = Event(kind=Kind.READ_BY, time=LATER, reasons=(f"n{count}",))
        await asyncio.gather(
            *(town.opened.journal.house_event(told, LATER, subject=f"reg:x:{count + at}") for at in range(8))
        )
        count += 8
    return count


def files(root: Path) -> bytes:
    """Out: the raw bytes of the database and of what lies beside it."""
    return b"".join(path.read_bytes() for path in sorted((root / "data").glob("einmal.sqlite3*")))


def gone(root: Path, before: Before, days: tuple[str, ...] = ("2026-12-03",)) -> None:
    """Nothing of the shards that are over is in the files, nor of the due days of the one that is not; what is young
    is still there."""
    raw = files(root)
    for origin, secrets in before.secrets.items():
        if short(origin) in OVER:
            assert not [secret for secret in secrets if secret in raw], origin
        else:
            events = [one for one in secrets if one.startswith(b'{"') and len(one) > 64]
            due = [one for one in events if any(day in json.loads(one)["time"] for day in days)]
            assert not [event for event in due if event in raw]
            assert all(event in raw for event in events if event not in due and len(event) < 900)


async def proved(town: Town, before: Before) -> None:
    """Every checkpoint ever kept is still the head of a tree that only grew, as the tiles show."""
    for origin, kept in before.checkpoints.items():
        heads = [parse_checkpoint(split(note)[0]) for _, note in kept]
        shards = {shard.head.origin: shard for shard in await town.opened.store.shards()}
        last = shards[origin].head
        for head in heads:
            proof = await town.opened.store.consistency(origin, head.size, last.size)
            assert tree.verify_consistency(head.size, head.root, last.size, last.root, proof)
    assert sum(map(len, before.checkpoints.values())) >= 10


async def told(town: Town) -> list[tuple[str, tuple[str, ...]]]:
    """Out: kind and reasons of every line about erasing and holding that was written later."""
    found: list[tuple[str, tuple[str, ...]]] = []
    for shard in await town.opened.store.shards():
        if short(shard.head.origin) == "24m/2028-12":
            for stored in await town.opened.store.lines(shard.head.origin, 0, 100_000):
                event = json.loads(stored.line.event or b"{}")
                if event["kind"].startswith(("retention.", "hold.")):
                    found.append((event["kind"], tuple(event["reasons"])))
    return found


async def held(town: Town) -> None:
    """What the hold keeps of shards without keys is still shown, as its owner's by their label."""
    fingerprint = parse_vkey(town.opened.keys.identity_vkey).fingerprint
    document = await town.opened.holds().export(HELD, LATER)
    assert document is not None
    assert verify_held(document, fingerprint).holds
    assert verify_export(document, fingerprint).outcome is Outcome.TRUE_NOT_COMPLETE
    kinds = [
        json.loads(entry.event)["kind"]
        for shard in Proof.parse(document).shards
        if short(shard.origin) in OVER
        for subject in shard.subjects
        for entry in subject.entries
        if entry.event is not None
    ]
    # By statute on each of the five days, by choice on those three of which the class is over.
    assert kinds.count("answered") == 8


async def exported(town: Town) -> None:
    """The export of what is young proves itself complete; what is due is named, by which norm."""
    handout = await person.export(WHOM, town.opened.holdings(), LATER)
    assert handout is not None
    document = disassemble(handout.archive).proof.document
    verdict = verify_export(document, parse_vkey(town.opened.keys.identity_vkey).fingerprint)
    assert verdict.outcome is Outcome.COMPLETE_IF_HONEST
    parsed = Proof.parse(document)
    assert {short(shard.origin) for shard in parsed.shards} == YOUNG
    entries = [entry for shard in parsed.shards for subject in shard.subjects for entry in subject.entries]
    erased = [entry for entry in entries if entry.event is None]
    assert {entry.withheld for entry in erased} == {"erased: IDNrG § 9"}
    assert len(erased) == 3  # on the 3rd of December: given, asked, answered
    assert len(entries) > len(erased) + 3


@pytest.mark.parametrize("vacuum", [False, True])
async def test_two_years_later(town: Town, vacuum: bool) -> None:
    """While others write: the bytes are gone, the proofs stand, what is held is held, the log says what went and
    verifies."""
    before = await two_years.known(town)
    assert town.opened.keys is not None
    assert two_years.FORGOTTEN.idnr is not None
    stop = asyncio.Event()
    others = asyncio.create_task(appending(town, stop))
    done = await town.opened.retention().run(LATER, vacuum=vacuum, clock_is_right=True)
    stop.set()
    assert await others > 0
    assert {short(origin) for origin in done.destroyed} == OVER
    again = await town.opened.retention().run(LATER, vacuum=vacuum, clock_is_right=True)
    assert (again.lines, again.destroyed, again.settled) == (0, (), True)
    gone(town.root, before)
    assert two_years.FORGOTTEN.idnr.encode() not in files(town.root)
    assert two_years.FORGOTTEN.family_name.encode() not in files(town.root)
    await proved(town, before)
    await held(town)
    await exported(town)
    said = await told(town)
    destroyed = {short(reasons[1]) for kind, reasons in said if kind == "retention.destroyed"}
    assert destroyed == OVER
    assert {short(reasons[1].split(" ")[0]) for kind, reasons in said if kind == "retention.erased"} == {
        *OVER,
        "24m/2026-12",
    }
    assert all(report.holds for report in assembly.verify_log(town.root))


async def test_whatever_is_killed_between_is_gone_on_with(tmp_path: Path) -> None:
    """SIGKILL after any step: the log verifies as it stands, and whoever comes next leaves what nobody interrupted
    would have left."""
    whole = tmp_path / "whole"
    await two_years.live(whole, two_years.DAYS[1:2])
    town = await towns.opened(whole, StillClock(LATER))
    before = await two_years.known(town)
    await town.opened.close()
    for fatal in range(1, MOST_STEPS, 2):
        root = tmp_path / f"at-{fatal}"
        shutil.copytree(whole, root)
        [code] = processes.lived(two_years.retires, str(root), fatal)
        if code == 0:
            break
        assert code == -signal.SIGKILL
        assert [w.told for report in assembly.verify_log(root) for w in report.wrong] == [], fatal
        town = await towns.opened(root, StillClock(LATER))
        assert (await town.opened.retention().run(LATER, clock_is_right=True)).settled
        shards = {short(shard.head.origin): shard.secrets for shard in await town.opened.store.shards()}
        assert (shards["12m/2026-11"], shards["24m/2026-11"]) == (None, None)
        gone(root, before)
        assert two_years.ANNA.encode() not in files(root)
        document = await town.opened.holds().export(HELD, LATER)
        fingerprint = parse_vkey(town.opened.keys.identity_vkey).fingerprint
        assert document is not None
        assert verify_held(document, fingerprint).lines == 5
        await town.opened.close()
        assert [w.told for report in assembly.verify_log(root) for w in report.wrong] == [], fatal
        shutil.rmtree(root)
    else:
        pytest.fail("the steps never end")
    names = {step.split(" ", 1)[1] for step in (root / STEPS).read_text().splitlines()}
    changes = ("append", "erase", "destroy", "clear", "forget_record", "settle")
    assert {name.rpartition(".")[2] for name in names} == set(changes)
