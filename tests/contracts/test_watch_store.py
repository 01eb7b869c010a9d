"""What every WatchStore says of the exchanges' rows (gateway.ports.watch)."""

from __future__ import annotations

from datetime import timedelta

from entries import NOW, committed, key, settle

from adapters.storage import watching
from adapters.storage.store import SqlStore
from adapters.storage.watching import SqlWatch
from gateway.ports import Release, Use
from gateway.ports.watch import Watched


class TestRows:
    async def test_an_exchange_is_seen_as_it_stands(self, store: SqlStore) -> None:
        """Under way with its reserved use; ended with the place of its line and without one."""
        await committed(store, "asked", exchange=key("x", attempt=2), use=Use("c-1", 2))
        [under_way] = await SqlWatch(store).under_way()
        assert under_way == Watched(key("x", attempt=2), None, None, True, None)
        done = await settle(store, "x", "refused")
        assert await SqlWatch(store).under_way() == []
        found = await SqlWatch(store).exchanges(["exchange-x", "exchange-nobody's"])
        assert found == {"exchange-x": Watched(key("x", attempt=2), "refused", done.first, False, None)}

    async def test_a_consumed_use_is_not_reserved(self, store: SqlStore) -> None:
        """What had its effect keeps its use, and holds none in reserve."""
        await committed(store, "asked", exchange=key("x"), use=Use("c-1", 2))
        await settle(store, "x")
        assert not (await SqlWatch(store).exchanges(["exchange-x"]))["exchange-x"].reserved

    async def test_an_exempt_exchange_says_until_when(self, store: SqlStore) -> None:
        """The day until which its persons may not be told of it."""
        due = NOW + timedelta(days=3)
        await committed(
            store, "asked", exchange=key("x"), release=Release("exchange-x", due, "24m", b"sealed")
        )
        assert (await SqlWatch(store).under_way())[0].exempt_until == due

    async def test_all_rows_come_in_parts(self, store: SqlStore) -> None:
        """Each row once, in the order of the names, and nothing after the last one."""
        names = [f"{at:04}" for at in range(watching.PART + 3)]
        for name in names:
            await settle(store, name)
        found, after = list[str](), ""
        while part := await SqlWatch(store).exchanges_after(after):
            assert len(part) <= watching.PART
            found += [row.key.exchange for row in part]
            after = found[-1]
        assert found == [f"exchange-{name}" for name in names]
        assert len(await SqlWatch(store).exchanges(found)) == len(names)

    async def test_a_secondary_exchange_says_so(self, store: SqlStore) -> None:
        """Other bytes under a message id that was used are an exchange of their own."""
        await settle(store, "x")
        other = key("y", message_id="message-x", digest="e" * 64, secondary=True)
        await settle(store, "y", "refused", exchange=other)
        assert (await SqlWatch(store).exchanges(["exchange-y"]))["exchange-y"].key == other
