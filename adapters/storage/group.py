"""A group of entries as one transaction: lock the heads, read what judging needs, judge, write (LOG.md 9.2).

Plain functions over a `Connection`, few statements however many entries. A crash anywhere before the commit
leaves the database as it was before the group; after it, the whole group is there and nobody may have been
told yet: asking again finds the exchange and what became of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from adapters.storage.growing import Edges, save_lines
from adapters.storage.judging import TurnedAway, judge
from adapters.storage.loading import load
from adapters.storage.prepared import Prepared
from adapters.storage.saving import Fold, save
from adapters.storage.schema import EXCHANGE
from gateway.audit.tree import Grown
from gateway.ports import Committed, Entry, Head
from gateway.stages import Position

_CONFIRM: Final = Prepared(
    sa.update(EXCHANGE)
    .where(EXCHANGE.c.exchange == sa.bindparam("b_exchange"), EXCHANGE.c.confirmed.is_(None))
    .values(confirmed=sa.bindparam("b_confirmed"))
)


@dataclass(frozen=True, slots=True)
class Confirmation:
    """The bus has an exchange's reply, since `at` (milliseconds)."""

    exchange: str
    at: int


@dataclass(frozen=True, slots=True)
class Written:
    """What a group became: a verdict per entry, in order, and the trees to remember once it is committed, by origin."""

    verdicts: list[Committed | TurnedAway]
    grown: dict[str, Grown]


def write_group(
    connection: Connection,
    entries: Sequence[Entry],
    confirmations: Sequence[Confirmation],
    edges: Edges,
    fold: Fold,
) -> Written:
    """Judge and write a group in the transaction that `connection` is in."""
    grown: dict[str, Grown] = {}
    verdicts: list[Committed | TurnedAway] = []
    if entries:
        state = load(connection, entries)
        judged = [judge(entry, state) for entry in entries]
        save(connection, state, fold)
        grown = {
            shard.origin: save_lines(connection, shard, edges)
            for shard in state.shards.values()
            if shard.added
        }
        heads = {origin: Head(origin, tree.size, tree.root) for origin, tree in grown.items()}
        verdicts = [
            Committed(verdict, heads[verdict.origin]) if isinstance(verdict, Position) else verdict
            for verdict in judged
        ]
    if confirmations:
        _CONFIRM.run(connection, [{"b_exchange": it.exchange, "b_confirmed": it.at} for it in confirmations])
        # A crash here leaves the reply in the outbox: it is sent once more, the same bytes.
    return Written(verdicts, grown)
