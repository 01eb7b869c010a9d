"""`einmal keys`: what is published, what runs out, new pairs for consumers and signatories; what follows what."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from textwrap import wrap
from typing import Annotated, Final

import typer

from consent.policy import Policy
from gateway import assembly, jose, jws
from gateway.audit.note import NoteInvalid, Verifier
from gateway.audit.shard import Origin
from gateway.cli import console, rotating

_YOUR_NAME: Final = "Your office's name"


def register(app: typer.Typer) -> None:
    group = typer.Typer(
        help="Keys: what is published, what runs out, new pairs, rotation.", no_args_is_help=True
    )
    group.command("list")(list_)
    group.command("new")(new)
    group.command("jwks")(jwks)
    rotating.register(group)
    app.add_typer(group, name="keys")


def list_(
    fingerprint: Annotated[
        bool,
        typer.Option(
            "--fingerprint",
            help="Only the fingerprint that citizens check with; in a terminal, to be read out.",
        ),
    ] = False,
    home: console.Home = console.HERE,
    as_json: console.Json = False,
) -> None:
    """The fingerprint to publish, every public key, its state."""
    now = assembly.now()
    policy, own, shards = asyncio.run(_opened(home))
    if fingerprint:
        _fingerprint(own.identity.current, as_json)
        return
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
            {**own.facts(), "shards": shards, "keys": [dict(zip(names, row, strict=True)) for row in rows]}
        )
        return
    _tell(own)
    console.say("Every shard of the log has keys of its own, stated by the identity key. The open ones:")
    for shard in shards:
        console.say(f"  {shard['origin']}")
    console.table(("whose", "key", "use", "valid to", "state"), rows)


def _fingerprint(identity: Verifier, as_json: bool) -> None:
    """Print what is on the letterhead, and for somebody at the telephone the same in groups of four."""
    if as_json:
        console.as_json({"authority": identity.name, "fingerprint": identity.fingerprint})
        return
    console.say(identity.fingerprint)
    if console.in_terminal():
        groups = wrap(identity.fingerprint, 4)
        console.say(f"To read it out, it is that of {identity.name}:")
        for at in range(0, len(groups), 4):
            console.say("  " + "  ".join(groups[at : at + 4]))


def _tell(own: assembly.OwnKeys) -> None:
    console.say("The authority's identity key, to be published:", "bold")
    console.say(f"  {own.identity.current.vkey}\n  fingerprint {own.identity.current.fingerprint}")
    if own.identity.former:
        console.say("The ones before it, which stated older shards; publish them beside it:")
    for former in reversed(own.identity.former):
        console.say(f"  {former.vkey}")
    console.say(f"The gateway signs replies with {own.gateway}.")
    if own.next_gateway is not None:
        console.say(f"  next, once it is rotated: {own.next_gateway}")
    for kid, until in own.former_gateways.items():
        console.say(f"  before it: {kid}, until {until:%Y-%m-%d}")
    if not own.encryption:
        console.prose("No key to encrypt to: `einmal keys rotate encryption` makes the first one.")
    for key in own.encryption:
        console.say(f"Consumers encrypt to {key.kid}, until {key.valid_to:%Y-%m-%d}.")
    console.say(f"Secrets are sealed under the master key {own.master}, from a {own.master_source}.")
    for one in own.former_masters:
        console.say(f"  before it: {one}; `einmal keys rotate master` goes on with what is sealed under it")


def new(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="Where the secret key is to be written (0600).")
    ],
    kid: Annotated[
        str,
        typer.Option(
            help="The key's name: a person's id, or like wohngeldstelle-2026, or dsb.example/einmal."
        ),
    ],
    auditor: Annotated[
        bool, typer.Option("--auditor", help="A key to cosign a log with, as its auditor or witness.")
    ] = False,
    encryption: Annotated[
        bool, typer.Option("--encryption", help="A key of X25519, to which replies are encrypted.")
    ] = False,
    as_json: console.Json = False,
) -> None:
    """A new Ed25519 pair.

    The secret goes into FILE, the public line for the home's file on the screen.
    """
    if auditor and encryption:
        console.usage("--auditor and --encryption are two different keys")
    if auditor:
        _new_cosigner(file, kid, as_json)
        return
    public = _new_encryption(file, kid) if encryption else _new_signing(file, kid)
    if as_json:
        console.as_json({"kid": kid, "jwk": public, "file": str(file)})
        return
    members = ", ".join(f'{name} = "{value}"' for name, value in public.items())
    console.say(f"The secret key is in {file}: for its owner alone.")
    where = 'for a [[key]] with use = "enc" in consumers/' if encryption else "for people/ or consumers/"
    console.say(f"The public one, {where}:\n  jwk = {{ {members} }}")


def _new_signing(file: Path, kid: str) -> dict[str, str]:
    key = assembly.new_key(kid)
    assembly.write_key(file, key)
    return jws.public_jwk(key)


def _new_encryption(file: Path, kid: str) -> dict[str, str]:
    key = assembly.new_encryption_key(kid)
    assembly.write_encryption_key(file, key)
    return jose.public_members(key.key)


def jwks(home: console.Home = console.HERE) -> None:
    """The public keys as a JWKS: to verify by, to encrypt to."""

    async def shown() -> dict[str, list[Mapping[str, str]]]:
        opened = await assembly.open_house(home)
        try:
            return assembly.jwks(opened.keys, opened.house.ids, opened.house.clock.now())
        finally:
            await opened.close()

    console.as_json(asyncio.run(shown()))


def _new_cosigner(file: Path, name: str, as_json: bool) -> None:
    try:
        verifier, state = assembly.new_cosigner(file, name)
    except NoteInvalid as wrong:
        console.usage(f"--kid: {wrong}")
    if as_json:
        console.as_json({"name": name, "vkey": verifier.vkey, "file": str(file), "state": str(state)})
        return
    console.say(f"The secret key is in {file}: for its owner alone.")
    console.prose("The public one, for [[log.auditor]] or [[log.witness]] in einmal.toml, and for readers:")
    console.say(f'  vkey = "{verifier.vkey}"')
    console.prose(
        "Send that line to the town, by a way on which nobody can exchange it. The town adds to einmal.toml:"
    )
    console.say(f'  [[log.auditor]]\n  name = "{_YOUR_NAME}"\n  vkey = "{verifier.vkey}"')
    console.prose(
        "The name is the one that readers shall see. A witness stands under [[log.witness]], with a third line if it "
        'answers by itself: url = "https://…". Then: einmal check'
    )
    console.say(f"What you will have seen is kept in {state}: for --state.")


async def _opened(home: Path) -> tuple[Policy, assembly.OwnKeys, list[dict[str, str]]]:
    async with await assembly.open_house(home) as opened:
        newest = {Origin.parse(found[0].origin).retention: found[0] for found in await opened.shards.headed()}
        shards = [
            {
                "origin": shard.origin,
                "log_vkey": shard.keys.public.log.vkey,
                "index_vkey": shard.keys.public.index.vkey,
            }
            for shard in newest.values()
        ]
        return opened.home.policy, assembly.own_keys(opened.keys, opened.house.ids), shards


def _state(valid: bool, revoked: datetime | None, now: datetime) -> str:
    if valid:
        return "valid"
    return "revoked" if revoked is not None and revoked <= now else "not valid now"
