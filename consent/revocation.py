"""One signature closes what two opened: `grants/ID.revoked` beside the grants (CONTRACT.md 3).

The file is JWS General JSON (RFC 7515, 7.2.1) whose payload stands in it as it is (RFC 7797, `b64` false), so that
it can be read without a tool. A register owner of the grant's register or an approver signs. Their key is judged at
the time the statement names: what was closed stays closed when a key ends, and who backdates can only close.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Annotated, Any, Final, Literal

from pydantic import AwareDatetime, Field, ValidationError

from consent.approval import Finder, Verify, answers_for, is_grants, key_state, signatories
from consent.grants import Grant, GrantsFile, content_hash
from consent.parties import APPROVER, Id, Signatory, Table
from consent.problems import Document, validated
from consent.vocabulary import Problem

REVOKED: Final = ".revoked"
"""The ending of a revocation's file."""
REASON_CHARACTERS: Final = 500
_AGAIN: Final = "Revoke with a key that may: `einmal grants revoke` replaces the file."


class Revocation(Table):
    """The statement that is signed. From its adoption on the grant grants nothing, for good."""

    v: Literal[1] = 1
    grant: Id
    register_: Id = Field(alias="register")
    content: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    """The grant's content hash (`consent.grants.content_hash`)."""
    until: date
    """The grant's last day: so long the revocation is kept, whatever becomes of the grant's file."""
    reason: Annotated[
        str, Field(pattern=r"^[^\x00-\x1f\x7f]*\S[^\x00-\x1f\x7f]*$", max_length=REASON_CHARACTERS)
    ]
    time: AwareDatetime

    def body(self) -> bytes:
        """Out: the bytes that are signed: RFC 8785 JSON."""
        said = self.model_dump(mode="json", by_alias=True)
        return json.dumps(said, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()


def revokes(grant: Grant, reason: str, now: datetime) -> Revocation:
    """Out: the statement that ends this grant. Raises: pydantic.ValidationError, for a reason that is none."""
    said = {
        "grant": grant.id,
        "register": grant.register,
        "content": content_hash(grant),
        "until": grant.valid_to,
        "reason": reason,
        "time": now.replace(microsecond=0),
    }
    return Revocation.model_validate(said)


def file_of(grant: str) -> str:
    """Out: where a grant's revocation lies in a home."""
    return f"grants/{grant}{REVOKED}"


def written(statement: Revocation, signatures: bytes) -> bytes:
    """In: the statement, and the JWS General JSON over its body without payload. Out: the file."""
    told = {"payload": statement.body().decode(), **json.loads(signatures)}
    return json.dumps(told, indent=2, ensure_ascii=False).encode() + b"\n"


def is_revocation(document: Document) -> bool:
    """Out: whether it is a revocation's file that could be read."""
    named = document.file.startswith("grants/") and document.file.endswith(REVOKED)
    return named and not document.broken


def revocations(
    documents: Sequence[Document], verify: Verify
) -> tuple[Mapping[str, Revocation], list[Problem]]:
    """Out: every revocation that holds, by the grant's id; a mistake for every one that does not."""
    people, grants = signatories(documents), {grant.id: grant for grant in _grants(documents)}
    found: dict[str, Revocation] = {}
    problems: list[Problem] = []
    for document in filter(is_revocation, documents):
        read = _read(document, people, verify)
        if isinstance(read, Revocation):
            wrong = _unfit(read, grants.get(read.grant))
            if wrong is None:
                found[read.grant] = read
                continue
            problems.append(document.problem((), *wrong))
        else:
            problems.append(document.problem((), *read))
    return found, problems


def stated(raw: bytes) -> Revocation | None:
    """In: a revocation's file. Out: what it says, whoever signed it; None if it is none."""
    found = _stated(raw)
    return found[0] if found is not None else None


def forgotten(
    before: Mapping[str, Revocation], after: Mapping[str, Revocation], today: date
) -> Iterator[Problem]:
    """In: the revocations in force, those of the policy that is to replace them. Out: a mistake for each that
    would be lost while its grant could still be valid: what was closed is opened by two new signatures only.

    One that ends another state of the grant is no substitute: where the grant's file is gone nothing else holds it
    to what was revoked, and with an earlier last day it could go, and the grant come back.
    """
    for name, revocation in before.items():
        if today <= revocation.until and (name not in after or _ends(after[name]) != _ends(revocation)):
            gone = "is gone" if name not in after else "ends another state of it"
            wrong = f"{gone}, and grant {name!r} was revoked on {revocation.time:%Y-%m-%d}"
            mend = f"`einmal grants revoke {name}` writes it again; it is kept until {revocation.until}."
            yield Problem(file_of(name), None, "(file)", wrong, mend)


def _ends(statement: Revocation) -> tuple[str, str, date]:
    """Out: which grant of that id is revoked, and until when."""
    return statement.content, statement.register_, statement.until


def _grants(documents: Iterable[Document]) -> Iterator[Grant]:
    for document in filter(is_grants, documents):
        for grants in filter(None, [validated(GrantsFile, document)[0]]):
            yield from grants.grant


def _stated(raw: bytes) -> tuple[Revocation, bytes, Any] | None:
    """Out: the statement, the bytes that are signed, and the signatures as they stand there."""
    try:
        told: dict[str, Any] = json.loads(raw)
        payload, signatures = told["payload"], told["signatures"]
        if told.keys() != {"payload", "signatures"}:
            raise KeyError
        body: bytes = payload.encode()
        statement = Revocation.model_validate_json(body)
    except (ValueError, ValidationError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    return (statement, body, signatures) if statement.body() == body else None


def _read(
    document: Document, people: Mapping[str, Signatory], verify: Verify
) -> Revocation | tuple[str, str]:
    """Out: the statement, if its signatures hold and are those of people who may revoke; else why not, and the mend."""
    found = _stated(document.raw)
    if found is None:
        return "is no revocation", _AGAIN
    statement, body, signatures = found
    if document.file != file_of(statement.grant):
        return f"revokes grant {statement.grant!r}", f"Name the file {file_of(statement.grant)}."
    find = Finder(people)
    signers = verify(body, json.dumps({"signatures": signatures}).encode(), find) or ()
    wrong = find.wrong(signers)
    if wrong is not None:
        return wrong, _AGAIN
    for name in signers:
        person = people[name]
        state = key_state(person, statement.time)
        if state is not None:
            return f"is signed by {name!r}, whose key {state}", _AGAIN
        if person.role != APPROVER and not answers_for(person, [statement.register_]):
            wrong = f"is signed by {name!r}, who is neither an approver nor {statement.register_}'s owner"
            return wrong, _AGAIN
    return statement


def _unfit(statement: Revocation, grant: Grant | None) -> tuple[str, str] | None:
    """Out: what is wrong if the grant of that id is not, or not exactly, the one revoked."""
    if grant is None:
        return None
    if _ends(statement) == (content_hash(grant), grant.register, grant.valid_to):
        return None
    mend = f"Put {grant.id!r} back as it was and give the new grant an id of its own."
    return f"revokes another state of grant {grant.id!r}: a revoked grant's id is not used again", mend
