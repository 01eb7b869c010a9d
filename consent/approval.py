"""Every grant stands on two signatures: a register owner's and an approver's, two people (CONTRACT.md 3).

A signature has no time of its own that could be believed, so keys are judged at the time the policy is adopted: a
person whose key has ended or was revoked by then grants nothing any more, and somebody else signs again. A policy
that was adopted stays what it was when a key ends later; a revoked key changes people/, which is another policy.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, TypeAlias

from consent.parties import APPROVER, REGISTER_OWNER, Signatory, Validity
from consent.problems import Document, validated
from consent.tables import tables, text
from consent.vocabulary import Problem

FindKey: TypeAlias = Callable[[str], Mapping[str, str] | None]
"""In: a person's id. Out: the members of their public JWK, or None."""
Verify: TypeAlias = Callable[[bytes, bytes, FindKey], Sequence[str] | None]
"""In: the signed bytes, the signature file's bytes, where keys are found. Out: the ids of those who signed if
there are signatures and all of them verify, else None."""
_MEND: Final = "Sign the file as it is now: `einmal grants sign`, once as register owner, once as approver."


def signatories(documents: Iterable[Document]) -> dict[str, Signatory]:
    """Out: everybody in people/ whose file is right, by id."""
    return {
        person.id: person
        for document in documents
        if document.file.startswith("people/")
        for person in filter(None, [validated(Signatory, document)[0]])
    }


def is_grants(document: Document) -> bool:
    """Out: whether it is a file of grants that could be parsed."""
    return document.file.startswith("grants/") and document.file.endswith(".toml") and not document.broken


def unapproved(documents: Sequence[Document], verify: Verify, judged: datetime) -> list[Problem]:
    """In: when keys must have been valid. Out: a mistake for every file of grants that is not signed by the two
    people it needs."""
    people = signatories(documents)
    found: list[Problem] = []
    for document in documents:
        if is_grants(document):
            wrong = _why_unapproved(document, people, verify, judged)
            if wrong is not None:
                found.append(document.problem(("grant",), wrong, _MEND))
    return found


@dataclass
class Finder:
    """Finds people's keys for `Verify`, and remembers who was looked for."""

    people: Mapping[str, Signatory]
    sought: list[str] = field(default_factory=list)

    def __call__(self, signer: str) -> Mapping[str, str] | None:
        self.sought.append(signer)
        person = self.people.get(signer)
        return None if person is None else person.jwk.members()

    def wrong(self, signers: Sequence[str] | None) -> str | None:
        """In: what `Verify` said. Out: why these signatures are nobody's, or not each another person's."""
        stranger = next((name for name in self.sought if name not in self.people), None)
        if stranger is not None:
            return f"is signed by {stranger!r}, who is nobody in people/ whose file is right"
        twice = [name for name, times in Counter(self.sought).items() if times > 1]
        if twice:
            return f"is signed twice by {twice[0]!r}: one person is not two"
        if not signers:
            return "has a signature that does not fit: the file was changed since, or the key is another's"
        return None


def key_state(person: Validity, moment: datetime) -> str | None:
    """Out: why a key does not count at that moment; None if it does."""
    if person.revoked_at is not None and person.revoked_at <= moment:
        return f"was revoked on {person.revoked_at:%Y-%m-%d}"
    if moment > person.valid_to:
        return f"ended on {person.valid_to:%Y-%m-%d}"
    if moment < person.valid_from:
        return f"is valid from {person.valid_from:%Y-%m-%d} only"
    return None


def _why_unapproved(
    document: Document, people: Mapping[str, Signatory], verify: Verify, judged: datetime
) -> str | None:
    """Out: what is wrong with the signatures; None if nothing is."""
    if document.signature is None:
        return "is not signed, so nothing in it is granted"
    find = Finder(people)
    signers = verify(document.raw, document.signature, find) or ()
    wrong = find.wrong(signers)
    if wrong is not None:
        return wrong
    for name in signers:
        state = key_state(people[name], judged)
        if state is not None:
            return f"is signed by {name!r}, whose key {state}"
    return _who_is_missing(document, [people[name] for name in signers])


def answers_for(person: Signatory, registers: Iterable[str]) -> bool:
    """Out: whether that person is the register owner of all these registers."""
    return person.role == REGISTER_OWNER and person.registers >= set(registers)


def _who_is_missing(document: Document, signers: Sequence[Signatory]) -> str | None:
    registers = {name for _, grant in tables(document, "grant") if (name := text(grant, "register"))}
    if not any(answers_for(person, registers) for person in signers):
        return f"lacks the signature of a register owner who answers for {' and '.join(sorted(registers))}"
    if not any(person.role == APPROVER for person in signers):
        return "lacks the signature of an approver"
    return None
