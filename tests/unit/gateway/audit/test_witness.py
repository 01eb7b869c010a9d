"""What a witness answers is believed only over the very checkpoint that was asked for (C2SP tlog-witness)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.audit import note
from gateway.audit.note import Checkpoint, NoteInvalid, Signer
from gateway.audit.witness import AnswerInvalid, Cosigned, Declined, Seen, Why, answer, cosignature

LOG = Signer.from_seed("musterstadt.example/24m/2026-11", b"\x01" * 32)
WITNESS = Signer.from_seed("nachbarstadt.example/zeuge", b"\x02" * 32)
STRANGER = Signer.from_seed("somebody.example/else", b"\x03" * 32)
TEXT = Checkpoint(LOG.name, 7, b"\x04" * 32).text
NOTE = note.sign(TEXT, LOG)


def lines_of(*signers: Signer, over: str = NOTE, time: int = 1_795_292_868) -> str:
    """Out: the signature lines of these over a checkpoint."""
    signed = over
    for signer in signers:
        signed = note.cosign(signed, signer, time)
    return signed.removeprefix(over)


def test_its_line_is_taken_from_among_others() -> None:
    """Lines of unknown keys are ignored; ours comes back byte for byte."""
    mine = lines_of(WITNESS)
    for lines in (mine, lines_of(STRANGER) + mine, mine + lines_of(STRANGER)):
        assert cosignature(NOTE, lines, WITNESS.cosigner) == mine


def test_what_does_not_hold_is_none() -> None:
    """Nobody's, another checkpoint's, another key's under the name, without a time, with a bit changed, no lines."""
    other = note.sign(Checkpoint(LOG.name, 8, b"\x04" * 32).text, LOG)
    thief = Signer.from_seed(WITNESS.name, b"\x05" * 32)
    mine = lines_of(WITNESS)
    wrong = [
        lines_of(STRANGER),
        lines_of(WITNESS, over=other),
        lines_of(thief),
        lines_of(WITNESS, time=0),
        f"{mine[:60]}{'A' if mine[60] != 'A' else 'B'}{mine[61:]}",
        mine.rstrip("\n"),
        "",
        "\n",
        note.sign(TEXT, WITNESS).removeprefix(f"{TEXT}\n"),
    ]
    for lines in wrong:
        with pytest.raises(NoteInvalid):
            cosignature(NOTE, lines, WITNESS.cosigner)


def test_a_longer_text_is_not_signed_for() -> None:
    """A blank line in the answer would make its first lines part of the text: such a signature is none of ours."""
    first = lines_of(STRANGER)
    longer = f"{TEXT}\n{first}\n"
    line = lines_of(WITNESS, over=longer + lines_of(STRANGER))
    assert note.open_note(longer + line, [WITNESS.cosigner]).text != TEXT
    with pytest.raises(NoteInvalid, match="alone"):
        cosignature(NOTE, f"{first}\n{line}", WITNESS.cosigner)


@pytest.mark.parametrize(
    ("status", "why"),
    [(400, Why.MALFORMED), (403, Why.KEY), (404, Why.UNKNOWN_LOG), (422, Why.INCONSISTENT)],
)
def test_each_no_has_its_reason(status: int, why: Why) -> None:
    """Whatever its body says."""
    assert answer(status, "text/html", b"\xff") == Declined(why)


def test_a_409_is_a_size() -> None:
    """In decimal, with a line feed, under its own type, parameters or not."""
    assert answer(409, "text/x.tlog.size", b"20852014\n") == Seen(20_852_014)
    assert answer(409, "Text/X.tlog.Size; charset=utf-8", b"0\n") == Seen(0)
    for kind, body in (
        ("text/plain", b"7\n"),
        ("text/x.tlog.size", b"7"),
        ("text/x.tlog.size", b"07\n"),
        ("text/x.tlog.size", b"-7\n"),
        ("text/x.tlog.size", b"9" * 20 + b"\n"),
        ("text/x.tlog.size", b"7\n\n"),
    ):
        with pytest.raises(AnswerInvalid):
            answer(409, kind, body)


@given(st.integers(100, 599), st.text(max_size=40), st.binary(max_size=200))
def test_no_answer_is_more_than_an_answer(status: int, kind: str, body: bytes) -> None:
    """Whatever comes is one of the protocol's answers, or said to be none."""
    try:
        said = answer(status, kind, body)
    except AnswerInvalid:
        return
    assert isinstance(said, Cosigned | Seen | Declined)


@given(st.text(max_size=300))
def test_no_text_is_a_cosignature(lines: str) -> None:
    """Whatever a witness sends: without its key it is refused, and nothing else goes wrong."""
    with pytest.raises(NoteInvalid):
        cosignature(NOTE, lines, WITNESS.cosigner)


@given(st.data())
def test_a_changed_line_is_none(data: st.DataObject) -> None:
    """Any byte of it: either it is refused, or it is the very line that holds."""
    mine = lines_of(WITNESS)
    at = data.draw(st.integers(0, len(mine) - 1))
    changed = mine[:at] + data.draw(st.characters(codec="utf-8")) + mine[at + 1 :]
    try:
        assert cosignature(NOTE, changed, WITNESS.cosigner) == mine
    except NoteInvalid:
        assert changed != mine
