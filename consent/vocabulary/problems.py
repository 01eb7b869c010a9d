"""Mistakes in a home's files."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in a home's files: where it is, what is wrong, how to mend it."""

    file: str
    line: int | None
    key: str
    wrong: str
    mend: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place}: {self.key}: {self.wrong}. {self.mend}"
