"""The catalogue: how imports are found, what is named when they are not, which schema judges what."""

from __future__ import annotations

import pytest

from xoev_schemas.catalogue import Catalogue, MessageKey
from xoev_schemas.safe_xml import Limits, parse
from xoev_schemas.sets import SchemaSet, packaged

URL = "https://schemata.example/code/1_0/code.xsd"


def schema(namespace: str, inner: str, version: str = "1.0") -> bytes:
    return (
        f'<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns="{namespace}" xmlns:c="urn:code" '
        f'targetNamespace="{namespace}" version="{version}" '
        f'elementFormDefault="qualified">{inner}</xs:schema>'
    ).encode()


CODE = schema(
    "urn:code",
    '<xs:simpleType name="Code"><xs:restriction base="xs:string"><xs:pattern value="[0-9]+"/>'
    "</xs:restriction></xs:simpleType>",
)


def message(reference: str) -> bytes:
    return schema("urn:m", f'{reference}<xs:element name="m" type="c:Code"/>')


def valid(catalogue: Catalogue, body: bytes) -> bool | None:
    root = parse(body, Limits())
    listed = catalogue.find(MessageKey.of(root))
    return None if listed is None else listed.schema.valid(root)


@pytest.mark.parametrize(
    ("reference", "files"),
    [
        ('<xs:import namespace="urn:code" schemaLocation="code.xsd"/>', {"xsd/code.xsd": CODE}),
        ('<xs:import namespace="urn:code" schemaLocation="../core/code.xsd"/>', {"core/code.xsd": CODE}),
        (f'<xs:import namespace="urn:code" schemaLocation="{URL}"/>', {"code/1_0/code.xsd": CODE}),
        ('<xs:import namespace="urn:code" schemaLocation="elsewhere/code.xsd"/>', {"code.xsd": CODE}),
        ('<xs:import namespace="urn:code"/>', {"any-name.xsd": CODE}),
    ],
    ids=["location", "folder", "url", "file name", "namespace"],
)
@pytest.mark.parametrize("other_set", [False, True])
def test_an_import_is_found_by_whatever_it_says(
    reference: str, files: dict[str, bytes], other_set: bool
) -> None:
    """By location, URL, bare file name or namespace; in the set itself or in another one."""
    own = {"xsd/m.xsd": message(reference)}
    sets = [SchemaSet("m", own), SchemaSet("core", files)] if other_set else [SchemaSet("m", own | files)]
    catalogue = Catalogue(sets)
    assert catalogue.flaws == ()
    assert valid(catalogue, b"<m xmlns='urn:m'>12</m>") is True
    assert valid(catalogue, b"<m xmlns='urn:m'>x</m>") is False


def test_the_same_file_name_of_another_namespace_is_not_taken() -> None:
    """A name alone is no proof."""
    files = {"m.xsd": message('<xs:import namespace="urn:code" schemaLocation="code.xsd"/>'),
             "code.xsd": schema("urn:other", ""), "deep/code.xsd": CODE}  # fmt: skip
    assert valid(Catalogue([SchemaSet("m", files)]), b"<m xmlns='urn:m'>12</m>") is True


def test_a_missing_import_is_named_with_the_file_that_wants_it() -> None:
    """Nothing is fetched; the rest of the catalogue works."""
    wanting = SchemaSet(
        "m", {"xsd/m.xsd": message(f'<xs:import namespace="urn:code" schemaLocation="{URL}"/>')}
    )
    sound = SchemaSet("s", {"s.xsd": schema("urn:s", '<xs:element name="s" type="xs:string"/>')})
    catalogue = Catalogue([wanting, sound])
    [flaw] = catalogue.flaws
    assert (flaw.set, flaw.file) == ("m", "xsd/m.xsd")
    assert "urn:code" in flaw.wrong
    assert URL in flaw.wrong
    assert valid(catalogue, b"<m xmlns='urn:m'>12</m>") is None
    assert valid(catalogue, b"<s xmlns='urn:s'/>") is True
    assert Catalogue([sound]).flaws_with(wanting) == (flaw,)
    assert Catalogue([SchemaSet("core", {"code.xsd": CODE})]).flaws_with(wanting) == ()


