"""`einmal grants`: write, sign and look at who may ask which register for what."""

from __future__ import annotations

import json
import tomllib
from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import typer

from consent.grants import Grant
from consent.vocabulary import Problem
from gateway import assembly, jws
from gateway.cli import console
from gateway.config.signatures import verify
from gateway.errors import ConfigurationFault


def register(app: typer.Typer) -> None:
    group = typer.Typer(help="Who may ask which register for what.", no_args_is_help=True)
    group.command("list")(list_)
    group.command("show")(show)
    group.command("new")(new)
    group.command("sign")(sign)
    app.add_typer(group, name="grants")


def list_(home: console.Home = console.HERE, as_json: console.Json = False) -> None:
    """Every grant: who, what, what for, on which basis, until when."""
    today = assembly.now().date()
    grants = assembly.load_home(home).policy.grants.values()
    if as_json:
        console.as_json([_facts(grant) for grant in grants])
        return
    console.table(
        ("grant", "consumer", "register", "evidence", "purpose", "basis", "fields", "until"),
        [
            (
                grant.id,
                grant.consumer,
                grant.register,
                grant.evidence,
                grant.purpose,
                ", ".join(grant.basis),
                str(len(grant.fields)),
                f"{grant.valid_to}" + ("" if grant.valid_from <= today <= grant.valid_to else " (not now)"),
            )
            for grant in grants
        ],
    )


def show(
    name: Annotated[str, typer.Argument(metavar="ID", help="The grant's id.")],
    home: console.Home = console.HERE,
    as_json: console.Json = False,
) -> None:
    """One grant with everything it says, in plain words."""
    loaded = assembly.load_home(home)
    grant = loaded.policy.grants.get(name)
    if grant is None:
        console.usage(f"no grant {name!r}; there are: {', '.join(loaded.policy.grants) or 'none'}")
    if as_json:
        console.as_json(_facts(grant))
        return
    policy = loaded.policy
    consumer, register_ = policy.consumers[grant.consumer], policy.registers[grant.register]
    kind = policy.evidence(grant.register, grant.evidence)
    console.say(
        f"{consumer.title.en} may ask {register_.title.en} for {kind.title.en if kind else grant.evidence}",
        "bold",
    )
    console.say(
        f"  purpose     {policy.purposes[grant.purpose].title.en} ({policy.purposes[grant.purpose].norm})"
    )
    console.say(
        f"  procedures  {', '.join(policy.procedures[code].title.en for code in sorted(grant.procedures))}"
    )
    console.say(f"  basis       {', '.join(grant.basis)} ({grant.norm})")
    console.say(f"  recorded by {', '.join(sorted(grant.recorded_by)) or 'nobody: it is a statute'}")
    console.say(f"  fields      {', '.join(sorted(grant.fields))}")
    console.say(f"  by IDNr     {'yes' if grant.idnr else 'no'}")
    console.say(f"  blocked     {grant.blocked}")
    console.say(f"  kept for    {grant.retention}")
    console.say(f"  valid       {grant.valid_from} to {grant.valid_to}")


def new(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="File name without ending; also the grant's id.")
    ],
    consumer: Annotated[str, typer.Option(help="Who may ask.")],
    register_: Annotated[str, typer.Option("--register", help="Which register.")],
    evidence: Annotated[str, typer.Option(help="For which evidence type.")],
    field: Annotated[list[str], typer.Option(help="A field that may be handed on; repeat it.")],
    purpose: Annotated[str, typer.Option(help="The purpose's code.")],
    procedure: Annotated[list[str], typer.Option(help="A procedure's code; repeat it.")],
    basis: Annotated[list[str], typer.Option(help="choice, consent or statutory; repeat it.")],
    norm: Annotated[str, typer.Option(help="The legal norm.")],
    valid_from: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="The first day.")],
    valid_to: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="The last day.")],
    recorded_by: Annotated[list[str] | None, typer.Option(help="Whose records count; repeat it.")] = None,
    retention: Annotated[str, typer.Option(help="The retention class.")] = "24m",
    blocked: Annotated[str, typer.Option(help="hide or deliver-with-notice.")] = "hide",
    idnr: Annotated[bool, typer.Option("--idnr", help="The register may be asked with the IDNr.")] = False,
    home: console.Home = console.HERE,
) -> None:
    """Write grants/NAME.toml, unsigned: it counts for nothing until two people have signed it."""
    file = home / "grants" / f"{name}.toml"
    said = {
        "id": name,
        "consumer": consumer,
        "register": register_,
        "evidence": evidence,
        "fields": field,
        "purpose": purpose,
        "procedures": procedure,
        "basis": basis,
        "norm": norm,
        "recorded_by": recorded_by or [],
        "blocked": blocked,
        "retention": retention,
        "valid_from": valid_from.date(),
        "valid_to": valid_to.date(),
        "idnr": idnr,
    }
    with file.open("x", encoding="utf-8") as target:
        target.write("[[grant]]\n" + "".join(f"{key} = {_toml(value)}\n" for key, value in said.items()))
    console.say(f"{file} is written and not signed.")
    problems = [problem for problem in _problems(home) if problem.file == f"grants/{name}.toml"]
    console.problems(problems)
    console.say(f"Next: `einmal grants sign {file} --key KEYFILE`, by a register owner and by an approver.")


def sign(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file of grants, as it is now.")],
    key: Annotated[Path, typer.Option(help="The signer's secret key file.")],
    person: Annotated[
        str | None, typer.Option("--as", metavar="PERSON", help="Who signs; must be the key's.")
    ] = None,
) -> None:
    """Add a person's signature. Signatures over an older state of the file are dropped."""
    signer, body = assembly.read_key(key), file.read_bytes()
    if person not in (None, signer.kid):
        console.usage(f"the key in {key} is {signer.kid!r}'s, not {person!r}'s")
    beside = file.with_suffix(".sig")
    others = beside.read_text("utf-8") if beside.exists() else None
    if others is not None and not _still_good(body, others, signer.kid, file):
        console.say(
            "The signatures so far are for another state of the file, or this one is among them: begun anew."
        )
        others = None
    beside.write_text(jws.sign_file(body, [signer], others), "utf-8")
    console.say(f"{beside} holds the signature of {signer.kid}.")


def _still_good(body: bytes, signatures: str, signer: str, file: Path) -> bool:
    """Out: whether every signature so far fits the file as it is, and none is by the same person."""
    people: dict[str, dict[str, str]] = {}
    for entry in sorted((file.parent.parent / "people").glob("*.toml")):
        people |= _person(entry)
    signers = verify(body, signatures.encode(), people.get)
    return signers is not None and signer not in signers


def _person(entry: Path) -> dict[str, dict[str, str]]:
    try:
        said = tomllib.loads(entry.read_text("utf-8"))
        return {str(said["id"]): {str(name): str(value) for name, value in said["jwk"].items()}}
    except (ValueError, KeyError, AttributeError):
        return {}


def _problems(home: Path) -> tuple[Problem, ...]:
    try:
        assembly.load_home(home)
    except ConfigurationFault as wrong:
        return wrong.problems
    return ()


def _facts(grant: Grant) -> dict[str, object]:
    return {
        key: sorted(value) if isinstance(value, list) and key != "basis" else value
        for key, value in grant.model_dump(mode="json", by_alias=True, exclude_none=True).items()
    }


def _toml(value: object) -> str:
    """Out: a TOML value. JSON's texts, lists and booleans are TOML's too."""
    return value.isoformat() if isinstance(value, date) else json.dumps(value, ensure_ascii=False)
