"""`einmal consent`: records of choice and consent, from the counter or for a look."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar

import typer
from pydantic import ValidationError

from consent.ledger import Step, state_at
from consent.vocabulary import Record, RecordState
from gateway import assembly, records
from gateway.cli import console, subject
from gateway.stages import Moved

_Result = TypeVar("_Result")
_OURS: Final = ("v", "record", "revision", "state", "time")
RecordId = Annotated[str, typer.Argument(metavar="ID", help="The record's id.")]


def register(app: typer.Typer) -> None:
    group = typer.Typer(help="Records of choice and consent.", no_args_is_help=True)
    group.command("record")(record)
    group.command("list")(list_)
    group.command("show")(show)
    group.command("withdraw")(withdraw)
    app.add_typer(group, name="consent")


def record(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="JSON: who decided what, as docs/records.md says.")
    ],
    home: console.Home = console.HERE,
    as_json: console.Json = False,
) -> None:
    """Record a choice or consent that was given. Prints the new record's id."""
    try:
        said: dict[str, Any] = json.loads(file.read_text("utf-8"))
        own = sorted(said.keys() & set(_OURS))
    except json.JSONDecodeError as wrong:
        console.usage(f"{file}: line {wrong.lineno} is not JSON")
    except (ValueError, AttributeError):
        console.usage(f"{file} is not a JSON object")
    if own:
        console.usage(f"{file}: {own[0]} is set by the house, leave it out")

    async def begin(opened: assembly.Opened) -> str:
        now = opened.house.clock.now()
        told = said | {
            "record": opened.house.ids.new(),
            "revision": 1,
            "state": "given",
            "time": now.isoformat(),
        }
        step = _step(told, file)
        if isinstance(await records.begin(step, opened.journal, opened.keys.gateway, now), Moved):
            console.error("Another process recorded the same id. Nothing was written: try again.")
            console.no()
        return step.record

    made = asyncio.run(_with(home, begin))
    if as_json:
        console.as_json({"record": made, "state": "given"})
    else:
        console.say(f"Recorded: {made}")


def list_(
    subject_file: subject.SubjectFile = None, home: console.Home = console.HERE, as_json: console.Json = False
) -> None:
    """One person's records: what for, for whom, and how they stand."""
    whom = subject.read(subject_file)

    async def found(opened: assembly.Opened) -> list[dict[str, Any]]:
        now = opened.house.clock.now()
        return [_facts(one, state_at(one, now)) for one in await opened.store.of_subject(whom)]

    rows = asyncio.run(_with(home, found))
    if as_json:
        console.as_json(rows)
        return
    if not rows:
        console.say("No record names the person in this way. Named otherwise, there may be some.")
        return
    keys = ("record", "kind", "state", "recipient", "purpose", "case", "not_after")
    console.table(keys, [[str(row[key]) for key in keys] for row in rows])


def show(name: RecordId, home: console.Home = console.HERE, as_json: console.Json = False) -> None:
    """One record as it stands, without whom it is about."""

    async def found(opened: assembly.Opened) -> dict[str, Any] | None:
        one = await opened.store.record(name)
        return None if one is None else _facts(one, state_at(one, opened.house.clock.now()))

    facts = asyncio.run(_with(home, found))
    if facts is None:
        console.error(f"There is no record {name}.")
        console.no()
    if as_json:
        console.as_json(facts)
        return
    for key, value in facts.items():
        console.say(f"  {key:12} {_plain(value)}")


def withdraw(name: RecordId, home: console.Home = console.HERE, as_json: console.Json = False) -> None:
    """The person takes it back, at the counter, say. It acts at once: nothing new leaves on it."""

    async def end(opened: assembly.Opened) -> bool:
        own, now = opened.keys.gateway, opened.house.clock.now()
        moved = await records.move(name, RecordState.WITHDRAWN, opened.store, opened.journal, own, now)
        return not isinstance(moved, Moved)

    try:
        done = asyncio.run(_with(home, end))
    except KeyError:
        console.error(f"There is no record {name}.")
        console.no()
    except records.NotAllowed as wrong:
        console.error(f"{wrong}.".capitalize())
        console.no()
    if not done:
        console.error("Somebody changed the record at the same time. Nothing was written: try again.")
        console.no()
    if as_json:
        console.as_json({"record": name, "state": "withdrawn"})
    else:
        console.say(f"Withdrawn: {name}")


def _plain(value: object) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(value) if isinstance(value, list) else str(value)


async def _with(home: Path, do: Callable[[assembly.Opened], Awaitable[_Result]]) -> _Result:
    opened = await assembly.open_house(home)
    try:
        return await do(opened)
    finally:
        await opened.close()


def _step(said: dict[str, Any], file: Path) -> Step:
    try:
        return Step.model_validate_json(json.dumps(said))
    except ValidationError as wrong:
        found = wrong.errors(include_input=False, include_context=False, include_url=False)
        console.usage(f"{file}: " + "; ".join(f"{_place(one['loc'])}: {one['type']}" for one in found[:10]))


def _place(path: Sequence[object]) -> str:
    """Out: where, in the words of the file: unknown keys are the writer's and could say anything."""
    known = set(Step.model_fields) | {"register", "idnr", "birth_date", "family_name", "given_name", "town"}
    known |= {"postcode", "version", "sha256", "language", "level", "event", "proof"}
    return (
        ".".join(str(part) if part in known or isinstance(part, int) else "(unknown key)" for part in path)
        or "file"
    )


def _facts(one: Record, state: RecordState) -> dict[str, Any]:
    return {
        "record": one.id,
        "kind": str(one.kind),
        "state": str(state),
        "revision": one.revision,
        "recipient": one.recipient,
        "register": one.register,
        "evidence": one.evidence,
        "fields": sorted(one.fields),
        "purpose": one.purpose,
        "procedure": one.procedure,
        "case": one.case,
        "norm": one.norm,
        "recorded_by": one.recorded_by,
        "not_before": one.not_before.isoformat(),
        "not_after": one.not_after.isoformat(),
        "uses": one.uses,
        "max_uses": one.max_uses,
        "authentic": one.authentic,
    }
