"""`log`: durable lines and proofs a second; what grows with the log, and what doesn't; an epoch; an export."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any, Final

from consent.vocabulary import Subject
from gateway import assembly, person
from gateway.assembly import Opened
from gateway.audit import labels, record
from gateway.audit.tree import TILE_WIDTH
from gateway.audit.verify.exported.export import verify_export
from gateway.cli.bench import appending
from gateway.cli.bench.measuring import elapsed, resident_mb
from gateway.cli.demo import home as demo_home
from gateway.cli.demo.people import anna
from gateway.ports import Line
from gateway.views.export import disassemble

FEW: Final = 10_000
INDEXED: Final = 300_000
MANY: Final = 1_000_000
_TRIED: Final = 10_240
_PROVED: Final = 256
"""Proofs asked for at once, as an export asks for a person's."""
_ENTRIES: Final = 1_000


async def run(folder: Path) -> dict[str, Any]:
    """Out: the figures of a log that grows to a million lines, and of one that is indexed and exported from."""
    return {**await _in_a_home(folder / "grown", _long), **await _in_a_home(folder / "indexed", _indexed)}


async def _in_a_home(root: Path, measure: Callable[[Opened], Awaitable[dict[str, Any]]]) -> dict[str, Any]:
    demo_home.write(root, assembly.now().year, assembly.new_key)
    await assembly.create(root)
    async with await assembly.open_house(root) as opened:
        await opened.adopt_policy()
        return await measure(opened)


async def _long(opened: Opened) -> dict[str, Any]:
    rates = {by: await appending.rate(opened, by, _TRIED) for by in (256, 32)}
    await _grown_to(opened, FEW)
    few_us, few_mb = 1e6 / await appending.rate(opened, 256, 2 * _TRIED, rounds=20), resident_mb()
    size = await _grown_to(opened, MANY)
    many_us, many_mb = 1e6 / await appending.rate(opened, 256, 2 * _TRIED, rounds=20), resident_mb()
    return {
        "growth": round(many_us / few_us, 3),
        "memory_growth": round(many_mb / few_mb, 3),
        "appends_per_s": round(rates[256]),
        "appends_per_s_by_32": round(rates[32]),
        "append_us_at_10k": round(few_us, 1),
        "append_us_at_1m": round(many_us, 1),
        "resident_mb_at_10k": few_mb,
        "resident_mb_at_1m": many_mb,
        **await _proofs(opened, size),
        "event_bytes": appending.EVENT_BYTES,
    }


async def _indexed(opened: Opened) -> dict[str, Any]:
    await _grown_to(opened, INDEXED)
    return {**await _epochs(opened), **await _exported(opened)}


async def _size(opened: Opened) -> int:
    shard = await appending.newest(opened)
    return next(head.size for one, head, _ in await opened.shards.headed() if one.origin == shard.origin)


async def _grown_to(opened: Opened, size: int) -> int:
    """Out: the size of the log, which is at least that now."""
    now = await _size(opened)
    await appending.fill(opened, now, max(0, size - now))
    return await _size(opened)


async def _proofs(opened: Opened, size: int) -> dict[str, int]:
    """Out: inclusion proofs a second, of lines all over the log: once every tile was asked for, and before."""
    first = await _proved(opened, size, [_anywhere(opened, size) for _ in range(16 * _PROVED)])
    await _proved(opened, size, range(0, size, TILE_WIDTH))
    rounds = [
        await _proved(opened, size, [_anywhere(opened, size) for _ in range(16 * _PROVED)]) for _ in range(5)
    ]
    return {"proofs_per_s": round(median(rounds)), "proofs_per_s_at_first": round(first)}


def _anywhere(opened: Opened, size: int) -> int:
    return int.from_bytes(opened.house.ids.random(7)) % size


async def _proved(opened: Opened, size: int, asked: Sequence[int]) -> float:
    shard, store = await appending.newest(opened), opened.store

    async def everyone() -> None:
        for at in range(0, len(asked), _PROVED):
            await store.inclusions(shard.origin, asked[at : at + _PROVED], size)

    seconds, _ = await elapsed(everyone())
    return len(asked) / seconds


async def _epochs(opened: Opened) -> dict[str, float]:
    """Out: seconds of an epoch made of nothing, and of the one after some lines more, while lines are appended."""
    first = await _epoch(opened)
    await appending.fill(opened, INDEXED, _ENTRIES)
    return {
        "epoch_100k_subjects_s": round(first, 2),
        "epoch_1000_lines_later_s": round(await _epoch(opened), 2),
    }


async def _epoch(opened: Opened) -> float:
    start = perf_counter()
    made = asyncio.ensure_future(opened.epochs.make(opened.house.clock.now()))
    while not made.done():
        await appending.append(opened, [[line] for line in appending.lines(opened, 32)], waiting=32)
    await made
    return perf_counter() - start


async def _exported(opened: Opened) -> dict[str, float]:
    """Out: seconds of the export of somebody with a thousand entries, and of the check of its proof."""
    resident, now = anna(), opened.house.clock.now()
    shard = await appending.newest(opened)
    said = record.to_bytes(
        record.Event(kind=record.Kind.ANSWERED, time=now, exchange="bench", register="melderegister")
    )
    label = shard.person(f"idnr:{resident.idnr}")
    made: list[Line] = []
    for _ in range(_ENTRIES):
        salt = opened.house.ids.random(labels.SALT_BYTES)
        made.append(Line(labels.leaf(label, labels.commit(salt, said)), salt, said))
    await appending.append(opened, [made])
    await opened.epochs.make(now)
    whom = Subject(idnr=resident.idnr, birth_date=resident.birth_date)
    start = perf_counter()
    handed = await person.export(whom, opened.holdings(), opened.house.clock.now())
    seconds = perf_counter() - start
    assert handed is not None
    document = disassemble(handed.archive).proof.document
    start = perf_counter()
    assert verify_export(document, opened.keys.identity_vkey).lines > _ENTRIES
    return {
        "export_1000_entries_s": round(seconds, 2),
        "verify_export_1000_s": round(perf_counter() - start, 2),
    }
