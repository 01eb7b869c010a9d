"""`einmal explain`: what would be decided, check by check, without asking any register or writing any line."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from datetime import date
from pathlib import Path
from typing import Annotated, Final

import typer

from consent.decide import Examination, examine
from consent.nearby import Near, nearest
from consent.policy import Policy
from consent.vocabulary import (
    Action,
    BasisClaim,
    BasisKind,
    Check,
    Fact,
    ReasonCode,
    Refusal,
    Request,
    Subject,
)
from gateway import assembly
from gateway.cli import console, subject, verdicts

_SOMEBODY: Final = Subject(birth_date=date(1970, 1, 1), family_name="Beispiel", given_name="Niemand")


def register(app: typer.Typer) -> None:
    app.command()(explain)


def explain(
    consumer: Annotated[str, typer.Option(help="Who asks.")],
    register_: Annotated[str, typer.Option("--register", help="Which register.")],
    evidence: Annotated[str, typer.Option(help="For which evidence type.")],
    purpose: Annotated[str, typer.Option(help="For which purpose.")],
    procedure: Annotated[
        str | None, typer.Option(help="In which procedure; needed if the purpose has several.")
    ] = None,
    field: Annotated[list[str] | None, typer.Option(help="A field asked for; repeat it.")] = None,
    case: Annotated[str, typer.Option(help="The application's reference.")] = "explain",
    basis: Annotated[BasisKind | None, typer.Option(help="The basis claimed.")] = None,
    record: Annotated[str | None, typer.Option(help="The record of choice or consent named.")] = None,
    write: Annotated[
        bool, typer.Option("--write", help="Submit the fields instead of asking for them.")
    ] = False,
    encrypted: Annotated[bool, typer.Option("--encrypted", help="As if the request came encrypted.")] = False,
    representative: Annotated[
        str | None,
        typer.Option(help="The power under which somebody acts for the person, by its id.", metavar="ID"),
    ] = None,
    on_behalf_of: Annotated[
        str | None, typer.Option(help="The consumer in whose name it is asked.", metavar="CONSUMER")
    ] = None,
    subject_file: subject.SubjectFile = None,
    home: console.Home = console.HERE,
    as_json: console.Json = False,
) -> None:
    """Each check, passed or not, by which clause, and what would pass. Exit 1 if the answer would be no."""
    if write and not field:
        console.usage("--write needs --field: name what would be submitted")
    whom = _SOMEBODY if subject_file is None else subject.read(subject_file)

    def asked(policy: Policy) -> Request:
        return Request(
            message="explain",
            consumer=_known("consumer", consumer, policy.consumers),
            language="json/1.0",
            evidence=evidence,
            purpose=_known("purpose", purpose, policy.purposes),
            procedure=_procedure(policy, purpose, procedure),
            case=case,
            subject=whom,
            basis=BasisClaim(basis, record),
            fields=frozenset(field or ()),
            register=_known("register", register_, policy.registers),
            on_behalf_of=None if on_behalf_of is None else _known("consumer", on_behalf_of, policy.consumers),
            representative=representative,
            action=Action.WRITE if write else Action.READ,
            encrypted=encrypted,
        )

    examined, near = asyncio.run(_examine(home, asked))
    if as_json:
        console.as_json(verdicts.as_plain(examined, near))
    else:
        verdicts.tell(examined, near)
        if subject_file is None and examined.decision.facts.get(Check.BASIS_RECORD) is Fact.FAILED:
            console.prose(
                "No person was named (--subject-file), so no record of choice or consent can match."
            )
    if isinstance(examined.decision, Refusal):
        console.no()


async def _examine(home: Path, asked: Callable[[Policy], Request]) -> tuple[Examination, tuple[Near, ...]]:
    async with await assembly.open_house(home) as opened:
        policy, now = opened.home.policy, opened.house.clock.now()
        request = asked(policy)
        held = await opened.store.held_for(request, "explain")
    examined = examine(request, policy, held, now)
    decision = examined.decision
    ungranted = isinstance(decision, Refusal) and decision.code is ReasonCode.NO_GRANT
    return examined, nearest(request, policy, now) if ungranted else ()


def _procedure(policy: Policy, purpose: str, named: str | None) -> str:
    if named is not None:
        return _known("procedure", named, policy.procedures)
    found = [item.code for item in policy.procedures.values() if item.purpose == purpose]
    if len(found) != 1:
        console.usage(f"--procedure is needed: {purpose!r} is served by {', '.join(found) or 'none'}")
    return found[0]


def _known(what: str, name: str, known: Iterable[str]) -> str:
    names = list(known)
    if name not in names:
        console.usage(f"no {what} {name!r}; there are: {', '.join(names) or 'none'}")
    return name
