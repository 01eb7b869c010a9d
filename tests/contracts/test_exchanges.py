"""What every ExchangeStore does (gateway.ports.exchanges): which exchanges ended, and where."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import sqlalchemy as sa
from entries import DIGEST, NOW, ORIGIN, committed, key, settle
from stores import Stores

from adapters.storage.exchanges import SqlExchanges
from adapters.storage.schema import LINE
from adapters.storage.store import SqlStore
from gateway.ports import ExchangeStore

IMPLEMENTATIONS: dict[str, Callable[[SqlStore], ExchangeStore]] = {"sql": SqlExchanges}


@pytest.fixture(params=IMPLEMENTATIONS)
def exchanges(request: pytest.FixtureRequest, store: SqlStore) -> ExchangeStore:
    """A port over two shards."""
    return IMPLEMENTATIONS[request.param](store)


class TestExchanges:
    async def test_an_ended_one_has_its_terminal_line(
        self, exchanges: ExchangeStore, store: SqlStore
    ) -> None:
        """Not its first one; and whose it was."""
        await committed(store, "asked", exchange=key("x"))
        done = await settle(store, "x")
        (found,) = await exchanges.ended(["exchange-x"])
        assert found.line is not None
        assert (found.exchange, found.consumer, found.line.position) == (
            "exchange-x",
            "wohngeldstelle",
            done.first,
        )
        assert found.line == await store.line(done.first)

    async def test_what_is_under_way_has_not_ended(self, exchanges: ExchangeStore, store: SqlStore) -> None:
        """Nor what never was; what ended is found beside it."""
        await committed(store, "asked", exchange=key("x"))
        await settle(store, "y", "refused")
        found = await exchanges.ended(["exchange-x", "exchange-y", "exchange-z"])
        assert [one.exchange for one in found] == ["exchange-y"]
        assert [one.exchange for one in await exchanges.ended_of("wohngeldstelle")] == ["exchange-y"]
        assert await exchanges.ended([]) == []

    async def test_any_text_is_kept_as_it_came(self, exchanges: ExchangeStore, store: SqlStore) -> None:
        """Nobody signs the message id of what is quarantined: whatever bytes it has, it is an exchange, and found
        again. Else its delivery would come back for ever."""
        odd = ["", "\0", "a\0b", "\x1a", "\x1a0", "\0\x1a", "\x1a\0", "\x1a\x1a0", "ä\u202e\U0001f600'%s\\"]
        for number, text in enumerate(odd):
            await settle(store, f"{number}", exchange=key(f"{number}", message_id=text))
            known = await store.recall("wohngeldstelle", text, DIGEST, NOW)
            assert known is not None
            assert known.exchange == f"exchange-{number}"
        found = await exchanges.ended_of("wohngeldstelle")
        assert sorted(one.place[0] for one in found) == sorted(odd)

    async def test_many_are_read_in_parts(self, exchanges: ExchangeStore, store: SqlStore) -> None:
        """A consumer's own, all of them, each once, in the order of their place."""
        names = [f"{number:04}" for number in range(600)]
        for name in names:
            await settle(store, name)
        other = key("other", consumer="stadtkasse")
        await settle(store, "other", exchange=other)
        found: list[str] = []
        after: tuple[str, str] | None = None
        parts = 0
        while part := await exchanges.ended_of("wohngeldstelle", after):
            found += [one.exchange for one in part]
            after, parts = part[-1].place, parts + 1
        assert found == [f"exchange-{name}" for name in names]
        assert parts > 1
        everything = [*found, "exchange-other"]
        assert {one.exchange for one in await exchanges.ended(everything)} == set(everything)

    async def test_an_erased_line_is_still_the_last(
        self, exchanges: ExchangeStore, store: SqlStore, stores: Stores
    ) -> None:
        """What opened it is gone, and the line says by which norm."""
        done = await settle(store, "x")
        await store.change(
            lambda connection: connection.execute(
                sa.update(LINE)
                .where(LINE.c.idx == done.first.index)
                .values(salt=None, event=None, withheld="erased: IDNrG § 9")
            )
        )
        (found,) = await exchanges.ended(["exchange-x"])
        assert found.line is not None
        assert (found.line.position.origin, found.line.line.event, found.line.withheld) == (
            ORIGIN,
            None,
            "erased: IDNrG § 9",
        )
