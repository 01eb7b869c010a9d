"""An operator who leaves entries out: of the index, and of what its citizens are told, with all proofs in order."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

from town import Town

from adapters.indexes import IndexFiles
from adapters.storage.epochs import SqlEpochs
from adapters.storage.tiles import SqlTiles
from gateway.audit.index import Index
from gateway.person import Holdings
from gateway.ports import Head, StoredLine
from gateway.proving.epochs import Epochs
from gateway.proving.indexes import Indexes


class LeavingOut(Indexes):
    """Makes the index of all lines but some."""

    hidden: Collection[tuple[str, int]] = ()
    """Origin and position."""

    async def _grown(self, older: Index, head: Head) -> Index:
        origin, lines = head.origin, head.size
        entries: dict[bytes, list[int]] = {}
        after: tuple[bytes, int] | None = None
        while part := await self._store.labels(origin, 0, lines, after):
            for label, position in part:
                if (origin, position) not in self.hidden:
                    entries.setdefault(label, []).append(position)
            after = part[-1]
        return Index.of_rows(lines, bytes(Index.of(entries).rows()))


class Silent:
    """The house's store, which does not tell of those lines."""

    def __init__(self, store: Any, hidden: Collection[tuple[str, int]]) -> None:
        self._store, self._hidden = store, hidden

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def labelled(self, origin: str, label: bytes) -> Sequence[StoredLine]:
        found = await self._store.labelled(origin, label)
        return [one for one in found if (origin, one.position.index) not in self._hidden]


def dishonest(town: Town, *hidden: tuple[str, int]) -> tuple[Epochs, Holdings]:
    """Out: epochs and exports that leave these lines out, and agree with each other."""
    opened = town.opened
    store, cache = SqlEpochs(opened.store), IndexFiles(town.root / "data/another-index")
    stored, aside = SqlTiles(opened.store), asyncio.to_thread
    epochs = Epochs(opened.shards, store, stored, opened.cosignatures, cache, opened.checkpoints, aside)
    epochs._indexes = LeavingOut(store, stored, cache, aside)
    epochs._indexes.hidden = hidden
    silent: Any = Silent(opened.store, hidden)
    return epochs, replace(opened.holdings(), epochs=epochs, store=silent)
