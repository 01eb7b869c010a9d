"""The abstract permission (§ 7(2) IDNrG): who may ask which register for what, why and on which basis."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Set
from datetime import date, datetime, timedelta
from hashlib import sha256
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from consent.parties import FieldNames, Id, Names, Norm, Table, Text, as_set
from consent.problems import mistake
from consent.vocabulary import Action, BasisKind, ProofKind, Request


def _as_kinds(value: object) -> object:
    """Out: the kinds in the order of `BasisKind`; unknown words stay for the model to refuse."""
    if not isinstance(value, tuple):
        return value
    return tuple(sorted(value, key=lambda kind: [*BasisKind, kind].index(kind)))


class Grant(Table):
    """One `[[grant]]` of a signed file (CONTRACT.md 3)."""

    id: Id
    consumer: Id
    register_: Id = Field(alias="register")
    evidence: Id
    fields: FieldNames = Field(min_length=1)
    default_fields: FieldNames | None = Field(default=None, min_length=1)
    """What a request gets that names no fields; None: all of `fields`."""
    purpose: Id
    procedures: Names = Field(min_length=1)
    basis: Annotated[
        tuple[Annotated[BasisKind, Field(strict=False)], ...], BeforeValidator(_as_kinds), Field(min_length=1)
    ]
    norm: Norm
    recorded_by: Names
    """Whose records of choice or consent count."""
    blocked: Literal["hide", "deliver-with-notice"]
    retention: Text
    """The retention class of the exchange's log lines."""
    valid_from: date
    """The first day, UTC."""
    valid_to: date
    """The last day, UTC."""
    idnr: bool = False
    """Whether the register may be asked with the IDNr."""
    item: Text | None = None
    """The structured item the evidence is delivered as."""
    preview: bool = False
    write: bool = False
    """A grant to submit these fields to the register, and none to ask for them."""
    push: bool = False
    document: bool = False
    encrypt: bool = False
    special_category_law: Norm | None = None
    """The law under which special categories may be handed on without consent (GDPR Art. 9(2))."""
    max_age_days: Annotated[int, Field(gt=0)] | None = None
    rate_per_minute: Annotated[int, Field(gt=0)] | None = None
    recipient_keeps_days: Annotated[int, Field(gt=0)] | None = None
    on_behalf_of: Id | None = None
    """The consumer in whose name this one asks, when it is not its own procedure."""
    representation: Annotated[frozenset[ProofKind], BeforeValidator(as_set)] = frozenset()
    """What may show that somebody acts for the person; nothing: nobody may."""
    assurance: Literal["low", "substantial", "high"] | None = None
    """How sure it must be who decided, at least (Regulation (EU) 910/2014 Art. 8)."""
    exempt: Norm | None = None
    """The law under which the person is not told of the processing before `exempt_days` have passed."""
    exempt_days: Annotated[int, Field(gt=0, le=3660)] | None = None
    predecessor: Id | None = None
    """The older grant that this one replaces from `valid_from` on."""

    @model_validator(mode="after")
    def _whole(self) -> Grant:
        if (self.exempt is None) != (self.exempt_days is None):
            mistake(
                "is exempt without both norm and days", 'Write exempt = "…" and exempt_days = …, or neither.'
            )
        return self

    @property
    def register(self) -> str:
        """The register it is about."""
        return self.register_

    def defaults(self) -> frozenset[str]:
        """Out: the fields for a request that names none."""
        return self.fields if self.default_fields is None else self.default_fields

    def covers(self, request: Request, now: datetime) -> bool:
        """Out: whether it is valid today and about this request, of whose consumer, evidence … it is."""
        return (
            self.valid_from <= now.date() <= self.valid_to
            and self.write == (request.action is Action.WRITE)
            and self.on_behalf_of == request.on_behalf_of
            and request.register in {None, self.register_}
        )


class GrantsFile(Table):
    """grants/*.toml"""

    grant: tuple[Grant, ...] = Field(min_length=1)


def content_hash(grant: Grant) -> str:
    """Out: SHA-256 (lower-case hex) of what the grant says, as RFC 8785 JSON: by the names of its keys, what is
    left to its default left out, lists sorted. Spelling, order and comments of its file make no difference."""
    said = grant.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    plain = {key: sorted(value) if isinstance(value, list) else value for key, value in said.items()}
    return sha256(
        json.dumps(plain, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()
    ).hexdigest()


def deciding(grants: Iterable[Grant], revoked: Set[str]) -> Iterator[Grant]:
    """In: every grant; the ids of those revoked. Out: the grants as they decide.

    A revoked one grants nothing; a replaced one ends the day before its successor begins, and stays ended,
    whatever becomes of the successor.
    """
    grants = tuple(grants)
    successors = {grant.predecessor: grant.valid_from for grant in grants if grant.predecessor is not None}
    for grant in grants:
        if grant.id in revoked:
            continue
        begins = successors.get(grant.id)
        if begins is None or begins > grant.valid_to:
            yield grant
        else:
            yield grant.model_copy(update={"valid_to": begins - timedelta(days=1)})
