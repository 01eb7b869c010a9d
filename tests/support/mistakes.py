"""A town whose administrator got everything wrong at once, and what `einmal check` has to say about each."""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from adapters.keys import read_key
from gateway import jws
from gateway.cli.demo import home as demo_home

OWNER: Final = "leitung-buergeramt"
APPROVER: Final = "datenschutz"
NEW_GRANT: Final = """# What wohngeld may know, once more: each file of this kind has one mistake of its own.
[[grant]]
id = "{name}"
consumer = "kitaverwaltung"
register = "melderegister"
evidence = "residence"
fields = ["town"]
purpose = "housing-benefit"
procedures = ["wohngeld-antrag"]
basis = ["statutory"]
norm = "WoGG § 23"
recorded_by = []
blocked = "hide"
retention = "24m"
valid_from = {start}
valid_to = {end}
"""


@dataclass(frozen=True, slots=True)
class Mistake:
    """What was done to a file, and what has to be said about it."""

    file: str
    key: str
    wrong: str
    mend: str
    line: str | None
    """A text in the line that is named, as the file is now; None: no line can be named."""


def signed(root: Path, file: str, *people: str) -> None:
    """Write the signatures of these people over the file as it is now."""
    grants = root / file
    keys = [read_key(demo_home.key_file(root, f"people/{name}")) for name in people or (OWNER, APPROVER)]
    grants.with_suffix(".sig").write_text(jws.sign_file(grants.read_bytes(), keys), "utf-8")


def replaced(root: Path, file: str, old: str, new: str) -> None:
    """Replace what the pattern finds first; a file of grants is signed again by the two people it needs."""
    text, done = re.subn(old, new, (root / file).read_text("utf-8"), count=1, flags=re.MULTILINE | re.DOTALL)
    assert done, f"{old!r} is not in {file}"
    (root / file).write_text(text, "utf-8")
    if file.startswith("grants/"):
        owner = demo_home.OWNERS.get(file.partition("/")[2].removesuffix(".toml"), OWNER)
        signed(root, file, owner, APPROVER)


def new_grant(root: Path, name: str, *changes: tuple[str, str], days: tuple[str, str] | None = None) -> str:
    """Write a grant of its own, signed by two people, with these changes. Out: its file."""
    start, end = days or ("2026-01-01", "2027-12-31")
    text = NEW_GRANT.format(name=name, start=start, end=end)
    for old, new in changes:
        assert old in text, f"{old!r} is not in the new grant"
        text = text.replace(old, new)
    file = f"grants/{name}.toml"
    (root / file).write_text(text, "utf-8")
    signed(root, file)
    return file


def spoil(root: Path) -> Sequence[Mistake]:
    """Make every mistake of the list in the town's home. Out: the list."""
    return (*_law(root), *_grants(root), *_signatures(root), *_files(root))


def _law(root: Path) -> list[Mistake]:
    replaced(root, "consumers/kitaverwaltung.toml", "bus_user", "bus_usr")
    replaced(root, "consumers/kitaverwaltung.toml", '"xeinmal/1.0"', '"xelsewhere/1.0"')
    replaced(root, "purposes.toml", 'purpose = "day-care"', 'purpose = "day-car"')
    replaced(root, "registers/melderegister.toml", '= "strasse"', '= "gasse"')
    replaced(root, "registers/schulverzeichnis.toml", "^key = ", "kye = ")
    replaced(root, "people/betrieb.toml", 'role = "operator"', 'role = "operater"')
    return [
        Mistake("consumers/kitaverwaltung.toml", "bus_usr", "is unknown", "'bus_user'", "bus_usr"),
        Mistake("consumers/kitaverwaltung.toml", "bus_user", "is missing", "Add it", ""),
        Mistake(
            "consumers/kitaverwaltung.toml", "standards[0]", "not spoken here", "schemas add", "xelsewhere"
        ),
        Mistake("purposes.toml", "procedure", "purpose 'day-car' is unknown", "'day-care'", '"day-car"'),
        Mistake("registers/melderegister.toml", "fields.street", "the table lacks", "'strasse'", '= "gasse"'),
        Mistake("registers/schulverzeichnis.toml", "sql.kye", "is unknown", "'key'", "kye ="),
        Mistake("people/betrieb.toml", "role", "not one of the allowed words", "'operator'", "operater"),
    ]


