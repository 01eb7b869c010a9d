"""What every JournalStore does with exchanges: settled once, while their basis stands (gateway.ports; LOG.md 9)."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from entries import NOW, POLICY, committed, entry, key, one_use, settle, settlement, size, standing, step
from stores import Stores

from adapters.storage.store import SqlStore
from consent.vocabulary import Record, RecordState
from gateway.ports import Committed, Known, RecordMoved, Release, StandingMoved, Use, UsedUp


class TestExchanges:
    async def test_an_unknown_message_is_not_recalled(self, store: SqlStore) -> None:
        """Nothing is known of what never came."""
        assert await store.recall("wohngeldstelle", "message-x", "d" * 64, NOW) is None

    async def test_an_exchange_under_way_is_recalled_with_its_attempts(self, store: SqlStore) -> None:
        """After `asked` and a later attempt, the exchange is known, unsettled, with the attempts so far."""
        await committed(store, "asked", exchange=key("x"))
        await committed(store, "postponed", exchange=key("x"))
        await committed(store, "asked again", exchange=key("x", attempt=2))
        known = await store.recall("wohngeldstelle", "message-x", "d" * 64, NOW)
        assert known == Known("exchange-x", 2, False, True, None, None, retention="24m")
        assert await store.counts() == (1, 0, 1)

    async def test_a_settled_exchange_keeps_its_reply_for_its_time(self, store: SqlStore) -> None:
        """The same message finds its reply until `keep_until`, and afterwards only that it was settled."""
        await committed(store, "asked", exchange=key("x"))
        done = await settle(store, "x")
        known = await store.recall("wohngeldstelle", "message-x", "d" * 64, NOW + timedelta(days=9))
        assert known == Known(
            "exchange-x", 1, True, True, b"sealed reply", done.first, kind="answered", retention="24m"
        )
        later = await store.recall("wohngeldstelle", "message-x", "d" * 64, NOW + timedelta(days=10))
        assert later is not None
        assert (later.settled, later.reply) == (True, None)
        assert await store.counts() == (1, 1, 0)

    async def test_an_exchange_is_settled_once(self, store: SqlStore) -> None:
        """A second terminal line is turned away with what is known."""
        await settle(store, "x", "refused")
        before = await size(store)
        again = await store.append(entry("again", exchange=key("x"), settlement=settlement()))
        assert isinstance(again, Known)
        assert (again.settled, again.same, again.kind) == (True, True, "refused")
        assert await size(store) == before

    async def test_two_settling_at_once_settle_once(self, store: SqlStore) -> None:
        """Of two terminal lines in one group, one is written."""
        results = await asyncio.gather(
            *(store.append(entry(f"t{at}", exchange=key("x"), settlement=settlement())) for at in range(4))
        )
        assert [type(result) for result in results].count(Committed) == 1
        assert await store.counts() == (1, 1, 0)

    async def test_the_same_message_under_another_exchange_is_told_the_first(self, store: SqlStore) -> None:
        """Two workers on the same message do not make two exchanges of it."""
        await committed(store, "asked", exchange=key("x"))
        other = await store.append(entry("asked too", exchange=key("x", exchange="exchange-y")))
        assert isinstance(other, Known)
        assert (other.exchange, other.same, other.settled) == ("exchange-x", True, False)

    async def test_a_message_id_belongs_to_one_body(self, store: SqlStore) -> None:
        """Other bytes under a used id are turned away, unless the exchange is only there to say so."""
        await settle(store, "x")
        forged = key("x", exchange="exchange-y", digest="e" * 64)
        turned = await store.append(entry("other bytes", exchange=forged))
        assert isinstance(turned, Known)
        assert (turned.exchange, turned.same, turned.reply) == ("exchange-x", False, None)
        recalled = await store.recall("wohngeldstelle", "message-x", "e" * 64, NOW)
        assert recalled is not None
        assert (recalled.same, recalled.reply) == (False, None)
        said = replace(forged, secondary=True)
        await committed(store, "said so", exchange=said, settlement=settlement("refused", b"no"))
        repeated = await store.recall("wohngeldstelle", "message-x", "e" * 64, NOW)
        assert repeated is not None
        assert (repeated.exchange, repeated.same, repeated.reply) == ("exchange-y", True, b"no")
        first = await store.recall("wohngeldstelle", "message-x", "d" * 64, NOW)
        assert first is not None
        assert (first.exchange, first.same) == ("exchange-x", True)

    async def test_another_consumer_may_use_the_same_message_id(self, store: SqlStore) -> None:
        """A message id is unique per consumer only."""
        await committed(store, "one", exchange=key("x"))
        await committed(store, "two", exchange=key("x", exchange="exchange-z", consumer="parkausweis"))
        assert await store.counts() == (2, 0, 2)

    async def test_the_outbox_holds_what_was_not_confirmed(self, store: SqlStore) -> None:
        """Settled replies wait, oldest first, until the bus has them; silence never waits."""
        await settle(store, "x")
        await settle(store, "y", settlement=settlement("refused", b"no"))
        await settle(store, "z", settlement=settlement("quarantined", None, kept=b"sealed delivery"))
        assert list(await store.unconfirmed()) == [("exchange-x", b"sealed reply"), ("exchange-y", b"no")]
        await store.confirmed("exchange-x", NOW)
        assert [exchange for exchange, _ in await store.unconfirmed()] == ["exchange-y"]

    async def test_replies_and_kept_deliveries_are_forgotten_in_time(
        self, stores: Stores, store: SqlStore
    ) -> None:
        """After their time nothing of them is left, confirmed or not."""
        await settle(store, "x")
        await settle(store, "z", settlement=settlement("quarantined", None, kept=b"sealed delivery"))
        assert await store.forget(NOW + timedelta(days=9)) == 0
        assert await store.forget(NOW + timedelta(days=10)) == 2
        assert await store.unconfirmed() == []
        assert b"sealed delivery" not in b"".join(
            value for row in stores.contents()["exchange"] for value in row if isinstance(value, bytes)
        )


class TestStanding:
    async def test_settles_while_policy_and_record_stand(self, store: SqlStore) -> None:
        """The current policy's hash, the record's revision, an end ahead: committed."""
        await settle(store, "x", standing=standing("c-1", 1, not_after=NOW + timedelta(seconds=1)))

    @pytest.mark.parametrize(
        "moved",
        [
            standing(policy="b" * 64),
            standing("c-1", 2),
            standing("c-unknown", 1),
            standing("c-1", 1, not_after=NOW),
            standing("c-1", 1, not_after=NOW - timedelta(seconds=1)),
        ],
    )
    async def test_does_not_settle_on_anything_else(self, store: SqlStore, moved: object) -> None:
        """Another policy, another revision, an unknown record, an end that has come: nothing is written."""
        before = await size(store)
        assert await store.append(entry("x", exchange=key("x"), standing=moved)) == StandingMoved()
        assert await size(store) == before
        assert await store.counts() == (0, 0, 0)

    async def test_a_withdrawal_is_a_boundary(self, store: SqlStore) -> None:
        """After the withdrawal's commit nothing settles on the record, not even with its new revision."""
        await committed(store, "withdrawn", records=(step("c-1", 2, RecordState.WITHDRAWN),))
        for revision in (1, 2):
            assert await store.append(entry("x", standing=standing("c-1", revision))) == StandingMoved()

    async def test_a_withdrawal_in_the_same_group_counts(self, store: SqlStore) -> None:
        """What was appended first in a group is what the later entries meet."""
        first, second = await asyncio.gather(
            store.append(entry("withdrawn", records=(step("c-1", 2, RecordState.WITHDRAWN),))),
            store.append(entry("x", exchange=key("x"), settlement=settlement(), standing=standing("c-1", 1))),
        )
        assert isinstance(first, Committed)
        assert second == StandingMoved()

    async def test_a_repeat_after_a_withdrawal_gets_no_reply(self, store: SqlStore) -> None:
        """Later than the withdrawal nothing leaves again; what was refused may be repeated."""
        await settle(store, "x", standing=standing("c-1", 1))
        await settle(store, "y", "refused", standing=standing("c-1", 1))
        await committed(store, "withdrawn", records=(step("c-1", 2, RecordState.WITHDRAWN),))
        answered = await store.recall("wohngeldstelle", "message-x", "d" * 64, NOW)
        refused = await store.recall("wohngeldstelle", "message-y", "d" * 64, NOW)
        assert answered is not None
        assert refused is not None
        assert (answered.withdrawn, answered.reply) == (True, None)
        assert (refused.withdrawn, refused.reply) == (False, b"sealed reply")

    async def test_the_outbox_gives_out_no_evidence_after_a_withdrawal(self, store: SqlStore) -> None:
        """What a crash left unsent stays inside; an expired record's reply and a refusal are still owed."""
        await settle(store, "x", standing=standing("c-1", 1))
        await settle(store, "y", "refused", standing=standing("c-1", 1))
        await committed(store, "over", records=(step("c-1", 2, RecordState.EXPIRED),))
        assert [exchange for exchange, _ in await store.unconfirmed()] == ["exchange-x", "exchange-y"]
        await committed(store, "withdrawn", records=(step("c-1", 3, RecordState.WITHDRAWN),))
        assert [exchange for exchange, _ in await store.unconfirmed()] == ["exchange-y"]

    async def test_a_loaded_policy_is_the_current_one(self, store: SqlStore) -> None:
        """The last loaded policy counts; earlier ones stay in the archive."""
        await committed(store, "loaded", policy=("b" * 64, b"newer"))
        assert await store.policy() == ("b" * 64, b"newer")
        assert await store.archived_policy(POLICY) == b"archive"
        assert await store.archived_policy("c" * 64) is None
        assert await store.append(entry("x", standing=standing())) == StandingMoved()
        await committed(store, "back", policy=(POLICY, b"archive"))
        await committed(store, "y", standing=standing())


