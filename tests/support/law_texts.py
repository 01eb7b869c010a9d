"""A small home's law as its files say it: two registers, two consumers, three signatories, one grant."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

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


def changed(file: str, old: str, new: str) -> dict[str, str]:
    """Out: the texts with one change in one file."""
    assert old in TEXTS[file], f"{old!r} is not in {file}"
    return {**TEXTS, file: TEXTS[file].replace(old, new, 1)}
