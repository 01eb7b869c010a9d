"""The command `einmal` (CONTRACT.md 2): one module a command group, no logic; what went wrong is told here, once.

Exit 0 yes or done · 1 the honest answer is no · 2 wrong usage · 3 the environment (files, database, bus).
"""

from __future__ import annotations

import sys
from typing import NoReturn

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
    schemas,
    serve,
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
for group in (home, demo, serve, ask, explain, consent, citizen, log, keys, grants, schemas, bench):
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
    except (Fault, BusUnavailable) as fault:
        console.error(f"{fault}.")
    except (
        FileNotFoundError,
        IsADirectoryError,
        NotADirectoryError,
        PermissionError,
        FileExistsError,
    ) as error:
        console.error(f"{error.filename}: {error.strerror}.")
    except KeyboardInterrupt:
        console.error("Stopped.")
    except Exception as error:  # noqa: BLE001  the last net: a type and a place, never content
        where = told(error)
        console.error(
            f"A mistake of this program: {where.get('error')} at {where.get('place')}. Please report it."
        )
    sys.exit(console.ENVIRONMENT)
