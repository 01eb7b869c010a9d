"""The records messages carry, whatever language they travel in: what every language is read into and written
from, and word for word what a JSON body holds (CONTRACT.md 4).

Absent keys are left out. Nothing that is not named here may be in a record.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Annotated, Any, Final, Literal, Self, TypeAlias

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

Text: TypeAlias = Annotated[
    str,
    StringConstraints(
        min_length=1, max_length=500, pattern=r"^[^\x00-\x1f\x7f]*[^\x00-\x20\x7f][^\x00-\x1f\x7f]*$"
    ),
]
Code: TypeAlias = Annotated[str, StringConstraints(max_length=63, pattern=r"^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$")]
FieldName: TypeAlias = Annotated[str, StringConstraints(max_length=63, pattern=r"^[a-z][a-z0-9_]*$")]
Uuid: TypeAlias = Annotated[
    str, StringConstraints(pattern=r"^[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}$")
]
LATIN: Final = re.compile(
    "[ -~\u00a0-\u00ac\u00ae-\u017f\u018f\u0197\u01a0-\u01a1\u01af-\u01b0\u01b5-\u01b7\u01cd-\u01dc"
    "\u01de-\u021b\u021e-\u0233\u0259\u0268\u0292\u02b9-\u02bc\u02be-\u02bf\u02c8\u02cc\u0300-\u031b\u0323-\u0338"
    "\u1e00-\u1e9e\u1ea0-\u1ef9\u2010-\u2015"
    "\u2018-\u201a\u201c-\u201e\u2020-\u2021\u2026\u2030\u2032-\u2033\u2039-\u203a\u20ac\u2122]*"
)
"""DIN 91379 as XEinmal's `String.LatinType` has it (a test compares them)."""


def _latin(text: str) -> str:
    if not LATIN.fullmatch(text) or text != " ".join(filter(None, text.split(" "))):
        raise ValueError("not a text that every language of the house can say")
    return text


Said: TypeAlias = Annotated[str, StringConstraints(max_length=2000), AfterValidator(_latin)]
"""What a submission says of one field: what is put on file must be sayable in XEinmal, by whichever way it came."""
Jws: TypeAlias = Annotated[
    str, StringConstraints(max_length=100_000, pattern=r"^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*\.[A-Za-z0-9_-]+$")
]
"""A JWS in its compact form (RFC 7515 3.1); without its payload when that is detached."""
Entry: TypeAlias = Annotated[dict[FieldName, str], Field(min_length=1)]
"""One of a group: a member of the household, a vehicle."""
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d")


def _time(text: str) -> str:
    if not _TIME.fullmatch(text):
        raise ValueError("no RFC 3339 time with a zone")
    datetime.fromisoformat(text[:19])
    return text


def _date(text: str) -> str:
    if not _DATE.fullmatch(text):
        raise ValueError("no ISO 8601 date")
    date.fromisoformat(text)
    return text


Time: TypeAlias = Annotated[str, AfterValidator(_time)]
Date: TypeAlias = Annotated[str, AfterValidator(_date)]


