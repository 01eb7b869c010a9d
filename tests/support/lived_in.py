"""A home that has seen two months: every kind of ending, what is kept back, epochs, cosignatures, a hold."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Final

import exempting
import town as towns
from letters import asking
from odd_register import guarded
from peopled import ORDINARY
from town import IDS, StillClock, Town

from consent.vocabulary import Found, NotFound
from gateway import assembly
from gateway.audit.note import Signer, cosign, split
from gateway.audit.verify.stored.columns import Wrong
from gateway.errors import RegisterUnavailable
from gateway.exchange import handle
from gateway.journal.releasing import release_due
from gateway.keeping.holding import Hold
from gateway.ports import Cosignature, Outbound, Register, Tree
from gateway.stages import Mandate

DATABASE: Final = "data/einmal.sqlite3"
OLDER: Final = "older.sqlite3"
"""The database as it was before the last things happened."""
WITNESS: Final = Signer.from_seed("witness.example", b"\x31" * 32)
AUDITOR: Final = Signer.from_seed("auditor.example/dsb", b"\x32" * 32)
_TIME: Final = 1_795_292_868


async def live_in(founded: Path, root: Path) -> None:
    """Copy a founded home and live in it."""
    shutil.copytree(founded, root)
    clock = StillClock()
    town = await towns.opened(root, clock)
    first, _ = await _chosen(town, "WG-first")
    second, record = await _chosen(town, "WG-second")
    for request in (first, second):
        await handle(town.delivery(request), town.opened.house)
    await town.withdraws(record)
    await _checked(town)
    clock.passes(days=15)
    again = asking(town, town.asks(ORDINARY, message_id=first.message_id), "json/1.0")
    unsigned = replace(asking(town, town.asks(ORDINARY), "json/1.0"), jws=None)
    parking = asking(town, town.parking(ORDINARY), "json/1.0", consumer="parkraumbewirtschaftung")
    for request in (again, unsigned, parking, (await _chosen(town, "WG-december"))[0]):
        await handle(town.delivery(request), town.opened.house)
    hold = Hold("hold-1", "a complaint", "BDSG § 1", "dsb", date(2029, 1, 1), (f"idnr:{ORDINARY.idnr}",))
    await town.opened.holds().place(hold, clock.now())
    await _checked(town)
    await _kept_back(town)
    with closing(sqlite3.connect(root / DATABASE)) as connection:
        connection.execute("VACUUM INTO ?", (str(root / OLDER),))
    clock.passes(hours=1)
    await handle(town.delivery((await _chosen(town, "WG-last"))[0]), town.opened.house)
    await _checked(town)
    await town.opened.close()


async def _checked(town: Town) -> None:
    """An epoch of every shard, cosigned by who checks it and who only watches."""
    for indexed in await town.opened.epochs.make(town.clock.now()):
        origin = indexed.shard.origin
        signed = [
            Cosignature(
                origin, tree, size, by.cosigner.vkey, split(cosign(note, by, _TIME))[1].splitlines(True)[-1]
            )
            for tree, size, note, by in (
                (Tree.LOG, indexed.head.size, indexed.checkpoint, WITNESS),
                (Tree.INDEX, indexed.epoch.number + 1, indexed.output, AUDITOR),
            )
        ]
        await town.opened.cosignatures.keep_cosignatures(signed)


async def _kept_back(town: Town) -> None:
    clock, house, store = town.clock, town.opened.house, town.opened.store
    await exempting.parking_is_exempt(town, days=3)
    down, _ = guarded(house, store, _down)
    for at, home in enumerate((house, house, down)):
        record = town.parking(ORDINARY, case=f"BP-kept-{at}")
        await handle(town.delivery(asking(town, record, consumer="parkraumbewirtschaftung")), home)
        if at == 0:
            clock.passes(days=3)
            assert await release_due(town.opened.journal, store, clock.now()) == 1


async def _down(_mandate: Mandate, _real: Register) -> Found | NotFound:
    raise RegisterUnavailable("melderegister")


async def _chosen(town: Town, case: str) -> tuple[Outbound, str]:
    record = await town.chooses(ORDINARY, case, max_uses=2, record=IDS.new())
    return asking(town, town.asks(ORDINARY, case=case), "json/1.0"), record


# --- tampering with it ---------------------------------------------------------------------------------------
def kept_files(home: Path) -> list[Path]:
    """Out: the checkpoints kept outside the database."""
    return sorted((home / assembly.CHECKPOINTS).glob("*.checkpoint"))


@contextmanager
def put_right(home: Path) -> Iterator[Path]:
    """Whatever is done to the home meanwhile, it is as it was afterwards."""
    right: Mapping[Path, bytes] = {file: file.read_bytes() for file in (home / DATABASE, *kept_files(home))}
    try:
        yield home
    finally:
        for left in (*home.glob(f"{DATABASE}-*"), *kept_files(home)):
            left.unlink()
        for file, content in right.items():
            file.write_bytes(content)


@contextmanager
def opened(home: Path) -> Iterator[sqlite3.Connection]:
    """A connection of somebody who keeps to no rule of the database."""
    with closing(sqlite3.connect(home / DATABASE)) as connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        connection.execute("PRAGMA ignore_check_constraints = ON")
        yield connection
        connection.commit()


def wrong(home: Path) -> list[Wrong]:
    """Out: every place that the check finds wrong."""
    return [found for report in assembly.verify_log(home) for found in report.wrong]


def places(found: Sequence[Wrong]) -> set[tuple[str, str]]:
    """Out: every table and column among them."""
    return {(one.table, column) for one in found for column in one.column.split(", ")}
