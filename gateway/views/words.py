"""The citizen's words: codes of the journal in plain German and English (`words.toml`)."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Any, Literal, TypeAlias

Language: TypeAlias = Literal["de", "en"]
Tone: TypeAlias = Literal["given", "filed", "kept", "open", "note"]


@dataclass(frozen=True, slots=True)
class Text:
    """The same words in both languages."""

    de: str
    en: str

    def to(self, language: Language) -> str:
        return self.de if language == "de" else self.en


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a terminal line means to a citizen. `tone`: data left a register, was put into one, neither, is open, or
    only a note."""

    tone: Tone
    title: Text
    sentence: Text


class Words:
    """A section a kind of code. An unknown code is shown as itself: nothing is left out for want of words."""

    def __init__(self, tables: Mapping[str, Mapping[str, Any]]) -> None:
        self._texts = {
            (section, code): Text(**entry)
            for section, entries in tables.items()
            if section != "outcome"
            for code, entry in entries.items()
        }
        self._outcomes = {
            kind: Outcome(entry["tone"], Text(**entry["title"]), Text(**entry["sentence"]))
            for kind, entry in tables["outcome"].items()
        }
        self._codes = {section: tuple(entries) for section, entries in tables.items()}

    def text(self, section: str, code: str) -> Text:
        return self._texts.get((section, code), Text(code, code))

    def outcome(self, code: str) -> Outcome:
        """In: a kind of line, or a variant of one (`kind/variant`)."""
        kind = code.partition("/")[0]
        unknown = Outcome("note", Text(kind, kind), Text("", ""))
        return self._outcomes.get(code) or self._outcomes.get(kind, unknown)

    def codes(self, section: str) -> tuple[str, ...]:
        """Out: the codes of a section that have words, in the order of the file."""
        return self._codes.get(section, ())


@cache
def edition() -> str:
    """Out: SHA-256 over every text and template a report is written with: two of the same edition are alike."""
    parts = [files(__package__).joinpath(name) for name in ("page.toml", "words.toml")]
    parts += sorted(files(__package__).joinpath("templates").iterdir(), key=lambda part: part.name)
    return sha256(b"\0".join(part.read_bytes() for part in parts)).hexdigest()


@cache
def words() -> Words:
    return Words(tomllib.loads(files(__package__).joinpath("words.toml").read_text("utf-8")))
