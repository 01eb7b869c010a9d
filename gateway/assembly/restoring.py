"""A home whose database was restored from a backup: what is missing, and how it goes on (docs/decisions/0027).

1 see what is missing · 2 put back what an auditor still has · 3 write the plan down: from here on nothing else is done
until the end · 4 a new shard for each class, with the line that tells of it · 5 end every decision and power that may
have been withdrawn since · 6 the law of the files · 7 the log says that it is done, and so is the plan.
Interrupted anywhere, it is gone on with when it is called again.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from adapters import atomic
from adapters.clock import SystemClock, SystemIds
from adapters.folder import TileFolder
from adapters.keys import FileKeys
from adapters.machine import replace_file
from adapters.statefile import StateFile
from adapters.storage.checkpoints import CheckpointFiles
from adapters.storage.epochs import SqlEpochs
from adapters.storage.restoring import SqlRestore
from adapters.storage.store import SqlStore
from consent.vocabulary import Problem, RecordState
from gateway import records
from gateway.assembly import buses, parts
from gateway.assembly.house import Opened, open_restored
from gateway.assembly.storage import storage_url
from gateway.audit.losses import DONE
from gateway.audit.note import Verifier
from gateway.audit.record import Event, Kind
from gateway.audit.verify.published.folder import Unreadable
from gateway.config.home import load_settings
from gateway.errors import ConfigurationFault, Fault, JournalUnavailable
from gateway.journal.shards import Shards, shard_keys
from gateway.keeping.regaining import Folder, regain, untold
from gateway.keeping.restoring import Plan, Restoring, has_ended
from gateway.ports import Clock, Ids, Keys
from gateway.stages import Moved

BY: Final = "restore"
"""Who records that a decision ended with a restore."""

PLAN_CONTEXT: Final = "einmal/restoring/v1|"


@dataclass(frozen=True, slots=True)
class Restoration:
    """What a restore did."""

    plan: Plan
    ended: int
    """Decisions and powers that were ended."""
    policy: str
    """The law in force since."""


@dataclass(frozen=True, slots=True)
class _House:
    """What there is before a house can be opened."""

    store: SqlStore
    shards: Shards
    restoring: Restoring
    checkpoints: CheckpointFiles
    log_keys: Mapping[str, Verifier]
    keys: FileKeys


async def missing(root: Path, clock: Clock | None = None) -> Plan:
    """Out: what the database lacks of what was signed. Changes nothing. Raises: ConfigurationFault,
    JournalUnavailable."""
    async with _before(root, SystemIds()) as house:
        return await house.restoring.assess("", house.log_keys, (clock or SystemClock()).now())


async def settled(root: Path, clock: Clock | None = None) -> bool:
    """Out: whether a restore came to its end and nothing is missing since: another would only open more shards. Changes
    nothing. Raises: as `missing`."""
    if (root / parts.RESTORING).exists():
        return False
    retention = load_settings(root).log.default_class
    async with _before(root, SystemIds()) as house:
        if not await has_ended(retention, house.store, house.shards.seal):
            return False
        return not (await house.restoring.assess("", house.log_keys, (clock or SystemClock()).now())).lost


async def restore(
    root: Path, reason: str, tiles: Path | None = None, clock: Clock | None = None, ids: Ids | None = None
) -> Restoration:
    """Go on after a restore. In: why, in words that name nobody; an auditors' folder of this log, if there is one.

    Raises: ConfigurationFault, when the home is served, or its files are wrong: then it stays closed until they are
    right; JournalUnavailable.
    """
    with StateFile(root / parts.RESTORING).locked():  # two at once would tell of it twice
        return await _restore(root, reason, tiles, clock or SystemClock(), ids or SystemIds())


async def _restore(root: Path, reason: str, tiles: Path | None, clock: Clock, ids: Ids) -> Restoration:
    if await buses.is_served(root, load_settings(root)):
        raise _wrong("is served by a process of this machine", "End it first.")
    mark = root / parts.RESTORING
    async with _before(root, ids) as house:
        if not mark.exists():  # what can't be gone on with is said before anything is written
            await house.restoring.assess(reason, house.log_keys, clock.now())
        plan = _planned(mark, house.keys) if mark.exists() else Plan(reason)
        if plan.classes and not await house.restoring.stands(plan):  # another backup was put back meanwhile
            plan = Plan(plan.reason)
        _keep(mark, plan, house.keys)
        # A crash from here on leaves the plan: nothing else opens the house before it is done.
        if not plan.classes:
            if tiles is not None:
                await _regain(house, tiles)
                # A crash here, or a wrong folder, leaves what was put back so far: that is seen in the database.
            regained = await untold(house.store, house.shards.seal)
            plan = await house.restoring.assess(plan.reason, house.log_keys, clock.now(), regained)
            _keep(mark, plan, house.keys)
        await house.restoring.restart(plan, clock.now())
    async with await open_restored(root, clock, ids) as opened:
        ended = await _end_decisions(opened)
        switch = await opened.law.adopt()
        done = Event(kind=Kind.RESTORED, time=clock.now(), reasons=(DONE,))
        await opened.journal.house_event(done, clock.now())
        # A crash here leaves the line that says so, and the plan: what is gone on with is done already.
        opened.checkpoints.flush()
    mark.unlink()
    atomic.sync(mark.parent)
    # A crash before this may leave the plan: gone on with, it ends the decisions that were given since as well.
    return Restoration(plan, ended, switch.after.hash)


async def _regain(house: _House, tiles: Path) -> None:
    store, epochs = SqlRestore(house.store), SqlEpochs(house.store)
    folder = Folder(TileFolder(tiles), house.keys.identity)
    try:
        await regain(folder, await house.store.shards(), house.log_keys, store, epochs, house.checkpoints)
    except Unreadable as wrong:
        mend = "Name the folder that the auditor got, or leave --tiles out: then these lines are lost."
        raise ConfigurationFault((Problem(str(tiles), None, wrong.place, wrong.text, mend),)) from None


async def _end_decisions(opened: Opened) -> int:
    """End every decision and power that permits: what was withdrawn or used up since the backup is not known any more.
    Out: how many."""
    found, after, now = SqlRestore(opened.store), "", opened.house.clock.now()
    ended = 0
    while part := await found.permitting(after):
        after = part[-1]
        for record in part:
            held = await opened.store.record(record)
            if held is None or held.not_after <= now:
                continue
            moved = await records.move(
                record,
                RecordState.INVALIDATED,
                BY,
                opened.store,
                opened.journal,
                opened.keys.gateway,
                now,
            )
            # A crash here leaves the others: they are ended when the restore is gone on with.
            if isinstance(moved, Moved):
                raise JournalUnavailable("journal")
            ended += 1
    return ended


@asynccontextmanager
async def _before(root: Path, ids: Ids) -> AsyncIterator[_House]:
    settings, keys = load_settings(root), parts.open_keys(root)
    store = SqlStore(storage_url(root, settings), records.folding(keys.find))
    checkpoints = CheckpointFiles(root / parts.CHECKPOINTS)
    try:
        shards = parts.shards(settings, store, keys, ids, checkpoints)
        log_keys = {
            shard.head.origin: shard_keys(shard.head.origin, shard.secrets, keys).log.verifier
            for shard in await store.shards()
            if shard.secrets is not None
        }
        restoring = Restoring(shards, store, SqlEpochs(store), checkpoints)
        yield _House(store, shards, restoring, checkpoints, log_keys, keys)
    finally:
        await store.close()
        checkpoints.close()


def _keep(mark: Path, plan: Plan, keys: Keys) -> None:
    """Write the plan down, sealed: what it says is lost or put back, the house signs."""
    sealed = keys.wrap(plan.render().encode(), PLAN_CONTEXT)
    replace_file(mark, json.dumps({"v": 2, "sealed": b64encode(sealed).decode()}))


def _planned(mark: Path, keys: Keys) -> Plan:
    """Undo `_keep`. Raises: ConfigurationFault, where the house did not write it; JournalUnavailable."""
    try:
        sealed = b64decode(json.loads(mark.read_bytes())["sealed"], validate=True)
        return Plan.parse(keys.unwrap(sealed, PLAN_CONTEXT).decode())
    except JournalUnavailable:
        raise
    except (OSError, RecursionError, ValueError, KeyError, TypeError, Fault):
        wrong = "is damaged, or no plan that this house wrote"
        mend = "Take it away and give the same command again: it looks anew at what is missing."
        raise ConfigurationFault((Problem(mark.name, None, "(file)", wrong, mend),)) from None


def _wrong(wrong: str, mend: str) -> ConfigurationFault:
    return ConfigurationFault((Problem("data", None, "(home)", wrong, mend),))
