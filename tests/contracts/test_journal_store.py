"""What every JournalStore does (gateway.ports; LOG.md 8, 9)."""

from __future__ import annotations

import asyncio
import multiprocessing
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from faults import Fault
from stores import (
    NOW,
    ORIGIN,
    OTHER,
    POLICY,
    SqliteStores,
    entry,
    furnish,
    key,
    line,
    one_use,
    settlement,
    standing,
    step,
    write_some,
    write_until_killed,
)

from adapters.storage.store import SqlStore
from consent.vocabulary import Record, RecordState
from gateway.audit.tree import EMPTY_ROOT, leaf_hash, root, verify_inclusion
from gateway.errors import JournalUnavailable
from gateway.ports import (
    Committed,
    Known,
    RecordMoved,
    Release,
    ShardMoved,
    StandingMoved,
    Use,
    UsedUp,
)
from gateway.stages import Position

IMPLEMENTATIONS = {"sqlite": SqliteStores}


@pytest.fixture(params=IMPLEMENTATIONS)
async def stores(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[SqliteStores]:
    """A database that was just made."""
    made = IMPLEMENTATIONS[request.param](tmp_path / "einmal.sqlite3")
    made.create()
    yield made
    await made.close()


@pytest.fixture
async def store(stores: SqliteStores) -> SqlStore:
    """An opened store with two shards, a policy and one consent, c-1."""
    opened = stores.open()
    await furnish(opened)
    return opened


async def size(store: SqlStore, origin: str = ORIGIN) -> int:
    return next(shard.head.size for shard in await store.shards() if shard.head.origin == origin)


async def committed(store: SqlStore, name: str, **changes: object) -> Committed:
    result = await store.append(entry(name, **changes))
    assert isinstance(result, Committed), result
    return result


async def settle(store: SqlStore, name: str, kind: str = "answered", **changes: object) -> Committed:
    given: dict[str, object] = {"exchange": key(name), "settlement": settlement(kind)}
    return await committed(store, f"{name} {kind}", **(given | changes))


class TestLines:
    async def test_lines_stand_in_order_with_what_opens_them(self, store: SqlStore) -> None:
        """An entry's lines follow each other, and come back byte for byte."""
        before = await size(store)
        done = await store.append(entry("first", "second"))
        assert isinstance(done, Committed)
        assert done.first == Position(ORIGIN, before)
        found = await store.lines(ORIGIN, before, before + 2)
        assert [one.line for one in found] == [line("first"), line("second")]
        assert [one.position.index for one in found] == [before, before + 1]
        assert await store.line(Position(ORIGIN, before + 1)) == found[1]

    async def test_no_line_is_none(self, store: SqlStore) -> None:
        """A position beyond the end, or of an unknown shard, has no line."""
        assert await store.line(Position(ORIGIN, 10_000)) is None
        assert await store.line(Position("nobody.example/24m/2026-11", 0)) is None

    async def test_a_label_finds_its_lines_in_one_shard(self, store: SqlStore) -> None:
        """All lines of a label, in order, and no others."""
        label = b"\x07" * 32
        mine = (line("mine 1", label), line("mine 2", label))
        await committed(store, "x", lines=(mine[0], line("another"), mine[1]))
        await committed(store, "y", origin=OTHER, lines=(line("mine elsewhere", label),))
        assert [one.line for one in await store.labelled(ORIGIN, label)] == list(mine)

    async def test_the_head_is_the_root_over_the_leaves(self, store: SqlStore) -> None:
        """After any number of groups, the head's root is RFC 6962's over all leaves, and each is provable."""
        for start in range(0, 600, 150):
            await asyncio.gather(*(store.append(entry(f"n{at}")) for at in range(start, start + 150)))
        head = next(shard.head for shard in await store.shards() if shard.head.origin == ORIGIN)
        leaves = [leaf_hash(one.line.leaf) for one in await store.lines(ORIGIN, 0, head.size)]
        assert len(leaves) == head.size == 603
        assert root(leaves) == head.root
        for index in (0, 1, 255, 256, 511, 602):
            proof = await store.inclusion(Position(ORIGIN, index), head.size)
            assert verify_inclusion(leaves[index], index, head.size, proof, head.root)
        proof = await store.inclusion(Position(ORIGIN, 17), 300)
        assert verify_inclusion(leaves[17], 17, 300, proof, root(leaves[:300]))

    async def test_no_proof_for_what_is_not_there(self, store: SqlStore) -> None:
        """A proof is refused for a line beyond the tree, or a tree that never was."""
        with pytest.raises(ValueError):
            await store.inclusion(Position(ORIGIN, 2), 2)
        with pytest.raises(ValueError):
            await store.inclusion(Position(ORIGIN, 0), 10_000)

    async def test_an_empty_entry_is_a_mistake(self, store: SqlStore) -> None:
        """Nothing is committed without a line."""
        with pytest.raises(ValueError):
            await store.append(replace(entry("x"), lines=()))


class TestShards:
    async def test_a_new_shard_has_its_opening_and_one_of_a_class_is_open(self, store: SqlStore) -> None:
        """Leaf 0 is there from the start; a second open shard of the class is turned away unwritten."""
        found = {shard.head.origin: shard for shard in await store.shards()}
        assert found[OTHER].head.size == 1
        assert found[OTHER].head.root == root([leaf_hash(line("opening of the other").leaf)])
        assert found[OTHER].secrets == b"sealed secrets"
        assert not await store.open_shard("musterstadt.example/24m/2026-12", "24m", b"", line("no"))
        assert len(await store.shards()) == 2

    async def test_a_closed_shard_takes_no_line(self, store: SqlStore) -> None:
        """Closing gives the final head, again and again; appending says that the shard moved."""
        before = await size(store)
        head = await store.close_shard(ORIGIN)
        assert head.size == before
        assert await store.append(entry("late")) == ShardMoved()
        assert await store.close_shard(ORIGIN) == head
        assert await store.open_shard("musterstadt.example/24m/2026-12", "24m", b"", line("next"))
        months = [shard.head.origin for shard in await store.shards() if shard.retention == "24m"]
        assert months == [ORIGIN, "musterstadt.example/24m/2026-12"]

    async def test_an_origin_is_never_used_twice(self, store: SqlStore) -> None:
        """A closed shard's origin can't be opened again."""
        await store.close_shard(ORIGIN)
        with pytest.raises(JournalUnavailable):
            await store.open_shard(ORIGIN, "24m", b"", line("again"))

    async def test_an_unknown_shard_is_a_moved_one(self, store: SqlStore) -> None:
        """A line for a shard that isn't there is not written anywhere."""
        assert await store.append(entry("x", origin="musterstadt.example/24m/1999-01")) == ShardMoved()

    async def test_kept_checkpoints(self, store: SqlStore) -> None:
        """A kept checkpoint stays as it was first kept."""
        await store.keep_checkpoint(ORIGIN, 2, "two")
        await store.keep_checkpoint(ORIGIN, 1, "one")
        await store.keep_checkpoint(ORIGIN, 2, "other two")
        assert list(await store.checkpoints(ORIGIN)) == [(1, "one"), (2, "two")]


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
        self, stores: SqliteStores, store: SqlStore
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

    async def test_is_told_once_by_two_processes(self, stores: SqliteStores, store: SqlStore) -> None:
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


class TestGroups:
    async def test_one_turned_away_leaves_the_others(self, store: SqlStore) -> None:
        """Every kind of turning away in one group, and all others are committed."""
        await settle(store, "done")
        await store.close_shard(OTHER)
        results = await asyncio.gather(
            store.append(entry("good 1")),
            store.append(entry("moved", origin=OTHER)),
            store.append(entry("known", exchange=key("done"))),
            store.append(entry("stale", standing=standing(policy="f" * 64))),
            store.append(entry("gap", records=(step("c-1", 3),))),
            store.append(entry("used", exchange=key("u"), use=Use("c-1", 0))),
            store.append(entry("good 2")),
        )
        kinds = [type(result) for result in results]
        assert kinds == [Committed, ShardMoved, Known, StandingMoved, RecordMoved, UsedUp, Committed]
        first, last = results[0], results[-1]
        assert isinstance(first, Committed)
        assert isinstance(last, Committed)
        assert last.first.index == first.first.index + 1

    async def test_one_the_database_refuses_leaves_the_others(self, store: SqlStore) -> None:
        """An entry that breaks a rule of the database fails alone."""
        await committed(store, "x", exchange=key("x"))
        results = await asyncio.gather(
            store.append(entry("good 1")),
            store.append(entry("twice", exchange=key("other", exchange="exchange-x"))),
            store.append(entry("good 2")),
            return_exceptions=True,
        )
        assert [type(result) for result in results] == [Committed, JournalUnavailable, Committed]

    async def test_a_caller_that_goes_away_leaves_no_hole(self, store: SqlStore) -> None:
        """A cancelled append may be written or not; the log goes on either way."""
        task = asyncio.create_task(store.append(entry("gone")))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        done = await committed(store, "next")
        lines = await store.lines(ORIGIN, 0, done.head.size)
        assert root([leaf_hash(one.line.leaf) for one in lines]) == done.head.root

    async def test_a_closed_store_says_so(self, stores: SqliteStores) -> None:
        """After `close` nothing is accepted; closing twice is nothing."""
        opened = stores.open()
        await opened.close()
        with pytest.raises(JournalUnavailable):
            await opened.append(entry("x"))
        await opened.close()


KEPT_BACK = Release("exchange-begun", NOW, "24m", b"sealed")
Operation = Callable[[SqlStore], Awaitable[object]]
WRITES: dict[str, Operation] = {
    "asked": lambda store: store.append(
        entry("asked", exchange=key("x"), use=Use("c-1", 2), standing=standing("c-1", 1))
    ),
    "settled": lambda store: store.append(
        entry("done", exchange=key("begun"), settlement=settlement(), standing=standing("c-1", 1))
    ),
    "refused": lambda store: store.append(
        entry("done", "and more", exchange=key("begun"), settlement=settlement("refused"))
    ),
    "withdrawn": lambda store: store.append(
        entry("withdrawn", records=(step("c-1", 2, RecordState.WITHDRAWN),))
    ),
    "given": lambda store: store.append(entry("given", records=(step("c-2", 1),))),
    "loaded": lambda store: store.append(entry("loaded", policy=("b" * 64, b"newer"))),
    "exempt": lambda store: store.append(
        entry("done", exchange=key("begun"), settlement=settlement("exempt"), release=KEPT_BACK)
    ),
    "released": lambda store: store.append(entry("told", released="exchange-exempt")),
    "confirmed": lambda store: store.confirmed("exchange-done", NOW),
    "closed": lambda store: store.close_shard(ORIGIN),
    "opened": lambda store: store.open_shard("musterstadt.example/6m/2026-11", "6m", b"", line("new")),
    "kept": lambda store: store.keep_checkpoint(ORIGIN, 1, "note"),
    "forgotten": lambda store: store.forget(NOW + timedelta(days=30)),
}


class TestFaults:
    @staticmethod
    async def prepare(stores: SqliteStores) -> None:
        async with stores.using() as store:
            await furnish(store)
            await committed(store, "asked", exchange=key("begun"), use=Use("c-1", 2))
            await settle(store, "done")
            due = replace(KEPT_BACK, exchange="exchange-exempt")
            await settle(store, "exempt", "exempt", release=due)

    @pytest.mark.parametrize("name", WRITES)
    async def test_what_breaks_half_way_leaves_nothing(self, stores: SqliteStores, name: str) -> None:
        """Whichever statement of a write breaks, and the commit itself: the database is as before, and serves on."""
        await self.prepare(stores)
        before = stores.contents()
        for at in range(1, 100):
            fault = Fault(statement=at)
            async with stores.using(fault) as store:
                try:
                    await WRITES[name](store)
                except JournalUnavailable:
                    assert fault.fired
            if not fault.fired:
                break
            assert stores.contents() == before
        assert at > 1
        assert stores.contents() != before

    @pytest.mark.parametrize("name", WRITES)
    async def test_what_breaks_before_its_commit_leaves_nothing(
        self, stores: SqliteStores, name: str
    ) -> None:
        """Not persisted and reported failed: tried again on the same store, it is as if it had come once."""
        await self.prepare(stores)
        before = stores.contents()
        async with stores.using(Fault(commit="before")) as store:
            with pytest.raises(JournalUnavailable):
                await WRITES[name](store)
            assert stores.contents() == before
            await WRITES[name](store)
        assert stores.contents() != before

    @pytest.mark.parametrize("name", WRITES)
    async def test_what_breaks_after_its_commit_is_whole(
        self, stores: SqliteStores, name: str, tmp_path: Path
    ) -> None:
        """Persisted but reported failed: the database holds all of it, exactly as after a success."""
        await self.prepare(stores)
        control = SqliteStores(tmp_path / "control.sqlite3")
        control.create()
        await self.prepare(control)
        async with control.using() as store:
            await WRITES[name](store)
        async with stores.using(Fault(commit="after")) as store:
            with pytest.raises(JournalUnavailable):
                await WRITES[name](store)
            assert stores.contents() == control.contents()
            done = await committed(store, "life goes on", origin=OTHER)
            assert done.head.size == 2

    async def test_a_settlement_reported_failed_is_found_again(self, stores: SqliteStores) -> None:
        """Persisted but reported failed: the redelivery meets its own outcome, and settles nothing twice."""
        await self.prepare(stores)
        async with stores.using(Fault(commit="after")) as store:
            with pytest.raises(JournalUnavailable):
                await WRITES["settled"](store)
        async with stores.using() as store:
            known = await store.recall("wohngeldstelle", "message-begun", "d" * 64, NOW)
            assert known is not None
            assert (known.settled, known.reply) == (True, b"sealed reply")
            assert isinstance(await WRITES["settled"](store), Known)
            assert ("exchange-begun", b"sealed reply") in await store.unconfirmed()

    async def test_the_fault_names_no_content(self, stores: SqliteStores) -> None:
        """What is told of a foreign failure is its kind, nothing else."""
        await self.prepare(stores)
        async with stores.using(Fault(statement=1)) as store:
            with pytest.raises(JournalUnavailable) as raised:
                await WRITES["settled"](store)
        assert str(raised.value) == "internal at storage (OperationalError)"
        assert raised.value.__suppress_context__ or raised.value.__context__ is None


class TestProcesses:
    async def test_processes_share_one_log(self, stores: SqliteStores) -> None:
        """Several processes append at once: every line told as committed is there, once, in one tree."""
        context = multiprocessing.get_context("spawn")
        async with stores.using() as store:
            await furnish(store)
            pipes = []
            for name in ("p", "q"):
                told, tell = context.Pipe(duplex=False)
                process = context.Process(target=write_some, args=(str(stores.path), name, 100, tell))
                process.start()
                tell.close()
                pipes.append((process, told))
            mine = [await committed(store, f"r-{at}") for at in range(50)]
            places = {f"r-{at}": one.first.index for at, one in enumerate(mine)}
            for process, told in pipes:
                while (said := await asyncio.to_thread(told.recv)) is not None:
                    places[said[0]] = said[1]
                await asyncio.to_thread(process.join)
                assert process.exitcode == 0
            done = await committed(store, "last")
            lines = await store.lines(ORIGIN, 0, done.head.size)
            assert done.head.size == 3 + 250 + 1
            assert len(set(places.values())) == 250
            assert all(lines[index].line == line(name) for name, index in places.items())
            assert root([leaf_hash(one.line.leaf) for one in lines]) == done.head.root

    async def test_a_killed_writer_leaves_what_it_told_and_nothing_half(self, stores: SqliteStores) -> None:
        """SIGKILL in the middle: what was told is there, the tree is whole, no exchange is settled without its
        line, and the next process goes on at once."""
        async with stores.using() as store:
            await furnish(store)
        context = multiprocessing.get_context("spawn")
        told, tell = context.Pipe(duplex=False)
        process = context.Process(target=write_until_killed, args=(str(stores.path), "k", tell))
        process.start()
        tell.close()
        said = [await asyncio.to_thread(told.recv) for _ in range(40)]
        process.kill()
        try:
            while True:
                said.append(await asyncio.to_thread(told.recv))
        except EOFError:
            pass
        await asyncio.to_thread(process.join)
        async with stores.using() as store:
            done = await committed(store, "next")
            lines = await store.lines(ORIGIN, 0, done.head.size)
            assert root([leaf_hash(one.line.leaf) for one in lines]) == done.head.root
            assert all(lines[index].line == line(f"{name} done") for name, index in said)
            accepted, terminal, in_flight = await store.counts()
            events = [one.line.event for one in lines]
            assert terminal == sum(event is not None and event.endswith(b' done"}') for event in events)
            begun = sum(event is not None and b'"k-' in event for event in events) - terminal
            assert accepted == terminal + in_flight == begun


def test_an_empty_tree_has_the_root_of_nothing() -> None:
    """A shard before its leaf 0 would have this root; it is never seen."""
    assert root([]) == EMPTY_ROOT
