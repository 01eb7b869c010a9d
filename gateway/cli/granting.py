"""`einmal grants new|sign|revoke`: a grant is written, signed by two people, and ended by one."""

from __future__ import annotations

import asyncio
import json
import re
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Final, TypeAlias

import typer
from pydantic import ValidationError

from consent.grants import Grant, GrantsFile, content_hash
from consent.policy import SIGNATURE, unpack
from consent.problems import Document, validated
from consent.revocation import REASON_CHARACTERS, Revocation, file_of, revokes, written
from gateway import assembly, jws
from gateway.cli import console
from gateway.cli.reload import followed
from gateway.config.signatures import verify
from gateway.config.toml import parse
from gateway.errors import ConfigurationFault, Fault

_NAME: Final = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")
_Repeated: TypeAlias = list[str] | None


def register(group: typer.Typer) -> None:
    group.command("new")(new)
    group.command("sign")(sign)
    group.command("revoke")(revoke)


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
        _Repeated, typer.Option(metavar="CONSUMER", help="Whose records count; repeat it.")
    ] = None,
    retention: Annotated[str, typer.Option(help="The retention class.")] = "24m",
    blocked: Annotated[str, typer.Option(help="hide or deliver-with-notice.")] = "hide",
    idnr: Annotated[bool, typer.Option("--idnr", help="The register may be asked with the IDNr.")] = False,
    write: Annotated[
        bool, typer.Option("--write", help="A grant to submit these fields, not to ask.")
    ] = False,
    default_field: Annotated[
        _Repeated, typer.Option(metavar="FIELD", help="Given to who names no field; repeat it.")
    ] = None,
    assurance: Annotated[
        str | None, typer.Option(help="Least eID level of a record: low, substantial, high.")
    ] = None,
    representation: Annotated[
        _Repeated,
        typer.Option(metavar="PROOF", help="What shows that somebody acts for the person; repeat it."),
    ] = None,
    on_behalf_of: Annotated[
        str | None, typer.Option(metavar="CONSUMER", help="In whose name it asks, if not its own.")
    ] = None,
    special_category_law: Annotated[
        str | None, typer.Option(metavar="NORM", help="The law that opens special categories.")
    ] = None,
    exempt: Annotated[
        str | None, typer.Option(metavar="NORM", help="The law that keeps it from the person for a time.")
    ] = None,
    exempt_days: Annotated[int | None, typer.Option(metavar="DAYS", help="For how many days.")] = None,
    item: Annotated[str | None, typer.Option(help="The structured item it is delivered as.")] = None,
    preview: Annotated[
        bool,
        typer.Option(
            "--preview",
            help="The person must see it first. No preview is served yet: until then every request is refused "
            "(preview-required).",
        ),
    ] = False,
    predecessor: Annotated[
        str | None, typer.Option(metavar="ID", help="The grant that this one replaces from its first day on.")
    ] = None,
    home: console.Home = console.HERE,
    as_json: console.Json = False,
) -> None:
    """Write grants/NAME.toml, for two people to sign.

    What could not be signed is not written. Until both have signed, it grants nothing.
    """
    if not _NAME.fullmatch(name):
        console.usage(f"a grant's name has small letters, digits and hyphens only, not {name!r}")
    said: dict[str, object] = {
        "id": name,
        "consumer": consumer,
        "register": register_,
        "evidence": evidence,
        "fields": field,
        "default_fields": default_field,
        "write": write or None,
        "purpose": purpose,
        "procedures": procedure,
        "basis": basis,
        "norm": norm,
        "recorded_by": recorded_by or [],
        "assurance": assurance,
        "representation": representation,
        "on_behalf_of": on_behalf_of,
        "special_category_law": special_category_law,
        "exempt": exempt,
        "exempt_days": exempt_days,
        "blocked": blocked,
        "retention": retention,
        "item": item,
        "preview": preview or None,
        "idnr": idnr or None,
        "predecessor": predecessor,
        "valid_from": valid_from.date(),
        "valid_to": valid_to.date(),
    }
    lines = [f"{key} = {_toml(value)}\n" for key, value in said.items() if value is not None]
    raw = ("[[grant]]\n" + "".join(lines)).encode()
    file = home / "grants" / f"{name}.toml"
    console.to_be_new(file)
    problems = assembly.proposed(home, f"grants/{name}.toml", raw)
    if problems:
        console.problems(problems)
        console.error("Nothing was written.")
        console.no()
    with file.open("xb") as target:
        target.write(raw)
    (grant,) = _grants(f"grants/{name}.toml", raw)
    if as_json:
        console.as_json(
            {"file": str(file), "grant": name, "content_hash": content_hash(grant), "signed": False}
        )
        return
    console.say(f"{file} is written. It is not signed, so it grants nothing yet.")
    console.say(f"Next: `einmal grants sign {file} --key KEYFILE`, by a register owner and by an approver.")


