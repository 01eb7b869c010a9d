"""Help that says who runs which command: an operator finds theirs without reading an auditor's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Final

from typer.core import TyperGroup
from typing_extensions import override


@dataclass(frozen=True, slots=True)
class Role:
    """Who somebody is to the house, and which of a group's commands are theirs, in the order they are told."""

    who: str
    commands: tuple[str, ...]


LOG: Final = (
    Role(
        "Operator: keeps the house running, day by day",
        ("watch", "head", "verify", "prove", "tiles", "cosigned", "witness", "retention"),
    ),
    Role(
        "Administrator: answers for the house, decides what can't be undone",
        ("restored", "reconcile", "hold"),
    ),
    Role("Auditor or witness: another authority; needs no home", ("audit-index", "cosign")),
)


class LogCommands(TyperGroup):
    """`einmal log`, by role."""

    roles: ClassVar[tuple[Role, ...]] = LOG

    @override
    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Print each role's commands with a line each."""
        room = formatter.width - 6 - max(map(len, self.commands))
        for role in self.roles:
            with formatter.section(role.who):
                formatter.write_dl(
                    [(name, self.commands[name].get_short_help_str(room)) for name in role.commands]
                )