def test_a_namespace_in_several_documents_is_imported_whole() -> None:
    """libxml2 takes only the first import of a namespace; here each brings what it names."""
    inner = '<xs:element name="{0}" type="xs:string"/>'
    files = {
        "a.xsd": schema("urn:code", inner.format("a")),
        "b.xsd": schema("urn:code", inner.format("b")),
        "m.xsd": schema("urn:m", '<xs:import namespace="urn:code" schemaLocation="a.xsd"/><xs:include '
                        'schemaLocation="n.xsd"/><xs:element name="m"><xs:complexType><xs:sequence>'
                        '<xs:element ref="c:a"/></xs:sequence></xs:complexType></xs:element>'),
        "n.xsd": schema("urn:m", '<xs:import namespace="urn:code" schemaLocation="b.xsd"/>'
                        '<xs:element name="n"><xs:complexType><xs:sequence>'
                        '<xs:element ref="c:b"/></xs:sequence></xs:complexType>'
                        "</xs:element>"),
    }  # fmt: skip
    catalogue = Catalogue([SchemaSet("m", files)])
    assert catalogue.flaws == ()
    assert valid(catalogue, b"<m xmlns='urn:m'><a xmlns='urn:code'/></m>") is True
    assert valid(catalogue, b"<n xmlns='urn:m'><b xmlns='urn:code'/></n>") is True


def test_documents_that_contradict_each_other_are_compiled_apart() -> None:
    """Two releases in one folder: each judges its own version; another version is unknown."""
    element = '<xs:element name="m" type="xs:{0}"/>'
    files = {"1/m.xsd": schema("urn:m", element.format("integer"), "1.0"),
             "2/m.xsd": schema("urn:m", element.format("boolean"), "2.0")}  # fmt: skip
    catalogue = Catalogue([SchemaSet("m", files)])
    assert catalogue.flaws == ()
    first, second = catalogue.schema("urn:m", "m", "1.0"), catalogue.schema("urn:m", "m", "2.0")
    assert first is not None
    assert second is not None
    number = parse(b"<m xmlns='urn:m'>7</m>", Limits())
    assert first.valid(number)
    assert not second.valid(number)
    assert catalogue.schema("urn:m", "m", "3.0") is None
    assert catalogue.schema("urn:m", "m") is None


def test_a_circle_of_includes_compiles() -> None:
    """Two files that include each other are one schema."""
    files = {"a.xsd": schema("urn:m", '<xs:include schemaLocation="b.xsd"/><xs:element name="a" type="T"/>'),
             "b.xsd": schema("urn:m", '<xs:include schemaLocation="a.xsd"/><xs:simpleType name="T">'
                             '<xs:restriction base="xs:integer"/></xs:simpleType>')}  # fmt: skip
    catalogue = Catalogue([SchemaSet("m", files)])
    assert catalogue.flaws == ()
    assert valid(catalogue, b"<a xmlns='urn:m'>1</a>") is True
    found = catalogue.schema("urn:m", "a")
    assert found is not None
    assert [finding.path for finding in found.explain(parse(b"<a xmlns='urn:m'>x</a>", Limits()))] == ["/a"]


def test_what_is_no_schema_and_what_does_not_compile_is_named() -> None:
    """Each file with its own words; the file is named as the administrator knows it."""
    files = {
        "a.xsd": b"<xs:sch",
        "b.xsd": b"<x/>",
        "c.xsd": schema("urn:m", '<xs:element name="m" type="T"/>'),
    }
    told = {flaw.file: flaw.wrong for flaw in Catalogue([SchemaSet("m", files)]).flaws}
    assert set(told) == {"a.xsd", "b.xsd", "c.xsd"}
    assert "m/c.xsd" in told["c.xsd"] or "T" in told["c.xsd"]
    assert "einmal:" not in " ".join(told.values())


def test_a_schema_never_opens_a_file_or_an_address() -> None:
    """Neither an import by file URL nor an entity reaches outside the sets."""
    outside = message('<xs:import namespace="urn:code" schemaLocation="file:///etc/passwd"/>')
    assert Catalogue([SchemaSet("m", {"m.xsd": outside})]).flaws != ()
    entity = b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/hostname">]>' + schema("urn:m", "&e;")
    assert Catalogue([SchemaSet("m", {"m.xsd": entity})]).flaws != ()


def test_an_instance_cannot_bring_its_own_schema() -> None:
    """`xsi:schemaLocation` in a message is only text."""
    catalogue = Catalogue(
        [SchemaSet("m", {"m.xsd": schema("urn:m", '<xs:element name="m" type="xs:integer"/>')})]
    )
    body = (
        b'<m xmlns="urn:m" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
        b'xsi:schemaLocation="urn:m file:///nowhere/other.xsd">x</m>'
    )
    assert valid(catalogue, body) is False


def test_the_packaged_sets_compile() -> None:
    """A fresh home has a catalogue without a flaw."""
    assert Catalogue(packaged()).flaws == ()
