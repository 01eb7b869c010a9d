"""Proof files: `.tlog-proof` of one line (LOG.md 3), and `proof.json` of a person's export (LOG.md 7).

The types are the format: a writer fills them in and renders them, a reader gets them only in their exact form.
The index parts (`index`, `label_position`, `label_proof`, `absence`) may be absent; then nothing is shown to be
complete.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Annotated, Final, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, ValidationError

from gateway.audit.identity import Identity
from gateway.audit.note import NoteInvalid, decode64, encode64, open_note, split

TLOG_PROOF_HEADER: Final = "c2sp.org/tlog-proof@v1"
EXCHANGE: Final = "exchange:"
MOST_PATH: Final = 63
"""No tree is higher."""
_INDEX_LINE = re.compile(r"index (0|[1-9][0-9]{0,18})\Z")


class ProofInvalid(ValueError):
    """Not a proof file. Says where, and quotes nothing."""


# --- .tlog-proof --------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class TlogProof:
    """One line's inclusion under a checkpoint."""

    index: int
    path: tuple[bytes, ...]
    checkpoint: str
    """The signed note with all its signatures."""

    def render(self) -> str:
        """Out: the file's text."""
        path = "".join(f"{encode64(node)}\n" for node in self.path)
        return f"{TLOG_PROOF_HEADER}\nindex {self.index}\n{path}\n{self.checkpoint}"

    @classmethod
    def parse(cls, text: str) -> TlogProof:
        """Undo `render`. Raises: ProofInvalid."""
        head, blank, checkpoint = text.partition("\n\n")
        lines = head.split("\n")
        match = _INDEX_LINE.match(lines[1]) if len(lines) > 1 else None
        if lines[0] != TLOG_PROOF_HEADER or match is None or not blank or len(lines) - 2 > MOST_PATH:
            raise ProofInvalid("not a tlog-proof")
        try:
            path = tuple(decode64(line) for line in lines[2:])
            split(checkpoint)
        except NoteInvalid as wrong:
            raise ProofInvalid(f"not a tlog-proof: {wrong}") from None
        if any(len(node) != 32 for node in path):
            raise ProofInvalid("not a tlog-proof: a hash has 32 bytes")
        return cls(int(match[1]), path, checkpoint)


# --- proof.json ---------------------------------------------------------------------------------------------
def _binary(value: object) -> bytes:
    if isinstance(value, bytes):
        return value
    if not isinstance(value, str):
        raise ValueError("not base64")
    try:
        return decode64(value)
    except NoteInvalid:
        raise ValueError("not base64") from None


Binary: TypeAlias = Annotated[bytes, BeforeValidator(_binary), PlainSerializer(encode64, return_type=str)]
Hash: TypeAlias = Annotated[Binary, Field(min_length=32, max_length=32)]
Path: TypeAlias = Annotated[tuple[Hash, ...], Field(max_length=MOST_PATH)]
Size: TypeAlias = Annotated[int, Field(ge=0, lt=2**63)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)


class Authority(_Part):
    """Whose log it is. A reader compares the key with the one published elsewhere."""

    name: str
    vkey: str
    former: Annotated[tuple[str, ...], Field(min_length=1, max_length=MOST_PATH)] | None = None
    """The identity keys before it that stated shards of this export, and those between, oldest first."""
    succession: Annotated[tuple[str, ...], Field(min_length=1, max_length=MOST_PATH)] | None = None
    """How each was followed by the next: notes (docs/decisions/0022)."""


class LogHead(_Part):
    """The head the proofs are under; of a closed shard its closing one."""

    checkpoint: str


class Start(_Part):
    """Leaf 0 of the shard, or its line 1, opened."""

    leaf: Binary
    salt: Binary
    event: Binary
    proof: Path


class IndexHead(_Part):
    """The output log's newest leaf, its place under that log's checkpoint; root and size of the index."""

    checkpoint: str
    leaf: Binary
    position: Size
    proof: Path
    root: Hash
    size: Size


class Entry(_Part):
    """One line of the person. Without salt and event it says why in `withheld`."""

    index: Size
    leaf: Binary
    salt: Binary | None
    event: Binary | None
    proof: Path
    withheld: str | None = None


