"""`log`: how many durable lines a second the journal's store takes when many are waiting."""

from __future__ import annotations

import asyncio
from typing import Any

from gateway.assembly import Opened
from gateway.audit import labels
from gateway.cli.bench.measuring import elapsed
from gateway.ports import Committed, Entry, Line

LINES = 20_000
EVENT_BYTES = 900
"""About as long as the event of an answered exchange."""


async def run(opened: Opened) -> dict[str, Any]:
    """Out: durable lines a second with 256 and with 32 of them waiting at any time."""
    return {
        "appends_per_s": round(await _rate(opened, 256)),
        "appends_per_s_by_32": round(await _rate(opened, 32)),
        "event_bytes": EVENT_BYTES,
    }


async def _rate(opened: Opened, waiting: int) -> float:
    now = opened.house.clock.now()
    shard = await opened.shards.current(opened.home.settings.log.default_class, now)
    event = b"{" + b"e" * (EVENT_BYTES - 2) + b"}"
    entries = []
    for number in range(LINES):
        salt = opened.house.ids.random(labels.SALT_BYTES)
        leaf = labels.leaf(number.to_bytes(labels.LABEL_BYTES), labels.commit(salt, event))
        entries.append(Entry(shard.origin, (Line(leaf, salt, event),), now))
    rest = iter(entries)

    async def hand() -> None:
        for entry in rest:
            result = await opened.store.append(entry)
            assert isinstance(result, Committed)

    async def everyone() -> None:
        await asyncio.gather(*(hand() for _ in range(waiting)))

    seconds, _ = await elapsed(everyone())
    return LINES / seconds
