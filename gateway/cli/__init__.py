"""The command `einmal` (CONTRACT.md 2): one module a command group, no logic; what went wrong is told here, once.

Exit 0 yes or done · 1 the honest answer is no · 2 wrong usage · 3 the environment (files, database, bus).
"""

from __future__ import annotations

import sys
from typing import Final, NoReturn

import typer

from gateway.cli import (
    ask,
    citizen,
    consent,
    console,
    explain,
    grants,
    home,
    keys,
    log,
    reload,
    schemas,
    serve,
    submit,
)
from gateway.cli.bench import command as bench
from gateway.cli.demo import command as demo
from gateway.errors import BusUnavailable, ConfigurationFault, Fault
from gateway.journal.shards import Restored
from gateway.telemetry import told

app = typer.Typer(
    name="einmal",
    help="Once-only registry exchange: asked once, proved to the citizen.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
_MENDS: Final = {
    "keys": "keys/master.key is another house's than the journal's. Restore keys/ and data/ from the same backup.",
    "bus": "See that its file is there, may be written by this user, and that its disk is neither full nor read-only.",
    "storage": (
        "The journal's database can't be used ({where}). See that it may be written by this user and that its disk "
        "is neither full nor read-only; if it is damaged, restore it from a backup."
    ),
    "law": "Other processes change the law at the same time. Nothing was changed: try again.",
    "policy": (
        "The law in force can't be read ({where}): it was not sealed by this house. Restore keys/ and data/ from the "
        "same backup."
    ),
    "checkpoint": "A file in data/checkpoints can't be used ({where}). See that it may be written by this user.",
}
"""What an operator reads of the house's own faults, by the first word of where."""


def _said(fault: Fault) -> str:
    words = _MENDS.get(fault.where.partition(" ")[0])
    return f"{fault}." if words is None else words.format(where=fault.where)


for group in (
    home,
    demo,
    serve,
    reload,
    ask,
    submit,
    explain,
    consent,
    citizen,
    log,
    keys,
    grants,
    schemas,
    bench,
):
    group.register(app)


def main() -> NoReturn:
    """Run the command of this process's arguments and exit. Never a traceback, never personal data."""
    try:
        app()
    except ConfigurationFault as wrong:
        console.problems(wrong.problems)
    except Restored as behind:
        console.error(
            f"{behind}: it was restored from a backup. Nothing was done, so that no two truths are signed."
        )
    except BusUnavailable as fault:
        console.error(f"The bus can't be used: {fault.where}. {_MENDS['bus']}")
    except Fault as fault:
        console.error(_said(fault))
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        console.error(f"{place}{error.strerror or type(error).__name__}.")
    except Exception as error:  # noqa: BLE001  the last net: a type and a place, never content
        where = told(error)
        console.error(
            f"A mistake of this program: {where.get('error')} at {where.get('place')}. Please report it."
        )
    sys.exit(console.ENVIRONMENT)
