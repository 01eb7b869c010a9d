"""What can be wrong: a mapping file (at start), or a message or record that fits none (at run time)."""

from __future__ import annotations


class MappingInvalid(Exception):
    """A mapping file is wrong. Names the file, the key in it and what is wrong; at compile time only."""

    def __init__(self, file: str, key: str, wrong: str) -> None:
        super().__init__(f"{file}: {key}: {wrong}")
        self.file = file
        self.key = key
        self.wrong = wrong


class MappingError(Exception):
    """A message can't be read, or a record can't be written. Names the place and the rule, never a value."""

    def __init__(self, path: str, wrong: str) -> None:
        super().__init__(f"{path}: {wrong}")
        self.path = path
        self.wrong = wrong


class Unfit(Exception):
    """A value is not of its type. Raised by words, which know no place; never leaves this package."""
