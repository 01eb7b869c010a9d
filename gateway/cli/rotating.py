"""`einmal keys rotate`: every key of the house followed by another one, what was made with it still valid."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from gateway import assembly
from gateway.assembly import MasterRotated
from gateway.audit.note import parse_vkey
from gateway.cli import console

Out = TypeVar("Out")


class What(StrEnum):
    """Which key."""

    GATEWAY = "gateway"
    ENCRYPTION = "encryption"
    LOG = "log"
    IDENTITY = "identity"
    MASTER = "master"


def register(group: typer.Typer) -> None:
    group.command("rotate")(rotate)


def rotate(
    what: Annotated[
        What,
        typer.Argument(
            metavar="WHAT",
            help="gateway (replies, receipts, records) · encryption (what consumers encrypt to) · "
            "log (log, index, labels of a class) · identity · master",
        ),
    ],
    retention: Annotated[
        list[str] | None,
        typer.Option(
            "--class", metavar="CLASS", help="With log: only this class; repeat it. Default: every one."
        ),
    ] = None,
    announce: Annotated[
        bool,
        typer.Option("--announce", help="With gateway: make the next key, and go on signing with this one."),
    ] = False,
    days: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=3660,
            help=f"With encryption: how long the new key opens; default {assembly.ENCRYPTION_DAYS}.",
        ),
    ] = None,
    overlap_days: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=366,
            help=f"With encryption: how long those before it still open; default {assembly.OVERLAP_DAYS}.",
        ),
    ] = None,
    home: console.Home = console.HERE,
    as_json: console.Json = False,
) -> None:
    """Let another key follow. What the former one signed or sealed stays valid; running processes go on.

    Broken off at any point, run it again: it goes on from there.
    """
    if retention and what is not What.LOG:
        console.usage("--class goes with log")
    if announce and what is not What.GATEWAY:
        console.usage("--announce goes with gateway")
    if (days is not None or overlap_days is not None) and what is not What.ENCRYPTION:
        console.usage("--days and --overlap-days go with encryption")
    match what:
        case What.ENCRYPTION:
            whole = assembly.ENCRYPTION_DAYS if days is None else days
            _encryption(home, whole, assembly.OVERLAP_DAYS if overlap_days is None else overlap_days, as_json)
        case What.GATEWAY:
            _gateway(home, announce, as_json)
        case What.LOG:
            _log(home, retention or (), as_json)
        case What.IDENTITY:
            _identity(home, as_json)
        case What.MASTER:
            _master(home, as_json)


def _gateway(home: Path, announce: bool, as_json: bool) -> None:
    async def run(opened: assembly.Opened, now: datetime) -> tuple[str, str]:
        rotations = opened.rotations()
        change = await (rotations.announce_gateway(now) if announce else rotations.gateway(now))
        return change.old, change.new

    old, new = _opened(home, run)
    if as_json:
        console.as_json({"rotated": not announce, "former": old, "kid": new})
    elif announce:
        console.say(f"{new} is made; {old} goes on signing.")
        console.prose("Give consumers the new public key (`einmal keys list --json`), then rotate.")
    else:
        console.say(f"Replies, receipts and records are signed with {new} from now on.", "green")
        console.prose(
            f"What {old} signed stays valid. Consumers need the new public key: `einmal keys list --json`."
        )


def _encryption(home: Path, days: int, overlap_days: int, as_json: bool) -> None:
    async def run(opened: assembly.Opened, now: datetime) -> tuple[list[str], str, Path]:
        former, new = await opened.rotations().encryption(days, overlap_days, now)
        return list(former), new, opened.show_keys(now)

    former, new, file = _opened(home, run)
    if as_json:
        console.as_json({"former": former, "kid": new, "jwks": str(file)})
        return
    console.say(f"Consumers can encrypt to {new} from now on.", "green")
    for one in former:
        console.prose(f"What is encrypted to {one} is opened for {console.count(overlap_days, 'day')} more.")
    console.prose(f"Give consumers the new public key: it is in {file}, and `einmal keys jwks` prints it.")


def _log(home: Path, classes: list[str] | tuple[()], as_json: bool) -> None:
    async def run(opened: assembly.Opened, now: datetime) -> list[tuple[str, str]]:
        known = opened.home.settings.log.classes
        for name in classes:
            if name not in known:
                console.usage(f"no class {name!r}; there are: {', '.join(known)}")
        return list(await opened.rotations().log(classes or known, now))

    renewed = _opened(home, run)
    if as_json:
        console.as_json([{"former": before, "origin": after} for before, after in renewed])
        return
    console.say("New keys, each in a shard of its own:", "green")
    for before, after in renewed:
        console.say(f"  {after}  after {before}")
    console.prose("What the former keys signed stays valid; an export tells of both shards.")


def _identity(home: Path, as_json: bool) -> None:
    async def run(opened: assembly.Opened, now: datetime) -> tuple[str, list[str]]:
        _, renewed = await opened.rotations().identity(now)
        return opened.keys.identity_vkey, list(renewed)

    vkey, renewed = _opened(home, run)
    fingerprint = parse_vkey(vkey).fingerprint
    if as_json:
        console.as_json({"authority_vkey": vkey, "fingerprint": fingerprint, "shards": renewed})
        return
    console.say("Another identity key, to be published in place of the former:", "green")
    console.say(f"  {vkey}\n  fingerprint {fingerprint}")
    console.prose(f"It states every new shard: {', '.join(renewed)}.")
    console.prose(
        "Reports that were made before stay valid under the former key: go on publishing that beside it."
    )


def _master(home: Path, as_json: bool) -> None:
    async def run(opened: assembly.Opened, now: datetime) -> tuple[str, MasterRotated]:
        done = await opened.rotations().master(now)
        return opened.keys.masters.current.hex(), done

    master, done = _opened(home, run)
    lost = [{"place": str(place), "name": name} for place, name in done.sealed.lost]
    if as_json:
        former = [
            {"id": one.id, "since": one.since.isoformat(), "on_file": one.on_file} for one in done.former
        ]
        console.as_json({"master": master, "sealed_anew": done.sealed.done, "former": former, "lost": lost})
    else:
        _tell(master, done)
    if lost:
        console.no()


def _tell(master: str, done: MasterRotated) -> None:
    console.say(f"What is sealed from now on is sealed under the master key {master}.", "green")
    console.say(f"Sealed anew: {console.count(done.sealed.done, 'place')}.")
    for one in done.former:
        console.prose(_of_former(one.id, one.on_file, done.settled))
    if not done.former:
        console.say("The former one is deleted; backups from before need it.")
    for place, name in done.sealed.lost:
        console.error(f"  ✕ {place} {name}: no key opens it. `einmal log verify` says more.")


def _of_former(master: str, on_file: bool, settled: bool) -> str:
    if settled:
        return f"Nothing is sealed under {master} any more: take keys.former_command out of einmal.toml."
    middle = f"Who is in the middle of something may need the former one, {master}, for a minute more."
    if on_file:
        return f"{middle} `einmal serve` deletes it then; or run this again."
    return f"{middle} Run this again then, and take keys.former_command out of einmal.toml."


def _opened(home: Path, run: Callable[[assembly.Opened, datetime], Awaitable[Out]]) -> Out:
    async def opened() -> Out:
        async with await assembly.open_house(home) as house:
            return await run(house, house.house.clock.now())

    return asyncio.run(opened())
