"""The code lists of XEinmal: genericode as OASIS wants it, one for every list a message names, complete."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest
from lxml import etree

from consent.vocabulary import BasisKind, Check, Evidence, ReasonCode, Removed
from gateway.errors import FaultCode
from gateway.outbound.plain import DIRECTORY
from xoev_schemas.records import EvidenceAnswer, SubmitReceipt
from xoev_schemas.safe_xml import Limits, parse
from xoev_schemas.standards import packaged

XEINMAL = next(standard for standard in packaged() if standard.language == "xeinmal/1.0")
HOME = Path(str(XEINMAL.schema)).parent
LISTS = {path.stem: parse(path.read_bytes(), Limits()) for path in sorted((HOME / "codelists").iterdir())}
GC = "{http://docs.oasis-open.org/codelist/ns/genericode/1.0/}"
XS = "{http://www.w3.org/2001/XMLSchema}"
LANG = "{http://www.w3.org/XML/1998/namespace}lang"
URN = "urn:einmal:codeliste:"
TOWN = {"zweck", "verfahren"}
"""Lists whose codes each municipality sets: described here, without codes."""

SCHEMA = parse((HOME / "xeinmal.xsd").read_bytes(), Limits())
MAPPINGS: dict[str, Any] = {path.name: tomllib.loads(path.read_text("utf-8")) for path in HOME.glob("*.toml")}
PARTS: dict[str, Any] = {
    name: part for mapping in MAPPINGS.values() for name, part in mapping.get("part", {}).items()
}
TABLES: dict[str, Any] = {
    name: table for mapping in MAPPINGS.values() for name, table in mapping.get("codes", {}).items()
}


def text(root: etree._Element, path: str) -> str:
    [found] = root.findall(path)
    return str(found.text)


def rows(name: str) -> list[dict[str, str]]:
    return [
        {str(value.get("ColumnRef")): text(value, "SimpleValue") for value in row.findall("Value")}
        for row in LISTS[f"{name}_1.0"].findall("SimpleCodeList/Row")
    ]


def codes(name: str) -> set[str]:
    return {row["code"] for row in rows(name)}


@pytest.mark.parametrize("file", LISTS)
def test_a_list_is_genericode(file: str) -> None:
    """The root and its parts, in the order of OASIS genericode 1.0: identification, columns with a key, codes."""
    root = LISTS[file]
    assert root.tag == f"{GC}CodeList"
    parts = [str(part.tag) for part in root if part.tag != "Annotation"]
    expected = ["Identification", "ColumnSet", "SimpleCodeList"]
    assert parts == (expected[:2] if file.partition("_")[0] in TOWN else expected)
    identification = [str(part.tag) for part in root.findall("Identification/*")]
    assert identification == [
        "ShortName", "LongName", "LongName", "Version", "CanonicalUri", "CanonicalVersionUri", "Agency",
    ]  # fmt: skip
    assert [name.get(LANG) for name in root.findall("Identification/LongName")] == ["de", "en"]
    columns = {column.get("Id"): column.get("Use") for column in root.findall("ColumnSet/Column")}
    assert columns.keys() >= {"code", "de", "en"}
    assert set(columns.values()) == {"required"}
    [key] = root.findall("ColumnSet/Key")
    assert [reference.get("Ref") for reference in key.findall("ColumnRef")] == ["code"]


@pytest.mark.parametrize("file", LISTS)
def test_a_list_is_in_the_file_named_after_it(file: str) -> None:
    """Name, version and URNs agree."""
    root = LISTS[file]
    name, _, version = file.partition("_")
    assert text(root, "Identification/ShortName") == name
    assert text(root, "Identification/Version") == version
    assert text(root, "Identification/CanonicalUri") == URN + name
    assert text(root, "Identification/CanonicalVersionUri") == URN + file


@pytest.mark.parametrize("file", LISTS)
def test_every_code_has_its_words(file: str) -> None:
    """Each row fills every column, with text that nothing has to be trimmed from; no code stands twice."""
    name = file.partition("_")[0]
    columns = [column.get("Id") for column in LISTS[file].findall("ColumnSet/Column")]
    for row in rows(name):
        assert list(row) == columns, row
        assert all(said and said == " ".join(said.split()) for said in row.values()), row
    assert len(codes(name)) == len(rows(name))
    assert bool(codes(name)) == (name not in TOWN)


def named_by_schema() -> Iterator[tuple[str, str | None]]:
    for kind in SCHEMA.iter(f"{XS}complexType"):
        fixed = {one.get("name"): one.get("fixed") for one in kind.iter(f"{XS}attribute")}
        if fixed.get("listURI"):
            yield str(fixed["listURI"]), fixed["listVersionID"]


def named_by_mappings() -> Iterator[tuple[str, str]]:
    for mapping in MAPPINGS.values():
        for part in (mapping.get("fields", {}), *mapping.get("part", {}).values()):
            for path, said in part.items():
                if path.endswith("@listURI"):
                    yield said["const"], part[path.replace("@listURI", "@listVersionID")]["const"]


def test_every_list_a_message_names_is_here() -> None:
    """Schema and mappings name the same lists, each with its version; none is here that no message names."""
    by_schema, by_mappings = dict(named_by_schema()), dict(named_by_mappings())
    assert by_schema.keys() == by_mappings.keys()
    assert {f"{urn}_{version}" for urn, version in by_mappings.items()} == {URN + file for file in LISTS}
    assert all(version in (None, by_mappings[urn]) for urn, version in by_schema.items())


def test_the_codes_the_schema_lists_are_the_list() -> None:
    """Where the schema fixes the codes (code type 1), it fixes all of the list and no other."""
    fixed = {}
    for kind in SCHEMA.iter(f"{XS}complexType"):
        values = {str(one.get("value")) for one in kind.iter(f"{XS}enumeration")}
        if values:
            [uri] = [
                str(one.get("fixed")) for one in kind.iter(f"{XS}attribute") if one.get("name") == "listURI"
            ]
            fixed[uri.removeprefix(URN)] = values
    assert fixed == {name: codes(name) for name in {*TABLES, "nachrichtentyp"}}


@pytest.mark.parametrize("name", TABLES)
def test_the_codes_a_mapping_translates_are_the_list(name: str) -> None:
    """Code and word of the record, as the mapping has them."""
    assert {row["code"]: row["record"] for row in rows(name)} == TABLES[name]


def fields(part: dict[str, Any]) -> set[str]:
    """Out: the keys a part fills, of parts in place and of lists' records too."""
    found = set[str]()
    for said in part.values():
        row = {"key": said} if isinstance(said, str) else said
        if "list" in row or row.keys() == {"part"}:
            found |= fields(PARTS[row["part"]])
        else:
            found.add(row["key"])
    return found


