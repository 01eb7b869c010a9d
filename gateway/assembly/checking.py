"""The check of a whole log as it is stored: the store is believed in nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from adapters.keys import FileKeys
from adapters.storage.checkpoints import CheckpointFiles, tree_size
from adapters.storage.columns import open_columns
from adapters.storage.judging import milliseconds
from adapters.storage.saving import form_name
from gateway import jws, records
from gateway.assembly.parts import CHECKPOINTS, storage_url
from gateway.assembly.policies import unsealed
from gateway.assembly.tools import open_keys
from gateway.audit.note import parse_vkey
from gateway.audit.record import to_bytes
from gateway.audit.verify.books import Books, House, check_books
from gateway.audit.verify.columns import CheckpointRow, LogReport, PublicKeys, StoredLog, Wrong
from gateway.audit.verify.log import verify_log as check_log
from gateway.audit.verify.releases import OpenedRelease, ReleaseRow
from gateway.config.home import load_settings
from gateway.errors import Fault, JournalUnavailable
from gateway.journal import exempt, outbox
from gateway.journal.shards import shard_keys


def verify_log(root: Path) -> tuple[LogReport, ...]:
    """Check every shard as it is stored; the store is believed in nothing. Raises: ConfigurationFault, Fault."""
    keys, url = open_keys(root), storage_url(root, load_settings(root))
    outside = _outside(root, url)
    with open_columns(url) as columns:
        shards = columns.shards()
        reports: list[LogReport] = []
        for at, shard in enumerate(shards):
            first = at == 0 or shards[at - 1].retention != shard.retention
            last = at + 1 == len(shards) or shards[at + 1].retention != shard.retention
            public, wrong = _public(columns.secrets(shard.origin), shard.origin, keys)
            checkpoints = list(columns.checkpoints(shard.origin))
            if (kept := outside.get(shard.origin)) is not None:
                checkpoints.append(kept)
            log = StoredLog(
                shard=shard,
                lines=columns.lines(shard.origin),
                tiles=columns.tiles(shard.origin),
                checkpoints=checkpoints,
                keys=public,
                previous=None if first else reports[-1].head,
                followed=not last,
                terminals=columns.terminals(shard.origin),
            )
            report = check_log(log, parse_vkey(keys.identity_vkey))
            reports.append(replace(report, wrong=(*report.wrong, *wrong)))
        strays = tuple(columns.strays())
        beside = check_books(_readable(columns.books(), keys), _house(keys))
    if strays:
        reports.append(LogReport("(no shard)", 0, 0, 0, "", strays))
    if beside:
        reports.append(LogReport("(beside the lines)", 0, 0, 0, "", tuple(beside)))
    return tuple(reports)


def _outside(root: Path, url: str) -> Mapping[str, CheckpointRow]:
    """Out: the kept checkpoints. Read before the columns, which others may be adding to: a note read later could
    be ahead of them without anything being wrong."""
    with open_columns(url) as columns:
        origins = [shard.origin for shard in columns.shards()]
    files = CheckpointFiles(root / CHECKPOINTS)
    found: dict[str, CheckpointRow] = {}
    try:
        for origin in origins:
            try:
                note = files.read(origin)
            except JournalUnavailable:  # a file that holds none: the check says so
                found[origin] = CheckpointRow(0, "", CHECKPOINTS)
            else:
                if note is not None:
                    found[origin] = CheckpointRow(tree_size(note), note, CHECKPOINTS)
    finally:
        files.close()
    return found


def _house(keys: FileKeys) -> House:
    """Out: what the check of the tables needs of the house's own keys."""

    def reply(exchange: str, sealed: bytes) -> str | None:
        try:
            return jws.digest(outbox.unseal(sealed, exchange, keys).body)
        except (Fault, ValueError):
            return None

    def release(row: ReleaseRow) -> OpenedRelease | None:
        try:
            kept = exempt.unseal(row.exchange, row.sealed, keys)
        except (Fault, ValueError):
            return None
        events = tuple(to_bytes(event) for _, event in kept.lines)
        return OpenedRelease(milliseconds(kept.due), kept.retention, events)

    return House(reply, release, _vouched(keys), form_name)


def _vouched(keys: FileKeys) -> Callable[[str, bytes], bool]:
    """Out: how the check judges the receipt over a step of a record."""
    find = records.own_key(keys.gateway)

    def vouched(receipt: str, body: bytes) -> bool:
        try:
            return jws.verify_compact(receipt, records.RECORD_TYPE, find) == body
        except jws.SignatureInvalid:
            return False

    return vouched


def _public(sealed: bytes | None, origin: str, keys: FileKeys) -> tuple[PublicKeys | None, tuple[Wrong, ...]]:
    if sealed is None:
        return None, ()
    try:
        public = shard_keys(origin, sealed, keys).public
    except (Fault, ValueError):
        return None, (Wrong("shard", origin, "secrets", "can't be opened with this home's master key"),)
    return PublicKeys(public.log.vkey, public.index.vkey, public.vrf), ()


def _readable(books: Books, keys: FileKeys) -> Books:
    """Out: the same books, archived policies opened; one that isn't the house's own is left as it is, and named."""

    def opened(digest: str, kept: bytes) -> bytes:
        try:
            return unsealed(digest, kept, keys)[1]
        except Fault:
            return kept

    return replace(books, policies=[(digest, opened(digest, kept)) for digest, kept in books.policies])
