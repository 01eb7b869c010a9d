"""A home with months of lines in both classes: what two years later is past its time, and what is not."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final

import town as towns
from killable import Stepping, Steps
from town import IDS, StillClock, Town

from gateway.audit.record import Event, Kind
from gateway.cli.demo.people import Person, anna, people
from gateway.exchange import handle
from gateway.keeping.holding import Hold
from gateway.keeping.retention import Retention

BEGIN: Final = datetime(2026, 10, 20, 12, tzinfo=UTC)
DAYS: Final = (BEGIN, *(datetime(2026, month, day, 12, tzinfo=UTC) for month in (11, 12) for day in (3, 20)))
"""When something is asked."""
LATER: Final = datetime(2028, 12, 10, 0, 30, tzinfo=UTC)
"""Two years later: October and November 2026 are over, and December until the 8th."""
LAST: Final = datetime(2026, 11, 3, 12, tzinfo=UTC)
"""When somebody was asked about for the last time of whom nothing is known two years later: their decision ended a
month after it."""
FORGOTTEN: Final = next(
    one for one in people() if one.idnr and one.family_name != anna().family_name and not one.blocked
)
HELD: Final = "00000000-0000-4000-8000-000000000001"
ANNA: Final = f"idnr:{anna().idnr}"
_STEPS: Final = {
    "store": frozenset({"append", "close_shard", "keep_checkpoint", "open_shard"}),
    "retention": frozenset({"erase", "destroy", "clear", "forget_record", "settle"}),
    "holds": frozenset({"keep", "lift"}),
}


@dataclass(frozen=True, slots=True)
class Before:
    """What there was, to be looked for later."""

    secrets: dict[str, list[bytes]] = field(repr=False)
    """By shard: events, salts, labels, wrapped keys, the keys themselves."""
    checkpoints: dict[str, list[tuple[int, str]]]


async def ask(town: Town, whom: Person) -> None:
    """A question of each class: by statute (12m), by choice (24m)."""
    case = f"WG-{town.clock.now():%y%m%d}-{whom.number}"
    parking = town.signed(town.parking(whom, case=f"BP-{IDS.new()}"), "parkraumbewirtschaftung")
    await town.chooses(whom, case=case)
    choice = town.signed(town.asks(whom, case=case), "wohngeldstelle")
    for question in (parking, choice):
        await handle(town.delivery(question), town.opened.house)


async def live(root: Path, days: Sequence[datetime] = DAYS) -> None:
    """Found a home, and let two people be asked about; one of them is held."""
    clock = StillClock(days[0])
    town = await towns.found(root, clock)
    for day in days:
        clock.moment = day
        for whom in (anna(), FORGOTTEN) if day <= LAST else (anna(),):
            await ask(town, whom)
        await town.opened.epochs.make(day)
    await town.opened.holds().place(
        Hold(HELD, "Klage", "ZPO § 142", "dsb", date(2029, 12, 31), (ANNA,)), clock.now()
    )
    clock.moment = datetime(2028, 12, 1, 12, tzinfo=UTC)  # who was asked about last, two years later
    told = Event(kind=Kind.EXPORT_MADE, time=clock.now())
    await town.opened.journal.house_event(told, clock.now(), subject=ANNA)
    await town.opened.shards.roll(clock.now())
    await town.opened.close()


async def known(town: Town) -> Before:
    """Out: what the store holds now, by shard."""
    opened = town.opened
    secrets: dict[str, list[bytes]] = {}
    keys = {shard.origin: shard.keys for shard, _, _ in await opened.shards.headed()}
    for shard in await opened.store.shards():
        origin = shard.head.origin
        assert shard.secrets is not None
        mine = keys[origin].to_bytes()
        found = [shard.secrets, *(mine[at : at + 32] for at in range(1, len(mine), 32))]
        for stored in await opened.store.lines(origin, 1, 10_000):
            assert stored.line.salt is not None
            assert stored.line.event is not None
            found += [stored.line.salt, stored.line.event]
        secrets[origin] = found
    return Before(secrets, {origin: list(await opened.store.checkpoints(origin)) for origin in secrets})


def retires(root: str, fatal: int | None) -> None:
    """Erase what is due two years later, or die at step `fatal`."""
    asyncio.run(_retires(Path(root), fatal))


async def _retires(root: Path, fatal: int | None) -> None:
    town = await towns.opened(root, StillClock(LATER))
    await stepping(town, Steps(root, fatal)).run(LATER, clock_is_right=True)
    await town.opened.close()


def stepping(town: Town, steps: Steps) -> Retention:
    """Out: who erases, each of whose changes is a step before and a step after."""
    opened = town.opened
    retention = opened.retention()
    store: Any = Stepping(opened.store, steps, _STEPS["store"], "store")
    erasing: Any = Stepping(retention.store, steps, _STEPS["retention"], "retention")
    holds = retention.holds
    vars(holds)["_store"] = Stepping(vars(holds)["_store"], steps, _STEPS["holds"], "holds")
    for part in (opened.shards, opened.journal):
        vars(part)["_store"] = store
    object.__setattr__(retention, "store", erasing)
    return retention