def _grants(root: Path) -> list[Mistake]:
    replaced(root, "grants/parken.toml", '"street"', '"stret"')
    replaced(root, "grants/kita-wohnung.toml", 'purpose = "day-care"', 'purpose = "daycare"')
    replaced(root, "grants/kita-geburt.toml", '^norm = ".*?"', 'norm = ""')
    replaced(root, "grants/markt.toml", '"marktverwaltung"', '"marktamt"')
    replaced(root, "grants/wohngeld.toml", r'\["buergerportal"\]', '["buergerbuero"]')
    replaced(root, "grants/vollstreckung.toml", r"valid_to = 2\d", "valid_to = 19")
    replaced(root, "grants/wohngeld-haushalt.toml", "^valid_to = .*?\n", "")
    replaced(root, "grants/schuelerticket.toml", r"^fields = .*?\]", 'fields = ["*"]')
    replaced(root, "grants/ummeldung.toml", r'\["street"', '["street", "family_name"')
    replaced(root, "grants/ummeldung.toml", "^write = true", 'write = true\ndefault_fields = ["street"]')
    same = ('consumer = "kitaverwaltung"', 'consumer = "stadtkasse"')
    told = ('"statutory"', '"choice"'), ("[]", '["buergerportal"]')
    new_grant(root, "erste", same)
    new_grant(root, "zweite", same, ('["town"]', '["postcode"]'))
    new_grant(root, "geheim", *told, ("norm", 'exempt = "AO § 32b"\nexempt_days = 30\nnorm'))
    new_grant(root, "selbst", ("norm", 'on_behalf_of = "kitaverwaltung"\nnorm'))
    new_grant(root, "enkel", ("norm", 'predecessor = "grossmutter"\nnorm'), days=("2029-01-01", "2029-12-31"))
    new_grant(root, "fremd", ("norm", 'predecessor = "erste"\nnorm'), days=("2030-01-01", "2030-12-31"))
    new_grant(root, "sicher", ("norm", 'assurance = "high"\nnorm'), days=("2031-01-01", "2031-12-31"))
    return [
        Mistake("grants/parken.toml", "fields", "field 'stret' is unknown", "'street'", '"stret"'),
        Mistake(
            "grants/kita-wohnung.toml", "purpose", "purpose 'daycare' is unknown", "'day-care'", '"daycare"'
        ),
        Mistake("grants/kita-geburt.toml", "norm", "is empty", "Fill it in", 'norm = ""'),
        Mistake("grants/markt.toml", "consumer", "'marktamt' is unknown", "'marktverwaltung'", "marktamt"),
        Mistake(
            "grants/wohngeld.toml", "recorded_by", "'buergerbuero' is unknown", "Did you", "buergerbuero"
        ),
        Mistake("grants/vollstreckung.toml", "valid_to", "ends before it begins", "Swap", "valid_to"),
        Mistake("grants/wohngeld-haushalt.toml", "valid_to", "is missing", "without an end", "[[grant]]"),
        Mistake("grants/schuelerticket.toml", "fields[0]", "is a wildcard", "Name each one", '"*"'),
        Mistake("grants/ummeldung.toml", "fields", "'family_name' can't be submitted", "", '"family_name"'),
        Mistake("grants/ummeldung.toml", "default_fields", "in a grant to submit", "Leave", "default_fields"),
        Mistake("grants/zweite.toml", "id", "same question as grant 'erste'", "predecessor", 'id = "zweite"'),
        Mistake("grants/geheim.toml", "exempt", "can't be kept from them", '["statutory"]', "exempt ="),
        Mistake("grants/selbst.toml", "on_behalf_of", "on their own behalf", "Leave it out", "on_behalf_of"),
        Mistake("grants/enkel.toml", "predecessor", "grant 'grossmutter' is unknown", "Known", "predecessor"),
        Mistake("grants/fremd.toml", "predecessor", "something else: consumer", "the same", "predecessor"),
        Mistake("grants/sicher.toml", "assurance", "no record whose level", "Leave it out", "assurance"),
    ]


