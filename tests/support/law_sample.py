"""A small home's law for tests, read from its files (`law_texts`); a request, a record, a power to vary."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any, Final

from law_texts import GRANT, TEXTS

from consent.approval import FindKey
from consent.grants import Grant
from consent.ledger import Terms
from consent.orders import Give
from consent.policy import Policy, Settings, read
from consent.powers import PowerTerms
from consent.problems import Document, frozen
from consent.vocabulary import (
    Action,
    BasisClaim,
    BasisKind,
    Power,
    Problem,
    Record,
    RecordState,
    Request,
    Subject,
)

NOW: Final = datetime(2026, 11, 22, 12, tzinfo=UTC)
SETTINGS: Final = Settings(test_identities=True, retention_classes=("24m", "12m"))
SIGNED: Final = b"leitung datenschutz"


def verify(_body: bytes, signature: bytes, find: FindKey) -> Sequence[str] | None:
    """Stands in for cryptography: the signature file names who signed; an empty one verifies nothing."""
    names = signature.decode().split()
    return names if names and all(find(name) is not None for name in names) else None


def documents(texts: Mapping[str, str] = TEXTS, signature: bytes | None = SIGNED) -> list[Document]:
    """Out: the texts as parsed files, grants with that signature."""
    return [
        Document(
            file,
            text.encode(),
            tomllib.loads(text),
            signature=signature if file.startswith("grants/") else None,
        )
        for file, text in texts.items()
    ]


def read_texts(texts: Mapping[str, str], now: datetime = NOW) -> Policy | tuple[Problem, ...]:
    return read(documents(texts), SETTINGS, verify, now)


@cache
def sample() -> Policy:
    """Out: the sample as it is."""
    found = read_texts(TEXTS)
    assert isinstance(found, Policy), found
    return found


BASE: Final[Mapping[str, Any]] = tomllib.loads(GRANT)["grant"][0]


def policy(*grants: Mapping[str, Any], settings: Settings = SETTINGS) -> Policy:
    """In: for each grant, what differs from the sample's (None: left out). Out: the policy."""
    tables = [
        {key: value for key, value in {**BASE, **grant}.items() if value is not None} for grant in grants
    ]
    others = [document for document in documents() if not document.file.startswith("grants/")]
    granted = Document("grants/x.toml", repr(tables).encode(), {"grant": tables}, signature=SIGNED)
    found = read([*others, granted], settings, verify, NOW)
    assert isinstance(found, Policy), found
    return found


def regranted(grant: Mapping[str, Any]) -> Policy:
    """Out: the sample with that one grant instead, not read from files: quick, for properties."""
    tables = {key: value for key, value in {**BASE, **grant}.items() if value is not None}
    made = Grant.model_validate(frozen(tables))
    questions = {(made.consumer, made.evidence, made.purpose, name): (made,) for name in made.procedures}
    return replace(sample(), grants={made.id: made}, _grants=questions)


ANNA: Final = Subject(
    idnr="02468135774",
    birth_date=date(1990, 4, 1),
    family_name="Beispiel",
    given_name="Anna",
    town="Musterstadt",
    postcode="00001",
)
REQUEST: Final = Request(
    message="5a0c3fd2-8f6e-4c4a-9d62-000000000001",
    consumer="wohngeldstelle",
    language="xeinmal/1.0",
    evidence="residence",
    purpose="housing-benefit",
    procedure="wohngeld-antrag",
    case="WG-2026-1",
    subject=ANNA,
    basis=BasisClaim(BasisKind.CHOICE, "r-1"),
)
RECORD: Final = Record(
    id="r-1",
    kind=BasisKind.CHOICE,
    state=RecordState.GIVEN,
    revision=1,
    subject=ANNA,
    recipient="wohngeldstelle",
    register="melderegister",
    evidence="residence",
    fields=frozenset({"family_name", "given_names", "street", "town", "religion"}),
    purpose="housing-benefit",
    procedure="wohngeld-antrag",
    case="WG-2026-1",
    norm="EGovG § 5",
    recorded_by="buergerportal",
    not_before=NOW - timedelta(days=1),
    not_after=NOW + timedelta(days=1),
    max_uses=1,
    authentic=True,
)
POWER: Final = Power(
    id="v-1",
    state=RecordState.GIVEN,
    revision=1,
    subject=ANNA,
    representative=Subject(birth_date=date(1961, 7, 9), family_name="Beispiel", given_name="Bert"),
    proof="power-of-attorney",
    recorded_by="buergerportal",
    not_before=NOW - timedelta(days=1),
    not_after=NOW + timedelta(days=1),
    authentic=True,
)
TERMS: Final[Mapping[str, Any]] = {
    "kind": "choice",
    "subject": {
        "idnr": "02468135774",
        "birth_date": "1990-04-01",
        "family_name": "Beispiel",
        "given_name": "Anna",
    },
    "controller": "Stadt Musterstadt",
    "recipient": "wohngeldstelle",
    "register": "melderegister",
    "evidence": "residence",
    "fields": ["street", "town"],
    "purpose": "housing-benefit",
    "procedure": "wohngeld-antrag",
    "case": "WG-2026-1",
    "norm": "EGovG § 5",
    "notice": {"version": "1", "sha256": "0" * 64, "language": "de"},
    "channel": "online",
    "authentication": {"level": "substantial", "event": "e-1"},
    "not_before": "2026-11-22T12:00:00Z",
    "not_after": "2026-12-22T12:00:00Z",
}
"""A choice as its recorder says it: valid from `NOW` on."""
POWER_TERMS: Final[Mapping[str, Any]] = {
    "kind": "representation",
    "subject": TERMS["subject"],
    "representative": {"birth_date": "1961-07-09", "family_name": "Beispiel", "given_name": "Bert"},
    "proof": "power-of-attorney",
    "norm": "BGB § 167",
    "authentication": {"level": "substantial", "event": "e-2"},
    "not_before": "2026-11-22T12:00:00Z",
    "not_after": "2027-11-22T12:00:00Z",
}


def request(**different: Any) -> Request:
    """Out: the sample's request, with differences."""
    return replace(REQUEST, **different)


def record(**different: Any) -> Record:
    """Out: the sample's record, with differences."""
    return replace(RECORD, **different)


def power(**different: Any) -> Power:
    """Out: the sample's power, with differences."""
    return replace(POWER, **different)


def give(by: str = "buergerportal", *, of: Mapping[str, Any] = TERMS, **different: Any) -> Give:
    """In: who records; what (`TERMS`, `POWER_TERMS`), with differences. Out: the order, as inbound makes it."""
    said = json.dumps({**of, **different})
    power = of["kind"] == "representation"
    terms = (PowerTerms if power else Terms).model_validate_json(said)
    representative = (
        terms.representative.record if isinstance(terms, Terms) and terms.representative else None
    )
    return Give(order(by, terms.subject.subject(), representative=representative), terms)


def order(by: str, subject: Subject = ANNA, **different: Any) -> Request:
    """Out: what every order says at least."""
    asked = replace(REQUEST, consumer=by, subject=subject, basis=BasisClaim(), action=Action.RECORD)
    return replace(asked, **{"evidence": "", "purpose": "", "procedure": "", "case": "", **different})
