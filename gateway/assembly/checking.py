"""The check of a whole log as it is stored: the store is believed in nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, time
from itertools import islice
from pathlib import Path

from adapters.keys import FileKeys
from adapters.storage.columns import LogColumns, open_columns
from adapters.storage.judging import milliseconds, moment
from adapters.storage.saving import form_name
from gateway import jws, records
from gateway.assembly.outside import read_outside
from gateway.assembly.parts import CHECKPOINTS
from gateway.assembly.policies import unsealed
from gateway.assembly.storage import storage_url
from gateway.assembly.tools import open_keys
from gateway.audit import labels
from gateway.audit.losses import NOTHING, Losses, head_after, own_losses
from gateway.audit.note import NoteInvalid, split
from gateway.audit.record import to_bytes
from gateway.audit.retention import Rule
from gateway.audit.shard import Origin, ShardKeys, index_origin
from gateway.audit.verify.erasures import Erasures, Month, Told
from gateway.audit.verify.stored.books import check_books
from gateway.audit.verify.stored.columns import LogReport, PublicKeys, ShardRow, StoredLog, Wrong
from gateway.audit.verify.stored.holding import HeldRow, HoldRow
from gateway.audit.verify.stored.log import verify_log as check_log
from gateway.audit.verify.stored.releases import OpenedRelease, ReleaseRow
from gateway.audit.verify.stored.tables import Books, House
from gateway.config.home import load_settings
from gateway.config.settings import Einmal
from gateway.errors import Fault
from gateway.journal import exempt, outbox
from gateway.journal.guard import UNKEPT
from gateway.journal.shards import shard_keys
from gateway.keeping.holding import open_hold, open_part
from gateway.ports.retention import StoredHold


def verify_log(root: Path, now: datetime | None = None) -> tuple[LogReport, ...]:
    """Check every shard as it is stored; the store is believed in nothing. In: by what clock an epoch is dated ahead,
    None: by none. Raises: ConfigurationFault, Fault."""
    settings = load_settings(root)
    keys, url = open_keys(root), storage_url(root, settings)
    outside = read_outside(root, url)
    with open_columns(url) as columns:
        shards = columns.shards()
        own = {one.origin: _own(columns.secrets(one.origin), one.origin, keys) for one in shards}
        seals = {origin: one.seal if one is not None else None for origin, one in own.items()}
        newest = _reached(shards, seals)
        erasures = _erasures(columns, shards, seals, settings, newest)
        told = [_losses(columns, shard.origin, seals[shard.origin]) for shard in shards]
        # What was lost in a restore is told as long as its shard has keys: after that nothing knows of it but the kept
        # checkpoint, and the link of the shard that followed.
        over = [erasures[one.origin].destroyed and columns.secrets(one.origin) is None for one in shards]
        reports: list[LogReport] = []
        for at, shard in enumerate(shards):
            first = at == 0 or shards[at - 1].retention != shard.retention
            last = at + 1 == len(shards) or shards[at + 1].retention != shard.retention
            wrong = _unopened(columns.secrets(shard.origin), own[shard.origin], shard.origin, erasures)
            kept = [row for row in outside.of(shard.origin) if not over[at] or row.size <= shard.size]
            checkpoints = [*columns.checkpoints(shard.origin), *kept]
            log = StoredLog(
                shard=shard,
                lines=columns.lines(shard.origin),
                tiles=columns.tiles(shard.origin),
                checkpoints=checkpoints,
                keys=_public(own[shard.origin]),
                previous=None
                if first
                else head_after(reports[-1].head, *told[at], newest if over[at - 1] else None),
                followed=not last,
                terminals=columns.terminals(shard.origin),
                epochs=columns.epochs(shard.origin),
                labels=columns.labels(shard.origin),
                cosignatures=columns.cosignatures(shard.origin),
                outputs=outside.of(index_origin(shard.origin)),
                seal=seals[shard.origin],
                erasures=erasures[shard.origin],
                lost=max(
                    (span for _, losses in told if (span := losses.lines(shard.origin))),
                    key=lambda span: span[1],
                    default=None,
                ),
                index_lost=any(losses.unproved(shard.origin) for _, losses in told),
            )
            report = check_log(log, keys.identity, now)
            if report.epochs and not log.outputs and not log.index_lost:
                wrong = (*wrong, Wrong(CHECKPOINTS, index_origin(shard.origin), "note", UNKEPT))
            reports.append(replace(report, wrong=(*report.wrong, *wrong), lost=told[at][1].told))
        strays = (*columns.strays(), *outside.wrong(shards, newest, [losses for _, losses in told]))
        gone = any(erased.destroyed for erased in erasures.values())
        books = _readable(columns.books(), keys)
        books = replace(books, gone=gone, house=_house_rule(settings), rules=settings.rules)
        beside = [*check_books(books, _house(keys, seals)), *columns.wrong, *columns.damage()]
    if strays:
        reports.append(LogReport("(no shard)", 0, 0, 0, "", strays))
    if beside:
        reports.append(LogReport("(beside the lines)", 0, 0, 0, "", tuple(beside)))
    return tuple(reports)


def _house(keys: FileKeys, seals: Mapping[str, bytes | None]) -> House:
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

    def hold(row: HoldRow) -> bool:
        try:
            day = moment(row.until).date()
            open_hold(StoredHold(row.hold, moment(row.placed), day, row.sealed), keys)
        except (Fault, ValueError, OverflowError):
            return False
        return milliseconds(datetime.combine(day, time(), UTC)) == row.until

    def held(row: HeldRow) -> bool:
        try:
            open_part(row.hold, row.origin, row.sealed, keys)
        except (Fault, ValueError):
            return False
        return True

    return House(reply, release, _vouched(keys), form_name, hold, held, seals.get)


def _vouched(keys: FileKeys) -> Callable[[str, bytes, str | None], bool]:
    """Out: how the check judges the receipt over a step of a record."""
    return lambda receipt, body, told: records.vouched(
        receipt, body, keys.find, datetime.fromisoformat(told) if told else None
    )


def _own(sealed: bytes | None, origin: str, keys: FileKeys) -> ShardKeys | None:
    """Out: a shard's keys; None once they are destroyed, and where they can't be opened."""
    try:
        return shard_keys(origin, sealed, keys) if sealed is not None else None
    except (Fault, ValueError):
        return None


def _public(own: ShardKeys | None) -> PublicKeys | None:
    if own is None:
        return None
    return PublicKeys(own.public.log.vkey, own.public.index.vkey, own.public.vrf)


def _unopened(
    sealed: bytes | None, own: ShardKeys | None, origin: str, erasures: Mapping[str, Erasures]
) -> tuple[Wrong, ...]:
    """Out: what is wrong with a shard's secrets."""
    if sealed is None and not erasures[origin].destroyed:
        told = "gone, and no line says that they were destroyed in their time"
        return (Wrong("shard", origin, "secrets", told),)
    if sealed is not None and own is None:
        return (Wrong("shard", origin, "secrets", "can't be opened with this home's master key"),)
    return ()


