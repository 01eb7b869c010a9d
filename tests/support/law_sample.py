"""A small home's law for tests: two registers, two consumers, three signatories; a grant, a record, a power to vary."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any, Final

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
_VALID: Final = "valid_from = 2026-01-01T00:00:00Z\nvalid_to = 2027-12-31T23:59:59Z"


def key_of(name: str) -> str:
    """Out: what stands for the x of someone's public key: of its form, different for each name."""
    return name.rjust(43, "A")


def _key(name: str) -> str:
    return f'jwk = {{ kty = "OKP", crv = "Ed25519", x = "{key_of(name)}" }}'


def _person(name: str, role: str, more: str = "") -> str:
    return f'id = "{name}"\nrole = "{role}"\n{more}{_VALID}\n{_key(name)}\n'


_ENCRYPTION_KEY: Final = f"""[[key]]
kid = "wohngeldstelle-enc-2026"
use = "enc"
valid_from = 2026-02-01T00:00:00Z
valid_to = 2027-11-30T23:59:59Z
jwk = {{ kty = "OKP", crv = "X25519", x = "{key_of("enc")}" }}
"""


def _consumer(name: str) -> str:
    return f"""id = "{name}"
title = {{ de = "Stelle {name}", en = "Office {name}" }}
bus_user = "{name}"
standards = ["xeinmal/1.0", "json/1.0"]
identifiers = [{{ scheme = "0096", value = "{name}" }}]
[[key]]
kid = "{name}-2026"
use = "sig"
{_VALID}
{_key(name)}
"""


MELDEREGISTER: Final = """id = "melderegister"
title = { de = "Melderegister", en = "Residents' register" }
authority = { de = "Bürgeramt Musterstadt", en = "Citizens' office of Musterstadt" }
adapter = "sql"
identifiers = [{ scheme = "9930", value = "DE73524311" }]
[sql]
url = "sqlite:///registers/melderegister.sqlite3"
table = "person"
key = "id"
blocked = "sperre"
[sql.match]
idnr = "idnr"
birth_date = "geburtsdatum"
[[evidence]]
type = "residence"
title = { de = "Meldebescheinigung", en = "Residence registration" }
identifiers = ["urn:example:residence"]
special = ["religion"]
writable = ["street", "town"]
[evidence.fields]
family_name = "familienname"
given_names = "vornamen"
street = "strasse"
town = "ort"
religion = "religion"
sex = { column = "geschlecht", codes = { m = "male", w = "female" } }
[[evidence]]
type = "household"
title = { de = "Haushaltsbescheinigung", en = "Household certificate" }
[evidence.fields]
town = "ort"
[evidence.group]
by = "haushalt"
of = "haushalt"
person = { role = "household-member", key = "id", idnr = "idnr", blocked = "sperre" }
[evidence.group.fields]
member_given_names = "vornamen"
member_birth_date = "geburtsdatum"
"""
STANDESAMT: Final = """id = "personenstandsregister"
title = { de = "Personenstandsregister", en = "Register of births" }
authority = { de = "Standesamt Musterstadt", en = "Registry office of Musterstadt" }
adapter = "sql"
[[evidence]]
type = "birth"
title = { de = "Geburtsurkunde", en = "Birth certificate" }
[evidence.fields]
family_name = "familienname"
parent1_family_name = "elternteil1"
[[evidence.person]]
role = "parent"
key = "elternteil1_id"
fields = ["parent1_family_name"]
[[evidence]]
type = "residence"
title = { de = "Wohnort", en = "Place of residence" }
[evidence.fields]
family_name = "familienname"
town = "ort"
"""
PURPOSES: Final = """[[purpose]]
code = "housing-benefit"
title = { de = "Wohngeld", en = "Housing benefit" }
norm = "WoGG § 23"
[[purpose]]
code = "parking"
title = { de = "Parken", en = "Parking" }
norm = "StVO § 45"
[[procedure]]
code = "wohngeld-antrag"
purpose = "housing-benefit"
title = { de = "Wohngeld beantragen", en = "Apply for housing benefit" }
requirements = ["urn:example:requirement"]
[[procedure]]
code = "parkausweis"
purpose = "parking"
title = { de = "Parkausweis", en = "Parking permit" }
"""
GRANT: Final = """[[grant]]
id = "wohngeld-residence"
consumer = "wohngeldstelle"
register = "melderegister"
evidence = "residence"
fields = ["family_name", "given_names", "street", "town"]
purpose = "housing-benefit"
procedures = ["wohngeld-antrag"]
basis = ["choice"]
norm = "EGovG § 5"
recorded_by = ["buergerportal"]
blocked = "hide"
retention = "24m"
valid_from = 2026-01-01
valid_to = 2027-12-31
"""
TEXTS: Final[Mapping[str, str]] = {
    "consumers/buergerportal.toml": _consumer("buergerportal"),
    "consumers/wohngeldstelle.toml": _consumer("wohngeldstelle") + _ENCRYPTION_KEY,
    "grants/wohngeld.toml": GRANT,
    "people/betrieb.toml": _person("betrieb", "operator"),
    "people/datenschutz.toml": _person("datenschutz", "approver"),
    "people/leitung.toml": _person(
        "leitung", "register-owner", 'registers = ["melderegister", "personenstandsregister"]\n'
    ),
    "purposes.toml": PURPOSES,
    "registers/melderegister.toml": MELDEREGISTER,
    "registers/personenstandsregister.toml": STANDESAMT,
}


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


def changed(file: str, old: str, new: str) -> dict[str, str]:
    """Out: the texts with one change in one file."""
    assert old in TEXTS[file], f"{old!r} is not in {file}"
    return {**TEXTS, file: TEXTS[file].replace(old, new, 1)}


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
