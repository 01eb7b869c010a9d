"""The commands of `einmal`, each read when it is chosen: the check of an export needs nothing that only a house needs.

Where a computer lacks what a house is made of (locked files, users), `einmal citizen verify` runs all the same.
"""

from __future__ import annotations

from collections import UserDict
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Final

import typer
from typer.core import TyperGroup
from typer.main import get_group
from typing_extensions import override


@dataclass(frozen=True, slots=True)
class Unread:
    """A command that is not read yet: its module in `gateway.cli`, and what `einmal --help` says of it."""

    module: str
    says: str


COMMANDS: Final = {
    "init": Unread("home", "A new home: settings to fill in, keys, an empty log."),
    "check": Unread("home", "Every problem of the home at once, with its mend."),
    "upgrade": Unread("home", "Bring an older home's database to this version's tables."),
    "demo": Unread("demo.command", "The main job on invented people, told step by step."),
    "serve": Unread("serve", "Take requests from the bus and answer them."),
    "reload": Unread("reload", "Put the home's files in force, all or nothing."),
    "ask": Unread("ask", "Send one request, print the reply."),
    "submit": Unread("submit", "Submit data to a register, print the receipt."),
    "explain": Unread("explain", "Each check, passed or not, by which clause, and what would pass."),
    "backup": Unread("backup", "Copy the databases while they are in use."),
    "bench": Unread("bench.command", "Measure whole exchanges, the log up to a million lines, a decision."),
    "consent": Unread("consent", "Decisions of citizens, and powers to act for them."),
    "citizen": Unread("citizen", "What is told to a citizen, and how it is checked."),
    "log": Unread("log", "The log: its head, proofs, its check."),
    "keys": Unread("keys", "Keys: what is published, what runs out, new pairs, rotation."),
    "grants": Unread("grants", "Who may ask which register for what."),
    "schemas": Unread("schemas", "Standards: which are here, add one, judge messages."),
}
"""Every command, in the order it is told."""


class _Shelf(UserDict[str, Any]):
    """Commands by name; one that is taken is read."""

    @override
    def __getitem__(self, name: str) -> Any:
        found = super().__getitem__(name)
        if not isinstance(found, Unread):
            return found
        app = typer.Typer(rich_markup_mode=None, add_completion=False)
        import_module(f"gateway.cli.{found.module}").register(app)
        self.data.update(get_group(app).commands)
        return self.data[name]


class Commands(TyperGroup):
    """`einmal`: lists its commands and reads none of them."""

    def __init__(self, **said: Any) -> None:
        super().__init__(**said)
        self.commands = _Shelf(COMMANDS)

    @override
    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Print each command with a line."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, one.says) for name, one in COMMANDS.items()])


def nothing() -> None:
    """`einmal` without a command shows its help."""
