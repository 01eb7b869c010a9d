"""Epochs over a damaged cache, a changed log, a store from a backup: nothing false is signed, nothing false leaves."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
import town as towns
from indexing import check, cosigned, epochs_of, subject, tell
from small_log import AUDITOR, chance
from town import Town

from adapters.indexes import IndexFiles
from adapters.storage.checkpoints import CheckpointFiles
from adapters.storage.epochs import SqlEpochs
from gateway import assembly
from gateway.audit.index import Index, OutputLeaf, output_leaf, stamp
from gateway.audit.note import Signer, sign, split
from gateway.errors import JournalUnavailable
from gateway.journal.guard import Restored
from gateway.proving.outputs import IndexWrong

CLASS = "musterstadt.example/24m/2026-11"


def cached(town: Town, origin: str = CLASS) -> Path:
    """Out: the file of a shard's index."""
    return town.root / "data/index" / f"{origin.replace('/', '%2F')}.index"


def back_up(town: Town) -> None:
    """Copy the database as it is now."""
    path = town.root / "data/einmal.sqlite3"
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(town.root / "backup")) as target:
        source.backup(target)


def put_back(town: Town) -> None:
    """The copy takes the database's place."""
    path = town.root / "data/einmal.sqlite3"
    for left in path.parent.glob(f"{path.name}*"):
        left.unlink()
    shutil.copy(town.root / "backup", path)


def database(town: Town, change: str) -> None:
    """Change the database behind the house's back."""
    with closing(sqlite3.connect(town.root / "data/einmal.sqlite3")) as connection, connection:
        connection.execute(change)


class TestDamagedCache:
    @pytest.mark.parametrize(
        "place", [128 + 4, 128 + 39, 128 + 71, -1], ids=["label", "count", "root", "hash"]
    )
    async def test_no_proof_leaves_a_damaged_cache_and_it_is_made_again(self, town: Town, place: int) -> None:
        """What another process is shown is true, and the file is whole afterwards."""
        await tell(town, 1, 2, 3)
        await town.opened.epochs.make(town.clock.now())
        whole = cached(town).read_bytes()
        damaged = bytearray(whole)
        damaged[place] ^= 1
        cached(town).write_bytes(damaged)
        elsewhere = epochs_of(town.opened)
        found = await elsewhere.make(town.clock.now())
        labels = [found[1].shard.person(subject(number)) for number in (1, 2, 3, 4)] + [found[1].shard.system]
        places = await elsewhere.find(found[1], labels)
        assert places == await town.opened.epochs.find(found[1], labels)
        await check(town, found)
        assert cached(town).read_bytes() == whole

    @pytest.mark.parametrize("place", [128 + 4, 128 + 39, 128 + 71, 24, -1])
    async def test_no_epoch_grows_from_a_damaged_cache(self, town: Town, place: int) -> None:
        """What is signed next by another process is what the lines say."""
        await tell(town, 1, 2, 3)
        await town.opened.epochs.make(town.clock.now())
        damaged = bytearray(cached(town).read_bytes())
        damaged[place] ^= 1
        cached(town).write_bytes(damaged)
        await tell(town, 4, 1)
        await check(town, await epochs_of(town.opened).make(town.clock.now()))

    async def test_a_cache_that_lies_in_itself_is_not_believed(self, town: Town) -> None:
        """An index that leaves somebody out, whole and of the right size: neither shown nor grown from."""
        await tell(town, 1, 2)
        (_, true) = await town.opened.epochs.make(town.clock.now())
        lie = Index.of({chance(number): (number,) for number in range(true.head.size)})
        files = IndexFiles(town.root / "data/index")
        files.keep(CLASS, lie)
        await check(town, await epochs_of(town.opened).make(town.clock.now()))
        files.keep(CLASS, lie)
        await tell(town, 3)
        await check(town, await epochs_of(town.opened).make(town.clock.now()))

    async def test_an_older_cache_is_grown_from(self, town: Town) -> None:
        """What a crash before caching leaves; and only the labels with new lines are read."""
        await tell(town, 1, 2)
        await town.opened.epochs.make(town.clock.now())
        older = cached(town).read_bytes()
        await tell(town, 2)
        await town.opened.epochs.make(town.clock.now())
        cached(town).write_bytes(older)
        await tell(town, 3)
        counting = Counting(town)
        found = await epochs_of(town.opened, store=counting).make(town.clock.now())
        await check(town, found)
        assert counting.told == {found[1].shard.person(subject(2)): 2, found[1].shard.person(subject(3)): 1}


