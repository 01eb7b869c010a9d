"""What a log asks of a witness and what that answers: the bytes of C2SP tlog-witness, `add-checkpoint` (LOG.md 10).

A witness cosigns a checkpoint only after it saw that the tree it cosigned last begins it. Pure: how the bytes travel is
the port's (`gateway.ports.Witness`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, TypeAlias

from gateway.audit.note import KEY_ID_BYTES, NoteInvalid, Verifier, decode64, encode64, open_note, split

PATH: Final = "add-checkpoint"
SIZE_TYPE: Final = "text/x.tlog.size"
"""The content type of a 409's body."""
MOST_PROOF_LINES: Final = 63
_SIZE = re.compile(rb"(0|[1-9][0-9]{0,18})\n\Z")


class AnswerInvalid(ValueError):
    """Not an answer of that protocol. The text says what is wrong and quotes nothing."""


class Why(StrEnum):
    """Why a witness does not cosign (tlog-witness 1.0, `add-checkpoint`)."""

    MALFORMED = "malformed"
    """400: the request is none, or its old size is larger than the checkpoint's."""
    KEY = "key"
    """403: it knows the log under another key."""
    UNKNOWN_LOG = "unknown-log"
    """404: nobody has told it of this log yet."""
    INCONSISTENT = "inconsistent"
    """422: what it cosigned before does not begin this tree, or it has seen another tree of this size."""


_DECLINED: Final = {400: Why.MALFORMED, 403: Why.KEY, 404: Why.UNKNOWN_LOG, 422: Why.INCONSISTENT}


@dataclass(frozen=True, slots=True)
class Submission:
    """A checkpoint, and the proof that it continues the one of `old` lines, which the witness cosigned last."""

    old: int
    proof: tuple[bytes, ...] = field(repr=False)
    checkpoint: str = field(repr=False)
    """The note, signed by the log."""

    def render(self) -> bytes:
        """Out: the request's body."""
        if len(self.proof) > MOST_PROOF_LINES:
            raise ValueError("no proof is that long")
        lines = "".join(f"{encode64(node)}\n" for node in self.proof)
        return f"old {self.old}\n{lines}\n{self.checkpoint}".encode()


@dataclass(frozen=True, slots=True)
class Cosigned:
    """It cosigned; nothing of it is believed before `cosignature` has looked."""

    lines: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Seen:
    """It cosigned a tree of that size last, another one than the submission's `old`."""

    size: int


@dataclass(frozen=True, slots=True)
class Declined:
    """It does not cosign this."""

    why: Why


Answer: TypeAlias = Cosigned | Seen | Declined


def answer(status: int, content_type: str, body: bytes) -> Answer:
    """In: an HTTP answer's status, content type and body. Raises: AnswerInvalid."""
    if status in _DECLINED:
        return Declined(_DECLINED[status])
    if status == 409:
        size = _SIZE.match(body)
        if content_type.partition(";")[0].strip().lower() != SIZE_TYPE or size is None:
            raise AnswerInvalid("a 409 without a size")
        return Seen(int(size[1]))
    if status != 200:
        raise AnswerInvalid(f"status {status}")
    try:
        return Cosigned(body.decode())
    except UnicodeDecodeError:
        raise AnswerInvalid("signature lines that are no text") from None


def cosignature(checkpoint: str, lines: str, witness: Verifier) -> str:
    """In: the submitted note, what came back, whose key we know. Out: the one line of that key, verified over that
    very checkpoint; lines of other keys are ignored, as the protocol wants. Raises: NoteInvalid."""
    text, _ = split(checkpoint)
    opened = open_note(f"{text}\n{lines}", (witness,))
    if (
        opened.text != text
    ):  # a blank line in what came back would have it signed over more than was asked for
        raise NoteInvalid("not signature lines alone")
    if opened.signed[0].time == 0:
        raise NoteInvalid("a cosignature without its time")
    return next(f"{line}\n" for line in lines.split("\n") if line and _is_of(witness, line))


def _is_of(witness: Verifier, line: str) -> bool:
    _, name, blob = line.split(" ")
    return name == witness.name and decode64(blob)[:KEY_ID_BYTES] == witness.key_id