class TestUses:
    async def test_the_last_use_is_reserved_once(self, store: SqlStore) -> None:
        """Of several exchanges asking at once for one use, one gets it; the others leave nothing."""
        results = await asyncio.gather(
            *(store.append(entry(f"a{at}", exchange=key(f"a{at}"), use=one_use())) for at in range(5))
        )
        assert sorted(type(result).__name__ for result in results) == ["Committed"] + ["UsedUp"] * 4
        assert await store.counts() == (1, 0, 1)

    async def test_an_exchange_reserves_once_however_often_it_asks(self, store: SqlStore) -> None:
        """A second attempt needs no second use."""
        await committed(store, "asked", exchange=key("x"), use=one_use())
        await committed(store, "asked again", exchange=key("x", attempt=2), use=one_use())
        record = await store.record("c-1")
        assert isinstance(record, Record)
        assert record.uses == 1

    async def test_only_an_answer_keeps_its_use(self, store: SqlStore) -> None:
        """A refusal gives the use back; an answer consumes it for good."""
        await committed(store, "asked", exchange=key("x"), use=one_use())
        await settle(store, "x", "refused")
        await committed(store, "asked", exchange=key("y"), use=one_use())
        await settle(store, "y", "answered")
        assert await store.append(entry("asked", exchange=key("z"), use=one_use())) == UsedUp()

    async def test_an_exchange_that_moves_to_another_record_gives_the_first_use_back(
        self, store: SqlStore
    ) -> None:
        """One exchange never holds uses of two records."""
        await committed(store, "given", records=(step("c-2", 1),))
        await committed(store, "asked", exchange=key("x"), use=one_use("c-1"))
        await committed(store, "asked again", exchange=key("x", attempt=2), use=one_use("c-2"))
        await committed(store, "asked", exchange=key("y"), use=one_use("c-1"))
        assert await store.append(entry("asked", exchange=key("z"), use=one_use("c-2"))) == UsedUp()

    async def test_without_a_limit_there_is_always_one_left(self, store: SqlStore) -> None:
        """Uses are counted, not limited, where the record names no number."""
        for name in ("x", "y", "z"):
            await committed(store, name, exchange=key(name), use=Use("c-1", None))
        record = await store.record("c-1")
        assert isinstance(record, Record)
        assert record.uses == 3

    async def test_a_use_of_no_record_is_turned_away(self, store: SqlStore) -> None:
        """A record that isn't there has no use."""
        assert await store.append(entry("x", exchange=key("x"), use=one_use("c-9"))) == StandingMoved()


