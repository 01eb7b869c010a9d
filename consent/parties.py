"""Who and what the law speaks of: consumers, registers, purposes, procedures, people (CONTRACT.md 3).

Each model is one table of a home's TOML files, exactly: unknown keys are mistakes. References between them
are checked in `consent/coherence.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from consent.problems import mistake

Id: TypeAlias = Annotated[str, Field(pattern=r"^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$", max_length=63)]
"""Names consumers, registers, evidence types, purposes, procedures, people, grants: no dot, so that it can be
one word of a routing key."""
FieldName: TypeAlias = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=63)]
Text: TypeAlias = Annotated[str, Field(min_length=1, pattern=r"\S")]
Norm: TypeAlias = Text


def as_set(value: object) -> object:
    """Out: a frozenset of a list without repetitions."""
    if not isinstance(value, tuple):
        return value
    if any(not isinstance(item, str) for item in value):
        mistake("should be a list of texts", 'Write it as ["a", "b"].')
    repeated = sorted({item for item in value if value.count(item) > 1})
    if repeated:
        mistake(f"lists {repeated[0]!r} twice", "Keep it once.")
    return frozenset(value)


FieldNames: TypeAlias = Annotated[frozenset[FieldName], BeforeValidator(as_set)]
Names: TypeAlias = Annotated[frozenset[Id], BeforeValidator(as_set)]
Texts: TypeAlias = Annotated[frozenset[Text], BeforeValidator(as_set)]


class Table(BaseModel):
    """One TOML table: strict, frozen, nothing unknown in it."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True)


class Title(Table):
    """Plain words for the citizen, in both languages."""

    de: Text
    en: Text


class Identifier(Table):
    """A foreign name of a party: EAS scheme and value (OOTS)."""

    scheme: Text
    value: Text


class Jwk(Table):
    """A public key (RFC 7517): Ed25519 or P-256 to sign, X25519 or P-256 to encrypt."""

    kty: Literal["OKP", "EC"]
    crv: Literal["Ed25519", "X25519", "P-256"]
    x: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{43}$")]
    y: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{43}$")] | None = None

    @model_validator(mode="after")
    def _whole(self) -> Jwk:
        if (self.kty == "EC") != (self.crv == "P-256"):
            mistake(
                "has a kty that does not go with its crv", "OKP goes with Ed25519 and X25519, EC with P-256."
            )
        if (self.y is None) != (self.kty == "OKP"):
            mistake("has the wrong coordinates", "An EC key has x and y, an OKP key only x.")
        return self

    def members(self) -> dict[str, str]:
        """Out: the JWK as JSON members."""
        return {name: value for name, value in self.model_dump().items() if value is not None}


class Validity(Table):
    """From when to when a key counts. Nothing is valid without an end."""

    valid_from: AwareDatetime
    valid_to: AwareDatetime
    revoked_at: AwareDatetime | None = None

    def valid_at(self, moment: datetime) -> bool:
        """Out: whether it counts at that moment: within its time, ends included, and not revoked by then."""
        if self.revoked_at is not None and self.revoked_at <= moment:
            return False
        return self.valid_from <= moment <= self.valid_to


class Key(Validity):
    """A consumer's public key."""

    kid: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=128)]
    use: Literal["sig", "enc"]
    jwk: Jwk

    @model_validator(mode="after")
    def _fit_for_use(self) -> Key:
        if (self.use, self.jwk.crv) in {("sig", "X25519"), ("enc", "Ed25519")}:
            mistake(
                "has a curve that does not go with its use", "sig: Ed25519 or P-256; enc: X25519 or P-256."
            )
        return self


class Consumer(Table):
    """A data consumer: an authority's procedure that needs evidence."""

    id: Id
    title: Title
    department: Title | None = None
    bus_user: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=128)]
    standards: tuple[Annotated[str, Field(pattern=r"^[a-z0-9-]+/[0-9]+(?:\.[0-9]+)*$")], ...] = Field(
        min_length=1
    )
    identifiers: tuple[Identifier, ...] = ()
    encrypt: bool = False
    """Whether everything to and from this consumer must be encrypted (CONTRACT.md 4)."""
    keys: tuple[Key, ...] = Field(alias="key", min_length=1)

    def encryption_key(self, now: datetime) -> Key | None:
        """Out: the key that what goes to this consumer is encrypted to: of those that count now the newest."""
        valid = [key for key in self.keys if key.use == "enc" and key.valid_at(now)]
        return max(valid, key=lambda key: (key.valid_from, key.kid), default=None)


