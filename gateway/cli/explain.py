"""`einmal explain`: what would be decided, check by check, without asking any register or writing any line."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from datetime import date
from pathlib import Path
from typing import Annotated, Final

import typer

from consent.decide import decide
from consent.policy import Policy
from consent.trials import RULES
from consent.vocabulary import BasisClaim, BasisKind, Check, Fact, Permit, Refusal, Request, Subject
from gateway import assembly
from gateway.cli import console, subject
from gateway.outbound.reasons import REASONS

_CLAUSES: Final = {rule.check: rule.clause for rule in RULES}
_SIGNS: Final = {Fact.PASSED: "✓ passed", Fact.FAILED: "✕ failed", Fact.NOT_NEEDED: "– not needed"}
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
    subject_file: subject.SubjectFile = None,
    home: console.Home = console.HERE,
    as_json: console.Json = False,
) -> None:
    """Each check, passed or not, and why. Exit 1 if the answer would be no."""
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
        )

    decision = asyncio.run(_decide(home, asked))
    if as_json:
        console.as_json(_facts(decision))
    else:
        _tell(decision, subject_file is not None)
    if isinstance(decision, Refusal):
        console.no()


async def _decide(home: Path, asked: Callable[[Policy], Request]) -> Permit | Refusal:
    opened = await assembly.open_house(home)
    try:
        policy = opened.home.policy
        request = asked(policy)
        records = await opened.store.held_for(request, "explain")
        return decide(request, policy, records, opened.house.clock.now())
    finally:
        await opened.close()


def _tell(decision: Permit | Refusal, named: bool) -> None:
    for check in Check:
        fact = decision.facts.get(check)
        if fact is not None and check in _CLAUSES:
            style = "red" if fact is Fact.FAILED else None
            console.say(f"  {_SIGNS[fact]:14} {check:18} {_CLAUSES[check]}", style)
    if isinstance(decision, Permit):
        console.say(
            f"Yes, by grant {decision.grant} on basis {decision.basis.kind} ({decision.basis.norm}).",
            "bold green",
        )
        console.say(f"Fields: {', '.join(sorted(decision.fields))}")
    else:
        console.say(f"No: {decision.code}. {REASONS[decision.code].en}", "bold red")
        if decision.fields:
            console.say(f"Asked for in excess: {', '.join(sorted(decision.fields))}")
    if not named and decision.facts.get(Check.BASIS_RECORD) is Fact.FAILED:
        console.say("No person was named (--subject-file), so no record of choice or consent can match.")


def _facts(decision: Permit | Refusal) -> dict[str, object]:
    facts = {str(check): str(fact) for check, fact in decision.facts.items()}
    if isinstance(decision, Permit):
        return {
            "permitted": True,
            "grant": decision.grant,
            "basis": {
                "kind": decision.basis.kind,
                "norm": decision.basis.norm,
                "record": decision.basis.record,
            },
            "fields": sorted(decision.fields),
            "facts": facts,
            "policy": decision.policy,
        }
    return {
        "permitted": False,
        "code": decision.code,
        "checks": list(decision.checks),
        "fields": sorted(decision.fields),
        "grant": decision.grant,
        "facts": facts,
        "policy": decision.policy,
    }


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