class Record(BaseModel):
    """Strict, frozen, and silent about what it was given."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True)

    def plain(self) -> dict[str, Any]:
        """Out: the record as nested dicts, absent keys left out."""
        return self.model_dump(exclude_unset=True, by_alias=True)


class Party(Record):
    """An author or reader of a message."""

    directory: Text | None = None
    id: Text
    name: Text | None = None


class Basis(Record):
    """The basis the asker claims."""

    kind: Literal["choice", "consent", "statutory"] | None = None
    record: Text | None = None
    norm: Text | None = None


class Subject(Record):
    """Whom the request is about."""

    idnr: Annotated[str, StringConstraints(pattern=r"^[0-9]{11}$")] | None = Field(default=None, repr=False)
    birth_date: Date | None = Field(default=None, repr=False)
    family_name: Text | None = Field(default=None, repr=False)
    given_name: Text | None = Field(default=None, repr=False)
    town: Text | None = Field(default=None, repr=False)
    postcode: Text | None = Field(default=None, repr=False)


class Words(Record):
    """The same in both languages."""

    de: Text
    en: Text


class Removed(Record):
    """A field that was not handed on, and by which rule."""

    field: FieldName
    rule: Code


class Issuer(Record):
    """The authority the evidence is from."""

    id: Text
    name: Text


class Message(Record):
    """What every message says of itself. Author and reader are said where the language has a place for them."""

    message_id: Uuid
    created: Time
    author: Party | None = None
    reader: Party | None = None
    test: bool | None = None


class Asking(Message):
    """What every request says: which evidence of whom, for what, on which basis."""

    evidence: Code
    purpose: Code
    procedure: Code
    case: Text
    basis: Basis = Basis()
    subject: Subject = Field(repr=False)
    on_behalf_of: Text | None = None
    representative: Text | None = Field(default=None, repr=False)


class EvidenceRequest(Asking):
    """evidence.request"""

    register_: Code | None = Field(default=None, alias="register")
    fields_: Annotated[list[FieldName], Field(max_length=200)] = Field(default=[], alias="fields")


class SubmitRequest(Asking):
    """submit.request"""

    register_: Code = Field(alias="register")
    values: Annotated[dict[FieldName, Said], Field(min_length=1, max_length=200)] = Field(repr=False)
    replaces: dict[FieldName, Said] = Field(default={}, repr=False)
    """What is on file and is to be replaced."""

    @model_validator(mode="after")
    def _replaced_is_said_anew(self) -> Self:
        if not self.replaces.keys() <= self.values.keys():
            raise ValueError("replaces a field that it does not submit")
        return self


class Reply(Message):
    """What every reply refers to."""

    in_reply_to: Text
    exchange_id: Text


class EvidenceAnswer(Reply):
    """evidence.answer"""

    evidence: Code
    register_: Code = Field(alias="register")
    purpose: Code
    procedure: Code
    case: Text
    issuer: Issuer
    values: dict[FieldName, str] = Field(repr=False)
    entries: Annotated[list[Entry], Field(max_length=1000)] = Field(default=[], repr=False)
    """The fields of a group, once for each of it; what the register has none of is left out."""
    removed: list[Removed] = []
    notice: Literal["blocked"] | None = None


class EvidenceRefusal(Reply):
    """evidence.refusal"""

    code: Code
    checks: list[Code]
    message: Words
    fields_: list[FieldName] = Field(default=[], alias="fields")


class EvidenceFailure(Reply):
    """evidence.failure"""

    code: Code
    message: Words


class SubmitReceipt(Reply):
    """submit.receipt"""

    evidence: Code
    register_: Code = Field(alias="register")
    purpose: Code
    procedure: Code
    case: Text
    outcome: Literal["recorded", "already-on-file"]
    recorded: Time
    """When the house handled it."""
    since: Time | None = None
    """Since when the same has been on file, where the sender may know it."""

    @model_validator(mode="after")
    def _only_what_was_there_has_a_since(self) -> Self:
        if self.since is not None and self.outcome != "already-on-file":
            raise ValueError("says since when, of what was not on file")
        return self


class ConsentGive(Message):
    """consent.give"""

    terms: dict[str, Any] = Field(repr=False)
    """A record of choice or consent as docs/records.md has it; `consent/` judges it."""


class ConsentWithdraw(Message):
    """consent.withdraw"""

    record: Text
    subject: Subject = Field(repr=False)


class ConsentList(Message):
    """consent.list"""

    subject: Subject = Field(repr=False)


class ConsentReceipt(Reply):
    """consent.receipt"""

    record: Text
    state: Code
    revision: Annotated[int, Field(ge=1)]
    receipt: Jws = Field(repr=False)
    """The house's signature over the event as it was recorded; its payload names the person."""


class ConsentRecord(Record):
    """One record of choice or consent, as it stands."""

    record: Text
    kind: Literal["choice", "consent"]
    state: Code
    revision: Annotated[int, Field(ge=1)]
    recipient: Text
    register_: Code = Field(alias="register")
    evidence: Code
    fields_: Annotated[list[FieldName], Field(max_length=200)] = Field(alias="fields")
    purpose: Code
    procedure: Code
    case: Text
    norm: Text
    recorded_by: Text
    not_before: Time
    not_after: Time
    uses: Annotated[int, Field(ge=0)]
    max_uses: Annotated[int, Field(ge=1)] | None = None
    representative: bool | None = None
    """Whether somebody else decided for the person."""


class ConsentRecords(Reply):
    """consent.records"""

    records: list[ConsentRecord] = Field(repr=False)


MODELS: Final[dict[str, type[Message]]] = {
    "evidence.request": EvidenceRequest,
    "evidence.answer": EvidenceAnswer,
    "evidence.refusal": EvidenceRefusal,
    "evidence.failure": EvidenceFailure,
    "submit.request": SubmitRequest,
    "submit.receipt": SubmitReceipt,
    "consent.give": ConsentGive,
    "consent.withdraw": ConsentWithdraw,
    "consent.list": ConsentList,
    "consent.receipt": ConsentReceipt,
    "consent.records": ConsentRecords,
}