class Counting(SqlEpochs):
    """Counts what it tells of each label."""

    def __init__(self, town: Town) -> None:
        super().__init__(town.opened.store)
        self.told: dict[bytes, int] = {}

    async def labels(
        self, origin: str, start: int, stop: int, after: tuple[bytes, int] | None = None
    ) -> list[tuple[bytes, int]]:
        found = list(await super().labels(origin, start, stop, after))
        for label, _ in found:
            self.told[label] = self.told.get(label, 0) + 1
        return found


class TestDamagedLog:
    @pytest.mark.parametrize(
        "change",
        [
            "delete from line where idx = 2",
            "update line set label = 'text' where idx = 2",
        ],
    )
    async def test_lines_that_are_missing_are_not_signed_for(self, town: Town, change: str) -> None:
        """No epoch is made of a log with a hole: a fault that names the shard."""
        await tell(town, 1, 2)
        database(town, change)
        with pytest.raises(IndexWrong) as raised:
            await town.opened.epochs.make(town.clock.now())
        assert raised.value.where == f"index of {CLASS}"
        assert await SqlEpochs(town.opened.store).epochs(CLASS) == []

    @pytest.mark.parametrize(
        "change",
        [
            "update epoch set leaf = x'00'",
            "update epoch set leaf = cast('{}' as blob)",
            "update epoch set leaf = cast(leaf as text)",
            "update epoch set leaf = cast(replace(cast(leaf as text), ':15:00Z', ':14:00Z') as blob)",
            "update epoch set number = number + 1",
        ],
    )
    async def test_an_output_log_that_was_changed_is_not_signed(self, town: Town, change: str) -> None:
        """Leaves that are none, a number that is missing, or true leaves other than those that were signed."""
        await town.opened.epochs.make(town.clock.now())
        database(town, change)
        town.clock.passes(seconds=1)
        with pytest.raises(IndexWrong):
            await epochs_of(town.opened).make(town.clock.now())

    @pytest.mark.parametrize("own_note", [True, False])
    async def test_an_epoch_of_somebody_s_making_is_not_signed(self, town: Town, own_note: bool) -> None:
        """An index that leaves an entry out, under the log's own note or another: neither now nor after a true one."""
        await tell(town, 1, 2)
        made = {one.shard.origin: one for one in await town.opened.epochs.make(town.clock.now())}[CLASS]
        said = OutputLeaf.parse(made.epoch.leaf)
        less = Index.of({bytes([9] * 32): list(range(made.epoch.size))})
        note = said.log if own_note else sign(split(said.log)[0], Signer.from_seed(CLASS, bytes(32)))
        await SqlEpochs(town.opened.store).begin_epoch(
            CLASS, made.epoch.size, lambda last: output_leaf(2, less, note, stamp(town.clock.now()))
        )
        signed = town.opened.checkpoints.read(f"{CLASS}/index")
        for epochs in (town.opened.epochs, epochs_of(town.opened)):
            with pytest.raises(IndexWrong):
                await epochs.make(town.clock.now())
            town.clock.passes(seconds=1)
            await tell(town, 3)
            with pytest.raises(IndexWrong):
                await epochs.make(town.clock.now())
        assert town.opened.checkpoints.read(f"{CLASS}/index") == signed

    async def test_an_epoch_that_a_dead_process_made_is_signed(self, town: Town) -> None:
        """It is what the lines say: whoever comes next reckons it again and signs it."""
        await tell(town, 1, 2)
        (made, *_) = [
            one for one in await town.opened.epochs.make(town.clock.now()) if one.shard.origin == CLASS
        ]
        said = OutputLeaf.parse(made.epoch.leaf)
        await SqlEpochs(town.opened.store).begin_epoch(
            CLASS, made.epoch.size, lambda last: output_leaf(2, made.index, said.log, stamp(town.clock.now()))
        )
        (again, *_) = [
            one for one in await epochs_of(town.opened).make(town.clock.now()) if one.shard.origin == CLASS
        ]
        assert again.epoch.number == 1

    async def test_a_kept_checkpoint_that_is_none_stops_it(self, town: Town) -> None:
        """The file outside the database is damaged: a fault that names its kind, not a second history."""
        await town.opened.epochs.make(town.clock.now())
        town.opened.checkpoints.flush()
        for file in (town.root / "data/checkpoints").glob("*index*"):
            file.write_text("\n".join([*file.read_text().split("\n")[:2], "AAAA", "", "no signature", ""]))
        files = CheckpointFiles(town.root / "data/checkpoints")
        with closing(files), pytest.raises(JournalUnavailable) as raised:
            await epochs_of(town.opened, kept=files).make(town.clock.now())
        assert raised.value.where == "checkpoint file (not a checkpoint)"

    async def test_an_index_that_is_not_its_epochs_is_not_shown(self, town: Town) -> None:
        """A label was changed after the epoch and the cache is gone: a fault, not a proof."""
        await tell(town, 1, 2)
        await town.opened.epochs.make(town.clock.now())
        cached(town).unlink()
        database(town, "update line set label = zeroblob(32) where idx = 2")
        with pytest.raises(IndexWrong):
            await epochs_of(town.opened).make(town.clock.now())

    async def test_a_store_from_a_backup_is_not_signed_for(self, town: Town) -> None:
        """Its log is not behind, its output log is: it would sign a second history of it."""
        await town.opened.epochs.make(town.clock.now())
        back_up(town)
        town.clock.passes(seconds=1)
        await town.opened.epochs.make(town.clock.now())
        await town.opened.close()
        put_back(town)
        restored = await towns.opened(town.root, town.clock)
        with pytest.raises(Restored) as raised:
            await restored.opened.epochs.make(town.clock.now())
        assert raised.value.origin == "musterstadt.example/12m/2026-11/index"
        assert len(await SqlEpochs(restored.opened.store).epochs("musterstadt.example/12m/2026-11")) == 1
        await restored.opened.close()