class Column(Table):
    """Where a field comes from in the register, and how its codes are translated."""

    column: Text
    codes: Mapping[str, str] = Field(default_factory=dict)


def _as_column(value: object) -> object:
    """Out: a table, also where only the column's name is given."""
    if isinstance(value, str):
        return {"column": value}
    if not isinstance(value, Mapping):
        mistake("should be the name of a column", 'Write it as "a", or as { column = "a", codes = { … } }.')
    return value


class Naming(Table):
    """Which columns name somebody, where neither a key nor an IDNr does."""

    birth_date: Text
    family_name: Text
    given_name: Text


class Concerned(Table):
    """Somebody else whose data is in the evidence, if one of `fields` is handed on."""

    role: Id
    key: Text
    idnr: Text | None = None
    blocked: Text | None = None
    """A column that is true where this person is blocked: it hides evidence that would hand one of `fields` on."""
    match: Naming | None = None
    """Lets the person be found for their own export where they stand in no row of their own."""
    fields: FieldNames = Field(min_length=1)


class Members(Table):
    """Each row of a group is a person of its own (LOG.md 5: every person in the evidence has a line)."""

    role: Id
    key: Text
    idnr: Text | None = None
    blocked: Text | None = None
    """A column that is true for blocked persons; one of them hides the whole group."""


class Group(Table):
    """Several rows that belong to one person's evidence: the members of a household, a keeper's vehicles."""

    table: Text | None = None
    """In the same database; None: the register's own table."""
    by: Text
    """The column of the group's table that …"""
    of: Text
    """… equals this column of the person's row."""
    fields: Mapping[FieldName, Annotated[Column, BeforeValidator(_as_column)]] = Field(min_length=1)
    person: Members | None = None


class EvidenceType(Table):
    """What a register can prove, and with which fields."""

    type: Id
    title: Title
    identifiers: Texts = frozenset()
    """Foreign ids of the evidence type (OOTS: DataServiceEvidenceType identifier)."""
    special: FieldNames = frozenset()
    """Special categories of personal data (GDPR Art. 9)."""
    fields: Mapping[FieldName, Annotated[Column, BeforeValidator(_as_column)]] = Field(min_length=1)
    writable: FieldNames = frozenset()
    """Fields that may be submitted; the others are only ever read."""
    group: Group | None = None
    person: tuple[Concerned, ...] = ()

    def names(self) -> frozenset[str]:
        """Out: every field there is, those of a group's entries among them."""
        return frozenset(self.fields) | (frozenset(self.group.fields) if self.group else frozenset())


class Register(Table):
    """A data provider. How it is connected is the adapter's own table, of which the law knows nothing."""

    id: Id
    title: Title
    authority: Title
    adapter: Id
    identifiers: tuple[Identifier, ...] = ()
    evidence: tuple[EvidenceType, ...] = Field(min_length=1)

    @model_validator(mode="before")
    @classmethod
    def _without_connection(cls, data: Any) -> Any:
        """Drop the adapter's own table: it is named after the adapter."""
        if not isinstance(data, Mapping):
            return data
        return {
            key: value for key, value in data.items() if key != data.get("adapter") or key in cls.model_fields
        }


class Purpose(Table):
    """What data is used for, in plain words, and the norm that says so."""

    code: Id
    title: Title
    norm: Norm


class Procedure(Table):
    """A procedure (Verfahren) that serves a purpose."""

    code: Id
    purpose: Id
    title: Title
    requirements: Texts = frozenset()
    """Ids of OOTS Requirements that mean this procedure."""


class PurposesFile(Table):
    """purposes.toml"""

    purpose: tuple[Purpose, ...] = ()
    procedure: tuple[Procedure, ...] = ()


REGISTER_OWNER: Final = "register-owner"
APPROVER: Final = "approver"


class Signatory(Validity):
    """Someone who signs grants or approves replays (people/*.toml); their id is their key's id."""

    id: Id
    role: Literal["register-owner", "approver", "operator", "auditor"]
    registers: Names = frozenset()
    """For a register owner: the registers they answer for."""
    jwk: Jwk
