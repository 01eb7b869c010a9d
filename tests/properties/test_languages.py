"""JSON, its records, and multipart: what is built is read back as it was, whatever it holds."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from xoev_schemas import multipart, strict_json
from xoev_schemas.multipart import Part
from xoev_schemas.records import MODELS
from xoev_schemas.safe_xml import Limits, Unsafe, parse

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
VALUES = st.recursive(
    TEXT | st.booleans(), lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4)
)
IDS = st.from_regex(r"[A-Za-z0-9.-]{1,20}@[a-z.]{1,10}", fullmatch=True)
PARTS = st.lists(
    st.builds(Part, IDS, st.sampled_from(["application/xml", "text/plain; charset=utf-8"]), st.binary()),
    min_size=1,
    max_size=8,
    unique_by=lambda part: part.id,
)


@given(st.dictionaries(TEXT, VALUES, max_size=6))
def test_a_json_record_comes_back_as_it_was(record: dict[str, Any]) -> None:
    """parse ∘ build is the identity."""
    assert strict_json.parse(strict_json.build(record), Limits(depth=200)) == record


@given(PARTS)
def test_the_parts_of_a_multipart_body_come_back_as_they_were(parts: list[Part]) -> None:
    """parse ∘ build is the identity, whatever bytes the parts hold."""
    header, body = multipart.build(parts)
    assert multipart.parse(header, body) == tuple(parts)


@given(st.binary(max_size=200) | st.text("<>/!?[]-&;abc='\" \nCDATA", max_size=80).map(str.encode))
def test_any_bytes_are_a_tree_or_unsafe(body: bytes) -> None:
    """The parsers know no third way out."""
    for parser in (parse, strict_json.parse):
        with suppress(Unsafe):
            assert parser(body, Limits(depth=8, elements=20, attributes=4)) is not body


NAME = st.from_regex(r"[a-z][a-z0-9_]{0,62}", fullmatch=True)
CODE = st.from_regex(r"[a-z][a-z0-9]{0,9}(-[a-z0-9]{1,9}){0,3}", fullmatch=True)
LINE = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=60).filter(str.strip)
TIME = st.datetimes().map(lambda moment: moment.isoformat(timespec="milliseconds") + "Z")
PERSON = st.fixed_dictionaries({}, optional=dict.fromkeys(("family_name", "given_name", "town"), LINE))
FIELDS = st.dictionaries(NAME, LINE, min_size=1, max_size=5)
COUNT = st.integers(1, 2**53)
JWS = st.from_regex(r"[A-Za-z0-9_-]{1,400}\.[A-Za-z0-9_-]{0,900}\.[A-Za-z0-9_-]{1,90}", fullmatch=True)
HEAD = {"message_id": st.uuids().map(str), "created": TIME}
REPLY = HEAD | {"in_reply_to": LINE, "exchange_id": LINE}
CASE = {"evidence": CODE, "purpose": CODE, "procedure": CODE, "case": LINE}
STANDING = CASE | {
    "record": LINE, "kind": st.sampled_from(["choice", "consent"]), "state": CODE, "revision": COUNT,
    "recipient": LINE, "register": CODE, "fields": st.lists(NAME, max_size=5), "norm": LINE, "recorded_by": LINE,
    "not_before": TIME, "not_after": TIME, "uses": COUNT,
}  # fmt: skip
SUBMITTED = st.dictionaries(
    NAME,
    st.text(st.sampled_from("Straße ÄöüñŁőç’–-/.0123456789azAZ"), max_size=40).map(
        lambda text: " ".join(text.split())
    ),
    min_size=1,
    max_size=5,
)
"""What is put on file can be said in XEinmal, so in Latin script."""
RECORDS = {
    "evidence.answer": st.fixed_dictionaries(
        REPLY
        | CASE
        | {"register": CODE, "issuer": st.fixed_dictionaries({"id": LINE, "name": LINE}), "values": FIELDS},
        optional={"entries": st.lists(FIELDS, max_size=4)},
    ),
    "submit.request": st.builds(
        lambda record, replaced: (
            record | {"replaces": {name: "x" for name in record["values"] if name in replaced}}
        ),
        st.fixed_dictionaries(HEAD | CASE | {"register": CODE, "subject": PERSON, "values": SUBMITTED}),
        st.sets(NAME),
    ),
    "submit.receipt": st.fixed_dictionaries(
        REPLY | CASE | {"register": CODE, "outcome": st.just("already-on-file"), "recorded": TIME},
        optional={"since": TIME},
    ),
    "consent.give": st.fixed_dictionaries(HEAD | {"terms": st.dictionaries(TEXT, VALUES, max_size=4)}),
    "consent.withdraw": st.fixed_dictionaries(HEAD | {"record": LINE, "subject": PERSON}),
    "consent.list": st.fixed_dictionaries(HEAD | {"subject": PERSON}),
    "consent.receipt": st.fixed_dictionaries(
        REPLY | {"record": LINE, "state": CODE, "revision": COUNT, "receipt": JWS}
    ),
    "consent.records": st.fixed_dictionaries(
        REPLY
        | {
            "records": st.lists(
                st.fixed_dictionaries(
                    STANDING, optional={"max_uses": COUNT, "representative": st.booleans()}
                ),
                max_size=3,
            )
        }
    ),
}
MARK = "Quittenhild"
ODD = st.sampled_from(
    [None, 7, True, MARK, [MARK], {"of": MARK}, [{"of": [MARK]}], f"{MARK}\x00", MARK * 200]
)


@pytest.mark.parametrize("kind", RECORDS)
@given(data=st.data())
def test_a_record_comes_back_from_json_as_it_was(kind: str, data: st.DataObject) -> None:
    """Built, parsed, judged, and plain again: the same record."""
    record = data.draw(RECORDS[kind])
    read = strict_json.parse(strict_json.build(record), Limits(depth=200))
    assert MODELS[kind].model_validate(read).plain() == record


@pytest.mark.parametrize("kind", RECORDS)
@given(data=st.data(), odd=ODD)
def test_a_record_or_its_error_tells_nobody_what_was_said(kind: str, data: st.DataObject, odd: Any) -> None:
    """Whatever stands where a person's data belongs, neither what is printed of the record nor the error has it."""
    record = data.draw(RECORDS[kind])
    personal = ("values", "entries", "replaces", "terms", "subject", "receipt", "records")
    key = data.draw(st.sampled_from([key for key in personal if key in MODELS[kind].model_fields] or ["odd"]))
    try:
        told = repr(MODELS[kind].model_validate(record | {key: odd}))
    except ValidationError as error:
        told = f"{error} {error!r}"
    assert MARK not in told
