"""What is kept of the log outside its database: read for the check, and held against which shards there are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from adapters.storage.checkpoints import CheckpointFiles, tree_size
from adapters.storage.columns import open_columns
from adapters.storage.dialect import Url
from gateway.assembly.parts import CHECKPOINTS
from gateway.audit.losses import Losses
from gateway.audit.shard import Origin, index_origin
from gateway.audit.verify.stored.columns import CheckpointRow, ShardRow, Wrong
from gateway.errors import JournalUnavailable
from gateway.journal.guard import GONE, UNKEPT


@dataclass(frozen=True, slots=True)
class Outside:
    """The last signed checkpoint of each log and of each output log, by origin, also of those that are gone."""

    kept: Mapping[str, tuple[CheckpointRow, ...]]

    def of(self, origin: str) -> tuple[CheckpointRow, ...]:
        """Out: what is kept of that log; nothing, or one."""
        return self.kept.get(origin, ())

    def wrong(
        self, shards: Sequence[ShardRow], by: tuple[int, int], losses: Sequence[Losses]
    ) -> Iterator[Wrong]:
        """Out: the shards of which no checkpoint is kept, and the kept ones of which there is no shard. In: the newest
        month that the log has reached; what its lines say was lost in restores."""
        for shard in shards:
            if not shard.closed and shard.size > 1 and not self.of(shard.origin):
                yield Wrong(CHECKPOINTS, shard.origin, "note", UNKEPT)
        for name in sorted(self.kept.keys() - {shard.origin for shard in shards}):
            gone = _read(name)
            if gone is None or gone.is_gone(by):  # or an output log's, which goes with its shard
                continue
            size = max((row.size for row in self.of(name)), default=0)
            spans = [span for one in losses if (span := one.lines(name)) is not None]
            if not any(start == 0 and stop >= size for start, stop in spans):
                yield Wrong("shard", name, "origin", GONE)


def read_outside(root: Path, url: Url) -> Outside:
    """Out: what is kept. To be read before the columns, which others may be adding to: a note read later could be ahead
    of them without anything being wrong."""
    with open_columns(url) as columns:
        origins = [name for shard in columns.shards() for name in (shard.origin, index_origin(shard.origin))]
    files = CheckpointFiles(root / CHECKPOINTS)
    try:
        return Outside({origin: _kept(files, origin) for origin in {*origins, *files.origins()}})
    finally:
        files.close()


def _kept(files: CheckpointFiles, origin: str) -> tuple[CheckpointRow, ...]:
    try:
        note = files.read(origin)
    except JournalUnavailable:  # a file that holds none: the check says so
        return (CheckpointRow(0, "", CHECKPOINTS),)
    return (CheckpointRow(tree_size(note), note, CHECKPOINTS),) if note is not None else ()


def _read(name: str) -> Origin | None:
    try:
        return Origin.parse(name)
    except ValueError:
        return None
