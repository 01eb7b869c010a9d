"""Signed heads of a shard's two trees, and what others cosigned of them, against the trees (LOG.md 2, 9, 10)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Final

from gateway.audit.note import (
    Checkpoint,
    KeyType,
    NoteInvalid,
    Verifier,
    open_checkpoint,
    open_note,
    parse_checkpoint,
    parse_vkey,
    split,
)
from gateway.audit.shard import index_origin
from gateway.audit.verify.stored.columns import CheckpointRow, CosignatureRow, Wrong
from gateway.audit.verify.stored.truth import PlainTree, TileTree

_LOG: Final = "log"
_INDEX: Final = "index"
_KEPT: Final = "checkpoint"


def check_heads(
    origin: str,
    rows: Iterable[CheckpointRow],
    key: Verifier,
    root: Callable[[int], bytes | None],
    size: int,
    lost: int = 0,
) -> Iterator[Wrong]:
    """Out: the kept checkpoints that are not signed by their tree's key, or not of this tree.

    In: the shard; of which tree: its key, its roots, its size; the size up to which the log says it was lost.
    """
    for row in rows:
        name = f"{origin} {row.size}"
        try:
            checkpoint, _ = open_checkpoint(row.note, key)
        except NoteInvalid as wrong:
            yield Wrong(row.table, name, "note", str(wrong))
            continue
        if checkpoint.size != row.size:
            yield Wrong(row.table, name, "size", "not the size in the note")
        if size < checkpoint.size <= lost:
            continue
        if checkpoint.size > size:
            table, column, things = (
                ("shard", "size", "lines") if key.name == origin else ("epoch", "number", "epochs")
            )
            yield Wrong(table, origin, column, f"behind a signed checkpoint of {checkpoint.size} {things}")
        elif checkpoint.root != root(checkpoint.size):
            yield Wrong(row.table, name, "note", "the signed root is not that of the leaves")


def check_roots(
    origin: str, rows: Iterable[CheckpointRow], root: Callable[[int], bytes | None], size: int
) -> Iterator[Wrong]:
    """Out: the kept checkpoints that are not of this tree, whoever signed them: nothing names the keys any more."""
    for row in rows:
        try:
            checkpoint = parse_checkpoint(split(row.note)[0])
        except NoteInvalid as wrong:
            yield Wrong(row.table, f"{origin} {row.size}", "note", str(wrong))
            continue
        said = (checkpoint.origin, checkpoint.size, checkpoint.root)
        if checkpoint.size > size or said != (origin, row.size, root(checkpoint.size)):
            yield Wrong(row.table, f"{origin} {row.size}", "size, note", "not a head of this tree")


def check_kept(origin: str, rows: Iterable[CheckpointRow], sizes: Collection[int]) -> Iterator[Wrong]:
    """Out: the checkpoints that are kept for good and are not there. In: of which sizes: every epoch's, the closing."""
    kept = {row.size for row in rows if row.table == _KEPT}
    for size in sorted(set(sizes) - kept):
        yield Wrong(
            "checkpoint", f"{origin} {size}", "size", "the checkpoint of an epoch or of the end is missing"
        )


def check_cosignatures(
    origin: str, rows: Iterable[CosignatureRow], grown: TileTree, size: int, outputs: PlainTree
) -> Iterator[Wrong]:
    """Out: the cosignatures that do not hold over the checkpoint of their size. In: the two trees."""
    for row in rows:
        key = f"{origin} {row.log} {row.size} {row.vkey}"
        if row.log not in (_LOG, _INDEX):
            yield Wrong("cosignature", key, "log", "there is no such tree")
            continue
        most = size if row.log == _LOG else outputs.size
        if not 0 <= row.size <= most:
            yield Wrong("cosignature", key, "size", f"the tree was never larger than {most}")
            continue
        name = origin if row.log == _LOG else index_origin(origin)
        root = grown.root(row.size) if row.log == _LOG else outputs.root(row.size)
        found = _cosigned(row, Checkpoint(name, row.size, root or b"").text)
        if found is not None:
            yield Wrong("cosignature", key, *found)


def _cosigned(row: CosignatureRow, text: str) -> tuple[str, str] | None:
    """Out: column and what is wrong; None when the signature holds over that checkpoint."""
    try:
        verifier = parse_vkey(row.vkey)
    except NoteInvalid as wrong:
        return "vkey", str(wrong)
    if verifier.type is not KeyType.COSIGNATURE_V1:
        return "vkey", "not the key of a witness or auditor"
    try:
        opened = open_note(f"{text}\n{row.line}", [verifier])
    except NoteInvalid as wrong:
        return "log, size, vkey, line", f"over the checkpoint of that size: {wrong}"
    return None if opened.text == text else ("line", "not a signature line")
