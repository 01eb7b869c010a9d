"""A town's log put into a folder of tiles, and that folder looked at as an auditor or witness would."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from town import Town

from adapters.folder import TileFolder
from adapters.storage.epochs import SqlEpochs
from adapters.storage.tiles import SqlTiles
from gateway.audit import labels
from gateway.audit.note import Signer, parse_vkey
from gateway.audit.verify.published.auditing import Misfit
from gateway.audit.verify.published.folder import find_identity
from gateway.audit.verify.published.seen import State
from gateway.audit.verify.published.survey import Surveyed, survey, watch
from gateway.ports import Committed, Entry, Line
from gateway.proving.epochs import Epochs
from gateway.proving.publishing import Published, Publisher

AUDITOR: Final = Signer.from_seed("dsb.example/einmal", b"\x61" * 32)
MONTH: Final = (2026, 11)
_EVENT: Final = b"{}"


class Interrupted(Exception):
    """The process ends here."""


class Breaking(TileFolder):
    """A folder whose n-th change is the last: it does not happen any more, or it does and nothing after it."""

    def __init__(self, root: Path, changes: int, *, after: bool) -> None:
        super().__init__(root)
        self._left, self._after = changes, after

    def write(self, path: str, data: bytes, public: bool) -> None:
        self._count(lambda: TileFolder.write(self, path, data, public))

    def drop(self, path: str) -> None:
        self._count(lambda: TileFolder.drop(self, path) if self.has(path) else None)

    def _count(self, change: Callable[[], object]) -> None:
        if self._left == 0 and not self._after:
            raise Interrupted
        change()
        self._left -= 1
        if self._left < 0:
            raise Interrupted


def publisher(town: Town, folder: TileFolder, epochs: Epochs | None = None) -> Publisher:
    """Out: what publishes the town's log there; with an index of its own making, if one is given."""
    opened, store = town.opened, town.opened.store
    outputs, stored = SqlEpochs(store), SqlTiles(store)
    return Publisher(opened.keys, epochs or opened.epochs, store, outputs, stored, folder, opened.witnessing)


async def publish(
    town: Town, folder: Path, epochs: Epochs | None = None, *, auditors: bool = True
) -> Sequence[Published]:
    """Bring the folder up to the town's log."""
    return await publisher(town, TileFolder(folder), epochs).publish(town.clock.now(), auditors)


async def fill(town: Town, count: int, people: int = 40) -> None:
    """Append many lines about a few people to the newest shard of the default class."""
    opened, now = town.opened, town.clock.now()
    shard = await opened.shards.current(opened.home.settings.log.default_class, now)
    made = []
    for number in range(count):
        salt = opened.house.ids.random(labels.SALT_BYTES)
        leaf = labels.leaf(shard.person(f"reg:melderegister:{number % people}"), labels.commit(salt, _EVENT))
        made.append(Line(leaf, salt, _EVENT))
    for start in range(0, count, 256):
        done = await opened.store.append(Entry(shard.origin, tuple(made[start : start + 256]), now))
        assert isinstance(done, Committed)


# --- looking at it ------------------------------------------------------------------------------------------
def authority(town: Town) -> str:
    """Out: the published fingerprint."""
    return parse_vkey(town.opened.keys.identity_vkey).fingerprint


def audited(
    folder: Path,
    authority: str,
    state: State | None = None,
    month: tuple[int, int] = MONTH,
    now: datetime | None = None,
) -> Surveyed:
    """Out: what an auditor finds, now or at the end of that month."""
    files = TileFolder(folder)
    identity = find_identity(files, authority)
    return survey(files, identity, state or State(identity.current.vkey), now or end_of(month))


def end_of(month: tuple[int, int]) -> datetime:
    """Out: its last second."""
    year, number = month
    return datetime(year + number // 12, number % 12 + 1, 1, tzinfo=UTC) - timedelta(seconds=1)


def misfits(found: Surveyed) -> list[Misfit]:
    """Out: everything that does not fit, the folder's own first."""
    return [*found.misfits, *(misfit for one in found.shards for misfit in one.misfits)]


def witnessed(
    folder: Path, authority: str, state: State | None = None, month: tuple[int, int] = MONTH
) -> list[Misfit]:
    """Out: what a witness finds."""
    files = TileFolder(folder)
    identity = find_identity(files, authority)
    found = watch(files, identity, state or State(identity.current.vkey), month)
    assert found
    return [misfit for one in found for misfit in one.misfits]


def remembered(folder: Path, authority: str) -> State:
    """Out: the state of who has seen this folder, and found it true."""
    files = TileFolder(folder)
    identity = find_identity(files, authority)
    state = State(identity.current.vkey)
    found = survey(files, identity, state, end_of(MONTH))
    for one in found.shards:
        assert one.continues
        state.note(one.head.note)
        state.note(one.head.index_note or "")
        state.audited[str(one.head.origin)] = one.epochs
    return state


def copied(folder: Path, to: Path) -> Path:
    """Out: a copy of a folder, to be changed."""
    return shutil.copytree(folder, to)
