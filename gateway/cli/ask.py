"""`einmal ask`: publish one request file like a data consumer would, print the reply."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from gateway import assembly, client, inbound
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


def register(app: typer.Typer) -> None:
    app.command()(ask)


def ask(
    file: File,
    consumer: Annotated[str, typer.Option("--as", metavar="CONSUMER", help="Who asks.")],
    key: Key = None,
    timeout: Timeout = 30.0,
    receipts: Receipts = None,
    amqp: Amqp = None,
    home: console.Home = console.HERE,
    as_json: console.Json = False,
) -> None:
    """Send one request, print the reply. Exit 1 on a refusal.

    It reaches a running `einmal serve`; where none runs, this process answers itself. With --amqp it only asks.
    """
    deliver(home, file, consumer, key, timeout, receipts, amqp, as_json, submits=False)


def deliver(
    home: Path,
    file: Path,
    name: str,
    key: Path | None,
    timeout: float,
    receipts: Path | None,
    amqp: str | None,
    as_json: bool,
    *,
    submits: bool,
) -> None:
    """Send the file as the consumer of that name, print the reply, end with the exit code that it means.

    A file of the other command's kind is not sent: nobody writes into a register who meant to ask.
    """
    try:
        letter = asyncio.run(_sent(home, file, name, key, timeout, amqp, submits))
    except NoRequest as wrong:
        console.error(f"{file}: {wrong.why}.")
        console.no()
    except client.ReplyInvalid as wrong:
        console.error(f"A reply came and proves nothing: {wrong.code}.")
        console.no()
    if letter.reply is None:
        console.error(f"No reply within {timeout:g} seconds. The request stays on the bus.")
        raise typer.Exit(console.ENVIRONMENT)
    _tell(letter, letter.reply, as_json)
    if receipts is not None and letter.reply.promise is not None:
        _add(receipts, letter.reply.promise.token)
    if not letter.answered:
        console.no()


async def _sent(
    home: Path,
    file: Path,
    name: str,
    key: Path | None,
    timeout_seconds: float,
    amqp: str | None,
    submits: bool,
) -> Letter:
    async with await assembly.open_house(home) as opened:
        consumer = _consumer(opened, name, key or home / "keys" / "consumers" / f"{name}.jwk")
        request = question(opened, file, consumer)
        if submits is not (inbound.about(request.routing_key) == "submit"):
            console.usage(
                f"{file} submits nothing: send it with `einmal ask`"
                if submits
                else f"{file} submits data: send it with `einmal submit`"
            )
        if amqp is not None:
            return await post(opened, request, consumer, timeout_seconds, amqp)
        async with served(opened):
            return await post(opened, request, consumer, timeout_seconds)


def _consumer(opened: assembly.Opened, name: str, file_of_key: Path) -> client.Consumer:
    known = opened.home.policy.consumers.get(name)
    if known is None:
        console.usage(f"no consumer {name!r}; there are: {', '.join(opened.home.policy.consumers) or 'none'}")
    secret = assembly.read_key(file_of_key)
    if secret.kid not in {one.kid for one in known.keys}:
        console.usage(f"the key in {file_of_key} is {secret.kid!r}: consumers/ lists no such key for {name}")
    return client.Consumer(name, known.bus_user, secret)


def _add(receipts: Path, token: str) -> None:
    """Keep a receipt behind the others, in a file of this user's own. A crash here leaves the request settled: asked
    again, the same reply comes with the same receipt."""
    handle = os.open(receipts, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    with open(handle, "a", encoding="ascii") as file:  # noqa: PTH123  a handle made with its mode, not a path
        file.write(f"{token}\n")


def _tell(letter: Letter, reply: client.Verified, as_json: bool) -> None:
    message = reply.message
    text = message.body.decode("utf-8", "replace")
    if as_json:
        console.as_json(
            {
                "type": message.type,
                "content_type": message.content_type,
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
