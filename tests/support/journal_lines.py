"""The journal as a test reads it: every line of every shard, by exchange, with whose label it carries."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from town import Town

from gateway.audit import labels
from gateway.audit.record import TERMINAL
from gateway.ports import JournalStore
from gateway.stages import Position

_ALL: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Told:
    """One line: where it stands, whose label it has, what it says."""

    position: Position
    label: bytes
    event: dict[str, Any]

    @property
    def kind(self) -> str:
        return str(self.event["kind"])

    @property
    def exchange(self) -> str | None:
        return self.event.get("exchange")


async def lines(store: JournalStore) -> list[Told]:
    """Out: every line, shard by shard, in order."""
    found: list[Told] = []
    for shard in await store.shards():
        for stored in await store.lines(shard.head.origin, 0, _ALL):
            leaf = labels.parse_leaf(stored.line.leaf)
            assert leaf is not None
            assert stored.line.event is not None
            found.append(Told(stored.position, leaf.label, json.loads(stored.line.event)))
    return found


async def since(before: Sequence[Told], store: JournalStore) -> list[Told]:
    """Out: the lines that were not there before, in the order of their shard."""
    known = {line.position for line in before}
    return [line for line in await lines(store) if line.position not in known]


def ended(told: Sequence[Told], exchange: str) -> str:
    """Out: the one kind the exchange ended with: one outcome, in one line for each person it is about.

    Fails where it ended twice, in two ways, or not at all.
    """
    ends = [line for line in told if line.exchange == exchange and line.kind in TERMINAL]
    assert ends, "the exchange has no terminal line"
    assert len({line.kind for line in ends}) == 1, "the exchange ended in two ways"
    assert len({line.label for line in ends}) == len(ends), "the exchange ended twice"
    return ends[0].kind


def every_end(told: Sequence[Told]) -> dict[str, str]:
    """Out: how each exchange in these lines ended. Fails where one did not end exactly once."""
    return {exchange: ended(told, exchange) for exchange in {line.exchange for line in told} if exchange}


async def owner(line: Told, town: Town) -> str:
    """Out: `system`, `sealed`, `person`: whose label the line has. A person's label is neither of the others."""
    shards = {shard.origin: shard for shard, _, _ in await town.opened.shards.headed()}
    shard = shards[line.position.origin]
    if line.label == shard.system:
        return "system"
    return "sealed" if line.label == shard.sealed(line.exchange or "") else "person"


async def is_of(line: Told, subject: str, town: Town) -> bool:
    """Out: whether the line has the label of that subject (`idnr:…`, `reg:…`) in its shard."""
    shards = {shard.origin: shard for shard, _, _ in await town.opened.shards.headed()}
    return line.label == shards[line.position.origin].person(subject)
