"""Other authorities watch that the log only grows (LOG.md 10), and no export leaves with fewer of them than wanted."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from io import StringIO
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection
from town import Town, opened
from witness import Neighbour, WitnessTown

from adapters.storage.schema import COSIGNATURE
from gateway import serve, telemetry
from gateway.audit.note import Verifier, open_checkpoint
from gateway.audit.record import Event, Kind
from gateway.errors import JournalUnavailable, Unwitnessed
from gateway.ports import Cosignature, CosignatureStore, Tree
from gateway.proving.epochs import Indexed
from gateway.proving.witnessing import Asked, State, Wanted, Witnessing


def district(*, away: bool = False) -> Neighbour:
    """Out: another witness, that takes every log at its first word."""
    return Neighbour(
        WitnessTown("landkreis.example/zeuge", b"\x45" * 32, trusts_anybody=True), "Landkreis", away
    )


@pytest.fixture
async def neighbour(town: Town) -> Neighbour:
    """A witness that was told of the town's logs."""
    return Neighbour(WitnessTown(logs=await logs_of(town)))


async def logs_of(town: Town) -> dict[str, Verifier]:
    return {shard.origin: shard.keys.log.verifier for shard, _, _ in await town.opened.shards.headed()}


async def written(town: Town, lines: int = 3) -> None:
    """Write lines about the house into the log of the default class."""
    for _ in range(lines):
        now = town.clock.now()
        await town.opened.journal.house_event(Event(kind=Kind.KEY_CREATED, time=now), now)


@asynccontextmanager
async def restored(town: Town, backup: Path) -> AsyncIterator[Town]:
    """The backup of a whole home beside the original: nothing in it remembers what came later."""
    made = await opened(backup, town.clock)
    try:
        yield made
    finally:
        await made.opened.close()


def witnessing(
    town: Town, *witnesses: Neighbour, quorum: int = 0, kept: CosignatureStore | None = None
) -> Witnessing:
    """Out: the town's, with these witnesses; and another place to keep what they sign, if one is given."""
    wanted = Wanted(witnesses, [one.verifier for one in witnesses], quorum)
    return Witnessing(wanted, town.opened.shards, town.opened.store, kept or town.opened.cosignatures)


def told(asked: Sequence[Asked]) -> list[tuple[str, State]]:
    """Out: of each class, what came of it."""
    return [(one.origin.split("/")[1], one.state) for one in asked]


async def epochs(town: Town) -> Sequence[Indexed]:
    return await town.opened.epochs.make(town.clock.now())


