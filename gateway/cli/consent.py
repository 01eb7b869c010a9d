"""`einmal consent`: decisions and powers, recorded at the counter, looked at, ended."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, Final, NoReturn, TypeVar

import typer

from consent.held import AnyStep, read, state_at
from consent.ledger import Step
from consent.orders import giving
from consent.vocabulary import (
    PERMITTING,
    Action,
    Held,
    Power,
    Record,
    RecordState,
    Refusal,
    Request,
    Subject,
)
from gateway import assembly, records
from gateway.cli import console, decisions, subject
from gateway.outbound.reasons import REASONS
from gateway.stages import Moved, Recorded

_Result = TypeVar("_Result")
_TOLD_BY: Final = "command"
_SHOWN: Final = ("record", "kind", "state", "recipient", "purpose", "case", "not_after")
_BUSY: Final = "Somebody else changed the law or the record each time. Nothing was written: try again."
RecordId = Annotated[str, typer.Argument(metavar="ID", help="Its id.")]
ReceiptFile = Annotated[
    Path | None,
    typer.Option(
        "--receipt",
        metavar="FILE",
        help="Write the house's receipts there, one a line: their payloads name the person.",
    ),
]


def register(app: typer.Typer) -> None:
    group = typer.Typer(help="Decisions of citizens, and powers to act for them.", no_args_is_help=True)
    group.command("record")(record)
    group.command("list")(list_)
    group.command("show")(show)
    group.command("withdraw")(withdraw)
    app.add_typer(group, name="consent")


def record(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="JSON: who decided what, as docs/records.md says.")
    ],
    receipt: ReceiptFile = None,
    home: console.Home = console.HERE,
    as_json: console.Json = False,
) -> None:
    """Record a choice, a consent or a power. Exit 1 if the law refuses."""

    async def keep(opened: assembly.Opened) -> Recorded | Refusal | Moved:
        said = decisions.read(file, opened.house.languages.limits)
        terms, by = decisions.understood(said, file, opened.house.policies.current())
        return await records.at_the_counter(giving(_order(by), terms), opened.house)

    if receipt is not None:
        console.to_be_new(receipt)
    kept = asyncio.run(_with(home, keep))
    if isinstance(kept, Refusal):
        _refused(kept, as_json)
    if isinstance(kept, Moved):
        console.error(_BUSY)
        console.no()
    _write(receipt, [kept.receipt])
    made = {"record": kept.step.record, "state": str(kept.step.state), "revision": kept.step.revision}
    if as_json:
        console.as_json(made | {"receipt": str(receipt) if receipt else None})
        return
    console.say(f"Recorded: {kept.step.record}")
    if receipt:
        console.say(f"Receipt, which names the person: {receipt}")


def list_(
    subject_file: subject.SubjectFile = None, home: console.Home = console.HERE, as_json: console.Json = False
) -> None:
    """One person's decisions and powers, and how they stand."""
    whom = subject.read(subject_file)

    async def found(opened: assembly.Opened) -> list[dict[str, Any]] | None:
        now = opened.house.clock.now()
        held = await records.of_person(whom, opened.store)
        namesakes = len({one.subject.idnr for one in held if one.subject.idnr}) > 1
        return None if namesakes else [facts(one, state_at(one, now)) for one in held]

    rows = asyncio.run(_with(home, found))
    if rows is None:
        console.error("Several people are named like this. Name the one with the identification number.")
        console.no()
    if as_json:
        console.as_json(rows)
    elif not rows:
        console.say("Nothing names the person in this way. Named otherwise, there may be something.")
    else:
        console.table(_SHOWN, [[_plain(row.get(key)) for key in _SHOWN] for row in rows])


def show(
    name: RecordId,
    receipt: ReceiptFile = None,
    home: console.Home = console.HERE,
    as_json: console.Json = False,
) -> None:
    """One decision or power, step by step, without its person."""
    if receipt is not None:
        console.to_be_new(receipt)

    async def found(opened: assembly.Opened) -> tuple[dict[str, Any], list[str]] | None:
        one = await opened.store.record(name)
        if one is None:
            return None
        events = await opened.store.events(name)
        told = facts(one, state_at(one, opened.house.clock.now()))
        told["continued_by"] = [item.id for item in await _later(one, opened)]
        told["history"] = [_step(read(event.body)) for event in events]
        return told, [event.receipt for event in events]

    told = asyncio.run(_with(home, found))
    if told is None:
        _unknown(name)
    _write(receipt, told[1])
    if as_json:
        console.as_json(told[0])
        return
    history = told[0].pop("history")
    longest = max(map(len, told[0]))
    for key, value in told[0].items():
        console.say(f"  {key:{longest}}  {_plain(value)}")
    console.table(tuple(history[0]), [[_plain(value) for value in step.values()] for step in history])


