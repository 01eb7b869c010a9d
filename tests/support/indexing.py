"""What epochs hand out, checked as a stranger would: from notes, leaves and hashes alone; and lines to be indexed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import killable
import town as towns
from small_log import AUDITOR
from town import StillClock, Town

from adapters.indexes import IndexFiles
from adapters.storage.epochs import SqlEpochs
from adapters.storage.tiles import SqlTiles
from gateway import assembly
from gateway.audit import index, tree
from gateway.audit.index import Presence
from gateway.audit.note import Signer, Verifier, cosign, decode64, open_checkpoint, parse_checkpoint, split
from gateway.audit.record import Event, Kind
from gateway.ports import Cosignature, Tree
from gateway.proving.epochs import Epochs, Indexed
from gateway.proving.lines import Aside
from gateway.stages import Position

Out = TypeVar("Out")
PUBLISHED = "published.txt"
"""Every output checkpoint that left a process, a JSON string a line."""


def subject(number: int) -> str:
    """Out: somebody."""
    return f"reg:melderegister:{number}"


async def tell(town: Town, *numbers: int) -> list[Position]:
    """Write a line about each of these people. Out: where they stand."""
    now = town.clock.now()
    found = []
    for number in numbers:
        line = Event(kind=Kind.EXPORT_MADE, time=now)
        receipt = await town.opened.journal.house_event(line, now, subject=subject(number))
        found.append(receipt.position)  # type: ignore[union-attr]
    return found


async def cosigned(
    town: Town, one: Indexed, by: Signer = AUDITOR, tree: Tree = Tree.INDEX, claims: Verifier | None = None
) -> str:
    """Have a checkpoint cosigned, and keep that. Out: the line."""
    note, size = (one.output, one.epoch.number + 1) if tree is Tree.INDEX else (one.checkpoint, one.head.size)
    line = cosign(note, by, 1_795_292_868).splitlines(keepends=True)[-1]
    vkey = (claims or by.cosigner).vkey
    await town.opened.cosignatures.keep_cosignatures([Cosignature(one.shard.origin, tree, size, vkey, line)])
    return line


def epochs_of(opened: assembly.Opened, aside: Aside = asyncio.to_thread, **ports: Any) -> Epochs:
    """Out: epochs over the house's own doors, or over others."""
    given: dict[str, Any] = {
        "shards": opened.shards,
        "store": SqlEpochs(opened.store),
        "stored": SqlTiles(opened.store),
        "cosignatures": opened.cosignatures,
        "cache": IndexFiles(opened.home.root / "data/index"),
        "kept": opened.checkpoints,
        "aside": aside,
    }
    return Epochs(**(given | ports))


class Between:
    """Reckons at once; before the first time it does, something else happens."""

    def __init__(self, other: Callable[[], Any]) -> None:
        self._other: Callable[[], Any] | None = other

    async def __call__(self, task: Callable[[], Out], /) -> Out:
        if self._other is not None:
            other, self._other = self._other, None
            await other()
        return task()


async def check(town: Town, found: Sequence[Indexed]) -> None:
    """Every signature, every path; every line of the log in the index of its label, and nobody else."""
    for one in found:
        await _check_heads(town, one)
        lines = await town.opened.store.lines(one.shard.origin, 0, one.head.size)
        by_label: dict[bytes, list[int]] = {}
        for line in lines:
            by_label.setdefault(line.line.leaf[1:33], []).append(line.position.index)
        said = json.loads(one.epoch.leaf)
        assert said["index_size"] == len(by_label)
        places = await town.opened.epochs.find(one, list(by_label))
        for (label, positions), place in zip(by_label.items(), places, strict=True):
            assert isinstance(place, Presence)
            assert index.verify_presence(
                label, positions, place, decode64(said["index_root"]), said["index_size"]
            )
        (absent,) = await town.opened.epochs.find(one, [b"nobody's".ljust(32)])
        assert not isinstance(absent, Presence)
        assert index.verify_absence(
            b"nobody's".ljust(32), absent, decode64(said["index_root"]), said["index_size"]
        )


