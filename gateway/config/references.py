"""Secrets by reference: files of a home are read by many, and archived, so they say only where a secret is kept."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, TypeAlias

from pydantic import Field

from gateway.config.connections import ENV, FILE

Reference: TypeAlias = Annotated[str, Field(pattern=r"^(?:env|file):\S")]
"""`env:NAME` or `file:PATH`, relative to the home."""


def resolved(said: str, home: Path) -> str | None:
    """Out: what a reference leads to; what is none, itself; None where it leads to nothing."""
    if said.startswith(ENV):
        return os.environ.get(said.removeprefix(ENV)) or None
    if said.startswith(FILE):
        try:
            return (home / said.removeprefix(FILE)).read_text("utf-8").strip() or None
        except (OSError, UnicodeDecodeError):
            return None
    return said
