"""After writers were killed: is every note they signed consistent with every other, is all there that was answered?"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import midnight
import town as towns
import writers
from town import StillClock

from adapters.storage.epochs import SqlEpochs
from gateway import assembly
from gateway.audit import tree
from gateway.audit.note import Checkpoint, Verifier, open_checkpoint, parse_checkpoint, split
from gateway.ports import EpochStore, JournalStore


@dataclass(frozen=True, slots=True)
class Counted:
    """How much was looked at."""

    kills: int
    notes: int
    """Different ones."""
    answers: int
    epochs: int
    lines: int

    def __str__(self) -> str:
        return (
            f"{writers.WRITERS} writers killed {self.kills} times: {self.notes} signed checkpoints, all consistent; "
            f"{self.answers} answers, none missing; {self.lines} lines and {self.epochs} epochs verified"
        )


async def attacked(root: Path, out: Path, seconds: float, pause: float) -> Counted:
    """Let writers of a founded home be killed for so long, and judge what they leave."""
    killer = writers.Killer(root, out, seconds, pause)
    killer.run()
    assert killer.failed == [], "who is not killed ends well"
    notes = set(writers.papers(out, writers.NOTES))
    answers = writers.papers(out, writers.ACKS)
    town = await towns.opened(root, StillClock(midnight.EVE + timedelta(seconds=seconds)))
    opened = town.opened
    keys = {
        key.name: key
        for shard, _, _ in await opened.shards.headed()
        for key in (shard.keys.public.log, shard.keys.public.index)
    }
    by_origin = _signed(notes, keys)
    for origin, sizes in by_origin.items():
        if origin.endswith("/index"):
            await _of_one_output_log(origin, sizes, SqlEpochs(opened.store))
        else:
            await _of_one_log(origin, sizes, opened.store)
    await opened.close()
    assert len(by_origin) > 2, "both months, and the output logs of both"
    missing = set(answers) - _settled(root)
    assert not missing, f"{len(missing)} answers are not in the log"
    reports = assembly.verify_log(root)
    assert [wrong.told for report in reports for wrong in report.wrong] == []
    lines, epochs = sum(report.lines for report in reports), sum(report.epochs for report in reports)
    return Counted(killer.killed, len(notes), len(answers), epochs, lines)


def _signed(notes: set[str], keys: dict[str, Verifier]) -> dict[str, dict[int, bytes]]:
    """Out: by origin and size, the one root that was ever signed."""
    found: dict[str, dict[int, bytes]] = {}
    for note in notes:
        said: Checkpoint = parse_checkpoint(split(note)[0])
        checkpoint, _ = open_checkpoint(note, keys[said.origin])
        first = found.setdefault(checkpoint.origin, {}).setdefault(checkpoint.size, checkpoint.root)
        assert first == checkpoint.root, "two roots of one size"
    return found


async def _of_one_log(origin: str, sizes: dict[int, bytes], store: JournalStore) -> None:
    """Each is the beginning of the next one."""
    ordered = sorted(sizes)
    for older, newer in pairwise(ordered):
        proof = await store.consistency(origin, older, newer)
        assert tree.verify_consistency(older, sizes[older], newer, sizes[newer], proof)


async def _of_one_output_log(origin: str, sizes: dict[int, bytes], store: EpochStore) -> None:
    """Each is what the epochs of its size make."""
    leaves = [tree.leaf_hash(epoch.leaf) for epoch in await store.epochs(origin.removesuffix("/index"))]
    for size, root in sizes.items():
        assert tree.root(leaves[:size]) == root


def _settled(root: Path) -> set[str]:
    """Out: the message ids whose exchange has its terminal line."""
    with closing(sqlite3.connect(root / "data/einmal.sqlite3")) as connection:
        return {
            row[0] for row in connection.execute("SELECT message_id FROM exchange WHERE kind IS NOT NULL")
        }
