"""`einmal keys`: what is published, what runs out, and new pairs for consumers and signatories."""

from __future__ import annotations

import asyncio
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from consent.policy import Policy
from gateway import assembly, jws
from gateway.audit.note import parse_vkey
from gateway.cli import console
from gateway.ports import Keys


def register(app: typer.Typer) -> None:
    group = typer.Typer(help="Keys: what is published, what runs out, new pairs.", no_args_is_help=True)
    group.command("list")(list_)
    group.command("new")(new)
    app.add_typer(group, name="keys")


def list_(home: console.Home = console.HERE, as_json: console.Json = False) -> None:
    """The fingerprint to publish, every public key, its state."""
    now = assembly.now()
    policy, own = asyncio.run(_opened(home))
    identity = parse_vkey(own.identity_vkey)
    rows = [
        (
            consumer.id,
            key.kid,
            key.use,
            f"{key.valid_to:%Y-%m-%d}",
            _state(key.valid_at(now), key.revoked_at, now),
        )
        for consumer in policy.consumers.values()
        for key in consumer.keys
    ]
    rows += [
        (
            person.role,
            person.id,
            "sig",
            f"{person.valid_to:%Y-%m-%d}",
            _state(person.valid_at(now), person.revoked_at, now),
        )
        for person in policy.people.values()
    ]
    if as_json:
        names = ("owner", "kid", "use", "valid_to", "state")
        console.as_json(
            {
                "authority_vkey": identity.vkey,
                "fingerprint": identity.fingerprint,
                "gateway": {"kid": own.gateway.kid, "jwk": jws.public_jwk(own.gateway)},
                "keys": [dict(zip(names, row, strict=True)) for row in rows],
            }
        )
        return
    console.say("The authority's identity key, to be published:", "bold")
    console.say(f"  {identity.vkey}\n  fingerprint {identity.fingerprint}")
    console.say(f"The gateway signs replies with {own.gateway.kid}.")
    console.table(("whose", "key", "use", "valid to", "state"), rows)


def new(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="Where the secret key is to be written (0600).")
    ],
    kid: Annotated[str, typer.Option(help="The key's name: a person's id, or like wohngeldstelle-2026.")],
    as_json: console.Json = False,
) -> None:
    """A new Ed25519 pair.

    The secret goes into FILE, the public line for the home's file on the screen.
    """
    key = assembly.new_key(kid)
    assembly.write_key(file, key)
    public = jws.public_jwk(key)
    if as_json:
        console.as_json({"kid": kid, "jwk": public, "file": str(file)})
        return
    members = ", ".join(f'{name} = "{value}"' for name, value in public.items())
    console.say(f"The secret key is in {file}: for its owner alone.")
    console.say(f"The public one, for people/ or consumers/:\n  jwk = {{ {members} }}")


async def _opened(home: Path) -> tuple[Policy, Keys]:
    opened = await assembly.open_house(home)
    try:
        return opened.home.policy, opened.keys
    finally:
        await opened.close()


def _state(valid: bool, revoked: datetime | None, now: datetime) -> str:
    if valid:
        return "valid"
    return "revoked" if revoked is not None and revoked <= now else "not valid now"