class TestAsking:
    async def test_every_shard_is_cosigned(self, town: Town, neighbour: Neighbour) -> None:
        """The newest head of each; the cosignature is kept with its checkpoint, and holds."""
        asked = await witnessing(town, neighbour).ask()
        assert told(asked) == [("12m", State.COSIGNED), ("24m", State.COSIGNED)]
        for shard, head, note in await town.opened.shards.headed():
            (kept,) = await town.opened.cosignatures.cosignatures(shard.origin, Tree.LOG)
            assert (kept.size, dict(await town.opened.store.checkpoints(shard.origin))[kept.size]) == (
                head.size,
                note,
            )
            _, opened_note = open_checkpoint(note + kept.line, shard.keys.log.verifier, [neighbour.verifier])
            assert opened_note.by(neighbour.verifier)

    async def test_what_grew_continues(self, town: Town, neighbour: Neighbour) -> None:
        """The next one is asked for from the size that was kept, with its proof; what didn't grow is not asked."""
        await witnessing(town, neighbour).ask()
        before = neighbour.town.asked
        await written(town, 300)
        assert {state for _, state in told(await witnessing(town, neighbour).ask())} == {State.COSIGNED}
        assert neighbour.town.asked == before + 1
        sizes = [one.size for one in await kept_of(town, "24m")]
        assert sizes == sorted(sizes)
        assert len(sizes) == 2

    async def test_a_month_that_ends_is_cosigned_to_its_end(self, town: Town, neighbour: Neighbour) -> None:
        """The closing checkpoint of each shard too, once."""
        await witnessing(town, neighbour).ask()
        await written(town, 1)
        closing = {head.origin: head.size for _, head, _ in await town.opened.shards.headed()}
        town.clock.passes(days=14)
        await town.opened.shards.roll(town.clock.now())
        neighbour.town.logs = await logs_of(town)
        asked = await witnessing(town, neighbour).ask()
        assert len(asked) == 4
        assert {one.state for one in asked} == {State.COSIGNED}
        assert closing.items() <= {one.origin: one.size for one in asked}.items()

    async def test_a_lost_answer_is_asked_for_again(self, town: Town, neighbour: Neighbour) -> None:
        """It cosigned and nobody heard: asked again, it names the size itself, and signs it once more."""
        neighbour.loses_answers = 1
        assert {state for _, state in told(await witnessing(town, neighbour).ask())} == {State.UNAVAILABLE}
        assert len(neighbour.town.seen) == 1
        assert {state for _, state in told(await witnessing(town, neighbour).ask())} == {State.COSIGNED}

    async def test_one_that_is_away_stops_nobody(self, town: Town, neighbour: Neighbour) -> None:
        """It is waited for once in a round, and told with its reason; the other one cosigns."""
        away = district(away=True)
        asked = await witnessing(town, away, neighbour).ask()
        assert [(one.witness, one.state, one.said) for one in asked] == [
            *[("Landkreis", State.UNAVAILABLE, "it can't be reached")] * 2,
            *[("Nachbarstadt", State.COSIGNED, "cosigned")] * 2,
        ]

    async def test_a_cosignature_that_does_not_hold_is_not_kept(
        self, town: Town, neighbour: Neighbour
    ) -> None:
        """Of another checkpoint, or by another key."""
        neighbour.town.mood = "forging"
        asked = await witnessing(town, neighbour).ask()
        assert all(one.said.startswith("what it signed does not hold") for one in asked)
        assert not await kept_of(town, "24m")

    async def test_a_log_that_it_was_not_told_of(self, town: Town, neighbour: Neighbour) -> None:
        """Is refused, with what to do about it."""
        neighbour.town.logs.clear()
        asked = await witnessing(town, neighbour).ask()
        assert told(asked) == [("12m", State.REFUSED), ("24m", State.REFUSED)]
        assert "give it the shard's `keys`" in asked[0].said

    async def test_nobody_to_ask(self, town: Town) -> None:
        """A house without witnesses asks none."""
        assert not witnessing(town).asks
        assert await witnessing(town).ask() == ()


class TestShown:
    async def test_what_is_published_is_cosigned_first(self, town: Town, neighbour: Neighbour) -> None:
        """The epoch an auditor checks has its witnesses already, so that an export may be made of it much later."""
        shown = await witnessing(town, neighbour).shown(await epochs(town))
        await written(town, 5)
        await witnessing(town, neighbour).ask()
        later = witnessing(town, neighbour, quorum=1)
        assert await later.witnessed(partial(_same, shown)) == shown

    async def test_who_is_away_keeps_nothing_from_being_shown(self, town: Town) -> None:
        """A folder for everybody is published without them."""
        made = await epochs(town)
        assert await witnessing(town, district(away=True)).shown(made) == made


async def _same(shown: Sequence[Indexed]) -> Sequence[Indexed]:
    return shown


