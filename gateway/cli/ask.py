"""`einmal ask`: publish one request file like a data consumer would, print the reply."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from gateway import assembly, client, inbound, jwe
from gateway.cli import console
from gateway.cli.letters import Letter, NoRequest, post, question, served

File: TypeAlias = Annotated[Path, typer.Argument(metavar="FILE", help="The request: .xml or .json.")]
Key: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", help="The consumer's secret key; default: keys/consumers/CONSUMER.jwk in the home."
    ),
]
Amqp: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="URL",
        help="The broker, as the consumer's own user: amqp://USER:PASSWORD@HOST/VHOST, better env:NAME or file:PATH.",
    ),
]
Timeout: TypeAlias = Annotated[
    float, typer.Option(min=0.1, metavar="SECONDS", help="How long to wait for the reply.")
]

Receipts: TypeAlias = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="A file to which the reply's receipt is added, one a line."),
]
Encrypt: TypeAlias = Annotated[
    bool, typer.Option("--encrypt", help="Encrypt the request to the gateway; the reply comes encrypted too.")
]
OpeningKey: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="The consumer's secret key to open replies; default: keys/consumers/CONSUMER-enc.jwk, if it is there.",
    ),
]


@dataclass(frozen=True, slots=True)
class Errand:
    """What is to be sent and how, as it was typed."""

    home: Path
    file: Path
    consumer: str
    key: Path | None
    timeout_seconds: float
    receipts: Path | None
    amqp: str | None
    encrypt: bool
    encryption_key: Path | None
    submits: bool

    def key_file(self, ending: str = "") -> Path:
        """Out: where the demo keeps a consumer's secret key."""
        return self.home / "keys" / "consumers" / f"{self.consumer}{ending}.jwk"


def register(app: typer.Typer) -> None:
    app.command()(ask)


def ask(
    file: File,
    consumer: Annotated[str, typer.Option("--as", metavar="CONSUMER", help="Who asks.")],
    key: Key = None,
    timeout: Timeout = 30.0,
    receipts: Receipts = None,
    amqp: Amqp = None,
    encrypt: Encrypt = False,
    encryption_key: OpeningKey = None,
    home: console.Home = console.HERE,
    as_json: console.Json = False,
) -> None:
    """Send one request, print the reply. Exit 1 on a refusal.

    It reaches a running `einmal serve`; where none runs, this process answers itself. With --amqp it only asks.
    """
    errand = Errand(
        home, file, consumer, key, timeout, receipts, amqp, encrypt, encryption_key, submits=False
    )
    deliver(errand, as_json)


def deliver(errand: Errand, as_json: bool) -> None:
    """Send the file as the consumer of that name, print the reply, end with the exit code that it means.

    A file of the other command's kind is not sent: nobody writes into a register who meant to ask.
    """
    try:
        letter = asyncio.run(_sent(errand))
    except NoRequest as wrong:
        console.error(f"{errand.file}: {wrong.why}.")
        console.no()
    except client.ReplyInvalid as wrong:
        if wrong.code == "encryption":
            console.error(
                "A reply came and can't be opened: --encryption-key names the key it is encrypted to."
            )
        else:
            console.error(f"A reply came and proves nothing: {wrong.code}.")
        console.no()
    if letter.reply is None:
        console.error(f"No reply within {errand.timeout_seconds:g} seconds. The request stays on the bus.")
        raise typer.Exit(console.ENVIRONMENT)
    _tell(letter, letter.reply, as_json)
    if errand.receipts is not None and letter.reply.promise is not None:
        _add(errand.receipts, letter.reply.promise.token)
    if not letter.answered:
        console.no()


async def _sent(errand: Errand) -> Letter:
    async with await assembly.open_house(errand.home) as opened:
        consumer = _consumer(opened, errand)
        request = question(opened, errand.file, consumer, encrypt=errand.encrypt)
        if errand.submits is not (inbound.about(request.routing_key) == "submit"):
            console.usage(
                f"{errand.file} submits nothing: send it with `einmal ask`"
                if errand.submits
                else f"{errand.file} submits data: send it with `einmal submit`"
            )
        if errand.amqp is not None:
            return await post(opened, request, consumer, errand.timeout_seconds, errand.amqp)
        async with served(opened):
            return await post(opened, request, consumer, errand.timeout_seconds)


def _consumer(opened: assembly.Opened, errand: Errand) -> client.Consumer:
    name, consumers = errand.consumer, opened.home.policy.consumers
    known = consumers.get(name)
    if known is None:
        console.usage(f"no consumer {name!r}; there are: {', '.join(consumers) or 'none'}")
    kids, file = {one.kid for one in known.keys}, errand.key or errand.key_file()
    secret = assembly.read_key(file)
    opens = _opening(errand)
    if errand.encrypt and not opens:
        console.usage(
            f"--encrypt needs the key that opens the reply: --encryption-key, or {errand.key_file('-enc')}"
        )
    for kid, place in ((secret.kid, file), *((one.kid, path) for one, path in opens)):
        if kid not in kids:
            console.usage(f"the key in {place} is {kid!r}: consumers/ lists no such key for {name}")
    return client.Consumer(name, known.bus_user, secret, tuple(one for one, _ in opens))


def _opening(errand: Errand) -> list[tuple[jwe.OpeningKey, Path]]:
    """Out: the key that opens replies, if there is one, and where it lies."""
    file = errand.encryption_key or errand.key_file("-enc")
    if errand.encryption_key is None and not file.exists():
        return []
    return [(assembly.read_encryption_key(file), file)]


def _add(receipts: Path, token: str) -> None:
    """Keep a receipt behind the others, in a file of this user's own. A crash here leaves the request settled: asked
    again, the same reply comes with the same receipt."""
    handle = os.open(receipts, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    with open(handle, "a", encoding="ascii") as file:  # noqa: PTH123  a handle made with its mode, not a path
        file.write(f"{token}\n")


def _tell(letter: Letter, reply: client.Verified, as_json: bool) -> None:
    message = reply.message
    text = reply.body.decode("utf-8", "replace")
    if as_json:
        console.as_json(
            {
                "type": message.type,
                "content_type": reply.content_type,
                "message_id": letter.request.message_id,
                "body": text,
                "receipt": reply.promise.token if reply.promise else None,
                "exchange": reply.promise.exchange if reply.promise else None,
            }
        )
        return
    console.say(f"{message.type}, signed by {reply.kid}", "bold green" if letter.answered else "bold red")
    console.raw(text + "\n")
    if reply.promise:
        console.say(f"Receipt for exchange {reply.promise.exchange}; --receipts FILE keeps it.")
