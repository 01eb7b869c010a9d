"""Notes, keys, checkpoints and cosignatures."""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.audit import note
from gateway.audit.note import Checkpoint, FingerprintInvalid, KeyType, NoteInvalid, Signer

PETER_VKEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
PETER_NOTE = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
    "\n"
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZIn"
    "NIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
ORIGIN = "musterstadt.example/24m/2026-11"
LOG = Signer.from_seed(ORIGIN, bytes(range(32)))
AUDITOR = Signer.from_seed("auditor.example/dsb", bytes(reversed(range(32))))
CHECKPOINT = Checkpoint(ORIGIN, 1042, bytes(range(32)))
SIGNED = note.sign(CHECKPOINT.text, LOG)


def test_the_note_of_go_s_documentation_opens() -> None:
    """The example of golang.org/x/mod/sumdb/note holds, and its vkey is spelled as there."""
    verifier = note.parse_vkey(PETER_VKEY)
    assert verifier.vkey == PETER_VKEY
    opened = note.open_note(PETER_NOTE, [verifier])
    assert opened.by(verifier)
    assert opened.text.startswith("If you think")
    assert opened.text.endswith("problem is.\n")


@pytest.mark.parametrize("between", [" ", ":", "-", "\u2011", "\n", " - "])
def test_a_fingerprint_is_known_however_it_is_printed(between: str) -> None:
    """In groups and in capitals it is the same; one other character, and it is another."""
    key = AUDITOR.verifier
    printed = between.join(key.fingerprint[at : at + 4] for at in range(0, 64, 4))
    for one in (printed, printed.upper(), f" {key.fingerprint}\n"):
        assert note.published_name(one) is None
        assert key.known_as(one)
    other = ("1" if printed[0] == "0" else "0") + printed[1:]
    assert note.published_name(other) is None
    assert not key.known_as(other)


@pytest.mark.parametrize(
    ("published", "why"),
    [
        ("7" * 63, "63 characters instead of 64"),
        ("7" * 65, "65 characters instead of 64"),
        ("", "0 characters instead of 64"),
        ("ABCD ef01", "8 characters instead of 64"),
        ("g" * 64, "a fingerprint has only 0-9 and a-f"),
    ],
)
def test_what_is_no_fingerprint_is_told_with_its_length(published: str, why: str) -> None:
    """Whoever left a character out reads how many there are; a plus sign makes it a vkey."""
    with pytest.raises(FingerprintInvalid) as wrong:
        note.published_name(published)
    assert str(wrong.value) == why
    with pytest.raises(NoteInvalid, match="not a vkey"):
        note.published_name(f"{published}+")


def test_a_vkey_is_known_as_it_is_spelled_only() -> None:
    """Its capitals tell base64 apart."""
    key = AUDITOR.verifier
    assert note.published_name(key.vkey) == key.name
    assert key.known_as(key.vkey)
    assert not key.known_as(key.vkey.lower())
    assert not key.known_as(None)


def test_a_checkpoint_comes_back() -> None:
    """What was signed is read back, under the key whose name is the origin."""
    checkpoint, opened = note.open_checkpoint(SIGNED, LOG.verifier)
    assert checkpoint == CHECKPOINT
    assert opened.text == CHECKPOINT.text == f"{ORIGIN}\n1042\n{note.encode64(CHECKPOINT.root)}\n"


def test_a_cosignature_says_who_and_when() -> None:
    """An auditor's cosignature/v1 is checked with its time; without the vkey it is ignored."""
    both = note.cosign(SIGNED, AUDITOR, 1_795_292_868)
    _, opened = note.open_checkpoint(both, LOG.verifier, [AUDITOR.cosigner])
    assert opened.by(AUDITOR.cosigner)
    assert [signature.time for signature in opened.signed] == [None, 1_795_292_868]
    _, alone = note.open_checkpoint(both, LOG.verifier)
    assert not alone.by(AUDITOR.cosigner)


def test_lines_that_were_kept_go_under_a_note_once() -> None:
    """In their order, after its own; one that is there already is not put there again."""
    both = note.cosign(SIGNED, AUDITOR, 1_795_292_868)
    line = both.removeprefix(SIGNED)
    other = note.cosign(SIGNED, AUDITOR, 1_795_292_869).removeprefix(SIGNED)
    assert note.with_lines(SIGNED, []) == SIGNED
    assert note.with_lines(SIGNED, [line, other, line]) == both + other
    assert note.with_lines(both, [line]) == both


def test_a_cosignature_over_another_time_is_refused() -> None:
    """The time is part of what is signed; a known key that fails rejects the whole note."""
    both = note.cosign(SIGNED, AUDITOR, 1_795_292_868)
    head, _, blob = both.rstrip("\n").rpartition(" ")
    raw = bytearray(note.decode64(blob))
    raw[11] ^= 1
    with pytest.raises(NoteInvalid, match="does not hold"):
        note.open_checkpoint(f"{head} {note.encode64(bytes(raw))}\n", LOG.verifier, [AUDITOR.cosigner])


