"""Signed notes, checkpoints and cosignatures (LOG.md 2; C2SP signed-note, tlog-checkpoint, tlog-cosignature).

A note is `text`, an empty line and signature lines; `text` ends in LF and a signature covers exactly it.
Only one spelling of every base64 is accepted, so no byte of a note can change unseen.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from hashlib import sha256
from typing import Final

from nacl.exceptions import BadSignatureError
from nacl.signing import SigningKey, VerifyKey

MARK: Final = "— "
MOST_SIGNATURES: Final = 100
"""As Go's note package: more than that is no note."""
KEY_ID_BYTES: Final = 4
PUBLIC_KEY_BYTES: Final = 32
SIGNATURE_BYTES: Final = 64
FINGERPRINT_CHARACTERS: Final = 64
_NAME = re.compile(r"[^\s+]+\Z")
_HEX = re.compile(r"[0-9a-f]*\Z")
_GROUPING = re.compile(r"[\s:\-\u2010-\u2013]")
"""What stands between a fingerprint's groups where it is printed; word processors make another hyphen."""
_VKEY = re.compile(r"([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)\Z")
_SIZE = re.compile(r"(0|[1-9][0-9]{0,18})\Z")
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f\ud800-\udfff]")
"""Nor half a character, as JSON can spell one: it is no text in UTF-8."""


class NoteInvalid(Exception):
    """Not a note, or not one signed by whom it must be. The text says what is wrong and quotes nothing."""


class FingerprintInvalid(NoteInvalid):
    """What a reader gave as a fingerprint is none."""


class KeyType(IntEnum):
    """The signature types of C2SP signed-note that are told apart here."""

    ED25519 = 0x01
    COSIGNATURE_V1 = 0x04
    ML_DSA_44 = 0x06


@dataclass(frozen=True, slots=True)
class Verifier:
    """A public key with its name: what a vkey says."""

    name: str
    type: KeyType
    public: bytes
    key_id: bytes = field(init=False)

    def __post_init__(self) -> None:
        if not _NAME.match(self.name):
            raise NoteInvalid("a key's name has no space and no plus sign")
        if self.type is not KeyType.ML_DSA_44 and len(self.public) != PUBLIC_KEY_BYTES:
            raise NoteInvalid("an Ed25519 public key has 32 bytes")
        object.__setattr__(self, "key_id", key_id(self.name, self.type, self.public))

    @property
    def vkey(self) -> str:
        """Out: `name+hex8(key id)+base64(type ‖ public key)`."""
        return f"{self.name}+{self.key_id.hex()}+{encode64(bytes([self.type]) + self.public)}"

    @property
    def fingerprint(self) -> str:
        """Out: lower-case hex SHA-256 of the vkey, as printed on letterheads."""
        return sha256(self.vkey.encode()).hexdigest()

    def known_as(self, published: str | None) -> bool:
        """In: a vkey or fingerprint a reader knows. Out: whether it is this key's."""
        return isinstance(published, str) and _as_printed(published) in (self.vkey, self.fingerprint)


def published_name(published: str) -> str | None:
    """In: a vkey or fingerprint a reader knows; a fingerprint may be in capitals and in groups, with blanks, `:` or `-`
    between them. Out: the key's name, which a fingerprint does not tell. Raises: NoteInvalid, when it is no vkey;
    FingerprintInvalid, when it has no `+`, as each vkey has, and is no fingerprint."""
    if "+" in published:
        return parse_vkey(published).name
    read = _as_printed(published)
    if not _HEX.match(read):
        raise FingerprintInvalid("a fingerprint has only 0-9 and a-f")
    if len(read) != FINGERPRINT_CHARACTERS:
        raise FingerprintInvalid(f"{len(read)} characters instead of 64")
    return None


def _as_printed(published: str) -> str:
    """Out: a fingerprint as it is made, however it was read out or grouped; a vkey as it is."""
    return published if "+" in published else _GROUPING.sub("", published).lower()


