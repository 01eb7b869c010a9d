"""What is held against what before a head is signed (LOG.md 2, 9)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Any

import pytest

from adapters.clock import SystemIds
from gateway.audit import tree
from gateway.audit.note import Checkpoint, parse_checkpoint, sign, split
from gateway.audit.shard import ShardKeys, index_origin
from gateway.errors import JournalUnavailable
from gateway.journal.guard import BEHIND, OTHER, Restored
from gateway.journal.signing import Signing
from gateway.ports import Head, Shard

ORIGIN = "musterstadt.example/24m/2026-11"
KEYS = ShardKeys.generate(ORIGIN, SystemIds().random)


class Keeper:
    """Port `CheckpointKeeper` in memory; the larger one stays."""

    def __init__(self) -> None:
        self.notes: dict[str, str] = {}
        self.broken = False

    def read(self, origin: str) -> str | None:
        return self.notes.get(origin)

    def origins(self) -> Sequence[str]:
        return sorted(self.notes)

    def keep(self, origin: str, note: str) -> None:
        if self.broken:
            raise JournalUnavailable("checkpoint file")
        if origin not in self.notes or size(self.notes[origin]) < size(note):
            self.notes[origin] = note

    def flush(self) -> None: ...


class Log:
    """A `JournalStore` that has one log, as far as it is asked for proofs; it counts them."""

    def __init__(self, leaves: int, kind: bytes = b"leaf") -> None:
        self.hashes = [sha256(kind + bytes([at])).digest() for at in range(leaves)]
        self.proofs = 0
        self.meanwhile: Callable[[], None] | None = None

    def head(self, size: int) -> Head:
        return Head(ORIGIN, size, tree.root(self.hashes[:size]))

    def note(self, size: int) -> str:
        head = self.head(size)
        return sign(Checkpoint(ORIGIN, head.size, head.root).text, KEYS.log)

    def shard(self, size: int, *, closed: bool = False) -> Shard:
        return Shard(self.head(size), "24m", closed, b"sealed")

    async def consistency(self, origin: str, older: int, newer: int) -> Sequence[bytes]:
        self.proofs += 1
        if self.meanwhile is not None:
            happens, self.meanwhile = self.meanwhile, None
            happens()
        if newer > len(self.hashes):
            raise ValueError
        tiles = {
            (one.level, one.number): one.hashes for one in tree.append(tree.EMPTY_EDGE, self.hashes).tiles
        }
        return tree.consistency(lambda level, n, width: tiles[level, n][: width * 32], older, newer)


def size(note: str) -> int:
    return parse_checkpoint(split(note)[0]).size


def begun(log: Log, signed: Log | None = None, upto: int = 0) -> tuple[Signing, Keeper]:
    """Out: who signs, where so much of that log was signed before by others."""
    keeper = Keeper()
    if signed is not None:
        keeper.notes[ORIGIN] = signed.note(upto)
    store: Any = log
    return Signing(store, keeper), keeper


class TestCommitted:
    async def test_one_s_own_heads_need_no_proof_of_each_other(self) -> None:
        """In whatever order they are signed; the largest one is kept."""
        log = Log(20)
        signing, keeper = begun(log)
        for at in (1, 2, 5, 4, 9, 9):
            assert await signing.committed(log.head(at), KEYS) == log.note(at)
        assert (log.proofs, keeper.notes[ORIGIN]) == (0, log.note(9))

    async def test_what_others_signed_is_proved_once(self) -> None:
        """Smaller than one's own."""
        log = Log(20)
        signing, _ = begun(log, log, 5)
        for at in range(6, 12):
            await signing.committed(log.head(at), KEYS)
        assert log.proofs == 1

    async def test_what_others_signed_ahead_stays_kept(self) -> None:
        """A head that others have gone on from is signed as well."""
        log = Log(20)
        signing, keeper = begun(log, log, 12)
        assert await signing.committed(log.head(7), KEYS) == log.note(7)
        assert keeper.notes[ORIGIN] == log.note(12)
        assert await signing.committed(log.head(13), KEYS) == log.note(13) == keeper.notes[ORIGIN]
        assert log.proofs == 2

    @pytest.mark.parametrize(("at", "why"), [(7, OTHER), (12, OTHER), (15, OTHER)])
    async def test_what_others_signed_otherwise_is_not_signed_beside(self, at: int, why: str) -> None:
        """Smaller, as large, larger: the note that was kept stays."""
        log, other = Log(20), Log(20, b"other")
        signing, keeper = begun(log, other, 12)
        with pytest.raises(Restored) as refused:
            await signing.committed(log.head(at), KEYS)
        assert (refused.value.why, keeper.notes[ORIGIN]) == (why, other.note(12))

    async def test_a_log_that_is_shorter_than_what_was_signed_is_behind(self) -> None:
        """There is nothing to prove it from."""
        log = Log(20)
        signing, _ = begun(Log(11), log, 12)
        with pytest.raises(Restored, match=BEHIND):
            await signing.committed(log.head(11), KEYS)

    async def test_a_head_that_was_only_read_vouches_for_no_line(self) -> None:
        """Signed as it was stored, by this process: what its own lines make is proved against it."""
        log = Log(20)
        signing, keeper = begun(log)
        await signing.committed(log.head(5), KEYS)
        await signing.stored(log.shard(8), KEYS)
        log.hashes[6] = bytes(32)
        with pytest.raises(Restored, match=OTHER):
            await signing.committed(log.head(9), KEYS)
        assert size(keeper.notes[ORIGIN]) == 8

    async def test_what_could_not_be_kept_was_not_signed(self) -> None:
        """Asked again, it fails again, until it can be."""
        log = Log(20)
        signing, keeper = begun(log)
        keeper.broken = True
        for _ in range(2):
            with pytest.raises(JournalUnavailable):
                await signing.committed(log.head(3), KEYS)
        keeper.broken = False
        assert await signing.committed(log.head(3), KEYS) == keeper.notes[ORIGIN]

    async def test_the_index_s_checkpoint_is_kept_with_the_first(self) -> None:
        """Of no epoch: one that is missing later was lost. Not, where a line of the shard was signed before."""
        log = Log(3)
        signing, keeper = begun(log)
        await signing.committed(log.head(1), KEYS)
        await signing.committed(log.head(2), KEYS)
        assert size(keeper.notes[index_origin(ORIGIN)]) == 0
        signing, keeper = begun(log, log, 1)
        await signing.committed(log.head(1), KEYS)
        assert index_origin(ORIGIN) not in keeper.notes


