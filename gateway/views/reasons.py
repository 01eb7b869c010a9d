"""What the check of an export finds wrong, in plain German and English (`reasons.toml`).

A check says what it finds in one language, English, since it knows nothing of its reader. Here each of its sentences is
found again by its words, so that a citizen reads it in theirs.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Final

from gateway.views.words import Text

_BLANK: Final = re.compile(r"\\\{(\w+)\\\}")
_FORM: Final = re.compile(r"([\w.?]+|the file): ([a-z ]+)")
"""How proof.json is told to have not its form: where, and a code; several stand one after the other."""


def reason(said: str) -> Text:
    """In: a finding's text. Out: the same in both languages; what nobody has put into words, as it is."""
    found = _read("reason", said)
    return found or _forms(said) or Text(said, said)


def place(named: str) -> Text:
    """In: where a finding is. Out: the same in both languages; keys and file names stay as they are."""
    return _read("place", named) or Text(named, named)


def _read(kind: str, said: str) -> Text | None:
    for pattern, text in _sentences(kind):
        match = pattern.fullmatch(said)
        if match is not None:
            values = {name: reason(value) for name, value in match.groupdict().items()}
            return Text(
                text.de.format_map({name: value.de for name, value in values.items()}),
                text.en.format_map({name: value.en for name, value in values.items()}),
            )
    return None


def _forms(said: str) -> Text | None:
    """Out: where proof.json has not its form, and how; None when that is not what is said."""
    parts = [_FORM.fullmatch(part) for part in said.split("; ")]
    told = [
        (place(part[1]), words)
        for part in parts
        if part is not None and (words := _codes().get(part[2].replace(" ", "_"))) is not None
    ]
    if len(told) != len(parts):
        return None
    return Text(
        "; ".join(f"{where.de}: {words.de}" for where, words in told),
        "; ".join(f"{where.en}: {words.en}" for where, words in told),
    )


@cache
def _sentences(kind: str) -> tuple[tuple[re.Pattern[str], Text], ...]:
    """Out: every sentence of that kind with its pattern; one without blanks is tried before one with them, and a
    longer one before a shorter."""
    texts = sorted(
        (Text(**entry) for entry in _tables()[kind]), key=lambda text: ("{" in text.en, -len(text.en))
    )
    return tuple((re.compile(_BLANK.sub(r"(?P<\1>.+)", re.escape(text.en))), text) for text in texts)


@cache
def _codes() -> Mapping[str, Text]:
    return {code: Text(**entry) for code, entry in _tables()["form"].items()}


@cache
def _tables() -> Mapping[str, Any]:
    return tomllib.loads(files(__package__).joinpath("reasons.toml").read_text("utf-8"))