class TestReleases:
    DUE = NOW + timedelta(days=30)

    async def exempt(self, store: SqlStore, name: str, due: datetime = DUE) -> Release:
        """Settle an exchange that is kept from its person until `due`. Out: what it leaves to be told."""
        kept = Release(f"exchange-{name}", due, "24m", b"sealed " + name.encode())
        await settle(store, name, "exempt", release=kept)
        return kept

    async def tell(self, store: SqlStore, name: str, now: datetime = DUE) -> object:
        return await store.append(entry(f"told {name}", released=f"exchange-{name}", now=now))

    async def test_is_due_on_its_day_and_not_before(self, store: SqlStore) -> None:
        """The first moment of the day counts; what is due comes oldest first."""
        later = await self.exempt(store, "x", self.DUE + timedelta(days=1))
        first = await self.exempt(store, "y")
        assert await store.due(self.DUE - timedelta(milliseconds=1)) == []
        assert await store.due(self.DUE) == [first]
        assert await store.due(self.DUE + timedelta(days=1)) == [first, later]

    async def test_comes_in_parts_that_leave_nothing_out(self, store: SqlStore) -> None:
        """However many are due at once, even at the same moment: each part goes on after the last of the one before."""
        await asyncio.gather(*(self.exempt(store, f"x{at:03}") for at in range(300)))
        found: list[Release] = []
        while part := await store.due(self.DUE, found[-1] if found else None):
            assert len(part) < 300
            found += part
        assert [kept.exchange for kept in found] == [f"exchange-x{at:03}" for at in range(300)]

    async def test_is_told_once(self, store: SqlStore) -> None:
        """Whoever comes second writes nothing, in the same group or later."""
        await self.exempt(store, "x")
        both = await asyncio.gather(self.tell(store, "x"), self.tell(store, "x"))
        assert sorted(type(one).__name__ for one in both) == ["Committed", "RecordMoved"]
        before = await size(store)
        assert await self.tell(store, "x") == RecordMoved()
        assert await size(store) == before
        assert await store.due(self.DUE) == []

    async def test_is_told_once_by_two_processes(self, stores: Stores, store: SqlStore) -> None:
        """Both have read that it is due; one tells it."""
        await self.exempt(store, "x")
        other = stores.open()
        assert await store.due(self.DUE) == await other.due(self.DUE)
        both = await asyncio.gather(self.tell(store, "x"), self.tell(other, "x"))
        assert sorted(type(one).__name__ for one in both) == ["Committed", "RecordMoved"]

    async def test_is_not_told_before_its_day(self, store: SqlStore) -> None:
        """Whoever asks for it: the store keeps it until then."""
        await self.exempt(store, "x")
        assert await self.tell(store, "x", self.DUE - timedelta(milliseconds=1)) == RecordMoved()
        assert isinstance(await self.tell(store, "x"), Committed)

    async def test_an_exchange_under_way_is_kept_back_and_not_told(self, store: SqlStore) -> None:
        """From its first line on it is known when its persons may be told, and nothing is before it has ended."""
        begun = Release("exchange-x", self.DUE, "24m", b"sealed")
        await committed(store, "asked", exchange=key("x"), release=begun)
        known = await store.recall("wohngeldstelle", "message-x", "d" * 64, NOW)
        assert known == Known("exchange-x", 1, False, True, None, None, None, "24m", exempt_until=self.DUE)
        assert await store.due(self.DUE) == []
        assert await self.tell(store, "x") == RecordMoved()
        whole = await self.exempt(store, "x")
        assert await store.due(self.DUE) == [whole]

    async def test_an_exchange_kept_back_ends_so_or_not_at_all(self, store: SqlStore) -> None:
        """A worker that had not seen it become exempt is told so, and writes nothing."""
        begun = Release("exchange-x", self.DUE, "24m", b"sealed")
        await committed(store, "asked", exchange=key("x"), release=begun)
        before = await size(store)
        open_end = entry("no", exchange=key("x"), settlement=settlement("refused"))
        known = await store.append(open_end)
        assert isinstance(known, Known)
        assert (known.settled, known.same, known.exempt_until) == (False, True, self.DUE)
        assert await size(store) == before

    async def test_counts_as_an_outcome_from_its_settlement_on(self, store: SqlStore) -> None:
        """Exempt is terminal; telling it ends nothing a second time."""
        await self.exempt(store, "x")
        assert await store.counts() == (1, 1, 0)
        await self.tell(store, "x")
        assert await store.counts() == (1, 1, 0)
        known = await store.recall("wohngeldstelle", "message-x", "d" * 64, NOW)
        assert known is not None
        assert (known.kind, known.reply, known.exempt_until) == ("exempt", b"sealed reply", None)
