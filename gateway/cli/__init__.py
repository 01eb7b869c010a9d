"""The command `einmal` (CONTRACT.md 2): one module a command group, no logic; what went wrong is told here, once.

Exit 0 yes or done · 1 the honest answer is no · 2 wrong usage · 3 the environment (files, database, bus).
"""

from __future__ import annotations

import errno
import sys
from typing import Final, NoReturn

import typer

from gateway.cli import console, lazy
from gateway.errors import BusUnavailable, ConfigurationFault, Fault
from gateway.journal.guard import OTHER, Restored
from gateway.journal.whole import CHANGED
from gateway.telemetry import told

app = typer.Typer(
    name="einmal",
    cls=lazy.Commands,
    callback=lazy.nothing,
    help="Once-only registry exchange: asked once, proved to the citizen.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
_MENDS: Final = {
    "keys": "keys/master.key is another house's than the journal's. Restore the right one (docs/keys.md).",
    "keyfiles": "The house's keys can't be read any more ({where}). `einmal keys list` says what is wrong with them.",
    "bus": (
        "If it is a file: see that it is there, may be written by this user, and that its disk is neither full nor "
        "read-only. If it is a broker: see that it runs, can be reached from here, and lets this user in."
    ),
    "storage": (
        "The journal's database can't be used ({where}). See that it is there, may be written by this user, and that "
        "its disk is neither full nor read-only; if it is damaged, restore it from a backup."
    ),
    "law": "Other processes change the law at the same time. Nothing was changed: try again.",
    "policy": (
        "The law in force can't be read ({where}): it was not sealed by this house. Restore keys/, or the "
        "database, as docs/back-up-and-restore.md says."
    ),
    "checkpoint": "A file in data/checkpoints can't be used ({where}). See that it may be written by this user.",
    "index": (
        "The stored log is not what its epochs were made of ({where}). Nothing was signed or handed out: "
        "`einmal log verify` names the place."
    ),
    "proof": (
        "The export would not have proved itself ({where}), and was not handed out. If somebody closed a shard or "
        "rotated keys meanwhile, try again; else `einmal log verify` names what is damaged."
    ),
    "auditor": (
        "The index is not checked ({where}). Give `einmal log tiles DIR --auditor` to them, and keep what they sign "
        "with `einmal log cosigned FILE`."
    ),
    "epoch": (
        "An index is dated ahead of now ({where}), and none is made after it. If this clock is behind, set it "
        "right; if it was ahead, exports go on at that time, and `einmal citizen export --checked` does before."
    ),
    "witnesses": (
        "Nothing was handed out, for want of {where}. `einmal log witness` asks them now; log.witness_quorum in "
        "einmal.toml says how many are wanted."
    ),
    "epochs": "Other processes index the log at the same time ({where}). Nothing is lost: try again.",
    "hold": (
        "A hold can't be opened, so nothing is erased: it was not sealed by this house. `einmal log hold list` names "
        "it. Restore keys/ or the database (docs/back-up-and-restore.md), or end it with `einmal log hold lift ID`."
    ),
    "missing-hold": (
        "A hold that the log placed and never lifted is gone, or a copy it kept ({where}), so nothing is erased: "
        "nobody knows what it held. Restore the database (docs/back-up-and-restore.md), or end it with "
        "`einmal log hold lift ID`."
    ),
    "clock": (
        "The clock is far ahead of the last line of the log ({where}). Nothing was erased: nothing would bring it "
        "back. Set the clock right; if it is right, run `einmal log retention --clock-is-right`."
    ),
    "retention": (
        "Lines of a class are kept by no rule ({where}), and nothing of it is erased. Put the class back into "
        "log.classes of einmal.toml, with its [[retention]]."
    ),
    "lines": (
        "Something there can't be read ({where}): it is damaged or was changed from outside, and goes with the last of "
        "its shard. All else that was due is erased. `einmal log verify` names the place; restore it from a backup."
    ),
    "cache": "A file in data/index can't be deleted ({where}). Delete it yourself: nothing needs it.",
}
"""What an operator reads of the house's own faults, by the first word of where."""
_FULL: Final = (errno.ENOSPC, errno.EDQUOT)


def _said(fault: Fault) -> str:
    words = _MENDS.get(fault.where.partition(" ")[0])
    return f"{fault}." if words is None else words.format(where=fault.where)


def main() -> NoReturn:
    """Run the command of this process's arguments and exit. Never a traceback, never personal data."""
    try:
        app()
    except ConfigurationFault as wrong:
        console.problems(wrong.problems)
    except Restored as behind:
        mend = (
            "End that copy; put back the database and the data/checkpoints whose replies went out."
            if behind.why is OTHER
            else "Put back the database as it was."
            if behind.why in CHANGED
            else "`einmal log restored` says what is missing and how to go on."
        )
        console.error(f"{behind}. Nothing was done, so that no two truths are signed. {mend}")
    except BusUnavailable as fault:
        console.error(f"The bus can't be used: {fault.where}. {_MENDS['bus']}")
    except Fault as fault:
        console.error(_said(fault))
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        mend = " Make room there." if error.errno in _FULL else ""
        console.error(f"{place}{error.strerror or type(error).__name__}.{mend}")
    except Exception as error:  # noqa: BLE001  the last net: a type and a place, never content
        where = told(error)
        console.error(
            f"A mistake of this program: {where.get('error')} at {where.get('place')}. Please report it."
        )
    sys.exit(console.ENVIRONMENT)