def test_a_plain_signature_does_not_pass_as_a_cosignature() -> None:
    """The type is part of the key id."""
    assert AUDITOR.verifier.key_id != AUDITOR.cosigner.key_id
    with pytest.raises(NoteInvalid, match="none of the keys"):
        note.open_note(note.sign("text\n", AUDITOR), [AUDITOR.cosigner])


def test_a_checkpoint_needs_its_own_log_s_signature() -> None:
    """Neither an auditor's alone nor another log's key is enough."""
    cosigned = CHECKPOINT.text + "\n" + note.cosign(SIGNED, AUDITOR, 7).removeprefix(SIGNED)
    with pytest.raises(NoteInvalid, match="not signed by its log"):
        note.open_checkpoint(cosigned, LOG.verifier, [AUDITOR.cosigner])
    other = Signer.from_seed("musterstadt.example/24m/2026-12", bytes(32))
    with pytest.raises(NoteInvalid, match="another log"):
        note.open_checkpoint(note.sign(CHECKPOINT.text, other), other.verifier)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "text",
        "text\n",
        "text\n\n",
        "text\n\nno mark\n",
        "text\n\n— name\n",
        "text\n\n— name AAAA\n",
        "text\n\n— name !!!!!!!!\n",
        "text\n\n— na+me AAAAAAAA\n",
        "te\rxt\n\n— name AAAAAAAA\n",
        "te\x00xt\n\n— name AAAAAAAA\n",
        "text\n\n" + "— name AAAAAAAA\n" * 101,
        "text\n\n— name AAAAAAAA",
    ],
)
def test_what_is_no_note_is_refused(text: str) -> None:
    """Malformed notes raise, and the exception quotes nothing of them."""
    with pytest.raises(NoteInvalid) as refused:
        note.open_note(text, [LOG.verifier])
    assert "text" not in str(refused.value).replace("a note's text ends", "")


@pytest.mark.parametrize(
    "vkey",
    [
        "",
        "name",
        "name+00000000+AQ==",
        PETER_VKEY.replace("c74f20a3", "c74f20a4"),
        PETER_VKEY.replace("Peter", "Pater"),
        PETER_VKEY.replace("PeterNeumann", "Peter Neumann"),
        PETER_VKEY + "\n",
        PETER_VKEY.replace("+AR", "+/R"),
    ],
)
def test_what_is_no_vkey_is_refused(vkey: str) -> None:
    """A vkey names its key by an id over name, type and key."""
    with pytest.raises(NoteInvalid):
        note.parse_vkey(vkey)


@pytest.mark.parametrize(
    "text",
    [
        "origin\n1\n" + "A" * 43 + "=\nextension\n",
        "origin\n01\n" + "A" * 43 + "=\n",
        "origin\n-1\n" + "A" * 43 + "=\n",
        "origin\n" + "9" * 30 + "\n" + "A" * 43 + "=\n",
        "origin\n1\nAAAA\n",
        "or igin\n1\n" + "A" * 43 + "=\n",
        "\n1\n" + "A" * 43 + "=\n",
        "origin\n1\n" + "A" * 42 + "B=\n",
    ],
)
def test_what_is_no_checkpoint_is_refused(text: str) -> None:
    """Extension lines, other numbers, other roots: not a checkpoint of ours."""
    with pytest.raises(NoteInvalid):
        note.parse_checkpoint(text)


def test_an_ml_dsa_key_is_known_and_can_not_be_checked() -> None:
    """Type 06 is ignored in a note unless someone relies on it."""
    verifier = note.Verifier("witness.example", KeyType.ML_DSA_44, bytes(1312))
    assert note.parse_vkey(verifier.vkey) == verifier
    line = f"— witness.example {note.encode64(verifier.key_id + bytes(2420))}\n"
    assert note.open_note(SIGNED + line, [LOG.verifier]).by(LOG.verifier)
    with pytest.raises(NoteInvalid, match="ML-DSA"):
        note.open_note(SIGNED + line, [LOG.verifier, verifier])


def test_a_fingerprint_is_the_hash_of_the_vkey() -> None:
    """64 lower-case hexadecimal digits for letterheads: SHA-256 of the vkey as it is spelled."""
    assert note.parse_vkey(PETER_VKEY).fingerprint == sha256(PETER_VKEY.encode()).hexdigest()


@given(st.data())
def test_any_flipped_byte_of_a_signed_checkpoint_is_found(data: st.DataObject) -> None:
    """No byte of text, name, key id or signature can be another."""
    raw = bytearray(SIGNED.encode())
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        changed = raw.decode()
    except UnicodeDecodeError:
        return
    with pytest.raises(NoteInvalid):
        note.open_checkpoint(changed, LOG.verifier)


@given(st.binary(max_size=80))
def test_base64_has_one_spelling(data: bytes) -> None:
    """What is encoded comes back; without its padding, with white space or spare bits it is refused."""
    text = note.encode64(data)
    assert note.decode64(text) == data
    with pytest.raises(NoteInvalid):
        note.decode64(text + "\n")
    if text.endswith("="):
        with pytest.raises(NoteInvalid):
            note.decode64(text.rstrip("="))
