"""The records: strict about what they take, and silent about whom they name."""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

import xoev_schemas
from xoev_schemas.records import LATIN, MODELS, ConsentRecord

SECRET = "Quittenhild"
MESSAGE = {"message_id": "3f0d6a52-8c1e-4c63-9a55-0d7a6f0b1c01", "created": "2026-11-21T20:15:00.000Z"}
REPLY = MESSAGE | {"in_reply_to": "3f0d6a52-8c1e-4c63-9a55-0d7a6f0b1c00", "exchange_id": "7b0f2f0c"}
CASE = {"evidence": "residence", "purpose": "move", "procedure": "wohnsitz-ummeldung", "case": "UM-1"}
SUBJECT = {"family_name": SECRET, "given_name": SECRET, "birth_date": "1990-02-28", "town": SECRET}
ASKING = CASE | {
    "basis": {"kind": "statutory", "norm": "BMG § 17"},
    "subject": SUBJECT,
    "on_behalf_of": "Stadt Musterstadt",
    "representative": SECRET,
}
JWS = f"{'a' * 600}.{SECRET}.{'c' * 86}"
RECORD = CASE | {
    "record": "b1b7c1a0", "kind": "consent", "state": "given", "revision": 1, "recipient": "kitaverwaltung",
    "register": "melderegister", "fields": ["street"], "norm": "DSGVO Art. 6", "recorded_by": "buergerportal",
    "not_before": "2026-11-21T00:00:00Z", "not_after": "2026-12-21T00:00:00Z", "uses": 0, "max_uses": 3,
    "representative": False,
}  # fmt: skip

FULL: dict[str, dict[str, Any]] = {
    "evidence.request": MESSAGE | ASKING | {"register": "melderegister", "fields": ["street"]},
    "evidence.answer": REPLY | CASE | {
        "register": "melderegister", "issuer": {"id": "melderegister", "name": "Bürgeramt"},
        "values": {"street": SECRET}, "entries": [{"member_family_name": SECRET}], "notice": "blocked",
        "removed": [{"field": "religion", "rule": "grant"}],
    },
    "evidence.refusal": REPLY | {
        "code": "no-grant", "checks": ["grant"], "message": {"de": "Nein.", "en": "No."}, "fields": ["street"],
    },
    "evidence.failure": REPLY | {"code": "internal", "message": {"de": "Nein.", "en": "No."}},
    "submit.request": MESSAGE | ASKING | {
        "register": "melderegister", "values": {"street": SECRET, "town": ""}, "replaces": {"street": SECRET},
    },
    "submit.receipt": REPLY | CASE | {
        "register": "melderegister", "outcome": "already-on-file", "recorded": "2026-11-21T20:15:00.123Z",
        "since": "2026-11-16T09:30:00+01:00",
    },
    "consent.give": MESSAGE | {"terms": {"subject": SUBJECT, "kind": "consent", "max_uses": 3, "any": [None, SECRET]}},
    "consent.withdraw": MESSAGE | {"record": "b1b7c1a0", "subject": SUBJECT},
    "consent.list": MESSAGE | {"subject": SUBJECT},
    "consent.receipt": REPLY | {"record": "b1b7c1a0", "state": "given", "revision": 1, "receipt": JWS},
    "consent.records": REPLY | {"records": [RECORD]},
}  # fmt: skip


def test_every_record_is_tried_here() -> None:
    """A record added later joins these facts."""
    assert FULL.keys() == MODELS.keys()


@pytest.mark.parametrize("kind", FULL)
def test_a_full_record_is_taken_and_comes_back(kind: str) -> None:
    """All keys at once; plain() gives the dicts it was made of."""
    assert MODELS[kind].model_validate(FULL[kind]).plain() == FULL[kind]


@pytest.mark.parametrize("kind", FULL)
def test_a_record_is_printed_without_what_names_a_person(kind: str) -> None:
    """A log or a trace that prints a record has nobody's data."""
    record = MODELS[kind].model_validate(FULL[kind])
    assert SECRET not in f"{record!r} {record}"
    assert "1990-02-28" not in repr(record)


@pytest.mark.parametrize("kind", FULL)
def test_a_record_takes_no_key_it_does_not_know(kind: str) -> None:
    """And says none of the values it was given."""
    with pytest.raises(ValidationError) as found:
        MODELS[kind].model_validate(FULL[kind] | {"colour": SECRET})
    assert SECRET not in f"{found.value} {found.value!r}"


NEEDED = [
    (kind, key)
    for kind in FULL
    for key in FULL[kind]
    if any(
        key in (name, info.alias) and info.is_required() for name, info in MODELS[kind].model_fields.items()
    )
]


@pytest.mark.parametrize(("kind", "key"), NEEDED)
def test_what_is_needed_may_not_be_absent(kind: str, key: str) -> None:
    """Without a key it needs, it is no record."""
    with pytest.raises(ValidationError):
        MODELS[kind].model_validate({name: said for name, said in FULL[kind].items() if name != key})


def test_a_submission_names_its_register_and_asks_for_no_fields() -> None:
    """An evidence request may leave the register to the grants; a submission may not."""
    assert ("submit.request", "register") in NEEDED
    assert ("evidence.request", "register") not in NEEDED
    assert "fields" not in FULL["submit.request"]


