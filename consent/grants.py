"""The abstract permission (§ 7(2) IDNrG): who may ask which register for what, why and on which basis."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from consent.parties import FieldNames, Id, Names, Norm, Table, Text
from consent.vocabulary import BasisKind, Request


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
    push: bool = False
    document: bool = False
    encrypt: bool = False
    special_category_law: Norm | None = None
    """The law under which special categories may be handed on without consent (GDPR Art. 9(2))."""
    max_age_days: Annotated[int, Field(gt=0)] | None = None
    rate_per_minute: Annotated[int, Field(gt=0)] | None = None
    recipient_keeps_days: Annotated[int, Field(gt=0)] | None = None
    on_behalf_of: Id | None = None
    predecessor: Id | None = None

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
            and self.on_behalf_of == request.on_behalf_of
            and request.register in {None, self.register_}
        )


class GrantsFile(Table):
    """grants/*.toml"""

    grant: tuple[Grant, ...] = Field(min_length=1)