class Side(_Part):
    """A neighbour of an absent label."""

    leaf: Binary
    position: Size
    proof: Path


class Absent(_Part):
    """Between which two labels the absent one would stand; None at an end."""

    left: Side | None
    right: Side | None


class Subject(_Part):
    """One form of the person in one shard."""

    subject: str
    vrf_proof: Binary
    label: Hash
    label_position: Size | None = None
    label_proof: Path | None = None
    entries: tuple[Entry, ...]
    absence: Absent | None = None


def exchange_subject(exchange: str) -> str:
    """Out: what stands in the place of a person's form where an exchange is held."""
    return f"{EXCHANGE}{exchange}"


class ShardProof(_Part):
    """One shard's part of the export."""

    origin: str
    log: LogHead
    start: Start
    restored: Start | None = None
    """Line 1, opened, where the shard was opened after a restore: what was lost (docs/decisions/0027)."""
    index: IndexHead | None = None
    subjects: tuple[Subject, ...]


class Proof(_Part):
    """The whole file. `from` is a day (`2026-10-01`), `to` a moment (RFC 3339, `Z`, no decimals)."""

    v: Annotated[int, Field(ge=1, le=1)]
    authority: Authority
    from_: Annotated[str, Field(alias="from", pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")]
    to: Annotated[str, Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$")]
    shards: tuple[ShardProof, ...]

    @classmethod
    def make(cls, authority: Authority, start: date, to: datetime, shards: Sequence[ShardProof]) -> Proof:
        """In: whose log; the first day; the cut-off, aware; the shards, by class and then by month."""
        end = to.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        parts = {
            "v": 1,
            "authority": authority,
            "from": start.isoformat(),
            "to": end,
            "shards": tuple(shards),
        }
        return cls.model_validate(parts)

    def render(self) -> bytes:
        """Out: the file."""
        body = self.model_dump_json(by_alias=True, exclude_unset=True, indent=1)
        return body.encode() + b"\n"

    @classmethod
    def parse(cls, data: bytes) -> Proof:
        """Raises: ProofInvalid; its text names places and rules, never content."""
        try:
            return cls.model_validate_json(data)
        except ValidationError as wrong:
            raise ProofInvalid("; ".join(_places(wrong))) from None


def authority(identity: Identity, succession: Sequence[str], starts: Iterable[Start]) -> Authority:
    """In: an authority's keys and its notes of succession; how the export's shards begin. Out: whose export it is, with
    the keys that stated these shards and no older ones."""
    said = [json.loads(start.event)["keys"] for start in starts]
    stated = [key for key in identity.keys if any(open_note(keys, identity.keys).by(key) for keys in said)]
    oldest = identity.keys.index(stated[0]) if stated else len(identity.former)
    if oldest == len(identity.former):
        return Authority(name=identity.name, vkey=identity.current.vkey)
    return Authority(
        name=identity.name,
        vkey=identity.current.vkey,
        former=tuple(key.vkey for key in identity.former[oldest:]),
        succession=tuple(succession[oldest:]),
    )


def entry(index: int, leaf: bytes, opening: tuple[bytes, bytes] | str, path: Sequence[bytes]) -> Entry:
    """Out: one line of the person. `opening`: salt and event, or by which norm they are withheld."""
    if isinstance(opening, str):
        return Entry(index=index, leaf=leaf, salt=None, event=None, proof=tuple(path), withheld=opening)
    salt, event = opening
    return Entry(index=index, leaf=leaf, salt=salt, event=event, proof=tuple(path))


def _places(wrong: ValidationError) -> list[str]:
    known = {name for model in _MODELS for name in (*model.model_fields, "from")}
    places: list[str] = []
    for error in wrong.errors()[:20]:
        parts = (str(part) if isinstance(part, int) or part in known else "?" for part in error["loc"])
        places.append(f"{'.'.join(parts) or 'the file'}: {error['type'].replace('_', ' ')}")
    return places


_MODELS: Final = (Proof, Authority, ShardProof, LogHead, Start, IndexHead, Subject, Entry, Absent, Side)
