"""Who else signs the log, as einmal.toml names them: witnesses its checkpoints, auditors its index (LOG.md 6, 10)."""

from __future__ import annotations

from typing import Annotated, Final, TypeVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from consent.parties import Table, Text
from consent.problems import mistake
from gateway.audit.note import KeyType, NoteInvalid, Verifier, parse_vkey

_THIS_MACHINE: Final = frozenset({"localhost", "127.0.0.1", "::1"})


def _of_a_cosigner(vkey: str) -> str:
    try:
        kind = parse_vkey(vkey).type
    except NoteInvalid as wrong:
        mistake(f"is no vkey ({wrong})", "Copy it whole, as its owner published it: name+id+key.")
    if kind is not KeyType.COSIGNATURE_V1:
        mistake(
            "is no key of a witness or auditor",
            "Ask its owner for the vkey of type 04, as `einmal keys new --auditor` prints it.",
        )
    return vkey


def _private(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:  # its words quote the URL
        mistake("is no URL", 'Write it as "https://witness.example/log".')
    if parts.username is not None or parts.password is not None:
        mistake("has a name or password in it", "Witnesses ask for none: leave it out.")
    if parts.scheme != "https" and parts.hostname not in _THIS_MACHINE:
        mistake("is not encrypted", "Write https://. Only a witness on this very machine may do without.")
    return url


class Cosigner(Table):
    """Another authority and the key it cosigns with."""

    name: Text
    """Who that is, for people."""
    vkey: Annotated[str, AfterValidator(_of_a_cosigner)]

    @property
    def verifier(self) -> Verifier:
        """Out: its key."""
        return parse_vkey(self.vkey)


class Auditor(Cosigner):
    """Who rebuilds the index from the leaves and cosigns the output checkpoints."""


class Witness(Cosigner):
    """Who watches that the log only grows, and cosigns its checkpoints."""

    url: (
        Annotated[str, Field(pattern=r"^https?://[^\s?#]+$", max_length=255), AfterValidator(_private)] | None
    ) = None
    """Where it takes checkpoints (C2SP tlog-witness): its submission prefix, from which `/add-checkpoint` is reached.
    None: they are carried to it by hand."""


AnyCosigner = TypeVar("AnyCosigner", bound=Cosigner)


def distinct(found: tuple[AnyCosigner, ...]) -> tuple[AnyCosigner, ...]:
    """Out: the same, none of whom is there twice."""
    for what in ("name", "vkey"):
        if len({getattr(one, what) for one in found}) != len(found):
            mistake(f"has a {what} twice", "Each of them counts once: keep one.")
    return found
