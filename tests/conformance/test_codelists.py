"""Our code lists by the schema that OASIS publishes for genericode, and the lists of others by the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from xoev_schemas import sets
from xoev_schemas.catalogue import Catalogue, MessageKey
from xoev_schemas.safe_xml import Limits, parse
from xoev_schemas.standards import packaged
from xoev_schemas.validate import Schema

XEINMAL = next(standard for standard in packaged() if standard.language == "xeinmal/1.0")
OURS = sorted((Path(str(XEINMAL.schema)).parent / "codelists").iterdir())
LIST = MessageKey("http://docs.oasis-open.org/codelist/ns/genericode/1.0/", "CodeList", "")


@pytest.fixture(scope="module")
def genericode(standards: Path) -> Schema:
    """Out: the official schema of a code list."""
    listed = Catalogue([sets.read(standards / "genericode-1.0")]).find(LIST)
    assert listed is not None
    return listed.schema


@pytest.mark.parametrize("file", OURS, ids=lambda file: file.stem)
def test_our_list_is_valid_genericode(genericode: Schema, file: Path) -> None:
    """Every list of XEinmal, with or without codes."""
    assert genericode.explain(parse(file.read_bytes(), Limits())) == ()


def test_the_schema_tells_a_list_from_what_is_none(genericode: Schema, standards: Path) -> None:
    """A published list is valid; ours without its version is not."""
    for file in sorted((standards / "xbildung-1.1" / "code").iterdir()):
        assert genericode.valid(parse(file.read_bytes(), Limits())), file.name
    broken = OURS[0].read_bytes().replace(b"<Version>1.0</Version>", b"")
    assert not genericode.valid(parse(broken, Limits()))
