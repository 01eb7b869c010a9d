"""Identity keys that follow each other, in notes that both sign (docs/decisions/0022)."""

from __future__ import annotations

import pytest
from small_log import AUTHORITY, IDENTITY

from gateway.audit import note
from gateway.audit.identity import HEADER, Identity, follow, lineage, read_step
from gateway.audit.note import NoteInvalid, Signer

SECOND = Signer.from_seed(AUTHORITY, b"\x12" * 32)
THIRD = Signer.from_seed(AUTHORITY, b"\x13" * 32)
THIEF = Signer.from_seed(AUTHORITY, b"\x66" * 32)
FIRST_NOTE, SECOND_NOTE = follow(IDENTITY, SECOND), follow(SECOND, THIRD)


def text_of(old: Signer, new: Signer, name: str = AUTHORITY, header: str = HEADER) -> str:
    return f"{header}\n{name}\n{old.verifier.vkey}\n{new.verifier.vkey}\n"


def test_a_note_of_succession_is_these_bytes() -> None:
    """Four lines, signed by the old key and the new one; any C2SP verifier reads it."""
    text, signatures = note.split(FIRST_NOTE)
    assert text == text_of(IDENTITY, SECOND)
    assert signatures.count(note.MARK) == 2
    assert read_step(FIRST_NOTE).new == SECOND.verifier


def test_the_notes_lead_from_the_first_key_to_the_one_in_use() -> None:
    """Whoever knows one of them, as vkey or fingerprint, knows them all."""
    identity = lineage(THIRD.verifier, [FIRST_NOTE, SECOND_NOTE])
    assert identity.keys == (IDENTITY.verifier, SECOND.verifier, THIRD.verifier)
    for key in identity.keys:
        assert identity.known_as(key.vkey)
        assert identity.known_as(key.fingerprint)
    assert not identity.known_as(THIEF.verifier.vkey)
    assert not identity.known_as(None)


def test_without_notes_there_is_one_key() -> None:
    """As in every house that has not rotated it."""
    assert lineage(IDENTITY.verifier, []) == Identity((), IDENTITY.verifier)


@pytest.mark.parametrize(
    ("current", "notes"),
    [
        (THIRD, [SECOND_NOTE, FIRST_NOTE]),
        (THIRD, [FIRST_NOTE]),
        (SECOND, [FIRST_NOTE, SECOND_NOTE]),
        (THIRD, [FIRST_NOTE, FIRST_NOTE, SECOND_NOTE]),
        (THIRD, [follow(IDENTITY, THIEF), SECOND_NOTE]),
        (IDENTITY, [FIRST_NOTE, follow(SECOND, IDENTITY)]),
    ],
    ids=["out of order", "short", "too far", "twice", "a gap", "a ring"],
)
def test_notes_that_do_not_lead_to_the_key_in_use_are_refused(current: Signer, notes: list[str]) -> None:
    """One that is missing, foreign, repeated or out of order breaks the chain."""
    with pytest.raises(NoteInvalid):
        lineage(current.verifier, notes)


@pytest.mark.parametrize(
    "forged",
    [
        note.sign(text_of(IDENTITY, THIEF), THIEF),
        note.sign(text_of(IDENTITY, THIEF), IDENTITY),
        note.sign(text_of(IDENTITY, SECOND), IDENTITY, THIEF),
        note.sign(text_of(IDENTITY, SECOND, name="andere.example"), IDENTITY, SECOND),
        note.sign(text_of(IDENTITY, SECOND, header="einmal/identity/v2"), IDENTITY, SECOND),
        note.sign(text_of(IDENTITY, SECOND) + "more\n", IDENTITY, SECOND),
        note.sign(text_of(IDENTITY, IDENTITY), IDENTITY),
        note.sign(
            f"{HEADER}\n{AUTHORITY}\n{IDENTITY.verifier.vkey}\n{SECOND.cosigner.vkey}\n", IDENTITY, SECOND
        ),
        FIRST_NOTE.replace("einmal/identity", "einmal/Identity"),
        "",
    ],
    ids=[
        "the new key alone",
        "the old key alone",
        "another's signature",
        "another authority",
        "another version",
        "a line more",
        "itself",
        "a cosigner's key",
        "a changed byte",
        "nothing",
    ],
)
def test_a_foreign_note_of_succession_is_refused(forged: str) -> None:
    """Nobody follows a key that has not said so, nor claims shards of one that it does not vouch for."""
    with pytest.raises(NoteInvalid):
        read_step(forged)
