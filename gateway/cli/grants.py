"""`einmal grants`: write, sign and look at who may ask which register for what."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Final

import typer

from consent.grants import Grant
from consent.vocabulary import Problem
from gateway import assembly, jws
from gateway.cli import console
from gateway.config.signatures import verify
from gateway.errors import ConfigurationFault

_NAME: Final = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")


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
    field: Annotated[
        list[str], typer.Option(metavar="FIELD", help="A field that may be handed on; repeat it.")
    ],
    purpose: Annotated[str, typer.Option(help="The purpose's code.")],
    procedure: Annotated[list[str], typer.Option(metavar="CODE", help="A procedure's code; repeat it.")],
    basis: Annotated[
        list[str], typer.Option(metavar="BASIS", help="choice, consent or statutory; repeat it.")
    ],
    norm: Annotated[str, typer.Option(help="The legal norm.")],
    valid_from: Annotated[
        datetime, typer.Option(metavar="DATE", formats=["%Y-%m-%d"], help="The first day, like 2026-01-31.")
    ],
    valid_to: Annotated[
        datetime, typer.Option(metavar="DATE", formats=["%Y-%m-%d"], help="The last day, like 2027-12-31.")
    ],
    recorded_by: Annotated[
        list[str] | None, typer.Option(metavar="CONSUMER", help="Whose records count; repeat it.")
    ] = None,
    retention: Annotated[str, typer.Option(help="The retention class.")] = "24m",
    blocked: Annotated[str, typer.Option(help="hide or deliver-with-notice.")] = "hide",
    idnr: Annotated[bool, typer.Option("--idnr", help="The register may be asked with the IDNr.")] = False,
    home: console.Home = console.HERE,
) -> None:
    """Write grants/NAME.toml, for two people to sign.

    Until both have, `einmal check` says so and no command opens the home.
    """
    if not _NAME.fullmatch(name):
        console.usage(f"a grant's name has small letters, digits and hyphens only, not {name!r}")
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
    """Add a person's signature.

    Signatures over an older state of the file are dropped.
    """
    signer, body = assembly.read_key(key), file.read_bytes()
    if person not in (None, signer.kid):
        console.usage(f"the key in {key} is {signer.kid!r}'s, not {person!r}'s")
    people = _people(file.parent.parent / "people")
    if people and signer.kid not in people:
        console.usage(f"the key in {key} is {signer.kid!r}'s, and people/ has nobody of that id")
    beside = file.with_suffix(".sig")
    others = beside.read_text("utf-8") if beside.exists() else None
    if others is not None:
        signers = verify(body, others.encode(), people.get)
        if signers is None:
            console.say("The signatures so far are for another state of the file: begun anew.")
            others = None
        elif signer.kid in signers:
            console.say(f"{signer.kid} has signed this state of the file already: nothing to do.")
            return
    beside.write_text(jws.sign_file(body, [signer], others), "utf-8")
    console.say(f"{beside} holds the signature of {signer.kid}.")


def _people(folder: Path) -> Mapping[str, dict[str, str]]:
    """Out: the public key of everybody in `people/`, by id."""
    people: dict[str, dict[str, str]] = {}
    for entry in sorted(folder.glob("*.toml")):
        people |= _person(entry)
    return people


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
