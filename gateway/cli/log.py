"""`einmal log`: the head, a proof for anyone's verifier, and the check of every stored column."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from gateway import assembly
from gateway.audit import proof
from gateway.audit.verify.stored.columns import LogReport
from gateway.cli import (
    auditing,
    console,
    cosigned,
    holds,
    reconciling,
    restoring,
    retention,
    roles,
    tiles,
    watching,
    witnessing,
)
from gateway.journal.shards import OpenShard
from gateway.ports import Head
from gateway.stages import Position
from gateway.views.export import tlog_proof_name

Origin: TypeAlias = Annotated[
    str | None, typer.Option(metavar="O", help="Which shard; default: the newest of the default class.")
]


def register(app: typer.Typer) -> None:
    group = typer.Typer(
        help="The log: its head, proofs, its check.", no_args_is_help=True, cls=roles.LogCommands
    )
    group.command("head")(head)
    group.command("prove")(prove)
    group.command("verify")(verify)
    watching.register(group)
    restoring.register(group)
    tiles.register(group)
    auditing.register(group)
    cosigned.register(group)
    witnessing.register(group)
    reconciling.register(group)
    retention.register(group)
    holds.register(group)
    app.add_typer(group, name="log")


def head(origin: Origin = None, home: console.Home = console.HERE, as_json: console.Json = False) -> None:
    """The signed checkpoint."""
    vkey, (shard, committed, note) = asyncio.run(_head(home, origin))
    if as_json:
        console.as_json(
            {
                "authority_vkey": vkey,
                "log_vkey": shard.keys.public.log.vkey,
                "origin": shard.origin,
                "checkpoint": note,
                "size": committed.size,
            }
        )
    else:
        console.raw(note)


def prove(
    index: Annotated[int, typer.Argument(metavar="N", min=0, help="The line's index in its shard.")],
    origin: Origin = None,
    out: Annotated[
        Path | None, typer.Option(help="A folder for the leaf and the .tlog-proof as files.", metavar="DIR")
    ] = None,
    home: console.Home = console.HERE,
    as_json: console.Json = False,
) -> None:
    """A line's leaf and .tlog-proof, for any C2SP verifier."""
    shard, leaf, text = asyncio.run(_prove(home, origin, index))
    if out is not None:
        name = tlog_proof_name(shard.origin, index)
        out.mkdir(parents=True, exist_ok=True)
        (out / name).write_text(text, "utf-8")
        (out / name).with_suffix(".leaf").write_bytes(leaf)
    encoded = b64encode(leaf).decode()
    if as_json:
        console.as_json(
            {
                "origin": shard.origin,
                "index": index,
                "leaf": encoded,
                "proof": text,
                "log_vkey": shard.keys.public.log.vkey,
            }
        )
    else:
        console.raw(f"{encoded}\n\n{text}")


def verify(home: console.Home = console.HERE, as_json: console.Json = False) -> None:
    """Check every line that is stored, and name what differs.

    Every derived column is computed again from the leaves, and the index of every epoch; what others cosigned is held
    against it.
    """
    now = assembly.now()
    reports = assembly.verify_log(home, now)
    if as_json:
        console.as_json([_facts(report) for report in reports])
    else:
        for report in reports:
            _tell(report)
        lines = sum(report.lines for report in reports)
        console.say(f"{console.count(lines, 'line')} checked in {console.count(len(reports), 'shard')}.")
        console.say(f"As they stood on {now:%Y-%m-%d at %H:%M:%S} UTC.")
    if not all(report.holds for report in reports):
        console.no()


def _tell(report: LogReport) -> None:
    state = "holds" if report.holds else console.count(len(report.wrong), "wrong place")
    parts = ["destroyed in its time" if report.destroyed else console.count(report.lines, "line")]
    if report.erased:
        parts.append(f"{report.erased:,} erased")
    if report.epochs or report.cosignatures:
        parts += [console.count(report.epochs, "epoch"), console.count(report.cosignatures, "cosignature")]
    style = "green" if report.holds else "red"
    console.say(report.origin, style)
    console.prose(f"  {', '.join(parts)}: {state}", style)
    for wrong in report.wrong:
        console.prose(f"  {wrong.told}")
    for lost in report.lost:
        console.prose(f"  lines lost in a restore: {lost}", "yellow")


def _facts(report: LogReport) -> dict[str, object]:
    return {
        "origin": report.origin,
        "lines": report.lines,
        "opened": report.opened,
        "erased": report.erased,
        "destroyed": report.destroyed,
        "epochs": report.epochs,
        "cosignatures": report.cosignatures,
        "holds": report.holds,
        "lost": list(report.lost),
        "wrong": [{"table": w.table, "key": w.key, "column": w.column, "text": w.text} for w in report.wrong],
    }


async def _head(home: Path, origin: str | None) -> tuple[str, tuple[OpenShard, Head, str]]:
    async with await assembly.open_house(home) as opened:
        return opened.keys.identity_vkey, await _shard(opened, origin)


async def _prove(home: Path, origin: str | None, index: int) -> tuple[OpenShard, bytes, str]:
    async with await assembly.open_house(home) as opened:
        shard, committed, note = await _shard(opened, origin)
        position = Position(shard.origin, index)
        stored = await opened.store.line(position) if index < committed.size else None
        if stored is None:
            console.usage(f"{shard.origin} has {committed.size} lines: an index is less than that")
        (path,) = await opened.store.inclusions(shard.origin, [index], committed.size)
        return shard, stored.line.leaf, proof.TlogProof(index, tuple(path), note).render()


async def _shard(opened: assembly.Opened, origin: str | None) -> tuple[OpenShard, Head, str]:
    found = {shard.origin: (shard, head, note) for shard, head, note in await opened.shards.headed()}
    wanted = origin or _newest(opened, list(found))
    if wanted not in found:
        console.usage(f"no shard {wanted!r}; there are: {', '.join(found)}")
    return found[wanted]


def _newest(opened: assembly.Opened, origins: list[str]) -> str:
    """Out: the last one of the default class; the store gives them oldest first within a class."""
    middle = f"/{opened.home.settings.log.default_class}/"
    return [origin for origin in origins if middle in origin][-1]