class TestServing:
    async def test_a_serving_house_asks_by_itself(self, town: Town, neighbour: Neighbour) -> None:
        """As often as is set; what is wrong is logged once, however often it is asked, and stops nothing."""
        said, stop, rounds = StringIO(), asyncio.Event(), 0

        async def rests(seconds: float) -> None:
            nonlocal rounds
            if seconds != 7.0 or (rounds := rounds + 1) > 3:
                await asyncio.Event().wait()
            if rounds == 2:
                neighbour.away = False
            if rounds == 3:
                stop.set()

        neighbour.away = True
        telemetry.configure(said)
        bus = await town.opened.bus()
        service = replace(
            town.opened.service(bus), witnessing=witnessing(town, neighbour), witness_seconds=7.0, rest=rests
        )
        async with asyncio.timeout(30):
            await serve.serve(service, stop)
        await bus.close()
        warned = [line for line in map(json.loads, said.getvalue().splitlines()) if line["level"] != "info"]
        assert [(line["event"], line["kind"], line["where"]) for line in warned] == [
            ("not-witnessed", "unavailable", "Nachbarstadt (it can't be reached)")
        ] * 2
        assert [line["origin"].split("/")[1] for line in warned] == ["12m", "24m"]
        assert await kept_of(town, "24m")

    async def test_a_house_without_witnesses_asks_nobody(self, town: Town) -> None:
        """Where einmal.toml names none, `serve` has nobody to ask."""
        bus = await town.opened.bus()
        service = town.opened.service(bus)
        assert service.witnessing is not None
        assert not service.witnessing.asks
        await bus.close()


class TestInterrupted:
    async def test_not_persisted(self, town: Town, neighbour: Neighbour) -> None:
        """The witness has cosigned and the store keeps nothing: asked again, it is signed again and kept."""
        with pytest.raises(JournalUnavailable):
            await witnessing(town, neighbour, kept=Failing(town.opened.cosignatures, before=True)).ask()
        assert (len(neighbour.town.seen), len(await kept_of(town, "12m"))) == (1, 0)
        asked = await witnessing(town, neighbour).ask()
        assert told(asked) == [("12m", State.COSIGNED), ("24m", State.COSIGNED)]
        assert len(await kept_of(town, "12m")) == 1

    async def test_persisted_but_reported_failed(self, town: Town, neighbour: Neighbour) -> None:
        """It is kept, so that it need not be asked for again."""
        with pytest.raises(JournalUnavailable):
            await witnessing(town, neighbour, kept=Failing(town.opened.cosignatures, before=False)).ask()
        assert (neighbour.town.asked, len(await kept_of(town, "12m"))) == (1, 1)
        asked = await witnessing(town, neighbour).ask()
        assert told(asked) == [("12m", State.COSIGNED), ("24m", State.COSIGNED)]
        assert neighbour.town.asked == 2


@dataclass(frozen=True)
class Failing:
    """CosignatureStore that breaks when it keeps something, before or after it did."""

    store: CosignatureStore
    before: bool

    async def keep_cosignatures(self, found: Sequence[Cosignature]) -> None:
        if not self.before:
            await self.store.keep_cosignatures(found)
        raise JournalUnavailable("storage")

    async def cosignatures(self, origin: str, tree: Tree, size: int | None = None) -> Sequence[Cosignature]:
        return await self.store.cosignatures(origin, tree, size)


class TestLies:
    async def test_two_logs_of_one_name_are_refused(
        self, town: Town, neighbour: Neighbour, tmp_path: Path
    ) -> None:
        """A log that says one thing to one and another to others: whichever comes second gets no cosignature."""
        shutil.copytree(town.root, tmp_path / "copy")
        await written(town, 2)
        assert told(await witnessing(town, neighbour).ask())[1] == ("24m", State.COSIGNED)
        async with restored(town, tmp_path / "copy") as copy:
            copy.clock.passes(seconds=1)  # the same lines about the house at the same time are the same log
            await written(copy, 2)
            same_size = (await witnessing(copy, neighbour).ask())[1]
            assert (same_size.state, same_size.said) == (
                State.REFUSED,
                "what it cosigned before is not the beginning of this log",
            )
            await written(copy, 5)
            assert told(await witnessing(copy, neighbour).ask())[1] == ("24m", State.REFUSED)
            assert not await kept_of(copy, "24m")

    async def test_a_restored_backup_is_found_out(
        self, town: Town, neighbour: Neighbour, tmp_path: Path
    ) -> None:
        """It has fewer lines than the witness has seen, even where nothing in the house remembers that."""
        shutil.copytree(town.root, tmp_path / "copy")
        await written(town, 4)
        await witnessing(town, neighbour).ask()
        async with restored(town, tmp_path / "copy") as copy:
            asked = (await witnessing(copy, neighbour).ask())[1]
            assert asked.state is State.REFUSED
            assert "more than this log has: the house was restored from a backup, or runs twice" in asked.said


