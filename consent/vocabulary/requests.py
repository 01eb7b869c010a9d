"""What is asked, about whom, and on which claimed basis."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class Action(StrEnum):
    """What a message wants done."""

    READ = "read"
    """Evidence from a register."""
    WRITE = "write"
    """Data submitted to a register."""
    RECORD = "record"
    """A choice, a consent or a power recorded, withdrawn or listed."""


class BasisKind(StrEnum):
    """On what evidence may leave a register (DOMAIN.md 4)."""

    CHOICE = "choice"
    """The applicant's decision for one procedure and application (§ 5 EGovG)."""
    CONSENT = "consent"
    """GDPR Art. 6(1)(a), 7, 8, 9(2)(a)."""
    STATUTORY = "statutory"
    """GDPR Art. 6(1)(c)/(e) with its norm; nothing to refuse."""


FORMS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "idnr": ("idnr", "birth_date"),
        "name": ("family_name", "given_name", "birth_date"),
        "place": ("family_name", "town", "postcode", "birth_date"),
    }
)
"""Every sufficient way to name a person, by its name: what it says (DOMAIN.md 3, check 15). The strongest first."""


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom the request is about, as the asker names the person. Never printed.

    Enough is IDNr + date of birth, or family name + town + postcode + date of birth, or
    family name + given name + date of birth (DOMAIN.md 3, check 15).
    """

    idnr: str | None = field(default=None, repr=False)
    birth_date: date | None = field(default=None, repr=False)
    family_name: str | None = field(default=None, repr=False)
    given_name: str | None = field(default=None, repr=False)
    town: str | None = field(default=None, repr=False)
    postcode: str | None = field(default=None, repr=False)

    def forms(self) -> Mapping[str, tuple[str, ...]]:
        """Out: every sufficient way this subject is named, by the name of the way. Empty = insufficient."""
        if self.birth_date is None:
            return MappingProxyType({})
        born = self.birth_date.isoformat()
        forms: dict[str, tuple[str, ...]] = {}
        if self.idnr:
            forms["idnr"] = (self.idnr, born)
        if self.family_name and self.given_name:
            forms["name"] = (self.family_name, self.given_name, born)
        if self.family_name and self.town and self.postcode:
            forms["place"] = (self.family_name, self.town, self.postcode, born)
        return MappingProxyType(forms)

    def agrees_with(self, other: Subject) -> bool:
        """Out: whether both name the same person: a common form, and no form in common that differs."""
        mine, theirs = self.forms(), other.forms()
        common = mine.keys() & theirs.keys()
        return bool(common) and all(mine[form] == theirs[form] for form in common)

    def named_as(self, other: Subject) -> Subject:
        """Out: this subject in the ways that both are named in, and nothing that only this one says: what could
        be another person's."""
        common = self.forms().keys() & other.forms().keys()
        said = {part for form in common for part in FORMS[form]}
        return Subject(**{part: getattr(self, part) for part in said})


@dataclass(frozen=True, slots=True)
class BasisClaim:
    """The basis the asker claims. Only our own records and grants decide whether it stands."""

    kind: BasisKind | None = None
    record: str | None = None
    norm: str | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked, read from whatever language it came in."""

    message: str
    """The message id: UUID, unique per consumer."""
    consumer: str
    language: str
    """The language it was asked in and is answered in, as `name/version`: `xeinmal/1.0`."""
    evidence: str
    purpose: str
    procedure: str
    case: str
    """Aktenzeichen / application id."""
    subject: Subject
    basis: BasisClaim = BasisClaim()
    fields: frozenset[str] = frozenset()
    """Empty: the grant's default fields."""
    register: str | None = None
    """None: the register follows from the grants."""
    on_behalf_of: str | None = None
    """The authority the consumer asks for, when it is not its own procedure."""
    representative: str | None = field(default=None, repr=False)
    """The id of the power they have, when someone acts for the subject."""
    document: bool = False
    test: bool = False
    action: Action = Action.READ
    encrypted: bool = False
    """Whether it came encrypted."""
    context: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}), repr=False)
    """What the language needs to be answered in: identifiers of its header, echoed and never judged."""


@dataclass(frozen=True, slots=True)
class Submission:
    """Data submitted once, for all who may ask for it later. Never printed.

    Raises: ValueError when the request is not one to write exactly these fields.
    """

    request: Request
    """Of action `write`; its fields are the names of `values`."""
    values: Mapping[str, str] = field(repr=False)
    replaces: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}), repr=False)
    """What the sender knows to be on file and wants replaced: nothing is overwritten that is not named here."""

    def __post_init__(self) -> None:
        if self.request.action is not Action.WRITE or self.request.fields != self.values.keys():
            raise ValueError("a submission is a request to write its own fields")
        if not self.values or not self.replaces.keys() <= self.values.keys():
            raise ValueError("a submission replaces only what it says anew")
