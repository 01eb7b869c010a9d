"""`einmal submit`: the first submission of data, published like a data consumer would; prints the receipt."""

from __future__ import annotations

from typing import Annotated

import typer

from gateway.cli import ask, console


def register(app: typer.Typer) -> None:
    app.command()(submit)


def submit(
    file: ask.File,
    consumer: Annotated[str, typer.Option("--as", metavar="CONSUMER", help="Who submits.")],
    key: ask.Key = None,
    timeout: ask.Timeout = 30.0,
    receipts: ask.Receipts = None,
    amqp: ask.Amqp = None,
    encrypt: ask.Encrypt = False,
    encryption_key: ask.OpeningKey = None,
    home: console.Home = console.HERE,
    as_json: console.Json = False,
) -> None:
    """Submit data to a register, print the receipt. Exit 1 on a refusal: nothing was written then.

    It reaches a running `einmal serve`; where none runs, this process takes it itself. With --amqp it only submits.
    """
    errand = ask.Errand(
        home, file, consumer, key, timeout, receipts, amqp, encrypt, encryption_key, submits=True
    )
    ask.deliver(errand, as_json)
