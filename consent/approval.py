"""Every grant stands on two signatures: a register owner's and an approver's, two people (CONTRACT.md 3).

A signature has no time of its own that could be believed, so its key must be valid now: a person whose key
has ended or was revoked grants nothing any more, and somebody else signs again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final, TypeAlias

from consent.parties import APPROVER, REGISTER_OWNER, Signatory
from consent.problems import Document, validated
from consent.tables import tables, text
from consent.vocabulary import Problem

FindKey: TypeAlias = Callable[[str], Mapping[str, str] | None]
"""In: a person's id. Out: the members of their public JWK, or None."""
Verify: TypeAlias = Callable[[bytes, bytes, FindKey], Sequence[str] | None]
"""In: the signed bytes, the signature file's bytes, where keys are found. Out: the ids of those who signed if
there are signatures and all of them verify, else None."""
_MEND: Final = "Sign the file as it is now: `einmal grants sign`, once as register owner, once as approver."


def unapproved(documents: Sequence[Document], verify: Verify, now: datetime) -> list[Problem]:
    """Out: a mistake for every file of grants that is not signed by the two people it needs."""
    people = {
        person.id: person
        for document in documents
        if document.file.startswith("people/")
        for person in filter(None, [validated(Signatory, document)[0]])
    }
    found: list[Problem] = []
    for document in documents:
        if document.file.startswith("grants/"):
            wrong = _why_unapproved(document, people, verify, now)
            if wrong is not None:
                found.append(document.problem((), wrong, _MEND))
    return found


def _why_unapproved(
    document: Document, people: Mapping[str, Signatory], verify: Verify, now: datetime
) -> str | None:
    """Out: what is wrong with the signatures; None if nothing is."""
    if document.signature is None:
        return "is not signed, so nothing in it is granted"
    strangers: list[str] = []

    def find(signer: str) -> Mapping[str, str] | None:
        person = people.get(signer)
        if person is None:
            strangers.append(signer)
            return None
        return person.jwk.members()

    signers = verify(document.raw, document.signature, find)
    if strangers:
        return f"is signed by {strangers[0]!r}, who is nobody in people/"
    if not signers:
        return "has a signature that does not fit: the file was changed since, or the key is another's"
    ended = [name for name in signers if not people[name].valid_at(now)]
    if ended:
        return f"is signed by {ended[0]!r}, whose key is revoked or not valid now"
    return _who_is_missing(document, [people[name] for name in signers])


def _who_is_missing(document: Document, signers: Iterable[Signatory]) -> str | None:
    registers = {name for _, grant in tables(document, "grant") if (name := text(grant, "register"))}
    by_role = {REGISTER_OWNER: False, APPROVER: False}
    for person in signers:
        if person.role == APPROVER or (person.role == REGISTER_OWNER and registers <= person.registers):
            by_role[person.role] = True
    if not by_role[REGISTER_OWNER]:
        return "lacks the signature of a register owner who answers for all its registers"
    if not by_role[APPROVER]:
        return "lacks the signature of an approver"
    return None