class TestQuorum:
    async def test_is_counted_on_what_is_handed_out(self, town: Town, neighbour: Neighbour) -> None:
        """The newest shard of each class is cosigned at its epoch's very checkpoint, by as many as wanted."""
        second = district()
        indexed = await witnessing(town, neighbour, second, quorum=2).witnessed(partial(epochs, town))
        for one in indexed:
            checkpoint, opened_note = open_checkpoint(
                one.checkpoint, one.shard.keys.log.verifier, [neighbour.verifier, second.verifier]
            )
            assert checkpoint.size == one.epoch.size
            assert len(opened_note.signed) == 3

    async def test_too_few_are_named_with_their_reason(self, town: Town, neighbour: Neighbour) -> None:
        """Nothing is handed out then."""
        away = district(away=True)
        with pytest.raises(Unwitnessed, match=r"12m/2026-11; Landkreis: it can't be reached\)"):
            await witnessing(town, neighbour, away, quorum=2).witnessed(partial(epochs, town))
        assert await witnessing(town, neighbour, away, quorum=1).witnessed(partial(epochs, town))

    async def test_one_key_under_two_names_counts_once(self, town: Town, neighbour: Neighbour) -> None:
        """Two names for one key are no two witnesses."""
        twin = Neighbour(WitnessTown("zwilling.example/zeuge", neighbour.town.seed, trusts_anybody=True), "Z")
        with pytest.raises(Unwitnessed):
            await witnessing(town, neighbour, twin, quorum=2).witnessed(partial(epochs, town))

    async def test_an_epoch_that_was_overtaken_is_made_again(self, town: Town, neighbour: Neighbour) -> None:
        """Somebody had a later head cosigned in between: the export goes by a newer epoch."""
        made = 0

        async def overtaken() -> Sequence[Indexed]:
            nonlocal made
            made += 1
            indexed = await epochs(town)
            if made == 1:
                await written(town, 1)
                await witnessing(town, neighbour).ask()
            return indexed

        indexed = await witnessing(town, neighbour, quorum=1).witnessed(overtaken)
        assert made == 2
        assert indexed[-1].epoch.size == indexed[-1].head.size == (await kept_of(town, "24m"))[-1].size

    async def test_a_damaged_cosignature_is_told(self, town: Town, neighbour: Neighbour) -> None:
        """A kept one that was changed since is no cosignature, and is not handed out as one."""
        await epochs(town)
        await witnessing(town, neighbour).ask()
        await town.opened.store.change(_damage)
        with pytest.raises(Unwitnessed, match="damaged"):
            await witnessing(town, neighbour, quorum=1).witnessed(partial(epochs, town))


def _damage(connection: Connection) -> None:
    """Another signature of the same key in every row."""
    for (line,) in connection.execute(sa.select(COSIGNATURE.c.line)).all():
        changed = f"{line[:-20]}{'A' if line[-20] != 'A' else 'B'}{line[-19:]}"
        connection.execute(sa.update(COSIGNATURE).where(COSIGNATURE.c.line == line).values(line=changed))


async def kept_of(town: Town, retention: str) -> Sequence[Cosignature]:
    """Out: what was kept of the newest shard of a class."""
    shards = [shard for shard in await town.opened.store.shards() if shard.retention == retention]
    return await town.opened.cosignatures.cosignatures(shards[-1].head.origin, Tree.LOG)