class TestRestored:
    @pytest.mark.parametrize("indexed", [True, False], ids=["some epochs lost", "all epochs lost"])
    async def test_a_shard_that_lost_epochs_gets_no_other_ones(self, town: Town, indexed: bool) -> None:
        """After the restore was said, what is left of it is shown, checked too; its output log is never signed anew."""
        if not indexed:
            back_up(town)
        for one in await town.opened.epochs.make(town.clock.now()):
            await cosigned(town, one)
        if indexed:
            await tell(town, 1)
            back_up(town)
        town.clock.passes(seconds=1)
        await town.opened.epochs.make(town.clock.now())
        await town.opened.close()
        put_back(town)
        await assembly.restore(town.root, "the disk failed", clock=town.clock)
        restored = await towns.opened(town.root, town.clock)
        found = await restored.opened.epochs.make(restored.clock.now())
        await check(restored, found)
        older = ["12m/2026-11", "24m/2026-11"] if indexed else []
        months = [one.shard.origin.split("/", 1)[1] for one in found]
        assert sorted(months) == sorted([*older, "12m/2026-11.2", "24m/2026-11.2"])
        for one in found:
            if one.shard.origin.endswith(".2"):
                await cosigned(restored, one)
        checked = await restored.opened.epochs.checked([AUDITOR.cosigner])
        assert [one.epoch for one in checked] == [one.epoch for one in found]
        await restored.opened.close()