def _losses(columns: LogColumns, origin: str, seal: bytes | None) -> tuple[str | None, Losses]:
    """Out: the checkpoint text that the shard's leaf 0 says it follows, and what its line 1 says was lost. Neither is
    believed before the shard itself is checked."""
    first = list(islice(columns.lines(origin), 2))
    previous = None
    if first and first[0].event is not None:
        try:
            note = json.loads(first[0].event).get("previous")
            previous = split(note)[0] if isinstance(note, str) else None
        except (ValueError, AttributeError, RecursionError, NoteInvalid):
            previous = None
    if len(first) < 2 or first[1].idx != 1:
        return previous, NOTHING
    return previous, own_losses(origin, first[1].leaf, first[1].salt, first[1].event, seal)


def _erasures(
    columns: LogColumns,
    shards: Sequence[ShardRow],
    seals: Mapping[str, bytes | None],
    settings: Einmal,
    newest: Month,
) -> Mapping[str, Erasures]:
    """Out: what the lines about the house say was erased, by shard. They are the default class's."""
    told = Told()
    for shard in shards:
        origin = shard.origin
        told.hear(origin, columns.labelled(origin, labels.system(origin)), seals[origin])
    rule = _house_rule(settings)
    kept = rule.months if rule is not None else None
    return {one.origin: told.of(one.origin, one.size, kept, newest) for one in shards}


def _reached(shards: Sequence[ShardRow], seals: Mapping[str, bytes | None]) -> Month:
    """Out: the newest month of which the house has opened a shard, by its keys: nobody else makes a later one."""
    newest = (0, 0)
    for shard in shards:
        if seals[shard.origin] is not None:
            with suppress(ValueError):  # the check says so
                newest = max(newest, Origin.parse(shard.origin).month_number)
    return newest


def _house_rule(settings: Einmal) -> Rule | None:
    """Out: how long lines about the house are kept: those of the default class."""
    return next((rule for rule in settings.rules if rule.retention == settings.log.default_class), None)


def _readable(books: Books, keys: FileKeys) -> Books:
    """Out: the same books, archived policies opened; one that isn't the house's own is left as it is, and named."""

    def opened(digest: str, kept: bytes) -> bytes:
        try:
            return unsealed(digest, kept, keys)[1]
        except Fault:
            return kept

    return replace(books, policies=[(digest, opened(digest, kept)) for digest, kept in books.policies])
