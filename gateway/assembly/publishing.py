"""The log as a folder of tiles for others to check, and what they cosigned taken in."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from adapters.folder import TileFolder
from adapters.storage.epochs import SqlEpochs
from adapters.storage.tiles import SqlTiles
from gateway.assembly.house import Opened
from gateway.proving.cosigning import Cosignatures
from gateway.proving.publishing import Published, Publisher


async def publish(opened: Opened, folder: Path, now: datetime, auditors: bool) -> Sequence[Published]:
    """Bring a folder up to the log. Raises: as `Publisher.publish`; ConfigurationFault: somebody else writes it."""
    tiles, store = TileFolder(folder), opened.store
    publisher = Publisher(
        opened.keys, opened.epochs, store, SqlEpochs(store), SqlTiles(store), tiles, opened.witnessing
    )
    with tiles.locked():
        return await publisher.publish(now, auditors)


def cosignatures(opened: Opened) -> Cosignatures:
    """Out: how the house takes in what its witnesses and auditors sent back."""
    log, store = opened.home.settings.log, opened.store
    witnesses, auditors = ([one.verifier for one in known] for known in (log.witness, log.auditor))
    return Cosignatures(witnesses, auditors, store, SqlEpochs(store), opened.cosignatures)
