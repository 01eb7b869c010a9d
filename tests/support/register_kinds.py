"""The kinds of register that the contract tests run on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from small_register import build, content, sql

from gateway.ports import Register


@dataclass(frozen=True)
class Implementation:
    """How one kind of register is set up below a folder with the people of `small_register`, and looked into."""

    build: Callable[[Path], None]
    """Once for a folder."""
    open: Callable[[Path], Register]
    """As often as wanted: each is a process of its own as far as the register can tell."""
    content: Callable[[Path], str]
    """Everything it holds, what it keeps for itself included."""


IMPLEMENTATIONS = {"sql": Implementation(build, sql, content)}
