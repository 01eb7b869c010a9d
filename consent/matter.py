"""One possible way to answer a request: its grant and, for choice and consent, its record. What is judged."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final, Generic, NamedTuple, TypeAlias, TypeVar

from consent.grants import Grant
from consent.parties import Consumer
from consent.vocabulary import BasisKind, Check, Fact, Facts, Power, ReasonCode, Record, Request, Subject

Verdict: TypeAlias = ReasonCode | Fact | None
"""What a check says: why not, or that it passed or was not needed; None: it could not be made."""
Wanted: TypeAlias = Mapping[str, tuple[str, ...]]
"""What a check would have passed with: what about, and which words. Of `same` (what has to be equal) and `power` (what
the power lacks) all count, of `fields` any, of everything else one. Codes only, never what a person is called."""
Judged = TypeVar("Judged")


@dataclass(frozen=True, slots=True)
class Matter:
    """A request, held against one grant and one record."""

    request: Request
    grant: Grant
    asker: Consumer | None
    """Whose request it is; None: somebody the law does not know."""
    kind: BasisKind | None
    """The basis it would stand on; None when what is claimed can't be tied to any."""
    record: Record | None
    powers: Mapping[str, Power]
    """Powers to act for somebody that the house holds and the request or the record names, by id."""
    special: frozenset[str]
    """The evidence's special categories (GDPR Art. 9)."""
    test_identities: bool
    now: datetime

    def demands_encryption(self) -> bool:
        """Out: whether nothing of this may be asked or answered in the clear (CONTRACT.md 4)."""
        return self.asker is None or self.asker.encrypt or self.grant.encrypt

    def answerable_encrypted(self) -> bool:
        """Out: whether there is a key that the answer could be encrypted to."""
        return self.asker is not None and self.asker.encryption_key(self.now) is not None

    def wanted(self) -> frozenset[str]:
        """Out: the fields asked for; where none are named, the grant's default ones that the record has."""
        if self.request.fields:
            return self.request.fields
        defaults = self.grant.defaults()
        return defaults if self.record is None else defaults & self.record.fields

    def permitted(self) -> frozenset[str]:
        """Out: what is asked for, cut to grant and record."""
        fields = self.wanted() & self.grant.fields
        return fields if self.record is None else fields & self.record.fields

    def excess(self) -> frozenset[str]:
        """Out: what is asked for beyond grant or record."""
        return self.wanted() - self.permitted()

    def powers_named(self) -> tuple[str, ...]:
        """Out: the ids of the powers it would stand on: the request's, and the one the record was given under."""
        named = (self.request.representative, self.record.representative if self.record else None)
        return tuple(dict.fromkeys(name for name in named if name is not None))

    def powers_used(self) -> tuple[Power, ...]:
        """Out: those of them that are there."""
        return tuple(self.powers[name] for name in self.powers_named() if name in self.powers)

    def asked_of_register(self) -> Subject:
        """Out: whom the register may be asked for: named only as the record names them, since a way that the record
        doesn't know could name somebody else; without the IDNr unless the grant allows it."""
        subject, record = self.request.subject, self.record
        if record is not None and record.subject.agrees_with(subject):
            subject = subject.named_as(record.subject)
        return subject if self.grant.idnr or subject.idnr is None else replace(subject, idnr=None)


def _nothing(_judged: object) -> Wanted:
    return {}


class Rule(NamedTuple, Generic[Judged]):
    """One check with its source."""

    check: Check
    clause: str
    judge: Callable[[Judged], Verdict]
    wants: Callable[[Judged], Wanted] = _nothing
    """Only asked where it failed."""


PASSED: Final = Fact.PASSED
NOT_NEEDED: Final = Fact.NOT_NEEDED
BEFORE: Final[Facts] = MappingProxyType({Check.AUTHENTIC: PASSED, Check.SENDER: PASSED})
"""What is known of whatever is judged at all: a request exists only past these."""


def facts_of(verdicts: Iterable[tuple[Check, Verdict]]) -> Facts:
    """Out: what became of each check that could be made, those before it among them."""
    facts = dict(BEFORE)
    for check, verdict in verdicts:
        if verdict is not None:
            facts[check] = Fact.FAILED if isinstance(verdict, ReasonCode) else verdict
    return MappingProxyType(facts)


def in_utc(now: datetime) -> datetime:
    """Out: the same moment, so that its day is the one a grant means. Raises: ValueError for an unknown zone."""
    if now.tzinfo is None:
        raise ValueError("a time without its zone")
    return now.astimezone(UTC)