@dataclass(frozen=True, slots=True)
class Signer:
    """A secret Ed25519 key with its name."""

    name: str
    key: SigningKey = field(repr=False)

    @classmethod
    def from_seed(cls, name: str, seed: bytes) -> Signer:
        """In: a name and 32 secret bytes."""
        return cls(name, SigningKey(seed))

    @property
    def verifier(self) -> Verifier:
        """Out: its public side."""
        return Verifier(self.name, KeyType.ED25519, bytes(self.key.verify_key))

    @property
    def cosigner(self) -> Verifier:
        """Out: its public side as a witness or auditor."""
        return Verifier(self.name, KeyType.COSIGNATURE_V1, bytes(self.key.verify_key))


@dataclass(frozen=True, slots=True)
class Signed:
    """One signature that holds. `time` is Unix seconds for a cosignature, else None."""

    by: Verifier
    time: int | None = None


@dataclass(frozen=True, slots=True)
class Opened:
    """A note whose every known signature holds."""

    text: str
    signed: tuple[Signed, ...]

    def by(self, verifier: Verifier) -> bool:
        """Out: whether that key signed it."""
        return any(signature.by == verifier for signature in self.signed)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A tree's size and root under the name of its log."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        """Out: `origin LF size LF base64(root) LF`."""
        return f"{self.origin}\n{self.size}\n{encode64(self.root)}\n"


# --- keys --------------------------------------------------------------------------------------------------
def key_id(name: str, kind: int, public: bytes) -> bytes:
    """Out: SHA-256(name ‖ 0A ‖ type ‖ public key)[:4]."""
    return sha256(name.encode() + b"\n" + bytes([kind]) + public).digest()[:KEY_ID_BYTES]


def parse_vkey(vkey: str) -> Verifier:
    """Raises: NoteInvalid when it isn't a vkey, its key id doesn't fit, or its type is unknown."""
    match = _VKEY.match(vkey)
    if match is None:
        raise NoteInvalid("not a vkey")
    blob = decode64(match[3])
    try:
        kind = KeyType(blob[0])
    except (IndexError, ValueError):
        raise NoteInvalid("a vkey of an unknown type") from None
    verifier = Verifier(match[1], kind, blob[1:])
    if verifier.key_id.hex() != match[2]:
        raise NoteInvalid("the vkey's key id is not that of its key")
    return verifier


# --- notes -------------------------------------------------------------------------------------------------
def sign(text: str, *signers: Signer) -> str:
    """Out: the note over `text`, signed by each. Raises: NoteInvalid when `text` is no note's text."""
    _check_text(text)
    body = text.encode()
    lines = (_line(signer.verifier, signer.key.sign(body).signature) for signer in signers)
    return text + "\n" + "".join(lines)


def cosign(note: str, signer: Signer, time: int) -> str:
    """Out: the checkpoint note with one more line, a cosignature/v1. In: Unix seconds."""
    text, _ = split(note)
    signature = signer.key.sign(_cosigned(text, time)).signature
    return note + _line(signer.cosigner, time.to_bytes(8, "big") + signature)


def with_lines(note: str, lines: Iterable[str]) -> str:
    """Out: the note with these signature lines, each with its LF, after its own; a line that is there comes once."""
    added = [line for line in dict.fromkeys(lines) if f"\n{line}" not in note]
    return note + "".join(added)


def split(note: str) -> tuple[str, str]:
    """Out: the text (with its last LF) and the signature lines. Raises: NoteInvalid."""
    at = note.rfind("\n\n")
    if at < 0 or not note.endswith("\n") or len(note) == at + 2:
        raise NoteInvalid("not a signed note")
    text = note[: at + 1]
    _check_text(text)
    return text, note[at + 2 :]