def _signatures(root: Path) -> list[Mistake]:
    revoked = "revoked_at = 2026-11-01T00:00:00Z\njwk"
    replaced(root, "people/leitung-zulassungsstelle.toml", "^jwk", revoked)
    replaced(root, "people/leitung-gewerbeamt.toml", "valid_from = 2026", "valid_from = 2027")
    signed(root, "grants/wohngeld-abgleich.toml", APPROVER, APPROVER)
    signed(root, new_grant(root, "einzeln", days=("2032-01-01", "2032-12-31")), OWNER)
    signed(root, new_grant(root, "falsch", days=("2033-01-01", "2033-12-31")), "leitung-standesamt", APPROVER)
    (root / new_grant(root, "entwurf", days=("2034-01-01", "2034-12-31"))).with_suffix(".sig").unlink()
    altered = root / new_grant(root, "nachher", days=("2035-01-01", "2035-12-31"))
    altered.write_text(altered.read_text("utf-8").replace('"town"', '"postcode"'), "utf-8")
    forged = jws.sign_file(b"{}", [read_key(demo_home.key_file(root, f"people/{APPROVER}"))])
    (root / "grants/erste.revoked").write_text('{"payload": "{}", ' + forged.lstrip("{"), "utf-8")
    header = "[[grant]]"
    return [
        Mistake(
            "grants/parken-fahrzeug.toml", "grant", "whose key was revoked on 2026-11-01", "sign", header
        ),
        Mistake("grants/markt.toml", "grant", "whose key is valid from 2027-01-01 only", "sign", header),
        Mistake("grants/wohngeld-abgleich.toml", "grant", "signed twice by 'datenschutz'", "sign", header),
        Mistake("grants/einzeln.toml", "grant", "lacks the signature of an approver", "sign", header),
        Mistake(
            "grants/falsch.toml", "grant", "register owner who answers for melderegister", "sign", header
        ),
        Mistake("grants/entwurf.toml", "grant", "is not signed", "grants sign", header),
        Mistake("grants/nachher.toml", "grant", "the file was changed since", "grants sign", header),
        Mistake("grants/erste.revoked", "(file)", "is no revocation", "grants revoke` replaces", ""),
    ]


def _files(root: Path) -> list[Mistake]:
    half = root / "registers/gewerberegister.toml"
    half.write_text(half.read_text("utf-8")[: half.stat().st_size // 2], "utf-8")
    (root / "consumers/leer.toml").touch()
    latin = root / "people/revision.toml"
    latin.write_bytes(latin.read_bytes() + "\n# Prüfer\n".encode("latin-1"))
    outside = root.parent / "outside.toml"
    shutil.copy(root / "consumers/stadtkasse.toml", outside)
    (root / "consumers/draussen.toml").symlink_to(outside)
    with (root / "grants/riesig.toml").open("wb") as huge:
        huge.truncate(100_000_000)
    (root / "grants/parken.toml.bak").write_text("", "utf-8")
    return [
        Mistake(
            "registers/gewerberegister.toml", "(file)", "half of it were missing", "Correct this line", ""
        ),
        Mistake("consumers/leer.toml", "(file)", "is empty", "Fill it in", ""),
        Mistake("people/revision.toml", "(file)", "is not UTF-8", "Save it as UTF-8", "# Pr"),
        Mistake(
            "consumers/draussen.toml", "(file)", "is a link out of the home", "Put the file itself", None
        ),
        Mistake("grants/riesig.toml", "(file)", "is larger than 1000000 bytes", "remove", None),
        Mistake("grants/parken.toml.bak", "(file)", "does not count", "rename or remove", None),
    ]