def withdraw(
    name: RecordId,
    by: Annotated[
        str | None,
        typer.Option(
            "--as",
            metavar="NAME",
            help="The consumer or person who writes it down; left out: who recorded it.",
        ),
    ] = None,
    home: console.Home = console.HERE,
    as_json: console.Json = False,
) -> None:
    """The person takes it back: from now on nothing leaves on it."""
    try:
        moved = asyncio.run(_with(home, lambda opened: end(name, by, opened)))
    except KeyError:
        _unknown(name)
    except records.NotAllowed as wrong:
        console.error(f"It is {wrong.before} already: nothing leaves on it, and nothing was written.")
        console.no()
    if isinstance(moved, Moved):
        console.error(_BUSY)
        console.no()
    if as_json:
        console.as_json({"record": name, "state": "withdrawn", "revision": moved.step.revision})
    else:
        console.say(f"Withdrawn: {name}")


async def end(name: str, by: str | None, opened: assembly.Opened) -> Recorded | Moved:
    """Withdraw a record or power. In: who writes it down; None: who recorded it. No reason is asked, nor a grant in
    force (GDPR Art. 7(3)). Raises: KeyError, NotAllowed."""
    one, policy = await opened.store.record(name), opened.house.policies.current()
    if one is None:
        raise KeyError(name)
    if by is not None and by not in {*policy.consumers, *policy.people}:
        known = ", ".join([*policy.consumers, *policy.people])
        console.usage(f"--as {by}: no consumer or person of this home; there are: {known}")
    own, now = opened.keys.gateway, opened.house.clock.now()
    writer = by or one.recorded_by
    return await records.move(name, RecordState.WITHDRAWN, writer, opened.store, opened.journal, own, now)


def facts(one: Held, state: RecordState) -> dict[str, Any]:
    """Out: a record or power as people and programs read it, without whom it is about."""
    told: dict[str, Any] = {
        "record": one.id,
        "kind": "representation" if isinstance(one, Power) else str(one.kind),
        "state": str(state),
        "revision": one.revision,
    }
    told |= _powers(one) if isinstance(one, Power) else _decided(one)
    return told | {
        "recorded_by": one.recorded_by,
        "not_before": one.not_before.isoformat(),
        "not_after": one.not_after.isoformat(),
        "authentic": one.authentic,
    }


def _decided(one: Record) -> dict[str, Any]:
    return {
        "recipient": one.recipient,
        "register": one.register,
        "evidence": one.evidence,
        "fields": sorted(one.fields),
        "purpose": one.purpose,
        "procedure": one.procedure,
        "case": one.case,
        "norm": one.norm,
        "assurance": one.assurance,
        "representative": one.representative,
        "previous": one.previous,
        "uses": one.uses,
        "max_uses": one.max_uses,
    }


def _powers(one: Power) -> dict[str, Any]:
    everywhere = one.procedures is None
    return {"proof": one.proof, "procedures": None if everywhere else sorted(one.procedures or ())}


def _step(step: AnyStep) -> dict[str, Any]:
    """Out: one line of the history. How it was decided, and how surely, is said of the steps that decide."""
    decides = step.state in PERMITTING or step.revision == 1
    return {
        "revision": step.revision,
        "state": str(step.state),
        "time": step.time.isoformat(),
        "recorded_by": step.recorded_by,
        "channel": step.channel if decides and isinstance(step, Step) else None,
        "assurance": step.authentication.level if decides else None,
    }


async def _later(one: Held, opened: assembly.Opened) -> Sequence[Held]:
    """Out: the records that continue it."""
    around = await opened.store.of_subject(one.subject)
    return [item for item in around if isinstance(item, Record) and item.previous == one.id]


def _order(by: str) -> Request:
    return Request(
        message="",
        consumer=by,
        language=_TOLD_BY,
        evidence="",
        purpose="",
        procedure="",
        case="",
        subject=Subject(),
        action=Action.RECORD,
    )


def _refused(no: Refusal, as_json: bool) -> NoReturn:
    if as_json:
        fields, checks = sorted(no.fields), [str(check) for check in no.checks]
        console.as_json({"recorded": False, "code": str(no.code), "checks": checks, "fields": fields})
    else:
        console.error(f"Not recorded: {no.code}. {REASONS[no.code].en}")
        if no.fields:
            console.error(f"In excess: {', '.join(sorted(no.fields))}")
    console.no()


def _unknown(name: str) -> NoReturn:
    console.error(f"There is no record {name}.")
    console.no()


def _write(receipt: Path | None, tokens: Sequence[str]) -> None:
    """For its owner alone: a receipt's payload names the person."""
    if receipt is not None:
        console.write_private(receipt, "".join(f"{token}\n" for token in tokens).encode())


def _plain(value: object) -> str:
    if value is None or value == []:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(value) if isinstance(value, list) else str(value)


async def _with(home: Path, do: Callable[[assembly.Opened], Awaitable[_Result]]) -> _Result:
    async with await assembly.open_house(home) as opened:
        return await do(opened)