def open_note(note: str, verifiers: Sequence[Verifier]) -> Opened:
    """Out: the text and who signed it. Unknown keys are ignored; one known signature that fails rejects all.

    Raises: NoteInvalid, also when none of the verifiers signed.
    """
    text, lines = split(note)
    known = {(verifier.name, verifier.key_id): verifier for verifier in verifiers}
    signed: dict[Verifier, Signed] = {}
    for name, blob in _signatures(lines):
        verifier = known.get((name, blob[:KEY_ID_BYTES]))
        if verifier is not None and verifier not in signed:
            signed[verifier] = _verified(verifier, text, blob[KEY_ID_BYTES:])
    if not signed:
        raise NoteInvalid("signed by none of the keys asked for")
    return Opened(text, tuple(signed.values()))


def _signatures(lines: str) -> Iterable[tuple[str, bytes]]:
    rows = lines[:-1].split("\n")
    if len(rows) > MOST_SIGNATURES:
        raise NoteInvalid("too many signatures")
    for row in rows:
        name, space, blob = row.removeprefix(MARK).partition(" ")
        if not row.startswith(MARK) or not space or not _NAME.match(name):
            raise NoteInvalid("a signature line is malformed")
        raw = decode64(blob)
        if len(raw) <= KEY_ID_BYTES:
            raise NoteInvalid("a signature is too short")
        yield name, raw


def _verified(verifier: Verifier, text: str, blob: bytes) -> Signed:
    time: int | None = None
    message = text.encode()
    if verifier.type is KeyType.ML_DSA_44:
        raise NoteInvalid("ML-DSA-44 signatures can't be checked here")
    if verifier.type is KeyType.COSIGNATURE_V1:
        time = int.from_bytes(blob[:8], "big")
        message, blob = _cosigned(text, time), blob[8:]
    if len(blob) != SIGNATURE_BYTES:
        raise NoteInvalid("a signature has the wrong length")
    try:
        VerifyKey(verifier.public).verify(message, blob)
    except BadSignatureError:
        raise NoteInvalid("a signature does not hold") from None
    return Signed(verifier, time)


def _cosigned(text: str, time: int) -> bytes:
    return f"cosignature/v1\ntime {time}\n{text}".encode()


def _line(verifier: Verifier, blob: bytes) -> str:
    return f"{MARK}{verifier.name} {encode64(verifier.key_id + blob)}\n"


def _check_text(text: str) -> None:
    if not text.endswith("\n") or _CONTROL.search(text):
        raise NoteInvalid("a note's text ends in a line feed and has no control characters")


# --- checkpoints -------------------------------------------------------------------------------------------
def parse_checkpoint(text: str) -> Checkpoint:
    """In: a checkpoint's text (not the note). Raises: NoteInvalid, also for extension lines."""
    rows = text.split("\n")
    if len(rows) != 4 or rows[3] or not _NAME.match(rows[0]) or not _SIZE.match(rows[1]):
        raise NoteInvalid("not a checkpoint")
    root = decode64(rows[2])
    if len(root) != 32:
        raise NoteInvalid("a checkpoint's root has 32 bytes")
    return Checkpoint(rows[0], int(rows[1]), root)


def open_checkpoint(note: str, log: Verifier, others: Sequence[Verifier] = ()) -> tuple[Checkpoint, Opened]:
    """Out: the checkpoint, signed by the log's key whose name is its origin, and who else signed it.

    Raises: NoteInvalid.
    """
    opened = open_note(note, (log, *others))
    checkpoint = parse_checkpoint(opened.text)
    if not opened.by(log):
        raise NoteInvalid("the checkpoint is not signed by its log")
    if checkpoint.origin != log.name:
        raise NoteInvalid("the checkpoint is of another log")
    return checkpoint, opened


# --- base64 ------------------------------------------------------------------------------------------------
def encode64(data: bytes) -> str:
    """Out: standard base64 with padding (RFC 4648 section 4)."""
    return b64encode(data).decode("ascii")


def decode64(text: str) -> bytes:
    """Undo `encode64`; any other spelling is refused. Raises: NoteInvalid."""
    try:
        data = b64decode(text, validate=True)
    except (Base64Error, ValueError):
        raise NoteInvalid("not base64") from None
    if encode64(data) != text:
        raise NoteInvalid("not base64 as it is written here")
    return data
