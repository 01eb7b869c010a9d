"""The index of the log, epoch by epoch: what it says, when, and who vouches for it (LOG.md 6)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from indexing import check, cosigned, epochs_of, subject, tell
from small_log import AUDITOR
from town import Town

from adapters.indexes import IndexFiles
from gateway.audit.index import Presence
from gateway.audit.note import Signer, cosign, encode64, split
from gateway.ports import Cosignature, Tree
from gateway.proving.epochs import Indexed, Unchecked

OTHER = Signer.from_seed("auditor.example/other", b"\x44" * 32)


def month(found: Indexed) -> str:
    return found.shard.origin.split("/", 1)[1]


class TestMaking:
    async def test_every_line_is_in_the_index_of_its_label_and_nobody_else(self, town: Town) -> None:
        """Every shard, under its own keys, at the second asked for; a stranger's check of all of it."""
        town.clock.passes(microseconds=123_456)
        await tell(town, 1, 2, 1, 3)
        found = await town.opened.epochs.make(town.clock.now())
        assert [month(one) for one in found] == ["12m/2026-11", "24m/2026-11"]
        assert {one.time for one in found} == {datetime(2026, 11, 21, 20, 15, tzinfo=UTC)}
        await check(town, found)
        (place,) = await town.opened.epochs.find(found[1], [found[1].shard.person(subject(1))])
        assert isinstance(place, Presence)

    async def test_each_epoch_follows_on_the_last(self, town: Town) -> None:
        """With new lines a new number; the index has grown by exactly them."""
        for number in range(4):
            await tell(town, number, number // 2)
            town.clock.passes(seconds=1)
            found = await town.opened.epochs.make(town.clock.now())
            assert [one.epoch.number for one in found] == [number, number]
            await check(town, found)

    async def test_what_says_it_already_is_not_said_again(self, town: Town) -> None:
        """No new line, no later second: the same epoch; a later second is a new one over the same lines."""
        town.clock.passes(microseconds=123_456)
        first = await town.opened.epochs.make(town.clock.now())
        again = await town.opened.epochs.make(town.clock.now())
        assert [one.epoch for one in again] == [one.epoch for one in first]
        town.clock.passes(seconds=1)
        later = await town.opened.epochs.make(town.clock.now())
        assert [(one.epoch.number, one.head) for one in later] == [(1, one.head) for one in first]
        await check(town, later)

    async def test_a_clock_gone_back_makes_no_earlier_epoch(self, town: Town) -> None:
        """Times never descend in an output log: by as much as clocks may differ, the one there is stands for now."""
        (first, *_) = await town.opened.epochs.make(town.clock.now())
        town.clock.passes(minutes=-1)
        await tell(town, 1)
        found = await town.opened.epochs.make(town.clock.now())
        assert {one.time for one in found} == {first.time}
        await check(town, found)

    async def test_every_epochs_log_checkpoint_is_kept(self, town: Town) -> None:
        """In the store, the note as the leaf names it."""
        for number in range(3):
            await tell(town, number)
            (_, one) = await town.opened.epochs.make(town.clock.now())
            assert (one.head.size, one.checkpoint) in await town.opened.store.checkpoints(one.shard.origin)


class TestMonths:
    async def test_an_idle_class_begins_its_month_and_the_old_ones_get_a_last_epoch(self, town: Town) -> None:
        """Nothing happened since: four shards, the closed ones over their last line."""
        town.clock.passes(days=30)
        found = await town.opened.epochs.make(town.clock.now())
        months = ["12m/2026-11", "12m/2026-12", "24m/2026-11", "24m/2026-12"]
        assert [month(one) for one in found] == months
        heads = {shard.head.origin: shard.head for shard in await town.opened.store.shards()}
        assert [one.head for one in found] == [heads[one.shard.origin] for one in found]
        await check(town, found)

    async def test_a_closed_shard_keeps_its_last_epoch(self, town: Town) -> None:
        """However often it is asked for, in however many processes."""
        await town.opened.epochs.make(town.clock.now())
        town.clock.passes(days=30)
        first = await town.opened.epochs.make(town.clock.now())
        town.clock.passes(days=1)
        later = await town.opened.epochs.make(town.clock.now())
        elsewhere = await epochs_of(town.opened).make(town.clock.now())
        assert [one.epoch for one in first[::2]] == [one.epoch for one in later[::2]]
        assert [one.output for one in later] == [one.output for one in elsewhere]
        assert all(
            one.epoch.number > before.epoch.number
            for one, before in zip(later[1::2], first[1::2], strict=True)
        )
        await check(town, later)


class TestCosignatures:
    async def test_what_others_signed_goes_with_the_notes(self, town: Town) -> None:
        """A witness of the log, an auditor of the index; each under its own tree's note, once."""
        (first, _) = await town.opened.epochs.make(town.clock.now())
        of_log, of_index = await cosigned(town, first, OTHER, Tree.LOG), await cosigned(town, first)
        (again, other) = await town.opened.epochs.make(town.clock.now())
        assert (again.checkpoint, again.output) == (first.checkpoint + of_log, first.output + of_index)
        assert of_index not in other.output
        await check(town, [again, other])

    @pytest.mark.parametrize("line", ["— {origin} AAAA\n", "no signature line\n", "— {origin} {key}AAAA\n\n"])
    async def test_what_is_no_cosignature_stops_no_proof(self, town: Town, line: str) -> None:
        """Somebody wrote it beside the true ones, in the log's own name: it goes with no note."""
        (first, *_) = await town.opened.epochs.make(town.clock.now())
        true = await cosigned(town, first, OTHER, Tree.LOG)
        planted = line.format(origin=first.shard.origin, key="A" * 90)
        for vkey in (AUDITOR.cosigner.vkey, first.shard.keys.log.verifier.vkey, "no key"):
            await town.opened.cosignatures.keep_cosignatures(
                [Cosignature(first.shard.origin, Tree.LOG, first.head.size, vkey, planted)]
            )
        (again, *others) = await town.opened.epochs.make(town.clock.now())
        assert again.checkpoint == first.checkpoint + true
        await check(town, [again, *others])

    async def test_a_line_beside_a_true_cosignature_goes_with_no_note(self, town: Town) -> None:
        """Under an auditor's key the first stays: of what is kept there, only that key's own line is handed out."""
        (first, *_) = await town.opened.epochs.make(town.clock.now())
        true = cosign(first.checkpoint, AUDITOR, 1_795_292_868).splitlines(keepends=True)[-1]
        false = encode64(first.shard.keys.log.verifier.key_id + bytes(64))
        planted = f"{true}— {first.shard.origin} {false}\n"
        await town.opened.cosignatures.keep_cosignatures(
            [Cosignature(first.shard.origin, Tree.LOG, first.head.size, AUDITOR.cosigner.vkey, planted)]
        )
        (again, *others) = await town.opened.epochs.make(town.clock.now())
        assert again.checkpoint == first.checkpoint + true
        await check(town, [again, *others])

    async def test_checked_is_as_of_the_newest_epoch_an_auditor_cosigned(self, town: Town) -> None:
        """Not as of a later one; its proofs are of the index of then."""
        for number in range(3):
            await tell(town, number)
            town.clock.passes(seconds=10)
            found = await town.opened.epochs.make(town.clock.now())
            for one in found if number < 2 else ():
                await cosigned(town, one)
        checked = await town.opened.epochs.checked([OTHER.cosigner, AUDITOR.cosigner])
        assert [one.epoch.number for one in checked] == [1, 1]
        assert {one.time for one in checked} == {town.clock.now() - timedelta(seconds=10)}
        await check(town, checked)
        (gone,) = await town.opened.epochs.find(checked[1], [checked[1].shard.person(subject(2))])
        assert not isinstance(gone, Presence)
        await check(town, await epochs_of(town.opened).checked([AUDITOR.cosigner]))
        await check(town, await town.opened.epochs.make(town.clock.now()))

    async def test_an_older_index_does_not_replace_a_later_one_in_the_cache(self, town: Town) -> None:
        """Whoever asks as of the auditor's epoch leaves the newest at hand for whoever asks as of now."""
        for one in await town.opened.epochs.make(town.clock.now()):
            await cosigned(town, one)
        (position,) = await tell(town, 1)
        await town.opened.epochs.make(town.clock.now())
        await epochs_of(town.opened).checked([AUDITOR.cosigner])
        kept = IndexFiles(town.root / "data/index").read(position.origin)
        assert kept is not None
        assert kept.lines == position.index + 1

    async def test_unchecked_is_no_answer(self, town: Town) -> None:
        """By nobody; by another; for one shard of two; for a witness's look at the log: the shard is named."""
        (first, second) = await town.opened.epochs.make(town.clock.now())
        await cosigned(town, first)
        await cosigned(town, second, OTHER)
        await cosigned(town, second, AUDITOR, Tree.LOG)
        for by in ([], [OTHER.cosigner], [AUDITOR.cosigner]):
            with pytest.raises(Unchecked) as raised:
                await town.opened.epochs.checked(by)
            assert raised.value.where.startswith("auditor of musterstadt.example/")
        checked = await town.opened.epochs.checked([AUDITOR.cosigner, OTHER.cosigner])
        assert [split(one.output)[0] for one in checked] == [split(first.output)[0], split(second.output)[0]]

    async def test_a_signature_that_does_not_hold_checks_nothing(self, town: Town) -> None:
        """Kept under the auditor's key, made by another's."""
        for one in await town.opened.epochs.make(town.clock.now()):
            await cosigned(town, one, OTHER, claims=AUDITOR.cosigner)
        with pytest.raises(Unchecked):
            await town.opened.epochs.checked([AUDITOR.cosigner])

    async def test_a_closed_shard_has_to_be_checked_to_its_end(self, town: Town) -> None:
        """A cosignature from before its last line does not reach."""
        for one in await town.opened.epochs.make(town.clock.now()):
            await cosigned(town, one)
        await tell(town, 1)
        town.clock.passes(days=30)
        found = await town.opened.epochs.make(town.clock.now())
        for one in (found[0], found[1], found[3]):
            await cosigned(town, one)
        with pytest.raises(Unchecked) as raised:
            await town.opened.epochs.checked([AUDITOR.cosigner])
        assert raised.value.where == "auditor of musterstadt.example/24m/2026-11"
        await cosigned(town, found[2])
        await check(town, await town.opened.epochs.checked([AUDITOR.cosigner]))
