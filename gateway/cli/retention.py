"""`einmal log retention`: what is past its time, erased now, or only told (LOG.md 8)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from gateway import assembly
from gateway.cli import console
from gateway.keeping.retention import Done, Due


def register(group: typer.Typer) -> None:
    group.command("retention")(retention)


def retention(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what is due.")] = False,
    vacuum: Annotated[
        bool,
        typer.Option(
            "--vacuum", help="Then write the database's file anew; nobody can write to it meanwhile."
        ),
    ] = False,
    clock_is_right: Annotated[
        bool,
        typer.Option(
            "--clock-is-right", help="You looked: nothing was written for long, and the clock is right."
        ),
    ] = False,
    home: console.Home = console.HERE,
    as_json: console.Json = False,
) -> None:
    """Erase what is past its time. `serve` does it every day by itself; others may write meanwhile."""
    if dry_run and (vacuum or clock_is_right):
        console.usage("--dry-run changes nothing: leave out --vacuum and --clock-is-right")
    if dry_run:
        plan = asyncio.run(_plan(home))
        if as_json:
            console.as_json([_facts(due) for due in plan])
        else:
            _tell_plan(plan)
        return
    done = asyncio.run(_run(home, vacuum, clock_is_right))
    if as_json:
        console.as_json(_done(done))
    else:
        _tell(done, vacuum)


def _tell_plan(plan: Sequence[Due]) -> None:
    rows = [
        (
            due.origin,
            str(due.lines),
            "keys and lines are destroyed" if due.over else str(due.next or "–"),
            due.rule.norm,
        )
        for due in plan
    ]
    console.table(("shard", "lines due", "next", "by"), rows)
    lines, over = sum(due.lines for due in plan), sum(due.over for due in plan)
    console.say(
        f"{console.count(lines, 'line')} would be erased, {console.count(over, 'shard')} destroyed. "
        "Nothing was changed."
    )


def _tell(done: Done, vacuum: bool) -> None:
    console.prose(
        f"{console.count(done.lines, 'line')} erased, {console.count(len(done.destroyed), 'shard')} destroyed, "
        f"{console.count(done.records, 'decision')} forgotten, {console.count(done.lifted, 'hold')} ended."
    )
    for origin in done.destroyed:
        console.say(f"  {origin}: nobody can tie its leaves to a person any more")
    for origin in done.astray:
        console.prose(
            f"  {origin}: lines bear a time outside its month, from a clock that was wrong. They go with the last of "
            "it; nothing to do, if `einmal log verify` holds."
        )
    if not done.settled:
        console.prose("Somebody was reading: the database's write-ahead log is emptied with the next run.")
    elif vacuum:
        console.say("The database's file was written anew.")


def _facts(due: Due) -> dict[str, object]:
    return {
        "origin": due.origin,
        "norm": due.rule.norm,
        "due": due.lines,
        "next": due.next.isoformat() if due.next else None,
        "destroys": due.over,
    }


def _done(done: Done) -> dict[str, object]:
    return {
        "erased": done.lines,
        "destroyed": list(done.destroyed),
        "decisions": done.records,
        "holds": done.lifted,
        "settled": done.settled,
        "astray": list(done.astray),
    }


async def _plan(home: Path) -> Sequence[Due]:
    async with await assembly.open_house(home) as opened:
        return await opened.retention().plan(opened.house.clock.now())


async def _run(home: Path, vacuum: bool, clock_is_right: bool) -> Done:
    async with await assembly.open_house(home) as opened:
        now = opened.house.clock.now()
        return await opened.retention().run(now, vacuum=vacuum, clock_is_right=clock_is_right)