class TestStored:
    async def test_an_open_shard_is_proved_whenever_it_has_grown(self) -> None:
        """As large as what was signed it costs no proof."""
        log = Log(20)
        signing, _ = begun(log, log, 5)
        for at, proofs in ((5, 0), (7, 1), (7, 1), (9, 2)):
            await signing.stored(log.shard(at), KEYS)
            assert log.proofs == proofs

    async def test_a_closed_one_is_sound_by_its_head(self) -> None:
        """It is looked at once; another one of its name and size is not it."""
        log, other = Log(20), Log(20, b"other")
        signing, keeper = begun(log, log, 9)
        await signing.stored(log.shard(9, closed=True), KEYS)
        assert signing.sound == {log.head(9)}
        with pytest.raises(Restored, match=OTHER):
            await signing.stored(other.shard(9, closed=True), KEYS)
        assert signing.sound == {log.head(9)}
        assert keeper.notes[ORIGIN] == log.note(9)

    async def test_what_a_restore_has_left_is_signed_as_it_was_found(self) -> None:
        """Less than was signed, and believed when the house was opened; nothing else of that shard."""
        log, other = Log(9), Log(9, b"other")
        signing, keeper = begun(log, Log(20), 12)
        signing.sound.add(log.head(9))
        assert await signing.stored(log.shard(9, closed=True), KEYS) == log.note(9)
        for shard in (other.shard(9, closed=True), log.shard(8, closed=True)):
            with pytest.raises(Restored, match=BEHIND):
                await signing.stored(shard, KEYS)
        assert size(keeper.notes[ORIGIN]) == 12

    async def test_what_is_signed_during_the_proof_is_held_against_it_too(self) -> None:
        """Somebody signs another log in between: that one was first, and this is refused."""
        log, other = Log(20), Log(20, b"other")
        other.hashes[:5] = log.hashes[:5]
        signing, keeper = begun(log, log, 5)
        log.meanwhile = lambda: keeper.keep(ORIGIN, other.note(8))
        with pytest.raises(Restored, match=OTHER):
            await signing.stored(log.shard(9), KEYS)
        assert keeper.notes[ORIGIN] == other.note(8)