def sign(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file of grants, as it is now.")],
    key: Annotated[Path, typer.Option(help="The signer's secret key file.")],
    person: Annotated[
        str | None, typer.Option("--as", metavar="PERSON", help="Who signs; must be the key's.")
    ] = None,
    as_json: console.Json = False,
) -> None:
    """Add a person's signature.

    Signatures over an older state of the file are dropped.
    """
    signer, body = assembly.read_key(key), file.read_bytes()
    if person not in (None, signer.kid):
        console.usage(f"the key in {key} is {signer.kid!r}'s, not {person!r}'s")
    home, name = file.absolute().parent.parent, f"grants/{file.name}"
    people = assembly.people(home)
    if signer.kid not in people:
        console.usage(f"the key in {key} is {signer.kid!r}'s, and people/ has nobody of that id")
    problems = assembly.proposed(home, name, body)
    if problems:
        console.problems(problems)
        console.error("Nothing was signed: mending it takes every signature away.")
        console.no()
    beside = file.with_suffix(SIGNATURE)
    others = beside.read_text("utf-8") if beside.exists() else None
    signers = verify(body, others.encode(), people.get) if others is not None else None
    if signers is not None and signer.kid in signers:
        told = f"{signer.kid} has signed this state of the file already: nothing to do."
    else:
        beside.write_text(jws.sign_file(body, [signer], others if signers else None), "utf-8")
        told = f"{beside} holds the signature of {signer.kid}."
        if others is not None and signers is None:
            told += " Those there were for another state of the file are gone."
    missing = assembly.unsigned(home, name)
    grants = _grants(name, body)
    if as_json:
        signed = [{"id": grant.id, "content_hash": content_hash(grant)} for grant in grants]
        console.as_json({"file": str(beside), "signer": signer.kid, "grants": signed, "missing": missing})
        return
    for grant in grants:
        console.prose(f"  {_told(grant)}")
        console.say(f"    content {content_hash(grant)}")
    console.say(told)
    if missing is None:
        console.prose("Both signatures are there. Next: `einmal check`, then `einmal reload`.")
    else:
        console.prose(f"It grants nothing yet: it {missing}.")


def revoke(
    name: Annotated[str, typer.Argument(metavar="ID", help="The grant's id.")],
    key: Annotated[Path, typer.Option(help="The secret key of a register owner or an approver.")],
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why; auditors read it. No personal data.")],
    home: console.Home = console.HERE,
    as_json: console.Json = False,
) -> None:
    """End a grant at once, for good; one signature is enough.

    Nothing else is put in force with it, whatever the files say by now.
    """
    signer = assembly.read_key(key)
    try:
        statement, switch, served = asyncio.run(_revoke(home, name, signer, reason))
    except ConfigurationFault as wrong:
        console.problems(wrong.problems)
        console.error("Nothing was revoked.")
        console.no()
    except Fault as fault:
        if not (home / file_of(name)).exists():
            raise
        console.error(f"{fault}.")
        console.error(
            f"The revocation is written ({file_of(name)}) and NOT in force. Run this command again."
        )
        raise typer.Exit(console.ENVIRONMENT) from None
    if as_json:
        console.as_json(
            {
                "grant": name,
                "content_hash": statement.content,
                "revoked": statement.time.isoformat(),
                "reason": statement.reason,
                "file": file_of(name),
                "in_force": True,
                "changed": switch.changed,
                "policy": switch.after.hash,
            }
        )
    elif not switch.changed:
        console.say(f"{name} is revoked since {statement.time:%Y-%m-%d}: {file_of(name)} is as it was.")
    else:
        console.say(f"{name} is revoked and grants nothing any more.", "bold green")
        console.prose(f"In force: policy {switch.after.hash[:12]}. {followed(served)}")
        console.prose(f"Keep {file_of(name)}: until {statement.until} no reload is accepted without it.")


async def _revoke(
    home: Path, name: str, signer: jws.SigningKey, reason: str
) -> tuple[Revocation, assembly.Switch, bool]:
    async with await assembly.open_house(home) as opened:
        law, _ = await opened.law.look()
        if law is None or name not in law.grants.keys() | law.revocations.keys():
            known = ", ".join(law.grants) if law is not None else ""
            console.usage(f"no grant {name!r} is in force; in force are: {known or 'none'}")
        if name in law.revocations:
            statement, signed = law.revocations[name], unpack(law.archived)[file_of(name)]
            return statement, await opened.law.revoke(statement, signed), await opened.is_served()
        try:
            statement = revokes(law.grants[name], reason, opened.house.clock.now())
        except ValidationError:
            console.usage(f"--reason is one line of 1 to {REASON_CHARACTERS} characters")
        signed = written(statement, jws.sign_file(statement.body(), [signer]).encode())
        return statement, await opened.law.revoke(statement, signed), await opened.is_served()


def _grants(file: str, raw: bytes) -> tuple[Grant, ...]:
    """Out: what a file of grants says that is right in itself."""
    document = parse(file, raw)
    found = validated(GrantsFile, document)[0] if isinstance(document, Document) else None
    return found.grant if found is not None else ()


def _told(grant: Grant) -> str:
    does = "submits to" if grant.write else "asks"
    return (
        f"{grant.id}: {grant.consumer} {does} {grant.register} ({grant.evidence}) for {grant.purpose}: "
        f"{', '.join(sorted(grant.fields))}; {grant.valid_from} to {grant.valid_to}"
    )


def _toml(value: object) -> str:
    """Out: a TOML value. JSON's texts, lists, numbers and booleans are TOML's too."""
    return value.isoformat() if isinstance(value, date) else json.dumps(value, ensure_ascii=False)