WRONG: dict[str, tuple[str, dict[str, Any]]] = {
    "a submission of nothing": ("submit.request", {"values": {}, "replaces": {}}),
    "a submission of too many fields": (
        "submit.request", {"values": {f"f{n}": SECRET for n in range(201)}, "replaces": {}},
    ),
    "a field's name in capitals": ("submit.request", {"values": {"Street": SECRET}, "replaces": {}}),
    "a value that is a number": ("submit.request", {"values": {"street": 7}}),
    "a value that is a list": ("submit.request", {"values": {"street": [SECRET]}}),
    "a value that is nothing": ("submit.request", {"values": {"street": None}}),
    "a value with a line break": ("submit.request", {"values": {"street": f"{SECRET}\n"}}),
    "a value with a control character": ("submit.request", {"values": {"street": f"{SECRET}\x7f"}}),
    "a value that turns the writing round": ("submit.request", {"values": {"street": f"{SECRET}\u202e"}}),
    "a value in another script": ("submit.request", {"values": {"street": f"{SECRET}\u03a9"}}),
    "a value with a picture": ("submit.request", {"values": {"street": f"{SECRET}\U0001f600"}}),
    "a value of blanks": ("submit.request", {"values": {"street": "  "}}),
    "a value without end": ("submit.request", {"values": {"street": SECRET * 200}}),
    "a replacement of what is not submitted": ("submit.request", {"replaces": {"postcode": SECRET}}),
    "a replacement by a number": ("submit.request", {"replaces": {"street": 7}}),
    "fields in a submission": ("submit.request", {"fields": ["street"]}),
    "a group in a submission": ("submit.request", {"entries": [{"member_role": SECRET}]}),
    "an entry of nothing": ("evidence.answer", {"entries": [{}]}),
    "an entry that is text": ("evidence.answer", {"entries": [SECRET]}),
    "an entry in an entry": ("evidence.answer", {"entries": [{"member_role": [SECRET]}]}),
    "too many entries": ("evidence.answer", {"entries": [{"member_role": SECRET}] * 1001}),
    "an outcome nobody knows": ("submit.receipt", {"outcome": SECRET}),
    "a since of what was not there": ("submit.receipt", {"outcome": "recorded"}),
    "a time without a zone": ("submit.receipt", {"recorded": "2026-11-21T20:15:00"}),
    "a since that is a day": ("submit.receipt", {"since": "2026-11-16"}),
    "terms that are text": ("consent.give", {"terms": SECRET}),
    "a withdrawal of nothing": ("consent.withdraw", {"record": ""}),
    "an unknown key of the person": ("consent.list", {"subject": SUBJECT | {"colour": SECRET}}),
    "an IDNr of ten digits": ("consent.list", {"subject": {"idnr": "0246813577"}}),
    "a day that never was": ("consent.list", {"subject": SUBJECT | {"birth_date": "1990-02-30"}}),
    "a revision before the first": ("consent.receipt", {"revision": 0}),
    "a revision that is text": ("consent.receipt", {"revision": "1"}),
    "a receipt that is no JWS": ("consent.receipt", {"receipt": SECRET}),
    "a receipt with a line break": ("consent.receipt", {"receipt": f"{JWS}\n"}),
    "a record by statute": ("consent.records", {"records": [RECORD | {"kind": "statutory"}]}),
    "a record with a person": ("consent.records", {"records": [RECORD | {"subject": SUBJECT}]}),
    "a record that may never be used": ("consent.records", {"records": [RECORD | {"max_uses": 0}]}),
    "a record used less than never": ("consent.records", {"records": [RECORD | {"uses": -1}]}),
    "a representative by name": ("consent.records", {"records": [RECORD | {"representative": SECRET}]}),
}  # fmt: skip


@pytest.mark.parametrize("what", WRONG)
def test_what_is_no_record_is_refused_without_its_values(what: str) -> None:
    """One thing wrong; the error names the place and holds nothing that was said there."""
    kind, wrong = WRONG[what]
    with pytest.raises(ValidationError) as found:
        MODELS[kind].model_validate(FULL[kind] | wrong)
    assert SECRET not in f"{found.value} {found.value!r}"


def test_a_receipt_is_as_long_as_a_signature_needs() -> None:
    """More than any other text of a record, and not without end."""
    given = MODELS["consent.receipt"]
    long = FULL["consent.receipt"] | {"receipt": f"a.{'b' * 90_000}.c"}
    assert given.model_validate(long).plain() == long
    with pytest.raises(ValidationError):
        given.model_validate(FULL["consent.receipt"] | {"receipt": f"a.{'b' * 100_000}.c"})


def test_what_a_record_may_leave_out_is_left_out() -> None:
    """Without a limit on uses and without a representative, neither key is there."""
    least = {key: said for key, said in RECORD.items() if key not in ("max_uses", "representative")}
    assert ConsentRecord.model_validate(least).plain() == least


def test_what_may_be_submitted_is_what_xeinmal_can_say() -> None:
    """Character by character: else a submission in JSON could make every later answer in XEinmal unsayable."""
    schema = (Path(xoev_schemas.__file__).parent / "xeinmal_1_0/xeinmal.xsd").read_text("utf-8")
    pattern = (
        schema.partition('name="String.LatinType"')[2].partition('<xs:pattern value="')[2].partition('"')[0]
    )
    said = re.compile(html.unescape(pattern))
    for code in range(0x11000):
        char = chr(code)
        if not 0xD800 <= code < 0xE000:
            assert bool(said.fullmatch(char)) is bool(LATIN.fullmatch(char)), hex(code)
