"""Shards: their names, their months, their keys, and the event that opens them (LOG.md 5)."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from gateway.audit import record
from gateway.audit.note import KeyType, NoteInvalid, Signer, Verifier, decode64, encode64, parse_vkey
from gateway.audit.vrf import VrfKey

KEYS_HEADER: Final = "einmal/keys/v1"
SECRET_BYTES: Final = 32
_SECRETS_VERSION: Final = b"\x01"
_MONTHS = re.compile(r"([1-9][0-9]{0,2})m\Z")
_ORIGIN = re.compile(
    r"(?P<authority>[^\s+]+)/(?P<retention>[^\s+/]+)/"
    r"(?P<year>[0-9]{4})-(?P<month>0[1-9]|1[0-2])(\.(?P<number>[2-9]|[1-9][0-9]+))?\Z"
)


@dataclass(frozen=True, slots=True)
class Origin:
    """`<authority>/<class>/<year>-<month>`, with `.2` and so on for a shard opened after a restore."""

    authority: str
    retention: str
    year: int
    month: int
    number: int = 1

    def __str__(self) -> str:
        suffix = f".{self.number}" if self.number > 1 else ""
        return f"{self.authority}/{self.retention}/{self.year:04d}-{self.month:02d}{suffix}"

    @classmethod
    def parse(cls, text: str) -> Origin:
        """Raises: ValueError when it is no origin of a shard."""
        match = _ORIGIN.match(text)
        if match is None:
            raise ValueError("not the origin of a shard")
        return cls(
            match["authority"],
            match["retention"],
            int(match["year"]),
            int(match["month"]),
            int(match["number"] or 1),
        )

    @classmethod
    def at(cls, authority: str, retention: str, now: datetime) -> Origin:
        """Out: the shard of that class for the month of `now` (UTC)."""
        now = now.astimezone(UTC)
        return cls(authority, retention, now.year, now.month)

    @property
    def month_number(self) -> tuple[int, int]:
        """Out: year and month, to compare by."""
        return self.year, self.month

    @property
    def place(self) -> tuple[int, int, int]:
        """Out: where it stands among the shards of its class, to compare by."""
        return self.year, self.month, self.number

    @property
    def months(self) -> int | None:
        """Out: how long the class keeps a line; None when its name says nothing of it."""
        match = _MONTHS.match(self.retention)
        return int(match[1]) if match else None

    @property
    def gone_from(self) -> tuple[int, int] | None:
        """Out: the month (UTC) with which the shard may be gone: every line of it was due before (LOG.md 8), as the
        last one may be, in German time, of the day after its month. None: never."""
        return None if self.months is None else _later((self.year, self.month), self.months + 1)

    def is_gone(self, by: tuple[int, int]) -> bool:
        """In: a month (UTC). Out: whether the shard may be gone by then (`gone_from`)."""
        return self.gone_from is not None and self.gone_from <= by

    @property
    def first_due(self) -> tuple[int, int] | None:
        """Out: the month in which the first of its lines is due to be erased. None: never."""
        return None if self.months is None else _later((self.year, self.month), self.months)

    @property
    def end(self) -> datetime:
        """Out: the first moment after its month. Raises: ValueError, at the calendar's ends."""
        return datetime(*_later(self.month_number, 1), 1, tzinfo=UTC)

    def is_over(self, now: datetime) -> bool:
        """Out: whether a later month than the shard's has begun (UTC); a clock gone back ends nothing."""
        now = now.astimezone(UTC)
        return (now.year, now.month) > self.month_number

    def successor(self, now: datetime) -> Origin:
        """Out: the shard that follows this one: that of the month of `now`; while this one's month lasts, as after a
        restore or when it gets new keys, the month's next number."""
        if self.is_over(now):
            return Origin.at(self.authority, self.retention, now)
        return Origin(self.authority, self.retention, self.year, self.month, self.number + 1)