async def _check_heads(town: Town, one: Indexed) -> None:
    keys = one.shard.keys.public
    log, _ = open_checkpoint(one.checkpoint, keys.log)
    output, _ = open_checkpoint(one.output, keys.index)
    lines = await town.opened.store.lines(one.shard.origin, 0, log.size)
    assert tree.root([tree.leaf_hash(line.line.leaf) for line in lines]) == log.root
    assert (log.origin, log.size, log.root) == (one.head.origin, one.head.size, one.head.root)
    assert one.epoch.size == log.size
    said = json.loads(one.epoch.leaf)
    assert said.keys() == {"v", "epoch", "index_root", "index_size", "log", "time"}
    assert split(said["log"])[0] == split(one.checkpoint)[0]
    assert (said["epoch"], said["time"]) == (one.epoch.number + 1, f"{one.time:%Y-%m-%dT%H:%M:%SZ}")
    assert decode64(said["index_root"]) == one.index.root
    assert output.origin == f"{one.shard.origin}/index"
    assert output.size == one.epoch.number + 1
    hashed = tree.leaf_hash(one.epoch.leaf)
    assert tree.verify_inclusion(hashed, one.epoch.number, output.size, one.output_path, output.root)


async def agree(town: Town, notes: Iterable[str]) -> int:
    """Every published output checkpoint is one of the one history the store has. Out: how many there were."""
    count = 0
    for note in notes:
        head = parse_checkpoint(split(note)[0])
        epochs = await SqlEpochs(town.opened.store).epochs(head.origin.removesuffix("/index"))
        leaves = [tree.leaf_hash(epoch.leaf) for epoch in epochs[: head.size]]
        assert len(leaves) == head.size
        assert tree.root(leaves) == head.root
        count += 1
    return count


# --- other processes --------------------------------------------------------------------------------------------
class Stepped:
    """A port without coroutines: its named methods are a step before and a step after."""

    def __init__(self, port: object, steps: killable.Steps, *named: str) -> None:
        self._port, self._steps, self._named = port, steps, named

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._port, name)
        if name not in self._named:
            return found

        def stepping(*args: Any) -> Any:
            self._steps.step(f"before {name}")
            result = found(*args)
            self._steps.step(f"after {name}")
            return result

        return stepping


class Publishing:
    """Port `CheckpointKeeper`: what is signed is written down before anything else is done with it."""

    def __init__(self, kept: Any, root: Path) -> None:
        self._kept, self._root = kept, root

    def __getattr__(self, name: str) -> Any:
        return getattr(self._kept, name)

    def keep(self, origin: str, note: str) -> None:
        with (self._root / PUBLISHED).open("a") as file:
            file.write(json.dumps(note) + "\n")
        self._kept.keep(origin, note)


def published(root: Path) -> list[str]:
    """Out: every output checkpoint that was ever signed there."""
    path = root / PUBLISHED
    return [json.loads(row) for row in path.read_text().splitlines()] if path.is_file() else []


def dies(root: str, fatal: int | None) -> None:
    """In a process of its own: write lines, index them, or die at step `fatal`."""
    clock = StillClock(towns.NOW + timedelta(seconds=fatal or 0))
    asyncio.run(_dies(Path(root), killable.Steps(Path(root), fatal), clock))


async def _dies(root: Path, steps: killable.Steps, clock: StillClock) -> None:
    town = await towns.opened(root, clock)
    await tell(town, 1, 2)
    epochs = epochs_of(
        town.opened,
        store=killable.Stepping(SqlEpochs(town.opened.store), steps, frozenset({"begin_epoch"}), "epochs"),
        cache=Stepped(IndexFiles(root / "data/index"), steps, "keep"),
        kept=Stepped(Publishing(town.opened.checkpoints, root), steps, "keep"),
    )
    await epochs.make(town.clock.now())
    await town.opened.close()


def indexes(root: str, first: int, rounds: int) -> None:
    """In a process of its own: write lines about its own people and index them, again and again."""
    asyncio.run(_indexes(Path(root), first, rounds))


async def _indexes(root: Path, first: int, rounds: int) -> None:
    town = await towns.opened(root, StillClock(towns.NOW))
    epochs = epochs_of(town.opened, kept=Publishing(town.opened.checkpoints, root))
    for at in range(rounds):
        (position, *_) = await tell(town, first + at % 3, first)
        town.clock.passes(seconds=at % 2)
        for one in await epochs.make(town.clock.now()):
            if one.shard.origin == position.origin:
                assert one.head.size > position.index
                assert one.time >= town.clock.now()
    await town.opened.close()