EVIDENCE = {
    record.removeprefix("item."): message
    for record, message in XEINMAL.by_record.items()
    if record.startswith("item.")
}
ENUMERATIONS: dict[str, set[str]] = {
    "pruefung": set(Check),
    "grund": {*ReasonCode, *FaultCode},
    "regel": set(get_args(get_type_hints(Removed)["rule"])),
    "nachweistyp": set(EVIDENCE),
    "nachrichtentyp": {message.number for message in XEINMAL.by_record.values() if message.number},
    "verzeichnisdienst": {DIRECTORY},
    "angabe": set[str]().union(*(fields(PARTS[message.root]) for message in EVIDENCE.values())),
}


@pytest.mark.parametrize("name", ENUMERATIONS)
def test_a_list_is_what_the_house_says(name: str) -> None:
    """Checks, reasons, rules, evidence types, fields: the list has all of the code's own, and no other."""
    assert codes(name) == {str(code) for code in ENUMERATIONS[name]}


def test_what_is_translated_is_all_the_law_knows() -> None:
    """Kinds of basis, notices and outcomes: every word of a record has its code."""
    assert set(TABLES["rechtsgrundlage"].values()) == set(BasisKind)
    [notice, _] = get_args(get_type_hints(Evidence)["notice"])
    assert set(TABLES["hinweis"].values()) == set(get_args(notice))
    assert get_type_hints(EvidenceAnswer)["notice"] == get_type_hints(Evidence)["notice"]
    assert set(TABLES["ergebnis"].values()) == set(get_args(get_type_hints(SubmitReceipt)["outcome"]))


def test_every_list_has_its_proof() -> None:
    """A list added later is compared with what it lists, or said to be the town's."""
    names = {re.sub(r"_[^_]*$", "", file) for file in LISTS}
    assert names == ENUMERATIONS.keys() | TABLES.keys() | TOWN
