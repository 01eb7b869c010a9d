"""`einmal log reconcile`: the receipts that an office kept against the log, both ways."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, BinaryIO, Final

import typer

from gateway import assembly, jws
from gateway.audit.reconcile import Difference, Finding
from gateway.audit.record import stamp
from gateway.cli import console
from gateway.proving.reconciling import Scope, Tally

_MOST_BYTES: Final = 2 * jws.MAX_COMPACT_CHARS
"""A line of JSON lines has a receipt and a little more."""
_WORDS: Final = {
    Difference.DAMAGED: "no receipt: damaged, or something else",
    Difference.NOT_OURS: "not signed by this house",
    Difference.OTHER_HOUSE: "a receipt of another house",
    Difference.DOUBLED: "another receipt for exchange {exchange}",
    Difference.MISSING: "the log has no exchange {exchange}",
    Difference.UNREADABLE: "the log's line of exchange {exchange} can't be read: see einmal log verify",
    Difference.CONSUMER: "exchange {exchange} is {consumer}'s",
    Difference.REQUEST: "exchange {exchange}: the log has another request",
    Difference.REPLY: "exchange {exchange}: the log has another reply",
    Difference.ORIGIN: "exchange {exchange} stands in another log",
    Difference.NO_RECEIPT: "{consumer} has no receipt for exchange {exchange} ({kind}, {time})",
}


def register(group: typer.Typer) -> None:
    group.command("reconcile")(reconcile)


def reconcile(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="One receipt a line, as it came or as JSON (`receipt`).")
    ],
    consumer: Annotated[
        str | None, typer.Option(metavar="ID", help="Whose they are; default: whoever is found in the file.")
    ] = None,
    start: Annotated[
        datetime | None,
        typer.Option("--from", formats=["%Y-%m-%d"], metavar="DAY", help="First day (UTC)."),
    ] = None,
    last: Annotated[
        datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], metavar="DAY", help="Last day (UTC).")
    ] = None,
    home: console.Home = console.HERE,
    as_json: console.Json = False,
) -> None:
    """Compare the receipts an office kept with the log.

    What is missing or differs is named, on either side.

    Without days: from the first receipt to the last. Exit 1 if anything differs.
    """
    scope = Scope(consumer, _day(start), _day(last + timedelta(days=1) if last else None))
    found, tally = asyncio.run(_compare(home, file, scope, as_json))
    if as_json:
        console.as_json({**_facts(tally), "findings": [_plain(finding) for finding in found]})
    else:
        _tell(tally)
    if tally.differ:
        console.no()


async def _compare(home: Path, file: Path, scope: Scope, as_json: bool) -> tuple[list[Finding], Tally]:
    """Out: what differs, unless it was told as it was found: then nothing of it is kept."""
    found: list[Finding] = []
    async with await assembly.open_house(home) as opened:
        known = opened.home.policy.consumers
        if scope.consumer is not None and scope.consumer not in known:
            console.usage(f"no consumer {scope.consumer!r}; there are: {', '.join(known) or 'none'}")
        comparing = assembly.reconciliation(opened, scope)
        with file.open("rb") as receipts:
            for findings in (comparing.theirs(_lines(receipts)), comparing.lacking()):
                async for finding in findings:
                    if as_json:
                        found.append(finding)
                    else:
                        _tell_one(finding)
                if scope.consumer is None and not comparing.tally.receipts:
                    console.usage(f"{file} holds no receipt: say with --consumer whose it is")
    return found, comparing.tally


def _lines(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Out: the lines that hold something, with their numbers; of one that is too long only its beginning."""
    number = 0
    while raw := file.readline(_MOST_BYTES):
        number += 1
        rest = raw
        while len(rest) == _MOST_BYTES and not rest.endswith(b"\n"):
            rest = file.readline(_MOST_BYTES)
        if raw.strip():
            yield number, raw


def _tell_one(finding: Finding) -> None:
    words = _WORDS[finding.what].format(**asdict(finding))
    console.prose(f"line {finding.line}: {words}" if finding.line is not None else words)


def _tell(tally: Tally) -> None:
    period = f", {tally.first} to {tally.last}" if tally.first else ""
    whose = f" of {', '.join(sorted(tally.consumers))}" if tally.consumers else ""
    console.prose(f"{console.count(tally.receipts, 'receipt')}{whose}{period}: {tally.agree} agree.")
    rest = (
        (tally.erased, "of exchanges whose time was over here: erased"),
        (tally.again, "there more than once"),
        (tally.outside, "not of these days"),
    )
    for number, words in rest:
        if number:
            console.prose(f"{number} {words}.")
    if tally.differ:
        console.say(f"{console.count(tally.differ, 'difference')}.", "red")
    else:
        console.say("Both sides tell the same.", "green")


def _facts(tally: Tally) -> dict[str, object]:
    return {**asdict(tally), "consumers": sorted(tally.consumers)}


def _plain(finding: Finding) -> dict[str, object]:
    return {name: value for name, value in asdict(finding).items() if value is not None}


def _day(day: datetime | None) -> str | None:
    return None if day is None else stamp(day.replace(tzinfo=UTC))
