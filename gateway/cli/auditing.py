"""`einmal log audit-index` and `cosign`: others check a log from its folder of tiles, and say so in writing.

They need no home: they run at the auditor's or witness's, who keep what they saw in a file of their own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from gateway import assembly
from gateway.audit.note import NoteInvalid
from gateway.audit.verify.published.auditing import Audited, Misfit
from gateway.audit.verify.published.folder import Unreadable
from gateway.audit.verify.published.seen import StateInvalid
from gateway.audit.verify.published.survey import Surveyed, Watched
from gateway.cli import checked, console

Folder: TypeAlias = Annotated[Path, typer.Argument(metavar="DIR", help="What `einmal log tiles` left.")]
Authority: TypeAlias = Annotated[
    str, typer.Option(metavar="VKEY|FINGERPRINT", help="The published identity key or its fingerprint.")
]
Key: TypeAlias = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Your key, from `einmal keys new FILE --kid NAME --auditor`."),
]
StateOption: TypeAlias = Annotated[
    Path | None,
    typer.Option("--state", metavar="FILE", help="Where you keep what you saw; `keys new` makes one."),
]
First: TypeAlias = Annotated[
    bool, typer.Option("--first", help="You have seen nothing of this log yet: begin --state FILE.")
]
Out: TypeAlias = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="Where cosigned checkpoints go; default: beside each checkpoint."),
]


def register(group: typer.Typer) -> None:
    group.command("audit-index")(audit_index)
    group.command("cosign")(cosign_)


# --- an auditor -------------------------------------------------------------------------------------------------
def audit_index(
    folder: Folder,
    authority: Authority,
    key: Key = None,
    state: StateOption = None,
    first: First = False,
    out: Out = None,
    as_json: console.Json = False,
) -> None:
    """Rebuild the index from the leaves; cosign it if all agrees.

    What differs is named by its label, and then nothing is cosigned.

    Needs a folder made with `--auditor`, and no home.
    """
    with _sitting(folder, authority, key, state, out, first) as desk:
        found, signed = desk.audit(assembly.now())
    good = not found.misfits and all(found.agreed(one) for one in found.shards)
    if as_json:
        console.as_json(_audit_facts(found, signed, good))
    else:
        _tell_audit(found, signed)
        _conclude(desk, len(signed), len(found.shards))
    if not good:
        console.no()


def _tell_audit(found: Surveyed, signed: Mapping[str, Path]) -> None:
    for one in found.shards:
        origin, good = str(one.head.origin), found.agreed(one)
        epochs = f"{console.count(one.epochs, 'epoch')}, {one.checked} rebuilt"
        verdict = "the index agrees" if not one.misfits else "does NOT agree"
        console.say(
            f"{origin}: {console.count(one.head.log.size, 'line')}, {epochs}: {verdict}.", _style(good)
        )
        _tell_misfits(one.misfits)
        if (file := signed.get(origin)) is not None:
            console.say(f"  cosigned: {file}")
    for name in found.destroyed:
        console.say(f"{name}: its time is over, its leaves are destroyed.")
    _tell_misfits(found.misfits)


def _audit_facts(found: Surveyed, signed: Mapping[str, Path], good: bool) -> dict[str, object]:
    def facts(one: Audited) -> dict[str, object]:
        file = signed.get(str(one.head.origin))
        return {
            "origin": str(one.head.origin),
            "lines": one.head.log.size,
            "indexed": one.indexed,
            "epochs": one.epochs,
            "rebuilt": one.checked,
            "agrees": not one.misfits,
            "cosigned": None if file is None else str(file),
            "misfits": _misfit_facts(one.misfits),
        }

    return {
        "agrees": good,
        "shards": [facts(one) for one in found.shards],
        "destroyed": list(found.destroyed),
        "misfits": _misfit_facts(found.misfits),
    }


# --- a witness --------------------------------------------------------------------------------------------------
def cosign_(
    folder: Folder,
    authority: Authority,
    key: Key = None,
    state: StateOption = None,
    first: First = False,
    out: Out = None,
    as_json: console.Json = False,
) -> None:
    """Cosign a log that only grew since you saw it last.

    Needs the public files alone, and no home.
    """
    with _sitting(folder, authority, key, state, out, first) as desk:
        found, signed = desk.watch(assembly.now())
    holds = bool(found) and not any(one.misfits for one in found)
    if as_json:
        console.as_json(
            {"holds": holds, "shards": [_watch_facts(one, signed.get(one.origin)) for one in found]}
        )
    else:
        _tell_watch(found, signed)
        _conclude(desk, len(signed), len(found))
    if not holds:
        console.no()


def _tell_watch(found: Sequence[Watched], signed: Mapping[str, Path]) -> None:
    for one in found:
        lines = console.count(one.head.log.size, "line") if one.head is not None else "unreadable"
        verdict = "continues what was seen" if not one.misfits else "NOT cosigned"
        console.say(f"{one.origin}: {lines}: {verdict}.", _style(not one.misfits))
        _tell_misfits(one.misfits)
        if (file := signed.get(one.origin)) is not None:
            console.say(f"  cosigned: {file}")
    if not found:
        console.say("There is no shard of that authority in the folder.", _style(False))


def _watch_facts(one: Watched, file: Path | None) -> dict[str, object]:
    return {
        "origin": one.origin,
        "size": None if one.head is None else one.head.log.size,
        "cosigned": None if file is None else str(file),
        "misfits": _misfit_facts(one.misfits),
    }


# --- both -------------------------------------------------------------------------------------------------------
def _conclude(desk: assembly.Desk, signed: int, shards: int) -> None:
    if desk.cosigner is None:
        console.prose("Nothing was cosigned: that takes --key and --state.")
    else:
        console.say(f"Cosigned as {desk.cosigner.name}: {signed} of {console.count(shards, 'shard')}.")


@contextmanager
def _sitting(
    folder: Path, authority: str, key: Path | None, state: Path | None, out: Path | None, first: bool
) -> Iterator[assembly.Desk]:
    if key is not None and state is None:
        console.usage("--key needs --state: who cosigns must remember what they cosigned")
    if first and state is None:
        console.usage("--first needs --state: it is what is begun")
    if not folder.is_dir():
        console.error(f"{folder}: There is no such folder here.")
        raise typer.Exit(console.ENVIRONMENT)
    try:
        with assembly.desk(folder, authority, key, state, out, first) as desk:
            yield desk
    except NoteInvalid as wrong:
        console.usage(checked.no_key(wrong, "en"))
    except Unreadable as wrong:
        console.error(f"{folder}: {wrong.place}: {wrong.text}.")
        console.no()
    except StateInvalid as wrong:
        console.error(f"{state}: {wrong}. Name the right one; a new one would know nothing of what was seen.")
        raise typer.Exit(console.ENVIRONMENT) from None


def _tell_misfits(misfits: Sequence[Misfit]) -> None:
    for misfit in misfits:
        console.prose(f"  ✕ {misfit.place}: {misfit.text}")


def _misfit_facts(misfits: Sequence[Misfit]) -> list[dict[str, str]]:
    return [{"place": misfit.place, "text": misfit.text} for misfit in misfits]


def _style(good: bool) -> str:
    return "green" if good else "bold red"
