"""`einmal log hold`: records kept beyond their time, for a reason, by somebody, to a day (LOG.md 8)."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from datetime import date, datetime
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Final

import typer

from consent.vocabulary import Subject
from gateway import assembly, person
from gateway.audit.german_time import german_time
from gateway.audit.note import NoteInvalid
from gateway.audit.verify.exported.held import HeldVerdict, verify_held
from gateway.cli import checked, console, subject
from gateway.keeping.holding import Hold, Lifted, Listed

_WORDS: Final = re.compile(r"[^\x00-\x1f\x7f]{1,300}")
_Id = Annotated[str, typer.Argument(metavar="ID", help="The hold, as `list` names it.")]


def register(group: typer.Typer) -> None:
    holds = typer.Typer(
        help="Records kept beyond their time, for a reason and to a day.", no_args_is_help=True
    )
    holds.command("place")(place)
    holds.command("lift")(lift)
    holds.command("list")(list_)
    holds.command("export")(export)
    holds.command("verify")(verify)
    group.add_typer(holds, name="hold")


def place(
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why. It names nobody.")],
    norm: Annotated[str, typer.Option(metavar="NORM", help="By which law.")],
    until: Annotated[
        datetime, typer.Option(formats=["%Y-%m-%d"], metavar="YYYY-MM-DD", help="Its last day.")
    ],
    by: Annotated[str, typer.Option(metavar="WHO", help="Who ordered it.")],
    exchange: Annotated[
        str | None, typer.Option(metavar="ID", help="Hold an exchange instead of a person.")
    ] = None,
    subject_file: subject.SubjectFile = None,
    home: console.Home = console.HERE,
    as_json: console.Json = False,
) -> None:
    """Keep everything about a person, or an exchange, until a day, whatever becomes of its keys."""
    if exchange is not None and subject_file is not None:
        console.usage("a hold is for a person or for an exchange: leave out --subject-file or --exchange")
    for name, text in (("--reason", reason), ("--norm", norm), ("--by", by)):
        if not text.strip() or not _WORDS.fullmatch(text):
            console.usage(f"{name} is one line of 300 characters at most")
    whom = subject.read(subject_file) if exchange is None else None
    placed = asyncio.run(_place(home, whom, exchange, (reason, norm, by), until.date()))
    if placed is None:
        what = "No line that can be opened speaks of" if exchange else "No register knows"
        console.say(f"{what} {'this exchange' if exchange else 'this person, or not just one'}: no hold.")
        console.no()
    hold, lines = placed
    if as_json:
        console.as_json({"hold": hold.id, "until": hold.until.isoformat(), "lines": lines})
    else:
        console.say(f"Hold {hold.id} keeps {console.count(lines, 'line')} until {hold.until}.", "green")


def lift(hold: _Id, home: console.Home = console.HERE, as_json: console.Json = False) -> None:
    """End a hold now: what it keeps is destroyed. On its last day that happens by itself. One that is gone ends too."""
    done = asyncio.run(_lift(home, hold))
    if as_json:
        console.as_json({"hold": hold, "lifted": done is not None, "unread": done is Lifted.UNREAD})
    elif done is Lifted.UNREAD:
        console.say(
            "It is over, unread: what was kept of it is gone or can't be opened, so nobody can tell whom or what it "
            "held. What it held is erased when it is due.",
            "yellow",
        )
    else:
        console.say("It is over; what it kept is destroyed." if done else "There is no such hold in force.")
    if done is None:
        console.no()


def list_(home: console.Home = console.HERE, as_json: console.Json = False) -> None:
    """Every hold there ever was: why, by whom, to which day. Names no person."""
    found = asyncio.run(_list(home))
    if as_json:
        console.as_json([_facts(one) for one in found])
    elif not found:
        console.say("No hold was ever placed.")
    else:
        console.table(
            ("hold", "placed", "until", "for", "lines", "norm", "reason", "by"), [_row(one) for one in found]
        )


def export(
    hold: _Id,
    out: Annotated[Path, typer.Option(help="The file to write.", metavar="FILE.json")],
    home: console.Home = console.HERE,
    as_json: console.Json = False,
) -> None:
    """What a hold keeps, with its proofs, for whoever ordered it."""
    console.to_be_new(out)
    document = asyncio.run(_export(home, hold))
    if document is None:
        console.say("There is no such hold in force, or it keeps nothing: nothing was written.")
        console.no()
    console.write_private(out, document)
    if as_json:
        console.as_json({"file": str(out), "sha256": sha256(document).hexdigest()})
    else:
        console.say(f"{out} is written. Check it with: einmal log hold verify {out} --authority FINGERPRINT")


def verify(
    file: Annotated[Path, typer.Argument(metavar="FILE.json", help="What `export` wrote.")],
    authority: Annotated[
        str, typer.Option(metavar="VKEY|FINGERPRINT", help="The published identity key or its fingerprint.")
    ],
    as_json: console.Json = False,
) -> None:
    """Check offline what a hold kept. It needs no home."""
    try:
        verdict = verify_held(file.read_bytes(), authority)
    except NoteInvalid as wrong:
        console.usage(checked.no_key(wrong, "en"))
    if as_json:
        console.as_json(
            {
                "holds": verdict.holds,
                "signer_known": verdict.known,
                "fingerprint": verdict.fingerprint,
                "lines": verdict.lines,
                "withheld": verdict.withheld,
                "findings": [{"step": f.step, "place": f.place, "text": f.text} for f in verdict.findings],
            }
        )
    else:
        _tell(file, verdict)
    if not verdict.holds:
        console.no()


def _tell(file: Path, verdict: HeldVerdict) -> None:
    if verdict.findings:
        console.say(f"{file}: false.", "bold red")
        for finding in verdict.findings:
            console.say(f"  ✕ step {finding.step}, {finding.place}: {finding.text}")
        return
    if not verdict.known:
        console.say(f"{file}: consistent in itself, and signed by another than the one named.", "bold red")
        return
    console.say(f"{file}: true.", "bold green")
    console.prose(
        f"  ✓ {console.count(verdict.lines, 'line')} stood in the log of this authority, each at its place, and say "
        "what is written here; a person's stand under that person's label."
    )
    if verdict.withheld:
        console.prose(
            f"  ✓ {console.count(verdict.withheld, 'line')} more stood there, erased before the hold."
        )
    console.prose("  – Not shown: that these are all. A hold keeps what was there and what was due since.")


def _facts(one: Listed) -> dict[str, object]:
    stored, hold = one.stored, one.hold
    return {
        "hold": stored.hold,
        "placed": stored.placed.isoformat(),
        "until": stored.until.isoformat(),
        "lifted": stored.lifted.isoformat() if stored.lifted else None,
        "exchange": hold.exchange if hold else None,
        "lines": one.lines,
        "norm": hold.norm if hold else None,
        "reason": hold.reason if hold else None,
        "by": hold.by if hold else None,
    }


def _row(one: Listed) -> tuple[str, ...]:
    stored, hold = one.stored, one.hold
    placed = str(german_time(stored.placed).date())
    if hold is None:
        over = f"over since {german_time(stored.lifted).date()}" if stored.lifted else "can't be opened"
        return stored.hold, placed, str(stored.until), over, "–", "–", "–", "–"
    whom = f"exchange {hold.exchange}" if hold.exchange else "a person"
    told = (hold.norm, hold.reason, hold.by)
    return stored.hold, placed, str(stored.until), whom, str(one.lines), *told


async def _place(
    home: Path, whom: Subject | None, exchange: str | None, told: tuple[str, str, str], until: date
) -> tuple[Hold, int] | None:
    async with await assembly.open_house(home) as opened:
        holds, now = opened.holds(), opened.house.clock.now()
        if until < german_time(now).date():
            console.usage("--until is over: a hold lasts until today at least")
        forms = await person.forms_of(whom, opened.house.registers) if whom is not None else ()
        if not forms and (exchange is None or not await holds.speaks(exchange)):
            return None
        reason, norm, by = told
        hold = Hold(opened.house.ids.new(), reason, norm, by, until, forms, exchange)
        return hold, await holds.place(hold, now)


async def _lift(home: Path, hold: str) -> Lifted | None:
    async with await assembly.open_house(home) as opened:
        return await opened.holds().lift(hold, opened.house.clock.now())


async def _list(home: Path) -> Sequence[Listed]:
    async with await assembly.open_house(home) as opened:
        return await opened.holds().listed()


async def _export(home: Path, hold: str) -> bytes | None:
    async with await assembly.open_house(home) as opened:
        return await opened.holds().export(hold, opened.house.clock.now())
