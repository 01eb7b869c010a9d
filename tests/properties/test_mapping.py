"""Whatever a record says, it comes back from its message; whatever we write in our own standard is valid."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from xoev_schemas import sets
from xoev_schemas.catalogue import Catalogue, MessageKey
from xoev_schemas.mapping import Mapping
from xoev_schemas.safe_xml import Limits, parse
from xoev_schemas.standards import packaged

XEINMAL = next(standard for standard in packaged() if standard.language == "xeinmal/1.0")
OOTS = next(standard for standard in packaged() if standard.language == "oots-edm/1.0")
CATALOGUE = Catalogue(sets.packaged())
Record = dict[str, Any]

# What XML can carry at all, and the parts of it that most like to go wrong.
CHARACTERS = st.characters(
    exclude_categories=["Cs"], exclude_characters="\ufffe\uffff" + "".join(map(chr, range(0x20))),
)  # fmt: skip
HOSTILE = st.sampled_from(
    [
        "<a>", "</x:code>", "&amp;", "&", '"', "'", "]]>", "<![CDATA[", "<!--", "-->", "<?x?>", "&#0;",
        "Ä", "ẞ", "\U0001f600", "\u00a0", "\u0301", "\u2028", "\x85", "\ufeff", "{urn:x}",
    ]
)  # fmt: skip


def collapsed(text: str) -> str:
    return " ".join(part for part in text.split(" ") if part)


ANY_TEXT = st.lists(st.one_of(CHARACTERS, HOSTILE), max_size=12).map("".join)
TOKEN = ANY_TEXT.map(collapsed)
EXACT = st.lists(st.one_of(CHARACTERS, HOSTILE, st.sampled_from("\t\n\r ")), max_size=12).map("".join)

# DIN 91379 in our schema's simple form.
LETTERS = st.sampled_from("aZäÖßéğłŁøÐþşżẞ'’-.,;/&<>()„“ 0123456789€")
LATIN = st.lists(LETTERS, max_size=20).map("".join).map(collapsed)
NAME = LATIN.filter(bool)
CODE = st.from_regex(r"[a-z][a-z0-9-]{0,15}", fullmatch=True)
UUID = st.uuids().map(str)
DATE = st.dates().map(lambda day: day.isoformat())
MOMENT = st.datetimes().map(lambda moment: moment.isoformat(timespec="milliseconds") + "Z")
SEX = st.sampled_from(["male", "female", "diverse", "unknown"])
IDNR = st.integers(0, 10**10 - 1).map(lambda number: f"0{number:010}")
OFFICE = st.fixed_dictionaries({"directory": CODE, "id": NAME, "name": NAME})

HEAD: dict[str, SearchStrategy[Any]] = {
    "message_id": UUID,
    "created": MOMENT,
    "author": OFFICE,
    "reader": OFFICE,
}
TEST: dict[str, SearchStrategy[Any]] = {"test": st.just(True)}
REFERENCE: dict[str, SearchStrategy[Any]] = {"in_reply_to": NAME, "exchange_id": UUID}
MESSAGE = st.fixed_dictionaries({"de": LATIN, "en": LATIN})


def some(**keys: SearchStrategy[Any]) -> SearchStrategy[Record]:
    return st.fixed_dictionaries({}, optional=keys).filter(bool)


RESIDENCE = st.fixed_dictionaries(
    {},
    optional=dict.fromkeys(
        (
            "family_name", "given_names", "birth_name", "birth_place", "nationality", "marital_status", "religion",
            "street", "house_number", "postcode", "town", "previous_postcode", "previous_town",
        ),
        LATIN,
    )
    | {"birth_date": DATE | st.sampled_from(["1950", "1950-07"]), "moved_in": DATE, "sex": SEX},
)  # fmt: skip
BIRTH = st.fixed_dictionaries(
    {},
    optional=dict.fromkeys(
        (
            "family_name", "given_names", "birth_place", "register_office", "register_number",
            "parent1_family_name", "parent1_given_names", "parent2_family_name", "parent2_given_names",
        ),
        LATIN,
    )
    | {"birth_date": DATE, "issued_on": DATE, "sex": SEX},
)  # fmt: skip

DOCUMENT = {"family_name": LATIN, "given_names": LATIN, "birth_date": DATE | st.just("1950")}
ADDRESS = {"street": LATIN, "house_number": LATIN, "postcode": LATIN, "town": LATIN}
MOVE = ADDRESS | {"moved_in": DATE, "previous_postcode": LATIN, "previous_town": LATIN}
LEGAL_FORM = st.sampled_from(
    [
        "sole-proprietor", "civil-law-partnership", "general-partnership", "limited-partnership", "limited-company",
        "entrepreneurial-company", "stock-corporation", "cooperative", "registered-association", "other",
    ]
)  # fmt: skip
TRADE = ADDRESS | {
    "business_name": LATIN, "legal_form": LEGAL_FORM, "activity": LATIN, "started_on": DATE,
}  # fmt: skip
SCHOOL = {
    "school_name": LATIN, "school_town": LATIN, "class_level": LATIN, "school_year": LATIN, "attends_since": DATE,
}  # fmt: skip
MEMBER = {
    "member_family_name": LATIN, "member_given_names": LATIN, "member_birth_date": DATE,
    "member_role": st.sampled_from(["head", "partner", "child", "other"]),
}  # fmt: skip
VEHICLE = {
    "vehicle_plate": LATIN, "vehicle_identification": LATIN, "vehicle_first_registered": DATE,
    "vehicle_keeper_since": DATE,
    "vehicle_class": st.sampled_from(["car", "motorcycle", "lorry", "bus", "tractor", "trailer", "other"]),
}  # fmt: skip


def any_of(keys: dict[str, SearchStrategy[Any]]) -> SearchStrategy[Record]:
    return st.fixed_dictionaries({}, optional=keys)


def group(keys: dict[str, SearchStrategy[Any]]) -> dict[str, SearchStrategy[Any]]:
    return {"entries": st.lists(some(**keys), min_size=1, max_size=4)}


EVIDENCE: dict[str, tuple[SearchStrategy[Record], dict[str, SearchStrategy[Any]]]] = {
    "residence": (RESIDENCE, {}),
    "birth": (BIRTH, {}),
    "household": (any_of(ADDRESS | {"household_size": st.integers(0, 99).map(str)}), group(MEMBER)),
    "trade-registration": (any_of(DOCUMENT | TRADE | {"registered_on": DATE, "trade_number": LATIN}), {}),
    "vehicle-keeper": (any_of(DOCUMENT | ADDRESS), group(VEHICLE)),
    "school-attendance": (any_of(DOCUMENT | SCHOOL), {}),
}
"""Its values, and the groups beside them."""
SUBMITTED = {
    "residence": MOVE, "trade-registration": TRADE, "vehicle-keeper": ADDRESS, "school-attendance": SCHOOL,
}  # fmt: skip

BASIS = some(kind=st.sampled_from(["choice", "consent", "statutory"]), record=UUID, norm=NAME)
PERSON = some(idnr=IDNR, birth_date=DATE, family_name=NAME, given_name=NAME, town=NAME, postcode=NAME)
REQUESTS = st.fixed_dictionaries(
    HEAD
    | {
        "evidence": CODE,
        "purpose": CODE,
        "procedure": CODE,
        "case": NAME,
        "subject": PERSON,
    },
    optional=TEST
    | {
        "register": NAME,
        "basis": BASIS,
        "fields": st.lists(CODE, min_size=1, max_size=5),
        "on_behalf_of": NAME,
        "representative": NAME,
    },
)
ANSWERS = st.one_of(
    *(
        st.fixed_dictionaries(
            HEAD
            | REFERENCE
            | {
                "evidence": st.just(evidence),
                "values": values,
                "register": NAME,
                "purpose": CODE,
                "procedure": CODE,
                "case": NAME,
                "issuer": st.fixed_dictionaries({"id": NAME, "name": NAME}),
            },
            optional=TEST
            | beside
            | {
                "removed": st.lists(
                    st.fixed_dictionaries({"field": CODE, "rule": CODE}), min_size=1, max_size=3
                ),
                "notice": st.just("blocked"),
            },
        )
        for evidence, (values, beside) in EVIDENCE.items()
    )
)
SUBMISSIONS = st.one_of(
    *(
        st.fixed_dictionaries(
            HEAD
            | {
                "evidence": st.just(evidence),
                "register": NAME,
                "purpose": CODE,
                "procedure": CODE,
                "case": NAME,
                "subject": PERSON,
                "values": some(**fields),
            },
            optional=TEST
            | {"basis": BASIS, "on_behalf_of": NAME, "representative": NAME, "replaces": some(**fields)},
        )
        for evidence, fields in SUBMITTED.items()
    )
)
RECEIPTS = st.fixed_dictionaries(
    HEAD
    | REFERENCE
    | {
        "evidence": CODE,
        "register": NAME,
        "purpose": CODE,
        "procedure": CODE,
        "case": NAME,
        "outcome": st.sampled_from(["recorded", "already-on-file"]),
        "recorded": MOMENT,
    },
    optional=TEST | {"since": MOMENT},
)
REFUSALS = st.fixed_dictionaries(
    HEAD | REFERENCE | {"code": CODE, "message": MESSAGE},
    optional=TEST
    | {"checks": st.lists(CODE, min_size=1, max_size=4), "fields": st.lists(CODE, min_size=1, max_size=4)},
)
FAILURES = st.fixed_dictionaries(HEAD | REFERENCE | {"code": CODE, "message": MESSAGE}, optional=TEST)
RECORDS = {
    "evidence.request": REQUESTS,
    "evidence.answer": ANSWERS,
    "evidence.refusal": REFUSALS,
    "evidence.failure": FAILURES,
    "submit.request": SUBMISSIONS,
    "submit.receipt": RECEIPTS,
} | {
    f"item.{evidence}": st.builds(lambda values, groups: values | groups, values, any_of(beside))
    for evidence, (values, beside) in EVIDENCE.items()
}


@pytest.mark.parametrize("kind", RECORDS)
@given(data=st.data())
def test_what_xeinmal_writes_is_valid_and_comes_back(kind: str, data: st.DataObject) -> None:
    """Each record of each message: the document is valid by our schema and reads as the same record."""
    record = data.draw(RECORDS[kind])
    message = XEINMAL.by_record[kind]
    root = parse(message.mapping.write(record), Limits())
    schema = CATALOGUE.find(MessageKey.of(root))
    assert schema is not None
    assert schema.schema.valid(root), schema.schema.explain(root)
    assert message.mapping.read(root) == record


def test_every_record_of_xeinmal_has_this_proof() -> None:
    """A message added later joins the properties."""
    assert set(RECORDS) == set(XEINMAL.by_record)


@given(text=TOKEN, other=TOKEN, items=st.lists(TOKEN, min_size=1, max_size=4))
def test_hostile_text_comes_back_as_it_was(text: str, other: str, items: list[str]) -> None:
    """Markup, quotes, the end of CDATA and astral characters are only text, in elements and in attributes."""
    record = {
        "in_reply_to": other,
        "provider": {"name": f"{text}.", "scheme": other, "lang": text},
        "exceptions": [{"type": "query", "message": item, "detail": text} for item in items],
    }
    mapping = OOTS.by_record["evidence.exception"].mapping
    assert mapping.read(parse(mapping.write(record), Limits())) == record


@given(text=EXACT, attribute=EXACT)
def test_exact_text_keeps_every_white_space(text: str, attribute: str) -> None:
    """What a parser would turn into something else is written so that it doesn't."""
    mapping = Mapping.compile(
        b"root = 'r'\n[fields]\n'@b' = { key = 'b', type = 'text' }\n'a' = { key = 'a', type = 'text' }",
        "exact",
    )
    record = {"a": text, "b": attribute}
    assert mapping.read(parse(mapping.write(record), Limits())) == record


@given(data=st.data())
def test_the_order_of_a_record_does_not_matter(data: st.DataObject) -> None:
    """The same record gives the same bytes, however it was put together."""
    record = data.draw(REQUESTS)
    keys = data.draw(st.permutations(list(record)))
    mapping = XEINMAL.by_record["evidence.request"].mapping
    assert mapping.write({key: record[key] for key in keys}) == mapping.write(record)


@pytest.mark.parametrize(
    "character", ["\x7f", "\x80", "\u0430", "\u03b1", "\u4e00", "\U0001f600", "\u2028", "\u00ad"]
)
def test_our_schema_takes_latin_text_only(character: str) -> None:
    """Control characters and other scripts are no String.Latin (DIN 91379)."""
    mapping = XEINMAL.by_record["item.residence"].mapping
    root = parse(mapping.write({"town": f"A{character}B"}), Limits())
    listed = CATALOGUE.find(MessageKey.of(root))
    assert listed is not None
    assert not listed.schema.valid(root)
