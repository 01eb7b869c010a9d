"""The house's own doors: time, chance, law, secrets, registers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from consent.policy import Policy
from consent.vocabulary import Blocked, Conflict, Filed, Found, NotFound, OnFile, Person, Subject
from gateway.audit.identity import Identity
from gateway.jwe import OpeningKey
from gateway.jws import PublicKey, SigningKey
from gateway.stages import Mandate


class Clock(Protocol):
    """The only source of time."""

    def now(self) -> datetime:
        """Out: now, aware, in UTC."""
        ...


class Ids(Protocol):
    """The only source of chance (from `secrets`)."""

    def new(self) -> str:
        """Out: a new UUID (RFC 9562 version 4), lower case."""
        ...

    def random(self, size: int) -> bytes:
        """Out: `size` random bytes: salts, keys, nonces."""
        ...


class Policies(Protocol):
    """The policy in force. The journal's store has the last word on which one that is (LOG.md 9.3)."""

    def current(self) -> Policy:
        """Out: the policy as last seen; `settled` finds out when it is not current any more."""
        ...

    async def refresh(self) -> Policy:
        """Load the store's current policy from its archive. Out: it."""
        ...


class Keys(Protocol):
    """The house's own secrets (LOG.md 5, CONTRACT.md 4)."""

    @property
    def identity_vkey(self) -> str:
        """The authority's published identity key as a vkey (LOG.md 2)."""
        ...

    @property
    def identity(self) -> Identity:
        """The identity key with those before it: they stated older shards."""
        ...

    @property
    def succession(self) -> Sequence[str]:
        """How each identity key was followed by the next: notes, oldest first (docs/decisions/0022)."""
        ...

    def sign_as_authority(self, text: str) -> str:
        """In: a note's text, ending in LF. Out: the note, signed by the identity key."""
        ...

    @property
    def gateway(self) -> SigningKey:
        """The key that signs replies, receipts and records."""
        ...

    def find(self, kid: str) -> PublicKey | None:
        """Out: the public half of the key of that name, present or former: what it signed stays valid."""
        ...

    def opening(self, kid: str, now: datetime) -> OpeningKey | None:
        """Out: the key that opens what was encrypted under that name, if it may now."""
        ...

    def encryption(self, now: datetime) -> Sequence[PublicKey]:
        """Out: the keys that may be encrypted to now, the newest first; none: the house opens nothing."""
        ...

    @property
    def mark(self) -> bytes:
        """What everything begins with that is sealed now, and nothing that was sealed under a former master key."""
        ...

    def wrap(self, secret: bytes, context: str) -> bytes:
        """In: bytes to keep, and what they are for (authenticated). Out: sealed under the master key."""
        ...

    def unwrap(self, sealed: bytes, context: str) -> bytes:
        """Undo `wrap`. Raises `gateway.errors.Fault` when bytes or context are not the ones sealed."""
        ...


class Register(Protocol):
    """A data provider's door."""

    @property
    def id(self) -> str: ...

    async def fetch(self, mandate: Mandate) -> Found | NotFound:
        """Ask for the mandate's fields of the mandate's subject, and for no other column.

        Raises: RegisterUnavailable, RegisterTimeout (curable), RegisterProtocol.
        """
        ...

    async def write(
        self, mandate: Mandate, values: Mapping[str, str], replaces: Mapping[str, str]
    ) -> Filed | OnFile | Conflict | Blocked | NotFound:
        """Put the values on file in one transaction, with where they come from and when; once for each exchange,
        however often it is asked. A value that differs from one on file is written only where `replaces` names
        that one; else nothing is. Raises: as `fetch`.
        """
        ...

    async def filed(self, exchange: str) -> Filed | None:
        """Out: what `write` wrote for that exchange. None: nothing, and nothing ever will be: a `write` for it that
        was held up on its way fails from now on, as the exchange may have ended. Raises: as `fetch`."""
        ...

    async def persons(self, subject: Subject) -> Sequence[Person]:
        """Out: every form under which this register's lines may stand for `subject` (for a person's own export)."""
        ...

    async def healthy(self) -> bool:
        """Out: whether it answers at all. Never raises."""
        ...
