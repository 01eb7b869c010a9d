"""JSON and multipart: what is built is read back as it was, whatever it holds."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from xoev_schemas import multipart, strict_json
from xoev_schemas.multipart import Part
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