@dataclass(frozen=True, slots=True)
class KeyStatement:
    """A shard's public keys, as its authority vouches for them."""

    origin: str
    log: Verifier
    index: Verifier
    vrf: bytes

    @property
    def text(self) -> str:
        """Out: the text the identity key signs."""
        lines = (KEYS_HEADER, self.origin, self.log.vkey, self.index.vkey, encode64(self.vrf))
        return "".join(f"{line}\n" for line in lines)

    @classmethod
    def parse(cls, text: str) -> KeyStatement:
        """Raises: NoteInvalid when it isn't a key statement, or a key in it has another's name."""
        lines = text.split("\n")
        if len(lines) != 6 or lines[0] != KEYS_HEADER or lines[5]:
            raise NoteInvalid("not a key statement")
        statement = cls(lines[1], parse_vkey(lines[2]), parse_vkey(lines[3]), decode64(lines[4]))
        if any(key.type is not KeyType.ED25519 for key in (statement.log, statement.index)):
            raise NoteInvalid("a log's key is of type 01, and no cosigner's")
        names = (statement.log.name, statement.index.name)
        if names != (statement.origin, index_origin(statement.origin)) or len(statement.vrf) != 32:
            raise NoteInvalid("the key statement's keys are not this shard's")
        return statement


@dataclass(frozen=True, slots=True)
class ShardKeys:
    """A shard's secrets: log key, index key, VRF key, seal secret."""

    origin: str
    log: Signer = field(repr=False)
    index: Signer = field(repr=False)
    vrf: VrfKey = field(repr=False)
    seal: bytes = field(repr=False)
    _seeds: bytes = field(repr=False)

    @classmethod
    def generate(cls, origin: str, random: Callable[[int], bytes]) -> ShardKeys:
        """In: the shard's name, a source of random bytes. Out: four new secrets."""
        return cls.from_bytes(origin, _SECRETS_VERSION + b"".join(random(SECRET_BYTES) for _ in range(4)))

    @classmethod
    def from_bytes(cls, origin: str, secrets: bytes) -> ShardKeys:
        """Undo `to_bytes`. Raises: ValueError when these are no shard's secrets."""
        if len(secrets) != 1 + 4 * SECRET_BYTES or secrets[:1] != _SECRETS_VERSION:
            raise ValueError("not the secrets of a shard")
        log, index, vrf, seal = (
            secrets[at : at + SECRET_BYTES] for at in range(1, len(secrets), SECRET_BYTES)
        )
        return cls(
            origin=origin,
            log=Signer.from_seed(origin, log),
            index=Signer.from_seed(index_origin(origin), index),
            vrf=VrfKey(vrf),
            seal=seal,
            _seeds=secrets,
        )

    def to_bytes(self) -> bytes:
        """Out: what is wrapped by the master key and kept: a version byte and four times 32 bytes."""
        return self._seeds

    @property
    def public(self) -> KeyStatement:
        """Out: the public side."""
        return KeyStatement(self.origin, self.log.verifier, self.index.verifier, self.vrf.public)


def _later(month: tuple[int, int], months: int) -> tuple[int, int]:
    year, number = divmod(month[0] * 12 + month[1] - 1 + months, 12)
    return year, number + 1


def index_origin(origin: str) -> str:
    """Out: the name of the output log of that shard's index."""
    return f"{origin}/index"


def statement_text(origin: str, keys: ShardKeys) -> str:
    """Out: the key statement's text, to be signed by the identity key. In: the shard's name and keys."""
    if origin != keys.origin:
        raise ValueError("the keys are another shard's")
    return keys.public.text


def opening_event(classes: Sequence[str], statement: str, previous: str | None) -> bytes:
    """Out: the exact bytes of leaf 0's event.

    In: every class of the house; the key statement as a signed note; the closing checkpoint of the class's
    previous shard as a signed note, None for its very first.
    """
    return record.to_bytes(
        record.ShardOpened(classes=tuple(sorted(classes)), keys=statement, previous=previous)
    )
